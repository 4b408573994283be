#include "vrrpd/config/system.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <pwd.h>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <sys/stat.h>

#include "vrrpd/config/values.hpp"

namespace vrrpd::config {
namespace {

/// 0, or the errno that says why a path cannot be executed.
int execution_error(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return EACCES;
    return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

}  // namespace

Result<Credentials> find_user(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(64 * 1024);
    const int error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return Credentials{found->pw_uid, found->pw_gid};
    const std::string reason = error == 0 ? "" : fmt::format(" ({})", std::strerror(error));
    return failure(
        fmt::format("there is no user {} on this host{}, allowed is one that exists", excerpt(name), reason));
}

Result<std::string> find_program(const std::string& program) {
    if (program.starts_with('/')) {
        const int error = execution_error(program);
        if (error == 0) return program;
        return failure(fmt::format("{} cannot be executed: {}", excerpt(program), std::strerror(error)));
    }
    constexpr std::array<std::string_view, 6> folders{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                      "/usr/bin",        "/sbin",          "/bin"};
    for (const std::string_view folder : folders) {
        std::string path = fmt::format("{}/{}", folder, program);
        if (execution_error(path) == 0) return path;
    }
    return failure(fmt::format("there is no program {} in {}, allowed is also an absolute path",
                               excerpt(program), fmt::join(folders, ":")));
}

std::string host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

}  // namespace vrrpd::config
