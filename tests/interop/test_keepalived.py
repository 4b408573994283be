"""vrrpd beside keepalived (2.2.7 in Debian 12). The cases are in tests/interop/meeting.py."""

import unittest

from tests.interop.meeting import HIGH, LOW, Cases
from tests.interop.peers import PATIENCE, KeepalivedPeer, Kind


class Version2(Cases, unittest.TestCase):
    kind = Kind(version=2, advert_ms=1000)
    peer_class = KeepalivedPeer


class Version2Password(Cases, unittest.TestCase):
    """T04: the password is shorter than its field."""
    kind = Kind(version=2, advert_ms=1000, password="s3cret")
    peer_class = KeepalivedPeer

    def test_another_password_T05(self):
        """Refused and said; the two do not hear each other."""
        self.meet(ours=LOW, peer=HIGH, password="secret")
        self.we_are_active()
        self.peer.start()
        self.ours.process.wait_for_line("refused advert from 192.168.30.20 reason=auth_fail", PATIENCE)
        self.assertEqual(self.ours.states()[-1], "MASTER")


class Version3(Cases, unittest.TestCase):
    kind = Kind()
    peer_class = KeepalivedPeer

    def test_another_list_of_addresses_B18(self):
        """keepalived would drop ours; we follow its adverts, and say so, with its name (M07)."""
        self.meet(ours=LOW, peer=HIGH, extra_vip="192.168.30.62/24")
        self.we_are_active()
        self.peer_is_active()
        self.assertTrue(self.ours.log.find("192.168.30.20 advertises other virtual addresses than ours for VRID 51"))


class Version3Ipv6(Cases, unittest.TestCase):
    kind = Kind(family=6)
    peer_class = KeepalivedPeer


class Version3Unicast(Cases, unittest.TestCase):
    kind = Kind(unicast=True)
    peer_class = KeepalivedPeer


if __name__ == "__main__":
    unittest.main()
