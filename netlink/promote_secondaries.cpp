#include "netlink/promote_secondaries.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "vrrpd/loop/descriptor.hpp"

namespace vrrpd::netlink {
namespace {

// As a path, not as the name of a sysctl, where the dot of a VLAN's name would separate.
std::string path_of(const std::string& link) {
    return "/proc/sys/net/ipv4/conf/" + link + "/promote_secondaries";
}

bool is_on(const std::string& link) {
    const Descriptor file(open(path_of(link).c_str(), O_RDONLY | O_CLOEXEC));
    char value = '0';
    return file && read(file.get(), &value, 1) == 1 && value != '0';
}

}  // namespace

bool promote_secondaries(const std::string& link) {
    // The kernel allows no such name; from elsewhere it would lead out of the directory.
    if (link.find('/') != std::string::npos) return false;
    if (is_on("all") || is_on(link)) return true;
    const Descriptor file(open(path_of(link).c_str(), O_WRONLY | O_CLOEXEC));
    return file && write(file.get(), "1", 1) == 1;
}

}  // namespace vrrpd::netlink
