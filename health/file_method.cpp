#include "health/file_method.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include <sys/inotify.h>

#include "health/small_file.hpp"

namespace vrrpd::health {
namespace {

constexpr std::uint32_t folder_events =
    IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t file_events = IN_CLOSE_WRITE | IN_DELETE_SELF | IN_MOVE_SELF;

class FileProbe final : public Probe {
  public:
    FileProbe(Loop& loop, std::string path, Found found)
        : path_(std::move(path)), found_(std::move(found)), timer_(loop.timer([this] {
              const Found found_now = std::move(found_);
              found_now(judge_file(path_));
          })) {
        timer_->arm(loop.now());
    }

  private:
    const std::string path_;
    Found found_;
    std::unique_ptr<Timer> timer_;
};

}  // namespace

Finding judge_file(const std::string& path) {
    const SmallFile file = read_small_file(path);
    if (file.error == ENOENT || file.error == ENOTDIR) return {Class::up, "no file"};
    if (is_own_lack(file.error)) return not_asked(file.error);
    if (file.error == EINVAL) return {Class::failed, "not a regular file", true};
    if (file.error != 0) return {Class::failed, std::generic_category().message(file.error), true};
    const auto text = trimmed(file.text);
    if (text.empty() && file.text.size() < SmallFile::longest) return {Class::up, "empty"};
    const auto number = parse_number(text);
    if (!number || file.text.size() == SmallFile::longest) {
        return {Class::failed, "it says " + quotation(text) + ", which is no number", true};
    }
    Finding finding{*number == 0 ? Class::up : Class::failed, "it says " + std::to_string(*number), *number != 0};
    finding.number = *number;
    return finding;
}

FileMethod::FileMethod(Loop& loop, const CheckOptions& options, std::function<void()> hint)
    : loop_(loop),
      path_(options.path),
      folder_(path_.substr(0, std::max<std::size_t>(path_.rfind('/'), 1))),
      name_(path_.substr(path_.rfind('/') + 1)),
      hint_(std::move(hint)),
      pause_(loop.timer([this] { hint_(); })) {}

// The watches come before the look: what changes in between is a hint.
std::unique_ptr<Probe> FileMethod::probe(Found found) {
    hold();
    return std::make_unique<FileProbe>(loop_, path_, std::move(found));
}

void FileMethod::release() {
    pause_->disarm();
    watch_.reset();
    notify_.reset();
    folder_handle_ = file_handle_ = -1;
}

// Each time anew: folder and file may be others by now. Watching the same ones again changes nothing.
void FileMethod::hold() {
    if (!notify_) {
        notify_ = Descriptor(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
        if (!notify_) return;
        watch_ = loop_.watch(notify_.get(), readable, [this](std::uint32_t) { ready(); });
    }
    watch(folder_handle_, folder_, folder_events);
    watch(file_handle_, path_, file_events);
}

void FileMethod::watch(int& handle, const std::string& path, std::uint32_t events) {
    const int before = std::exchange(handle, inotify_add_watch(notify_.get(), path.c_str(), events));
    if (before >= 0 && before != handle) inotify_rm_watch(notify_.get(), before);
}

void FileMethod::ready() {
    alignas(inotify_event) char buffer[4096];
    const ssize_t got = read(notify_.get(), buffer, sizeof buffer);
    bool ours = false;
    for (ssize_t at = 0; at < got;) {
        const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
        ours = ours || concerns_us(event->len > 0 ? event->name : "", event->mask);
        at += static_cast<ssize_t>(sizeof *event + event->len);
    }
    if (!ours) return;
    const Instant when = std::max(loop_.now(), not_before_);
    not_before_ = when + file_hint_pause;
    pause_->arm(when);
}

bool FileMethod::concerns_us(const char* name, std::uint32_t events) const {
    // Without a name it is the file, or the end of the folder. That a watch is gone was our wish, or is told twice.
    if ((events & IN_IGNORED) != 0) return false;
    return *name == '\0' || name_ == name;
}

}  // namespace vrrpd::health
