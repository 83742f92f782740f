# SPDX-License-Identifier: MIT
"""What lies between processes and routers, to be cut: a Unix socket for each pair, whose bytes are
passed on. A wire is whole, cut (closed, and refused) or deaf (nothing comes through, as with a broken
switch between two hosts). What some instances say can be late on it: it is kept back, in order, while
all else passes, as if that had come by another router."""
import asyncio
import os
import struct

HEAD = 64  # bytes before the body of a frame (link/frame.h)
KIND_AT, FROM_AT = 4, 24  # in it: what it is, who sends it
GIVE = 55  # link/messages.def


class Wire:
    def __init__(self, path, router, framed=False):
        self.path, self.router, self.framed = path, router, framed
        self.whole = asyncio.Event()
        self.cut = False
        self.pairs = set()
        self.tasks = set()
        self.owner = None   # id of the instance that was linked last
        self.late = set()   # ids of those whose frames are kept back
        self.kept = []      # (writer, frame)
        self.gave = set()   # ids of those that gave the process something for a client

    async def frames(self, reader):
        """Each with the id of its sender."""
        while True:
            try:
                head = await reader.readexactly(HEAD)
                body = await reader.readexactly(struct.unpack_from("<I", head)[0] - HEAD)
            except asyncio.IncompleteReadError:
                return
            yield struct.unpack_from("<Q", head, FROM_AT)[0], head + body

    async def out(self, reader, writer):
        """What the process says: its first frame with a sender tells its id."""
        self.owner = None
        async for sender, frame in self.frames(reader):
            await self.whole.wait()
            writer.write(frame)
            if sender:
                self.owner = sender
                break
        await self.pump(reader, writer)

    async def back(self, reader, writer):
        """What it is told."""
        async for sender, frame in self.frames(reader):
            await self.whole.wait()
            if struct.unpack_from("<H", frame, KIND_AT)[0] == GIVE:
                self.gave.add(sender)
            if sender in self.late:
                self.kept.append((writer, frame))
                continue
            writer.write(frame)
            await writer.drain()

    def keep_back(self, senders):
        self.late = set(senders)
        if senders:
            return
        for writer, frame in self.kept:
            writer.write(frame)
        self.kept = []

    async def pump(self, reader, writer):
        while data := await reader.read(65536):
            await self.whole.wait()
            writer.write(data)
            await writer.drain()

    async def reach(self):
        return await asyncio.open_unix_connection(self.router)

    async def carry(self, reader, writer):
        """One connection of the process, until either side ends it or the wire is cut."""
        self.tasks.add(asyncio.current_task())  # kept until it ends
        if self.cut:
            writer.transport.abort()
            return
        try:
            there = await self.reach()
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, there[1])
        self.pairs.add(pair)
        out, back = (self.out, self.back) if self.framed else (self.pump, self.pump)
        pumps = [asyncio.ensure_future(out(reader, there[1])), asyncio.ensure_future(back(there[0], writer))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            # What had been read goes out: an end is told behind it.
            await asyncio.wait(pumps, timeout=0.2)
        finally:
            for p in pumps:
                p.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self.tasks.discard(asyncio.current_task())
            self.pairs.discard(pair)
            self.kept = [k for k in self.kept if k[0] is not writer]
            for w in pair:
                w.close()

    def set(self, state):
        self.cut = state == "cut"
        if state == "deaf":
            self.whole.clear()
        else:
            self.whole.set()
        if self.cut:
            for pair in self.pairs:
                for w in pair:
                    w.transport.abort()


class Wires:
    def __init__(self, folder, routers, framed):
        self.folder, self.framed = folder, framed  # framed: something will be late
        self.routers = [os.path.join(folder, f"router-{i + 1}.sock") for i in range(routers)]
        self.wires = {}  # (process, number of the router)
        self.servers = []

    def lay(self, name):
        """The paths by which that process reaches the routers."""
        paths = []
        for i, router in enumerate(self.routers):
            wire = self.wires.get((name, i))
            if not wire:
                wire = self.wires[(name, i)] = Wire(os.path.join(self.folder, f"{name}.{i + 1}.sock"), router,
                                                    self.framed)
            paths.append(wire.path)
        return paths

    async def start(self):
        for wire in self.wires.values():
            wire.set("whole")
            if os.path.exists(wire.path):
                os.unlink(wire.path)
            self.servers.append(await asyncio.start_unix_server(wire.carry, wire.path))

    async def stop(self):
        for server in self.servers:
            server.close()
        tasks = [t for wire in self.wires.values() for t in wire.tasks]
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def of(self, process):
        """All wires of a process's instances."""
        return [w for (name, _), w in self.wires.items() if name.rsplit("-", 1)[0] == process]

    def ids(self, names):
        return {w.owner for (name, _), w in self.wires.items() if name in names and w.owner}

    def heal(self):
        for wire in self.wires.values():
            wire.set("whole")
            wire.keep_back(())
