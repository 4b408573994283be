#include "ctl/command.hpp"
#include "ctl/daemon_commands.hpp"

namespace vrrpd::ctl {
namespace {

constexpr Command table[] = {
    {"metrics", "", 0, 0, false, "what the daemon counts, as text for Prometheus", metrics},
};

}  // namespace

std::span<const Command> commands() {
    return table;
}

}  // namespace vrrpd::ctl
