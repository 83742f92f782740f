#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The database stops, hangs, refuses, is full or read-only, the storage process hangs or dies: users who
are loaded go on, others are told to come back, and all is well afterwards without a restart.

With the name of a fault as argument that one alone runs; `hung30` (PostgreSQL stopped for 30 s) only so.
Several run at the same time, each with a server of its own: they mostly wait.
"""
import base64
import concurrent.futures
import glob
import itertools
import os
import queue
import sys
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from database import PostgreSQL  # noqa: E402
from harness import NS, SLOW, Server, Stream, Tap, client  # noqa: E402
from storage_faults import FAULTS, StorageKilled, Unable, wait_for  # noqa: E402

USERS = ("romeo:montague", "juliet:capulet", "nurse:angelica", "tybalt:cats", "paris:count")
PATIENCE = 40 * SLOW
DEADLINE_S = 4
SETTINGS = ("--unlimited", "--set", f"sm.deadline={DEADLINE_S}s", "--set", "storage.statement_timeout=1s",
            "--set", "storage.connect_timeout=2s")
TROUBLE = "database takes no writes"
DATABASES = 2  # servers of PostgreSQL
serial = itertools.count()


def until(s, what, seconds=PATIENCE):
    """The first stanza that `what` is true of."""
    deadline = time.monotonic() + seconds
    while True:
        e = s.receive(max(0.1, deadline - time.monotonic()))
        if what(e):
            return e


def say(s, to):
    ident = f"m{next(serial)}"
    s.send(f"<message to='{to}' type='chat' id='{ident}'><body>{ident}</body></message>")
    return ident


def keep(server, to, n):
    """Messages for somebody who is away, acknowledged (XEP-0198): they are committed."""
    s = Stream(server).login("paris")
    s.send("<enable xmlns='urn:xmpp:sm:3'/>")
    s.receive()
    ids = [say(s, to) for _ in range(n)]
    h = 0
    while h < n:
        s.send("<r xmlns='urn:xmpp:sm:3'/>")
        h = int(until(s, lambda e: e.tag == "{urn:xmpp:sm:3}a").get("h"))
    s.send("</stream:stream>")
    s.wait_closed()
    s.close()
    return ids


def logged(server, text):
    found = []
    for name in glob.glob(os.path.join(server.dir, "log", "*storage*")):
        with open(name, errors="replace") as f:
            found += [line for line in f if text in line]
    return found


def auth_failure(server, user):
    """The condition that a login ends with; None: it was let in."""
    s = Stream(server)
    try:
        s.open()
        s.features()
        s.sock.settimeout(PATIENCE)
        s.send("<auth xmlns='%s' mechanism='PLAIN'>%s</auth>" % (NS["sasl"], plain(user, server.users[user])))
        e = s.receive(PATIENCE)
        return e[0].tag.split("}")[1] if e.tag.endswith("}failure") else None
    finally:
        s.close()


def plain(user, password):
    return base64.b64encode(f"\0{user}\0{password}".encode()).decode()


def befriend(a, b):
    a.send("<presence type='subscribe' to='juliet@localhost'/>")
    b.send("<presence type='subscribe' to='romeo@localhost'/>")
    a.send("<presence type='subscribed' to='juliet@localhost'/>")
    b.send("<presence type='subscribed' to='romeo@localhost'/>")
    a.write("w1")
    a.until("w1")
    b.write("w2")
    b.until("w2")


# --- what must hold --------------------------------------------------------------------------------


def loaded_go_on(romeo, juliet, n):
    ident = say(romeo, juliet.jid)
    until(juliet, lambda e: e.get("id") == ident)
    back = say(juliet, romeo.jid)
    until(romeo, lambda e: e.get("id") == back)
    romeo.send(f"<presence><show>away</show><status>fault {n}</status></presence>")
    until(juliet, lambda e: e.findtext("{jabber:client}status") == f"fault {n}")


def refused(server, romeo, to):
    """What cannot be kept is refused, with a condition that says whose matter it is."""
    ident = say(romeo, to)
    e = until(romeo, lambda e: e.get("id") == ident)
    assert e.get("type") == "error", ET.tostring(e)
    condition = e.find("{jabber:client}error")[0].tag.split("}")[1]
    assert condition in ("resource-constraint", "internal-server-error"), condition
    return ident


def told(server, before):
    """In plain words, once."""
    wait_for(lambda: len(logged(server, TROUBLE)) > before, what=lambda: "".join(logged(server, "level=")))
    status = server.ctl("status").stdout
    lines = [line for line in status.splitlines() if line.startswith("! storage")]
    assert any(TROUBLE.replace("database", "the database") in line for line in lines), status
    assert len(logged(server, TROUBLE)) == before + 1, logged(server, TROUBLE)


def recovered(server, romeo, juliet, kept):
    """Without a restart: messages are stored, and are there once; logins work; sockets stayed."""
    def let_in():
        return auth_failure(server, "paris") is None
    wait_for(let_in)
    while True:  # the refusal of one that was sent too early is no failure of recovery
        ident = say(romeo, "nurse@localhost")
        romeo.write(f"w-{ident}")
        got = []
        e = until(romeo, lambda e: e.get("id") in (ident, f"w-{ident}"))
        while e.get("id") == ident:
            got.append(e)
            e = until(romeo, lambda e: e.get("id") in (ident, f"w-{ident}"))
        if not got and e.get("type") == "result":
            kept.append(ident)
            break
    loaded_go_on(romeo, juliet, "over")
    nurse = client(server, "nurse", presence=False)
    nurse.send("<presence/>")
    ids = []
    while kept[-1] not in ids:
        ids.append(until(nurse, lambda e: e.tag.endswith("message")).get("id"))
    ids += [e.get("id") for e in nurse.sync() if e.tag.endswith("message")]
    for ident in kept:
        assert ids.count(ident) == 1, (ident, ids)
    nurse.close()
    assert "! storage" not in server.ctl("status").stdout, server.ctl("status").stdout


def run(server, pg, kind):
    romeo, juliet = client(server, "romeo"), client(server, "juliet")
    befriend(romeo, juliet)
    kept = keep(server, "nurse@localhost", 5)
    before = len(logged(server, TROUBLE))
    fault = kind(server, pg)
    fault.begin()
    try:
        loaded_go_on(romeo, juliet, "on")
        if fault.reads:
            condition = auth_failure(server, "tybalt")
            assert condition == "temporary-auth-failure", condition
        if kind is not StorageKilled:
            refused(server, romeo, "nurse@localhost")
        if fault.told:
            told(server, before)
        loaded_go_on(romeo, juliet, "still on")
    finally:
        fault.end()
    recovered(server, romeo, juliet, kept)
    romeo.close()
    juliet.close()


# --- all of them -----------------------------------------------------------------------------------


def one(engine, kind, databases):
    """What has gone wrong; None: nothing."""
    pg = databases.get() if engine == "postgresql" else None
    args = SETTINGS + (("--engine", pg.engine()) if pg else ())
    try:
        with Server(users=USERS, args=args) as server:
            run(server, pg, kind)
        if pg:
            pg.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    except Exception as e:  # told where the others are
        return e
    finally:
        if pg:
            databases.put(pg)
    return None


def tell(tap, name, future):
    def result():
        if future.result():
            raise future.result()
    if isinstance(future.result(), Unable):
        tap.skip(name, str(future.result()))
    else:
        tap.run(name, result)


def wanted(engine, names):
    return [name for name in FAULTS[engine] if (name in names if names else name != "hung30")]


def main():
    tap = Tap()
    names = sys.argv[1:]
    os.environ.pop("MERCUTIO_POSTGRESQL", None)
    databases, made, missing = queue.Queue(), [], None
    try:
        for _ in wanted("postgresql", names)[:DATABASES]:
            made.append(PostgreSQL())
            databases.put(made[-1])
    except FileNotFoundError as e:
        missing = e
    try:
        with concurrent.futures.ThreadPoolExecutor(DATABASES + 1) as pool:
            cases = [(f"{engine}, {name}", pool.submit(one, engine, FAULTS[engine][name], databases))
                     for engine in FAULTS if engine == "sqlite" or not missing
                     for name in wanted(engine, names)]
            for name, future in cases:
                tell(tap, name, future)
    finally:
        for pg in made:
            pg.stop()
    if missing:
        tap.skip("PostgreSQL", str(missing))
    tap.done()


if __name__ == "__main__":
    main()
