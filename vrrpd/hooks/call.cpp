#include "vrrpd/hooks/call.hpp"

namespace vrrpd::hooks {
namespace {

Hook of_state(Role role) {
    switch (role) {
        case Role::master:
            return Hook::notify_master;
        case Role::backup:
            return Hook::notify_backup;
        case Role::fault:
            return Hook::notify_fault;
        case Role::init:
            break;
    }
    return Hook::notify_stop;
}

std::string joined(const std::vector<IpAddress>& addresses) {
    std::string text;
    for (const IpAddress& address : addresses) text += (text.empty() ? "" : " ") + address.to_string();
    return text;
}

}  // namespace

std::vector<Hook> meant_by(const RunHook& wish, const Hooks& hooks) {
    std::vector<Hook> meant;
    if (wish.hook == Hook::notify && hooks.has(of_state(wish.to))) meant.push_back(of_state(wish.to));
    if (hooks.has(wish.hook)) meant.push_back(wish.hook);
    return meant;
}

const char* state_word(Role role) {
    return role == Role::init ? "STOP" : to_string(role);
}

Command call(const Owner& owner, const RunHook& wish, const std::vector<std::string>& argv,
             const Credentials& credentials) {
    const std::string priority = std::to_string(wish.priority);
    Command command;
    command.argv = argv;
    command.argv.insert(command.argv.end(), {owner.kind, owner.name, state_word(wish.to), priority});
    command.environment = {
        "VRRP_INSTANCE=" + owner.name,
        std::string("VRRP_STATE=") + state_word(wish.to),
        std::string("VRRP_PREVIOUS_STATE=") + to_string(wish.from),
        "VRRP_PRIORITY=" + priority,
        "VRRP_VIPS=" + joined(owner.addresses),
        "VRRP_PEER=" + (wish.peer ? wish.peer->to_string() : std::string()),
        "VRRP_REASON=" + std::string(wish.reason.view()),
    };
    command.credentials = credentials;
    command.keep_output = true;
    return command;
}

}  // namespace vrrpd::hooks
