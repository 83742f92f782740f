#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The launcher and mercutioctl against a running server: restarts, endings, accounts, exit statuses."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time

from harness import BUILD, SLOW, SOURCE, Server, Stream, Tap, free_port_base


def wait_for(what, condition, seconds=20):
    deadline = time.monotonic() + seconds * SLOW
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {what}")


def alive(pid):
    """A zombie has ended; whoever inherited it is to fetch it."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def descendants(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as f:
                    parent = int(f.read().rsplit(")", 1)[1].split()[1])
            except (FileNotFoundError, ProcessLookupError):
                continue
            if parent == pid:
                found += [int(entry)] + descendants(int(entry))
    return found


def good(result):
    assert result.returncode == 0, f"{result.args[3:]}: {result.returncode}: {result.stderr}"
    return result.stdout


def bad(result, status=1):
    assert result.returncode == status, f"{result.args[3:]}: {result.returncode}"
    assert result.stderr.strip(), "no word on standard error"
    return result.stderr


def pids_file(server):
    assert {"router-1", "storage-1", "auth-1", "sm-1", "c2s-1"} <= set(server.pids())
    for name, pid in server.pids().items():
        with open(f"/proc/{pid}/cmdline") as f:
            assert name in f.read().split("\0")


def pids_later(server):
    """What cannot be written when an instance is started is written when it can."""
    path, before = os.path.join(server.dir, "pids"), server.pids()["auth-1"]
    os.mkdir(path + ".new")  # where it is written first
    try:
        server.kill("auth-1")
        wait_for("it is started again", lambda: [
            pid for pid in descendants(server.process.pid) if pid not in server.pids().values()])
        assert server.pids()["auth-1"] == before
    finally:
        os.rmdir(path + ".new")
    wait_for("the file names it", lambda: server.pids()["auth-1"] != before)
    pids_file(server)


def scheduling(server, batch):
    """Those named wait for the running; whoever started us with another policy keeps it."""
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    for instance, pid in server.pids().items():
        wanted = os.SCHED_BATCH if instance.rsplit("-", 1)[0] in batch else os.SCHED_OTHER
        assert os.sched_getscheduler(pid) == wanted, instance


def scheduled():
    with Server(args=("--set", "batch_scheduling=all")) as server:
        scheduling(server, ("router", "storage", "auth", "sm", "c2s"))


def restart(server):
    """Each in turn is killed, comes back under its name with another number, and all is well again."""
    for name, old in server.pids().items():
        server.kill(name)
        wait_for(f"{name} again", lambda: server.pids().get(name, old) != old)
        good(server.ctl("--timeout", "30", "wait"))
    pids_file(server)


def accounts(server):
    good(server.ctl("user", "add", "carol@localhost", stdin="first\n"))
    assert "exists" in bad(server.ctl("user", "add", "carol@localhost", stdin="second\n"))
    Stream(server).login("carol", "first")
    good(server.ctl("user", "passwd", "carol@localhost", stdin="second\n"))
    Stream(server).login("carol", "second")
    assert "carol@localhost" in good(server.ctl("user", "list", "localhost")).split()
    good(server.ctl("user", "del", "carol@localhost"))
    assert "no such account" in bad(server.ctl("user", "del", "carol@localhost"))
    assert "no such account" in bad(server.ctl("user", "passwd", "carol@localhost", stdin="x\n"))
    assert "carol@localhost" not in good(server.ctl("user", "list")).split()
    bad(server.ctl("user", "add", "carol@elsewhere.example", stdin="x\n"))
    bad(server.ctl("user", "add", "carol@localhost", stdin=""))
    bad(server.ctl("user", "add", "not an address@", stdin="x\n"))


def imports(server):
    lines = [f"import{i}@localhost\tpassword {i}" for i in range(300)]
    lines.insert(7, "no tabulator")
    lines.insert(20, "someone@elsewhere.example\tx")
    result = server.ctl("user", "import", "-", stdin="\n".join(lines) + "\n")
    errors = bad(result)
    assert "standard input:8: " in errors and "standard input:21: " in errors, errors
    assert result.stdout == "300 accounts\n", result.stdout
    Stream(server).login("import299", "password 299")
    errors = bad(server.ctl("user", "import", "-", stdin=lines[0] + "\n"))
    assert "standard input:1: the account exists already" in errors, errors
    good(server.ctl("user", "import", "--replace", "-", stdin="import0@localhost\tnew\n"))
    Stream(server).login("import0", "new")
    good(server.ctl("user", "import", "-", stdin="\ufeffmark@localhost\tmarked\r\n"))
    Stream(server).login("mark", "marked")
    good(server.ctl("user", "import", "-", stdin="\ufeff<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>"
                    "<user name='mark2' password='marked'/></host></server-data>"))
    Stream(server).login("mark2", "marked")
    bad(server.ctl("user", "import", "--replace", "--skip", "-", stdin=lines[0] + "\n"), 2)


def sessions(server):
    stream = Stream(server)
    stream.login("alice", resource="desk")
    listed = json.loads(good(server.ctl("--json", "session", "list", "alice@localhost")))
    assert [s["jid"] for s in listed] == ["alice@localhost/desk"], listed
    assert listed[0]["secure"] and listed[0]["c2s"] in server.pids()
    assert "alice@localhost/desk" in good(server.ctl("session", "list"))
    good(server.ctl("session", "kick", "alice@localhost/desk"))
    stream.wait_closed()
    assert "no such session" in bad(server.ctl("session", "kick", "alice@localhost/desk"))


def views(server):
    status = json.loads(good(server.ctl("--json", "status")))
    names = sorted(i["instance"] for i in status["instances"])
    assert names == sorted(server.pids()), names
    assert {i["instance"]: i["pid"] for i in status["instances"]} == server.pids()
    assert status["problems"] == []
    routes = json.loads(good(server.ctl("--json", "route", "list")))
    assert sum(r["shards"] for r in routes if r["route"] == "sm") == 1024
    assert "c2s-1.accepted " in good(server.ctl("stats", "c2s"))
    good(server.ctl("log", "level", "sm-1", "debug"))
    good(server.ctl("log", "level", "info"))
    with open(os.path.join(server.dir, "mercutio.conf"), "a", encoding="utf-8") as f:
        f.write('\nsm { private_max = 32k }\nhost "localhost" { credentials = "internal" }\n')
    done = good(server.ctl("reload")).splitlines()
    assert "sm-1: changed: private_max" in done, done
    assert "auth-1: needs a restart: host:localhost.credentials" in done, done
    assert "good" in good(server.ctl("config", "check"))
    sample = os.path.join(server.dir, "sample.conf")
    with open(sample, "w", encoding="utf-8") as f:
        f.write(good(server.ctl("config", "defaults")).replace("#domain = {}", "domain = example.org"))
    good(server.ctl("--config", sample, "config", "check"))
    assert "localhost" in good(server.ctl("cert", "check"))
    assert good(server.ctl("admin", "LocalHost", "get-disabled-users-num")) == "0\n"
    bad(server.ctl("stats", "nobody"))
    bad(server.ctl("log", "level", "loud"), 2)
    bad(server.ctl("frob"), 2)
    bad(server.ctl("user", "add"), 2)


def strangers(server):
    """What clients have named something neither ends a line nor controls a terminal, C1 (U+009B) included."""
    stream = Stream(server).login("alice")
    stream.send("<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='carol@localhost'"
                " name='C&#10;mallory@localhost&#9;both&#9;&#x9b;31m&#xe9;'/></query></iq>")
    stream.sync()
    stream.close()
    assert good(server.ctl("user", "roster", "alice@localhost")).split("\n") == [
        "alice@localhost", "carol@localhost\tnone\tC?mallory@localhost?both???31m\u00e9", ""]


def closed_streams(server):
    """Standard streams that are closed: nothing else gets their numbers, and output that nobody gets fails."""
    ctl = [os.path.join(BUILD, "tools", "mercutioctl"), "--config", os.path.join(server.dir, "mercutio.conf")]
    for closed, status in (("<&-", 0), (">&-", 1), ("2>&-", 0), ("<&- >&- 2>&-", 1)):
        result = subprocess.run(["sh", "-c", f'exec "$@" {closed}', "sh", *ctl, "user", "list"],
                                capture_output=True, text=True, timeout=60 * SLOW)
        assert result.returncode == status, (closed, result)
        assert status or "alice@localhost" in result.stdout, (closed, result)


def trace(server):
    watcher = subprocess.Popen([os.path.join(BUILD, "tools", "mercutioctl"), "--config",
                                os.path.join(server.dir, "mercutio.conf"), "trace", "bob@localhost"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "watching" in watcher.stderr.readline()
        time.sleep(0.3)
        Stream(server).login("bob", "secret")
        Stream(server).login("alice")
        time.sleep(0.5)
    finally:
        watcher.send_signal(signal.SIGINT)
        out, _ = watcher.communicate(timeout=20)
    assert watcher.returncode == 0, watcher.returncode
    assert "SESSION_OPEN" in out, out
    assert "secret" not in out and "alice@" not in out, out


def drain(server):
    old = server.pids()["sm-1"]
    assert "sm-1" in good(server.ctl("drain", "sm-1"))
    wait_for("sm-1 again", lambda: server.pids().get("sm-1", old) != old, 40)
    good(server.ctl("--timeout", "30", "wait"))


def missing(server):
    """What lacks is said in plain words."""
    os.kill(server.pids()["auth-1"], signal.SIGSTOP)
    try:
        result = server.ctl("--timeout", "2", "status")
        assert result.returncode == 1 and "auth" in result.stdout, result.stdout
    finally:
        os.kill(server.pids()["auth-1"], signal.SIGCONT)
    good(server.ctl("--timeout", "30", "wait"))


def ends_by(server, signum):
    children = descendants(server.process.pid)
    assert len(children) >= 5
    started = time.monotonic()
    server.process.send_signal(signum)
    server.process.wait(60)
    wait_for("the end of all", lambda: not any(map(alive, children)), 5)
    return time.monotonic() - started


def ends(signum):
    with Server(users=["alice:secret"]) as server:
        ends_by(server, signum)
        assert server.process.returncode == (0 if signum != signal.SIGKILL else -9)


def keeps():
    """A second start in the same folder keeps accounts, CA and certificates."""
    with tempfile.TemporaryDirectory() as folder:
        with Server(users=["alice:secret"], keep=folder) as server:
            good(server.ctl("user", "add", "dave@localhost", stdin="kept\n"))
            with open(os.path.join(server.dir, "ca.pem")) as f:
                ca = f.read()
        with Server(keep=folder) as server:
            Stream(server).login("dave", "kept")
            with open(os.path.join(server.dir, "ca.pem")) as f:
                assert f.read() == ca


def run(*args):
    return subprocess.run([os.path.join(SOURCE, "run"), *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60 * SLOW)


def says_why():
    """What cannot start says why and ends."""
    base = free_port_base()
    with tempfile.TemporaryDirectory() as folder, socket.socket() as taken:
        taken.bind(("127.0.0.1", base + 222))
        taken.listen()
        result = run("--dir", folder, "--port-base", str(base))
        assert result.returncode != 0 and "ready" not in result.stdout
        assert "127.0.0.1:%d" % (base + 222) in result.stderr, result.stderr
        result = run("--dir", folder, "--port-base", str(base), "--set", "c2s.max_dept=9")
        assert result.returncode != 0 and "max_depth" in result.stderr, result.stderr
        result = run("--dir", folder, "--port-base", str(base), "--set",
                     "mercutio.instances=router-1,sm-1,sm-1")
        assert result.returncode == 1 and '"sm-1" is named twice' in result.stderr, result.stderr
        for name in ("c2s-1", "sm", "sm-", ""):
            result = subprocess.run([os.path.join(BUILD, "sm", "mercutio-sm"), "-c",
                                     os.path.join(folder, "mercutio.conf"), "-i", name, "-t"],
                                    capture_output=True, text=True, timeout=60 * SLOW)
            assert result.returncode == 1 and f"-i {name}: not sm," in result.stderr, result
    assert run().returncode == 2
    assert run("--dir").returncode == 2


def long_folder():
    """The sockets of a long DIR lie elsewhere; all else works."""
    with tempfile.TemporaryDirectory() as folder:
        deep = os.path.join(folder, *["a-name-that-takes-room"] * 5)
        with Server(users=["alice:secret"], keep=deep) as server:
            Stream(server).login("alice")
            good(server.ctl("status"))


def overrides():
    """What -o says is for all that the launcher starts, mercutioctl too; and an administrator's shutdown ends
    all, though an s2s that cannot listen is tried again and again."""
    with Server(users=["alice:secret"], args=["--instances", "s2s=1"]) as server:
        server.stop()
        options = ["-o", f"run_dir={server.dir}/other"]
        accounts = os.path.join(server.dir, "more")
        with open(accounts, "w") as f:
            f.write("bob@localhost\tsecret\n")
        launcher = subprocess.Popen(
            [os.path.join(BUILD, "tools", "mercutio"), "--config", os.path.join(server.dir, "mercutio.conf"),
             "--accounts", accounts, *options, "-o", "s2s.listen=203.0.113.1:5269"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        server.process = launcher
        assert launcher.stdout.readline() == "ready\n"
        Stream(server).login("bob", "secret").close()
        bad(server.ctl("-o", f"run_dir={server.dir}/nowhere", "status"))
        good(server.ctl(*options, "admin", "shutdown", "delay=0"))
        assert launcher.wait(60 * SLOW) == 0


def main():
    tap = Tap()
    with Server(users=["alice:secret", "bob:secret"]) as server:
        tap.run("the file pids names all processes", pids_file, server)
        tap.run("a full disk delays the file", pids_later, server)
        tap.run("c2s and storage let others finish", scheduling, server, ("c2s", "storage"))
        tap.run("accounts are added, changed, listed and removed", accounts, server)
        tap.run("imports tell each bad line", imports, server)
        tap.run("sessions are listed and ended", sessions, server)
        tap.run("status, routes, counters, levels, reload, checks", views, server)
        tap.run("what strangers say does not control a terminal", strangers, server)
        tap.run("standard streams that are closed", closed_streams, server)
        tap.run("traces show frames about one account, no secrets", trace, server)
        tap.run("a drained instance comes back", drain, server)
        tap.run("what is missing is told", missing, server)
        tap.run("whatever is killed is started again", restart, server)
    tap.run("all let others finish", scheduled)
    tap.run("SIGTERM ends all", ends, signal.SIGTERM)
    tap.run("SIGINT ends all", ends, signal.SIGINT)
    tap.run("SIGKILL leaves nothing", ends, signal.SIGKILL)
    tap.run("a second start keeps what was there", keeps)
    tap.run("what cannot start says why", says_why)
    tap.run("long paths", long_folder)
    tap.run("options of the command line are for all; a shutdown ends all", overrides)
    tap.done()


if __name__ == "__main__":
    main()
