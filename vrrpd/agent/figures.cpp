// Of the agent: what is counted outside of the core, collected for the metrics.
#include "vrrpd/agent/agent.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {

ShellCounters Agent::counters() {
    const Announcer::Counters& announced = announcer_.counters();
    const Receivers::Dropped dropped = receivers_.dropped();
    ShellCounters counters{monitor_.resyncs(),
                           addresses_.counters().renewals,
                           addresses_.counters().failed_renewals,
                           announced.sent,
                           announced.failed,
                           dropped.lost,
                           dropped.unclassified,
                           dropped.unreadable};
    counters.netlink_requests = requests_.counters().sent;
    counters.netlink_requests_failed = requests_.counters().failed;
    counters.log_lines_lost = log::lost();
    counters.tally = tally_;
    for (std::size_t i = 0; i < config_.checks.size(); ++i) {
        if (!checks_[i]) continue;
        const health::Check& check = *checks_[i];
        counters.checks.push_back({config_.checks[i].name, check.verdict(), check.last_class(), check.counters()});
    }
    for (std::size_t i = 0; i < config_.services.size(); ++i) {
        if (config_.services[i].name.empty()) continue;
        const bool ready = std::string_view(services_.state(i)) == "ready";
        counters.services.push_back({config_.services[i].name, ready, services_.counters(i)});
    }
    return counters;
}

}  // namespace vrrpd
