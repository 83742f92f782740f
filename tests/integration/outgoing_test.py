#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Stanzas to other servers that take them late, or never: what holds up `h`, what survives, what comes
back, and how often. The other servers are a double of s2s."""
import sys
import time

from harness import SLOW, TIMEOUT, Server, Stream, Tap, client
from remote import Remote, restart

SM = "urn:xmpp:sm:3"
AFTER = 1


def message(n, to="juliet@remote.test"):
    return f"<message to='{to}' id='m{n}' type='chat'><body>{n}</body></message>"


class Client:
    """A stream with XEP-0198 that keeps what else it gets."""

    def __init__(self, server, user, resource="r"):
        self.s = Stream(server).login(user, resource=resource)
        self.sent = self.received = 0
        self.got = []
        self.send("<presence/>")
        self.s.sync()
        self.sent += 1
        self.s.send(f"<enable xmlns='{SM}' resume='true'/>")
        while not self.s.receive().tag.endswith("}enabled"):
            pass
        self.sent = 0

    def send(self, xml):
        self.s.send(xml)
        self.sent += 1

    def next(self):
        while True:
            e = self.s.receive()
            if e.tag == "{%s}r" % SM:
                self.s.send(f"<a xmlns='{SM}' h='{self.received}'/>")
            elif e.tag == "{%s}a" % SM:
                self.h = int(e.get("h"))
                return None
            else:
                self.received += 1
                return e

    def until_done(self):
        """Until everything sent is acknowledged; what came meanwhile is kept."""
        self.h = 0
        deadline = time.monotonic() + 2 * TIMEOUT
        self.s.send(f"<r xmlns='{SM}'/>")
        while self.h < self.sent:
            assert time.monotonic() < deadline, f"{self.h} of {self.sent} acknowledged"
            e = self.next()
            if e is not None:
                self.got.append(e)

    def stanza(self):
        if self.got:
            return self.got.pop(0)
        while True:
            e = self.next()
            if e is not None:
                return e

    def error(self, ident, condition):
        e = self.stanza()
        assert e.get("type") == "error" and e.get("id") == ident, (e.attrib, ident)
        assert e.find(".//{*}%s" % condition) is not None, [c.tag for c in e.iter()]
        return e

    def nothing(self, remote):
        """Whatever was to come has come: a stanza to the account itself is the last."""
        remote.sync("romeo@localhost")
        self.send("<message type='headline' to='romeo@localhost' id='last'/>")
        e = self.stanza()
        assert e.get("id") == "last", (e.attrib, [c.tag for c in e.iter()])

    def close(self):
        self.s.close()


def first_time(tell):
    """Not because it was unanswered for long: the double does not say that it holds it."""
    return not tell.repeated


def taken_late(server):
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send(message(1))
        first = r.got()
        assert first.sender == "romeo@localhost/r" and first.type == "chat", first
        # Others are not held up by it, nor is it for ever.
        c.send("<message to='romeo@localhost' id='own' type='chat'><body>x</body></message>")
        c.until_done()
        assert c.stanza().get("id") == "own"
        r.answer(first)
        c.nothing(r)
        c.close()


def returned_late(server):
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send(message(1))
        t = r.got()
        c.until_done()
        r.answer(t, t.error("remote-server-not-found"))
        c.error("m1", "remote-server-not-found")
        c.nothing(r)
        c.close()


def returned_at_once(server):
    """Before it was committed: the error precedes the acknowledgement."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send(message(1))
        t = r.got()
        r.answer(t, t.error("resource-constraint", "wait"))
        c.error("m1", "resource-constraint")
        c.until_done()
        c.nothing(r)
        c.close()


def request_to_the_dead(server):
    """An IQ holds nothing up either; its error comes at the deadline."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send("<iq type='get' id='q' to='remote.test'><ping xmlns='urn:xmpp:ping'/></iq>")
        t = r.got()
        assert 0 < t.remaining <= 4000 * SLOW, t.remaining
        c.until_done()
        c.error("q", "remote-server-timeout")
        c.nothing(r)
        c.close()


def survives_sm(server):
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send(message(1))
        c.send(message(2))
        first, second = r.got(), r.got()
        c.until_done()
        restart(server, "sm")
        again = r.got(first_time)
        assert (again.key, again.id) == (first.key, "m1"), (again, first)
        later = r.got(first_time)
        assert (later.key, later.id) == (second.key, "m2"), (later, second)
        r.answer(again)
        r.answer(later, later.error("remote-server-timeout", "wait"))
        c.error("m2", "remote-server-timeout")
        c.nothing(r)
        # Nothing is left of either.
        restart(server, "sm")
        c.send(message(3))
        third = r.got()
        assert third.id == "m3", third
        r.answer(third)
        c.until_done()
        c.nothing(r)
        c.close()


def survives_storage(server):
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send(message(1))
        t = r.got()
        restart(server, "storage")
        c.until_done()
        restart(server, "storage")
        r.answer(t, t.error("remote-server-timeout", "wait"))
        c.error("m1", "remote-server-timeout")
        c.nothing(r)
        restart(server, "sm")
        c.send(message(2))
        # When the row of the first was not deleted yet, s2s answers as before, and nobody hears.
        second = r.got()
        assert second.id == "m2", second
        r.answer(second)
        c.until_done()
        c.nothing(r)
        c.close()


def sender_gone(server):
    """RFC 6121 section 8.5: an error to a resource that is no more is dropped."""
    with Remote(server) as r:
        c = Client(server, "romeo", "gone")
        c.send(message(1))
        t = r.got()
        c.until_done()
        c.s.send("</stream:stream>")
        c.s.wait_closed()
        c.close()
        other = Client(server, "romeo")
        r.answer(t, t.error("remote-server-timeout", "wait"))
        other.nothing(r)
        other.close()


def delivered_by_the_next(server):
    """What no s2s had, and what one had not begun with, is the next one's."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        for n in (1, 2, 3):
            c.send(message(n))
        lost, held, writing = r.got(), r.got(), r.got()
        r.held(held, writing)
        r.writing(writing)
        r.drain("romeo@localhost")  # sm has heard of it
        r.kill()
        c.send(message(4))
        c.error("m1", "remote-server-timeout")
        c.error("m3", "remote-server-timeout")
        c.until_done()
    with Remote(server, name="s2s-2") as r:
        again, never = r.got(), r.got()
        assert (again.key, again.id) == (held.key, "m2"), again
        assert never.id == "m4", never
        r.answer(again)
        r.answer(never)
        c.nothing(r)
        assert not r.tells, r.tells
    c.close()
    assert lost.id == "m1"


def order_after_takeover(server):
    """What the new owner reads goes before what comes then. All of it is within outgoing_max."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        for n in range(1, 5):
            c.send(message(n))
        for n in range(4):
            r.got()
        c.until_done()
        restart(server, "sm")
        c.send(message(5))
        got = [r.got(first_time) for _ in range(5)]
        assert [t.id for t in got] == [f"m{n}" for n in range(1, 6)], got
        for t in got:
            r.answer(t)
        c.until_done()
        c.nothing(r)
        c.close()


def drained(server):
    """The owner lets the account go: the next one has what it left, and h waits for nothing."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        c.send(message(1))
        t = r.got()
        c.until_done()
        done = server.ctl("drain", "sm-1")
        assert done.returncode == 0, done.stderr
        again = r.got(first_time)
        assert (again.key, again.id) == (t.key, "m1"), again
        r.answer(again, t.error("remote-server-timeout", "wait"))
        c.error("m1", "remote-server-timeout")
        r.answer(t, t.error("remote-server-timeout", "wait"))
        c.nothing(r)
        c.close()


def many(server):
    """More rows than a page: each comes once, in order."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        for n in range(150):
            c.send(message(n))
        before = [r.got(first_time) for _ in range(150)]
        c.until_done()
        restart(server, "sm")
        after = [r.got(first_time) for _ in range(150)]
        assert [(t.key, t.id) for t in after] == [(t.key, t.id) for t in before]
        r.auto(True)
        r.drain("romeo@localhost")
        c.nothing(r)
        assert not r.tells, r.tells
        c.close()


def limits(server):
    """outgoing_max is 5: to one that takes nothing more is refused, to others not."""
    with Remote(server) as r:
        c = Client(server, "romeo")
        for n in range(1, 6):
            c.send(message(n))
        c.until_done()
        c.send(message(6))
        c.error("m6", "resource-constraint")
        c.send(message(7, "benvolio@alive.test"))
        t = r.got(lambda t: t.id == "m7")
        r.answer(t)
        c.until_done()
        for n in range(1, 6):
            r.answer(r.got(lambda t, n=n: t.id == f"m{n}"))
        c.nothing(r)
        c.send(message(8))
        r.answer(r.got(lambda t: t.id == "m8"))
        c.until_done()
        c.nothing(r)
        c.close()


def nobody_serves(server):
    c = Client(server, "romeo")
    c.send(message(1))
    c.error("m1", "remote-server-not-found")
    c.send("<message to='juliet@remote.test' type='error' id='e'/>"
           "<iq to='juliet@remote.test/x' type='result' id='i'/>")
    c.sent += 1
    c.until_done()
    assert not c.got, c.got
    c.close()


TESTS = (
    ("nobody serves the route: remote-server-not-found, no error for an error or a result",
     nobody_serves),
    ("limits", limits),  # before those that move accounts, whose next owner asks again
    ("a message taken late holds nothing up", taken_late),
    ("a message returned late comes back once", returned_late),
    ("a message returned at once comes back once", returned_at_once),
    ("a request to a dead server holds nothing up and has its error", request_to_the_dead),
    ("committed messages survive sm", survives_sm),
    ("committed messages survive storage, and sm then", survives_storage),
    ("an error to a session that is gone", sender_gone),
    ("s2s dies: what it may have written is returned, the rest is the next one's",
     delivered_by_the_next),
    ("order after a take-over", order_after_takeover),
    ("drained", drained),
)


def main():
    tap = Tap()
    settings = ("sm.outgoing_after=%ds" % AFTER, "sm.deadline=%ds" % (4 * SLOW), "sm.outgoing_max=5")
    args = [w for s in settings for w in ("--set", s)]
    with Server(users=("romeo:secret",), args=args) as server:
        for name, fn in TESTS:
            if len(sys.argv) < 2 or any(w in fn.__name__ for w in sys.argv[1:]):
                tap.run(name, fn, server)
    if len(sys.argv) < 2 or "many" in sys.argv[1:]:
        with Server(users=("romeo:secret",), args=args[:2]) as server:
            tap.run("more than a page of them", many, server)
    tap.done()


if __name__ == "__main__":
    main()
