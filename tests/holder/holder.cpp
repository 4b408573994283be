// Holds the kernel's rtnl mutex until it gets SIGTERM, or for two seconds: what another program does to everybody who
// asks the kernel for links or addresses. It says "held" when it does.
//
//     holder LINK        LINK is a veth
#include <csignal>
#include <ctime>
#include <iostream>

#include "tests/support/held_rtnl.hpp"

int main(int argc, char** argv) try {
    if (argc != 2) throw std::runtime_error("usage: holder LINK");
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, nullptr);
    vrrpd::test::HeldRtnl held(argv[1]);
    std::cout << "held" << std::endl;
    const timespec longest{2, 0};
    const bool told = sigtimedwait(&term, nullptr, &longest) == SIGTERM;
    held.release();
    std::cout << (told ? "released" : "released: nobody said so") << std::endl;
    return 0;
} catch (const std::exception& error) {
    std::cerr << "holder: " << error.what() << "\n";
    return 1;
}
