"""The two checksum forms of version 3 over IPv4 (C02, C03, C08).

keepalived 2.2.7 and FRR 8.4.4 read only the one with a pseudo-header, so that towards them `rfc9568` gives two holders,
and is for other peers; here one of our own plays such a peer.
"""

import signal
import time
import unittest

from tests.interop.meeting import HIGH, LOW, Meeting
from tests.interop.peers import PATIENCE, Kind, VrrpdPeer


class Forms(Meeting, unittest.TestCase):
    kind = Kind()
    peer_class = VrrpdPeer

    def test_auto_sends_what_it_heard_last(self):
        self.meet(ours=LOW, peer=HIGH, extra="checksum = rfc9568")
        self.peer_is_active()
        self.ours.start()
        self.ours.process.wait_for_line("sending the checksum form that 192.168.30.20 sends", PATIENCE)
        with self.moves_to(self.ours):
            self.peer.stop()
        self.ours.process.send_signal(signal.SIGTERM)
        self.wait_for_advert(True, 0, {0})
        self.assert_bytes(LOW, 0, message_only=True)

    def test_rfc9568_reads_both(self):
        """It follows a pseudo-header that it hears; two Actives with different forms become one."""
        self.meet(ours=HIGH, peer=LOW, extra="checksum = rfc9568")
        self.peer.start()
        self.we_are_active()
        self.split(True)
        since = time.time_ns()
        self.wait_for_advert(False, since)
        with self.moves_to(self.ours):
            self.split(False)
        self.assertEqual(self.peer.states()[-1], "BACKUP")


if __name__ == "__main__":
    unittest.main()
