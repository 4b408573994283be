"""What happened on a virtual LAN to one address, to the millisecond: who had it, who answered for it, who advertised.

    with Observer(lan, client, "192.168.30.16") as observer:
        ...
        record = observer.record()

A process of its own, real-time where it may be, hears the netlink notices of all hosts, the adverts at the switch (as
they were sent, also those that are lost there) and asks by ARP at the client every 5 ms. Nothing is polled that could
be heard. Times are nanoseconds of CLOCK_REALTIME: of adverts and answers the kernel's, of notices those of reading.
It notes by how much it ran late itself: what the machine did to it, it did to the daemons.
"""

import contextlib
import ctypes
import dataclasses
import multiprocessing
import os
import select
import signal
import socket
import struct
import time

from tests.lan import wire

ASK_EVERY_NS = 5 * 10**6
LATE_NS = 5 * 10**6  # less is not worth a note
_REAL_TIME = 60      # above the daemons
_BUFFER = 1 << 24
_ETH_P_ALL = 3
_SO_ATTACH_FILTER, _SO_RCVBUFFORCE, _SO_TIMESTAMPNS = 26, 33, 35
_PR_SET_PDEATHSIG = 1


@dataclasses.dataclass
class Record:
    """Each list is in the order of time. `held`: (time, host, has it now); `adverts`: (time, host, priority);
    `asked`: times; `answers`: (time, host); `late`: (time, by how much)."""
    held: list = dataclasses.field(default_factory=list)
    adverts: list = dataclasses.field(default_factory=list)
    asked: list = dataclasses.field(default_factory=list)
    answers: list = dataclasses.field(default_factory=list)
    late: list = dataclasses.field(default_factory=list)
    ended: int = 0


class Observer:
    def __init__(self, lan, client, address):
        self._sockets = contextlib.ExitStack()
        self._names = {host.mac: host.name for host in lan.hosts.values()}
        self._address = socket.inet_aton(address)
        self._client = client
        self._notices = {}
        for host in lan.hosts.values():
            if host is not client:
                notices = self._open(host, socket.AF_NETLINK, socket.SOCK_RAW, 0)
                notices.bind((0, wire.RTMGRP_IPV4_IFADDR))
                self._notices[notices] = host.name
        self._adverts = self._open(lan.switch, socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_ETH_P_ALL))
        _filter_adverts(self._adverts)
        self._arp = self._open(client, socket.AF_PACKET, socket.SOCK_RAW, socket.htons(wire.ETH_P_ARP))
        self._arp.bind(("eth0", wire.ETH_P_ARP))
        self._question = _question(client, self._address)
        self._have = {name: address in lan.hosts[name].addresses() for name in self._notices.values()}
        context = multiprocessing.get_context("fork")
        self._told, told = context.Pipe()
        self._process = context.Process(target=self._observe, args=(told,), daemon=True)
        self._process.start()
        told.close()

    def _open(self, host, *kind):
        opened = self._sockets.enter_context(host.socket(*kind))
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        if kind[0] == socket.AF_PACKET:
            opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        opened.setblocking(False)
        return opened

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._sockets.close()

    def record(self):
        """Ends the observation."""
        self._told.send("enough")
        record = self._told.recv()
        self._process.join()
        return record

    # From here on in the process of its own.

    def _observe(self, told):
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_REAL_TIME))
        record = Record(held=[(time.time_ns(), name, has) for name, has in self._have.items()])
        readers = [*self._notices, self._adverts, self._arp, told]
        due = time.time_ns()
        while True:
            ready = select.select(readers, [], [], max(0, due - time.time_ns()) / 1e9)[0]
            for one in ready:
                if one in self._notices:
                    self._read_notices(one, record)
            if self._adverts in ready:
                self._read_adverts(record)
            if self._arp in ready:
                self._read_answers(record)
            now = time.time_ns()
            if now >= due:
                if now - due > LATE_NS:
                    record.late.append((now, now - due))
                self._ask(record)
                due = now + ASK_EVERY_NS
            if told in ready:
                record.ended = now
                told.send(record)
                return

    def _read_notices(self, notices, record):
        with contextlib.suppress(BlockingIOError):
            while True:
                data, now = notices.recv(65536), time.time_ns()
                for kind, address in wire.address_notices(data):
                    if address == self._address:
                        record.held.append((now, self._notices[notices], kind == wire.RTM_NEWADDR))

    def _read_adverts(self, record):
        with contextlib.suppress(BlockingIOError):
            while True:
                packet, extra, _, place = self._adverts.recvmsg(128, 64)
                host = self._names.get(wire.mac_text(place[4]))
                # A port takes in what its host sends; all else is the way of the same packet through the bridge.
                if host and place[0].startswith("p") and place[2] != socket.PACKET_OUTGOING and len(packet) >= 28:
                    record.adverts.append((_stamp(extra), host, packet[(packet[0] & 15) * 4 + 2]))

    def _read_answers(self, record):
        with contextlib.suppress(BlockingIOError):
            while True:
                frame, extra, _, _ = self._arp.recvmsg(128, 64)
                if len(frame) >= 42 and frame[20:22] == b"\0\2" and frame[28:32] == self._address:
                    mac = wire.mac_text(frame[22:28])
                    if frame[:6] != b"\xff" * 6:  # an announcement is no answer
                        record.answers.append((_stamp(extra), self._names.get(mac, mac)))

    def _ask(self, record):
        record.asked.append(time.time_ns())
        with contextlib.suppress(OSError):
            self._arp.send(self._question)


def _question(client, address):
    own = bytes.fromhex(client.mac.replace(":", ""))
    request = struct.pack("!HHBBH", 1, wire.ETH_P_IP, 6, 4, 1) + own + socket.inet_aton(client.address)
    return b"\xff" * 6 + own + struct.pack("!H", wire.ETH_P_ARP) + request + b"\0" * 6 + address


def _filter_adverts(packets):
    """IPv4 of protocol 112, as a program of the kernel's packet filter."""
    protocol_of_frame = 0xFFFFF000
    code = [(0x28, 0, 0, protocol_of_frame), (0x15, 0, 3, wire.ETH_P_IP), (0x30, 0, 0, 9),
            (0x15, 0, 1, wire.VRRP_PROTOCOL), (0x06, 0, 0, 0xFFFF), (0x06, 0, 0, 0)]
    program = b"".join(struct.pack("=HBBI", *step) for step in code)
    held = ctypes.create_string_buffer(program)
    packets.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(code), ctypes.addressof(held)))


def _stamp(extra):
    seconds, nanoseconds = struct.unpack("=qq", extra[0][2])
    return seconds * 10**9 + nanoseconds
