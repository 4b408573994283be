#include "health/finding.hpp"

#include <cerrno>
#include <system_error>

namespace vrrpd::health {

std::string_view to_string(Class cls) {
    switch (cls) {
        case Class::up:
            return "up";
        case Class::refused:
            return "refused";
        case Class::unreachable:
            return "unreachable";
        case Class::hung:
            return "hung";
        case Class::saturated:
            return "saturated";
        case Class::degraded:
            return "degraded";
        case Class::loading:
            return "loading";
        case Class::busy:
            return "busy";
        case Class::stale:
            return "stale";
        case Class::auth:
            return "auth";
        case Class::wrong_protocol:
            return "wrong protocol";
        case Class::failed:
            return "failed";
        case Class::exec_failure:
            return "exec failure";
        case Class::timed_out:
            return "timed out";
        case Class::not_asked:
            return "not asked";
    }
    return "?";
}

bool is_own_lack(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Finding not_asked(int error) {
    return {Class::not_asked, std::generic_category().message(error)};
}

std::string to_string(const Finding& finding) {
    std::string text(to_string(finding.cls));
    if (!finding.evidence.empty()) text.append(": ").append(finding.evidence);
    return text;
}

std::string in_milliseconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()).append(" ms");
}

}  // namespace vrrpd::health
