#include "vrrpd/config/group_rules.hpp"

#include <algorithm>
#include <map>

#include <fmt/format.h>

namespace vrrpd::config {
namespace {

const InstanceOptions* find_instance(const Config& config, const std::string& name) {
    const auto found = std::ranges::find(config.instances, name, &InstanceOptions::name);
    return found == config.instances.end() ? nullptr : &*found;
}

/// `groups`: the group of each instance, as far as they are known.
void check_members(const Draft& draft, const Config& config, std::map<std::string, std::string>& groups,
                   Report& report) {
    const auto& members = std::get<GroupDraft>(draft.body).member_names;
    for (const auto& [name, place] : members) {
        const InstanceOptions* const instance = find_instance(config, name);
        if (instance == nullptr) continue;
        const auto [other, is_first] = groups.emplace(name, draft.title);
        if (!is_first) {
            report.error_at(draft, place, "member",
                            fmt::format("[vrrp_instance {}] belongs to [{}], allowed is one group for an instance",
                                        name, other->second));
        }
        if (instance->priority == owner_priority) {
            report.error_at(draft, place, "member",
                            fmt::format("[vrrp_instance {}] has priority 255, owns its addresses and cannot step back "
                                        "with the others, allowed is priority 1 to 254",
                                        name));
        }
    }
    if (members.size() == 1 && !draft.is_doubtful("member")) {
        report.warning(draft, "member", "there is one member only, and nothing that it could move together with");
    }
}

std::vector<Track> weighted(const InstanceOptions& instance) {
    std::vector<Track> tracks;
    std::ranges::copy_if(instance.checks, std::back_inserter(tracks),
                         [](const Track& track) { return track.weight.has_value(); });
    return tracks;
}

/// Each host would win one of them and wait for the other.
void warn_of_division(const Draft& draft, const Config& config, Report& report) {
    const InstanceOptions* first = nullptr;
    const auto warn = [&](const Place& place, const std::string& difference) {
        report.warning_at(draft, place, "member",
                          fmt::format("{} [vrrp_instance {}]: two hosts could each win one of them and move neither; "
                                      "give all members the same",
                                      difference, first->name));
    };
    for (const auto& [name, place] : std::get<GroupDraft>(draft.body).member_names) {
        const InstanceOptions* const member = find_instance(config, name);
        if (member == nullptr) continue;
        if (first == nullptr) first = member;
        if (member->priority != first->priority) {
            warn(place,
                 fmt::format("[vrrp_instance {}] has priority {}, not {} as", name, member->priority, first->priority));
        } else if (!std::ranges::is_permutation(weighted(*member), weighted(*first))) {
            warn(place, fmt::format("[vrrp_instance {}] has other weights than", name));
        }
    }
}

}  // namespace

void check_groups(const Drafts& drafts, const Config& config, Report& report) {
    std::map<std::string, std::string> groups;
    for (const Draft& draft : drafts.groups) check_members(draft, config, groups, report);
    // A misspelt priority or check would be told apart from the others a second time.
    if (!report.clean()) return;
    for (const Draft& draft : drafts.groups) warn_of_division(draft, config, report);
}

}  // namespace vrrpd::config
