# SPDX-License-Identifier: MIT
"""A private PostgreSQL, made for a run; and what the logs of accounts hold at the end of one."""
import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import xml.etree.ElementTree as ET

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(SOURCE, "tests", "storage", "postgresql")
ROWS = "SELECT account, number, stanza FROM log ORDER BY account, number"
HOLE = "was received and is not in the log"
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"


class PostgreSQL:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="chaos-pg.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        done = subprocess.run([SCRIPT, "start", self.dir], stdin=subprocess.DEVNULL)
        if done.returncode:
            shutil.rmtree(self.dir, ignore_errors=True)
            raise FileNotFoundError("PostgreSQL is not installed" if done.returncode == 77 else
                                    "PostgreSQL does not start")
        self.sql("CREATE DATABASE chaos", "postgres")

    def sql(self, text, database="chaos", options=""):
        return subprocess.run(["psql", "-qXAt", "-R", "\x1e", "-F", "\x1f", "-h", self.dir, "-U", "postgres",
                               "-d", database, "-c", text], check=True, capture_output=True, text=True,
                              env={**os.environ, "PGOPTIONS": options}).stdout

    def engine(self):
        return f"postgresql=postgresql://postgres@/chaos?host={self.dir}"

    def crash_command(self):
        """As after a power cut: nothing is finished; then it starts and recovers."""
        return [SCRIPT, "crash", self.dir]

    def pids(self):
        """The postmaster and its children."""
        with open(os.path.join(self.dir, "data", "postmaster.pid"), encoding="ascii") as f:
            first = int(f.readline())
        found = [first]
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                    if int(f.read().rpartition(")")[2].split()[1]) == first:
                        found.append(int(name))
            except OSError:
                pass
        return found

    def pause(self, stopped):
        for pid in self.pids():
            try:
                os.kill(pid, signal.SIGSTOP if stopped else signal.SIGCONT)
            except ProcessLookupError:
                pass

    def rows(self):
        text = self.sql(ROWS)
        return [row.split("\x1f") for row in text.rstrip("\n").split("\x1e") if row]

    def stop(self):
        self.pause(False)
        subprocess.run([SCRIPT, "stop", self.dir], stdin=subprocess.DEVNULL)


def sqlite_rows(path):
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return db.execute(ROWS).fetchall()
    finally:
        db.close()


def check(rows, ledger):
    """Every row of a user's log was received by him, and what was received is there once; where a
    message carried an id when it was received (XEP-0359), it is the one in the log."""
    wrong, there, order = [], {}, {}
    for account, number, text in rows:
        user, stanza = account.split("@")[0], ET.fromstring(text)
        ident = stanza.get("id")
        m = ledger.messages.get(ident)
        if not m or m.to != user:
            continue
        if (user, ident) in there:
            wrong.append(f"{ident} is twice in the log")
        there[(user, ident)] = str(number)
        before = order.setdefault((m.sender, m.to), m)
        if m.seq < before.seq and m.session == before.session:
            wrong.append(f"{ident} is behind {before.id} in the log")
        order[(m.sender, m.to)] = m
    got = {(user, ident) for user, rows in ledger.received.items() for ident, _, _ in rows}
    wrong += [f"{ident} {HOLE}" for user, ident in sorted(got - set(there))]
    wrong += [f"{ident} is in the log and was not received" for user, ident in sorted(set(there) - got)]
    for (user, ident), ids in ledger.live_ids.items():
        if (user, ident) in there and ids != {there[(user, ident)]}:
            wrong.append(f"{ident} was received as {sorted(map(str, ids))}, logged as {there[(user, ident)]}")
    return wrong


def live_id(stanza, account):
    """The number in that account's log that came with a message."""
    for e in stanza.findall(STANZA_ID):
        if e.get("by") == account:
            return e.get("id")
    return None
