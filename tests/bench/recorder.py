"""Adverts as one host hears them, with the kernel's time of each.

The socket keeps them until they are asked for: nothing runs meanwhile that would take CPU from those who are measured,
or that a busy machine could delay.
"""

import collections
import socket
import struct
import time

from tests.lan import wire

SO_RCVBUFFORCE, SO_TIMESTAMPNS = 33, 35
_BUFFER = 1 << 29  # some 600,000 adverts; memory is taken only by what comes


class Recorder:
    def __init__(self, host, device="eth0"):
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(wire.ETH_P_IP))
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self._socket.bind((device, wire.ETH_P_IP))
        self._socket.setblocking(False)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()

    def adverts(self):
        """Those until now: for each VRID (time in ns, source address) in the order of the wire."""
        heard, now = collections.defaultdict(list), time.time_ns()
        while True:
            try:
                packet, extra, _, _ = self._socket.recvmsg(64, 64)
            except BlockingIOError:
                return heard
            if len(packet) < 28 or packet[9] != wire.VRRP_PROTOCOL:
                continue
            seconds, nanoseconds = struct.unpack("=qq", extra[0][2])
            at = seconds * 10**9 + nanoseconds
            # Also the very first ones: before the kernel stamps packets, they get the time at which we read them.
            if at <= now:
                heard[packet[(packet[0] & 15) * 4 + 1]].append((at, packet[12:16]))
