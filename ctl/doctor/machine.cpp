#include "ctl/doctor/machine.hpp"

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <unistd.h>

#include <fmt/format.h>

namespace vrrpd::doctor {
namespace {

/// The first line; nothing: there is no such file.
std::optional<std::string> first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    return line.substr(0, 256);
}

/// The value of the last `KEY=` of a file in the manner of systemd and NetworkManager.
std::optional<std::string> value_in(const std::string& path, const std::string& key) {
    constexpr int most_lines = 10'000;
    std::ifstream file(path);
    std::optional<std::string> value;
    std::string line;
    for (int i = 0; i < most_lines && std::getline(file, line); ++i) {
        if (line.starts_with(key + "=")) value = line.substr(key.size() + 1);
    }
    return value;
}

class Machine {
  public:
    Machine(const config::Config& config, const Nics& nics, std::string root)
        : config_(config), nics_(nics), root_(std::move(root)) {}

    Findings look() {
        for (const std::string& name : links()) {
            const Nic* const nic = find(nics_, name);
            if (nic == nullptr) {
                problem("{}: there is no such interface", name);
                continue;
            }
            look_at_link(*nic);
            look_at_subnet(*nic);
            look_at_promotion(*nic);
            look_at_networkd(*nic);
            look_at_network_manager(*nic);
        }
        look_at_nonlocal_bind();
        look_at_clock();
        return std::move(findings_);
    }

  private:
    template <typename... Values>
    void problem(fmt::format_string<const Values&...> text, const Values&... values) {
        findings_.push_back({true, fmt::format(text, values...)});
    }
    template <typename... Values>
    void hint(fmt::format_string<const Values&...> text, const Values&... values) {
        findings_.push_back({false, fmt::format(text, values...)});
    }

    /// Where adverts or addresses of ours go.
    std::set<std::string> links() const {
        std::set<std::string> names;
        for (const InstanceOptions& instance : config_.instances) {
            names.insert(instance.interface);
            for (const VirtualAddress& address : instance.addresses) names.insert(address.device);
            for (const VirtualAddress& address : instance.excluded_addresses) names.insert(address.device);
        }
        names.erase("");
        return names;
    }

    int sysctl(const std::string& name, int otherwise = 0) const {
        const auto line = first_line(root_ + "/proc/sys/" + name);
        return line && !line->empty() ? std::atoi(line->c_str()) : otherwise;
    }
    /// The kernel takes the greater of the link's and that of all.
    int of_link(const Nic& nic, const std::string& name) const {
        return std::max(sysctl("net/ipv4/conf/all/" + name), sysctl("net/ipv4/conf/" + nic.name + "/" + name));
    }

    void look_at_link(const Nic& nic) {
        if (!nic.up) problem("{}: is down", nic.name);
        const bool multicast = std::ranges::any_of(config_.instances, [&](const InstanceOptions& instance) {
            return instance.interface == nic.name && instance.unicast_peers.empty();
        });
        if (multicast && !nic.multicast) {
            problem(
                "{}: has multicast switched off, so no advert comes in; ip link set {} multicast on, or unicast_peer",
                nic.name, nic.name);
        }
    }

    /// Another link in the same subnet: routes go out through one of them only, and ARP is answered by both.
    void look_at_subnet(const Nic& nic) {
        for (const Nic& other : nics_) {
            const auto in_ours = [&](const Prefix& own) {
                return own.address.family() == Family::ipv4 && nic.reaches(own.address);
            };
            if (other.name == nic.name || !std::ranges::any_of(other.addresses, in_ours)) continue;
            const std::string both = fmt::format("{} has an address of the subnet of {}", other.name, nic.name);
            if (of_link(nic, "rp_filter") == 1) {
                problem(
                    "{}: rp_filter is strict (1), and {}: what comes in on the wrong one of the two is dropped, "
                    "adverts as well; net.ipv4.conf.{}.rp_filter = 2",
                    nic.name, both, nic.name);
            }
            if (of_link(nic, "arp_ignore") == 0) {
                hint(
                    "{}: {}, so both answer ARP for a virtual address, and clients may learn the wrong MAC; "
                    "net.ipv4.conf.all.arp_ignore = 1",
                    nic.name, both);
            }
        }
    }

    void look_at_promotion(const Nic& nic) {
        const std::string path = root_ + "/proc/sys/net/ipv4/conf/" + nic.name + "/promote_secondaries";
        if (of_link(nic, "promote_secondaries") != 0 || access(path.c_str(), W_OK) == 0) return;
        problem(
            "{}: promote_secondaries is 0 and cannot be set from here: when one address of a subnet goes, the kernel "
            "deletes the others; net.ipv4.conf.{}.promote_secondaries = 1",
            nic.name, nic.name);
    }

    void look_at_networkd(const Nic& nic) {
        const std::string state = root_ + "/run/systemd/netif/links/" + std::to_string(nic.index);
        const auto file = value_in(state, "NETWORK_FILE");
        if (!file || file->empty()) return;
        const std::string keeps = value_in(root_ + *file, "KeepConfiguration").value_or("no");
        if (keeps == "yes" || keeps == "static") return;
        problem(
            "{}: systemd-networkd removes addresses that are not its own when it is restarted; write "
            "KeepConfiguration=static into [Network] of {}",
            nic.name, *file);
        if (sysctl_of_networkd("ManageForeignRoutes") && has_routes()) {
            hint(
                "{}: systemd-networkd removes routes that are not its own; write ManageForeignRoutes=no into "
                "networkd.conf",
                nic.name);
        }
    }

    bool sysctl_of_networkd(const std::string& key) const {
        const std::string value = value_in(root_ + "/etc/systemd/networkd.conf", key).value_or("yes");
        return value != "no" && value != "false" && value != "off" && value != "0";
    }
    bool has_routes() const {
        return std::ranges::any_of(config_.instances, [](const auto& instance) { return !instance.routes.empty(); });
    }

    void look_at_network_manager(const Nic& nic) {
        const std::string state = root_ + "/run/NetworkManager/devices/" + std::to_string(nic.index);
        if (value_in(state, "managed") != "true") return;
        hint(
            "{}: NetworkManager manages it, and removes addresses that are not its own when it connects anew; put "
            "unmanaged-devices=interface-name:{} into its [keyfile], or do not let it reconnect while this host serves",
            nic.name, nic.name);
    }

    bool is_ours(const IpAddress& address) const {
        return std::ranges::any_of(config_.instances, [&](const InstanceOptions& instance) {
            const auto is_it = [&](const VirtualAddress& each) { return each.prefix.address == address; };
            return std::ranges::any_of(instance.addresses, is_it) ||
                   std::ranges::any_of(instance.excluded_addresses, is_it);
        });
    }

    void look_at_nonlocal_bind() {
        for (const service::ServiceOptions& service : config_.services) {
            if (service.run != service::Run::always || !service.listen || !is_ours(service.listen->address)) continue;
            const bool ipv4 = service.listen->address.family() == Family::ipv4;
            const std::string name = ipv4 ? "net/ipv4/ip_nonlocal_bind" : "net/ipv6/ip_nonlocal_bind";
            if (sysctl(name) != 0) continue;
            problem(
                "service {}: runs always and listens at {}, which the standby has not: it cannot start there; "
                "sysctl {} = 1",
                service.name, service.listen->address.to_string(), name);
        }
    }

    void look_at_clock() {
        static const std::set<std::string> slow{"acpi_pm", "hpet", "jiffies", "refined-jiffies", "pit"};
        const auto source = first_line(root_ + "/sys/devices/system/clocksource/clocksource0/current_clocksource");
        if (!source || !slow.contains(*source)) return;
        hint(
            "the clock source is {}: each look at the clock is slow, and on a virtual machine may be late; tsc or the "
            "hypervisor's own is better (dmesg says why it was not taken)",
            *source);
    }

    const config::Config& config_;
    const Nics& nics_;
    const std::string root_;
    Findings findings_;
};

}  // namespace

Findings look_at_machine(const config::Config& config, const Nics& nics, const std::string& root) {
    return Machine(config, nics, root).look();
}

}  // namespace vrrpd::doctor
