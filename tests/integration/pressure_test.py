#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Back-pressure end to end: storage is stopped for longer than the heartbeat, then slow, while clients flood and
others do not read. The memory of every process stays within a bound that follows from its options, others are
served, and what was acknowledged is delivered, once."""
import asyncio
import base64
import itertools
import os
import re
import signal
import sys
import time
import xml.etree.ElementTree as ET

from harness import BUILD, NS, SLOW, Server, Tap

KB, MB = 1 << 10, 1 << 20
PATIENCE = 60 * SLOW
HEARTBEAT_S = 2
STOP_S, SLOW_S = 20, 8
BODY = 8000
MOST = 6000  # messages of a flood, for storage's sake
SM = "urn:xmpp:sm:3"
CLIENT = "{jabber:client}"
LIMITS = {
    "router.queue": 4 * MB, "storage.waiting_bytes": 2 * MB, "storage.cache": 1 * MB, "storage.readers": 2,
    "sm.unwritten_max": 3 * MB, "sm.given_max": 2 * MB,
    "c2s.window_bytes": 128 * KB, "c2s.out_max": 256 * KB, "c2s.out_limit": 1 * MB,
}
USERS = ("ask", "tell", "hose1", "hose2", "hose3", "hose4", "sink", "away", "deaf", "mute")
serial = itertools.count(1)


def bounds(n):
    """What each process may grow by, in bytes, with n connections. A buffer that grows is copied: it counts
    twice. What an allocator keeps, and code that is used for the first time, are the last part."""
    o, stanza, allocator = LIMITS, 2 * BODY, 5 * MB
    connection = 96 * KB + stanza + 2 * o["c2s.window_bytes"]
    return {
        "c2s": n * connection + 2 * 2 * o["c2s.out_limit"] + allocator,
        "sm": 2 * o["sm.unwritten_max"] + 2 * o["sm.given_max"] + n * 2 * o["c2s.window_bytes"] + allocator,
        "router": 2 * o["router.queue"] + allocator,
        "storage": 2 * o["storage.waiting_bytes"] + o["storage.cache"] * (1 + o["storage.readers"]) +
                   n * o["c2s.window_bytes"] + allocator,
        "auth": allocator,
    }


class Peer:
    """A client; everything that comes is sorted by its reader, as long as it reads."""

    def __init__(self, server, user):
        self.server, self.user = server, user
        self.out = self.h = 0
        self.enabled = False
        self.got = []          # ids of messages, in order
        self.refused = set()   # ids that came back as errors
        self.answers = asyncio.Queue()
        self.changed = asyncio.Condition()
        self.task = None
        self.ended = False

    async def connect(self, resource="r"):
        self.reader, self.writer = await asyncio.open_connection(
            self.server.address, self.server.tls_port, ssl=self.server.tls_context(), server_hostname="localhost")
        await self.open()
        data = base64.b64encode(f"\0{self.user}\0secret".encode()).decode()
        self.write(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{data}</auth>")
        e = await self.next()
        assert e.tag.endswith("}success"), ET.tostring(e)
        await self.open()
        self.write(f"<iq type='set' id='bind'><bind xmlns='{NS['bind']}'><resource>{resource}</resource></bind></iq>")
        assert (await self.next()).get("type") == "result"
        return self

    async def open(self):
        self.parser, self.depth, self.queue = ET.XMLPullParser(("start", "end")), 0, []
        self.write("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
                   f"xmlns:stream='{NS['stream']}'>")
        await self.next()  # features

    async def next(self):
        while not self.queue:
            data = await asyncio.wait_for(self.reader.read(65536), PATIENCE)
            if not data:
                raise ConnectionError("closed")
            self.parse(data)
        return self.queue.pop(0)

    def parse(self, data):
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            self.depth += 1 if event == "start" else -1
            if event == "start" and self.depth == 1:
                self.root = element
            elif event == "end" and self.depth == 1:
                self.queue.append(element)
                self.root.remove(element)

    def write(self, text):
        self.writer.write(text.encode())

    async def enable(self):
        self.write(f"<enable xmlns='{SM}'/>")
        e = await self.next()
        assert e.tag == "{%s}enabled" % SM, ET.tostring(e)
        self.enabled, self.taken = True, 0
        return self

    def stanza(self, text):
        self.out += 1
        self.write(text)

    def read_on(self):
        self.task = asyncio.ensure_future(self.read_all())
        return self

    async def read_all(self):
        try:
            while True:
                self.take(await self.next_whenever())
                if not self.queue:
                    async with self.changed:
                        self.changed.notify_all()
        except (OSError, ConnectionError):
            self.ended = True
            async with self.changed:
                self.changed.notify_all()

    async def next_whenever(self):
        while not self.queue:
            data = await self.reader.read(65536)
            if not data:
                raise ConnectionError("closed")
            self.parse(data)
        return self.queue.pop(0)

    def take(self, e):
        if e.tag == "{%s}r" % SM:
            self.write(f"<a xmlns='{SM}' h='{self.taken}'/>")
        elif e.tag == "{%s}a" % SM:
            self.h = int(e.get("h"))
        elif e.tag.startswith(CLIENT):
            if self.enabled:
                self.taken += 1
            if e.get("type") == "error":
                self.refused.add(e.get("id"))
            elif e.tag == CLIENT + "message":
                self.got.append(e.get("id"))
                self.answers.put_nowait(e.get("id"))

    async def until(self, what, why):
        async with self.changed:
            await asyncio.wait_for(self.changed.wait_for(lambda: what() or self.ended), PATIENCE)
        assert what(), why

    async def acknowledged(self):
        """All that we said is done."""
        self.write(f"<r xmlns='{SM}'/>")
        await self.until(lambda: self.h == self.out, f"{self.user}: {self.h} of {self.out} acknowledged")

    async def close(self):
        if self.task:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self.writer.transport.abort()


# --- what they do ---------------------------------------------------------------------------------


class Flood:
    """One that sends as fast as it is taken, until it is told to end."""

    def __init__(self, peer, make):
        self.peer, self.make = peer, make
        self.sent = []
        self.over = False
        self.task = asyncio.ensure_future(self.run())

    async def run(self):
        while not self.over and not self.peer.ended and len(self.sent) < MOST:
            ident = f"f{next(serial)}"
            self.sent.append(ident)
            self.peer.stanza(self.make(ident))
            await self.peer.writer.drain()
            await asyncio.sleep(0)  # others, its own reader among them, come to their turn

    async def ended(self):
        """The last may wait for the window: it is open when storage is back."""
        await asyncio.wait_for(self.task, PATIENCE)

    def accepted(self):
        return [i for i in self.sent if i not in self.peer.refused]


def message(to):
    return lambda ident: (f"<message to='{to}@localhost' type='chat' id='{ident}'><body>{'x' * BODY}</body>"
                          "</message>")


def private(ident):
    return (f"<iq type='set' id='{ident}'><query xmlns='jabber:iq:private'><p xmlns='urn:example:p'>{'x' * BODY}"
            "</p></query></iq>")


async def asks_unread(peer):
    """It asks and asks, and reads nothing, until it is thrown out."""
    text = "<iq type='get' id='q' to='localhost'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>" * 50
    try:
        while not peer.writer.is_closing():
            peer.write(text)
            await peer.writer.drain()
            await asyncio.sleep(0)
    except OSError:
        return


async def talk(ask, tell, over):
    """Others are served: what one says the other answers, again and again. How many times."""
    rounds = 0
    while not over.is_set():
        for a, b in ((ask, tell), (tell, ask)):
            a.stanza(f"<message to='{b.user}@localhost/r' type='chat' id='t{next(serial)}'><body>t</body></message>")
            await asyncio.wait_for(b.answers.get(), PATIENCE)
        rounds += 1
        await asyncio.sleep(0.05)
    return rounds


# --- memory ---------------------------------------------------------------------------------------


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return int(re.search(r"^Pss:\s+(\d+)", f.read(), re.M)[1]) * KB


class Meter:
    def __init__(self, pids):
        self.pids = {name.rsplit("-", 1)[0]: pid for name, pid in pids.items()}
        self.before = {p: pss(pid) for p, pid in self.pids.items()}
        self.most = dict(self.before)

    async def run(self):
        while True:
            for p, pid in self.pids.items():
                self.most[p] = max(self.most[p], pss(pid))
            await asyncio.sleep(0.1)

    def grown(self, process):
        return self.most[process] - self.before[process]


# --- the test -------------------------------------------------------------------------------------


class Run:
    """What was seen; judged afterwards, by a test for each promise."""

    def __init__(self, server):
        self.server = server
        self.rounds = {}
        self.connections = 0

    async def peer(self, user, enable=True, read=True, available=True):
        p = await Peer(self.server, user).connect()
        self.connections += 1
        if enable:
            await p.enable()
        if read:
            p.read_on()
        if available:
            p.stanza("<presence/>")
        return p

    async def phase(self, name, working):
        """How many rounds the two have talked meanwhile."""
        over = asyncio.Event()
        talking = asyncio.ensure_future(talk(self.ask, self.tell, over))
        await working
        over.set()  # not cancelled: wait_for may swallow that
        self.rounds[name] = await talking

    def storage(self, sig):
        os.kill(self.pids["storage-1"], sig)

    async def stopped(self):
        self.storage(signal.SIGSTOP)
        try:
            await asyncio.sleep(STOP_S)
        finally:
            self.storage(signal.SIGCONT)

    async def slow(self):
        end = time.monotonic() + SLOW_S
        while time.monotonic() < end:
            self.storage(signal.SIGSTOP)
            await asyncio.sleep(0.4)
            self.storage(signal.SIGCONT)
            await asyncio.sleep(0.05)

    async def warm_up(self):
        """Accounts are loaded, code is paged in, pools are made."""
        for user in USERS:
            p = await self.peer(user)
            for _ in range(20):
                p.stanza(message(user)(f"w{next(serial)}"))
            await p.acknowledged()
            await p.until(lambda: len(p.got) == 20, "the warming up is lost")
            p.write(f"<a xmlns='{SM}' h='{p.taken}'/></stream:stream>")
            await p.until(lambda: p.ended, "no end")
            await p.close()
        self.connections = 0

    async def play(self):
        self.pids = self.server.pids()
        await self.warm_up()
        self.ask, self.tell = await self.peer("ask"), await self.peer("tell")
        self.sink, self.deaf = await self.peer("sink"), await self.peer("deaf", read=False)
        hoses = [await self.peer(f"hose{n}") for n in (1, 2, 3, 4)]
        mute = await self.peer("mute", enable=False, read=False)
        self.meter = Meter(self.pids)
        metering = asyncio.ensure_future(self.meter.run())
        self.floods = [Flood(p, make) for p, make in zip(hoses, (message("sink"), message("away"),
                                                                 message("deaf"), private))]
        asking = asyncio.ensure_future(asks_unread(mute))
        try:
            await self.phase("stopped", self.stopped())
            await self.phase("slow", self.slow())
            for f in self.floods:
                f.over = True
            for f in self.floods:
                await f.ended()
            for p in hoses:
                await p.acknowledged()
        finally:
            for t in (metering, asking):
                t.cancel()
        await self.reap(self.floods)
        for p in (self.ask, self.tell, self.sink, mute, *hoses):
            await p.close()

    async def reap(self, floods):
        """Everybody gets what is still for him."""
        self.got = {"sink": self.sink}
        await self.sink.until(lambda: set(floods[0].accepted()) <= set(self.sink.got), "sink: lost")
        await self.deaf.close()
        for user, flood in (("away", floods[1]), ("deaf", floods[2])):
            p = self.got[user] = await self.peer(user)
            await p.until(lambda: set(flood.accepted()) <= set(p.got), f"{user}: lost")
        for p in self.got.values():
            # What would come twice has come by then.
            p.stanza(f"<message to='{p.user}@localhost' type='chat' id='last-{p.user}'><body>l</body></message>")
            await p.until(lambda: f"last-{p.user}" in p.got, f"{p.user}: the last is lost")


def delivered(run, user, flood):
    got = [i for i in run.got[user].got if not i.startswith("last")]
    accepted = flood.accepted()
    print(f"# {user}: {len(flood.sent)} sent, {len(flood.sent) - len(accepted)} refused, {len(got)} received")
    assert len(set(got)) == len(got), "doubled"
    assert set(got) == set(accepted), "refused and delivered"
    assert got == accepted, "out of order"
    assert len(accepted) > 50, f"only {len(accepted)} say nothing"


def within(run, process, bound):
    grown = run.meter.grown(process)
    print(f"# {process}: {run.meter.before[process] / MB:.1f} MB, grown by {grown / MB:.1f} of {bound / MB:.1f}")
    assert grown <= bound, f"{grown / MB:.1f} MB, not {bound / MB:.1f}"


def served(run):
    print(f"# rounds of two who talk: {run.rounds}")
    assert not run.ask.refused and not run.tell.refused, (run.ask.refused, run.tell.refused)
    for name, n in run.rounds.items():
        assert n >= 3, f"{n} while storage was {name}"


def open_stayed(run):
    """Who reads is not thrown out."""
    assert not any(p.ended for p in (run.ask, run.tell, run.sink, *(f.peer for f in run.floods)))


def settings():
    args = ["--unlimited", "--set", f"heartbeat={HEARTBEAT_S}s", "--set", "sm.deadline=5s",
            "--set", "sm.offline_max=40000",
            "--set", "auth.import_iterations=4096", "--set", "c2s.ack_timeout=1h", "--set", "c2s.out_timeout=1h"]
    for name, value in LIMITS.items():
        args += ["--set", f"{name}={value}"]
    return args


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("pressure", "the limits are those of one of each process")
        tap.done()
    with Server(users=[f"{u}:secret" for u in USERS], args=settings()) as server:
        run = Run(server)
        tap.run("played", lambda: asyncio.run(run.play()))
        if tap.failed:
            tap.done()
        tap.run("others are served", served, run)
        tap.run("sockets stay", open_stayed, run)
        for user, flood in zip(("sink", "away", "deaf"), run.floods):
            tap.run(f"what was acknowledged is delivered: {user}", delivered, run, user, flood)
        for process, bound in bounds(run.connections).items():
            if "san" in os.path.basename(BUILD):
                tap.skip(f"memory of {process}", "measured in the ordinary build")
            else:
                tap.run(f"memory of {process}", within, run, process, bound)
    tap.done()


if __name__ == "__main__":
    sys.exit(main())
