"""Everything that can go wrong, drawn from a seed, and what must hold all the same: at most one holder that the client
can reach, but for the stated bounds; and when all is quiet the best host alone, serving.

CHAOS_SEED and CHAOS_SECONDS choose what `Chaos` runs; the others are the short form of ./test.sh.
"""

import os
import unittest

from tests.chaos.judge import Act, Timing, judge
from tests.chaos.observer import Record
from tests.chaos.storms import Chaos as Run
from tests.lan.settings import PROBER, VRRPD, run_folder


class Case(unittest.TestCase):
    def storm(self, seed, seconds):
        print("#", Run(run_folder(f"chaos-{seed}"), seed, VRRPD, PROBER).run(seconds), flush=True)


class Judged(unittest.TestCase):
    """The judge, on records that are made up; in seconds, with adverts of a second, `a` the better host."""

    def judge(self, held, acts=(), adverts=((0, "a", 250),)):
        def at(seconds):
            return round(seconds * 10**9)
        record = Record(held=[(at(when), host, has) for when, host, has in held],
                        adverts=[(at(when), *rest) for when, *rest in adverts], ended=at(100))
        acts = [Act(host, kind, at(begin), at(begin), at(undone)) for host, kind, begin, undone in acts]
        return judge(acts, record, Timing(at(1), at(2), ("a", "b")))

    def moves(self, left, came, host="a", other="b"):
        return sorted(((0, host, True), (left, host, False), (came, other, True), (50, other, False)))

    def test_one_after_the_other_is_right(self):
        self.assertEqual(self.judge(self.moves(2.5, 3.02), [("a", "stop", 0.1, 9)]), [])

    def test_a_guard_that_is_late_is_wrong(self):
        self.assertNotEqual(self.judge(self.moves(3.1, 3.02), [("a", "stop", 0.1, 9)]), [])

    def test_without_the_guard_the_lease_may_be_late_and_no_later(self):
        acts = [("a", "stop_both", 0.1, 20)]
        self.assertEqual(self.judge(self.moves(3.4, 3.02), acts), [])
        self.assertNotEqual(self.judge(self.moves(3.6, 3.02), acts), [])
        self.assertNotEqual(self.judge(self.moves(3.4, 2.9), acts), [], "the other one came too early")
        parted = [*acts, ("b", "part", 0.1, 2.5)]
        self.assertEqual(self.judge(self.moves(3.4, 2.9), parted), [], "unless it was parted")

    def test_who_is_parted_has_an_advert_after_the_healing_E39(self):
        acts = [("b", "part", 1, 10)]
        self.assertEqual(self.judge(self.moves(11.04, 4, "b", "a"), acts), [])
        self.assertNotEqual(self.judge(self.moves(11.06, 4, "b", "a"), acts), [])

    def test_the_better_one_may_come_while_the_other_hears_it_or_has_just_hung(self):
        adverts = ((0, "b", 200),)
        self.assertEqual(self.judge(self.moves(3.04, 3, "b", "a"), (), adverts), [])
        self.assertNotEqual(self.judge(self.moves(3.06, 3, "b", "a"), (), adverts), [])
        hung = [("b", "stop", 0.2, 9)]
        self.assertEqual(self.judge(self.moves(2.5, 1, "b", "a"), hung, adverts), [])
        self.assertNotEqual(self.judge(self.moves(2.6, 1, "b", "a"), hung, adverts), [])

    def test_an_answer_without_the_address_is_wrong(self):
        record = Record(held=[(0, "a", True), (10**9, "a", False)], answers=[(2 * 10**9, "a")], ended=3 * 10**9)
        self.assertEqual(len(judge([], record, Timing(10**9, 2 * 10**9, ("a", "b")))), 1)


class Chaos(Case):
    def test_the_seed_that_is_asked_for(self):
        self.storm(int(os.environ.get("CHAOS_SEED", "1")), float(os.environ.get("CHAOS_SECONDS", "30")))


class ThreeHosts(Case):
    def test_adverts_of_a_second(self):
        self.storm(81, 30)


class TwoHosts(Case):
    def test_adverts_of_200_ms(self):
        self.storm(6, 30)
