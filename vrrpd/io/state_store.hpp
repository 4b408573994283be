// A folder for the little that has to survive a restart and a reboot, and the thread that writes to it.
//
// A disk may take a second for one line, so the loop never waits for it: what is to be written goes into a bounded
// queue, and what came of it comes back through the loop. Files are replaced as a whole (a new one is written, synced
// and renamed, so that a crash leaves the old one or the new one), or appended to.
//
// Promises: nothing is read or written that is not a regular file of our user's with one name, which only its owner may
// write, in such a folder; no link is followed. A store that cannot be used says why, and refuses everything with that
// sentence. The destructor waits for what is queued for half a second, then leaves it behind with the thread.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <pthread.h>
#include <string>
#include <vector>

#include "vrrpd/core/result.hpp"
#include "vrrpd/loop/loop.hpp"

namespace vrrpd {

class StateStore {
  public:
    static constexpr std::size_t most_queued = std::size_t{1} << 20;  ///< bytes that wait for the disk

    /// `error`: why it was not written, in a sentence; empty: it was.
    using Done = std::function<void(const std::string& error)>;

    /// Opens the folder, which is made (0755) if only it is missing. May wait.
    StateStore(Loop& loop, const std::string& folder);
    ~StateStore();
    StateStore(const StateStore&) = delete;
    StateStore& operator=(const StateStore&) = delete;

    /// Why nothing can be kept; empty: it can.
    const std::string& problem() const { return problem_; }

    /// The end of a file, at most so many bytes of it; empty if there is no file. May wait: before the protocol starts.
    Result<std::string> read(const std::string& name, std::size_t longest) const;

    /// Carried out in their order. `done` is called from the loop.
    void replace(const std::string& name, std::string text, Done done = {});
    void append(const std::string& name, std::string text, Done done = {});

  private:
    struct Job;
    struct Shared;  // lives as long as the longer of both threads

    void queue(Job job, Done done);
    void on_results();

    Loop& loop_;
    std::string problem_;
    std::shared_ptr<Shared> shared_;  // none: nothing can be kept
    pthread_t thread_{};
    std::size_t jobs_ = 0;
    std::map<std::size_t, Done> waiting_;  // by number of the job
    std::unique_ptr<Timer> refusal_;       // of what could not even be queued
    std::vector<Done> refused_;
    std::unique_ptr<Watch> watch_;  // last, so that it goes before its descriptor
};

}  // namespace vrrpd
