#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""XEP-0198 between servers: a stream whose connection breaks with stanzas under way is gone on with, none
of them is lost or comes twice; who may do so, and for how long."""
import socket
import struct
import sys
import time

from cutter import Cutter
from federation_test import PEER, World
from harness import Tap
from nameserver import available
from peers import Prosody
from raw import stats
from two import (A, B, EVIL, PATIENCE, Peer, Two, attempts, condition, expect, listed, make_cert, message,
                 stanza, talk, until)

SM = "urn:xmpp:sm:3"


def stream(server, direction="out"):
    """The one that is ready (direction None: any), or None."""
    there = [s for s in listed(server) if s["state"] == "ready" and direction in (s["direction"], None)]
    return there[-1] if there else None


def resumed(server, direction="out"):
    """It is, and nothing is under way on it."""
    s = stream(server, direction)
    return s and s["resumed"] and not s["unacknowledged"] and not s["queued"]


def unacknowledged(server, n, direction="out"):
    s = stream(server, direction)
    return s and s["unacknowledged"] >= n


def said(server, domain, words):
    return [s["text"] for a in attempts(server, domain) for s in a["steps"] if words in s["text"]]


def messages(s, n):
    """The ids of the next n messages, in order."""
    got = []
    while len(got) < n:
        e = s.receive(PATIENCE)
        if e.tag.endswith("}message"):
            assert e.get("type") != "error", e.attrib
            got.append(e.get("id"))
    return got


def nothing_more(*streams):
    for s in streams:
        left = [(e.tag, e.attrib) for e in s.sync() if e.tag.endswith("}message")]
        assert left == [], left


class Cut(Two):
    """A reaches B through a relay; B reaches A as always."""

    def __init__(self, a=(), b=(), instances=1):
        self.relay = Cutter()
        super().__init__(instances, a=(f"remote:{B}.target={self.relay.target}", *a), b=b)
        self.relay.to = ("127.0.0.2", self.base + 269)
        # Said once in a configuration.
        direct = f"remote:{B}.target=127.0.0.2:{self.base + 269}"
        args = self.servers[0].args
        at = args.index(direct)
        del args[at - 1:at + 1]

    def __exit__(self, *exc):
        super().__exit__(*exc)
        self.relay.close()

    def begin(self):
        juliet, romeo = self.login()
        message(juliet, f"romeo@{B}", "first")
        expect(romeo, "first")
        until("a stream that may be resumed", lambda: (stream(self.servers[0]) or {}).get("resumable"))
        until("no answer to the first", lambda: not stream(self.servers[0])["unacknowledged"])
        return juliet, romeo


def test_arrived():
    """What arrived and was not acknowledged is not sent again, nor returned."""
    with Cut() as two:
        juliet, romeo = two.begin()
        two.relay.hold(back=True)
        for k in range(20):
            message(juliet, f"romeo@{B}", f"m{k}")
        assert messages(romeo, 20) == [f"m{k}" for k in range(20)]
        assert unacknowledged(two.servers[0], 20)
        two.relay.hold()
        two.relay.cut()
        until("not resumed", resumed, two.servers[0])
        assert said(two.servers[0], B, "the stream is resumed (XEP-0198), 21 of ours")
        message(juliet, f"romeo@{B}", "last")
        assert messages(romeo, 1) == ["last"]
        nothing_more(juliet, romeo)


def test_not_arrived():
    """What did not arrive is sent again, in order, before what came later."""
    with Cut() as two:
        juliet, romeo = two.begin()
        two.relay.hold(there=True)
        for k in range(20):
            message(juliet, f"romeo@{B}", f"m{k}")
        until("not written", unacknowledged, two.servers[0], 20)
        two.relay.refusing = True
        two.relay.cut()
        until("still there", lambda: not stream(two.servers[0]))
        two.relay.hold()
        two.relay.refusing = False
        message(juliet, f"romeo@{B}", "last")
        # A new one may come back while B is out of reach: that is as ever.
        got = messages(romeo, 20)
        assert got == [f"m{k}" for k in range(20)], got
        until("not resumed", resumed, two.servers[0])
        talk(two, juliet, romeo, 1)


def test_half_open():
    """Only our side has lost the connection: the other one is taken over from, with a conflict."""
    with Cut() as two:
        juliet, romeo = two.begin()
        two.relay.hold(there=True)
        for k in range(5):
            message(juliet, f"romeo@{B}", f"m{k}")
        until("not written", unacknowledged, two.servers[0], 5)
        with two.relay.lock:
            two.relay.held = [False, False]
            old, two.relay.pairs = two.relay.pairs, []
            for near, _ in old:
                near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                near.close()
        got = messages(romeo, 5)
        assert got == [f"m{k}" for k in range(5)], got
        until("not resumed", resumed, two.servers[0])
        assert said(two.servers[1], A, "conflict")
        for _, far in old:
            far.close()
        talk(two, juliet, romeo, 1)


def test_both_ways():
    """Cut again and again, with stanzas in both directions under way: each arrives once, in order."""
    with Cut(a=("s2s.backoff_min=0s",)) as two:
        juliet, romeo = two.begin()
        n, cuts = 200, 5
        for k in range(n):
            message(juliet, f"romeo@{B}", f"a{k}")
            message(romeo, f"juliet@{A}", f"b{k}")
            if k % (n // cuts) == n // cuts // 2:
                # The one before is back: else there is nothing to break.
                until("a stream that may be resumed", lambda: (stream(two.servers[0]) or {}).get("resumable"))
                two.relay.cut()
        assert messages(romeo, n) == [f"a{k}" for k in range(n)]
        assert messages(juliet, n) == [f"b{k}" for k in range(n)]
        nothing_more(juliet, romeo)
        assert said(two.servers[0], B, "the stream is resumed")


def test_forgotten():
    """The other s2s is killed: it knows nothing of the stream, and what has no answer is returned once."""
    with Cut() as two:
        juliet, romeo = two.begin()
        two.relay.hold(back=True)
        for k in range(5):
            message(juliet, f"romeo@{B}", f"m{k}")
        assert messages(romeo, 5) == [f"m{k}" for k in range(5)]
        two.servers[1].kill("s2s-1")
        two.relay.cut()
        two.relay.hold()
        returned = []
        while len(returned) < 5:
            e = juliet.receive(PATIENCE)
            if e.get("type") == "error":
                assert condition(e) == "remote-server-timeout"
                returned.append(e.get("id"))
        assert sorted(returned) == [f"m{k}" for k in range(5)], returned
        message(juliet, f"romeo@{B}", "last")
        assert messages(romeo, 1) == ["last"]
        nothing_more(juliet, romeo)
        assert said(two.servers[0], B, "not resumed: item-not-found")


def test_killed():
    """Our s2s is killed with stanzas that have no answer: each arrives once or comes back once, or both."""
    with Cut() as two:
        juliet, romeo = two.begin()
        two.relay.hold(back=True)
        for k in range(10):
            message(juliet, f"romeo@{B}", f"m{k}")
        until("not written", unacknowledged, two.servers[0], 10)
        two.servers[0].kill("s2s-1")
        two.relay.hold()
        got, errors = [], []
        deadline = time.monotonic() + PATIENCE
        while set(got) | set(errors) < {f"m{k}" for k in range(10)}:
            assert time.monotonic() < deadline, (got, errors)
            got += [e.get("id") for e in romeo.sync() if e.tag.endswith("}message")]
            errors += [e.get("id") for e in juliet.sync() if e.get("type") == "error"]
        assert len(set(got)) == len(got) and len(set(errors)) == len(errors), (got, errors)
        nothing_more(romeo)


def test_other_instance():
    """Where the other server has two s2s, a lost stream is often not known: each stanza arrives once or comes
    back once."""
    with Cut(instances=2) as two:
        juliet, romeo = two.begin()
        n, got, errors = 40, [], []
        for k in range(n):
            message(juliet, f"romeo@{B}", f"m{k}")
            if k % 10 == 5:
                until("a stream that may be resumed", lambda: (stream(two.servers[0]) or {}).get("resumable"))
                two.relay.cut()

        def all_told():
            got.extend(e.get("id") for e in romeo.sync() if e.tag.endswith("}message"))
            errors.extend(e.get("id") for e in juliet.sync() if e.get("type") == "error")
            return set(got) | set(errors) >= {f"m{k}" for k in range(n)}

        until("some are lost", all_told)
        assert len(set(got)) == len(got) and len(set(errors)) == len(errors), (got, errors)
        message(juliet, f"romeo@{B}", "last")
        assert messages(romeo, 1) == ["last"]
        nothing_more(juliet)


def again(juliet, romeo):
    """A new message arrives, after those that came back while the domain was not tried."""
    message(juliet, f"romeo@{B}", "again")
    return any(e.get("id") == "again" for e in juliet.sync() + romeo.sync() if e.get("type") != "error")


def test_never_back():
    """A peer that does not come back: what has no answer is returned after resume_time, new ones go on."""
    with Cut(a=("s2s.resume_time=2s",)) as two:
        juliet, romeo = two.begin()
        two.relay.hold(back=True)
        for k in range(5):
            message(juliet, f"romeo@{B}", f"m{k}")
        assert messages(romeo, 5) == [f"m{k}" for k in range(5)]
        two.relay.refusing = True
        two.relay.cut()
        returned = {expect(juliet, f"m{k}", "error").get("id") for k in range(5)}
        assert len(returned) == 5
        two.relay.hold()
        two.relay.refusing = False
        until("not reached again", again, juliet, romeo)


# --- whom it is for --------------------------------------------------------------------------------

class Other:
    """Peers of one domain, proven by certificate, that B has never heard of."""

    def __init__(self, two, name=EVIL):
        self.server = two.servers[0]
        self.name = name
        self.cert = make_cert(two, name)

    def proven(self):
        p = Peer(self.server, A, self.name, cert=self.cert)
        p.secure()
        assert p.external(self.name) == ("success", None)
        return p

    def enabled(self, extra="resume='true'"):
        p = self.proven()
        p.send(f"<enable xmlns='{SM}' {extra}/>")
        e = p.receive()
        assert e.tag == "{%s}enabled" % SM, e.tag
        return p, e

    def resume(self, previd, h="0", p=None):
        p = p or self.proven()
        p.send(f"<resume xmlns='{SM}' previd='{previd}' h='{h}'/>")
        return p, p.receive()


def reset(p):
    p.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    p.close()


def failed(e):
    assert e.tag == "{%s}failed" % SM, (e.tag, e.attrib)
    return e[0].tag.split("}")[1]


def lost(server, n):
    """So many streams are waited for."""
    return figure(server, "detached") == n


def figure(server, name):
    return stats(server, "s2s-1")[name]


def test_receiver():
    """What enabled says, h of what was done, whom it is refused, how many are kept."""
    with Two(a=("s2s.resume_domain=3", "s2s.resume_time=60s")) as two:
        juliet, romeo = two.login()
        a, evil = two.servers[0], Other(two)
        p, e = evil.enabled()
        assert e.get("resume") == "true" and e.get("max") == "60" and len(e.get("id")) == 32, e.attrib
        q, e2 = evil.enabled("resume='true' max='7'")
        assert e2.get("max") == "7" and e2.get("id") != e.get("id")
        q.send("</stream:stream>")
        q.wait_closed()
        q, e3 = evil.enabled("")
        assert not e3.get("id") and not e3.get("resume"), e3.attrib
        q.close()
        for k in range(3):
            p.send(stanza(f"m@{EVIL}", f"juliet@{A}", f"r{k}"))
        assert messages(juliet, 3) == ["r0", "r1", "r2"]
        p.send("<message from='cut")  # in the middle of one
        reset(p)
        until("not lost", lost, a, 1)
        # One that was closed in order is over.
        p, got = evil.resume(e2.get("id"))
        assert failed(got) == "item-not-found"
        # Still good for another try, and after that for stanzas that are counted.
        assert failed(evil.resume("unknown", p=p)[1]) == "item-not-found"
        assert failed(evil.resume(e.get("id"), h="many", p=p)[1]) == "bad-request"
        # It belongs to the domain that was proven.
        assert failed(Other(two, "other.example").resume(e.get("id"))[1]) == "item-not-found"
        got = evil.resume(e.get("id"), p=p)[1]
        assert got.tag == "{%s}resumed" % SM and got.get("h") == "3", (got.tag, got.attrib)
        assert got.get("previd") == e.get("id")
        assert failed(evil.resume(e.get("id"), p=p)[1]) == "unexpected-request"
        p.send(stanza(f"m@{EVIL}", f"juliet@{A}", "r3"))
        assert messages(juliet, 1) == ["r3"]
        p.send(f"<r xmlns='{SM}'/>")
        while p.receive().get("h") != "4":
            pass
        # Twice, and taken away from one that is still connected.
        q, got = evil.resume(e.get("id"))
        assert got.get("h") == "4", got.attrib
        assert p.error() == "conflict"
        q.send(f"<a xmlns='{SM}' h='1'/>")
        assert q.error() == "undefined-condition"
        assert figure(a, "resumed") == 2


def test_receiver_limits():
    """The oldest lost stream of a domain goes when there are more than resume_domain; time limits them all."""
    with Two(a=("s2s.resume_domain=2", "s2s.resume_time=60s")) as two:
        a, evil, other = two.servers[0], Other(two), Other(two, "other.example")
        two.login()
        p, kept = other.enabled()
        reset(p)
        until("not lost", lost, a, 1)
        ids = []
        for k in range(4):
            p, e = evil.enabled()
            ids.append(e.get("id"))
            reset(p)
            until("not lost", lost, a, min(k + 2, 3))
        p = evil.proven()
        for previd in ids[:2]:
            assert failed(evil.resume(previd, p=p)[1]) == "item-not-found"
        assert evil.resume(ids[3], p=p)[1].get("h") == "0"
        q, e = other.resume(kept.get("id"))
        assert e.get("h") == "0", e.attrib
        n = len(said(a, EVIL, "may be resumed"))
        r, e = evil.enabled("resume='true' max='1'")
        assert e.get("max") == "1"
        reset(r)
        until("not lost", lambda: len(said(a, EVIL, "may be resumed")) > n)
        until("kept for longer than was asked for", lost, a, 1)
        assert failed(evil.resume(e.get("id"))[1]) == "item-not-found"
        for s in (p, q):
            s.close()
    with Two(a=("s2s.resume_time=0s",)) as two:
        evil = Other(two)
        p, e = evil.enabled()
        assert not e.get("resume")
        assert failed(evil.resume("x")[1]) == "feature-not-implemented"


# --- a peer that acknowledges, and resumes nothing ------------------------------------------------

def test_prosody():
    """Prosody (mod_smacks) forgets a stream with its connection: what it had not acknowledged comes back,
    once each, and nothing is sent to it again."""
    relay = Cutter()
    external = {"secure_auth": True, "sets": [
        "s2s.peer_certificate=required", "s2s.dialback=forbidden",
        f"remote:{PEER}.target={relay.target}"]}
    with World(Prosody, ["juliet:secret"], **external) as world:
        relay.to = (world.peer.address, world.peer.s2s)
        juliet, ann = world.ours(), world.theirs()

        def say(names):
            for name in names:
                message(juliet, ann.jid.split("/")[0], name)

        def returned(names):
            found = []
            while len(found) < len(names):
                e = juliet.receive(PATIENCE)
                if e.get("type") == "error":
                    assert condition(e) == "remote-server-timeout", e.attrib
                    found.append(e.get("id"))
            assert sorted(found) == sorted(names), found

        say(["first"])
        expect(ann, "first", timeout=PATIENCE)
        until("no acknowledgement", lambda: (stream(world.server, None) or {}).get("acknowledged") and
              not stream(world.server, None)["unacknowledged"])
        arrived, missing = ([f"{x}{k}" for k in range(10)] for x in "ab")
        relay.hold(back=True)
        say(arrived)
        assert messages(ann, 10) == arrived
        relay.cut()
        relay.hold()
        returned(arrived)
        say(["second"])
        assert messages(ann, 1) == ["second"]
        until("no acknowledgement", lambda: (stream(world.server, None) or {}).get("acknowledged") and
              not stream(world.server, None)["unacknowledged"])
        relay.hold(there=True)
        say(missing)
        until("not written", unacknowledged, world.server, 10, None)
        relay.cut()
        relay.hold()
        returned(missing)
        say(["last"])
        assert messages(ann, 1) == ["last"]
        nothing_more(juliet, ann)
    relay.close()


def main():
    tap = Tap()
    tests = [test_arrived, test_not_arrived, test_half_open, test_both_ways, test_forgotten, test_killed,
             test_other_instance, test_never_back, test_receiver, test_receiver_limits]
    wanted = sys.argv[1:]
    for t in tests:
        if not wanted or t.__name__ in wanted:
            tap.run(t.__doc__.split("\n")[0], t)
    why_not = available() or Prosody.available()
    if why_not:
        tap.skip("prosody", why_not)
    elif not wanted or "test_prosody" in wanted:
        tap.run(test_prosody.__doc__.split("\n")[0], test_prosody)
    tap.done()


if __name__ == "__main__":
    main()
