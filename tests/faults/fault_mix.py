# SPDX-License-Identifier: MIT
"""Faults: processes killed, ended, drained, stopped and continued; links and clients' connections cut."""
import asyncio
import os
import signal
import time

NEED_WIRES = ("unlink", "deafen", "lag", "late")
TAKES = {"cut": 0, "part": 0, "sever": 0, "mid": 2, "both": 2, "late": 2}  # processes; others: one
TWO_AT_ONCE = ("mid", "both", "late")
COMMIT_S = 5  # how long a drain or a release waits for commits (sm)


def parse_mix(text):
    """"kill:sm=3,mid:storage:sm=1,cut=2" as [(what, processes, weight)]."""
    mix = []
    for part in filter(None, text.split(",")):
        name, _, weight = part.partition("=")
        what, *processes = name.split(":")
        if not hasattr(Faults, "do_" + what) or len(processes) != TAKES.get(what, 1):
            raise ValueError(f"not a fault: {part}")
        mix.append((what, processes, float(weight or 1)))
    return mix


class Faults:
    """At most one fault at a time, unless overlap is wanted."""

    def __init__(self, world, mix):
        self.world, self.mix = world, mix
        self.rng = world.new_rng("faults")
        # Each as often as its weight says, instead of at random.
        self.turns = [m for m in mix for _ in range(int(m[2]))] if world.options.in_turn else None
        self.counts = {}
        self.done = []     # (kind, start, end)
        self.stopped = {}  # pid: instance
        self.busy = set()  # instances that a fault is about
        self.excuses = {}  # port of a c2s: until when its connections may end
        self.database_stopped = False
        self.stops = 0     # of processes of ours

    def instances(self, process):
        if process in ("postgresql", "cut"):
            return [process]
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
        server = self.world.server
        if name.rsplit("-", 1)[0] == "c2s":
            port = server.port_of(name)
            self.excuses[port] = max(self.excuses.get(port, 0), time.monotonic() + seconds)

    def excused(self, port):
        return self.excuses.get(port, 0) > time.monotonic()

    # --- the kinds -------------------------------------------------------------------------------

    async def do_kill(self, name):
        if name == "postgresql":
            await self.command(self.world.server.database.crash_command())
            return
        pid = self.world.server.pids()[name]
        self.excuse(name, 10)
        if name.startswith("c2s-"):
            self.world.ledger.killed(self.world.server.port_of(name))
        os.kill(pid, signal.SIGKILL)
        await self.wait_up(name, pid)

    async def do_term(self, name):
        """It drains and ends; the launcher starts it anew."""
        pid = self.world.server.pids()[name]
        self.excuse(name, 60)
        os.kill(pid, signal.SIGTERM)
        await self.wait_up(name, pid)

    async def do_drain(self, name):
        """The same by the operator's command."""
        pid = self.world.server.pids()[name]
        self.excuse(name, 60)
        await self.command(self.world.server.ctl("drain", name))
        await self.wait_up(name, pid)

    async def command(self, argv):
        process = await asyncio.create_subprocess_exec(*argv, stdin=asyncio.subprocess.DEVNULL,
                                                       stdout=asyncio.subprocess.PIPE,
                                                       stderr=asyncio.subprocess.STDOUT)
        out, _ = await process.communicate()
        if process.returncode:
            self.world.log(f"{argv[0]}: status {process.returncode}: {out.decode(errors='replace')}")

    def some_time(self):
        """Sometimes shorter, sometimes longer than what is taken for death."""
        heartbeat = self.world.options.heartbeat
        pause = self.rng.choice((self.rng.uniform(0.2, 2.5), self.rng.uniform(3, 5) * heartbeat))
        self.world.log(f"fault lasts {pause:.2f} s")
        return pause

    async def do_stop(self, name):
        pause = self.some_time()
        if name == "postgresql":
            self.database_stopped = True
            self.world.server.database.pause(True)
            await asyncio.sleep(pause)
            self.release_database()
            return
        self.excuse(name, pause + 20)
        await self.stopped_for(name, asyncio.sleep(pause))

    async def do_freeze(self, name):
        """It is taken for dead, and wakes when others have its work."""
        pause = self.rng.uniform(3.5, 4.5) * self.world.options.heartbeat
        self.excuse(name, pause + 20)
        await self.stopped_for(name, asyncio.sleep(pause))

    async def stopped_for(self, name, waiting, kill=False):
        pid = self.hold(name)
        try:
            await waiting
            if kill:
                await self.do_kill(name)
        finally:
            self.carry_on(pid)

    async def do_fill(self, name):
        """The queue towards a process that is stopped, but not taken for dead, runs full."""
        heartbeat = self.world.options.heartbeat
        self.excuse(name, 20)
        await self.stopped_for(name, self.flood(heartbeat * 2))

    async def flood(self, seconds):
        clients = [c for c in self.world.clients if c.ready()]
        end = time.monotonic() + seconds
        for _ in range(10):
            if time.monotonic() > end:
                break
            for c in clients:
                if c.ready():
                    # Where the big one finds no room the small ones might.
                    peer = self.world.peer_of(c)
                    for size in (self.world.options.big, 0, 0):
                        c.say(peer, size)
            await asyncio.sleep(seconds / 10)

    def some_wire(self, name):
        wires = self.world.server.wires
        return wires.wires[(name, self.rng.randrange(len(wires.routers)))]

    async def do_lag(self, name):
        """It drains while what it says to one router is slow to arrive."""
        wire = self.some_wire(name)
        self.excuse(name, 60)
        wire.set("deaf")
        try:
            pid = self.world.server.pids()[name]
            os.kill(pid, signal.SIGTERM)
            await asyncio.sleep(self.rng.uniform(0.4, 2.4) * self.world.options.heartbeat)
        finally:
            wire.set("whole")
        await self.wait_up(name, pid)

    async def on_wire(self, name, state):
        wire = self.some_wire(name)
        self.excuse(name, 20)
        self.world.log(f"{state}: {wire.path}")
        pause = self.some_time()
        wire.set(state)
        try:
            await asyncio.sleep(pause)
        finally:
            if state == "deaf":
                wire.set("cut")  # what has waited for so long is gone
            wire.set("whole")

    async def do_unlink(self, name):
        """Cut from one router, and told so."""
        await self.on_wire(name, "cut")

    async def do_deafen(self, name):
        """Cut from one router without a word."""
        await self.on_wire(name, "deaf")

    async def do_choke(self, name):
        """It dies with what it holds: stopped for a moment first."""
        await self.stopped_for(name, asyncio.sleep(self.rng.uniform(0.1, 0.6)), kill=True)

    async def do_mid(self, name, other):
        """The second dies (or clients' connections break) while the first is slow, which is not yet
        taken for dead; then that one continues with all that was under way."""
        self.excuse(name, 20)
        await self.stopped_for(name, self.meanwhile(other))

    async def meanwhile(self, other):
        heartbeat = self.world.options.heartbeat
        first = self.rng.uniform(0.2, 0.9) * heartbeat
        await asyncio.sleep(first)
        if other == "cut":
            for c in self.world.clients:
                if c.ready() and self.rng.random() < 0.6:
                    c.leaving = "cut"
        else:
            await self.do_kill(other)
        await asyncio.sleep(self.rng.choice((self.rng.uniform(0, 0.3),
                                             self.rng.uniform(0, 2.4 * heartbeat - first))))

    async def do_both(self, name, other):
        """Both die with what they hold, as with the host that they run on."""
        both = (name, other)
        pids = [self.world.server.pids()[n] for n in both]
        for n, pid in zip(both, pids):
            self.excuse(n, 20)
            os.kill(pid, signal.SIGSTOP)
            self.stopped[pid] = n
            await asyncio.sleep(self.rng.uniform(0, 0.5))
        for pid in pids:
            self.stopped.pop(pid, None)
            os.kill(pid, signal.SIGKILL)
        for n, pid in zip(both, pids):
            await self.wait_up(n, pid)

    async def do_late(self, name, other):
        """What other sm say to the processes of the first kind comes late: not before `other`, an sm,
        has come back and has its accounts, which those had meanwhile; or, instead, clients have come
        back whose connections broke."""
        told, heartbeat = name.rsplit("-", 1)[0], self.world.options.heartbeat
        others = [n for n in self.instances("sm") if n != other]
        if other == "cut":
            await self.keep_back(told, others, self.meanwhile_cut())
            return
        pid = self.hold(other)
        try:
            await asyncio.sleep(3 * heartbeat + 1)
            await self.keep_back(told, others, self.comes_back(other, told))
        finally:
            self.carry_on(pid)

    async def keep_back(self, told, senders, waiting):
        wires = self.world.server.wires
        for w in wires.of(told):
            w.keep_back(wires.ids(senders))
        try:
            await waiting
        finally:
            for w in wires.of(told):
                w.keep_back(())

    async def comes_back(self, name, told):
        """Soon after it has given clients something, or when its writes may follow what was not committed."""
        await asyncio.sleep(self.rng.uniform(1, 2))
        await self.do_kill(name)
        if told == "storage":
            await asyncio.sleep(COMMIT_S + self.rng.uniform(1, 2))
            return
        wires, end = self.world.server.wires, time.monotonic() + 10
        while time.monotonic() < end and not any(w.gave & wires.ids([name]) for w in wires.of(told)):
            await asyncio.sleep(0.02)
        await asyncio.sleep(self.rng.uniform(0.05, 0.3))

    async def meanwhile_cut(self):
        await asyncio.sleep(self.rng.uniform(0.3, 0.6))
        for c in self.world.clients:
            if c.ready() and self.rng.random() < 0.6:
                c.leaving = "cut"
        await asyncio.sleep(self.rng.uniform(1, 2))

    async def between(self, state):
        pause = self.some_time()
        self.world.server.wires.set(state)
        try:
            await asyncio.sleep(pause)
        finally:
            self.world.server.wires.heal()

    async def do_part(self):
        """Two hosts (hosts.py) do not hear of each other; nobody is told so."""
        await self.between("deaf")

    async def do_sever(self):
        """The same, and what they had open is reset."""
        await self.between("cut")

    async def do_cut(self):
        linked = [c for c in self.world.clients if c.ready()]
        if linked:
            self.rng.choice(linked).leaving = "cut"

    def hold(self, name):
        pid = self.world.server.pids()[name]
        os.kill(pid, signal.SIGSTOP)
        self.stopped[pid] = name
        self.stops += 1
        return pid

    # --- undoing -----------------------------------------------------------------------------------

    def carry_on(self, pid):
        if self.stopped.pop(pid, None):
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def release_database(self):
        if self.database_stopped:
            self.database_stopped = False
            self.world.server.database.pause(False)

    def release(self):
        for pid in list(self.stopped):
            self.carry_on(pid)
        self.release_database()
        if self.world.server.wires:
            self.world.server.wires.heal()

    # --- one after the other -------------------------------------------------------------------------

    def choose(self):
        if self.turns is not None:
            return self.turns.pop(0)
        return self.rng.choices(self.mix, [w for _, _, w in self.mix])[0]

    async def one(self):
        what, processes, _ = self.choose()
        kind = ":".join([what] + processes)
        names = []
        for process in processes:
            free = [n for n in self.instances(process) if n not in self.busy and n not in names]
            if not free:
                return
            names.append(self.rng.choice(sorted(free)))
        self.busy.update(names)
        self.world.log(" ".join(["FAULT", what] + names))
        start = time.monotonic()
        try:
            await getattr(self, "do_" + what)(*names)
        finally:
            self.busy.difference_update(names)
        self.counts[kind] = self.counts.get(kind, 0) + 1
        self.done.append((kind, start, time.monotonic()))

    async def recovered(self):
        """Everybody has a session, and nothing is under way that was during the fault: what follows is
        another one."""
        start = time.monotonic()
        end = start + self.world.options.recovery
        probed = set()
        while time.monotonic() < end:
            late = [c for c in self.world.clients if c.online.is_set() and (
                not c.bound.is_set() or any(m and m.sent < start for m, _ in c.unacked))]
            for c in self.world.clients:
                if c.ready() and c not in probed:
                    probed.add(c)
                    c.probe()
            if not late and (self.world.two or not self.world.ledger.iqs_missing()):
                return
            await asyncio.sleep(0.1)
        self.world.log("not recovered: " + ",".join(c.name for c in late))
        self.world.slow_recoveries += 1

    async def upgrade(self, build):
        """Each process in turn is restarted as another build's, as docs/upgrade.md says."""
        server = self.world.server
        for process in ("router", "storage", "auth", "sm", "c2s"):
            server.install([process], build)
            for name in sorted(self.instances(process)):
                self.world.log(f"FAULT upgrade {name}")
                start = time.monotonic()
                await self.do_term(name)
                kind = f"upgrade:{process}"
                self.counts[kind] = self.counts.get(kind, 0) + 1
                self.done.append((kind, start, time.monotonic()))
                await self.recovered()
                await asyncio.sleep(1)

    async def run(self, until, most):
        options = self.world.options
        running = set()
        while time.monotonic() < until and sum(self.counts.values()) < most and self.turns != []:
            await asyncio.sleep(self.rng.expovariate(1 / options.interval))
            if time.monotonic() >= until or (options.hasty and self.world.ledger.broken()):
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
