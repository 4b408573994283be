#!/usr/bin/python3
"""Stands in for repcached, which no distribution has: a memcached that replicates to one peer. What it knows of `get`,
`set`, `version` and `quit` is enough for checks and probers.

    memcached -p PORT -x PEER -X REPLICATION_PORT [what else memcached has]

As the real one it tries its peer once, when it starts. A peer that listens sends all that it has; where there is none
it listens itself, as it does when a peer is lost. Either side takes writes and passes them on. It says with which options
it was started, and each of these steps.
"""

import asyncio
import socket
import sys


def say(text):
    print(f"stand-in: {text}", file=sys.stderr, flush=True)


def option(name):
    return sys.argv[sys.argv.index(name) + 1]


class Cache:
    def __init__(self):
        self._items = {}
        self._copy = None  # the connection to the peer
        self._peer, self._replication = option("-x"), int(option("-X"))

    async def run(self):
        say(f"started with {' '.join(sys.argv[1:])}")
        listener = await asyncio.start_server(self._serve, "0.0.0.0", int(option("-p")))
        try:
            link = await asyncio.wait_for(asyncio.open_connection(self._peer, self._replication), 1)
        except (OSError, asyncio.TimeoutError):
            await self._await_peer()
        else:
            say(f"replication: copying from {self._peer}")
            asyncio.create_task(self._replicate(*link))
        async with listener:
            await listener.serve_forever()

    async def _await_peer(self):
        async def accept(reader, writer):
            waiting.close()  # one peer
            say("replication: accepted")
            for key, value in self._items.items():
                writer.write(self._line(key, value))
            await self._replicate(reader, writer)
        waiting = await asyncio.start_server(accept, "0.0.0.0", self._replication)
        say("replication: listening")

    async def _replicate(self, reader, writer):
        keepalive = writer.get_extra_info("socket")
        keepalive.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        keepalive.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
        keepalive.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
        self._copy = writer
        try:
            while line := await reader.readline():
                await self._store(line.split(), reader)
        except OSError:
            pass
        self._copy = None
        writer.close()
        say("replication: lost")
        await self._await_peer()

    @staticmethod
    def _line(key, value):
        flags, data = value
        return b"set %b %b 0 %d\r\n%b\r\n" % (key, flags, len(data), data)

    async def _store(self, words, reader):
        """`set KEY FLAGS EXPIRY LENGTH`; the key."""
        _, key, flags, _, length = words
        data = await reader.readexactly(int(length) + 2)
        self._items[key] = flags, data[:-2]
        return key

    async def _serve(self, reader, writer):
        try:
            while words := (await reader.readline()).split():
                if words[0] == b"quit":
                    break
                writer.write(await self._answer(words, reader))
        except (OSError, ValueError, asyncio.IncompleteReadError):
            pass
        writer.close()

    async def _answer(self, words, reader):
        if words[0] == b"version":
            return b"VERSION 1.2.8\r\n"
        if words[0] == b"get" and len(words) == 2:
            found = self._items.get(words[1])
            hit = b"VALUE %b %b %d\r\n%b\r\n" % (words[1], found[0], len(found[1]), found[1]) if found else b""
            return hit + b"END\r\n"
        if words[0] == b"set" and len(words) == 5:
            key = await self._store(words, reader)
            if self._copy is not None:
                self._copy.write(self._line(key, self._items[key]))
            return b"STORED\r\n"
        return b"ERROR\r\n"


asyncio.run(Cache().run())
