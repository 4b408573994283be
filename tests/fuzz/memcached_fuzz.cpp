// The dialogue with a memcached, or with whatever else listens there. Input: the bytes that it says.
#include <array>

#include "health/memcached_dialogue.hpp"
#include "tests/fuzz/dialogue.hpp"

namespace vrrpd::health {
namespace {

using fuzz::require;

void check(std::string_view bytes, const MemcachedOptions& options) {
    const auto make = [&](Past& past) { return std::make_unique<MemcachedDialogue>(options, past); };
    const auto outcome = fuzz::check_dialogue(make, bytes, LineDialogue::longest);
    if (!outcome.finding) return require(!outcome.closed.success(), "an end is no success");
    const std::string_view line = bytes.substr(0, LineDialogue::longest_line);
    const bool version = line.starts_with("VERSION ") && line.find('\n') != std::string_view::npos;
    if (options.probe == MemcachedProbe::version && options.credentials.empty()) {
        require(outcome.finding->success() == version, "VERSION and nothing else is a success");
    } else if (outcome.finding->success()) {
        require(line.starts_with("ST"), "a success begins with STORED or STAT");
    }
}

}  // namespace
}  // namespace vrrpd::health

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using vrrpd::health::MemcachedProbe;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    for (const auto probe : {MemcachedProbe::version, MemcachedProbe::set_get, MemcachedProbe::stats}) {
        vrrpd::health::MemcachedOptions options;
        options.probe = probe;
        options.max_connections_percent = 90;
        options.cold_after_restart = std::chrono::seconds(60);
        vrrpd::health::check(bytes, options);
        options.credentials = "joe secret";
        vrrpd::health::check(bytes, options);
    }
    return 0;
}
