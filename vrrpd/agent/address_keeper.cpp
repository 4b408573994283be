#include "vrrpd/agent/address_keeper.hpp"

#include <algorithm>

#include "vrrpd/agent/paths.hpp"

namespace vrrpd {

AddressKeeper::AddressKeeper(netlink::Requests& requests, const netlink::Facts& facts,
                             const std::vector<InstanceOptions>& instances,
                             std::function<void(const AddressesSettled&)> settled)
    : requests_(requests),
      facts_(facts),
      instances_(instances),
      settled_(std::move(settled)),
      wishes_(instances.size()) {}

void AddressKeeper::set(InstanceId id, bool wanted) {
    Wish& wish = wishes_[id];
    wish = {
        wish.number + 1, wanted, 1, {}};  // one more than the requests, so that it is not settled half way
    const InstanceOptions& instance = instances_[id];
    for (const auto* list : {&instance.addresses, &instance.excluded_addresses}) {
        for (const VirtualAddress& address : *list) ask(id, address);
    }
    answered(id, wish.number, {});
}

bool AddressKeeper::is_ours(const netlink::Address& address) const {
    return address.mark == netlink::our_mark || added_.contains({address.link, address.prefix});
}

void AddressKeeper::ask(InstanceId id, const VirtualAddress& address) {
    Wish& wish = wishes_[id];
    const netlink::Link* link = link_of(address, instances_[id], facts_);
    if (link == nullptr) {
        if (wish.wanted) {
            wish.refused = Text::format("%s: interface %s does not exist", address.prefix.to_string().c_str(),
                                        address.device.c_str());
        }
        return;
    }
    // What a person put there stays theirs: it is neither taken over nor removed (E04).
    const auto holders = facts_.holders(link->index, address.prefix.address);
    if (!std::ranges::all_of(holders, [this](const auto& holder) { return is_ours(holder); })) {
        if (wish.wanted) {
            wish.refused = Text::format(
                "%s is on %s already, but not by us: remove it (ip addr del %s dev %s), or "
                "own it with priority = 255",
                address.prefix.address.to_string().c_str(), link->name.c_str(),
                holders.front().prefix.to_string().c_str(), link->name.c_str());
        }
        return;
    }
    ++wish.outstanding;
    auto completed = [this, id, number = wish.number, prefix = address.prefix](int error,
                                                                               const std::string& text) {
        Text problem;
        if (error != 0) problem = Text::format("%s: %s", prefix.to_string().c_str(), text.c_str());
        answered(id, number, problem);
    };
    if (wish.wanted) {
        added_.insert({link->index, address.prefix});
        requests_.add_address(link->index, address.prefix, address.label, std::move(completed));
    } else {
        requests_.remove_address(link->index, address.prefix, std::move(completed));
    }
}

void AddressKeeper::answered(InstanceId id, std::uint64_t number, const Text& error) {
    if (!error.empty()) ++refusals_;
    Wish& wish = wishes_[id];
    if (number != wish.number) return;
    if (!error.empty()) wish.refused = error;
    if (--wish.outstanding == 0) settled_({id, wish.wanted, !wish.refused.empty(), wish.refused});
}

void AddressKeeper::remove_leftovers() {
    for (const netlink::Address& address : netlink::leftovers(facts_, {})) {
        requests_.remove_address(address.link, address.prefix, [this](int error, const std::string&) {
            if (error != 0) ++refusals_;
        });
    }
    requests_.flush();
}

}  // namespace vrrpd
