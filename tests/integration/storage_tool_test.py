#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""mercutioctl storage: the schema made and refused, backups under load and restored, copies both ways."""
import os
import re
import shutil
import sqlite3
import stat
import subprocess
import tempfile
import threading

from harness import BUILD, SLOW, SOURCE, Server, Stream, Tap

STORAGE = os.path.join(BUILD, "storage", "mercutio-storage")
SQLITE = ("--engine", "sqlite")


def good(result):
    assert result.returncode == 0, f"{result.args[3:]}: {result.returncode}: {result.stderr}"
    return result.stdout


def bad(result, *words):
    assert result.returncode == 1, f"{result.args[3:]}: {result.returncode}: {result.stdout}"
    for word in words:
        assert word in result.stderr, result.stderr
    return result.stderr


class Tool:
    """mercutioctl with a configuration alone: nothing runs."""

    def __init__(self, folder):
        self.conf = os.path.join(folder, "mercutio.conf")
        with open(self.conf, "w", encoding="utf-8") as f:
            f.write(f'domain = localhost\nrun_dir = "{folder}"\ndata_dir = "{folder}/data"\n')

    def command(self, *args):
        return [os.path.join(BUILD, "tools", "mercutioctl"), "--config", self.conf, "storage", *args]

    def __call__(self, *args):
        return subprocess.run(self.command(*args), capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL)

    def serve(self, *settings):
        """The storage process, which finds no router; whatever it refuses ends it."""
        args = [x for s in settings for x in ("-o", s)]
        return subprocess.run([STORAGE, "-c", self.conf, "-o", "log_target=stderr", *args], text=True,
                              capture_output=True, timeout=20, stdin=subprocess.DEVNULL)


class PostgreSQL:
    """Another one than the suite may run on; None when it is not installed."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="pg.", dir="/tmp")
        os.chmod(self.dir, 0o755)
        self.there = self.script("start").returncode == 0
        self.n = 0

    def script(self, what):
        return subprocess.run([os.path.join(SOURCE, "tests", "storage", "postgresql"), what, self.dir],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def sql(self, text, database="postgres"):
        return subprocess.run(["psql", "-qXAt", "-h", self.dir, "-U", "postgres", "-d", database, "-c", text],
                              check=True, capture_output=True, text=True).stdout.strip()

    def database(self, user="postgres"):
        self.n += 1
        self.sql(f"CREATE DATABASE d{self.n}")
        return self.engine(f"d{self.n}", user)

    def engine(self, name, user="postgres"):
        return f"postgresql=postgresql://{user}@/{name}?host={self.dir}"

    def stop(self):
        self.script("stop")
        shutil.rmtree(self.dir, ignore_errors=True)


# --- the schema ---------------------------------------------------------------------------------------


def schema_sqlite(folder):
    tool = Tool(folder)
    path = os.path.join(folder, "s.db")
    target = f"sqlite={path}"
    plan = good(tool("migrate", "--dry-run", target))
    assert "CREATE TABLE" in plan and "mercutio_schema" in plan and not os.path.exists(path), plan
    at_once = [subprocess.Popen(tool.command("migrate", target), stdout=subprocess.DEVNULL)
               for _ in range(4)]
    assert [p.wait() for p in at_once] == [0] * 4
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    version = int(re.search(r"schema version (\d+)", good(tool("migrate", target))).group(1))
    assert good(tool("migrate", "--dry-run", target)).startswith("-- nothing")
    # What the plan says is what migrating does.
    by_hand = sqlite3.connect(":memory:")
    by_hand.executescript(plan)
    made = sqlite3.connect(path)
    query = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY sql"
    assert by_hand.execute(query).fetchall() == made.execute(query).fetchall()
    made.execute("INSERT INTO mercutio_schema VALUES (999)")
    made.commit()
    bad(tool("migrate", target), "newer", "999")
    bad(tool("migrate", "--dry-run", target), "newer")
    assert "newer" in tool.serve(f"storage.path={path}").stderr
    made.execute("DELETE FROM mercutio_schema WHERE version <> 1")
    made.commit()
    refused = tool.serve(f"storage.path={path}", "storage.migrate=false")
    assert refused.returncode and f"older than this program's (version {version})" in refused.stderr
    assert "mercutioctl storage migrate" in refused.stderr
    made.close()
    bad(tool("migrate", "oracle=x"), "no engine")
    with Server(args=SQLITE) as server:
        bad(server.ctl("storage", "migrate"), "in use by process")


def schema_postgresql(folder, pg):
    tool = Tool(folder)
    target = pg.database()
    name = f"d{pg.n}"
    plan = good(tool("migrate", "--dry-run", target))
    assert "CREATE TABLE" in plan and pg.sql("SELECT count(*) FROM pg_tables WHERE tablename = 'log'",
                                             name) == "0"
    at_once = [subprocess.Popen(tool.command("migrate", target), stdout=subprocess.DEVNULL)
               for _ in range(4)]
    assert [p.wait() for p in at_once] == [0] * 4
    assert good(tool("migrate", "--dry-run", target)).startswith("-- nothing")
    pg.sql("CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA public TO worker;"
           "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO worker", name)
    worker = pg.engine(name, "worker")
    good(tool("migrate", "--dry-run", worker))
    pg.sql("DELETE FROM mercutio_schema WHERE version > 1", name)
    bad(tool("migrate", worker), "older", "this role may not change it")
    refused = tool.serve("storage.engine=postgresql", f"storage.connect={worker.split('=', 1)[1]}")
    assert refused.returncode and "this role may not change it" in refused.stderr, refused.stderr
    good(tool("migrate", target))
    pg.sql("INSERT INTO mercutio_schema (version, oldest) VALUES (999, 999)", name)
    bad(tool("migrate", target), "newer", "999")
    pg.sql("CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    bad(tool("migrate", pg.engine("latin")), "ENCODING 'UTF8'")


# --- backup -------------------------------------------------------------------------------------------


def send(server, frm, to, first, n):
    """Messages that are committed when it returns."""
    s = Stream(server).login(frm)
    for i in range(first, first + n):
        s.send(f"<message to='{to}@localhost' type='chat' id='m{i}'><body>{'x' * 300} {i}</body></message>")
    s.sync()
    s.write("w")
    s.until("w")
    s.close()


def offline(server, user):
    s = Stream(server).login(user)
    s.send("<presence/>")
    got = [e.get("id") for e in s.sync()]
    while not [i for i in got if i == "last"]:
        got.append(s.receive().get("id"))
    s.close()
    return [i for i in got if i and re.fullmatch(r"m\d+", i)]


def say_last(server):
    s = Stream(server).login("bob")
    s.send("<message to='alice@localhost' type='chat' id='last'><body>last</body></message>")
    s.sync()
    s.close()


def rows(path, query):
    db = sqlite3.connect(path)
    try:
        return db.execute(query).fetchall()
    finally:
        db.close()


def backup_and_restore(folder):
    path = os.path.join(folder, "backup.db")
    with Server(users=["alice:secret", "bob:secret", "carol:secret"],
                args=[*SQLITE, "--set", "sm.offline_max=40000"]) as server:
        data = os.path.join(server.dir, "data", "mercutio.db")
        send(server, "bob", "alice", 0, 1500)
        stop = threading.Event()
        sent = []

        def load():
            while not stop.is_set():
                send(server, "carol", "alice", 100000 + len(sent) * 50, 50)
                sent.append(50)

        loader = threading.Thread(target=load)
        loader.start()
        try:
            before = len(sent)
            assert "checked" in good(server.ctl("storage", "backup", path))
            bad(server.ctl("storage", "backup", path), "--replace")
            good(server.ctl("storage", "backup", "--replace", path))
            bad(server.ctl("storage", "backup", os.path.join(folder, "no", "folder.db")), "No such file")
            while len(sent) == before:
                loader.join(0.01)  # the load goes on
        finally:
            stop.set()
            loader.join()
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        assert not [n for n in os.listdir(folder) if "partial" in n]
        assert rows(path, "PRAGMA integrity_check") == [("ok",)]
        entries = rows(path, "SELECT number FROM log WHERE account = 'alice@localhost' ORDER BY number")
        assert len(entries) >= 1500
        leases = "SELECT max(epoch) FROM mercutio_lease"
        assert rows(path, leases)[0][0] == rows(data, leases)[0][0] + 1000
        server.stop()
        # As docs/storage.md says: all processes stopped, the file and nothing of the old one.
        for end in ("", "-wal", "-shm"):
            if os.path.exists(data + end):
                os.unlink(data + end)
        shutil.copyfile(path, data)
        server.users = {}
        server.start()
        server.users = {"alice": "secret", "bob": "secret", "carol": "secret"}
        say_last(server)
        got = offline(server, "alice")
        assert got[:1500] == [f"m{i}" for i in range(1500)] and len(got) == len(entries), len(got)
        server.stop()
        after = rows(data, "SELECT number FROM log WHERE account = 'alice@localhost' ORDER BY number")
        assert after[:-1] == entries and after[-1] > entries[-1]


# --- copies -------------------------------------------------------------------------------------------


def copies(folder, pg):
    target = pg.database()
    name = f"d{pg.n}"
    with Server(users=["alice:secret", "bob:secret"], args=SQLITE) as server:
        data = os.path.join(server.dir, "data", "mercutio.db")
        back = f"sqlite={os.path.join(folder, 'back.db')}"
        send(server, "bob", "alice", 0, 400)
        s = Stream(server).login("alice")
        s.send("<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='b@c' name='t\\ab&#9;\\n'/>"
               "</query></iq>")
        s.until("r")
        s.close()
        bad(server.ctl("storage", "copy", "--from", "sqlite", "--to", target), "in use by process")
        server.stop()
        # Times that have no partition yet.
        db = sqlite3.connect(data)
        db.execute("UPDATE log SET time = time - 86400000000 * 40 WHERE number IN"
                   " (SELECT number FROM log ORDER BY number LIMIT 100)")
        db.commit()
        db.close()
        report = good(server.ctl("storage", "copy", "--from", "sqlite", "--to", target))
        assert re.search(r"log +400 rows +(\w{16})  \1  1 accounts", report), report
        assert pg.sql("SELECT count(*) FROM log", name) == "400"
        assert pg.sql("SELECT count(*) FROM log_other", name) == "0"
        bad(server.ctl("storage", "copy", "--from", "sqlite", "--to", target), "already")
        good(server.ctl("storage", "copy", "--replace", "--from", "sqlite", "--to", target))
        pg.sql("UPDATE roster SET name = 'changed'", name)
        assert good(server.ctl("storage", "copy", "--from", target, "--to", back)).count("rows") >= 12
        bad(server.ctl("storage", "copy", "--from", target, "--to", back), "already")
        good(server.ctl("storage", "copy", "--replace", "--from", target, "--to", back))
        path = back.split("=", 1)[1]
        assert rows(path, "SELECT name FROM roster") == [("changed",)]
        for table in ("log", "credential", "mercutio_lease", "position", "secret"):
            columns = "account, number, time, peer, origin, stanza" if table == "log" else "*"
            query = f"SELECT {columns} FROM {table} ORDER BY 1, 2"
            assert rows(path, query) == rows(data, query), table
        assert not [n for n in os.listdir(folder) if "copying" in n or "wal" in n]
        # The server goes on with it.
        os.replace(path, data)
        server.users = {}
        server.start()
        server.users = {"alice": "secret", "bob": "secret"}
        say_last(server)
        assert offline(server, "alice") == [f"m{i}" for i in range(400)]


def copy_of_nothing(folder, pg):
    tool = Tool(folder)
    path = os.path.join(folder, "out.db")
    bad(tool("copy", "--from", f"sqlite={folder}/missing.db", "--to", f"sqlite={path}"), "No such file")
    assert not os.path.exists(os.path.join(folder, "missing.db"))
    assert tool("copy", "--from", "sqlite").returncode == 2
    if not pg.there:
        return
    # A storage that runs on it is noticed, on both sides.
    with Server(args=["--engine", pg.database()]):
        used = pg.engine(f"d{pg.n}")
        bad(tool("copy", "--from", used, "--to", f"sqlite={path}"), "works on that database")
        good(tool("migrate", f"sqlite={folder}/empty.db"))
        bad(tool("copy", "--from", f"sqlite={folder}/empty.db", "--to", used), "works on that database")
    assert not os.path.exists(path)


def unseen_backup(folder):
    """Storage writes where mercutioctl does not see it, as to a /tmp of its own: here the folder that each
    of them works in."""
    with Server(args=SQLITE) as server:
        theirs = f"/proc/{server.pids()['storage-1']}/cwd/unseen-{os.getpid()}.db"
        command = [os.path.join(BUILD, "tools", "mercutioctl"), "--config",
                   os.path.join(server.dir, "mercutio.conf"), "storage", "backup",
                   f"/proc/self/cwd/unseen-{os.getpid()}.db"]
        try:
            bad(subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60 * SLOW),
                "is not there")
            assert os.path.exists(theirs)
        finally:
            if os.path.exists(theirs):
                os.unlink(theirs)


def not_a_file(folder):
    """What is no regular file is not replaced: a pipe here, /dev/null for whoever tries how long it takes."""
    pipe = os.path.join(folder, "pipe")
    os.mkfifo(pipe)
    tool = Tool(folder)
    with Server(args=SQLITE, users=["alice:secret"]) as server:
        bad(server.ctl("storage", "backup", "--replace", pipe), "not a regular file")
        bad(server.ctl("user", "export", "--all", pipe), "not a regular file")
    good(tool("migrate", f"sqlite={folder}/from.db"))
    bad(tool("copy", "--replace", "--from", f"sqlite={folder}/from.db", "--to", f"sqlite={pipe}"),
        "not a regular file")
    assert stat.S_ISFIFO(os.stat(pipe).st_mode)


def no_backup(pg):
    with Server(args=["--engine", pg.database()]) as server:
        bad(server.ctl("storage", "backup", os.path.join(server.dir, "x.db")), "own tools")


def main():
    tap = Tap()
    pg = PostgreSQL()
    try:
        for name, fn in (("the schema of SQLite is made, shown, refused", schema_sqlite),
                         ("a backup under load is whole, and a server starts on it", backup_and_restore),
                         ("what is no file is not replaced", not_a_file),
                         ("a backup that nobody will find is no success", unseen_backup)):
            with tempfile.TemporaryDirectory() as folder:
                tap.run(name, fn, folder)
        for name, fn in (("the schema of PostgreSQL likewise, by roles", schema_postgresql),
                         ("copies to PostgreSQL and back", copies)):
            with tempfile.TemporaryDirectory() as folder:
                if pg.there:
                    tap.run(name, fn, folder, pg)
                else:
                    tap.skip(name, "PostgreSQL is not installed")
        with tempfile.TemporaryDirectory() as folder:
            tap.run("what cannot be copied is told", copy_of_nothing, folder, pg)
        if pg.there:
            tap.run("PostgreSQL is backed up by its own tools", no_backup, pg)
    finally:
        pg.stop()
    tap.done()


if __name__ == "__main__":
    main()
