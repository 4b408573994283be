#include "vrrpd/config/source.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <glob.h>
#include <set>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "vrrpd/config/parsers.hpp"

namespace vrrpd::config {
namespace {

constexpr int max_depth = 8;
constexpr std::size_t max_files = 256;

class File {
  public:
    // Not blocking: opening a FIFO must not wait for its writer.
    explicit File(const std::string& path)
        : number_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
    ~File() {
        if (number_ >= 0) close(number_);
    }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    int number() const { return number_; }

  private:
    int number_;
};

std::vector<std::string> expand(const std::string& pattern) {
    glob_t found{};
    std::vector<std::string> paths;
    if (glob(pattern.c_str(), 0, nullptr, &found) == 0) paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
    globfree(&found);
    return paths;
}

class SourceReader {
  public:
    explicit SourceReader(Problems& problems) : problems_(problems) {}

    /// `origin` is the include line that named the file, or null.
    void read(const std::string& path, const Entry* origin, int depth) {
        if (const auto refusal = admit(path, depth); !refusal.empty()) return problem(path, origin, refusal);
        const auto text = read_text_file(path, max_file_size);
        if (!text) return problem(path, origin, text.error());
        source_.files.push_back(path);
        std::vector<Entry> entries;
        read_ini(*text, path, entries, problems_);
        source_.entries.insert(source_.entries.end(), entries.begin(), entries.end());
        for (const Entry& entry : entries) {
            if (entry.kind == "global" && entry.key == "include" && !entry.broken) follow(entry, depth);
        }
    }

    Source take() { return std::move(source_); }

  private:
    std::string admit(const std::string& path, int depth) {
        struct stat status {};
        if (depth > max_depth) return fmt::format("is nested too deep, at most {} levels are allowed", max_depth);
        if (source_.files.size() >= max_files)
            return fmt::format("is one file too many, at most {} are allowed", max_files);
        if (stat(path.c_str(), &status) != 0) return {};
        if (!seen_.emplace(status.st_dev, status.st_ino).second)
            return "is included twice, each file may be there once";
        return {};
    }

    void follow(const Entry& entry, int depth) {
        const auto folder = std::filesystem::path(entry.place.file).parent_path();
        for (const Value& item : items_of(entry.value)) {
            if (item.empty()) continue;  // the schema reports it
            const std::string pattern = (folder / text_of(item)).string();
            const auto paths = expand(pattern);
            if (paths.empty() && pattern.find_first_of("*?[") == std::string::npos) {
                problem(pattern, &entry, "does not exist");
            }
            for (const std::string& path : paths) read(path, &entry, depth + 1);
        }
    }

    void problem(const std::string& path, const Entry* origin, const std::string& text) {
        if (origin == nullptr) {
            problems_.push_back({path, 0, {}, {}, text, Severity::error});
        } else {
            problems_.push_back({origin->place.file, origin->place.line, "global", "include",
                                 fmt::format("{} {}", excerpt(path), text), Severity::error});
        }
    }

    Problems& problems_;
    Source source_;
    std::set<std::pair<dev_t, ino_t>> seen_;
};

/// `forbidden`: rights of others that a file may not give.
Result<std::string> read_file(const std::string& path, std::size_t limit, mode_t forbidden) {
    const auto unreadable = [] { return failure(fmt::format("cannot be read: {}", std::strerror(errno))); };
    const File file(path);
    struct stat status {};
    if (file.number() < 0 || fstat(file.number(), &status) != 0) return unreadable();
    if (!S_ISREG(status.st_mode)) return failure("is no regular file");
    if ((status.st_mode & forbidden & S_IWOTH) != 0)
        return failure("may be written by everybody, take that right away (chmod o-w)");
    if ((status.st_mode & forbidden & S_IROTH) != 0)
        return failure("may be read by everybody, take that right away (chmod o-r)");
    std::string text(limit + 1, '\0');
    std::size_t size = 0;
    while (size < text.size()) {
        const ssize_t got = ::read(file.number(), text.data() + size, text.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return unreadable();
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    if (size > limit) return failure(fmt::format("has more than {} bytes, which is the limit", limit));
    text.resize(size);
    return text;
}

}  // namespace

Result<std::string> read_text_file(const std::string& path, std::size_t limit) {
    return read_file(path, limit, S_IWOTH);
}

Result<std::string> read_secret(const std::string& path) {
    auto text = read_file(path, 4096, S_IWOTH | S_IROTH);
    if (!text) return text;
    text->erase(std::min(text->find('\n'), text->size()));
    if (text->ends_with('\r')) text->pop_back();
    if (text->empty()) return failure("has an empty first line");
    return text;
}

Source read_source(const std::string& path, Problems& problems) {
    SourceReader reader(problems);
    reader.read(path, nullptr, 0);
    return reader.take();
}

}  // namespace vrrpd::config
