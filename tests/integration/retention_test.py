#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Retention from outside: limits of an account set with mercutioctl, passes that run, what stats tell."""
import json
import time

from harness import Server, Tap

ROMEO = "romeo@localhost"


def limits(server, *args):
    done = server.ctl("--json", "storage", "retention", ROMEO, *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def of_an_account(server):
    first = limits(server)
    assert first["age_ms"] == 0 and first["size"] == 1 << 30, first
    assert first["offline_ms"] == 365 * 86400 * 1000, first
    limits(server, "age=30d", "count=500")
    both = limits(server)
    assert both == {**first, "age_ms": 30 * 86400 * 1000, "count": 500}, both
    # One at a time; 0 is no limit, which is not the same as the domain's.
    assert limits(server, "age=domain", "size=0") == {**first, "count": 500, "size": 0}
    assert limits(server, "count=domain", "size=domain") == first
    text = server.ctl("storage", "retention", ROMEO).stdout
    assert "as its domain" in text and "its own" not in text, text


def removed_with_the_account(server):
    """Who gets the address next starts with the domain's limits."""
    first = limits(server)
    limits(server, "age=30d", "offline=1d")
    assert limits(server) != first
    assert server.ctl("user", "del", ROMEO).returncode == 0
    assert limits(server) == first


def mistakes(server):
    for args in (("age=soon",), ("age",), ("width=5",), ("count=-1",)):
        done = server.ctl("storage", "retention", ROMEO, *args)
        assert done.returncode == 1 and done.stderr.count("\n") == 1, (args, done)
    done = server.ctl("storage", "retention", "@")
    assert done.returncode == 1 and "not the address of an account" in done.stderr, done.stderr
    assert server.ctl("storage", "retention").returncode == 2
    assert limits(server)["age_ms"] == 0


def passes(server):
    """They run by themselves, and go on after each other."""
    deadline = time.monotonic() + 30
    while True:
        stats = json.loads(server.ctl("--json", "stats", "storage-1").stdout)["storage-1"]
        if stats["retention_passes"] >= 2:
            break
        assert time.monotonic() < deadline, stats
        time.sleep(0.2)
    assert stats["retention_removed"] == 0, stats


def main():
    tap = Tap()
    args = ("--set", "storage.retention_every=1s")
    with Server(users=("romeo:montague",), args=args) as server:
        tap.run("an account's own limits", of_an_account, server)
        tap.run("mistakes", mistakes, server)
        tap.run("passes", passes, server)
        tap.run("they go with the account", removed_with_the_account, server)
    tap.done()


if __name__ == "__main__":
    main()
