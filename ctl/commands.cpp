#include "ctl/command.hpp"
#include "ctl/daemon_commands.hpp"
#include "ctl/file_commands.hpp"

namespace vrrpd::ctl {
namespace {

constexpr Command table[] = {
    {"status", "NAME", 0, 1, true, "who holds the addresses, and why; 1: an instance is at FAULT", status},
    {"watch", "NAME", 0, 1, false, "the status, every second", watch},
    {"events", "", 0, 0, false, "what happens, as it happens: a line of JSON each", events},
    {"history", "NAME", 0, 1, true, "the last transitions, with their reasons", history},
    {"failover", "NAME", 1, 1, false, "hand over once, now; 1: nobody took over", failover},
    {"drain", "NAME", 0, 1, false, "hand over, and never be MASTER until resume; over restarts too", drain},
    {"resume", "NAME", 0, 1, false, "take part again, after drain or failover", resume},
    {"reload", "", 0, 0, false, "read the configuration again and apply what is new; 2: it is wrong, nothing changes",
     reload},
    {"check", "FILE", 1, -1, false,
     "what is wrong with a configuration; of several hosts' also what only shows together", check},
    {"import", "FILE", 1, 1, false, "print what a keepalived.conf asks for as a configuration of vrrpd",
     import_keepalived},
    {"doctor", "FILE", 0, 1, false, "look for what breaks VRRP on this host and LAN", doctor},
    {"metrics", "", 0, 0, false, "what the daemon counts, as text for Prometheus", metrics},
};

}  // namespace

std::span<const Command> commands() {
    return table;
}

}  // namespace vrrpd::ctl
