# SPDX-License-Identifier: MIT
"""Faults: processes killed, terminated, stopped and continued; clients' connections cut."""
import asyncio
import os
import signal
import time


def parse_mix(text):
    """"kill:sm=3,stop:c2s=1,cut=2" as [(what, process or None, weight)]."""
    mix = []
    for part in filter(None, text.split(",")):
        name, _, weight = part.partition("=")
        what, _, process = name.partition(":")
        if what not in ("kill", "term", "stop", "cut") or (what == "cut") == bool(process):
            raise ValueError(f"not a fault: {part}")
        mix.append((what, process or None, float(weight or 1)))
    return mix


class Faults:
    """At most one fault at a time, unless overlap is wanted."""

    def __init__(self, world, mix):
        self.world, self.mix = world, mix
        self.rng = world.new_rng("faults")
        self.counts = {}
        self.done = []     # (kind, start, end)
        self.stopped = {}  # pid: instance
        self.excuses = {}  # c2s's number: until when its connections may end

    def instances(self, process):
        return [n for n in self.world.server.pids() if n.rsplit("-", 1)[0] == process]

    async def wait_up(self, name, old):
        """The launcher starts it anew."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            pid = self.world.server.pids().get(name)
            if pid and pid != old:
                return
            await asyncio.sleep(0.05)
        raise RuntimeError(f"{name} was not started again")

    def excuse(self, name, seconds):
        process, number = name.rsplit("-", 1)
        if process == "c2s":
            self.excuses[int(number)] = max(self.excuses.get(int(number), 0),
                                            time.monotonic() + seconds)

    def excused(self, port):
        number = port - self.world.server.base - 400
        return self.excuses.get(number, 0) > time.monotonic()

    async def kill(self, name):
        pid = self.world.server.pids()[name]
        self.excuse(name, 5)
        if name.startswith("c2s-"):
            self.world.ledger.killed(self.world.server.base + 400 + int(name[4:]))
        os.kill(pid, signal.SIGKILL)
        await self.wait_up(name, pid)

    async def term(self, name):
        """It drains and ends; the launcher starts it anew."""
        pid = self.world.server.pids()[name]
        self.excuse(name, 60)
        os.kill(pid, signal.SIGTERM)
        await self.wait_up(name, pid)

    async def stop(self, name):
        pid = self.world.server.pids()[name]
        heartbeat = self.world.options.heartbeat
        pause = self.rng.choice((self.rng.uniform(0.2, 2.5), self.rng.uniform(3, 5) * heartbeat))
        self.excuse(name, pause + 20)
        self.world.log(f"fault lasts {pause:.2f} s")
        os.kill(pid, signal.SIGSTOP)
        self.stopped[pid] = name
        try:
            await asyncio.sleep(pause)
        finally:
            self.carry_on(pid)

    def carry_on(self, pid):
        if self.stopped.pop(pid, None):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def release(self):
        for pid in list(self.stopped):
            self.carry_on(pid)

    def cut(self):
        linked = [c for c in self.world.clients if c.ready()]
        if linked:
            self.rng.choice(linked).leaving = "cut"

    async def one(self):
        what, process, _ = self.rng.choices(self.mix, [w for _, _, w in self.mix])[0]
        kind = f"{what}:{process}" if process else what
        start = time.monotonic()
        if what == "cut":
            self.world.log("FAULT cut")
            self.cut()
        else:
            free = [n for n in self.instances(process) if n not in self.stopped.values()]
            if not free:
                return
            name = self.rng.choice(sorted(free))
            self.world.log(f"FAULT {what} {name}")
            await {"kill": self.kill, "term": self.term, "stop": self.stop}[what](name)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.done.append((kind, start, time.monotonic()))

    async def recovered(self):
        """Everybody has a session, and nothing old is unacknowledged."""
        end = time.monotonic() + self.world.options.recovery
        while time.monotonic() < end:
            now = time.monotonic()
            late = [c for c in self.world.clients if c.online.is_set() and (
                not c.bound.is_set() or
                any(m and now - m.sent > 1 for m, _ in c.unacked[:1]))]
            if not late:
                return
            await asyncio.sleep(0.1)
        self.world.log("not recovered: " + ",".join(c.name for c in late))
        self.world.slow_recoveries += 1

    async def run(self, until, most):
        options = self.world.options
        running = set()
        while time.monotonic() < until and sum(self.counts.values()) < most:
            await asyncio.sleep(self.rng.expovariate(1 / options.interval))
            if time.monotonic() >= until:
                break
            if options.overlap:
                running = {t for t in running if not t.done()}
                if len(running) < options.overlap:
                    running.add(asyncio.ensure_future(self.one()))
                continue
            await self.one()
            await self.recovered()
        for t in running:
            await t
