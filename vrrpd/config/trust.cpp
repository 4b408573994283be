#include "vrrpd/config/trust.hpp"

#include <array>
#include <climits>
#include <deque>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "vrrpd/config/parsers.hpp"

namespace vrrpd::config {
namespace {

constexpr int most_links = 40;  // as the kernel has it

std::deque<std::string> parts_of(const std::string& path) {
    std::deque<std::string> parts;
    for (std::size_t at = 0; at < path.size();) {
        const std::size_t end = std::min(path.find('/', at), path.size());
        if (end > at) parts.push_back(path.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

/// What is wrong with one file, folder or link. A link's own mode means nothing: its folder decides.
std::string distrust(const std::string& path, const struct stat& status) {
    if (status.st_uid != 0) return fmt::format("{} belongs to user {}", excerpt(path), status.st_uid);
    if (S_ISLNK(status.st_mode) || (S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0)) return {};
    if ((status.st_mode & S_IWOTH) != 0) return fmt::format("everybody may write to {}", excerpt(path));
    if ((status.st_mode & S_IWGRP) == 0 || status.st_gid == 0) return {};
    return fmt::format("group {} may write to {}", status.st_gid, excerpt(path));
}

std::string target_of(const std::string& link) {
    std::array<char, PATH_MAX> target{};
    const ssize_t length = readlink(link.c_str(), target.data(), target.size());
    return {target.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

}  // namespace

// Goes the way that the kernel goes: every folder on it, and the folders of every link.
std::string who_else_may_change(const std::string& program) {
    std::deque<std::string> left = parts_of(program);
    std::string here = "/";
    for (int links = 0; links <= most_links;) {
        struct stat status {};
        if (lstat(here.c_str(), &status) != 0) return {};  // that it is not there is said elsewhere
        if (std::string sentence = distrust(here, status); !sentence.empty()) return sentence;
        if (S_ISLNK(status.st_mode)) {
            ++links;
            const std::string target = target_of(here);
            const auto parts = parts_of(target);
            left.insert(left.begin(), parts.begin(), parts.end());
            here = target.starts_with('/') ? "/" : here.substr(0, std::max<std::size_t>(here.rfind('/'), 1));
            continue;
        }
        if (left.empty()) return {};
        const std::string part = std::exchange(left.front(), {});
        left.pop_front();
        if (part == "..") {
            here = here.substr(0, std::max<std::size_t>(here.rfind('/'), 1));
        } else if (part != ".") {
            here += here == "/" ? part : "/" + part;
        }
    }
    return fmt::format("{} leads through too many links", excerpt(program));
}

std::string hanging_file_system(const std::string& path) {
    constexpr std::array<std::pair<std::uint32_t, const char*>, 9> remote{{{0x6969, "NFS"},
                                                                           {0x517B, "SMB"},
                                                                           {0xFF534D42, "CIFS"},
                                                                           {0xFE534D42, "SMB2"},
                                                                           {0x65735546, "FUSE"},
                                                                           {0x00C36400, "Ceph"},
                                                                           {0x5346414F, "AFS"},
                                                                           {0x73757245, "Coda"},
                                                                           {0x01021997, "9P"}}};
    struct statfs status {};
    for (std::string at = path; statfs(at.c_str(), &status) != 0;) {
        if (at.size() <= 1) return {};
        at.resize(std::max<std::size_t>(at.rfind('/'), 1));
    }
    for (const auto& [magic, name] : remote) {
        if (static_cast<std::uint32_t>(status.f_type) == magic) return name;
    }
    return {};
}

}  // namespace vrrpd::config
