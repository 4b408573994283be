// One simulated machine: the real core as its process, and around it a kernel that adds and removes
// addresses, services, a link and two checks. Everything takes a while, may fail, and answers by events, as
// in the daemon. A paused process hears nothing; on resume it is told what queued up in order, before any timer (D12).
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/scenario.hpp"
#include "vrrpd/core/router.hpp"

namespace vrrpd::sim {

class Simulator;

class Host {
  public:
    Host(Simulator& world, std::size_t index, const InstanceOptions& options);
    Host(const Host&) = delete;

    // ---- what happens to it
    void boot();
    void crash();  ///< the machine, with all that it held
    void pause();
    void resume();
    void set_link(bool up);
    void set_check(std::size_t check, bool passing);
    void fail_service();
    void shut_down();
    void receive(const IpAddress& source, const std::vector<std::uint8_t>& message);

    // ---- looks
    bool alive() const { return router_ != nullptr; }
    bool paused() const { return paused_; }
    bool link_up() const { return link_up_; }
    bool check_passing(std::size_t check) const { return checks_[check]; }
    bool holds_addresses() const { return present_; }
    bool serving() const { return options_.front().services.empty() || service_ready_; }
    const Instance& instance() const { return router_->instance(0); }
    const Router& router() const { return *router_; }
    const InstanceOptions& options() const { return options_.front(); }
    std::string name() const { return std::string(1, static_cast<char>('A' + index_)); }

    /// When the process last stopped being Active or on its way out; never while it is.
    Instant passive_since() const { return passive_since_; }
    /// Faults that were held since the boot: each may double fault_hold.
    int held_faults() const { return held_faults_; }

  private:
    struct Letter {
        Event event;
        std::vector<std::uint8_t> bytes;  // of a Packet
    };

    void tell(Letter letter);
    void deliver(const Letter& letter);
    void expire();
    void carry_out();
    void arm();
    void look_at_path();
    void look_at_check(std::size_t check);

    bool send(std::uint8_t priority);
    void set_addresses(bool wanted);
    void set_services(ServiceWish wish);
    /// Calls back if the machine has not crashed meanwhile.
    template <typename Callback>
    void after(Duration delay, Callback callback);

    Simulator& world_;
    const std::size_t index_;
    const std::vector<InstanceOptions> options_;
    const IpAddress address_;

    std::unique_ptr<Router> router_;
    Actions actions_;
    int life_ = 0;  // counts boots and crashes
    bool paused_ = false;
    std::deque<Letter> inbox_;
    std::uint64_t alarm_ = 0;  // the latest timer that was set
    Instant armed_ = never;
    Instant passive_since_{};
    int held_faults_ = 0;

    bool link_up_ = true;
    bool checks_[check_count] = {true, true};
    bool present_ = false;
    int kernel_job_ = 0;
    Instant kernel_done_{};
    int service_job_ = 0;
    bool service_ready_ = false;
};

}  // namespace vrrpd::sim
