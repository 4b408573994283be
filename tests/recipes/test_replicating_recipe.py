"""S3: two memcacheds that replicate to each other, exactly the files of etc/recipes/s3; a stand-in for repcached."""

import re
import signal
import time
import unittest

from tests.lan.daemons import MEMCACHED_PORT, VIP
from tests.lan.settings import PATIENCE, PROBER, VRRPD, run_folder
from tests.recipes.data_deployments import S3, ReplicatingDeployment
from tests.recipes.deployment import RECIPES
from tests.recipes.redis_servers import eventually

PAGE = RECIPES.parents[1] / "docs" / "recipes" / "s3-replicating-memcached.md"


class ReplicatingRecipe(unittest.TestCase):
    def setUp(self):
        self.deployment = self.enterContext(
            ReplicatingDeployment(S3, run_folder(type(self).__name__), VRRPD, PROBER))
        self.a, self.b = self.deployment.daemons.values()
        self.prepare()
        self.deployment.start()
        self.assertEqual(self.deployment.ask(VIP, MEMCACHED_PORT, "set kept 0 0 3\r\nyes\r\n"), b"STORED\r\n")

    def prepare(self):
        """Before anything is started."""

    def wait_copied(self, daemon):
        """What was set through the address is in the memcached of this host."""
        value = b"VALUE kept 0 3\r\nyes\r\nEND\r\n"
        eventually(lambda: self.get(daemon) == value, f"the copy on {daemon.host.name}")

    def get(self, daemon):
        try:
            return self.deployment.ask(daemon.host.address, MEMCACHED_PORT, "get kept\r\n")
        except OSError:
            return b""

    def assert_moved(self, to, since):
        to.wait_state("MASTER", PATIENCE, since)
        self.deployment.lan.wait_for_holder(VIP, to.host, PATIENCE)
        self.assertEqual(self.deployment.ask(VIP, MEMCACHED_PORT, "get kept\r\n"), b"VALUE kept 0 3\r\nyes\r\nEND\r\n")

    def wait_copies_from(self, daemon, peer, since):
        """It was started anew, knows its peer, and copied."""
        address = re.escape(peer.host.address)
        daemon.process.wait_for_line(rf"stand-in: started with .* -x {address} -X 16000$", PATIENCE, since)
        daemon.process.wait_for_line(rf"stand-in: replication: copying from {address}$", PATIENCE, since)
        self.wait_copied(daemon)

    def block(self, daemon):
        """Nobody reaches the replication port of this host."""
        daemon.host.run(["nft", "add table inet t; add chain inet t in { type filter hook input priority 0; };"
                                "add rule inet t in tcp dport 16000 reject with tcp reset"])

    def unblock(self, daemon):
        daemon.host.run(["nft", "delete table inet t"])


class ReplicatingPair(ReplicatingRecipe):
    def check_fault(self, number):
        self.wait_copied(self.b)
        mark_a, mark_b = self.a.log.mark(), self.b.log.mark()
        self.deployment.signal_proxy("cache-a", number)
        self.assert_moved(self.b, mark_b)
        self.wait_copies_from(self.a, self.b, mark_a)
        self.a.wait_state("BACKUP", PATIENCE, mark_a)
        self.assertEqual(self.a.states(mark_a), ["FAULT", "BACKUP"])
        self.assertEqual(self.b.states(mark_b), ["MASTER"])

    def test_one_that_died_comes_back_as_the_copy(self):
        self.check_fault(signal.SIGKILL)

    def test_one_that_hung_comes_back_as_the_copy(self):
        self.check_fault(signal.SIGSTOP)


class AloneAtFirst(ReplicatingRecipe):
    """A side that did not reach its peer when it started is empty, and alone."""

    def prepare(self):
        self.block(self.a)

    def test_the_copy_is_started_again(self):
        self.b.process.wait_for_line(r"stand-in: replication: listening", PATIENCE)
        self.assertEqual(self.get(self.b), b"END\r\n")
        self.b.process.wait_for_line(r"be-copy: memcached \(\d+\) has no connection to 192\.168\.30\.10", PATIENCE)
        mark = self.b.log.mark()
        self.unblock(self.a)
        self.wait_copies_from(self.b, self.a, mark)
        self.b.process.wait_for_line(r"Hook\(VI_1 notify_new_active\) succeeded", PATIENCE)
        self.assertEqual(self.a.states()[-1:], ["MASTER"])


class GateOfTheCopy(ReplicatingRecipe):
    """The variant of the page that goes home: the better host takes over, but not before it is a copy."""

    def prepare(self):
        [block] = re.findall(r"```ini\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
        text = (RECIPES / "s3" / "cache-a.ini").read_text(encoding="utf-8")
        self.a.configure(re.sub(r"(?ms)^\[vrrp_instance VI_1\].*?(?=^\[)", "", text) + "\n" + block)

    def test_it_takes_over_as_a_copy_only(self):
        self.wait_copied(self.b)
        mark = self.b.log.mark()
        self.deployment.stop_daemon("cache-a")
        self.assert_moved(self.b, mark)
        self.a.process.wait(PATIENCE)
        self.block(self.b)
        mark = self.a.start()
        self.a.process.wait_for_line(r"be-copy: memcached \(\d+\) has no connection", PATIENCE, mark)
        time.sleep(4)  # longer than a down timer
        self.assertNotIn("MASTER", self.a.states(mark))
        self.assertNotIn(b"yes", self.get(self.a))
        self.unblock(self.b)
        self.assert_moved(self.a, mark)


if __name__ == "__main__":
    unittest.main()
