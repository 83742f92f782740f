#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""What waits for other servers: who waits for one that may come back and who does not, what is
returned and when, and what changed policies do at once with what is open and what waits."""
import os
import re
import shutil
import signal
import socket
import tempfile
import time

from nameserver import available
from harness import Stream, Tap
from peers import Authority
from world import C, Two, attempts, condition, expect, login, steps, streams, told

GOOD, REFUSED, CLOSED = "good.example", "refused.example", "closed.example"
PATIENCE = 60


def zones(two):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        nobody = s.getsockname()[1]
    there = f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx A 127.0.0.2"
    return {GOOD: there, "unknown.example": there, "selfsigned.example": there,
            "none.example": "_xmpp-server._tcp SRV 0 0 0 .",
            REFUSED: f"_xmpp-server._tcp SRV 0 0 {nobody} x\nx A 127.0.0.4",
            CLOSED: f"_xmpp-server._tcp SRV 0 0 {nobody} x\nx A 127.0.0.4"}


def message(s, to, tag):
    s.send(f"<message to='{to}' id='{tag}' type='chat'><body>{tag}</body></message>")


def error(s, tag):
    e = expect(s, f"error for {tag}", lambda e: e.get("id") == tag)
    assert e.get("type") == "error", e.attrib
    return condition(e)


def ping(s, domain, tag):
    s.send(f"<iq type='get' id='{tag}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>")


def until(what, fn):
    deadline = time.monotonic() + PATIENCE
    while True:
        found = fn()
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def waiting(two, remote):
    if "s2s-1" not in two.a.ctl("status").stdout:
        return 0  # it is being started
    return sum(p["queued"] for i in told(two.a, "why", remote) for p in i["pairs"])


# --- a server that is away --------------------------------------------------------------------------

def away(two, juliet):
    """Its users get what was sent meanwhile, in order and once, also when our s2s dies; who asks it
    hears at once that it is not there."""
    two.b.stop()
    juliet.send(f"<presence to='romeo@{GOOD}' type='subscribe' id='sub'/>")
    for i in range(3):
        message(juliet, f"romeo@{GOOD}", f"w{i}")
    ping(juliet, GOOD, "asked")
    assert error(juliet, "asked") == "remote-server-timeout"
    until("tried again", lambda: len([a for a in attempts(two.a, GOOD) if a["settled"]]) > 2)
    until("they wait", lambda: waiting(two, GOOD) == 4)
    pid = two.a.pids()["s2s-1"]
    two.a.kill("s2s-1")
    until("killed", lambda: two.a.pids().get("s2s-1", pid) != pid)
    until("they wait again", lambda: waiting(two, GOOD) == 4)
    message(juliet, f"romeo@{GOOD}", "w3")
    until("one more waits", lambda: waiting(two, GOOD) == 5)
    assert not [e for e in juliet.sync() if e.get("id") != "sub" and e.get("type") == "error"]
    two.b.start()
    romeo = Stream(two.b, GOOD).login("romeo", "b", resource="test")
    romeo.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>")
    got, requests = [], 0
    while len(got) < 4 or not requests:
        e = expect(romeo, f"stanza besides {got}, {requests}",
                   lambda e: e.tag == C + "message" or e.get("type") == "subscribe")
        if e.tag == C + "message":
            got.append(e.get("id"))
        else:
            requests += 1
    assert got == ["w0", "w1", "w2", "w3"], got
    ping(juliet, GOOD, "there")
    e = expect(juliet, "answer", lambda e: e.get("id") in ("there", *got))
    assert e.get("id") == "there" and e.get("type") == "result", e.attrib
    assert not [e for e in romeo.sync() if e.tag == C + "message"]
    romeo.close()


def lasting(two, juliet):
    """What no time mends is told at once, however long messages may wait."""
    for domain, want, word in (
            ("none.example", "remote-server-not-found", 'SRV "."'),
            ("nosuch.good.example", "remote-server-not-found", "no such"),
            ("unknown.example", "remote-server-not-found", "host-unknown"),
            ("selfsigned.example", "remote-server-timeout", "self-signed")):
        message(juliet, f"nurse@{domain}", domain)
        assert error(juliet, domain) == want, (domain, steps(two.a, domain))
        assert any(word in line for line in steps(two.a, domain)), steps(two.a, domain)
    assert not [e for e in juliet.sync() if e.get("type") == "error"]


def remembered(two, juliet):
    """A failure is remembered: while its domain is not tried again, answers come without a try."""
    def untried():
        tried = len(attempts(two.a, "none.example"))
        ping(juliet, "none.example", "again")
        assert error(juliet, "again") == "remote-server-not-found"
        return len(attempts(two.a, "none.example")) == tried

    assert not untried()
    until("an answer without a try", untried)


def heard_of(two, juliet):
    """It was away for long, and is not tried again for long; but it asks to be believed: it is tried."""
    two.b.stop()
    message(juliet, f"romeo@{GOOD}", "waits")
    until("failures", lambda: [p for i in told(two.a, "why", GOOD) for p in i["pairs"]
                               if p["failures"] >= 3])
    two.b.start()
    romeo = login(two.b, GOOD, "romeo", "b")
    romeo.send(f"<message to='{juliet.jid}' id='back'><body>x</body></message>")
    e = expect(juliet, "message", lambda e: e.get("id") == "back")
    assert e.get("from") == romeo.jid, e.attrib
    assert not [e for e in romeo.sync() if e.get("type") == "error"]
    romeo.close()


# --- policies that change ----------------------------------------------------------------------------

class Policy:
    """Other settings of s2s in a server's configuration, until the block ends."""

    def __init__(self, server, text):
        self.server, self.text = server, text
        self.config = os.path.join(server.dir, "mercutio.conf")

    def __enter__(self):
        with open(self.config, encoding="utf-8") as f:
            self.before = f.read()
        self.write(re.sub(r"^s2s \{", "s2s {\n" + self.text + "\n", self.before, count=1, flags=re.M))

    def __exit__(self, *exc):
        self.write(self.before)

    def write(self, text):
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)
        done = self.server.ctl("reload")
        assert done.returncode == 0, done.stderr


def denied_at_once(two, juliet, by_signal):
    """A domain that is denied loses its streams when the configuration is read, not at the next
    stanza; what waits for one is returned."""
    romeo = login(two.b, GOOD, "romeo", "b")
    ping(juliet, GOOD, "before")
    expect(juliet, "answer", lambda e: e.get("id") == "before")
    message(romeo, juliet.jid, "hello")
    expect(juliet, "message", lambda e: e.get("id") == "hello")
    assert streams(two.a, GOOD) and streams(two.b, "our.example")
    tag = f"closed-{by_signal}"
    message(juliet, f"nurse@{CLOSED}", tag)
    until("it waits", lambda: waiting(two, CLOSED) == 1)
    with Policy(two.a, f'deny = {{"{GOOD}", "{CLOSED}"}}'):
        if by_signal:
            two.a.kill("s2s-1", signal.SIGHUP)
        assert error(juliet, tag) == "not-allowed"
        until("no streams", lambda: not streams(two.a, GOOD) and not streams(two.b, "our.example"))
        there = steps(two.b, "our.example")
        assert any("policy-violation" in line for line in there), there
        ping(juliet, GOOD, "denied")
        assert error(juliet, "denied") == "not-allowed"
    ping(juliet, GOOD, "after")
    e = expect(juliet, "answer", lambda e: e.get("id") == "after")
    assert e.get("type") == "result", e.attrib
    romeo.close()


def renewed(two, juliet):
    """Other rules for a domain: its streams are opened anew by them; reading the same again closes
    none."""
    ping(juliet, GOOD, "x1")
    expect(juliet, "answer", lambda e: e.get("id") == "x1")
    tried = len(attempts(two.a, GOOD))
    two.a.ctl("reload")
    ping(juliet, GOOD, "x2")
    expect(juliet, "answer", lambda e: e.get("id") == "x2")
    assert len(attempts(two.a, GOOD)) == tried
    with Policy(two.a, "peer_certificate = forbidden"):
        until("closed", lambda: not streams(two.a, GOOD))
        ping(juliet, GOOD, "x3")
        e = expect(juliet, "answer", lambda e: e.get("id") == "x3")
        assert e.get("type") == "result", e.attrib
        assert any("dialback: valid" in line for line in steps(two.a, GOOD, "out"))


# --- a short patience --------------------------------------------------------------------------------

def returned(two, juliet):
    """Waiting ends: one error each, the same for what came first and for what came while it was tried."""
    for i in range(3):
        message(juliet, f"nurse@{REFUSED}", f"r{i}")
    juliet.send(f"<message to='nurse@{REFUSED}' id='never' type='error'/>")
    juliet.send(f"<iq to='nurse@{REFUSED}' id='never' type='result'/>")
    for i in range(3):
        assert error(juliet, f"r{i}") == "remote-server-timeout"
    assert len(attempts(two.a, REFUSED)) > 1
    assert not [e for e in juliet.sync() if e.get("type") == "error"]


def presence(two, juliet):
    """What was sent to one is returned, what was sent to all is not."""
    romeo = login(two.b, GOOD, "romeo", "b")
    juliet.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    juliet.sync()
    romeo.send("<presence to='juliet@our.example' type='subscribe'/>")
    expect(juliet, "request", lambda e: e.get("type") == "subscribe")
    juliet.send(f"<presence to='romeo@{GOOD}' type='subscribed'/>")
    expect(romeo, "presence", lambda e: e.get("from") == juliet.jid and not e.get("type"))
    two.b.stop()
    juliet.send("<presence><show>away</show></presence>"
                f"<presence to='romeo@{GOOD}/room' id='directed'/>")
    assert error(juliet, "directed") == "remote-server-timeout"
    assert not [e for e in juliet.sync() if e.get("type") == "error"]


def at_rest(two, juliet):
    """With a stream open and nothing to do s2s is not woken."""
    ping(juliet, GOOD, "rest")
    expect(juliet, "answer", lambda e: e.get("id") == "rest")
    assert streams(two.a, GOOD)
    pid = two.a.pids()["s2s-1"]

    def woken():
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", f.read(), re.M)[1])

    def quiet():
        before = woken()
        time.sleep(5)
        return woken() - before <= 2

    until("a while without a tick each second", quiet)
    assert streams(two.a, GOOD)


def world(ca, *settings, theirs=()):
    selfsigned = "selfsigned.example"
    return Two(ca, {GOOD: ca.issue(GOOD), selfsigned: ca.issue(selfsigned, self_signed=True)}, zones,
               (), [f"remote:{selfsigned}.peer_certificate=required", *settings], theirs,
               [f"romeo@{GOOD}:b"])


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("queues", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="queue.")
    ca = Authority(folder + "/ca")
    with world(ca, "s2s.retry_time=9m") as two:
        juliet = two.juliet()
        tap.run("a server that is away for a while", away, two, juliet)
        tap.run("failures that last", lasting, two, juliet)
        tap.run("a domain is denied", denied_at_once, two, juliet, False)
        tap.run("a domain is denied, SIGHUP", denied_at_once, two, juliet, True)
        tap.run("other rules for a domain", renewed, two, juliet)
    with world(ca, "s2s.retry_time=9m", "s2s.backoff_min=1500ms", "s2s.backoff_max=5m",
               theirs=["s2s.retry_time=0s", "s2s.peer_certificate=forbidden"]) as two:
        juliet = two.juliet()
        tap.run("failures are remembered", remembered, two, juliet)
        tap.run("a server that was away is heard of", heard_of, two, juliet)
    with world(ca, "s2s.retry_time=1s", "heartbeat=60s") as two:
        juliet = two.juliet()
        tap.run("a server that does not come back", returned, two, juliet)
        tap.run("at rest", at_rest, two, juliet)
        tap.run("presence that does not arrive", presence, two, juliet)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
