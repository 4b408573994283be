"""From keepalived.conf to a running pair: import, check, two daemons, one MASTER; also host by host, with a keepalived on
the other one.
"""

import unittest

from tests.lan.cases import LanCase
from tests.lan.daemons import VIP, Keepalived, Vrrpd, write_script
from tests.lan.settings import PATIENCE, VRRPCTL, VRRPD


# As on the hosts of scenario S1, but for the script, which looks at a file that a test can take away.
KEEPALIVED_CONF = """! Configuration File for keepalived
global_defs {{
   router_id {name}
   script_user root
   vrrp_garp_master_refresh 30
   max_auto_priority 90
}}

vrrp_script memcached {{
    script "/etc/vrrpd/check_memcached 'with blanks'"   # exit code 0: fine
    interval 1
    fall 2
    rise 1
}}

vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority {priority}
    advert_int 1
    nopreempt
    authentication {{
        auth_type PASS
        auth_pass s3cret,#1
    }}
    virtual_ipaddress {{
        192.168.30.16/24 dev eth0
    }}
    track_script {{
        memcached
    }}
}}
"""


class ImportedKeepalived(Keepalived):
    """With a file of ours."""

    def __init__(self, host, conf):
        super().__init__(host, 1)
        (host.etc / "keepalived.conf").write_text(conf, encoding="ascii")


class Imported(LanCase):
    def setUp(self):
        super().setUp()
        self.a, self.b = self.make_host("cache-a", 10, 150), self.make_host("cache-b", 55, 149)

    def make_host(self, name, number, priority):
        host = self.lan.host(name, f"192.168.30.{number}")
        write_script(host.etc / "check_memcached", '#!/bin/sh\n[ "$1" = "with blanks" ] && [ ! -e /run/ill ]\n')
        host.conf = KEEPALIVED_CONF.format(name=name, priority=priority)
        (host.etc / "keepalived.conf").write_text(host.conf, encoding="ascii")
        return host

    def run_imported(self, host):
        """import and --check succeed without a warning, and the daemon runs with what came out."""
        ini = host.run([VRRPCTL, "import", "/etc/vrrpd/keepalived.conf"])
        daemon = Vrrpd(host, VRRPD, ini.replace("[global]\n", "[global]\nlog_target = stderr\n"))
        host.run([VRRPD, "--check", "/etc/vrrpd/vrrpd.ini"])
        daemon.start()
        self.addCleanup(daemon.stop)
        return daemon

    def test_a_pair(self):
        first = self.run_imported(self.a)
        self.wait_role(first, "MASTER")
        second = self.run_imported(self.b)
        for side in (self.a, self.b):
            (self.a.etc / f"{side.name}.ini").write_bytes((side.etc / "vrrpd.ini").read_bytes())
        self.a.run([VRRPCTL, "check", "/etc/vrrpd/cache-a.ini", "/etc/vrrpd/cache-b.ini"])
        second.process.wait_for_line(r"VRRP_Script\(memcached\) succeeded", PATIENCE)
        self.wait_holder(VIP, self.a)
        self.assertNotIn("MASTER", self.roles(second))
        self.a.run(["touch", "/run/ill"])
        self.wait_faulty(first, ".*memcached.*")
        self.wait_role(second, "MASTER")
        self.wait_holder(VIP, self.b)
        self.a.run(["rm", "/run/ill"])
        mark = first.log.mark()
        first.process.wait_for_line(r"VRRP_Script\(memcached\) succeeded", PATIENCE)
        self.wait_role(first, "BACKUP", mark)
        self.assertEqual(self.roles(second)[-1], "MASTER", "nopreempt")

    def test_beside_a_keepalived_with_the_other_file(self):
        imported = self.run_imported(self.a)
        self.wait_role(imported, "MASTER")
        keepalived = ImportedKeepalived(self.b, self.b.conf)
        keepalived.start()
        self.addCleanup(keepalived.stop)
        keepalived.process.wait_for_line(r"VRRP_Script\(memcached\) succeeded", PATIENCE)
        keepalived.wait_state("BACKUP", PATIENCE)
        self.wait_holder(VIP, self.a)
        imported.stop()
        keepalived.wait_state("MASTER", PATIENCE)
        self.wait_holder(VIP, self.b)
        imported.start()
        self.wait_role(imported, "BACKUP")
        imported.process.wait_for_line(r"VRRP_Script\(memcached\) succeeded", PATIENCE)
        self.wait_holder(VIP, self.b)


if __name__ == "__main__":
    unittest.main()
