#include "vrrpd/agent/address_keeper.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "netlink/promote_secondaries.hpp"
#include "vrrpd/agent/paths.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {

AddressKeeper::AddressKeeper(netlink::Requests& requests, const netlink::Facts& facts,
                             const std::vector<InstanceOptions>& instances,
                             std::function<void(const AddressesSettled&)> settled)
    : requests_(requests),
      facts_(facts),
      instances_(instances),
      settled_(std::move(settled)),
      wishes_(instances.size()),
      put_(instances.size()) {}

std::vector<netlink::DesiredAddress> AddressKeeper::place(InstanceId id) const {
    std::vector<netlink::DesiredAddress> placed;
    for_each_address(instances_[id], [&](const VirtualAddress& address) {
        const netlink::Link* link = link_of(address, instances_[id], facts_);
        if (link != nullptr) placed.push_back({link->index, address.prefix, address.label});
    });
    return placed;
}

std::vector<netlink::Conflict> AddressKeeper::conflicts(InstanceId id) const {
    return netlink::conflicts(facts_, place(id), added_);
}

std::optional<Text> AddressKeeper::obstacle(InstanceId id) const {
    const InstanceOptions& instance = instances_[id];
    if (wishes_[id].wanted) return std::nullopt;
    std::optional<Text> obstacle;
    for_each_address(instance, [&](const VirtualAddress& address) {
        if (link_of(address, instance, facts_) != nullptr) return;
        obstacle =
            Text::format("%s: interface %s does not exist", address.prefix.to_string().c_str(), address.device.c_str());
    });
    if (obstacle || instance.priority == owner_priority) return obstacle;
    const auto found = conflicts(id);
    if (found.empty()) return std::nullopt;
    const netlink::Address& holder = found.front().holder;
    const std::string link = facts_.link(holder.link)->name;
    return Text::format("%s is on %s already, but not by us: ip addr del %s dev %s, or own it with priority = 255",
                        holder.prefix.address.to_string().c_str(), link.c_str(), holder.prefix.to_string().c_str(),
                        link.c_str());
}

void AddressKeeper::set(InstanceId id, bool wanted) {
    Wish& wish = wishes_[id];
    // One more than there are requests, so that it is not settled half way.
    wish = {wish.number + 1, wanted, 1, {}};
    if (wanted) {
        put_[id] = place(id);
        for (const netlink::Conflict& conflict : conflicts(id)) std::erase(put_[id], conflict.wanted);
        for (const netlink::DesiredAddress& address : put_[id]) add(id, address);
    } else {
        const auto ours = std::exchange(put_[id], {});
        save_others(ours);
        for (const netlink::DesiredAddress& address : ours) remove(id, address);
    }
    answered(id, wish.number, {});
}

void AddressKeeper::add(InstanceId id, const netlink::DesiredAddress& address) {
    added_.insert({address.link, address.prefix});
    requests_.add_address(address.link, address.prefix, address.label, completion(id, address));
}

void AddressKeeper::remove(InstanceId id, const netlink::DesiredAddress& address) {
    requests_.remove_address(address.link, address.prefix,
                             [this, id, address, answer = completion(id, address)](int error, const std::string& text) {
                                 // From now on whoever puts it there is not us, unless it is wanted again already.
                                 if (error == 0 && !wishes_[id].wanted) added_.erase({address.link, address.prefix});
                                 answer(error, text);
                             });
}

// An address of ours may have become the first of its subnet; the kernel would take the others along (F13).
void AddressKeeper::save_others(const std::vector<netlink::DesiredAddress>& removed) const {
    for (const netlink::Address& other : netlink::removal_hazards(facts_, removed, added_)) {
        const netlink::Link* known = facts_.link(other.link);
        if (known == nullptr) continue;
        const std::string& link = known->name;
        if (netlink::promote_secondaries(link)) continue;
        log::write(log::Level::warning, fmt::format("{} on {} goes together with ours: set "
                                                    "net.ipv4.conf.{}.promote_secondaries = 1",
                                                    other.prefix.to_string(), link, link));
    }
}

netlink::Requests::Completion AddressKeeper::completion(InstanceId id, const netlink::DesiredAddress& address) {
    ++wishes_[id].outstanding;
    return [this, id, number = wishes_[id].number, prefix = address.prefix](int error, const std::string& text) {
        Text problem;
        if (error != 0) problem = Text::format("%s: %s", prefix.to_string().c_str(), text.c_str());
        answered(id, number, problem);
    };
}

void AddressKeeper::answered(InstanceId id, std::uint64_t number, const Text& error) {
    Wish& wish = wishes_[id];
    if (number != wish.number) return;
    if (!error.empty()) wish.refused = error;
    if (--wish.outstanding == 0) settled_({id, wish.wanted, !wish.refused.empty(), wish.refused});
}

void AddressKeeper::remove_leftovers() {
    const auto leftovers = netlink::leftovers(facts_);
    std::vector<netlink::DesiredAddress> removed;
    for (const netlink::Address& address : leftovers) removed.push_back({address.link, address.prefix, {}});
    save_others(removed);
    for (const netlink::Address& address : leftovers) {
        requests_.remove_address(
            address.link, address.prefix, [prefix = address.prefix](int error, const std::string& text) {
                if (error == 0) return;
                log::write(log::Level::warning,
                           fmt::format("cannot remove {}, which a predecessor left: {}", prefix.to_string(), text));
            });
    }
    requests_.flush();
}

}  // namespace vrrpd
