"""vrrpctl doctor: each of its findings provoked on a LAN of its own, and nothing said where nothing is wrong."""

import unittest

from tests.lan.cases import GLOBAL, LanCase, instance
from tests.lan.daemons import VIP, write_script
from tests.lan.settings import VRRPCTL

CLOCK = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
CHECK = """
[check c]
type = script
command = /etc/vrrpd/script
user = nobody
"""


class Doctor(LanCase):
    """a is examined; b may be its peer, and c somebody else."""

    def setUp(self):
        super().setUp()
        self.a, self.b = self.lan.host("a", "192.168.30.10"), self.lan.host("b", "192.168.30.20")
        self.configure(instance(priority=100))

    def configure(self, *sections):
        (self.a.etc / "vrrpd.ini").write_text(GLOBAL + "".join(sections), encoding="ascii")

    def examine(self, exit_code, before=""):
        """What it says."""
        said = self.a.run(["sh", "-c", f"{before} {VRRPCTL} doctor 2>&1; echo exit $?"])
        *lines, end = said.splitlines()
        self.assertEqual(end, f"exit {exit_code}", said)
        return "\n".join(lines)

    def start_peer(self, **keys):
        peer = self.start(self.b, instance(priority=200, **keys))
        self.wait_role(peer, "MASTER")
        self.wait_holder(VIP, self.b)

    def sysctl(self, name, value):
        self.a.run(["sh", "-c", f"echo {value} > /proc/sys/{name}"])

    def test_a_standby_with_a_master(self):
        self.start_peer()
        self.assertEqual(self.examine(0), "nothing found")

    def test_a_master_with_a_standby(self):
        self.configure(instance(priority=250))
        self.wait_role(self.start(self.a, instance(priority=250)), "MASTER")
        self.wait_role(self.start(self.b, instance(priority=200)), "BACKUP")
        self.assertEqual(self.examine(0), "nothing found")

    def test_nobody_advertises(self):
        self.assertRegex(self.examine(1), "^problem: VI_1: no advert for VRID 51 on eth0, and this host has none of its "
                                          "addresses")
        self.a.run(["ip", "link", "set", "eth0", "multicast", "off"])
        self.assertRegex(self.examine(1), "problem: eth0: has multicast switched off")

    def test_the_firewall_drops(self):
        self.start_peer()
        self.a.run(["nft", "add table inet f; add chain inet f in { type filter hook input priority 0; policy drop; }; "
                           "add rule inet f in ct state established,related accept"])
        self.assertRegex(self.examine(1), "problem: firewall: table inet f, chain in drops adverts that come to "
                                          "224.0.0.18 on eth0")
        self.a.run(["nft", "add rule inet f in ip protocol vrrp accept; add chain inet f out "
                           "{ type filter hook output priority 0; }; add rule inet f out ip daddr 224.0.0.0/8 drop"])
        said = self.examine(1)
        self.assertRegex(said, "problem: firewall: table inet f, chain out drops adverts that go to 224.0.0.18 on eth0")
        self.assertNotIn("chain in ", said)
        self.a.run(["nft", "flush chain inet f out"])
        self.assertEqual(self.examine(0), "nothing found")

    def test_another_vrid_for_our_address(self):
        self.start_peer(virtual_router_id=52)
        self.assertRegex(self.examine(1), f"problem: VI_1: 192.168.30.20 advertises {VIP} with VRID 52, here it is 51")

    def test_vrids_of_others(self):
        self.start_peer()
        other = self.lan.host("c", "192.168.30.30")
        self.wait_role(self.start(other, instance(virtual_router_id=7, virtual_ipaddress="192.168.30.77/24")), "MASTER")
        self.assertEqual(self.examine(0), "hint: eth0: 192.168.30.30 uses VRID 7 for 192.168.30.77: somebody else's, "
                                          "never take that one")

    def test_another_holder(self):
        other = self.lan.host("c", "192.168.30.30")
        other.run(["ip", "address", "add", f"{VIP}/24", "dev", "eth0"])
        self.assertRegex(self.examine(1), f"problem: VI_1: [0-9a-f:]+ has {VIP} and sends no adverts for it")
        self.a.run(["ip", "address", "add", f"{VIP}/24", "dev", "eth0"])
        self.assertRegex(self.examine(1), f"problem: VI_1: [0-9a-f:]+ also has {VIP}, which this host holds")

    def test_another_holder_of_an_ipv6_address(self):
        self.configure(instance(virtual_ipaddress="fe80::51/64, fd00::51/64"))
        other = self.lan.host("c", "192.168.30.30")
        for host in (self.a, other):
            host.run(["sh", "-c", "echo 0 > /proc/sys/net/ipv6/conf/eth0/disable_ipv6"])
        other.run(["ip", "address", "add", "fd00::51/64", "dev", "eth0", "nodad"])
        self.assertRegex(self.examine(1), "problem: VI_1: [0-9a-f:]+ has fd00::51 and sends no adverts for it")

    def test_two_links_in_one_subnet(self):
        self.start_peer()
        self.lan.link(self.a, 1, "192.168.30.11")
        self.sysctl("net/ipv4/conf/all/rp_filter", 1)
        said = self.examine(1)
        self.assertRegex(said, "problem: eth0: rp_filter is strict")
        self.assertRegex(said, "hint: eth0: eth1 has an address of the subnet of eth0, so both answer ARP")
        self.sysctl("net/ipv4/conf/all/rp_filter", 0)
        self.sysctl("net/ipv4/conf/all/arp_ignore", 1)
        self.assertEqual(self.examine(0), "nothing found")

    def test_the_machine(self):
        self.start_peer()
        index = self.a.run(["cat", "/sys/class/net/eth0/ifindex"]).strip()
        self.configure(instance(priority=100, service="s"), "[service s]\ncommand = /bin/true\nuser = nobody\n"
                       f"run = always\nlisten = {VIP}:80\n")
        self.a.run(["sh", "-c", f"""set -e
            mkdir -p /run/systemd/netif/links /run/NetworkManager/devices
            echo NETWORK_FILE=/run/eth0.network > /run/systemd/netif/links/{index}
            echo '[Network]' > /run/eth0.network
            printf '[device]\\nmanaged=true\\n' > /run/NetworkManager/devices/{index}
            echo acpi_pm > /run/clock
            mount --bind /run/clock {CLOCK}
            echo 0 > /proc/sys/net/ipv4/conf/all/promote_secondaries
            echo 0 > /proc/sys/net/ipv4/conf/eth0/promote_secondaries
            mount --bind /proc/sys /proc/sys
            mount -o remount,bind,ro /proc/sys"""])
        said = self.examine(1, "setpriv --bounding-set=-sys_nice")
        for finding in ("problem: eth0: systemd-networkd removes addresses", "hint: eth0: NetworkManager manages it",
                        "hint: the clock source is acpi_pm", "problem: eth0: promote_secondaries is 0",
                        "problem: service s: runs always and listens at", "problem: .*real-time"):
            self.assertRegex(said, finding)
        self.assertEqual(len(said.splitlines()), 6, said)

    def test_programs_that_cannot_run(self):
        self.configure(instance(track_check="c"), CHECK)
        self.assertRegex(self.examine(2), "command: .*/etc/vrrpd/script.* cannot be executed: No such file")
        write_script(self.a.etc / "script", "#!/bin/sh\n")
        (self.a.etc / "script").chmod(0o644)
        self.assertRegex(self.examine(2), "cannot be executed: Permission denied")
        (self.a.etc / "script").chmod(0o777)
        self.configure(instance(track_check="c"), CHECK.replace("nobody", "root"))
        self.assertRegex(self.examine(2), "would run as root, but")

    def test_without_the_right_to_listen(self):
        self.assertRegex(self.examine(1, "setpriv --bounding-set=-net_raw"), "problem: the LAN was not listened to: .*")


if __name__ == "__main__":
    unittest.main()
