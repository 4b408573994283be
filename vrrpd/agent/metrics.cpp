#include "vrrpd/agent/metrics.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

namespace vrrpd {
namespace {

constexpr std::size_t series_at_once = 64;  // instances of one family that are written in one step

struct Label {
    std::string_view name;
    std::string_view value;
};
using Labels = std::initializer_list<Label>;

// The text as it grows: a family is begun once, then come its series. Thousands of lines on the protocol thread, so
// they are only appended.
class Page {
  public:
    void counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }
    void gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
    void begin(std::string_view name, std::string_view type, std::string_view help) {
        name_ = name;
        append({"# HELP ", name, " ", help, "\n# TYPE ", name, " ", type, "\n"});
    }
    /// More series of a family that an earlier page began.
    void resume(std::string_view name) { name_ = name; }

    template <typename Number>
    void series(Labels labels, Number value) {
        series({}, labels, value);
    }
    /// One of those that make a histogram: "_bucket".
    template <typename Number>
    void series(std::string_view suffix, Labels labels, Number value) {
        append({name_, suffix});
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

using Write = std::function<void(Page&, const Instance&, const std::string& name, Instant now)>;

// What every instance has series of.
struct Metric {
    const char* name;
    const char* type;
    const char* help;
    Write write;
};

template <typename Use>
void for_each_refusal(const std::array<std::uint64_t, refusal_count>& refused, Use use) {
    for (std::size_t i = 0; i < refused.size(); ++i) use(to_string(static_cast<Refusal>(i)), refused[i]);
}

// A gauge with one series an instance; where `value` gives nothing there is none.
template <typename Value>
Metric gauge(const char* name, const char* help, Value value) {
    return {name, "gauge", help, [value](Page& page, const Instance& instance, const std::string& label, Instant now) {
                const auto number = value(instance, now);
                if (number) page.series({{"vrrp_instance", label}}, *number);
            }};
}

void write_info(Page& page, const Instance& instance, const std::string& name, Instant) {
    const InstanceOptions& options = instance.options();
    const auto lowest =
        std::ranges::min_element(options.addresses, {}, [](const VirtualAddress& one) { return one.prefix.address; });
    page.series({{"vrrp_instance", name},
                 {"interface", options.interface},
                 {"address", lowest == options.addresses.end() ? "" : lowest->prefix.address.to_string()},
                 {"vrid", std::to_string(options.virtual_router_id)},
                 {"family", options.family == Family::ipv4 ? "ipv4" : "ipv6"},
                 {"version", std::to_string(static_cast<int>(options.version))}},
                1);
}

void write_state(Page& page, const Instance& instance, const std::string& name, Instant) {
    for (const Role role : {Role::init, Role::backup, Role::master, Role::fault}) {
        page.series({{"vrrp_instance", name}, {"state", to_string(role)}}, instance.role() == role ? 1 : 0);
    }
}

void write_transitions(Page& page, const Instance& instance, const std::string& name, Instant) {
    for (const Role role : {Role::backup, Role::master, Role::fault}) {
        page.series({{"vrrp_instance", name}, {"to", to_string(role)}}, instance.counters().became(role));
    }
}

void write_warnings(Page& page, const Instance& instance, const std::string& name, Instant now) {
    for (const Sign& sign : instance.signs().all()) {
        page.series({{"vrrp_instance", name}, {"kind", word_of(sign)}}, in_seconds(now - sign.last));
    }
}

void write_forms(Page& page, const Instance& instance, const std::string& name, Instant) {
    const auto& forms = instance.counters().checksum_forms;
    const auto of = [&](ChecksumForm form) { return forms[static_cast<std::size_t>(form)]; };
    page.series({{"vrrp_instance", name}, {"form", "message_only"}}, of(ChecksumForm::message_only));
    page.series({{"vrrp_instance", name}, {"form", "pseudo_header"}}, of(ChecksumForm::pseudo_header));
}

void write_refusals(Page& page, const Instance& instance, const std::string& name, Instant) {
    for_each_refusal(instance.counters().refused, [&](const char* reason, std::uint64_t count) {
        page.series({{"vrrp_instance", name}, {"reason", reason}}, count);
    });
}

std::vector<Metric> make_metrics() {
    using std::optional;
    std::vector<Metric> metrics{
        {"vrrpd_instance_info", "gauge", "What the instance is, in its labels; always 1.", write_info},
        {"vrrpd_instance_state", "gauge", "1 for the state that the instance is in, 0 for the others.", write_state},
        gauge("vrrpd_instance_priority", "The priority with all weights counted.",
              [](const Instance& instance, Instant) { return optional(instance.priority()); }),
        gauge("vrrpd_instance_drained", "1: never MASTER here until vrrpctl resume.",
              [](const Instance& instance, Instant) { return optional(instance.drained() ? 1 : 0); }),
        gauge("vrrpd_no_peer_heard", "1: MASTER for ten down intervals, and no advert since the daemon's start.",
              [](const Instance& instance, Instant) { return optional(instance.lonely() ? 1 : 0); }),
        gauge("vrrpd_last_advert_age_seconds", "Time since the last valid advert was heard; absent before the first.",
              [](const Instance& instance, Instant now) {
                  const auto& heard = instance.last_heard();
                  return heard ? optional(in_seconds(now - heard->when)) : std::nullopt;
              }),
        {"vrrpd_warning_age_seconds", "gauge", "Time since that was last wrong; absent if it never was.",
         write_warnings},
        {"vrrpd_transitions_total", "counter", "How often the instance entered a state.", write_transitions},
    };
    for (const CounterRow& row : counter_rows) {
        metrics.push_back({row.name, "counter", row.help,
                           [row](Page& page, const Instance& instance, const std::string& name, Instant) {
                               page.series({{"vrrp_instance", name}}, instance.counters().*row.value);
                           }});
    }
    metrics.push_back(
        {"vrrpd_checksum_form_received_total", "counter", "Valid adverts by what their checksum covers.", write_forms});
    metrics.push_back({"vrrpd_adverts_refused_total", "counter",
                       "Adverts for the instance that were dropped, by the reason.", write_refusals});
    return metrics;
}

const std::vector<Metric>& metrics() {
    static const std::vector<Metric> all = make_metrics();
    return all;
}

void write_unassigned(Page& page, const Router& router) {
    page.counter("vrrpd_adverts_unassigned_total", "Adverts for no instance that were dropped, by the reason.");
    for_each_refusal(router.unassigned(), [&](const char* reason, std::uint64_t count) {
        page.series({{"reason", reason}}, count);
    });
}

void write_lateness(Page& page, const Lateness& lateness) {
    page.begin("vrrpd_advert_lateness_seconds", "histogram", "How late adverts were given to the kernel.");
    const auto counts = lateness.cumulative();
    for (std::size_t i = 0; i < Lateness::bounds.size(); ++i) {
        page.series("_bucket", {{"le", Lateness::bounds[i].seconds}}, counts[i]);
    }
    page.series("_bucket", {{"le", "+Inf"}}, counts.back());
    page.series("_sum", {}, in_seconds(lateness.sum()));
    page.series("_count", {}, counts.back());
    page.counter("vrrpd_adverts_overdue_total", "Adverts that were late by more than half of their interval.");
    page.series({}, lateness.overdue());
}

void write_tally(Page& page, const Tally& tally) {
    write_lateness(page, tally.lateness);
    page.counter("vrrpd_role_changes_total", "Changes of the state of any instance, by their cause.");
    for (std::size_t i = 0; i < tally.causes.size(); ++i) {
        page.series({{"cause", to_string(static_cast<Cause>(i))}}, tally.causes[i]);
    }
    page.counter("vrrpd_reloads_total", "How often the configuration was read again.");
    page.series({{"result", "applied"}}, tally.reloads_applied);
    page.series({{"result", "refused"}}, tally.reloads_refused);
    page.gauge("vrrpd_last_reload_successful", "0: the file as it was read last is not in force.");
    page.series({}, tally.last_reload_applied ? 1 : 0);
}

struct ShellRow {
    const char* name;
    std::uint64_t ShellCounters::*value;
    const char* help;
};
constexpr ShellRow shell_rows[] = {
    {"vrrpd_netlink_requests_total", &ShellCounters::netlink_requests,
     "Additions and removals of addresses and routes that the kernel was asked for."},
    {"vrrpd_netlink_request_failures_total", &ShellCounters::netlink_requests_failed,
     "Those that it refused, or did not answer."},
    {"vrrpd_netlink_resyncs_total", &ShellCounters::netlink_resyncs,
     "How often notices of the kernel were lost and all was read anew."},
    {"vrrpd_lease_renewals_total", &ShellCounters::lease_renewals,
     "Addresses whose lifetime was renewed, or tried to be."},
    {"vrrpd_lease_renewal_failures_total", &ShellCounters::lease_renewals_failed, "Renewals that the kernel refused."},
    {"vrrpd_announcements_sent_total", &ShellCounters::announcements_sent,
     "Gratuitous ARPs and unsolicited neighbour advertisements sent."},
    {"vrrpd_announcement_failures_total", &ShellCounters::announcements_failed,
     "Announcements that the kernel did not take."},
    {"vrrpd_packets_lost_total", &ShellCounters::packets_lost,
     "Adverts that instances want and the receive buffer had no room for."},
    {"vrrpd_packets_unclassified_total", &ShellCounters::packets_unclassified,
     "Packets of protocol 112 that no instance wants, and that came faster than they are looked at."},
    {"vrrpd_packets_unreadable_total", &ShellCounters::packets_unreadable,
     "Packets of protocol 112 that are longer than any advert, or whose IP header contradicts itself."},
    {"vrrpd_log_lines_lost_total", &ShellCounters::log_lines_lost, "Log messages that the target was too slow for."},
};

void write_shell(Page& page, const ShellCounters& shell) {
    for (const ShellRow& row : shell_rows) {
        page.counter(row.name, row.help);
        page.series({}, shell.*row.value);
    }
    write_tally(page, shell.tally);
    page.gauge("vrrpd_build_info", "The version of the daemon, in its label; always 1.");
    page.series({{"version", VRRPD_VERSION}}, 1);
}

void write_checks(Page& page, const ShellCounters& shell) {
    page.gauge("vrrpd_check_up", "1: the last verdict of the check is up; absent while there is none.");
    for (const auto& check : shell.checks) {
        if (check.verdict == health::Verdict::unknown) continue;
        page.series({{"check", check.name}}, check.verdict == health::Verdict::up ? 1 : 0);
    }
    page.gauge("vrrpd_check_class", "What the last probe found, in a label; always 1, absent while none has ended.");
    for (const auto& check : shell.checks) {
        if (check.last) page.series({{"check", check.name}, {"class", to_string(*check.last)}}, 1);
    }
    page.counter("vrrpd_check_probes_total", "Probes that ended.");
    for (const auto& check : shell.checks) page.series({{"check", check.name}}, check.counters.probes);
    page.counter("vrrpd_check_probe_failures_total", "Probes that found the service ill, or nobody.");
    for (const auto& check : shell.checks) page.series({{"check", check.name}}, check.counters.failures);
    page.counter("vrrpd_check_probe_seconds_total", "How long the probes took.");
    for (const auto& check : shell.checks) page.series({{"check", check.name}}, in_seconds(check.counters.took));
}

void write_services(Page& page, const ShellCounters& shell) {
    page.gauge("vrrpd_service_ready", "1: the service runs and accepts.");
    for (const auto& service : shell.services) page.series({{"service", service.name}}, service.ready ? 1 : 0);
    page.counter("vrrpd_service_events_total", "How often the service came to be what the label says.");
    for (const auto& [name, ready, counters] : shell.services) {
        page.series({{"service", name}, {"event", "ready"}}, counters.ready);
        page.series({{"service", name}, {"event", "stopped"}}, counters.stopped);
        page.series({{"service", name}, {"event", "restarted"}}, counters.restarted);
        page.series({{"service", name}, {"event", "failed"}}, counters.failed);
    }
    page.counter("vrrpd_service_start_seconds_total", "Time that the service was wanted and not ready.");
    for (const auto& service : shell.services) {
        page.series({{"service", service.name}}, in_seconds(service.counters.starting));
    }
}

// Under the label of what they belong to; only what is configured.
void write_hooks(Page& page, const HookSet* hooks) {
    const auto kind_of = [](const hooks::Owner& owner) { return owner.kind == "GROUP" ? "group" : "vrrp_instance"; };
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

std::optional<std::string> MetricsPages::next() {
    Page page;
    if (family_ >= metrics().size()) return next_of_host();
    const Metric& metric = metrics()[family_];
    if (instance_ == 0) page.begin(metric.name, metric.type, metric.help);
    page.resume(metric.name);
    const InstanceId end = std::min(instance_ + series_at_once, router_.size());
    for (; instance_ < end; ++instance_) {
        const Instance& instance = router_.instance(instance_);
        if (!is_vacant(instance.options())) metric.write(page, instance, instance.options().name, now_);
    }
    if (end == router_.size()) ++family_, instance_ = 0;
    return page.take();
}

std::optional<std::string> MetricsPages::next_of_host() {
    Page page;
    switch (family_++ - metrics().size()) {
        case 0:
            write_unassigned(page, router_);
            write_shell(page, shell_);
            return page.take();
        case 1:
            write_hooks(page, hooks_);
            write_services(page, shell_);
            return page.take();
        case 2:
            write_checks(page, shell_);
            return page.take();
        default:
            return std::nullopt;
    }
}

}  // namespace vrrpd
