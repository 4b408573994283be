"""What real servers say in trouble, and what a daemon makes of it: the rows of the checks that need a whole data set, a
second host, or a route that is not there. The others are unit tests against real servers (health_*_rows)."""

import signal

from tests.lan.cases import CheckCase, check, instance
from tests.lan.settings import PATIENCE

REDIS_PORT = 6379
KEYS = 4_000_000
LOAD_PATIENCE = 120


class RedisCase(CheckCase):
    def redis(self, host, *options):
        """With its data in the host's own folder, and no limit on who may ask."""
        (host.etc / "redis").mkdir(exist_ok=True)
        return host.start("redis", ["redis-server", "--port", REDIS_PORT, "--dir", "/etc/vrrpd/redis", "--save", "", "--bind", "*",
                                    "--protected-mode", "no", "--enable-debug-command", "yes", "--repl-timeout", "2",
                                    *options])

    def ask(self, host, *words, patience=PATIENCE):
        return host.run(["redis-cli", "-p", REDIS_PORT, *words], timeout=patience).strip()

    def daemon_with(self, kind, host=None, **keys):
        """A daemon that tracks one check, `redis`, of the local server."""
        text = check("redis", type=kind, address=f"127.0.0.1:{REDIS_PORT}", **keys)
        return self.run_daemon(instance("VI_1", track_check="redis") + text, host)


class RedisThatLoads(RedisCase):
    def test_four_million_keys_are_neither_up_nor_refused(self):
        server = self.redis(self.a)
        daemon = self.daemon_with("redis", require="master")
        self.wait_role(daemon, "MASTER")
        self.ask(self.a, "DEBUG", "POPULATE", KEYS, patience=LOAD_PATIENCE)
        self.ask(self.a, "SAVE", patience=LOAD_PATIENCE)
        mark = daemon.log.mark()
        server.send_signal(signal.SIGKILL)
        self.wait_line(daemon, r'Check\(redis\) failed reason="refused: ', mark)
        server.wait(PATIENCE)
        mark = daemon.log.mark()
        self.redis(self.a)
        self.wait_line(daemon, r'Check\(redis\) .*reason="loading: LOADING Redis is loading the dataset in memory"', mark)
        daemon.process.wait_for_line(r"\(VI_1\) Entering MASTER STATE", LOAD_PATIENCE, mark)
        self.assertEqual(self.ask(self.a, "DBSIZE"), str(KEYS))


class RedisThatRefusesWrites(RedisCase):
    """PING is green in all of these: who needs the writes asks for one."""

    def writes(self):
        return self.daemon_with("send_expect", send=r'"SET probe 1\r\n"', expect="+OK")

    def assert_refused(self, daemon, mark, word):
        self.wait_line(daemon, rf'Check\(redis\) failed reason="[^"]*-{word} ', mark)
        self.wait_role(daemon, "FAULT", mark)

    def test_memory_is_full(self):
        self.redis(self.a, "--maxmemory-policy", "noeviction")
        daemon = self.writes()
        self.wait_role(daemon, "MASTER")
        mark = daemon.log.mark()
        self.ask(self.a, "CONFIG", "SET", "maxmemory", "1")
        self.assert_refused(daemon, mark, "OOM")
        self.assertEqual(self.ask(self.a, "PING"), "PONG")
        mark = daemon.log.mark()
        self.ask(self.a, "CONFIG", "SET", "maxmemory", "0")
        self.wait_role(daemon, "MASTER", mark)

    def test_a_replica_and_a_master_that_wants_replicas(self):
        b = self.lan.host("cache-b", "192.168.30.55")
        self.redis(self.a)
        self.redis(b)
        daemon = self.writes()
        self.wait_role(daemon, "MASTER")
        mark = daemon.log.mark()
        self.ask(self.a, "CONFIG", "SET", "min-replicas-to-write", "1")
        self.assert_refused(daemon, mark, "NOREPLICAS")
        self.ask(self.a, "CONFIG", "SET", "min-replicas-to-write", "0")
        self.wait_role(daemon, "MASTER", mark)
        mark = daemon.log.mark()
        self.ask(self.a, "REPLICAOF", "192.168.30.55", REDIS_PORT)
        self.assert_refused(daemon, mark, "READONLY")


class RedisReplica(RedisCase):
    def test_in_sync_out_of_sync_and_behind(self):
        b = self.lan.host("cache-b", "192.168.30.55")
        self.redis(b)
        self.redis(self.a, "--replicaof", "192.168.30.55 6379")
        daemon = self.daemon_with("redis", require="replica_in_sync")
        self.wait_role(daemon, "MASTER")
        mark = daemon.log.mark()
        self.lan.cut(b)
        self.wait_line(daemon, r'Check\(redis\) failed reason="stale: the link to the master is down', mark)
        self.lan.restore(b)
        self.wait_role(daemon, "MASTER", mark)
        # What came while the replica had to wait is not applied yet.
        mark = daemon.log.mark()
        self.ask(self.a, "CLIENT", "PAUSE", 3000, "WRITE")
        for number in range(20):
            self.ask(b, "SET", f"key{number}", "value")
        self.wait_line(daemon, r'Check\(redis\) failed reason="stale: [1-9]\d* bytes behind the master', mark)
        self.wait_role(daemon, "MASTER", mark)


class NoWay(CheckCase):
    def test_an_address_without_a_route_is_unreachable(self):
        daemon = self.run_daemon(instance("VI_1", track_check="far")
                                 + check("far", type="tcp", address="203.0.113.9:11211"))
        self.wait_line(daemon, r'Check\(far\) failed reason="unreachable: Network is unreachable" count=2/2')
        self.wait_role(daemon, "FAULT")

    def test_a_host_that_does_not_answer_arp_is_unreachable(self):
        daemon = self.run_daemon(instance("VI_1", track_check="gone") + check(
            "gone", type="tcp", address="192.168.30.99:11211", interval="5s", timeout="5s", fall=1))
        self.wait_line(daemon, r'Check\(gone\) failed reason="unreachable: No route to host"')
