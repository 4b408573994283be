#include "ctl/doctor/firewall.hpp"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <vector>

#include <fmt/format.h>

namespace vrrpd::doctor {
namespace {

using Json = nlohmann::json;

constexpr int deepest_jump = 16;
constexpr int most_rules = 100'000;

/// Nothing: it cannot be known here.
using Match = std::optional<bool>;

Match negated(Match match) {
    return match ? Match(!*match) : match;
}

/// What a field of the packet is, in all the ways in which a rule may say it.
struct Field {
    std::set<std::string> names;
    std::optional<IpAddress> address;
};

Match matches_text(const std::string& text, const Field& field) {
    if (text.starts_with('@')) return std::nullopt;  // a named set
    if (field.address) return IpAddress::parse(text) == field.address;
    if (!text.ends_with('*')) return field.names.contains(text);
    const std::string begin = text.substr(0, text.size() - 1);
    return std::ranges::any_of(field.names, [&](const std::string& name) { return name.starts_with(begin); });
}

Match matches(const Json& right, const Field& field);

Match matches_any(const Json& list, const Field& field) {
    Match result = false;
    for (const Json& each : list) {
        const Match match = matches(each, field);
        if (match == true) return true;
        if (!match) result = std::nullopt;
    }
    return result;
}

Match matches(const Json& right, const Field& field) {
    if (right.is_string()) return matches_text(right.get<std::string>(), field);
    if (right.is_number()) return field.names.contains(right.dump());
    if (right.is_array()) return matches_any(right, field);
    if (!right.is_object()) return std::nullopt;
    if (right.contains("set") && right["set"].is_array()) return matches_any(right["set"], field);
    if (right.contains("prefix") && field.address) {
        const Json& prefix = right["prefix"];
        const auto read = Prefix::parse(prefix.value("addr", "") + "/" + std::to_string(prefix.value("len", 0)));
        if (!read) return std::nullopt;
        return read->address.family() == field.address->family() && read->contains(*field.address);
    }
    return std::nullopt;
}

const std::set<std::string> vrrp{"vrrp", "112"};

class Walker {
  public:
    Walker(const Json& ruleset, const Passage& passage) : passage_(passage) {
        for (const Json& entry : ruleset) {
            if (entry.contains("chain")) chains_.push_back(&entry["chain"]);
            if (entry.contains("rule")) {
                const Json& rule = entry["rule"];
                rules_[key_of(rule, "chain")].push_back(&rule);
            }
        }
    }

    /// Each base chain on the way must let it pass.
    Judged judge() {
        Judged result;
        for (const Json* const chain : chains_) {
            if (!is_on_the_way(*chain)) continue;
            maybe_accepted_ = maybe_dropped_ = false;
            const Verdict verdict = judge_chain(*chain);
            if (verdict == Verdict::passes) continue;
            if (result.verdict != Verdict::dropped) {
                result = {verdict, fmt::format("table {} {}, chain {}", chain->value("family", "?"),
                                               chain->value("table", "?"), chain->value("name", "?"))};
            }
        }
        return result;
    }

  private:
    using Key = std::string;
    static Key key_of(const Json& object, const char* name) {
        return object.value("family", "") + " " + object.value("table", "") + " " + object.value(name, "");
    }

    bool is_on_the_way(const Json& chain) const {
        const std::string hook = chain.value("hook", ""), family = chain.value("family", "");
        const bool ipv4 = passage_.destination.family() == Family::ipv4;
        const bool same_family = family == "inet" || family == (ipv4 ? "ip" : "ip6");
        if (!same_family || chain.value("type", "") != "filter") return false;
        return passage_.incoming ? hook == "input" || hook == "prerouting" : hook == "output" || hook == "postrouting";
    }

    Verdict judge_chain(const Json& chain) {
        const bool drops = chain.value("policy", "accept") == "drop";
        const auto definite = walk(key_of(chain, "name"), 0);
        const bool dropped = definite ? *definite == Verdict::dropped : drops;
        if (dropped) return maybe_accepted_ ? Verdict::unsure : Verdict::dropped;
        return maybe_dropped_ ? Verdict::unsure : Verdict::passes;
    }

    /// Nothing: the end of the chain is reached, or a return.
    std::optional<Verdict> walk(const Key& chain, int depth) {
        if (depth > deepest_jump) return Verdict::passes;
        const auto rules = rules_.find(chain);
        if (rules == rules_.end()) return std::nullopt;
        for (const Json* const rule : rules->second) {
            if (++walked_ > most_rules) return Verdict::passes;
            const Outcome outcome = apply(*rule, depth);
            if (outcome.verdict) return outcome.verdict;
            if (outcome.returns) return std::nullopt;
        }
        return std::nullopt;
    }

    struct Outcome {
        std::optional<Verdict> verdict;
        bool returns = false;
    };

    /// Where a verdict stands.
    struct Step {
        Key table;  ///< what the names of its chains begin with
        int depth = 0;
        bool sure = true;  ///< that what stood before it in the rule matches
    };

    Outcome apply(const Json& rule, int depth) {
        const auto expressions = rule.find("expr");
        if (expressions == rule.end() || !expressions->is_array()) return {};
        Step step{rule.value("family", "") + " " + rule.value("table", "") + " ", depth, true};
        for (const Json& expression : *expressions) {
            if (!expression.is_object() || expression.empty()) continue;
            const std::string word = expression.begin().key();
            const Json& value = expression.begin().value();
            if (word == "match" || word == "xt" || word == "limit") {
                const Match match = word == "match" ? match_of(value) : std::nullopt;
                if (match == false) return {};
                step.sure = step.sure && match.has_value();
            } else if (word == "vmap") {
                return look_up(value, step);
            } else if (const Outcome outcome = verdict_of(word, value, step); outcome.verdict || outcome.returns) {
                return outcome;
            }
        }
        return {};
    }

    Outcome verdict_of(const std::string& word, const Json& value, const Step& step) {
        std::optional<Verdict> verdict;
        if (word == "accept") verdict = Verdict::passes;
        if (word == "drop" || word == "reject") verdict = Verdict::dropped;
        if (word == "return") return {{}, step.sure};
        const bool jumps = word == "jump" || word == "goto";
        if (jumps && value.is_object()) {
            verdict = walk(step.table + value.value("target", ""), step.depth + 1);
            if (!verdict && word == "goto") return {{}, step.sure};
        }
        if (!verdict || step.sure) return {verdict, false};
        (*verdict == Verdict::passes ? maybe_accepted_ : maybe_dropped_) = true;
        return {};
    }

    Outcome look_up(const Json& map, const Step& step) {
        const auto field = map.contains("key") ? field_of(map["key"]) : std::nullopt;
        const Json* const data = map.contains("data") ? &map["data"] : nullptr;
        const bool listed = data != nullptr && data->is_object() && data->contains("set") && (*data)["set"].is_array();
        if (!listed) {
            maybe_accepted_ = maybe_dropped_ = true;
            return {};
        }
        for (const Json& pair : (*data)["set"]) {
            if (!pair.is_array() || pair.size() != 2 || !pair[1].is_object() || pair[1].empty()) continue;
            // Without a field nobody knows, unless it is known to be impossible.
            if (!field && impossible_) continue;
            const Match match = field ? matches(pair[0], *field) : Match();
            if (match && !*match) continue;
            const Step inside{step.table, step.depth, step.sure && match.has_value()};
            const Outcome outcome = verdict_of(pair[1].begin().key(), pair[1].begin().value(), inside);
            if (outcome.verdict || outcome.returns) return outcome;
        }
        return {};
    }

    Match match_of(const Json& match) {
        if (!match.is_object() || !match.contains("left") || !match.contains("right")) return std::nullopt;
        const std::string op = match.value("op", "==");
        const auto field = field_of(match["left"]);
        if (!field) return impossible_ ? Match(false) : std::nullopt;
        if (op != "==" && op != "!=" && op != "in") return std::nullopt;
        const Match same = matches(match["right"], *field);
        return op == "!=" ? negated(same) : same;
    }

    /// What the packet has there. Nothing: it cannot be known, or (impossible_) a packet of this kind has no such
    /// field.
    std::optional<Field> field_of(const Json& left) {
        impossible_ = false;
        if (!left.is_object()) return std::nullopt;
        if (left.contains("meta")) return meta(left["meta"].value("key", ""));
        if (left.contains("ct") && left["ct"].value("key", "") == "state") return state();
        if (left.contains("payload")) return payload(left["payload"]);
        return std::nullopt;
    }

    std::optional<Field> meta(const std::string& key) {
        const bool ipv4 = passage_.destination.family() == Family::ipv4;
        if (key == "l4proto") return Field{vrrp, {}};
        if (key == "nfproto") return Field{{ipv4 ? "ipv4" : "ipv6"}, {}};
        if (key == "protocol") return Field{{ipv4 ? "ip" : "ip6"}, {}};
        if (key == "pkttype" && passage_.incoming) {
            return Field{{passage_.destination.is_multicast() ? "multicast" : "host"}, {}};
        }
        const bool its_way = passage_.incoming ? key == "iif" || key == "iifname" : key == "oif" || key == "oifname";
        if (its_way) return Field{{passage_.interface}, {}};
        return std::nullopt;
    }

    // Nobody answers to a group, so adverts stay new for ever; with a peer both directions may be one connection.
    std::optional<Field> state() const {
        if (passage_.destination.is_multicast()) return Field{{"new"}, {}};
        return std::nullopt;
    }

    std::optional<Field> payload(const Json& payload) {
        static const std::set<std::string> others{"tcp",    "udp", "udplite", "sctp", "dccp", "icmp",
                                                  "icmpv6", "th",  "esp",     "ah",   "comp", "arp"};
        const bool ipv4 = passage_.destination.family() == Family::ipv4;
        const std::string protocol = payload.value("protocol", ""), field = payload.value("field", "");
        impossible_ = others.contains(protocol) || protocol == (ipv4 ? "ip6" : "ip");
        if (impossible_) return std::nullopt;
        if (protocol != "ip" && protocol != "ip6") return std::nullopt;
        if (field == "protocol" || field == "nexthdr") return Field{vrrp, {}};
        if (field == "daddr") return Field{{}, passage_.destination};
        if (field == "ttl" || field == "hoplimit") return Field{{"255"}, {}};
        return std::nullopt;
    }

    const Passage& passage_;
    std::vector<const Json*> chains_;
    std::map<Key, std::vector<const Json*>> rules_;
    bool maybe_accepted_ = false, maybe_dropped_ = false;
    bool impossible_ = false;
    int walked_ = 0;
};

}  // namespace

Judged judge_ruleset(std::string_view ruleset, const Passage& passage) {
    const Judged unreadable{Verdict::unsure, "what nft printed"};
    try {
        const Json json = Json::parse(ruleset);
        if (!json.is_object() || !json.contains("nftables") || !json["nftables"].is_array()) return unreadable;
        return Walker(json["nftables"], passage).judge();
    } catch (const Json::exception&) {
        return unreadable;
    }
}

}  // namespace vrrpd::doctor
