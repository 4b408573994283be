#include "vrrpd/agent/metrics.hpp"

#include <array>
#include <charconv>
#include <initializer_list>
#include <string_view>
#include <utility>

namespace vrrpd {
namespace {

struct Label {
    std::string_view name;
    std::string_view value;
};
using Labels = std::initializer_list<Label>;

// The text as it grows: a family is begun once, then come its series. Thousands of lines on the protocol thread, so
// they are only appended.
class Page {
  public:
    void counter(std::string_view name, std::string_view help) { family(name, "counter", help); }
    void gauge(std::string_view name, std::string_view help) { family(name, "gauge", help); }

    template <typename Number>
    void series(Labels labels, Number value) {
        text_ += name_;
        char before = '{';
        for (const auto& [name, content] : labels) {
            text_ += std::exchange(before, ',');
            append({name, "=\""});
            append_escaped(content);
            text_ += '"';
        }
        if (before == ',') text_ += '}';
        std::array<char, 32> digits;
        const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
        append({" ", {digits.data(), end}, "\n"});
    }

    std::string take() { return std::move(text_); }

  private:
    void family(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        append({"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"});
    }
    void append(std::initializer_list<std::string_view> pieces) {
        for (const std::string_view piece : pieces) text_ += piece;
    }
    void append_escaped(std::string_view value) {
        if (value.find_first_of("\\\"\n") == std::string_view::npos) {
            text_ += value;
            return;
        }
        for (const char character : value) {
            if (character == '\\' || character == '"') text_ += '\\';
            character == '\n' ? text_ += "\\n" : text_ += character;
        }
    }

    std::string_view name_;
    std::string text_;
};

struct CounterRow {
    const char* name;
    std::uint64_t Instance::Counters::*value;
    const char* help;
};
using Counters = Instance::Counters;
constexpr CounterRow counter_rows[] = {
    {"vrrpd_became_master_total", &Counters::became_active, "How often the instance became MASTER."},
    {"vrrpd_adverts_received_total", &Counters::adverts_received, "Valid adverts heard."},
    {"vrrpd_adverts_sent_total", &Counters::adverts_sent,
     "Adverts given to the kernel, those that it did not take included."},
    {"vrrpd_releases_received_total", &Counters::releases_received,
     "Valid adverts with priority 0 heard: an Active left."},
    {"vrrpd_releases_sent_total", &Counters::releases_sent, "Adverts with priority 0 among those sent."},
    {"vrrpd_send_failures_total", &Counters::sends_failed, "Adverts that the kernel did not take."},
    {"vrrpd_address_lists_differed_total", &Counters::lists_differed,
     "Valid adverts that list other addresses than ours."},
    {"vrrpd_adverts_first_address_global_total", &Counters::first_global,
     "Valid IPv6 adverts whose first address is not link-local."},
    {"vrrpd_adverts_off_subnet_total", &Counters::off_subnet,
     "Valid adverts from an address in no subnet of the interface."},
    {"vrrpd_addresses_lost_total", &Counters::addresses_lost, "How often somebody else removed an address of ours."},
    {"vrrpd_foreign_claims_total", &Counters::foreign_claims,
     "How often somebody else said that he has an address, while the instance was MASTER."},
};

template <typename Use>
void for_each_instance(const Router& router, Use use) {
    for (InstanceId id = 0; id < router.size(); ++id) use(router.instance(id), router.instance(id).options().name);
}

template <typename Use>
void for_each_refusal(const std::array<std::uint64_t, refusal_count>& refused, Use use) {
    for (std::size_t i = 0; i < refused.size(); ++i) use(to_string(static_cast<Refusal>(i)), refused[i]);
}

void write_instances(Page& page, const Router& router, Instant now) {
    page.gauge("vrrpd_instance_info", "What the instance is, in its labels; always 1.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        const InstanceOptions& options = instance.options();
        page.series({{"instance", name},
                     {"interface", options.interface},
                     {"vrid", std::to_string(options.virtual_router_id)},
                     {"family", options.family == Family::ipv4 ? "ipv4" : "ipv6"},
                     {"version", std::to_string(static_cast<int>(options.version))}},
                    1);
    });
    page.gauge("vrrpd_instance_state", "1 for the state that the instance is in, 0 for the others.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        for (const Role role : {Role::init, Role::backup, Role::master, Role::fault}) {
            page.series({{"instance", name}, {"state", to_string(role)}}, instance.role() == role ? 1 : 0);
        }
    });
    page.gauge("vrrpd_instance_priority", "The priority with all weights counted.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        page.series({{"instance", name}}, instance.priority());
    });
    page.gauge("vrrpd_no_peer_heard", "1: MASTER for ten down intervals, and no advert since the daemon's start.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        page.series({{"instance", name}}, instance.lonely() ? 1 : 0);
    });
    page.gauge("vrrpd_last_advert_age_seconds", "Time since the last valid advert was heard; absent before the first.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        if (!instance.last_heard()) return;
        const std::chrono::duration<double> age = now - instance.last_heard()->when;
        page.series({{"instance", name}}, age.count());
    });
}

void write_counters(Page& page, const Router& router) {
    for (const CounterRow& row : counter_rows) {
        page.counter(row.name, row.help);
        for_each_instance(router, [&](const Instance& instance, const std::string& name) {
            page.series({{"instance", name}}, instance.counters().*row.value);
        });
    }
    page.counter("vrrpd_checksum_form_received_total", "Valid adverts by what their checksum covers.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        const auto& forms = instance.counters().checksum_forms;
        const auto of = [&](ChecksumForm form) { return forms[static_cast<std::size_t>(form)]; };
        page.series({{"instance", name}, {"form", "message_only"}}, of(ChecksumForm::message_only));
        page.series({{"instance", name}, {"form", "pseudo_header"}}, of(ChecksumForm::pseudo_header));
    });
    page.counter("vrrpd_adverts_refused_total", "Adverts for the instance that were dropped, by the reason.");
    for_each_instance(router, [&](const Instance& instance, const std::string& name) {
        for_each_refusal(instance.counters().refused, [&](const char* reason, std::uint64_t count) {
            page.series({{"instance", name}, {"reason", reason}}, count);
        });
    });
    page.counter("vrrpd_adverts_unassigned_total", "Adverts for no instance that were dropped, by the reason.");
    for_each_refusal(router.unassigned(), [&](const char* reason, std::uint64_t count) {
        page.series({{"reason", reason}}, count);
    });
}

void write_shell(Page& page, const ShellCounters& shell) {
    page.counter("vrrpd_netlink_resyncs_total", "How often notices of the kernel were lost and all was read anew.");
    page.series({}, shell.netlink_resyncs);
    page.counter("vrrpd_lease_renewals_total", "Addresses whose lifetime was renewed, or tried to be.");
    page.series({}, shell.lease_renewals);
    page.counter("vrrpd_lease_renewal_failures_total", "Renewals that the kernel refused.");
    page.series({}, shell.lease_renewals_failed);
    page.counter("vrrpd_announcements_sent_total", "Gratuitous ARPs and unsolicited neighbour advertisements sent.");
    page.series({}, shell.announcements_sent);
    page.counter("vrrpd_announcement_failures_total", "Announcements that the kernel did not take.");
    page.series({}, shell.announcements_failed);
    page.counter("vrrpd_packets_lost_total", "Adverts that instances want and the receive buffer had no room for.");
    page.series({}, shell.packets_lost);
    page.counter("vrrpd_packets_unclassified_total",
                 "Packets of protocol 112 that no instance wants, and that came faster than they are looked at.");
    page.series({}, shell.packets_unclassified);
    page.gauge("vrrpd_build_info", "The version of the daemon, in its label; always 1.");
    page.series({{"version", VRRPD_VERSION}}, 1);
}

// Under the label of what they belong to; only what is configured.
void write_hooks(Page& page, const HookSet* hooks) {
    const auto kind_of = [](const hooks::Owner& owner) { return owner.kind == "GROUP" ? "group" : "instance"; };
    page.counter("vrrpd_hooks_total", "Hooks that ran or were skipped, by how they went.");
    const auto for_each = [hooks](auto use) {
        if (hooks != nullptr) hooks->for_each_counter(use);
    };
    for_each([&](const hooks::Owner& owner, Hook hook, const HookCounters& counters) {
        const std::pair<const char*, std::uint64_t> results[] = {{"succeeded", counters.succeeded},
                                                                 {"failed", counters.failed},
                                                                 {"timed_out", counters.timed_out},
                                                                 {"skipped", counters.skipped}};
        for (const auto& [result, count] : results)
            page.series({{kind_of(owner), owner.name}, {"hook", to_string(hook)}, {"result", result}}, count);
    });
    page.counter("vrrpd_hook_seconds_total", "How long hooks ran.");
    for_each([&](const hooks::Owner& owner, Hook hook, const HookCounters& counters) {
        const std::chrono::duration<double> took = counters.took;
        page.series({{kind_of(owner), owner.name}, {"hook", to_string(hook)}}, took.count());
    });
}

}  // namespace

std::string metrics_text(const Router& router, const ShellCounters& shell, Instant now, const HookSet* hooks) {
    Page page;
    write_instances(page, router, now);
    write_counters(page, router);
    write_hooks(page, hooks);
    write_shell(page, shell);
    return page.take();
}

}  // namespace vrrpd
