#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""RFC 6120 section 13.7.2.3: a stream between servers ends with <reset/> when the certificate does that
proved who opened it, or who was connected to; it is made again with a new one."""
import os
import shutil
import tempfile
import time

from federation_tls_test import ask
from harness import SLOW, Tap
from nameserver import available
from peers import Authority
from two import STREAMS, Peer
from world import OURS, PATIENCE, Two, expect, steps, streams

THEIRS, CALLER = "theirs.example", "caller.example"
BRIEF = 20 * SLOW


def until(what, fn):
    deadline = time.monotonic() + BRIEF + PATIENCE
    while not fn():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def out(two):
    return [s for s in streams(two.a, THEIRS) if s["direction"] == "out"]


class Renewed:
    """Their certificate, which is replaced where their server finds it."""

    def __init__(self, two, ca):
        self.two, self.ca = two, ca
        self.folder = os.path.join(two.b.dir, "certs")

    def issue(self, **kw):
        cert, key = self.ca.issue(THEIRS, stem="next", **kw)
        for path, name in ((key, THEIRS + ".key"), (cert, THEIRS + ".pem")):
            shutil.copy(path, os.path.join(self.folder, "new"))
            os.replace(os.path.join(self.folder, "new"), os.path.join(self.folder, name))
        assert self.two.b.ctl("reload").returncode == 0
        self.two.a.ctl("s2s", "close", THEIRS)
        until("not closed", lambda: not out(self.two))


def answered(two, juliet):
    """Whether they answer, over a stream that their certificate proves."""
    if ask(juliet, THEIRS).get("type") != "result":
        return False
    return bool([s for s in out(two) if s["certificate"] == "valid"])


def to_them(two, ca, juliet):
    renewed = Renewed(two, ca)
    until("no stream", lambda: (renewed.issue(seconds=BRIEF), answered(two, juliet))[1])
    until("it did not end", lambda: not out(two))
    lines = steps(two.a, THEIRS, "out")
    assert "we end the stream: reset, the certificate is no longer valid" in lines, lines
    # The old one is of no use any more, a new one is.
    assert ask(juliet, THEIRS).get("type") == "error"
    renewed.issue()
    until("no new stream", lambda: answered(two, juliet))


class Caller(Peer):
    """Proven by a certificate that ends soon; made anew until it was in time."""

    def __init__(self, two, ca):
        super().__init__(two.a, OURS, CALLER, cert=ca.issue(CALLER, seconds=BRIEF))
        self.in_time = "EXTERNAL" in self.mechanisms(self.secure())


def begun(two, ca, juliet):
    """A stream that they have opened, and what comes over it."""
    calls = []
    until("not in time", lambda: calls.append(Caller(two, ca)) or calls[-1].in_time)
    caller = calls[-1]
    assert caller.external() == ("success", None)
    caller.send(f"<message from='x@{CALLER}' to='{juliet.jid}' id='m'><body>x</body></message>")
    expect(juliet, "message", lambda e: e.get("id") == "m")
    return caller


def to_us(caller):
    e = caller.receive(BRIEF + PATIENCE)
    assert e.tag.endswith("}error") and e[0].tag == STREAMS + "reset", e.tag
    assert not caller.wait_closed()


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("certificates that end", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="expiry.")
    ca = Authority(folder)
    zones = {CALLER: "", THEIRS: ""}
    with Two(ca, {THEIRS: ca.issue(THEIRS)},
             lambda two: {**zones, THEIRS: f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx A 127.0.0.2"}, (),
             ["s2s.peer_certificate=required", "s2s.retry_time=0s"]) as two:
        juliet = two.juliet()
        caller = begun(two, ca, juliet)
        tap.run("of those whom we have connected to", to_them, two, ca, juliet)
        tap.run("of those who have connected to us", to_us, caller)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
