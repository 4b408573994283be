#include "vrrpd/io/notify.hpp"

#include <systemd/sd-daemon.h>

namespace vrrpd::notify {

void ready() {
    sd_notify(0, "READY=1");
}
void status(const std::string& text) {
    sd_notify(0, ("STATUS=" + text).c_str());
}
void stopping(Duration longest) {
    const auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(longest).count();
    sd_notify(0, ("STOPPING=1\nEXTEND_TIMEOUT_USEC=" + std::to_string(microseconds)).c_str());
}

}  // namespace vrrpd::notify
