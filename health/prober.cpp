#include "health/prober.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace vrrpd::health {
namespace {

constexpr Duration far_away = std::chrono::milliseconds(10);

// FNV-1a: spreads similar names well, and gives the same phase at every start.
std::uint64_t hash(std::string_view name) {
    std::uint64_t value = 14695981039346656037u;
    for (const char character : name) value = (value ^ static_cast<unsigned char>(character)) * 1099511628211u;
    return value;
}

Duration phase(const CheckOptions& options) {
    const Duration most = std::min<Duration>(options.interval, std::chrono::milliseconds(100));
    if (most <= Duration::zero()) return Duration::zero();
    return Duration(static_cast<Duration::rep>(hash(options.name) % static_cast<std::uint64_t>(most.count())));
}

}  // namespace

Prober::Prober(Loop& loop, ScriptRunner& scripts, CheckOptions options)
    : loop_(loop),
      options_(std::move(options)),
      timer_(loop.timer([this] { probe(); })),
      method_(make_method(loop, scripts, options_, [this] { probe_now(); })) {}

void Prober::join(Client& client) {
    members_.push_back({&client, probe_ != nullptr});
    if (probe_) {
        again_ = true;
    } else {
        schedule(std::min(next_, loop_.now() + phase(options_)));
    }
}

void Prober::leave(Client& client) {
    std::erase_if(members_, [&](const Member& member) { return member.client == &client; });
    if (!members_.empty()) return;
    schedule(never);
    probe_.reset();
    method_->release();
    again_ = false;
}

void Prober::probe_now() {
    if (members_.empty()) return;
    if (probe_) {
        again_ = true;
    } else {
        probe();
    }
}

// Probes that are due within the same millisecond start together: one wake-up, and their answers come together.
void Prober::schedule(Instant when) {
    if (when != never && when - loop_.now() > far_away) when = std::chrono::floor<std::chrono::milliseconds>(when);
    next_ = when;
    timer_->arm(when);
}

void Prober::probe() {
    schedule(never);
    started_ = loop_.now();
    probe_ = method_->probe([this](const Finding& finding) { probed(finding); });
}

void Prober::probed(const Finding& finding) {
    const auto self = shared_from_this();
    probe_.reset();
    const Instant now = loop_.now();
    Instant next = again_ ? now : never;
    bool well = finding.success();
    std::vector<Client*> judges;
    for (Member& member : members_) {
        if (std::exchange(member.came_late, false)) continue;
        judges.push_back(member.client);
        member.client->judge(finding, now - started_);
        next = std::min(next, member.client->next_probe(started_, now));
        well = well && member.client->well();
    }
    again_ = false;
    schedule(next);
    if (finding.cls != Class::not_asked) method_->probed(well);
    for (Client* const client : judges) {
        // Another one's listener may have stopped or destroyed it.
        if (std::ranges::find(members_, client, &Member::client) != members_.end()) client->tell();
    }
}

std::shared_ptr<Prober> Probers::find_or_make(const CheckOptions& options) {
    std::erase_if(probers_, [](const auto& prober) { return prober.expired(); });
    for (const auto& candidate : probers_) {
        auto prober = candidate.lock();
        if (same_probe(prober->options(), options)) return prober;
    }
    auto prober = std::make_shared<Prober>(loop_, scripts_, options);
    probers_.push_back(prober);
    return prober;
}

}  // namespace vrrpd::health
