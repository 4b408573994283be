#include "vrrpd/launcher/child.hpp"

#include <system_error>

namespace vrrpd {

std::string ExitStatus::to_string() const {
    switch (kind) {
        case Kind::exited:
            return "exit code " + std::to_string(value);
        case Kind::signalled:
            return "killed by signal " + std::to_string(value);
        case Kind::not_started:
            return "could not be started: " + std::generic_category().message(value);
    }
    return "ended";
}

}  // namespace vrrpd
