"""Recipe S8: python-memcache and redis-py with a fixed address, and clients that connect every millisecond, through
planned moves and the loss of a host. Bounds are generous: tests/bench/fixed_address measures.
"""

import time
import unittest

from tests.lan.daemons import VIP
from tests.lan.settings import PATIENCE, PROBER, VRRPD, run_folder
from tests.prober import analysis
from tests.recipes.fixed_address import (MEMCACHE_PLAIN, MEMCACHE_TUNED, REDIS_PLAIN, REDIS_TUNED, S8, FixedAddress,
                                         StartedWithTheAddress)

MOVES = 50


class ClientCase(unittest.TestCase):
    make = FixedAddress

    def setUp(self):
        self.deployment = self.enterContext(self.make(S8, run_folder(type(self).__name__), VRRPD, PROBER))
        self.deployment.start()
        self.lan = self.deployment.lan
        self.a, self.b = self.deployment.daemons.values()

    def tuned_clients(self):
        """With the settings of the page: a python-memcache and a redis-py that are served."""
        return (self.deployment.python_client("memcache-tuned", "memcache", *MEMCACHE_TUNED),
                self.deployment.python_client("redis-tuned", "redis", *REDIS_TUNED))

    def errors_of_redis_in_a_move(self, memcache, redis):
        """Both are served again. What redis-py raised meanwhile, how often, and when the move began."""
        moved_ns = time.time_ns()
        self.deployment.fail_over("proxy-a")
        for client in (memcache, redis):
            client.wait_for_answers(PATIENCE, 20, time.time_ns())
        return analysis.errors_by_kind(redis.stop(), moved_ns), moved_ns


class FiftyMoves(ClientCase):
    def test_no_connect_is_refused(self):
        """Nor is any connection that was made lost without a word: it is answered, reset, or its SYN found nobody."""
        prober = self.deployment.probe("busy", "--interval", "1")
        prober.wait_for_answers(PATIENCE)
        began_ns = time.time_ns()
        for move in range(MOVES):
            here, there = ("proxy-a", "proxy-b") if move % 2 == 0 else ("proxy-b", "proxy-a")
            self.deployment.fail_over(here)
            self.lan.wait_for_holder(VIP, self.deployment.hosts[there], PATIENCE)
            prober.wait_for_answers(PATIENCE, 50, time.time_ns())
        attempts = prober.stop()
        self.assertGreater(len(attempts), 100 * MOVES)
        self.assertLessEqual(set(analysis.errors_by_kind(attempts, began_ns)), {"timeout", "reset"})


class PythonClients(ClientCase):
    def test_a_planned_move(self):
        """With the page's settings each is served again at once, redis-py without an error; python-memcache as it comes
        takes the address for dead."""
        plain = self.deployment.python_client("memcache-plain", "memcache", *MEMCACHE_PLAIN)
        memcache, redis = self.tuned_clients()
        errors, moved_ns = self.errors_of_redis_in_a_move(memcache, redis)
        self.assertEqual(errors, {})
        self.assertEqual({one.outcome for one in plain.newest(20)}, {"none"})
        self.assertLessEqual(set(analysis.errors_by_kind(memcache.stop(), moved_ns)), {"none"})

    def test_a_lost_host(self):
        plain = self.deployment.python_client("redis-plain", "redis", *REDIS_PLAIN)
        memcache, redis = self.tuned_clients()
        lost_ns = time.time_ns()
        self.deployment.cut("proxy-a")
        for client in (memcache, redis, plain):
            client.wait_for_answers(PATIENCE, 20, time.time_ns())
        self.assertEqual(analysis.errors_by_kind(redis.stop(), lost_ns), {})
        self.assertEqual(set(analysis.errors_by_kind(memcache.stop(), lost_ns)), {"none"})
        self.assertLessEqual(set(analysis.errors_by_kind(plain.stop(), lost_ns)), {"TimeoutError", "ConnectionError"})


class PythonClientsOfAProxyThatStarts(ClientCase):
    make = StartedWithTheAddress

    def test_a_planned_move(self):
        """The settings carry over it, too, but for a connect that is refused between two requests: redis-py makes that
        before it begins to try again."""
        memcache, redis = self.tuned_clients()
        errors, _ = self.errors_of_redis_in_a_move(memcache, redis)
        self.assertLessEqual(set(errors), {"ConnectionError"})
        memcache.stop()


if __name__ == "__main__":
    unittest.main()
