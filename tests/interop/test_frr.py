"""vrrpd beside FRR (8.4.4 in Debian 12). The cases are in tests/interop/meeting.py.

FRR announces itself when it becomes Active, but not when it has heard a losing Active: after a split clients that
learned our MAC keep it until they look again.
"""

import unittest

from tests.interop.meeting import Cases
from tests.interop.peers import FrrPeer, Kind


class Version2(Cases, unittest.TestCase):
    kind = Kind(version=2, advert_ms=1000)
    peer_class = FrrPeer
    announces_after_split = False


class Version3(Cases, unittest.TestCase):
    kind = Kind()
    peer_class = FrrPeer
    announces_after_split = False


class Version3Ipv6(Cases, unittest.TestCase):
    kind = Kind(family=6)
    peer_class = FrrPeer
    announces_after_split = False


if __name__ == "__main__":
    unittest.main()
