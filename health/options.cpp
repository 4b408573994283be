#include "health/options.hpp"

namespace vrrpd::health {

std::string Endpoint::to_string() const {
    std::string text = address.to_string();
    if (address.family() == Family::ipv6) text.insert(0, "[").append("]");
    return text.append(":").append(std::to_string(port));
}

}  // namespace vrrpd::health
