#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""mercutioctl drain, SIGTERM and death of one of three sm: its users move to the others and back with their
sessions in place, and nobody else's do."""
import os
import signal
import time

from harness import SLOW, Server, Tap, client

PEOPLE = 24
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


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("drain", "it chooses the instances itself")
        tap.done()
    users = [f"user{n}:secret" for n in range(PEOPLE)]
    with Server(users=users, args=["--unlimited", "--instances", "sm=3"]) as server:
        streams = [client(server, f"user{n}", "r") for n in range(PEOPLE)]
        tap.run("mercutioctl drain", moves_and_comes_back, server, streams, lambda: server.ctl("drain", "sm-2"))
        tap.run("SIGTERM", moves_and_comes_back, server, streams, lambda: server.kill("sm-2", signal.SIGTERM))
        tap.run("death", moves_and_comes_back, server, streams, lambda: server.kill("sm-2"))
        for s in streams:
            s.close()
    tap.done()


if __name__ == "__main__":
    main()
