"""Packets that no honest peer sends, as real packets against the real daemon: section 2 of the checklist.

Each row of the table (hostile_rows.py) has an instance of its own in one daemon, so that all are tried side by side
and none can disturb another. What is not a matter of single packets is below them: attacks.
"""

import collections
import dataclasses
import re
import time
import unittest

from tests.lan import control
from tests.lan.crafted import Advert, Ear, Link, forged_announcement, punctual
from tests.lan.hostile_rows import ACCEPT, KERNEL, OUR_ADDRESS, PASSWORD, ROWS
from tests.lan.settings import PATIENCE, VRRPD, run_folder
from tests.lan.virtual_lan import Lan

COUNTERS = ("vrrpd_adverts_received_total", "vrrpd_adverts_refused_total", "vrrpd_adverts_unassigned_total")
MILLISECOND = 10**6
SECOND = 10**9

# Without these the kernel's filter for martians would hide from the daemon what it is asked about.
_LET_MARTIANS_IN = "cd /proc/sys/net/ipv4/conf/eth0; echo 1 > accept_local; echo 1 > route_localnet; echo 0 > rp_filter"

_INSTANCE = """[vrrp_instance {name}]
interface = eth0
virtual_router_id = {virtual_router_id}
priority = 100
version = {version}
advert_int = {seconds}
virtual_ipaddress = {addresses}
{extra}
"""


@dataclasses.dataclass(frozen=True)
class Subject:
    """An instance that a row is tried on, and the advert that outranks it."""

    row: object
    good: Advert
    frames: list

    @property
    def name(self):
        return f"{self.row.id}_{self.good.virtual_router_id}"

    @property
    def period_ns(self):
        return self.good.interval * (SECOND if self.good.version == 2 else 10 * MILLISECOND)

    @property
    def down_ns(self):
        """Active_Down_Interval at priority 100: three periods and the skew, which version 2 counts in seconds."""
        skewed = SECOND if self.good.version == 2 else self.period_ns
        return 3 * self.period_ns + (256 - 100) * skewed // 256

    def series(self):
        """The counter that each of its packets belongs to, or None."""
        verdict = self.row.verdict
        if verdict == ACCEPT:
            return "vrrpd_adverts_received_total", frozenset({("vrrp_instance", self.name)})
        if verdict == KERNEL:
            return None
        if self.row.unassigned:
            return "vrrpd_adverts_unassigned_total", frozenset({("reason", verdict.word)})
        return "vrrpd_adverts_refused_total", frozenset({("vrrp_instance", self.name), ("reason", verdict.word)})

    def configuration(self):
        extra = f"auth_type = PASS\nauth_pass = {PASSWORD}" if self.good.auth_type else ""
        return _INSTANCE.format(name=self.name, virtual_router_id=self.good.virtual_router_id,
                                version=self.good.version, seconds=f"{self.period_ns // MILLISECOND}ms",
                                addresses=", ".join(self.good.addresses), extra=extra)


def subject_of(number, row):
    """VRID and addresses are made of the number."""
    if row.kind == "v6":
        good = Advert(number, (f"fe80::9:{number:x}", f"2001:db8:9::{number:x}"), "fe80::200")
    else:
        good = Advert(number, (f"10.9.0.{number}",), "192.168.30.200")
    if row.kind in ("v2", "PASS"):
        good = good.but(version=2, interval=1)
    if row.kind == "PASS":
        good = good.but(auth_type=1, auth_data=PASSWORD.encode())
    return Subject(row, good, row.frames(good))


class Victim(unittest.TestCase):
    """One daemon that has become master of all instances of `configuration()`, and an attacker beside it."""

    @classmethod
    def configuration(cls):
        raise NotImplementedError

    @classmethod
    def setUpClass(cls):
        cls.lan = cls.enterClassContext(Lan(run_folder(cls.__name__)))
        cls.host = cls.lan.host("victim", OUR_ADDRESS)
        cls.attacker = cls.lan.host("attacker", "192.168.30.66")
        cls.host.run(["sh", "-c", _LET_MARTIANS_IN])
        cls.ear, cls.link = Ear(cls.attacker), Link(cls.attacker)
        cls.addClassCleanup(cls.ear.close)
        cls.addClassCleanup(cls.link.close)
        text = cls.configuration()
        (cls.host.etc / "vrrpd.ini").write_text(text, encoding="ascii")
        cls.daemon = cls.host.start("vrrpd", [VRRPD, "-c", "/etc/vrrpd/vrrpd.ini"])
        cls.log = cls.daemon.log
        cls.instances = re.findall(r"\[vrrp_instance (\w+)\]", text)
        cls.wait_all_master()

    @classmethod
    def wait_all_master(cls):
        cls.log.until(lambda: all(cls.states(name)[-1:] == ["MASTER"] for name in cls.instances), PATIENCE,
                      "MASTER everywhere", cls.daemon.running)

    @classmethod
    def states(cls, name, since=0):
        return re.findall(rf"\({name}\) Entering (\w+) STATE", cls.log.text(since))

    def assert_cadence(self, adverts, period_ns, begin, end):
        """No advert is missing between two moments."""
        times = [begin, *(each.time_ns for each in adverts if begin <= each.time_ns <= end), end]
        widest = max(later - earlier for earlier, later in zip(times, times[1:]))
        self.assertLess(widest, period_ns * 3 // 2, "an advert is missing")


    def assert_on_time(self, time_ns, since, down_ns):
        """`since`: between which two moments the down timer was started."""
        before, after = since
        self.assertGreater(time_ns - before, down_ns - MILLISECOND, "too early")
        self.assertLess(time_ns - after, down_ns + 50 * MILLISECOND, "too late")


class Table(Victim):
    @classmethod
    def configuration(cls):
        cls.subjects = [subject_of(number, row) for number, row in enumerate(cls.rows(), 1)]
        return "[global]\nlog_target = stderr\n\n" + "\n".join(each.configuration() for each in cls.subjects)

    @classmethod
    def rows(cls):
        return ROWS

    @classmethod
    def inject(cls, subjects=None):
        """The packets of all rows, or of some; between which moments those of each left."""
        return {each.name: cls.link.send(*each.frames) for each in subjects or cls.subjects}

    @classmethod
    def expected_counts(cls, subjects):
        counts = collections.Counter()
        for each in subjects:
            if series := each.series():
                counts[series] += each.row.packets or len(each.frames)
        return counts

    @classmethod
    def inject_and_count(cls):
        """The packets of all rows, once; by how much which counter of received packets grew."""
        before = control.metrics(cls.host)
        cls.inject()
        end = time.monotonic() + 5
        while True:
            after = control.metrics(cls.host)
            grown = {series: after[series] - before[series] for series in after if series[0] in COUNTERS}
            grown = {series: packets for series, packets in grown.items() if packets}
            if grown == cls.expected_counts(cls.subjects) or time.monotonic() > end:
                return grown

    def adverts_of(self, subject):
        return [each for each in self.ear.heard if each.virtual_router_id == subject.good.virtual_router_id]

    def assert_said(self, subject, since):
        """The refusal is in the log, under its reason and no other."""
        verdict = subject.row.verdict
        said = re.findall(rf"\({subject.name}\) refused advert from \S+ reason=(\w+)", self.log.text(since))
        expected = set() if verdict in (ACCEPT, KERNEL) or subject.row.unassigned else {verdict.word}
        self.assertEqual(set(said), expected)


def one_test_each(case):
    """A test of its own for each row: `check(subject)` with its name."""
    for number, row in enumerate(case.rows(), 1):
        name = "test_" + "_".join([row.id, row.kind, *re.findall(r"\w+", row.name)])

        def test(self, number=number):
            self.check(self.subjects[number - 1])
        while hasattr(case, name):
            name += "_again"
        setattr(case, name, test)
    return case


@one_test_each
class TableWhileActive(Table):
    """A refused packet changes no role and delays no advert (B27); an accepted one outranks us, until it is silent."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.mark, cls.begin = cls.log.mark(), time.time_ns()
        cls.grown = cls.inject_and_count()
        refused = [each for each in cls.subjects if each.row.verdict != ACCEPT]
        for _ in range(20):  # one that restarted the advert timer would leave us without an advert
            time.sleep(0.05)
            cls.inject(refused)
        cls.ear.for_seconds(3.5)  # a version 2 instance is back after 3.6 s
        cls.end = time.time_ns()
        cls.ear.listen()

    def test_B10_B28_what_belongs_to_no_instance_is_counted_by_its_reason(self):
        nobodys = [each for each in self.subjects if each.row.unassigned]
        counted = {series: packets for series, packets in self.grown.items()
                   if series[0] == "vrrpd_adverts_unassigned_total"}
        self.assertEqual(counted, self.expected_counts(nobodys))

    def assert_counted(self, subject):
        """What the instance counted is the packets of the row, under their reason and no other."""
        counted = {series: packets for series, packets in self.grown.items() if ("vrrp_instance", subject.name) in series[1]}
        self.assertEqual(counted, {} if subject.row.unassigned else self.expected_counts([subject]))

    def check(self, subject):
        self.assert_said(subject, self.mark)
        self.assert_counted(subject)
        if subject.row.verdict == ACCEPT:
            self.assertEqual(self.states(subject.name, self.mark), ["BACKUP", "MASTER"])
        else:
            self.assertEqual(self.states(subject.name, self.mark), [])
            self.assert_cadence(self.adverts_of(subject), subject.period_ns, self.begin, self.end)


@one_test_each
class TableWhileBackup(Table):
    """An Active is heard once and then no more. When we take over (D02, D04) does not depend on refused packets;
    accepted ones restart the down timer."""

    ATTEMPTS = 5
    INTO_THE_SILENCE = 0.35  # seconds; the shortest down interval is 0.72

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.before = cls.log.mark()
        for _ in range(cls.ATTEMPTS):
            with punctual():
                in_time = cls.fall_silent_and_inject()
            if in_time:
                break
            cls.wait_all_master()
        else:
            raise AssertionError("this machine was too busy to send the packets in time")
        cls.ear.for_seconds(4.5)
        cls.ear.listen()

    @classmethod
    def fall_silent_and_inject(cls):
        """Whether the packets left well within the silence."""
        cls.mark = cls.log.mark()
        cls.silent = {each.name: cls.link.send(each.good.frame()) for each in cls.subjects}
        first, last = min(cls.silent.values())[0], max(cls.silent.values())[1]
        time.sleep(cls.INTO_THE_SILENCE)
        cls.injected = cls.inject()
        shortest = min(each.down_ns for each in cls.subjects)
        return last - first < 100 * MILLISECOND and time.time_ns() - first < shortest - 50 * MILLISECOND

    def check(self, subject):
        self.assert_said(subject, self.before)  # what an earlier attempt said is not said again within a minute
        self.assertEqual(self.states(subject.name, self.mark), ["BACKUP", "MASTER"])
        accepted = subject.row.verdict == ACCEPT
        last_heard = (self.injected if accepted else self.silent)[subject.name]
        taken_over = next(each.time_ns for each in self.adverts_of(subject)
                          if each.time_ns > self.injected[subject.name][0])
        self.assert_on_time(taken_over, last_heard, subject.down_ns)


@one_test_each
class TableOfTheAccepted(Table):
    """For as long as such adverts come, and nothing else does, a Backup stays one: each restarts the timer."""

    ATTEMPTS = 5
    SECONDS = 5.0  # a version 2 instance would be back after 3.6

    @classmethod
    def rows(cls):
        return [row for row in ROWS if row.verdict == ACCEPT]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        shortest = min(each.down_ns for each in cls.subjects)
        for _ in range(cls.ATTEMPTS):
            cls.mark = cls.log.mark()
            with punctual():
                longest = cls.keep_sending()
            if longest < shortest - 50 * MILLISECOND:
                return
        raise AssertionError("this machine was too busy to send the packets in time")

    @classmethod
    def keep_sending(cls):
        """The longest time between two rounds."""
        ends = []
        end = time.monotonic() + cls.SECONDS
        while time.monotonic() < end:
            cls.inject()
            ends.append(time.time_ns())
            time.sleep(0.2)
        return max(later - earlier for earlier, later in zip(ends, [*ends[1:], time.time_ns()]))

    def check(self, subject):
        self.assertNotIn("MASTER", self.states(subject.name, self.mark))
        self.assertEqual(self.states(subject.name)[-1], "BACKUP")


VIP = "192.168.30.16"
FLAPS = 4  # within a minute: worth a word in the log
PERIOD = 100 * MILLISECOND
DOWN = 3 * PERIOD + 156 * PERIOD // 256

_INSTANCES = f"""[global]
log_target = stderr

[vrrp_instance VI_1]
interface = eth0
virtual_router_id = 51
priority = 100
advert_int = 100ms
virtual_ipaddress = {VIP}/24

[vrrp_instance VI_2]
interface = eth0
virtual_router_id = 52
priority = 100
advert_int = 100ms
max_learned_interval = 200ms
virtual_ipaddress = 10.9.0.52
"""


class Attacks(Victim):
    """VI_1, priority 100, adverts each 100 ms; and VI_2, that learns no interval above 200 ms."""

    good = Advert(51, (VIP,), "192.168.30.200", interval=10)

    @classmethod
    def configuration(cls):
        return _INSTANCES

    def setUp(self):
        self.wait_all_master()
        self.mark, self.begin = self.log.mark(), time.time_ns()

    def now_states(self):
        return self.states("VI_1", self.mark)

    def wait_state(self, state, count=1):
        self.log.until(lambda: self.now_states().count(state) >= count, PATIENCE, state, self.daemon.running)

    def wait_advert(self, since_ns, virtual_router_id=51):
        """When the first advert after that moment was heard."""
        return self.ear.until(lambda heard: next((each.time_ns for each in heard if each.time_ns > since_ns
                                                  and each.virtual_router_id == virtual_router_id), None),
                              PATIENCE, "an advert")

    def lines(self, pattern):
        return [line for line in self.log.lines(self.mark) if re.search(pattern, line)]

    def assert_unmoved(self):
        """Of the time since the test began: MASTER all along, and no advert was missing."""
        end = time.time_ns()
        self.assertEqual(self.now_states(), [])
        self.assert_cadence(self.ear.adverts(51), PERIOD, self.begin, end)

    def test_H22_a_higher_advert_then_silence(self):
        """The interval that it named is the one that the down timer goes by."""
        interval = 50
        left = self.link.send(self.good.but(priority=200, interval=interval).frame())
        self.wait_state("MASTER")
        self.assertEqual(self.now_states(), ["BACKUP", "MASTER"])
        period = interval * 10 * MILLISECOND
        taken_over = self.wait_advert(left[1] + period)  # the first one is the loser's farewell
        self.assert_on_time(taken_over, left, 3 * period + 156 * period // 256)

    def test_H18_a_false_owner_is_named(self):
        self.link.send(self.good.but(priority=255).frame())
        self.wait_state("MASTER")
        self.assertEqual(self.now_states(), ["BACKUP", "MASTER"])
        self.assertTrue(self.lines("192.168.30.200 has priority 255, ours is 100"))

    def test_H23_the_longest_interval_holds_until_another_is_heard(self):
        self.link.send(self.good.but(interval=4095).frame())
        self.wait_state("BACKUP")
        self.ear.for_seconds(4 * DOWN / SECOND)
        self.assertEqual(self.now_states(), ["BACKUP"])
        left = self.link.send(self.good.frame())
        self.assert_on_time(self.wait_advert(left[1]), left, DOWN)

    def test_H23_a_ceiling_on_what_is_learned(self):
        period = 200 * MILLISECOND
        left = self.link.send(self.good.but(virtual_router_id=52, addresses=("10.9.0.52",), interval=4095).frame())
        taken_over = self.wait_advert(left[1] + period, 52)  # the first one is the loser's farewell
        self.assert_on_time(taken_over, left, 3 * period + 156 * period // 256)
        self.wait_all_master()
        self.assertEqual(self.states("VI_2", self.mark), ["BACKUP", "MASTER"])
        self.assertTrue(self.lines(r"\(VI_2\) .* an interval of 40.95 s, waiting for no more than 0.2 s"))

    def test_H40_equal_priority_from_above_and_below(self):
        """The higher address wins, each time; the lower one never does, and is told so."""
        above, below = (self.good.but(priority=100, source=source).frame() for source in
                        ("192.168.30.200", "192.168.30.2"))
        for count in range(1, FLAPS + 1):
            self.link.send(above, below)
            self.wait_state("BACKUP", count)
            self.wait_state("MASTER", count)
            _, left = self.link.send(below)
            self.wait_advert(self.wait_advert(left))
        self.assertEqual(self.now_states(), ["BACKUP", "MASTER"] * FLAPS)
        self.assertEqual(len(self.lines("with same priority 100 but higher IP")), 1, "said once a minute")
        self.assertTrue(self.log.find(r"\(VI_1\) MASTER again and again"))  # perhaps of an earlier test already

    def test_H41_many_senders(self):
        """Each of 255 senders is new to the log; the table of those that were named has 16 places."""
        frames = [self.good.but(source=f"192.168.31.{n}", wrong_bits=1).frame() for n in range(1, 256)]
        for _ in range(20):
            self.link.send(*frames)
        self.ear.for_seconds(0.5)
        self.assert_unmoved()
        said = self.lines("refused advert from")
        self.assertTrue(said)
        self.assertLessEqual(len(said), 16)

    def test_H13_B10_others_on_the_LAN_are_not_worth_a_line(self):
        other = self.good.but(addresses=("10.9.0.1",))
        frames = [other.but(virtual_router_id=n).frame() for n in range(256) if n not in (51, 52)]
        for _ in range(20):
            self.link.send(*frames)
        self.ear.for_seconds(0.5)
        self.assert_unmoved()
        self.assertEqual(self.lines("."), [])

    def test_H43_forged_announcements(self):
        for _ in range(100):
            self.link.send(forged_announcement(VIP))
        self.ear.for_seconds(0.5)
        self.assert_unmoved()
