#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Several remote domains at one address on one stream (XEP-0220 section 2.6.2): which share it and
which do not, in both directions, and what comes of one that the other server refuses. With another
server of ours, and with ejabberd, which tells that it knows dialback errors (Prosody does not)."""
import shutil
import tempfile
import time

import peers
from federation_test import PEER, World, room
from federation_tls_test import ask, key_hash
from harness import Tap
from nameserver import available
from raw import stats
from world import OURS, PATIENCE, Two, attempts, condition, expect, login, steps, streams, told

FIRST, SECOND, THIRD = "first.example", "second.example", "third.example"
GHOST = "ghost.example"  # the certificate has it, the other server does not
APART = "apart.example"  # has a certificate of its own
STRICT = "strict.example"  # its policy is that our certificate proves us
VOUCHED, WRONG = "vouched.example", "wrong.example"  # TLSA records that lead to it, or elsewhere
TOGETHER = (FIRST, SECOND, THIRD, STRICT, VOUCHED, WRONG)


class Shared:
    """Certificates and zones of domains that are all on the same server."""

    def __init__(self, folder):
        self.ca = peers.Authority(folder + "/ca")
        names = ",".join("DNS:" + d for d in (*TOGETHER, GHOST))
        common = self.ca.issue(FIRST, names=names)
        self.all = {d: common for d in TOGETHER}
        self.all[APART] = self.ca.issue(APART)
        self.tlsa = {VOUCHED: "3 1 1 " + key_hash(common[0]), WRONG: "3 1 1 " + "ab" * 32}

    def zones(self, two):
        found = {}
        for d in (*self.all, GHOST):
            found[d] = f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx A 127.0.0.2"
            if d in self.tlsa:
                found[d] += f"\n_{two.port}._tcp.x TLSA {self.tlsa[d]}"
        return found

    def two(self, *ours, theirs=()):
        return Two(self.ca, self.all, self.zones, list(self.tlsa),
                   [f"remote:{STRICT}.dialback=forbidden", *ours], ["s2s.retry_time=0s", *theirs],
                   [f"romeo@{d}:b" for d in (FIRST, SECOND)])


def answered(two, juliet, domain):
    e = ask(juliet, domain)
    assert e.get("type") == "result", (e.attrib, steps(two.a, domain))


def carried(two, domain):
    """The stream that was opened for the first domain, if it takes stanzas for that one."""
    there = [s for s in streams(two.a, FIRST) if s["direction"] == "out"]
    assert len(there) == 1, there
    return there[0] if {"own": OURS, "remote": domain} in there[0]["shared"] else None


def connections(server):
    return stats(server, "s2s-1")["accepted"]


def until(what, fn):
    deadline = time.monotonic() + PATIENCE
    while not fn():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


# --- with another one of ours ---------------------------------------------------------------------

def together(two, juliet):
    """One connection serves them all."""
    for domain in (FIRST, SECOND, THIRD):
        answered(two, juliet, domain)
    assert connections(two.b) == 1, told(two.a, "list")
    assert carried(two, SECOND) and carried(two, THIRD)
    assert stats(two.a, "s2s-1")["shared"] == 2
    (there,) = [a for a in attempts(two.a, SECOND) if a["direction"] == "out"]
    assert there["good"] and there["result"] == f"shares the stream to {FIRST}", there
    text = two.a.ctl("s2s", "why", SECOND).stdout
    assert f"the stream to {FIRST} takes them" in text, text
    rows = [line.split() for line in two.a.ctl("s2s", "list").stdout.splitlines()]
    assert [SECOND, OURS, "out", "the", "same"] in rows, rows


def both_ways(two, juliet):
    """What their second domain says comes over the same stream (XEP-0288), in order with the rest."""
    romeo = login(two.b, SECOND, "romeo", "b")
    n = 20
    for i in range(n):
        romeo.send(f"<message to='{juliet.jid}' type='chat' id='b{i}'><body>x</body></message>")
        juliet.send(f"<message to='{romeo.jid}' type='chat' id='a{i}'><body>x</body></message>")
    for i in range(n):
        expect(juliet, f"b{i}", lambda e, i=i: e.get("id") == f"b{i}" and e.get("type") == "chat")
        expect(romeo, f"a{i}", lambda e, i=i: e.get("id") == f"a{i}" and e.get("type") == "chat")
    assert connections(two.b) == 1 and connections(two.a) == 0, told(two.a, "list")
    (there,) = [s for s in streams(two.b, OURS) if s["direction"] == "in"]
    assert {"own": SECOND, "remote": OURS} in there["shared"], there
    romeo.close()


def vouched(two, juliet):
    """DANE: records that lead to the certificate of the stream."""
    n = connections(two.b)
    answered(two, juliet, VOUCHED)
    assert carried(two, VOUCHED) and connections(two.b) == n


def not_vouched(two, juliet):
    """Records that lead elsewhere: it is not even asked for, and refused on its own connection."""
    e = ask(juliet, WRONG)
    assert e.get("type") == "error" and condition(e) == "remote-server-timeout", e.attrib
    assert not carried(two, WRONG)
    (bad,) = attempts(two.a, WRONG)
    assert bad["certificate"]["verdict"] == "not what its TLSA records say", bad
    assert not any("is asked for" in s["text"] for s in bad["steps"]), bad


def apart(two, juliet, shares):
    """A certificate for another name: a connection of its own, where that is not said to be enough."""
    n = connections(two.b)
    answered(two, juliet, APART)
    assert bool(carried(two, APART)) == shares, told(two.a, "list")
    assert connections(two.b) == n + (not shares)


def strict(two, juliet):
    """Dialback is forbidden: EXTERNAL on a connection of its own."""
    n = connections(two.b)
    answered(two, juliet, STRICT)
    assert not carried(two, STRICT) and connections(two.b) == n + 1
    assert "EXTERNAL succeeded" in steps(two.a, STRICT, "out")


def refused(two, juliet):
    """The other server knows no such domain: it is tried by itself, once, and the sender told; the rest
    goes on."""
    answered(two, juliet, FIRST)
    n = connections(two.b)
    e = ask(juliet, GHOST)
    assert e.get("type") == "error" and condition(e) == "remote-server-not-found", e.attrib
    assert connections(two.b) == n + 1 and not carried(two, GHOST)
    lines = steps(two.a, GHOST, "out")
    assert any("does not share that stream: the other server says item-not-found" in x
               for x in lines), lines
    assert not [x for x in juliet.sync() if x.get("id") == GHOST]
    answered(two, juliet, SECOND)
    assert connections(two.b) == n + 1


def closed(two, juliet):
    """Closing one of the domains ends the stream; the next stanza for either makes a new one."""
    n = connections(two.b)
    assert "1 streams closed" in two.a.ctl("s2s", "close", SECOND).stdout
    until("still there", lambda: not streams(two.a, FIRST))
    answered(two, juliet, FIRST)
    answered(two, juliet, SECOND)
    assert carried(two, SECOND) and connections(two.b) == n + 1


def restarted(two, juliet):
    """The connection is lost with the other server's process: both domains are come back to."""
    was = two.b.pids()["s2s-1"]
    two.b.kill("s2s-1")
    until("not started again", lambda: two.b.pids().get("s2s-1", was) != was)

    def back(domain):
        return lambda: ask(juliet, domain).get("type") == "result"

    until("first", back(FIRST))
    until("second", back(SECOND))


def never(two, juliet):
    for domain in (FIRST, SECOND):
        answered(two, juliet, domain)
    assert not carried(two, SECOND) and connections(two.b) == 2


def ours_first(tap, made):
    with made.two() as two:
        juliet = two.juliet()
        tap.run("three domains, one connection", together, two, juliet)
        tap.run("both ways", both_ways, two, juliet)
        tap.run("closed by the operator", closed, two, juliet)
        tap.run("DANE vouches for another domain", vouched, two, juliet)
        tap.run("DANE does not", not_vouched, two, juliet)
        tap.run("a certificate of its own", apart, two, juliet, False)
        tap.run("dialback is forbidden", strict, two, juliet)
        tap.run("the other server refuses one", refused, two, juliet)
        tap.run("the other server's process dies", restarted, two, juliet)


def by_dialback(tap, made):
    """No certificate proves anybody: the other server asks ours about each of the keys."""
    with made.two("s2s.bidi=false", "s2s.piggyback=dns",
                  theirs=["s2s.peer_certificate=forbidden"]) as two:
        juliet = two.juliet()

        def all_of_them():
            for domain in (FIRST, SECOND, APART):
                answered(two, juliet, domain)
            assert carried(two, SECOND) and carried(two, APART)
            assert "EXTERNAL succeeded" not in steps(two.a, FIRST, "out")
            opened = [s for s in told(two.a, "list") if s["direction"] == "out"
                      and s["state"] == "ready"]
            assert len(opened) == 1, opened

        tap.run("dialback", all_of_them)
    with made.two("s2s.piggyback=dns") as two:
        juliet = two.juliet()
        answered(two, juliet, FIRST)
        tap.run("the DNS is enough", apart, two, juliet, True)
    with made.two("s2s.piggyback=never") as two:
        tap.run("never", never, two, two.juliet())


# --- with ejabberd ----------------------------------------------------------------------------------

def with_ejabberd(tap):
    """The rooms of a server are on the stream to it."""
    with World(peers.Ejabberd, ["juliet:secret"]) as world:
        ours, theirs = world.ours(), world.theirs()

        def rooms():
            ours.send(f"<message to='ann@{PEER}' type='chat' id='hello'><body>x</body></message>")
            expect(theirs, "hello", lambda e: e.get("id") == "hello")
            room(world, ours, theirs)
            out = [s for s in told(world.server, "list") if s["direction"] == "out"
                   and s["state"] == "ready"]
            (there,) = out
            assert {"own": OURS, "remote": f"conference.{PEER}"} in there["shared"], out

        tap.run("ejabberd: a room", rooms)


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("several domains on one stream", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="share.")
    made = Shared(folder)
    ours_first(tap, made)
    by_dialback(tap, made)
    why_not = peers.Ejabberd.available()
    if why_not:
        tap.skip("ejabberd", why_not)
    else:
        with_ejabberd(tap)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
