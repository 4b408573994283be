#include "health/options.hpp"

#include <algorithm>
#include <tuple>

namespace vrrpd::health {

std::string Endpoint::to_string() const {
    if (!path.empty()) return "unix:" + path;
    std::string text = address.to_string();
    if (address.family() == Family::ipv6) text.insert(0, "[").append("]");
    return text.append(":").append(std::to_string(port));
}

bool HttpOptions::accepts(int code) const {
    if (status.empty()) return code >= 200 && code <= 399;
    return std::ranges::any_of(status, [code](const StatusRange& r) { return r.first <= code && code <= r.last; });
}

bool connects(Kind kind) {
    switch (kind) {
        case Kind::tcp:
        case Kind::memcached:
        case Kind::redis:
        case Kind::http:
        case Kind::send_expect:
            return true;
        case Kind::script:
        case Kind::process:
        case Kind::file:
        case Kind::ping:
            break;
    }
    return false;
}

bool same_probe(const CheckOptions& a, const CheckOptions& b) {
    const auto question = [](const CheckOptions& options) {
        return std::tie(options.kind, options.endpoint, options.memcached, options.redis, options.http,
                        options.send_expect, options.command, options.credentials, options.pid_file,
                        options.process_name, options.path, options.count, options.interval, options.timeout,
                        options.watch, options.fast_fail);
    };
    return question(a) == question(b);
}

}  // namespace vrrpd::health
