// The reader of what a memcached, or whatever else listens there, sends. Input: the bytes of the connection. They are
// fed at once, one by one, and in pieces whose lengths come from the bytes themselves.
#include <algorithm>
#include <functional>
#include <string>

#include "health/memcached_reply.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace vrrpd::health {
namespace {

using fuzz::require;
using Cut = std::function<std::size_t(std::string_view)>;  // how long the next piece is

struct Outcome {
    bool told = false;
    Finding finding, closed, silent;
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read(std::string_view bytes, const Cut& cut) {
    MemcachedReply reply;
    while (!bytes.empty()) {
        const std::size_t length = std::clamp<std::size_t>(cut(bytes), 1, bytes.size());
        const auto finding = reply.feed(bytes.substr(0, length));
        if (finding) return {true, *finding, {}, {}};
        bytes.remove_prefix(length);
    }
    return {false, {}, reply.closed(), reply.silent(std::chrono::milliseconds(300))};
}

void check_finding(const Finding& finding, std::string_view bytes) {
    require(finding.evidence.size() <= 80, "the evidence is of bounded length");
    const bool printable = std::ranges::all_of(finding.evidence, [](char c) { return c >= ' ' && c <= '~'; });
    require(printable, "the evidence is printable ASCII");
    const std::string_view line = bytes.substr(0, MemcachedReply::longest);
    const bool version = line.starts_with("VERSION ") && line.find('\n') != std::string_view::npos;
    require(finding.success() == version, "VERSION and nothing else is a success");
}

void check(std::string_view bytes) {
    const Outcome whole = read(bytes, [](std::string_view rest) { return rest.size(); });
    const bool enough = bytes.substr(0, MemcachedReply::longest).find('\n') != std::string_view::npos ||
                        bytes.size() >= MemcachedReply::longest;
    require(whole.told == enough, "a line, or 1 KiB without one, is enough to tell");
    if (whole.told) check_finding(whole.finding, bytes);
    if (!whole.told) check_finding(whole.closed, ""), check_finding(whole.silent, "");
    require(whole == read(bytes, [](std::string_view) { return 1; }), "the finding does not depend on the pieces");
    require(whole == read(bytes, [](std::string_view rest) { return rest.front() & 0x1f; }),
            "the finding does not depend on the pieces");
}

}  // namespace
}  // namespace vrrpd::health

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    vrrpd::health::check({reinterpret_cast<const char*>(data), size});
    return 0;
}
