#include "ctl/doctor/doctor_command.hpp"

#include <algorithm>
#include <ostream>
#include <set>
#include <system_error>

#include <fmt/format.h>

#include "ctl/doctor/firewall.hpp"
#include "ctl/doctor/lan.hpp"
#include "ctl/doctor/machine.hpp"
#include "ctl/doctor/program.hpp"
#include "vrrpd/config/load.hpp"
#include "vrrpd/io/realtime.hpp"

namespace vrrpd::doctor {
namespace {

void append(Findings& all, Findings more) {
    std::ranges::move(more, std::back_inserter(all));
}

/// The ways of adverts: each link in both directions.
std::vector<Passage> passages_of(const config::Config& config) {
    std::vector<Passage> passages;
    std::set<std::pair<std::string, IpAddress>> seen;
    for (const InstanceOptions& instance : config.instances) {
        const IpAddress to = !instance.unicast_peers.empty() ? instance.unicast_peers.front().address
                                                             : instance.group.value_or(vrrp_group(instance.family));
        if (!seen.emplace(instance.interface, to).second) continue;
        const bool multicast = instance.unicast_peers.empty();
        // What comes from a peer goes to us; without an address of ours the group would be wrong, the peer's is as
        // good.
        const IpAddress in = multicast ? to : instance.source.value_or(to);
        passages.push_back({true, instance.interface, in});
        passages.push_back({false, instance.interface, to});
    }
    return passages;
}

Findings look_at_firewall(const config::Config& config) {
    const auto ruleset = output_of({"nft", "-j", "list", "ruleset"});
    if (!ruleset) return {{false, "firewall: not looked at: " + ruleset.error()}};
    Findings findings;
    for (const Passage& passage : passages_of(config)) {
        const Judged judged = judge_ruleset(*ruleset, passage);
        if (judged.verdict == Verdict::passes) continue;
        const bool dropped = judged.verdict == Verdict::dropped;
        findings.push_back(
            {dropped,
             fmt::format("firewall: {} {} adverts {} {} on {}; nft add rule ... ip protocol 112 "
                         "accept",
                         judged.where, dropped ? "drops" : "may drop", passage.incoming ? "that come to" : "that go to",
                         passage.destination.to_string(), passage.interface)});
    }
    return findings;
}

Findings look_at_lan(const config::Config& config, const Nics& nics) {
    try {
        return judge(config, nics, listen(config, nics, patience(config)));
    } catch (const std::system_error& error) {
        return {{true, fmt::format("the LAN was not listened to: {}", error.what())}};
    }
}

Findings look_at_scheduling(const config::Config& config) {
    if (!config.global.realtime) return {};
    const auto result = make_thread_realtime();
    if (result) return {};
    return {{true, fmt::format("{}: on a busy host adverts leave late, and a peer takes over", result.error())}};
}

}  // namespace

int examine(const std::string& file, std::ostream& out, std::ostream& err) {
    const config::Loaded loaded = config::load(file);
    for (const config::Problem& problem : loaded.problems) err << to_string(problem) << '\n';
    if (!loaded.valid()) return 2;
    const config::Config& config = loaded.config;
    const Nics nics = read_nics();
    Findings findings = look_at_machine(config, nics, "");
    append(findings, look_at_firewall(config));
    append(findings, look_at_lan(config, nics));
    append(findings, look_at_scheduling(config));
    for (const Finding& finding : findings) {
        out << (finding.is_problem ? "problem: " : "hint: ") << finding.text << '\n';
    }
    if (findings.empty()) out << "nothing found\n";
    return std::ranges::any_of(findings, &Finding::is_problem) ? 1 : 0;
}

}  // namespace vrrpd::doctor
