// The dialogue with a redis, or with whatever else listens there. Input: the bytes that it says.
#include "health/redis_dialogue.hpp"
#include "tests/fuzz/dialogue.hpp"

namespace vrrpd::health {
namespace {

using fuzz::require;

void check(std::string_view bytes, const RedisOptions& options) {
    const auto make = [&](Past&) { return std::make_unique<RedisDialogue>(options); };
    const auto outcome = fuzz::check_dialogue(make, bytes, LineDialogue::longest);
    if (!outcome.finding) return require(!outcome.closed.success(), "an end is no success");
    if (!outcome.finding->success()) return;
    require(bytes.find("+PONG") != std::string_view::npos, "no success without a PONG");
    const bool master = options.require != RedisRequire::master || bytes.find("master") != std::string_view::npos;
    require(master, "no master without its role");
}

}  // namespace
}  // namespace vrrpd::health

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using vrrpd::health::RedisRequire;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto require : {RedisRequire::pong, RedisRequire::master, RedisRequire::replica_in_sync}) {
        vrrpd::health::RedisOptions options;
        options.require = require;
        options.max_lag = 100;
        vrrpd::health::check(bytes, options);
        options.password = "secret";
        vrrpd::health::check(bytes, options);
    }
    return 0;
}
