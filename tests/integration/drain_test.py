#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""mercutioctl drain, SIGTERM and death of one of three sm: its users move to the others and back with their
sessions in place, and nobody else's do. The same of one of two c2s: its clients are told to go elsewhere, resume
there, and nobody notices."""
import os
import signal
import time

from acks import SM, STREAMS, ack, authenticated, enable, resumed, say, stanzas
from harness import SLOW, Server, Tap, client

PEOPLE = 24
MOVED = 6
HOST = "c2s-2.example.net:5222"
RECOVERY = 30 * SLOW


def owners(server):
    """Who has which session, when all are listed; else None."""
    lines = server.ctl("session", "list").stdout.splitlines()[1:]
    found = {line.split()[0]: line.split()[3] for line in lines if line}
    return found if len(found) == PEOPLE else None


def wait_owners(server, wanted, why):
    deadline = time.monotonic() + RECOVERY
    while True:
        now = owners(server)
        if now and wanted(now):
            return now
        assert time.monotonic() < deadline, f"{why}: {now}"
        time.sleep(0.1)


def answered(streams):
    """All are still connected, and are served by whoever has them."""
    for s in streams:
        s.sync()


def moves_and_comes_back(server, streams, leave):
    before = wait_owners(server, lambda o: len(set(o.values())) == 3, "not everybody is there")
    pid = server.pids()["sm-2"]
    leave()
    deadline = time.monotonic() + RECOVERY
    seen = []
    while server.pids().get("sm-2") in (pid, None):
        now = owners(server)
        seen += [now] if now else []
        assert time.monotonic() < deadline, "sm-2 does not come back"
    wait_owners(server, lambda o: o == before, "not as it was before")
    # Who was not sm-2's never moved.
    for o in seen:
        moved = [j for j, sm in o.items() if sm != before[j] and before[j] != "sm-2"]
        assert not moved, f"moved without need: {moved}"
    answered(streams)


def sm_instances(tap):
    users = [f"user{n}:secret" for n in range(PEOPLE)]
    with Server(users=users, args=["--unlimited", "--instances", "sm=3"]) as server:
        streams = [client(server, f"user{n}", "r") for n in range(PEOPLE)]
        tap.run("mercutioctl drain", moves_and_comes_back, server, streams, lambda: server.ctl("drain", "sm-2"))
        tap.run("SIGTERM", moves_and_comes_back, server, streams, lambda: server.kill("sm-2", signal.SIGTERM))
        tap.run("death", moves_and_comes_back, server, streams, lambda: server.kill("sm-2"))
        for s in streams:
            s.close()


# --- c2s -----------------------------------------------------------------------------------------

def at(server, user, n, resource="r"):
    """A session with XEP-0198 at c2s-N."""
    s = authenticated(server, user, server.base + 400 + n)
    s.bind(resource)
    s.send("<presence/>")
    s.sync()
    return enable(s)


def sent_away(s, condition, text):
    """How the server says goodbye; before it, what came for the client."""
    *before, e = s.wait_closed()
    assert s.depth == 0, "the stream was not ended"
    told = e.find(STREAMS + condition)
    assert told is not None and told.text == text, [c.tag for c in e]
    return [e for e in before if not e.tag.startswith("{" + SM)]


def message_ids(elements):
    return [e.get("id") for e in elements if e.tag.endswith("}message")]


def clients_are_moved(server, leave, condition, text):
    """Each resumes at the other c2s while it is written to: everything comes once, in order."""
    pid = server.pids()["c2s-1"]
    stays = at(server, "stays", 2)
    moved = [at(server, f"user{n}", 1) for n in range(MOVED)]
    watch = at(server, "user0", 2, "watch")
    leave()
    for n, s in enumerate(moved):
        for i in range(5):
            say(stays, f"user{n}", i)
        got = sent_away(s, condition, text)
        for i in range(5, 10):
            say(stays, f"user{n}", i)
        s2 = resumed(server, f"user{n}", s.id, len(got), server.base + 402)
        while len(message_ids(got)) < 10:
            got += stanzas(s2, 1)
        ack(s2, len(got))
        assert message_ids(got) == [str(i) for i in range(10)], message_ids(got)
        s2.sync()
        s2.close()
    gone = [e for e in watch.sync() if e.get("type") == "unavailable"]
    assert not gone, "said to have gone: " + gone[0].get("from")
    stays.sync()
    deadline = time.monotonic() + RECOVERY
    while server.pids().get("c2s-1") in (pid, None):
        assert time.monotonic() < deadline, "c2s-1 does not come back"
        time.sleep(0.05)
    for s in (stays, watch):
        s.close()


def c2s_instances(tap, condition, text, *options):
    users = ["stays:secret"] + [f"user{n}:secret" for n in range(MOVED)]
    with Server(users=users, args=["--unlimited", "--instances", "c2s=2", "--set", "c2s.drain_time=2s",
                                   *options]) as server:
        tap.run(f"mercutioctl drain of c2s, {condition}", clients_are_moved, server,
                lambda: server.ctl("drain", "c2s-1"), condition, text)
        tap.run(f"SIGTERM to c2s, {condition}", clients_are_moved, server,
                lambda: server.kill("c2s-1", signal.SIGTERM), condition, text)


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("drain", "it chooses the instances itself")
        tap.done()
    sm_instances(tap)
    c2s_instances(tap, "reset", None)
    c2s_instances(tap, "see-other-host", HOST, "--set", f"c2s.drain_host={HOST}")
    tap.done()


if __name__ == "__main__":
    main()
