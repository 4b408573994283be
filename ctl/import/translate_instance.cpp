// vrrp_instance: what is written and read in one place is put in one order, whatever the file's.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "ctl/import/context.hpp"
#include "vrrpd/config/parsers.hpp"
#include "vrrpd/config/schema.hpp"
#include "vrrpd/core/ip.hpp"

namespace vrrpd::keepalived {
namespace {

constexpr int owner_priority = 255;

class InstanceTranslator {
  public:
    InstanceTranslator(Context& context, const Statement& block) : context_(context), block_(block) {
        for (Statement& statement : statements_of(block)) statements_.push_back(std::move(statement));
    }

    void run() {
        const std::string name(block_.at(1));
        strict_ = is_strict();
        context_.ini.section("vrrp_instance", context_.name_of("instance", name));
        find_family();
        find_version();
        put_identity();
        put_behaviour();
        put_announcements();
        put_paths();
        put_password();
        put_addresses();
        put_routes();
        put_tracks();
        put_group_tracks(name);
        put_rest();
    }

  private:
    /// The last statement of a word, which is then taken care of.
    const Statement* take(std::string_view word) {
        known_.emplace(word);
        const auto found =
            std::find_if(statements_.rbegin(), statements_.rend(), [&](const auto& s) { return s.word() == word; });
        return found == statements_.rend() ? nullptr : &*found;
    }
    std::vector<const Statement*> take_all(std::string_view word) {
        known_.emplace(word);
        std::vector<const Statement*> all;
        for (const Statement& statement : statements_) {
            if (statement.word() == word) all.push_back(&statement);
        }
        return all;
    }
    void put(std::string_view word, std::string_view key) {
        const Statement* const statement = take(word);
        if (statement != nullptr) context_.put(statement->place, key, item(statement->at(1)));
    }

    /// Hooks, and what has no key here.
    void put_rest() {
        bool has_hooks = false;
        for (const Statement& statement : statements_) {
            if (translate_hook(context_, statement)) {
                has_hooks = true;
            } else if (!known_.contains(statement.word())) {
                context_.pass_over(Block::instance, statement);
            }
        }
        if (has_hooks && config::find_key(config::Section::instance, "hook_timeout") != nullptr) {
            context_.put(block_.place, "hook_timeout", "10min",
                         "keepalived never ends one; 5s, the default here, keeps a stuck one from delaying the next");
        }
    }

    bool is_strict() {
        const Statement* const mode = take("strict_mode");
        if (mode == nullptr) return context_.strict;
        return mode->words.size() < 2 || mode->at(1) == "on" || mode->at(1) == "yes" || mode->at(1) == "true";
    }

    /// Whether keepalived ignores the statement because it is strict.
    bool is_ignored(const Statement* statement) {
        if (!strict_ || statement == nullptr) return false;
        context_.lose(statement->place, statement->word(), "keepalived ignores it in strict mode");
        return true;
    }

    void find_family() {
        for (const Statement* const block : take_all("virtual_ipaddress")) {
            for (const Statement& line : block->body) {
                const auto prefix = Prefix::parse(line.word());
                if (!prefix) continue;
                family_ = prefix->address.family();
                return;
            }
        }
        for (const Statement* const block : take_all("unicast_peer")) {
            for (const Statement& line : block->body) {
                if (const auto address = IpAddress::parse(line.word())) family_ = address->family();
            }
        }
    }

    void find_version() {
        const Statement* const usual = context_.global("vrrp_version");
        const Statement* const own = take("version");
        usual_version_ = usual != nullptr ? std::string(usual->at(1)) : "2";
        version_ = own != nullptr ? std::string(own->at(1)) : usual_version_;
        if (family_ == Family::ipv6) version_ = "3";
        if (version_ != usual_version_) context_.put(block_.place, "version", item(version_));
    }

    void put_identity() {
        const Statement* const state = take("state");
        starts_as_master_ = state != nullptr && state->at(1) == "MASTER";
        put("interface", "interface");
        put("virtual_router_id", "virtual_router_id");
        const Statement* const priority = take("priority");
        // keepalived's default depends on the state.
        const int usual = starts_as_master_ ? owner_priority : 100;
        priority_ = priority == nullptr ? usual : number_of(priority->at(1)).value_or(0);
        if (priority != nullptr) {
            context_.put(priority->place, "priority", item(priority->at(1)));
        } else if (starts_as_master_) {
            context_.put(block_.place, "priority", std::to_string(usual),
                         "what keepalived takes for state MASTER without a priority; meant is perhaps 1 to 254");
        }
        put_interval();
        if (state != nullptr) {
            context_.note(fmt::format("state {}", state->at(1)),
                          "has no meaning here: every instance starts as BACKUP and the highest priority wins");
        }
    }

    void put_interval() {
        using std::chrono::milliseconds;
        using std::chrono::seconds;
        const Statement* const statement = take("advert_int");
        if (statement == nullptr) return;
        const auto interval = seconds_of(statement->at(1));
        if (!interval) return context_.lose(statement->place, "advert_int", "is no time");
        Duration rounded = *interval;
        if (version_ == "2") {
            rounded = std::max<Duration>(std::chrono::round<seconds>(rounded), seconds(1));
        } else {
            rounded = std::chrono::round<milliseconds>(rounded / 10) * 10;
        }
        context_.put(statement->place, "advert_int", text_of(rounded),
                     rounded == *interval ? "" : fmt::format("keepalived rounds {}, too", statement->at(1)));
    }

    void put_behaviour() {
        const Statement* const stays = take("nopreempt");
        const Statement* const delay = take("preempt_delay");
        const std::string no_effect = "had no effect beside state MASTER: keepalived says so and clears it";
        const bool preempts = stays == nullptr || starts_as_master_ || priority_ == owner_priority;
        if (!preempts) context_.put(stays->place, "nopreempt", "yes");
        if (preempts && stays != nullptr) {
            context_.lose(stays->place, "nopreempt", no_effect + "; if it was meant, write nopreempt = yes");
        }
        if (is_ignored(delay)) {
        } else if (delay != nullptr && starts_as_master_) {
            context_.lose(delay->place, "preempt_delay",
                          no_effect + fmt::format("; if it was meant, write preempt_delay = {}", delay->at(1)));
        } else if (delay != nullptr && !preempts) {
            context_.note("preempt_delay", "has no effect beside nopreempt");
        } else if (delay != nullptr) {
            put_time(*delay, "preempt_delay");
        }
        if (const Statement* const first = context_.global("vrrp_startup_delay")) put_time(*first, "startup_delay");
        if (take("dont_track_primary") != nullptr) context_.put(block_.place, "dont_track_primary", "yes");
        if (!is_ignored(take("down_timer_adverts"))) put("down_timer_adverts", "down_timer_adverts");
    }

    void put_time(const Statement& statement, std::string_view key) {
        const auto time = seconds_of(statement.at(1));
        if (!time) return context_.lose(statement.place, statement.word(), "is no time");
        context_.put(statement.place, key, text_of(*time));
    }

    void put_announcements() {
        const Statement* const count = take("garp_master_repeat");
        const Statement* const delay = take("garp_master_delay");
        if (strict_) {
            context_.put(block_.place, "garp_master_repeat", "1", "strict mode has no more");
            context_.put(block_.place, "garp_master_delay", "0s");
        } else {
            if (count != nullptr) context_.put(count->place, "garp_master_repeat", item(count->at(1)));
            if (delay != nullptr) put_time(*delay, "garp_master_delay");
        }
        if (const Statement* const refresh = take("garp_master_refresh")) put_time(*refresh, "garp_master_refresh");
    }

    void put_paths() {
        const auto blocks = take_all("unicast_peer");
        const bool unicast = std::ranges::any_of(blocks, [](const Statement* each) { return !each->body.empty(); });
        const Statement* const from = take("unicast_src_ip");
        const Statement* const other_from = take("mcast_src_ip");
        const Statement* const source = from != nullptr ? from : other_from;
        if (source != nullptr) {
            context_.put(source->place, unicast ? "unicast_src_ip" : "mcast_src_ip", item(source->at(1)));
            if (from != nullptr && !unicast) {
                context_.note("unicast_src_ip without unicast_peer",
                              "keepalived sends multicast then, and so does this");
            }
        }
        const Statement* const ttl = take("unicast_ttl");
        if (ttl != nullptr && unicast) context_.put(ttl->place, "unicast_ttl", item(ttl->at(1)));
        put_group_address(unicast);
        for (const Statement* const block : blocks) {
            for (const Statement& line : block->body) put_peer(line, source);
        }
    }

    void put_group_address(bool unicast) {
        const Statement* group = take("mcast_dst_ip");
        if (group == nullptr) {
            group = context_.global(family_ == Family::ipv4 ? "vrrp_mcast_group4" : "vrrp_mcast_group6");
        }
        if (group != nullptr && !unicast) context_.put(group->place, "mcast_dst_ip", item(group->at(1)));
    }

    void put_peer(const Statement& line, const Statement* source) {
        const auto address = IpAddress::parse(line.word());
        if (!address || address->family() != family_) {
            return context_.lose(line.place, "unicast_peer " + line.word(), "is no address of the instance's family");
        }
        if (source != nullptr && IpAddress::parse(source->at(1)) == address) {
            return context_.note("unicast_peer " + line.word(), "is our own unicast_src_ip");
        }
        std::string least = "1";
        std::string_view remark = "as with keepalived; without min_ttl only a peer on the same link is heard (255)";
        for (std::size_t i = 1; i < line.words.size(); i += 2) {
            const std::string option = line.words[i], value(line.at(i + 1));
            if (option == "min_ttl" && number_of(value)) {
                if (*number_of(value) == 0) continue;
                least = value;
                remark = {};
            } else if (option == "max_ttl") {
                if (value != "255") context_.lose(line.place, "max_ttl " + value, "there is a least TTL only");
            } else {
                context_.lose(line.place, "unicast_peer " + line.word() + " " + option,
                              "is no option of a peer; each peer has a line of its own");
                break;
            }
        }
        context_.put(line.place, "unicast_peer", line.word() + " min_ttl " + least, remark);
    }

    void put_password() {
        constexpr std::size_t longest = 8;
        const Statement* const block = take("authentication");
        if (block == nullptr || is_ignored(block)) return;
        if (version_ != "2") return context_.note("authentication", "keepalived has none in version 3, either");
        std::string type, password;
        const auto parts = statements_of(*block);
        for (const Statement& statement : parts) {
            if (statement.word() == "auth_type") type = statement.at(1);
            if (statement.word() == "auth_pass") password = statement.at(1);
        }
        if (parts.size() > block->body.size()) {
            context_.lose(block->place, "authentication on one line",
                          "keepalived reads the first word of it and no password; here it is read as it was meant, and "
                          "a keepalived beside it must be told, too");
        }
        if (type == "AH") return context_.lose(block->place, "auth_type AH", "there is none; IPsec can do it");
        if (type.empty() || password.empty()) {
            return context_.note("authentication", "without a type and a password it does nothing");
        }
        context_.put(block->place, "auth_type", "PASS");
        context_.put(block->place, "auth_pass", item(password.substr(0, longest)),
                     password.size() > longest ? "keepalived sends no more than 8 characters, either" : "");
    }

    void put_addresses() {
        for (const char* const word : {"virtual_ipaddress", "virtual_ipaddress_excluded"}) {
            for (const Statement* const block : take_all(word)) {
                for (const Statement& line : block->body) put_address(line, word);
            }
        }
    }

    void put_address(const Statement& line, const std::string& key) {
        const std::string what = key + " " + line.word();
        const auto prefix = Prefix::parse(line.word());
        if (!prefix) return context_.lose(line.place, what, "is no address");
        if (key == "virtual_ipaddress" && prefix->address.family() != family_) {
            return context_.lose(line.place, what,
                                 "keepalived ignores one of another family than the first; write "
                                 "virtual_ipaddress_excluded = " +
                                     prefix->to_string());
        }
        if (!seen_.insert(prefix->address).second) return context_.note(what, "is there twice");
        std::string value = line.word();
        bool whole = true;
        for (std::size_t i = 1; i < line.words.size();) whole = read_option(line, i, *prefix, what, value) && whole;
        if (whole) context_.put(line.place, key, value);
    }

    /// False: the address cannot be carried over at all. Moves `i` behind the option.
    bool read_option(const Statement& line, std::size_t& i, const Prefix& prefix, const std::string& what,
                     std::string& value) {
        const std::string& option = line.words[i++];
        static const std::set<std::string_view> needless{"home",          "-nodad",   "nodad",    "mngtmpaddr",
                                                         "noprefixroute", "autojoin", "no_track", "deprecated"};
        if (needless.contains(option)) {
            context_.note(what + " " + option, "is not needed, or always so");
            return true;
        }
        if (option == "use_vmac") {
            context_.lose(line.place, what + " use_vmac", meaning_of(Block::instance, "use_vmac").reason);
            return true;
        }
        const std::string argument(line.at(i++));
        const bool ipv4 = prefix.address.family() == Family::ipv4;
        if (option == "dev" || (option == "label" && ipv4)) {
            value += " " + option + " " + item(argument);
        } else if (option == "label") {
            context_.note(what + " label", "IPv6 addresses have none");
        } else if (option == "brd" || option == "broadcast") {
            context_.note(what + " brd", "the address gets no broadcast address, which clients do not need");
        } else if (option == "scope" && argument == "global") {
        } else if (option == "scope" || option == "preferred_lft") {
            context_.lose(line.place, what + " " + option + " " + argument, "vrrpd decides this for all its addresses");
        } else if (option == "peer") {
            context_.lose(line.place, what + " peer", "there are no point-to-point addresses here");
            return false;
        } else {
            i = line.words.size();
            context_.lose(line.place, what + " " + option, "is no option of an address, keepalived ignores it as well");
        }
        return true;
    }

    void put_routes() {
        for (const Statement* const block : take_all("virtual_routes")) {
            for (const Statement& line : block->body) put_route(line);
        }
    }

    void put_route(const Statement& line) {
        std::string destination, options;
        const std::string what = "virtual_routes " + line.word();
        for (std::size_t i = 0; i < line.words.size(); ++i) {
            const std::string& word = line.words[i];
            const std::string argument(line.at(i + 1));
            const bool is_via = word == "via" || word == "gw";
            const bool is_dev = word == "dev" || word == "oif";
            const bool is_metric = word == "metric" || word == "priority" || word == "preference";
            if (word == "no_track" || word == "unicast") continue;
            if (is_via || is_dev || is_metric || word == "src" || word == "table") {
                options += fmt::format(" {} {}",
                                       is_via      ? "via"
                                       : is_dev    ? "dev"
                                       : is_metric ? "metric"
                                                   : word,
                                       item(argument));
                ++i;
            } else if (word == "to") {
                destination = argument;
                ++i;
            } else if (word == "scope" || word == "proto" || word == "protocol") {
                context_.note(what + " " + word, "is left to the kernel");
                ++i;
            } else if (destination.empty() && (word == "default" || Prefix::parse(word))) {
                destination = word;
            } else {
                return context_.lose(line.place, what, "routes with " + config::excerpt(word) + " are not made here");
            }
        }
        if (destination.empty()) return context_.lose(line.place, what, "it has no destination");
        context_.put(line.place, "virtual_routes", destination + options);
    }

    void put_tracks() { put_tracks_of(statements_, {}); }

    /// What a group tracks, each of its members does: a fault of one is one of all.
    void put_group_tracks(const std::string& name) {
        const auto group = context_.group_of.find(name);
        if (group == context_.group_of.end()) return;
        put_tracks_of(statements_of(*group->second), fmt::format("of vrrp_sync_group {}", group->second->at(1)));
    }

    void put_tracks_of(const std::vector<Statement>& statements, const std::string& origin) {
        for (const char* const word : {"track_interface", "track_script", "track_process", "track_file"}) {
            known_.emplace(word);
            for (const Statement& block : statements) {
                if (block.word() != word) continue;
                for (const Statement& line : block.body) {
                    for (std::size_t i = 0; i < line.words.size();) put_track(word, line, i, origin);
                }
            }
        }
    }

    /// Several may stand on a line; `i` moves behind this one.
    void put_track(const std::string& word, const Statement& line, std::size_t& i, const std::string& origin) {
        const std::string name = line.words[i++];
        const std::string what = word + " " + name;
        const auto given = weight_of(line, i);
        if (!tracked_.insert(what).second) return context_.note(what, "is there twice");
        if (priority_ == owner_priority) {
            return context_.lose(line.place, what, "priority 255 owns the addresses and cannot step back");
        }
        // A group's own tracks may have weights, and so may all where the group says so.
        const bool grouped = origin.empty() && has_group_without_weights();
        if (grouped && given && given->number != 0) {
            return context_.lose(line.place, what,
                                 "keepalived ignores what has a weight of its own in a member of a "
                                 "vrrp_sync_group; without a weight it would mean FAULT");
        }
        if (word == "track_interface") return put_interface(line, name, given.value_or(Weight{}), origin);
        const Watched kind = word == "track_script"    ? Watched::script
                             : word == "track_process" ? Watched::process
                                                       : Watched::file;
        const auto watched = context_.watched.find({kind, name});
        if (watched == context_.watched.end()) return context_.lose(line.place, what, "there is nothing of that name");
        Weight usual = usual_weight(kind, *watched->second);
        if (grouped && usual.number != 0) {
            context_.note(fmt::format("{} weight {}", name, usual.number),
                          "keepalived takes 0 in a member of a vrrp_sync_group: a failure is a FAULT");
            usual = {};
        }
        put_check(line, kind, name, given.value_or(usual), origin);
    }

    bool has_group_without_weights() const {
        const auto group = context_.group_of.find(std::string(block_.at(1)));
        if (group == context_.group_of.end()) return false;
        return std::ranges::none_of(statements_of(*group->second), [](const Statement& statement) {
            return statement.word() == "sync_group_tracking_weight" || statement.word() == "global_tracking";
        });
    }

    static Weight usual_weight(Watched kind, const Statement& block) {
        Weight weight{kind == Watched::file ? 1 : 0, false};
        for (const Statement& statement : statements_of(block)) {
            std::size_t position = 0;
            if (const auto found = weight_of(statement, position)) weight = *found;
        }
        return weight;
    }

    void put_interface(const Statement& line, const std::string& name, Weight weight, const std::string& origin) {
        put_weighted(line, "track_interface", item(name), weight, origin);
    }

    void put_check(const Statement& line, Watched kind, const std::string& name, Weight weight,
                   const std::string& origin) {
        const std::string ours = context_.check_name(kind, name);
        const bool known = std::ranges::find(context_.tracked, std::pair{kind, name}) != context_.tracked.end();
        if (kind == Watched::file && weight.number != 0 && (weight.number != 1 || weight.reverse)) {
            return context_.lose(line.place, "track_file " + name,
                                 fmt::format("the number in a file is added as it is, and not {}{} times",
                                             weight.reverse ? "-" : "", weight.number));
        }
        if (weight.number == 0 && weight.reverse) {
            return context_.lose(line.place, "track of " + name + " with weight 0 reverse",
                                 "that something passes is no FAULT here");
        }
        if (!known) context_.tracked.emplace_back(kind, name);
        if (kind == Watched::file && weight.number == 1) {
            return context_.put(line.place, "track_check", ours + " weight file", origin);
        }
        put_weighted(line, "track_check", ours, weight, origin);
    }

    /// `reverse` turns the sign there, and the condition here: the sum is the same with both turned.
    void put_weighted(const Statement& line, std::string_view key, std::string value, Weight weight,
                      const std::string& origin) {
        if (weight.number == 0 && weight.reverse) {
            return context_.lose(line.place, std::string(key) + " " + value + " with weight 0 reverse",
                                 "that a link is up is no FAULT here");
        }
        if (weight.number != 0) {
            value += fmt::format(" weight {}{}", weight.reverse ? -weight.number : weight.number,
                                 weight.reverse ? " reverse" : "");
        }
        context_.put(line.place, key, value, origin);
    }

    Context& context_;
    const Statement& block_;
    std::vector<Statement> statements_;
    std::set<std::string, std::less<>> known_;  ///< words that are taken care of
    std::set<std::string> tracked_;
    std::set<IpAddress> seen_;
    Family family_ = Family::ipv4;
    std::string version_, usual_version_;
    bool starts_as_master_ = false;
    bool strict_ = false;
    int priority_ = 100;
};

}  // namespace

void translate_instance(Context& context, const Statement& instance) {
    InstanceTranslator(context, instance).run();
}

void translate_group(Context& context, const Statement& group) {
    context.ini.section("vrrp_sync_group", context.name_of("group", std::string(group.at(1))));
    std::string members;
    const auto exists = [&](const std::string& name) {
        return std::ranges::any_of(context.instances, [&](const Statement* each) { return each->at(1) == name; });
    };
    for (const Statement& statement : statements_of(group)) {
        if (statement.word() != "group") continue;
        for (const Statement& line : statement.body) {
            for (const std::string& name : line.words) {
                if (!exists(name)) {
                    context.lose(line.place, "member " + name, "there is no vrrp_instance of that name");
                } else {
                    members += (members.empty() ? "" : ", ") + context.name_of("instance", name);
                }
            }
        }
    }
    context.put(group.place, "member", members);
    static const std::set<std::string_view> done{"group", "track_interface", "track_script", "track_process",
                                                 "track_file"};
    for (const Statement& statement : statements_of(group)) {
        if (translate_hook(context, statement) || done.contains(statement.word())) continue;
        context.pass_over(Block::group, statement);
    }
}

}  // namespace vrrpd::keepalived
