// Looks whether a process runs: the one that a pid file names, or any that is called so.
//
// Once found it is held by a pidfd: its end is known at once, a probe then costs one system call, and a number that
// the kernel gives to another process is not mistaken for it. While there is none each probe looks for it: reads
// the pid file, or goes through /proc, in portions of 32 processes with the loop in between, since the protocol
// shares this thread.
//
// A pid file that still is as it was when its process ended names nobody: whoever has that number now is another.
// A process that waits to be reaped has ended.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <sys/stat.h>
#include <sys/types.h>

#include "health/method.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd::health {

/// The process that a check has found, and what it remembers of the one before.
class HeldProcess {
  public:
    HeldProcess(Loop& loop, std::function<void()> ended) : loop_(loop), ended_(std::move(ended)) {}

    /// Its number, while it runs.
    std::optional<pid_t> running() const;

    /// Takes hold of a process; an errno if that has ended, or is none. `file`: the pid file that names it.
    int hold(pid_t pid, const struct stat* file);

    /// Whether `file` has not changed since it named a process that was held and has ended.
    bool is_left_behind(pid_t pid, const struct stat& file) const;

    void release();

  private:
    Loop& loop_;
    std::function<void()> ended_;
    pid_t pid_ = 0;
    Descriptor process_;
    std::unique_ptr<Watch> watch_;
    struct stat file_ {};
};

class ProcessMethod final : public Method {
  public:
    /// For `Kind::process`: reads pid_file, process_name and timeout.
    ProcessMethod(Loop& loop, const CheckOptions& options, std::function<void()> hint);

    std::unique_ptr<Probe> probe(Found found) override;
    void release() override { held_.release(); }

  private:
    Loop& loop_;
    const CheckOptions options_;
    HeldProcess held_;
};

}  // namespace vrrpd::health
