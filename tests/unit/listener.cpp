// A service to be supervised: `listener PORT DELAY_MS [stubborn]` listens on that port after a while, until it is
// killed; a stubborn one only by SIGKILL.
#include "tests/unit/listener.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

int main(int argc, char** argv) {
    if (argc < 3) return 2;
    if (argc > 3) std::signal(SIGTERM, SIG_IGN);
    std::this_thread::sleep_for(std::chrono::milliseconds(std::atoi(argv[2])));
    if (vrrpd::test::listener_on(static_cast<std::uint16_t>(std::atoi(argv[1]))) < 0) return 1;
    for (;;) pause();
}
