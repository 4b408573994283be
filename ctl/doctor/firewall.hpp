// Whether the rules of nftables let an advert through: the ruleset is walked as the kernel would, for one packet.
//
// Pure. A rule that looks at what cannot be known here (a named set, a mark, a rate) may match or not: then the answer
// is `unsure` where it matters. The ruleset is not trusted to be what nft prints: anything odd is unsure.
#pragma once

#include <string>
#include <string_view>

#include "vrrpd/core/ip.hpp"

namespace vrrpd::doctor {

/// A packet of protocol 112 with TTL 255.
struct Passage {
    bool incoming = true;
    std::string interface;
    IpAddress destination;
};

enum class Verdict { passes, dropped, unsure };

struct Judged {
    Verdict verdict = Verdict::passes;
    std::string where;  ///< of what does not pass: "table inet filter, chain input"
};

/// `ruleset`: what `nft -j list ruleset` prints.
Judged judge_ruleset(std::string_view ruleset, const Passage& passage);

}  // namespace vrrpd::doctor
