# SPDX-License-Identifier: MIT
"""What lies between processes and routers, to be cut: a Unix socket for each pair, whose bytes are
passed on. A wire is whole, cut (closed, and refused) or deaf (nothing comes through, as with a broken
switch between two hosts)."""
import asyncio
import os


class Wire:
    def __init__(self, path, router):
        self.path, self.router = path, router
        self.whole = asyncio.Event()
        self.cut = False
        self.pairs = set()
        self.tasks = set()

    async def pump(self, reader, writer):
        while data := await reader.read(65536):
            await self.whole.wait()
            writer.write(data)
            await writer.drain()

    async def carry(self, reader, writer):
        """One connection of the process, until either side ends it or the wire is cut."""
        self.tasks.add(asyncio.current_task())  # kept until it ends
        if self.cut:
            writer.transport.abort()
            return
        try:
            there = await asyncio.open_unix_connection(self.router)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, there[1])
        self.pairs.add(pair)
        pumps = [asyncio.ensure_future(self.pump(reader, there[1])),
                 asyncio.ensure_future(self.pump(there[0], writer))]
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
    def __init__(self, folder, routers):
        self.folder = folder
        self.routers = [os.path.join(folder, f"router-{i + 1}.sock") for i in range(routers)]
        self.wires = {}  # (process, number of the router)
        self.servers = []

    def lay(self, name):
        """The paths by which that process reaches the routers."""
        paths = []
        for i, router in enumerate(self.routers):
            wire = self.wires.get((name, i))
            if not wire:
                wire = self.wires[(name, i)] = Wire(os.path.join(self.folder, f"{name}.{i + 1}.sock"), router)
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

    def heal(self):
        for wire in self.wires.values():
            wire.set("whole")
