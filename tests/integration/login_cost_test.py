#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a login asks of storage: requests and statements, counted. More than is written here (and in
docs/storage.md) is a regression; fewer is a reason to write the smaller number down."""
import json
import shutil
import tempfile

from harness import Server, Stream, Tap, client

ITEMS = 1000
# A login with a resource, the roster, and initial presence; requests and statements of each kind.
FIRST = {"reads": 3, "read_ops": 13, "writes": 1, "write_ops": 1}  # nothing of the account is loaded
NEXT = {"reads": 2, "read_ops": 3, "writes": 0, "write_ops": 0}    # sm has it in memory
COUNTERS = tuple(FIRST) + ("rows",)


def counters(server):
    stats = json.loads(server.ctl("--json", "stats", "storage").stdout)
    return {c: sum(s[c] for s in stats.values()) for c in COUNTERS}


def at_rest(server):
    """Until sm has read what it reads at its start, and written what it writes a second after a logout."""
    busy = ("scanning", "sessions", "written_soon", "unanswered")
    while any(s[b] for s in json.loads(server.ctl("--json", "stats", "sm").stdout).values() for b in busy):
        pass


def started(server):
    """Somebody was let in, so sm's shards are open."""
    s = Stream(server).login("nurse")
    s.send("</stream:stream>")
    s.wait_closed()
    s.close()
    at_rest(server)


def roster(s):
    s.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    while (e := s.receive()).get("id") != "roster":
        pass
    return list(e.iter("{jabber:iq:roster}item"))


def fill(server):
    s = Stream(server).login("romeo")
    for n in range(ITEMS):
        s.send(f"<iq type='set' id='set{n}'><query xmlns='jabber:iq:roster'>"
               f"<item jid='contact{n}@example.com' name='Contact {n}'><group>People</group></item>"
               "</query></iq>")
        if n % 100 == 99:
            s.until(f"set{n}")
    assert len(roster(s)) == ITEMS
    s.close()


def login(server, user="romeo", expected=ITEMS):
    """What it cost, until all of it is done."""
    before = counters(server)
    s = Stream(server).login(user, resource="r")
    items = roster(s)
    s.send("<presence/>")
    s.sync()
    after = counters(server)
    s.send("</stream:stream>")
    s.wait_closed()
    s.close()
    assert len(items) == expected, len(items)
    return {c: after[c] - before[c] for c in COUNTERS}


def check(cost, most):
    print("# " + ", ".join(f"{c} {n}" for c, n in cost.items()), flush=True)
    for c, n in most.items():
        assert cost[c] <= n, f"{c}: {cost[c]}, which is more than {n}"


def first(server):
    started(server)
    cost = login(server)
    check(cost, FIRST)
    assert cost["rows"] >= ITEMS
    at_rest(server)
    # The same requests as for a roster without items.
    empty = login(server, "juliet", 0)
    assert {**empty, "rows": 0} == {**cost, "rows": 0}, empty


def following(server):
    at_rest(server)
    cost = login(server)
    check(cost, NEXT)
    assert cost["rows"] < ITEMS


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="mtest.")
    args = dict(users=("romeo:montague", "juliet:capulet", "nurse:angelica"), args=("--unlimited",), keep=folder)
    try:
        server = Server(**args)
        with server:
            tap.run("a roster of 1,000 items is filled", fill, server)
        with server:
            tap.run("the first login loads the account in one request", first, server)
            tap.run("the next login", following, server)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
