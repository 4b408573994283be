#include "vrrpd/io/notify.hpp"

#include <systemd/sd-daemon.h>

namespace vrrpd::notify {

void ready() {
    sd_notify(0, "READY=1");
}
void status(const std::string& text) {
    sd_notify(0, ("STATUS=" + text).c_str());
}
void stopping() {
    sd_notify(0, "STOPPING=1");
}

}  // namespace vrrpd::notify
