"""Everything that can go wrong, drawn from a seed, and what must hold all the same: at most one holder that the client
can reach, but for the stated bounds; and when all is quiet the best host alone, serving.

CHAOS_SEED and CHAOS_SECONDS choose what `Chaos` runs; the others are the short form of ./test.sh.
"""

import os
import unittest

from tests.lan.chaos import Chaos as Run
from tests.lan.test_failover import PROBER, VRRPD, run_folder


class Case(unittest.TestCase):
    def storm(self, seed, seconds):
        print("#", Run(run_folder(f"chaos-{seed}"), seed, VRRPD, PROBER).run(seconds), flush=True)


class Chaos(Case):
    def test_the_seed_that_is_asked_for(self):
        self.storm(int(os.environ.get("CHAOS_SEED", "1")), float(os.environ.get("CHAOS_SECONDS", "30")))


class ThreeHosts(Case):
    def test_adverts_of_a_second(self):
        self.storm(1, 30)


class TwoHosts(Case):
    def test_adverts_of_200_ms(self):
        self.storm(2, 30)
