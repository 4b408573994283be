#include "health/process_method.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <system_error>
#include <unistd.h>
#include <utility>

#include "health/deadline.hpp"
#include "health/small_file.hpp"
#include "vrrpd/launcher/pidfd.hpp"

namespace vrrpd::health {
namespace {

constexpr int processes_at_once = 32;  // about 0.3 ms

bool has_ended(const Descriptor& process) {
    pollfd state{process.get(), POLLIN, 0};
    return poll(&state, 1, 0) != 0;
}

/// The kernel's name of a process, below an open /proc; empty, with errno set: there is no such process, or none to be
/// seen.
std::string name_of(int proc, const char* pid) {
    errno = 0;
    const Descriptor file(openat(proc, std::string(pid).append("/comm").c_str(), O_RDONLY | O_CLOEXEC));
    char buffer[64];
    const ssize_t got = file ? read(file.get(), buffer, sizeof buffer) : -1;
    return got > 0 ? std::string(buffer, static_cast<std::size_t>(got - 1)) : std::string();  // without the line's end
}

class ProcessProbe final : public Probe {
  public:
    ProcessProbe(Loop& loop, const CheckOptions& options, HeldProcess& held, Found found);

  private:
    struct CloseFolder {
        void operator()(DIR* folder) const { closedir(folder); }
    };

    void look();
    Finding look_into_file();
    std::optional<Finding> look_on();
    Finding let_go(int error);
    void finish(const Finding& finding);

    Loop& loop_;
    const CheckOptions& options_;
    HeldProcess& held_;
    Found found_;
    std::unique_ptr<Timer> next_look_;
    std::optional<Deadline> deadline_;
    std::unique_ptr<DIR, CloseFolder> proc_;  // while it is gone through
};

ProcessProbe::ProcessProbe(Loop& loop, const CheckOptions& options, HeldProcess& held, Found found)
    : loop_(loop),
      options_(options),
      held_(held),
      found_(std::move(found)),
      next_look_(loop.timer([this] { look(); })) {
    next_look_->arm(loop.now());
}

void ProcessProbe::look() {
    if (const auto pid = held_.running()) return finish({Class::up, "pid " + std::to_string(*pid)});
    if (!options_.pid_file.empty()) return finish(look_into_file());
    if (!proc_) {
        proc_.reset(opendir("/proc"));
        if (!proc_ && is_own_lack(errno)) return finish(not_asked(errno));
        if (!proc_) return finish({Class::failed, "/proc: " + std::generic_category().message(errno)});
        deadline_.emplace(loop_, options_.timeout, [this] {
            finish({Class::timed_out, "not all processes looked at in " + in_milliseconds(options_.timeout)});
        });
    }
    if (const auto finding = look_on()) return finish(*finding);
    next_look_->arm(loop_.now());
}

Finding ProcessProbe::look_into_file() {
    const SmallFile file = read_small_file(options_.pid_file);
    if (is_own_lack(file.error)) return not_asked(file.error);
    if (file.error == EINVAL) return {Class::failed, "the pid file is not a regular file", true};
    if (file.error != 0) return {Class::failed, "pid file: " + std::generic_category().message(file.error), true};
    // Some have more lines with other things.
    const auto line = trimmed(std::string_view(file.text).substr(0, file.text.find('\n')));
    const int pid = parse_number(line).value_or(0);
    if (pid < 1) return {Class::failed, "the pid file says " + quotation(line) + ", which is no pid", true};
    const std::string named = "pid " + std::to_string(pid) + " of the pid file ";
    if (held_.is_left_behind(pid, file.status)) return {Class::failed, named + "has ended", true};
    if (const int error = held_.hold(pid, &file.status)) {
        if (is_own_lack(error)) return not_asked(error);
        if (error != ESRCH && error != EINVAL) return {Class::failed, std::generic_category().message(error)};
        return {Class::failed, named + "does not run", true};
    }
    // Looked at only now, when it can no longer be another one's.
    const Descriptor proc(open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    const std::string name = proc ? name_of(proc.get(), std::to_string(pid).c_str()) : std::string();
    if (name.empty() && is_own_lack(errno)) return let_go(errno);
    if (options_.process_name.empty() || name == options_.process_name)
        return {Class::up, "pid " + std::to_string(pid)};
    held_.release();
    return {Class::failed, named + "is called " + quotation(name), true};
}

/// The next portion; nothing: there are more.
std::optional<Finding> ProcessProbe::look_on() {
    for (int i = 0; i < processes_at_once;) {
        const dirent* entry = readdir(proc_.get());
        if (entry == nullptr) return Finding{Class::failed, "no process is called so", true};
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        ++i;
        const int proc = dirfd(proc_.get());
        const std::string name = name_of(proc, entry->d_name);
        if (name.empty() && is_own_lack(errno)) return not_asked(errno);
        if (name != options_.process_name) continue;
        const auto pid = static_cast<pid_t>(std::stol(entry->d_name));
        const int error = held_.hold(pid, nullptr);
        if (is_own_lack(error)) return not_asked(error);
        if (error != 0) continue;
        const std::string held = name_of(proc, entry->d_name);
        if (held == options_.process_name) return Finding{Class::up, "pid " + std::to_string(pid)};
        if (held.empty() && is_own_lack(errno)) return let_go(errno);
        held_.release();
    }
    return std::nullopt;
}

// Nothing is held that could not be looked at.
Finding ProcessProbe::let_go(int error) {
    held_.release();
    return not_asked(error);
}

void ProcessProbe::finish(const Finding& finding) {
    next_look_.reset();
    deadline_.reset();
    const Found found = std::move(found_);
    found(finding);
}

}  // namespace

std::optional<pid_t> HeldProcess::running() const {
    if (!process_ || has_ended(process_)) return std::nullopt;
    return pid_;
}

int HeldProcess::hold(pid_t pid, const struct stat* file) {
    Descriptor process(pidfd_open(pid, 0));
    if (!process) return errno;
    if (has_ended(process)) return ESRCH;
    pid_ = pid;
    file_ = {};
    if (file != nullptr) file_ = *file;
    watch_.reset();  // before the descriptor that it is on
    process_ = std::move(process);
    watch_ = loop_.watch(process_.get(), readable, [this](std::uint32_t) {
        watch_.reset();
        ended_();
    });
    return 0;
}

bool HeldProcess::is_left_behind(pid_t pid, const struct stat& file) const {
    return pid == pid_ && file.st_ino == file_.st_ino && file.st_dev == file_.st_dev && file.st_size == file_.st_size &&
           file.st_mtim.tv_sec == file_.st_mtim.tv_sec && file.st_mtim.tv_nsec == file_.st_mtim.tv_nsec;
}

void HeldProcess::release() {
    watch_.reset();
    process_.reset();
    pid_ = 0;
}

ProcessMethod::ProcessMethod(Loop& loop, const CheckOptions& options, std::function<void()> hint)
    : loop_(loop), options_(options), held_(loop, std::move(hint)) {}

std::unique_ptr<Probe> ProcessMethod::probe(Found found) {
    return std::make_unique<ProcessProbe>(loop_, options_, held_, std::move(found));
}

}  // namespace vrrpd::health
