#include "vrrpd/core/signs.hpp"

#include <algorithm>

namespace vrrpd {
namespace {

using Kind = Notice::Kind;

// Null: it happens in a good network too.
const char* word_of(Kind kind) {
    switch (kind) {
        case Kind::twins:
            return "twins";
        case Kind::flapping:
            return "flapping";
        case Kind::addresses_lost:
            return "addresses_lost";
        case Kind::off_subnet:
            return "off_subnet";
        case Kind::list_differs:
            return "list_differs";
        case Kind::interval_differs:
            return "interval_differs";
        case Kind::interval_clamped:
            return "interval_clamped";
        case Kind::claimed_by_other:
            return "claimed_by_other";
        case Kind::foreign_router_id:
            return "foreign_router_id";
        case Kind::stalled:
            return "stalled";
        case Kind::send_failed:
            return "send_failed";
        default:
            return nullptr;
    }
}

// Those that tell of a peer which is configured differently; the others, of broken or hostile packets, are counted.
bool tells_of_a_peer(Refusal refusal) {
    switch (refusal) {
        case Refusal::version:
        case Refusal::own_source:
        case Refusal::auth_unknown:
        case Refusal::auth_mismatch:
        case Refusal::auth_fail:
        case Refusal::interval:
            return true;
        default:
            return false;
    }
}

}  // namespace

void Signs::see(Kind kind, const IpAddress& source, const Text& text, Instant now) {
    if (word_of(kind) == nullptr) return;
    Sign& sign = note(kind, Refusal::length, source, now);
    if (!(sign.text == text)) sign.text = text;
}

void Signs::see(Refusal refusal, const IpAddress& source, Instant now) {
    if (tells_of_a_peer(refusal)) note(Kind::refused, refusal, source, now);
}

Sign& Signs::note(Kind kind, Refusal refusal, const IpAddress& source, Instant now) {
    const auto same = [&](const Sign& sign) { return sign.kind == kind && sign.refusal == refusal; };
    auto found = std::ranges::find_if(signs_, same);
    if (found == signs_.end()) {
        signs_.reserve(signs_.size() + 1);  // no more than needed: there may be a thousand instances
        signs_.push_back({kind, refusal, source, {}, 0, now, now});
        found = signs_.end() - 1;
    }
    found->source = source;
    found->last = now;
    ++found->count;
    return *found;
}

const char* word_of(const Sign& sign) {
    return sign.kind == Kind::refused ? to_string(sign.refusal) : word_of(sign.kind);
}

}  // namespace vrrpd
