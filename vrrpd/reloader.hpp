// Reads the configuration file again and hands what it says to the agent.
//
// Reading takes tens of milliseconds for a thousand instances, looks users up, and may meet a file system that hangs: a
// thread of its own does it, without real-time priority, while the protocol goes on. Whether the file can be
// used is decided before anything is touched; each problem is logged, and told to whoever asked.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "vrrpd/agent/agent.hpp"
#include "vrrpd/config/load.hpp"
#include "vrrpd/loop/descriptor.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class Reloader {
  public:
    struct Outcome {
        bool applied = false;
        std::vector<std::string> problems;  ///< errors and warnings, as `--check` says them
    };
    using Done = std::function<void(const Outcome&)>;

    /// Why a valid configuration cannot be used here, or nothing; called on the thread.
    using Objection = std::function<std::string(const config::Config&)>;

    /// All must outlive this. Throws std::system_error.
    Reloader(Loop& loop, std::string file, Agent& agent, Objection objection);
    Reloader(const Reloader&) = delete;
    Reloader& operator=(const Reloader&) = delete;

    /// Who is to hear that another configuration is in force.
    void on_applied(std::function<void()> applied) { applied_ = std::move(applied); }

    /// Reads, validates and applies; `done` is called from the loop, once. A call while a file is being read has it
    /// read once more afterwards: what is in force in the end is what the file said after the last call.
    void reload(Done done = {});

  private:
    void read();
    void finish();
    void tell(Outcome outcome, std::vector<Done> askers);

    Loop& loop_;
    const std::string file_;
    Agent& agent_;
    const Objection objection_;
    std::function<void()> applied_;
    std::vector<Done> waiting_;  // for the next reading
    std::vector<Done> served_;   // by the one under way
    struct Reading {
        Descriptor done;
        std::atomic<bool> complete = false;  // and the rest may be looked at
        config::Loaded loaded;
        std::string objection;
        Reading();
    };
    std::shared_ptr<Reading> reading_;  // the thread's, while there is one; which is left behind if it does not end
    std::unique_ptr<Watch> watch_;
    bool busy_ = false;
};

}  // namespace vrrpd
