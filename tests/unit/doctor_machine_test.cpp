// What is found in /proc, /sys and /run, which are a folder of this test.
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <gtest/gtest.h>

#include "ctl/doctor/machine.hpp"
#include "vrrpd/config/load.hpp"

namespace vrrpd::doctor::doctor_machine_test {
namespace {

namespace fs = std::filesystem;

class DoctorMachine : public testing::Test {
  protected:
    DoctorMachine() {
        std::string pattern = (fs::temp_directory_path() / "vrrpd-doctor-XXXXXX").string();
        root_ = mkdtemp(pattern.data());
        write("/proc/sys/net/ipv4/conf/eth0/promote_secondaries", "1\n");
    }
    ~DoctorMachine() override { fs::remove_all(root_); }

    void write(const std::string& path, const std::string& text) {
        fs::create_directories((root_ + path).substr(0, (root_ + path).rfind('/')));
        std::ofstream(root_ + path) << text;
    }

    /// What is said, a line each, with `!` before a problem.
    std::string found(const std::string& more = "") {
        const auto loaded = config::load_text(
            "[vrrp_instance VI_1]\ninterface = eth0\nvirtual_router_id = 51\nvirtual_ipaddress = 10.0.0.1/24\n" + more,
            "f");
        for (const auto& problem : loaded.problems) ADD_FAILURE() << to_string(problem);
        std::string text;
        for (const Finding& finding : look_at_machine(loaded.config, nics_, root_)) {
            text += (finding.is_problem ? "!" : "") + finding.text + "\n";
        }
        return text;
    }
    bool finds(const std::string& text, const std::string& more = "") {
        const std::string all = found(more);
        return all.find(text) != std::string::npos;
    }

    std::string root_;
    Nics nics_{{"eth0", 2, true, true, {}, {*Prefix::parse("10.0.0.10/24")}},
               {"eth1", 3, true, true, {}, {*Prefix::parse("10.1.0.10/24")}}};
};

TEST_F(DoctorMachine, AHealthyOneIsSilent) {
    write("/proc/sys/net/ipv4/conf/eth0/rp_filter", "1\n");
    write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
    write("/run/systemd/netif/links/3", "NETWORK_FILE=/run/other.network\n");
    EXPECT_EQ(found(), "");
}

TEST_F(DoctorMachine, Links) {
    nics_[0].up = false;
    nics_[0].multicast = false;
    EXPECT_TRUE(finds("!eth0: is down\n"));
    EXPECT_TRUE(finds("!eth0: has multicast switched off"));
    EXPECT_FALSE(finds("multicast", "unicast_peer = 10.0.0.11\n"));
    nics_.erase(nics_.begin());
    EXPECT_EQ(found(), "!eth0: there is no such interface\n");
}

TEST_F(DoctorMachine, TwoLinksInOneSubnet) {
    nics_[1].addresses = {*Prefix::parse("10.0.0.20/24")};
    EXPECT_TRUE(finds("eth0: eth1 has an address of the subnet of eth0, so both answer ARP"));
    EXPECT_FALSE(finds("rp_filter"));
    write("/proc/sys/net/ipv4/conf/all/rp_filter", "1\n");
    EXPECT_TRUE(finds("!eth0: rp_filter is strict (1), and eth1 has an address of the subnet of eth0"));
    write("/proc/sys/net/ipv4/conf/eth0/rp_filter", "2\n");
    EXPECT_FALSE(finds("rp_filter"));
    write("/proc/sys/net/ipv4/conf/all/arp_ignore", "1\n");
    EXPECT_EQ(found(), "");
}

TEST_F(DoctorMachine, PromoteSecondaries) {
    fs::remove(root_ + "/proc/sys/net/ipv4/conf/eth0/promote_secondaries");
    EXPECT_TRUE(finds("!eth0: promote_secondaries is 0 and cannot be set from here"));
    write("/proc/sys/net/ipv4/conf/eth0/promote_secondaries", "0\n");
    EXPECT_EQ(found(), "") << "the daemon sets it";
}

TEST_F(DoctorMachine, Networkd) {
    write("/run/systemd/netif/links/2", "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/a.network\n");
    EXPECT_TRUE(finds("!eth0: systemd-networkd removes addresses"));
    write("/etc/systemd/network/a.network", "[Match]\nName=eth0\n[Network]\nKeepConfiguration=static\n");
    EXPECT_EQ(found(), "");
    write("/etc/systemd/network/a.network", "[Network]\nKeepConfiguration=dhcp\n");
    EXPECT_TRUE(finds("KeepConfiguration=static"));
    EXPECT_FALSE(finds("ManageForeignRoutes"));
    const std::string route = "virtual_routes = 10.9.0.0/16 via 10.0.0.254\n";
    EXPECT_TRUE(finds("ManageForeignRoutes=no", route));
    write("/etc/systemd/networkd.conf", "[Network]\nManageForeignRoutes=no\n");
    EXPECT_FALSE(finds("ManageForeignRoutes", route));
}

TEST_F(DoctorMachine, NetworkManager) {
    write("/run/NetworkManager/devices/2", "[device]\nmanaged=true\n");
    EXPECT_TRUE(finds("eth0: NetworkManager manages it"));
    write("/run/NetworkManager/devices/2", "[device]\nmanaged=false\n");
    EXPECT_EQ(found(), "");
}

TEST_F(DoctorMachine, NonlocalBind) {
    const std::string service = "service = s\n[service s]\ncommand = /bin/true\nrun = always\nlisten = 10.0.0.1:80\n";
    EXPECT_TRUE(finds("!service s: runs always and listens at 10.0.0.1", service));
    write("/proc/sys/net/ipv4/ip_nonlocal_bind", "1\n");
    EXPECT_EQ(found(service), "");
}

TEST_F(DoctorMachine, ClockSource) {
    write("/sys/devices/system/clocksource/clocksource0/current_clocksource", "acpi_pm\n");
    EXPECT_TRUE(finds("the clock source is acpi_pm"));
}

}  // namespace
}  // namespace vrrpd::doctor::doctor_machine_test
