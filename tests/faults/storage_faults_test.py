#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The database stops, hangs, refuses, is full or read-only, the storage process hangs or dies: users who
are loaded go on, others are told to come back, and all is well afterwards without a restart.

With the name of a fault as argument that one alone runs; `hung30` (PostgreSQL stopped for 30 s) only so.
"""
import base64
import glob
import itertools
import os
import resource
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from database import SCRIPT, PostgreSQL  # noqa: E402
from harness import NS, SLOW, Closed, Server, Stream, Tap, client  # noqa: E402

USERS = ("romeo:montague", "juliet:capulet", "nurse:angelica", "tybalt:cats", "paris:count")
PATIENCE = 40 * SLOW
DEADLINE_S = 4
SETTINGS = ("--unlimited", "--set", f"sm.deadline={DEADLINE_S}s", "--set", "storage.statement_timeout=1s",
            "--set", "storage.connect_timeout=2s")
TROUBLE = "database takes no writes"
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


def wait_for(condition, seconds=PATIENCE, what=lambda: "it does not come"):
    deadline = time.monotonic() + seconds
    while not (got := condition()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
    return got


# --- faults: each a pair of functions of the server and its database ---------------------------------


class Fault:
    """reads: logins need what does not work. told: storage itself can say so."""
    reads = told = True
    reason = ""

    def __init__(self, server, pg):
        self.server, self.pg = server, pg


class Stopped(Fault):
    def begin(self):
        os.kill(self.pg.pids()[0], signal.SIGQUIT)

    def end(self):
        subprocess.run([SCRIPT, "start", self.pg.dir], check=True, stdin=subprocess.DEVNULL)


class Hung(Fault):
    def begin(self):
        self.pg.pause(True)

    def end(self):
        self.pg.pause(False)


class Hung30(Hung):
    def end(self):
        time.sleep(30)
        self.pg.pause(False)


class Refusing(Fault):
    def begin(self):
        self.pg.sql("ALTER DATABASE chaos ALLOW_CONNECTIONS false", "postgres")
        self.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chaos'",
                    "postgres")

    def end(self):
        self.pg.sql("ALTER DATABASE chaos ALLOW_CONNECTIONS true", "postgres")


class ReadOnly(Fault):
    reads = False

    def set(self, value):
        os.environ["PGOPTIONS"] = "-c default_transaction_read_only=off"
        self.pg.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}", "postgres")
        self.pg.sql("SELECT pg_reload_conf()", "postgres")
        del os.environ["PGOPTIONS"]

    def begin(self):
        self.set("on")

    def end(self):
        self.set("off")


class Full(Fault):
    """Files of the database may not grow."""
    reads = False

    def limit(self, most):
        pid = self.server.pids()["storage-1"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def begin(self):
        path = os.path.join(self.server.dir, "data", "mercutio.db")
        self.limit(min(os.path.getsize(path), os.path.getsize(path + "-wal")))

    def end(self):
        self.limit(resource.RLIM_INFINITY)


class StorageHung(Fault):
    told = False

    def begin(self):
        self.server.kill("storage-1", signal.SIGSTOP)

    def end(self):
        self.server.kill("storage-1", signal.SIGCONT)


class StorageKilled(Fault):
    """Again and again, so that it is away for most of the time."""
    told = reads = False

    def begin(self):
        self.pid = self.server.pids()["storage-1"]
        os.kill(self.pid, signal.SIGKILL)

    def end(self):
        wait_for(lambda: self.server.pids().get("storage-1") not in (None, self.pid))


FAULTS = {
    "sqlite": {"full": Full, "storage_hung": StorageHung, "storage_killed": StorageKilled},
    "postgresql": {"stopped": Stopped, "hung": Hung, "hung30": Hung30, "refusing": Refusing,
                   "read_only": ReadOnly, "storage_hung": StorageHung, "storage_killed": StorageKilled},
}


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


def all_of(tap, engine, names, pg=None):
    args = SETTINGS + (("--engine", pg.engine()) if pg else ())
    for name, kind in FAULTS[engine].items():
        if names and name not in names or not names and name == "hung30":
            continue
        with Server(users=USERS, args=args) as server:
            tap.run(f"{engine}, {name}", run, server, pg, kind)
        if pg:
            pg.sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")


def main():
    tap = Tap()
    names = sys.argv[1:]
    os.environ.pop("MERCUTIO_POSTGRESQL", None)
    all_of(tap, "sqlite", names)
    try:
        pg = PostgreSQL()
    except FileNotFoundError as e:
        tap.skip("PostgreSQL", str(e))
    else:
        try:
            all_of(tap, "postgresql", names, pg)
        finally:
            pg.stop()
    tap.done()


if __name__ == "__main__":
    main()
