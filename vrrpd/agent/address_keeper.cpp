#include "vrrpd/agent/address_keeper.hpp"

#include <algorithm>
#include <cerrno>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "vrrpd/agent/leftovers.hpp"
#include "vrrpd/agent/paths.hpp"
#include "vrrpd/core/lease.hpp"
#include "vrrpd/io/log.hpp"

namespace vrrpd {
namespace {

constexpr Duration first_retry = std::chrono::milliseconds(100);  // of a removal that failed
constexpr Duration longest_retry = std::chrono::seconds(10);
// The kernel's notice of a removal that we asked for may come this long after its answer.
constexpr Duration late_notice = std::chrono::seconds(1);

std::string title(const Prefix& destination) {
    return "route " + destination.to_string();
}

Text absent(const std::string& what, const std::string& link) {
    return Text::format("%s: interface %s does not exist", what.c_str(), link.c_str());
}

std::vector<netlink::OwnedAddress> owned(const std::vector<netlink::DesiredAddress>& addresses) {
    std::vector<netlink::OwnedAddress> names;
    for (const netlink::DesiredAddress& address : addresses) names.push_back({address.link, address.prefix});
    return names;
}

}  // namespace

AddressKeeper::AddressKeeper(Loop& loop, netlink::Requests& requests, const netlink::Facts& facts, Record& record,
                             const std::vector<InstanceOptions>& instances,
                             std::function<void(const AddressesSettled&)> settled, Arrived arrived)
    : loop_(loop),
      requests_(requests),
      facts_(facts),
      record_(record),
      instances_(instances),
      settled_(std::move(settled)),
      arrived_(std::move(arrived)),
      wishes_(instances.size()),
      renewed_(instances.size()),
      retry_(loop.timer([this] { remove_stuck(); })),
      closer_(loop, [this](int error) { cannot_close(error); }),
      put_(instances.size()) {
    look_whether_connections_can_be_closed();
}

std::vector<netlink::DesiredAddress> AddressKeeper::place(InstanceId id) const {
    std::vector<netlink::DesiredAddress> placed;
    for_each_address(instances_[id], [&](const VirtualAddress& address) {
        const netlink::Link* link = link_of(address, instances_[id], facts_);
        if (link != nullptr) placed.push_back({link->index, address.prefix, address.label});
    });
    return placed;
}

// Without `dev` in an instance without an interface the gateway tells where a route goes.
std::vector<netlink::Route> AddressKeeper::placeable_routes(InstanceId id) const {
    const InstanceOptions& instance = instances_[id];
    std::vector<netlink::Route> placed;
    for (const VirtualRoute& route : instance.routes) {
        const std::string& device = route.device.empty() ? instance.interface : route.device;
        const netlink::Link* link = facts_.link(device);
        if (link == nullptr && !device.empty()) continue;
        placed.push_back({link == nullptr ? 0 : link->index, route.destination, route.gateway, route.source,
                          route.table, route.metric.value_or(0)});
    }
    return placed;
}

std::vector<netlink::Conflict> AddressKeeper::conflicts(InstanceId id) const {
    return netlink::conflicts(facts_, place(id), added_);
}

std::optional<Text> AddressKeeper::missing_link(const InstanceOptions& instance) const {
    std::optional<Text> missing;
    for_each_address(instance, [&](const VirtualAddress& address) {
        if (missing || link_of(address, instance, facts_) != nullptr) return;
        missing = absent(address.prefix.to_string(), address.device.empty() ? instance.interface : address.device);
    });
    if (missing) return missing;
    for (const VirtualRoute& route : instance.routes) {
        if (route.device.empty() || facts_.link(route.device) != nullptr) continue;
        return absent(title(route.destination), route.device);
    }
    return std::nullopt;
}

std::optional<Text> AddressKeeper::obstacle(InstanceId id) const {
    const InstanceOptions& instance = instances_[id];
    if (wishes_[id].wanted) return std::nullopt;
    const auto obstacle = missing_link(instance);
    if (obstacle || instance.priority == owner_priority) return obstacle;
    const auto found = conflicts(id);
    if (found.empty()) return std::nullopt;
    const netlink::Address& holder = found.front().holder;
    const std::string link = facts_.link(holder.link)->name;
    return Text::format("%s is on %s already, but not by us: ip addr del %s dev %s, or own it with priority = 255",
                        holder.prefix.address.to_string().c_str(), link.c_str(), holder.prefix.to_string().c_str(),
                        link.c_str());
}

std::optional<AddressesLost> AddressKeeper::loss(const netlink::Address& gone) {
    const netlink::OwnedAddress name{gone.link, gone.prefix};
    if (!added_.contains(name) || !names_.contains(name)) return std::nullopt;
    const auto is_gone = [&](const netlink::DesiredAddress& put) {
        return put.link == gone.link && put.prefix == gone.prefix;
    };
    for (InstanceId id = 0; id < wishes_.size(); ++id) {
        Wish& wish = wishes_[id];
        if (!wish.wanted || std::ranges::none_of(put_[id].addresses, is_gone)) continue;
        // It may be there again, because a renewal has brought it back: neighbours need to know all the same.
        const auto holders = facts_.holders(gone.link, gone.prefix.address);
        const bool is_back = std::ranges::find(holders, gone.prefix, &netlink::Address::prefix) != holders.end();
        if (wish.outstanding > 0) {
            wish.disturbed = wish.disturbed || !is_back;
            continue;
        }
        if (is_back && loop_.now() - wish.settled < late_notice) continue;
        const netlink::Link* link = facts_.link(gone.link);
        return AddressesLost{id, Text::format("%s is gone from %s", gone.prefix.to_string().c_str(),
                                              link == nullptr ? "its interface" : link->name.c_str())};
    }
    return std::nullopt;
}

void AddressKeeper::set(const SetAddresses& set) {
    Wish& wish = wishes_[set.instance];
    if (wish.wanted) requests_.discard(set.instance);  // renewals among them
    const bool deaf = wish.deaf;
    // One more than there are requests, so that it is not settled half way.
    wish = {wish.number + 1, set.wanted, set.announce, false, false, false, 1, {}, wish.settled};
    if (deaf && set.wanted) take_all(set.instance);
    if (set.close_connections && !put_[set.instance].addresses.empty()) return close_and_take_all(set.instance);
    set.wanted ? put_all(set.instance) : take_all(set.instance);
    answered(set.instance, wish.number, {});
}

// Nobody adopts what is half gone.
void AddressKeeper::close_and_take_all(InstanceId id) {
    Wish& wish = wishes_[id];
    wish.deaf = true;
    record_.let_go(id);
    const auto& addresses = put_[id].addresses;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const bool last = i + 1 == addresses.size();  // answers come in order
        requests_.make_deaf(addresses[i].link, addresses[i].prefix.address,
                            [this, id, last, number = wish.number](int, const std::string&) {
                                if (last && number == wishes_[id].number) close_connections(id);
                            });
    }
}

void AddressKeeper::close_connections(InstanceId id) {
    std::vector<IpAddress> addresses;
    for (const netlink::DesiredAddress& address : put_[id].addresses) addresses.push_back(address.prefix.address);
    closer_.close(std::move(addresses), [this, id, number = wishes_[id].number] { take_all_when_closed(id, number); });
}

void AddressKeeper::take_all_when_closed(InstanceId id, std::uint64_t number) {
    if (number != wishes_[id].number) return;
    wishes_[id].deaf = false;
    take_all(id);
    answered(id, number, {});
    requests_.flush();
}

// Before it is needed: the administrator hears of it, and the kernel has loaded what it takes.
void AddressKeeper::look_whether_connections_can_be_closed() {
    if (closer_is_tried_ || std::ranges::none_of(instances_, &InstanceOptions::close_connections)) return;
    closer_is_tried_ = true;
    closer_.close({}, [] {});
}

// What is missing stays missing, and is said once.
void AddressKeeper::cannot_close(int error) {
    if (error != ETIMEDOUT && std::exchange(closing_error_, error) == error) return;
    log::write(log::Level::warning,
               fmt::format("cannot end connections (close_connections): {}", netlink::why_not_closed(error)));
}

void AddressKeeper::reconfigure(const std::vector<InstanceId>& removed) {
    std::vector<std::vector<netlink::OwnedAddress>> held(instances_.size());
    for (InstanceId id = 0; id < wishes_.size(); ++id) {
        if (wishes_[id].wanted) held[id] = placeable(id);
    }
    record_.renew(instances_, held, loop_.now());
    for (InstanceId id = 0; id < wishes_.size(); ++id) {
        if (std::exchange(wishes_[id].deaf, false)) take_all(id);  // nobody inherits it
    }
    wishes_.resize(instances_.size());
    renewed_.resize(instances_.size());
    put_.resize(instances_.size());
    look_whether_connections_can_be_closed();
    inherit_addresses(removed);
}

// So that the one who loses it does not take it away. Of all that is put none is more or less: names_ stays.
void AddressKeeper::inherit_addresses(const std::vector<InstanceId>& removed) {
    std::map<netlink::OwnedAddress, InstanceId> holders;
    for (InstanceId id = 0; id < put_.size(); ++id) {
        for (const netlink::OwnedAddress& address : owned(put_[id].addresses)) holders.emplace(address, id);
    }
    std::map<InstanceId, std::set<netlink::OwnedAddress>> given;
    for (InstanceId id = 0; id < wishes_.size(); ++id) {
        if (!wishes_[id].wanted || std::ranges::binary_search(removed, id)) continue;
        for (const netlink::DesiredAddress& address : place(id)) {
            const auto holder = holders.find({address.link, address.prefix});
            if (holder == holders.end() || holder->second == id) continue;
            given[holder->second].insert(holder->first);
            put_[id].addresses.push_back(address);
            holders.erase(holder);
        }
    }
    for (const auto& [id, addresses] : given) {
        std::erase_if(put_[id].addresses, [&gone = addresses](const netlink::DesiredAddress& one) {
            return gone.contains({one.link, one.prefix});
        });
    }
}

// What was put on before.
AddressKeeper::Placed AddressKeeper::assign(InstanceId id, Placed placed) {
    for (const netlink::DesiredAddress& address : put_[id].addresses) names_.extract({address.link, address.prefix});
    for (const netlink::DesiredAddress& address : placed.addresses) names_.insert({address.link, address.prefix});
    return std::exchange(put_[id], std::move(placed));
}

// The kernel begins with the first of thousands while we prepare the rest.
template <typename Use>
void AddressKeeper::for_each_flushed(const std::vector<netlink::DesiredAddress>& addresses, Use use) {
    std::size_t count = 0;
    for (const netlink::DesiredAddress& address : addresses) {
        use(address);
        if (++count % (2 * netlink::Requests::portion_size) == 0) requests_.flush();
    }
}

void AddressKeeper::put_all(InstanceId id) {
    Placed wanted{place(id), placeable_routes(id)};
    for (const netlink::Conflict& conflict : conflicts(id)) {
        std::erase(wanted.addresses, conflict.wanted);
        arrived(id, conflict.wanted);  // an owner's
    }
    const Placed before = assign(id, std::move(wanted));
    const Placed& put = put_[id];
    renewed_[id] = loop_.now();
    // A link has changed its name, or the options are others: what has no place any more goes, and goes first, so
    // that the kernel takes nothing along that is yet to come.
    std::vector<netlink::DesiredAddress> gone;
    if (before.addresses != put.addresses) gone = before.addresses;  // mostly they are the same, and may be thousands
    std::erase_if(gone, [this](const netlink::DesiredAddress& address) { return is_put(address); });
    auto recorded = owned(put.addresses);
    for (const netlink::OwnedAddress& address : owned(gone)) recorded.push_back(address);
    record_.hold(id, recorded, loop_.now());
    wishes_[id].sheds = !gone.empty();
    save_others(facts_, gone, added_);
    for_each_flushed(gone, [&](const netlink::DesiredAddress& address) { remove(id, address); });
    for_each_flushed(put.addresses, [&](const netlink::DesiredAddress& address) { add(id, address); });
    for (const netlink::Route& route : put.routes) {
        requests_.add_route(route, completion(id, title(route.destination)), id);
    }
}

void AddressKeeper::take_all(InstanceId id) {
    const Placed ours = assign(id, {});
    for (const netlink::Route& route : ours.routes) {
        requests_.remove_route(route, completion(id, title(route.destination)));
    }
    save_others(facts_, ours.addresses, added_);
    for_each_flushed(ours.addresses, [&](const netlink::DesiredAddress& address) { remove(id, address); });
}

void AddressKeeper::add(InstanceId id, const netlink::DesiredAddress& address) {
    added_.insert({address.link, address.prefix});
    const auto completed = [this, id, address, number = wishes_[id].number,
                            answer = completion(id, address.prefix.to_string())](int error, const std::string& text) {
        if (error == 0 && number == wishes_[id].number) arrived(id, address);
        answer(error, text);
    };
    requests_.add_address(address.link, address.prefix, address.label, completed, id, instances_[id].lease);
}

void AddressKeeper::arrived(InstanceId id, const netlink::DesiredAddress& address) {
    if (wishes_[id].announce) arrived_(id, address.link, address.prefix.address);
}

bool AddressKeeper::all_settled() const {
    return std::ranges::all_of(wishes_, [](const Wish& wish) { return wish.outstanding == 0; });
}

void AddressKeeper::advert_left(InstanceId id, int priority) {
    const Wish& wish = wishes_[id];
    if (!wish.wanted) return;
    const InstanceOptions& instance = instances_[id];
    const Instant now = loop_.now();
    record_.advert_left(id, priority, now);
    const bool leased = instance.lease > Duration::zero() && wish.outstanding == 0;
    if (!leased || !is_renewal_due(renewed_[id], now, instance.advert_interval, instance.lease)) return;
    renewed_[id] = now;
    for (const netlink::DesiredAddress& address : put_[id].addresses) {
        ++counters_.renewals;
        requests_.add_address(
            address.link, address.prefix, address.label,
            [this](int error, const std::string&) { counters_.failed_renewals += error != 0; }, id, instance.lease);
    }
}

std::vector<netlink::OwnedAddress> AddressKeeper::placeable(InstanceId id) const {
    auto placed = place(id);
    for (const netlink::Conflict& conflict : conflicts(id)) std::erase(placed, conflict.wanted);
    return owned(placed);
}

void AddressKeeper::remove(InstanceId id, const netlink::DesiredAddress& address) {
    requests_.remove_address(
        address.link, address.prefix,
        [this, id, address, answer = completion(id, address.prefix.to_string())](int error, const std::string& text) {
            if (error != 0) {
                log::write(log::Level::warning,
                           fmt::format("cannot remove {}, trying again: {}", address.prefix.to_string(), text));
                stuck_.push_back(address);
                if (stuck_.size() == 1) retry_->arm(loop_.now() + (retry_delay_ = first_retry));
            } else if (!is_put(address)) {  // from now on whoever puts it there is not us
                added_.erase({address.link, address.prefix});
            }
            answer(error, text);
        });
}

bool AddressKeeper::is_put(const netlink::DesiredAddress& address) const {
    return names_.contains({address.link, address.prefix});
}

void AddressKeeper::remove_stuck() {
    std::erase_if(stuck_, [this](const netlink::DesiredAddress& address) { return is_put(address); });
    for (const netlink::DesiredAddress& address : stuck_) {
        requests_.remove_address(address.link, address.prefix, [this, address](int error, const std::string&) {
            if (error == 0) {
                std::erase(stuck_, address);
                if (!is_put(address)) added_.erase({address.link, address.prefix});
            }
            if (stuck_.empty()) forget_all_gone();
        });
    }
    requests_.flush();
    retry_delay_ = std::min(2 * retry_delay_, longest_retry);
    retry_->arm(stuck_.empty() ? never : loop_.now() + retry_delay_);
}

void AddressKeeper::forget_all_gone() {
    for (InstanceId id = 0; id < wishes_.size(); ++id) {
        if (!wishes_[id].wanted && wishes_[id].outstanding == 0) record_.let_go(id);
    }
}

netlink::Requests::Completion AddressKeeper::completion(InstanceId id, std::string what) {
    ++wishes_[id].outstanding;
    return [this, id, number = wishes_[id].number, what = std::move(what)](int error, const std::string& text) {
        Text problem;
        if (error != 0) problem = Text::format("%s: %s", what.c_str(), text.c_str());
        answered(id, number, problem);
    };
}

void AddressKeeper::answered(InstanceId id, std::uint64_t number, const Text& error) {
    Wish& wish = wishes_[id];
    if (number != wish.number) return;
    if (wish.refused.empty()) wish.refused = error.view();  // what is refused later may be so because of the first
    if (--wish.outstanding > 0) return;
    wish.settled = loop_.now();
    if (wish.wanted && wish.disturbed && wish.refused.empty()) {
        set({id, true, wish.announce});
        return requests_.flush();
    }
    if (!wish.wanted && wish.refused.empty()) record_.let_go(id);
    if (wish.sheds && wish.refused.empty()) record_.hold(id, owned(put_[id].addresses), loop_.now());
    settled_({id, wish.wanted, !wish.refused.empty(), Text(wish.refused)});
}

}  // namespace vrrpd
