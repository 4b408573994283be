#include "vrrpd/release.hpp"

#include <algorithm>
#include <optional>

#include "netlink/monitor.hpp"
#include "netlink/requests.hpp"
#include "vrrpd/agent/adoption.hpp"
#include "vrrpd/agent/leftovers.hpp"
#include "vrrpd/guard/lock.hpp"
#include "vrrpd/guard/record.hpp"
#include "vrrpd/loop/sd_event_loop.hpp"

namespace vrrpd {
namespace {

bool ends_by_itself(const netlink::Facts& facts, const netlink::OwnedAddress& address) {
    const auto holders = facts.holders(address.link, address.prefix.address);
    const auto found = std::ranges::find(holders, address.prefix, &netlink::Address::prefix);
    return found != holders.end() && found->expires;
}

Kept awaits_adoption(const RecordReader& record, const netlink::Facts& facts, const std::vector<netlink::Route>& routes,
                     Instant now) {
    Kept kept;
    for (std::size_t i = 0; i < record.size(); ++i) {
        const auto held = record.held(i);
        if (!held || !is_fresh(*held, now) || held->advert_interval < shortest_legacy_interval) continue;
        for (const netlink::OwnedAddress& address : held->addresses) {
            if (ends_by_itself(facts, address)) kept.addresses.insert(address);
        }
    }
    if (kept.addresses.empty()) return kept;
    kept.routes = routes;
    return kept;
}

}  // namespace

bool release(const std::string& record_file, const std::string& service_result) {
    const Descriptor lock = take_lock();
    SdEventLoop loop;
    netlink::Monitor monitor(loop, [] {});
    netlink::Requests requests(loop);
    monitor.start();
    const auto record = RecordReader::open(record_file);
    const bool comes_back =
        record && (record->was_parting() || (!service_result.empty() && service_result != "success"));
    const auto routes = find_marked_routes();
    const Kept kept = comes_back ? awaits_adoption(*record, monitor.facts(), routes, loop.now()) : Kept();
    remove_leftovers(requests, monitor.facts(), routes, kept, record);
    requests.on_idle([&] { loop.quit(0); });
    requests.flush();
    loop.run();
    return requests.counters().failed == 0;
}

}  // namespace vrrpd
