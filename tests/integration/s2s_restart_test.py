#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""s2s restarts in order, reads its configuration again, or is told to close: nothing that it carries is
lost, returned though it arrived, or read from memory that is gone."""
import os
import signal

from harness import Tap
from two import A, B, EVIL, Peer, Two, expect, listed, make_cert, message, presence, stanza, subscribe, until


def streams(server, domain):
    return [s for s in listed(server) if s["remote"] == domain]


def test_only_one_drained():
    """The only s2s goes and comes again: what is sent meanwhile waits for it."""
    with Two() as two:
        a = two.servers[0]
        juliet, romeo = two.login()
        message(juliet, f"romeo@{B}", "first")
        expect(romeo, "first")
        pid = a.pids()["s2s-1"]
        a.kill("s2s-1", signal.SIGTERM)
        n = 0
        while a.pids().get("s2s-1", pid) == pid or n < 20:
            message(juliet, f"romeo@{B}", f"m{n}")
            assert not [e.get("id") for e in juliet.sync() if e.get("type") == "error"]
            n += 1
        for k in range(n):
            expect(romeo, f"m{k}")
        assert not [e.get("id") for e in juliet.sync() if e.get("type") == "error"]


def arrives(juliet, romeo):
    message(juliet, f"romeo@{B}", "there")
    juliet.sync()
    return [e for e in romeo.sync() if e.get("id") == "there"]


def test_targets_after_reload():
    """Targets of the configuration are still there after a reload, and others are taken over."""
    with Two(a=("s2s.retry_time=0s",)) as two:
        a = two.servers[0]
        juliet, romeo = two.login()
        pid = a.pids()["s2s-1"]
        config = os.path.join(a.dir, "mercutio.conf")
        with open(config, encoding="utf-8") as f:
            text = f.read()
        for port in (1, two.base + 269):
            new = text.replace(f"'127.0.0.2:{two.base + 269}'", f"'127.0.0.2:{port}'")
            assert (new == text) == (port != 1)
            with open(config, "w", encoding="utf-8") as f:
                f.write(new)
            done = a.ctl("reload")
            assert done.returncode == 0, done.stderr
            a.ctl("s2s", "close", B)
            until("it is open", lambda: not streams(a, B))
            if port == 1:
                message(juliet, f"romeo@{B}", "nobody")
                expect(juliet, "nobody", "error")
            else:  # what failed is not tried again at once
                until("nothing arrives", arrives, juliet, romeo)
        assert a.pids()["s2s-1"] == pid


def last_ack(end):
    """Three stanzas are taken, nothing is asked, and the stream ends: what they hear is acknowledged."""
    with Two() as two:
        a = two.servers[0]
        juliet, _ = two.login()
        p = Peer(a, A, EVIL, cert=make_cert(two, EVIL))
        p.secure()
        assert p.external(EVIL) == ("success", None)
        p.send("<enable xmlns='urn:xmpp:sm:3'/>")
        assert p.receive().tag.endswith("enabled")
        for k in range(3):
            p.send(stanza(f"m@{EVIL}", f"juliet@{A}", f"s{k}"))
            expect(juliet, f"s{k}")
        end(a)
        acks = [e.get("h") for e in p.wait_closed() if e.tag == "{urn:xmpp:sm:3}a"]
        assert acks[-1:] == ["3"], acks


def test_ack_at_close():
    """The operator closes a stream: what was taken is acknowledged before."""
    last_ack(lambda a: a.ctl("s2s", "close", EVIL))


def test_ack_at_drain():
    """s2s ends: what was taken is acknowledged before."""
    last_ack(lambda a: a.kill("s2s-1", signal.SIGTERM))


def test_presence_after_a_death():
    """What an s2s that died did not bring here is asked for when the other server is reached again."""
    with Two() as two:
        juliet, romeo = two.login()
        subscribe(juliet, romeo)
        juliet.sync()
        for server in two.servers:  # on both sides: one that lives would say that it was cut off
            server.kill("s2s-1", signal.SIGSTOP)
        for server in two.servers:
            pid = server.pids()["s2s-1"]
            server.kill("s2s-1", signal.SIGKILL)
            until("another one", lambda: server.pids().get("s2s-1", pid) != pid)
        message(juliet, f"romeo@{B}", "hello")
        expect(romeo, "hello")
        presence(juliet, f"romeo@{B}")


tap = Tap()
for t in (test_only_one_drained, test_presence_after_a_death, test_targets_after_reload, test_ack_at_close,
          test_ack_at_drain):
    tap.run(t.__doc__.split("\n")[0], t)
tap.done()
