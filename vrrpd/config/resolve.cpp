#include "vrrpd/config/resolve.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <optional>
#include <pwd.h>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "vrrpd/config/source.hpp"
#include "vrrpd/config/suggest.hpp"
#include "vrrpd/config/trust.hpp"
#include "vrrpd/core/lease.hpp"

namespace vrrpd::config {
namespace {

/// 0, or the errno that says why a path cannot be executed.
int execution_error(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) return errno;
    if (S_ISDIR(status.st_mode)) return EISDIR;
    if (!S_ISREG(status.st_mode)) return EACCES;
    return access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

/// The user and its primary group.
Result<Credentials> find_user(const std::string& name) {
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> buffer(64 * 1024);
    const int error = getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return Credentials{found->pw_uid, found->pw_gid};
    const std::string reason = error == 0 ? "" : fmt::format(" ({})", std::strerror(error));
    return failure(
        fmt::format("there is no user {} on this host{}, allowed is one that exists", excerpt(name), reason));
}

/// Empty: there is such a group, otherwise a sentence.
std::string find_group(const std::string& name) {
    group entry{};
    group* found = nullptr;
    std::vector<char> buffer(64 * 1024);
    const int error = getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (found != nullptr) return {};
    const std::string reason = error == 0 ? "" : fmt::format(" ({})", std::strerror(error));
    return fmt::format("there is no group {} on this host{}, allowed is one that exists", excerpt(name), reason);
}

/// The absolute path of a program: itself, or a bare name looked up in the usual system folders. It must be a
/// file that can be executed.
Result<std::string> find_program(const std::string& program) {
    if (program.starts_with('/')) {
        const int error = execution_error(program);
        if (error == 0) return program;
        return failure(fmt::format("{} cannot be executed: {}", excerpt(program), std::strerror(error)));
    }
    constexpr std::array<std::string_view, 6> folders{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
                                                      "/usr/bin",        "/sbin",          "/bin"};
    for (const std::string_view folder : folders) {
        std::string path = fmt::format("{}/{}", folder, program);
        if (execution_error(path) == 0) return path;
    }
    return failure(fmt::format("there is no program {} in {}, allowed is also an absolute path", excerpt(program),
                               fmt::join(folders, ":")));
}

/// The family that an instance is of, by the first address that it names. Whether the others agree is up to the rules.
Family family_of(const InstanceOptions& options) {
    if (!options.addresses.empty()) return options.addresses.front().prefix.address.family();
    if (!options.unicast_peers.empty()) return options.unicast_peers.front().address.family();
    return options.source ? options.source->family() : Family::ipv4;
}

std::string host_name() {
    std::array<char, 256> name{};
    if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
    return name.data();
}

/// What a check sets and gets. With the host's name: two hosts that check one memcached must not meet.
std::string memcached_key(std::string host) {
    std::ranges::replace_if(
        host, [](unsigned char c) { return std::isalnum(c) == 0 && c != '-' && c != '.'; }, '_');
    return "vrrpd_check_" + host;
}

class Resolver {
  public:
    Resolver(const Drafts& drafts, Report& report) : drafts_(drafts), report_(report) {}

    Config run() {
        resolve_global();
        for (const Draft& draft : drafts_.checks) config_.checks.push_back(check(draft));
        for (const Draft& draft : drafts_.services) config_.services.push_back(service(draft));
        for (const Draft& draft : drafts_.instances) config_.instances.push_back(instance(draft));
        for (const Draft& draft : drafts_.groups) {
            config_.groups.push_back(group(draft));
            unite(config_.groups.back());
        }
        return std::move(config_);
    }

  private:
    void resolve_global();
    void find_script_user();
    health::CheckOptions check(const Draft& draft);
    std::string secret(const Draft& draft, std::string_view key, const std::string& path);
    std::string memcached_credentials(const Draft& draft, const std::string& path);
    service::ServiceOptions service(const Draft& draft);
    InstanceOptions instance(const Draft& draft);
    SyncGroupOptions group(const Draft& draft);
    void unite(const SyncGroupOptions& group);

    void resolve_tracks(const Draft& draft, InstanceOptions& options);
    std::size_t index_of_interface(const std::string& name);
    Credentials credentials(const Draft& draft, const std::string& user);
    void find_command(const Draft& draft, std::vector<std::string>& command, std::string_view key = "command");
    void resolve_hooks(const Draft& draft, Hooks& hooks);
    void check_trust(const Draft& draft, std::string_view key, const std::vector<std::string>& command,
                     const Credentials& credentials);
    void check_local(const Draft& draft, std::string_view key, const std::string& path);
    std::optional<std::string> password(const Draft& draft, const InstanceDraft& instance);
    std::optional<std::size_t> index_of(const std::deque<Draft>& targets, Section kind, const Draft& draft,
                                        const Place& place, std::string_view key, const std::string& name);

    const Drafts& drafts_;
    Report& report_;
    Config config_;
    std::optional<Credentials> script_credentials_;
};

void Resolver::resolve_global() {
    config_.global = std::get<GlobalOptions>(drafts_.global.body);
    GlobalOptions& global = config_.global;
    if (global.router_id.empty()) global.router_id = host_name();
    if (!global.control_group.empty()) {
        std::string wrong = find_group(global.control_group);
        if (!wrong.empty()) report_.error(drafts_.global, "control_group", std::move(wrong));
    }
    if (!global.script_user.empty()) find_script_user();
}

/// Without a user of their own, commands run as script_user, else vrrpd_script, else nobody: never as the
/// daemon's user unless it is named. Looked up when somebody needs it: the lookup loads libraries that stay.
void Resolver::find_script_user() {
    const std::string& named = config_.global.script_user;
    const auto candidates = named.empty() ? std::vector<std::string>{"vrrpd_script", "nobody"} : std::vector{named};
    for (const std::string& user : candidates) {
        const auto found = find_user(user);
        if (found) {
            script_credentials_ = *found;
            return;
        }
        if (!named.empty()) report_.error(drafts_.global, "script_user", found.error());
    }
}

Credentials Resolver::credentials(const Draft& draft, const std::string& user) {
    if (user.empty()) {
        const bool named = !config_.global.script_user.empty();
        if (!script_credentials_ && !named) find_script_user();
        if (!script_credentials_ && !named) {
            report_.error(draft, "user", "this host has neither vrrpd_script nor nobody, name a user that exists");
        }
        return script_credentials_.value_or(Credentials{});
    }
    const auto found = find_user(user);
    if (!found) report_.error(draft, "user", found.error());
    return found.value_or(Credentials{});
}

void Resolver::find_command(const Draft& draft, std::vector<std::string>& command, std::string_view key) {
    if (command.empty()) return;
    const auto program = find_program(command.front());
    if (program) {
        command.front() = *program;
    } else {
        report_.error(draft, key, program.error());
    }
}

/// They run as script_user, all of them.
void Resolver::resolve_hooks(const Draft& draft, Hooks& hooks) {
    if (!hooks.any()) return;
    config_.hook_credentials = credentials(draft, {});
    for (std::size_t i = 0; i < hook_count; ++i) {
        const auto hook = static_cast<Hook>(i);
        if (!hooks.has(hook)) continue;
        find_command(draft, hooks[hook], to_string(hook));
        check_trust(draft, to_string(hook), hooks[hook], config_.hook_credentials);
    }
}

health::CheckOptions Resolver::check(const Draft& draft) {
    const auto& check_draft = std::get<CheckDraft>(draft.body);
    health::CheckOptions options = check_draft;
    if (options.kind == health::Kind::script) options.credentials = credentials(draft, check_draft.user);
    if (options.kind == health::Kind::redis) options.redis.user = check_draft.user;
    if (options.kind == health::Kind::file) options.path = options.http.path;
    if (options.kind == health::Kind::memcached) options.memcached.key = memcached_key(host_name());
    if (!check_draft.password_file.empty()) {
        options.redis.password = secret(draft, "password_file", check_draft.password_file);
    }
    if (!check_draft.auth_file.empty()) {
        options.memcached.credentials = memcached_credentials(draft, check_draft.auth_file);
    }
    find_command(draft, options.command);
    check_trust(draft, "command", options.command, options.credentials);
    check_local(draft, "pid_file", options.pid_file);
    check_local(draft, "path", options.path);
    return options;
}

/// Empty: reported.
std::string Resolver::secret(const Draft& draft, std::string_view key, const std::string& path) {
    auto read = read_secret(path);
    if (read) return std::move(*read);
    report_.error(draft, key, fmt::format("{} {}", excerpt(path), read.error()));
    return {};
}

/// `USER:PASSWORD` as the two words that go over the wire.
std::string Resolver::memcached_credentials(const Draft& draft, const std::string& path) {
    std::string line = secret(draft, "auth_file", path);
    if (line.empty()) return {};
    constexpr std::size_t longest = 512;
    const std::size_t colon = line.find(':');
    if (!is_visible(line) || colon == 0 || colon >= line.size() - 1 || line.size() > longest) {
        report_.error(draft, "auth_file",
                      fmt::format("the first line of {} is not USER:PASSWORD, allowed are {} visible characters",
                                  excerpt(path), longest));
        return {};
    }
    line[colon] = ' ';
    return line;
}

void Resolver::check_trust(const Draft& draft, std::string_view key, const std::vector<std::string>& command,
                           const Credentials& credentials) {
    if (command.empty() || credentials.user != 0) return;
    const std::string reason = who_else_may_change(command.front());
    if (reason.empty()) return;
    report_.error(draft, key,
                  fmt::format("would run as root, but {}; allowed is a program that only root may change, or another "
                              "user",
                              reason));
}

/// They are read on the thread of the protocol, which must not wait.
void Resolver::check_local(const Draft& draft, std::string_view key, const std::string& path) {
    const std::string system = path.empty() ? "" : hanging_file_system(path);
    if (system.empty()) return;
    report_.error(draft, key,
                  fmt::format("{} is on {}, where a look could hang; allowed is a local file", excerpt(path), system));
}

service::ServiceOptions Resolver::service(const Draft& draft) {
    const auto& service_draft = std::get<ServiceDraft>(draft.body);
    service::ServiceOptions options = service_draft;
    options.credentials = credentials(draft, service_draft.user);
    find_command(draft, options.command);
    if (!options.check.empty()) {
        const auto place = draft.given.find("check")->second;
        index_of(drafts_.checks, Section::check, draft, place, "check", options.check);
    }
    return options;
}

InstanceOptions Resolver::instance(const Draft& draft) {
    const auto& instance_draft = std::get<InstanceDraft>(draft.body);
    InstanceOptions options = instance_draft;
    options.source = draft.has("unicast_peer") ? instance_draft.unicast_source : instance_draft.multicast_source;
    options.family = family_of(options);
    options.password = password(draft, instance_draft);
    options.lease = config_.global.lease.value_or(automatic_lease(options.advert_interval, options.down_timer_adverts));
    resolve_tracks(draft, options);
    for (const auto& [name, place] : instance_draft.preempt_checks) {
        const auto index = index_of(drafts_.checks, Section::check, draft, place, "preempt_check", name);
        if (index) options.gates.push_back(*index);
    }
    for (const auto& [name, place] : instance_draft.service_names) {
        const auto index = index_of(drafts_.services, Section::service, draft, place, "service", name);
        if (!index) continue;
        options.services.push_back(*index);
        const service::ServiceOptions& service = config_.services[*index];
        options.stop_bound = std::max(options.stop_bound, service.stop_timeout);
        options.close_connections = options.close_connections || service.close_connections;
    }
    resolve_hooks(draft, options.hooks);
    const bool longer = options.hooks.has(Hook::before_backup) && draft.has("hook_timeout");
    if (longer) options.stop_bound = std::max(options.stop_bound, options.hooks.timeout);
    return options;
}

void Resolver::resolve_tracks(const Draft& draft, InstanceOptions& options) {
    const auto& instance = std::get<InstanceDraft>(draft.body);
    for (const TrackReference& track : instance.track_checks) {
        const auto index = index_of(drafts_.checks, Section::check, draft, track.place, "track_check", track.name);
        if (index) options.checks.push_back({*index, track.weight, track.reverse, track.by_number});
    }
    for (const TrackReference& track : instance.track_interfaces) {
        options.checks.push_back({index_of_interface(track.name), track.weight, track.reverse, false});
    }
}

std::size_t Resolver::index_of_interface(const std::string& name) {
    auto& names = config_.tracked_interfaces;
    const auto found = std::ranges::find(names, name);
    const auto position = static_cast<std::size_t>(found - names.begin());
    if (found == names.end()) names.push_back(name);
    return first_tracked_interface + position;
}

SyncGroupOptions Resolver::group(const Draft& draft) {
    const auto& group_draft = std::get<GroupDraft>(draft.body);
    SyncGroupOptions options = group_draft;
    for (const auto& [name, place] : group_draft.member_names) {
        const auto index = index_of(drafts_.instances, Section::instance, draft, place, "member", name);
        if (index) options.members.push_back(*index);
    }
    resolve_hooks(draft, options.hooks);
    options.hooks.timeout = Duration::zero();  // the longest of the members
    for (const std::size_t member : options.members) {
        options.hooks.timeout = std::max(options.hooks.timeout, config_.instances[member].hooks.timeout);
    }
    return options;
}

/// No member can go alone, so what the strictest one waits for, all wait for (conformance S04).
void Resolver::unite(const SyncGroupOptions& group) {
    InstanceOptions strictest;
    for (const std::size_t member : group.members) {
        const InstanceOptions& options = config_.instances[member];
        strictest.preempt = strictest.preempt && options.preempt;
        strictest.preempt_delay = std::max(strictest.preempt_delay, options.preempt_delay);
        strictest.startup_delay = std::max(strictest.startup_delay, options.startup_delay);
        for (const std::size_t gate : options.gates) {
            if (std::ranges::find(strictest.gates, gate) == strictest.gates.end()) strictest.gates.push_back(gate);
        }
    }
    for (const std::size_t member : group.members) {
        InstanceOptions& options = config_.instances[member];
        options.preempt = strictest.preempt;
        options.preempt_delay = strictest.preempt_delay;
        options.startup_delay = strictest.startup_delay;
        options.gates = strictest.gates;
    }
}

/// Whether there should be one is up to the rules.
std::optional<std::string> Resolver::password(const Draft& draft, const InstanceDraft& instance) {
    if (instance.password_file.empty()) return instance.password;
    constexpr std::size_t limit = 4096;
    const auto text = read_text_file(instance.password_file, limit);
    if (!text) {
        report_.error(draft, "auth_pass_file", fmt::format("{} {}", excerpt(instance.password_file), text.error()));
        return std::nullopt;
    }
    std::string password = text->substr(0, text->find('\n'));
    if (password.ends_with('\r')) password.pop_back();
    if (password.empty() || password.size() > max_password_length) {
        report_.error(
            draft, "auth_pass_file",
            fmt::format("its first line has {} characters, allowed are 1 to {}", password.size(), max_password_length));
        return std::nullopt;
    }
    return password;
}

std::optional<std::size_t> Resolver::index_of(const std::deque<Draft>& targets, Section kind, const Draft& draft,
                                              const Place& place, std::string_view key, const std::string& name) {
    const auto found = std::ranges::find(targets, name, &Draft::name);
    if (found != targets.end()) return static_cast<std::size_t>(found - targets.begin());
    if (drafts_.doubtful_names.contains(name)) return std::nullopt;
    std::vector<std::string> names;
    for (const Draft& target : targets) names.push_back(target.name);
    const auto meant = nearest(name, names);
    report_.error_at(draft, place, key,
                     fmt::format("there is no [{} {}]{}", kind_of(kind), name,
                                 meant           ? ", did you mean " + *meant + "?"
                                 : names.empty() ? ", write one"
                                                 : fmt::format(", allowed: {}", fmt::join(names, ", "))));
    return std::nullopt;
}

}  // namespace

Config resolve(const Drafts& drafts, Report& report) {
    return Resolver(drafts, report).run();
}

}  // namespace vrrpd::config
