"""The hooks of etc/hooks with two redis servers: what they do, and what they refuse to do. The recipe that is made of them,
S5, is in test_redis_recipes.py."""

import signal
import unittest

from tests.lan.cases import LanCase, instance
from tests.lan.settings import PATIENCE
from tests.recipes.data_deployments import install_hooks
from tests.recipes.redis_servers import PORT, Counter, ask, eventually, role, start_redis, wait_follows

VIP = "192.168.30.16"
KEYS = {"before_master": f"/etc/vrrpd/hooks/redis-promote {PORT}",
        "before_backup": f"/etc/vrrpd/hooks/redis-handover {PORT}",
        "notify_new_active": f"/etc/vrrpd/hooks/redis-follow {PORT}"}
CHECK = f"\n[check redis]\ntype = redis\naddress = 127.0.0.1:{PORT}\ninterval = 200ms\ntimeout = 200ms\n"
IN_SYNC = CHECK.replace("[check redis]", "[check in_sync]") + "require = replica_in_sync\n"
CONF = f"""port {PORT}
bind 0.0.0.0
protected-mode no
save ""
repl-diskless-sync no
enable-debug-command yes
"""


class RedisCase(LanCase):
    def setUp(self):
        super().setUp()
        self.client = self.lan.host("client", "192.168.30.99")
        self.a, self.b = (self.make_host(name, number, priority)
                          for name, number, priority in (("a", 10, 200), ("b", 20, 100)))

    def make_host(self, name, number, priority):
        host = self.lan.host(name, f"192.168.30.{number}")
        install_hooks(host)
        (host.etc / "redis.conf").write_text(CONF, encoding="ascii")
        host.priority = priority
        self.start_redis(host)
        return host

    def start_redis(self, host, *options, **answer):
        host.redis = start_redis(host, "redis.conf", *options, **answer)

    def start_daemon(self, host, sections=CHECK, **keys):
        usual = {"priority": host.priority, "nopreempt": "yes", "track_check": "redis", "hook_timeout": "10s"}
        host.daemon = self.start(host, instance(**(usual | KEYS | keys)), sections)
        return host.daemon

    def start_pair(self, *sections, **keys):
        self.start_daemon(self.a, *sections, **keys)
        self.wait_holder(VIP, self.a)
        self.start_daemon(self.b, *sections, **keys)
        wait_follows(self.b, self.a)

    def start_counter(self):
        counter = Counter(self.client)
        self.addCleanup(counter.close)
        counter.start()
        counter.wait_more()
        return counter


class RedisPair(RedisCase):
    def test_a_planned_switch_loses_no_acknowledged_write(self):
        self.start_pair()
        counter = self.start_counter()
        self.a.daemon.process.send_signal(signal.SIGTERM)
        self.wait_holder(VIP, self.b)
        counter.wait_more()
        self.assertEqual(counter.lost(), [])
        self.assertEqual(role(self.b), ["master"])
        self.assertNotIn("replicaof", (self.b.etc / "redis.conf").read_text(encoding="utf-8"))
        wait_follows(self.a, self.b)
        self.a.daemon.process.wait(PATIENCE)
        self.assertIn("replicaof 192.168.30.20 6379", (self.a.etc / "redis.conf").read_text(encoding="utf-8"))

    def test_one_that_is_in_sync_takes_over_and_loses_nothing(self):
        """Without nopreempt: the better host waits for its copy, then its redis has the other one hand over."""
        gate = {"nopreempt": "no", "preempt_check": "in_sync"}
        self.start_daemon(self.b, CHECK + IN_SYNC, **gate)
        self.wait_holder(VIP, self.b)
        counter = self.start_counter()
        daemon = self.start_daemon(self.a, CHECK + IN_SYNC, **gate)
        self.wait_holder(VIP, self.a)
        counter.wait_more()
        self.assertEqual(counter.lost(), [])
        self.assertLess(daemon.log.text().index("Check(in_sync) succeeded"),
                        daemon.log.text().index("(VI_1) Entering MASTER STATE"))
        wait_follows(self.b, self.a)

    def test_one_that_comes_back_empty_follows(self):
        self.start_pair()
        ask(self.a, "SET", "kept", "yes")
        eventually(lambda: ask(self.b, "GET", "kept") == "yes", "the copy")
        self.a.redis.send_signal(signal.SIGKILL)
        self.wait_holder(VIP, self.b)
        self.assertEqual(role(self.b), ["master"])
        self.start_redis(self.a)
        wait_follows(self.a, self.b)
        self.assertEqual([ask(host, "GET", "kept") for host in (self.a, self.b)], ["yes", "yes"])

    def test_an_empty_master_is_not_followed(self):
        """Whatever the addresses do: data is not given away for nothing."""
        ask(self.b, "SET", "kept", "yes")
        self.start_daemon(self.a)
        self.wait_holder(VIP, self.a)
        daemon = self.start_daemon(self.b)
        daemon.process.wait_for_line(r"redis-follow: 192\.168\.30\.10 is empty and this redis is not", PATIENCE)
        daemon.process.wait_for_line(r"Hook\(VI_1 notify_new_active\) failed", PATIENCE)
        self.assertEqual(ask(self.b, "GET", "kept"), "yes")
        self.assertEqual(role(self.b), ["master"])


class RedisHooks(RedisCase):
    """Each by itself."""

    def hook(self, host, name, *password_file, **environment):
        """Runs it as the daemon would; what it complains of."""
        variables = {"VRRP_STATE": "BACKUP", "VRRP_VIPS": VIP} | environment
        words = [f"{key}={value}" for key, value in variables.items()]
        call = [f"/etc/vrrpd/hooks/{name}", str(PORT), *password_file, "INSTANCE", "VI_1", variables["VRRP_STATE"], "100"]
        return host.run(["sh", "-c", 'exec env -i PATH="$PATH" "$@" 2>&1', "sh", *words, *call], check=False)

    def test_a_handover_by_itself(self):
        """The roles have changed before the address goes."""
        self.assertEqual(self.hook(self.b, "redis-follow", VRRP_PEER=self.a.address), "")
        wait_follows(self.b, self.a)
        self.a.run(["ip", "addr", "add", f"{VIP}/24", "dev", "eth0"])
        counter = self.start_counter()
        self.assertEqual(self.hook(self.a, "redis-handover", VRRP_STATE="BACKUP"), "")
        counter.close()
        self.assertEqual([role(host) for host in (self.a, self.b)], [["slave"], ["master"]])
        eventually(lambda: int(ask(self.b, "GET", "counter")) >= counter.acknowledged[-1], "all that was acknowledged")
        self.assertIn(f"replicaof {self.b.address} {PORT}", (self.a.etc / "redis.conf").read_text(encoding="utf-8"))

    def test_it_follows_neither_itself_nor_what_moves(self):
        self.b.run(["ip", "addr", "add", f"{VIP}/24", "dev", "eth0"])  # a redis that is a master answers there
        complaint = self.hook(self.a, "redis-follow", VRRP_PEER=VIP)
        self.assertIn(f"redis-follow: {VIP} moves from host to host", complaint)
        for own in (self.a.address, "127.0.0.1"):
            self.assertIn(f"{own} is an address of this host", self.hook(self.a, "redis-follow", VRRP_PEER=own))
        self.assertIn("this host is MASTER",
                      self.hook(self.a, "redis-follow", VRRP_PEER=self.b.address, VRRP_STATE="MASTER"))
        self.assertEqual(role(self.a), ["master"])

    def test_it_follows_nobody_who_is_gone(self):
        self.b.redis.send_signal(signal.SIGKILL)
        self.assertIn("the redis of 192.168.30.20 does not answer",
                      self.hook(self.a, "redis-follow", VRRP_PEER=self.b.address))
        self.assertEqual(role(self.a), ["master"])

    def test_it_takes_over_from_a_host_that_serves_by_its_leave_only(self):
        preempting = {"VRRP_STATE": "MASTER", "VRRP_REASON": "preempting 192.168.30.20, which has priority 100",
                      "VRRP_PEER": self.b.address}
        self.assertIn("the redis of 192.168.30.20, which serves, is no replica of this one",
                      self.hook(self.a, "redis-promote", **preempting))
        ask(self.a, "REPLICAOF", "192.168.30.30", str(PORT))  # of nobody
        self.assertIn("the redis of 192.168.30.20, which serves, does not hand over to this one: ERR FAILOVER requires",
                      self.hook(self.a, "redis-promote", **preempting))
        self.assertEqual([role(host) for host in (self.a, self.b)], [["slave"], ["master"]])
        self.assertEqual(self.hook(self.a, "redis-follow", VRRP_PEER=self.b.address), "")
        for _ in range(2):  # asked again, it is what it was to become
            self.assertEqual(self.hook(self.a, "redis-promote", **preempting), "")
            self.assertEqual([role(host) for host in (self.a, self.b)], [["master"], ["slave"]])

    def test_a_password_is_read_from_its_file(self):
        for host in (self.a, self.b):
            host.redis.send_signal(signal.SIGKILL)
            host.redis.wait(PATIENCE)
            self.start_redis(host, "--requirepass", "secret", "--masterauth", "secret", answer="NOAUTH")
            (host.etc / "password").write_text("secret\n", encoding="ascii")
        self.assertIn("does not answer: NOAUTH", self.hook(self.b, "redis-follow", VRRP_PEER=self.a.address))
        for host, name in ((self.b, "redis-follow"), (self.a, "redis-handover"), (self.a, "redis-promote")):
            self.assertEqual(self.hook(host, name, "/etc/vrrpd/password", VRRP_PEER=self.a.address), "")
        roles = [ask(host, "-a", "secret", "--no-auth-warning", "ROLE").split()[0] for host in (self.a, self.b)]
        self.assertEqual(roles, ["master", "slave"])

    def test_a_replica_that_has_not_met_its_master_waits_for_it(self):
        """Until its patience ends: then what it has is better than nothing."""
        self.a.redis.send_signal(signal.SIGKILL)
        ask(self.b, "SHUTDOWN")
        self.start_redis(self.b, "--replicaof", self.a.address, str(PORT))
        self.start_daemon(self.b, before_master=f"/etc/vrrpd/hooks/redis-promote --patience 4 {PORT}", fault_hold="1s")
        self.b.daemon.process.wait_for_line(r"redis-promote: 192\.168\.30\.10 may have newer data", PATIENCE)
        self.assertEqual(role(self.b), ["slave"])
        self.wait_holder(VIP, self.b)
        self.assertEqual(role(self.b), ["master"])

    def test_one_that_loads_its_data_is_not_promoted(self):
        self.a.redis.send_signal(signal.SIGKILL)
        ask(self.b, "DEBUG", "POPULATE", 200)
        ask(self.b, "SAVE")
        ask(self.b, "SHUTDOWN", "NOSAVE")
        self.start_redis(self.b, "--replicaof", self.a.address, str(PORT), "--key-load-delay", "20000",
                         "--loading-process-events-interval-bytes", "1024", answer="LOADING")
        self.start_daemon(self.b, "", track_check=None,
                          before_master=f"/etc/vrrpd/hooks/redis-promote --patience 0 {PORT}")
        self.b.daemon.process.wait_for_line(r"Entering MASTER STATE", PATIENCE)
        self.assertTrue(ask(self.b, "PING").startswith("LOADING"))
        self.assertEqual(self.lan.holders(VIP), [])
        self.wait_holder(VIP, self.b)
        self.assertEqual(ask(self.b, "DBSIZE"), "200")
        self.assertEqual(role(self.b), ["master"])


if __name__ == "__main__":
    unittest.main()
