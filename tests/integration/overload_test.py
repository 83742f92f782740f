#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Limits that a crowd runs into, or a client that does not read: logins at once, open files, output."""
import base64
import os
import resource
import socket
import struct
import sys
import time

from harness import NS, TIMEOUT, Closed, Server, Stream, Tap
from raw import USERS, alive, auth, b64, failure, options, run_all, secure, session, stats

FULL = "the limit of open files"


def until(what, why):
    deadline = time.monotonic() + TIMEOUT
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


# --- logins at once -------------------------------------------------------------------------------

def first(name):
    return b64(f"n,,n={name},r=rOprNGfwEbeRWgbNEkqO")


def login_queue(server):
    """PLAIN logins beyond those that a thread works at and those that wait are told to try later; who
    waits is served, and so is everybody afterwards."""
    crowd = [secure(server) for _ in range(8)]
    for n, s in enumerate(crowd):
        auth(s, "PLAIN", b64(f"\0{'romeo' if n % 2 else 'nobody'}\0montague"))
    got = []
    for s in crowd:
        e = s.receive()
        got.append(e.tag.split("}")[1] if e.tag.endswith("}success") else e[0].tag.split("}")[1])
    assert "temporary-auth-failure" in got, got
    assert set(got) <= {"temporary-auth-failure", "success", "not-authorized"}, got
    assert got.count("temporary-auth-failure") < len(crowd), got
    for s in crowd:
        s.close()
    s = secure(server)
    assert s.plain("romeo", "montague").tag.endswith("}success")
    s.close()


def exchanges(server):
    """Logins that are begun and not ended are limited; an abort, or the end of the stream, makes room."""
    held = [secure(server) for _ in range(3)]
    for s in held:
        auth(s, "SCRAM-SHA-256", first("romeo"))
        assert s.receive().tag.endswith("}challenge")
    s = secure(server)
    auth(s, "SCRAM-SHA-256", first("romeo"))
    failure(s, "temporary-auth-failure")
    held[0].send(f"<abort xmlns='{NS['sasl']}'/>")
    failure(held[0], "aborted")
    auth(s, "SCRAM-SHA-256", first("romeo"))
    assert s.receive().tag.endswith("}challenge")
    held[1].close()
    until(lambda: stats(server, "auth-1")["exchanges_open"] < 3, "the end of a stream makes no room")
    assert held[0].plain("romeo", "montague").tag.endswith("}success")
    for s in (s, *held):
        s.close()


def lock_ends(server):
    """A lock-out ends by itself (lockout_time)."""
    for _ in range(2):
        s = secure(server)
        auth(s, "PLAIN", b64("\0romeo\0wrong"))
        failure(s, "not-authorized")
        s.close()
    s = secure(server)
    auth(s, "PLAIN", b64("\0romeo\0montague"))
    failure(s, "not-authorized")

    def again():
        s = secure(server)
        try:
            return s.plain("romeo", "montague").tag.endswith("}success")
        finally:
            s.close()

    s.close()
    until(again, "it is locked for ever")


def register(server, name):
    s = secure(server)
    s.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'>"
           f"<username>{name}</username><password>secret</password></query></iq>")
    e = s.receive()
    s.close()
    return e.get("type") == "result"


def registering_again(server):
    """In-band registrations are counted for a time (register_period)."""
    assert register(server, "one") and not register(server, "two")
    until(lambda: register(server, "two"), "the address may never register again")


def wrong_is_slow(server):
    """The answer to a wrong password waits (fail_delay), known account or not; a right one does not."""
    for name in ("romeo", "nobody"):
        for mechanism, data in (("PLAIN", b64(f"\0{name}\0wrong")), ("SCRAM-SHA-256", first(name))):
            s = secure(server)
            began = time.monotonic()
            auth(s, mechanism, data)
            if mechanism != "PLAIN":
                nonce = base64.b64decode(s.receive().text).decode().split(",")[0]
                s.send(f"<response xmlns='{NS['sasl']}'>"
                       f"{b64('c=biws,' + nonce + ',p=' + b64(bytes(32)))}</response>")
            failure(s, "not-authorized")
            assert time.monotonic() - began >= 1.5, (name, mechanism)
            s.close()


# --- open files -----------------------------------------------------------------------------------

def said(server):
    with open(os.path.join(server.dir, "log", "c2s-1.log")) as f:
        return f.read().count(FULL)


def ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def files(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def limit(pid, n):
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (n, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))


def waits(sock):
    """It is connected, and nobody has accepted it: no header comes while c2s answers others."""
    sock.settimeout(1)
    try:
        return sock.recv(100) is None
    except (TimeoutError, socket.timeout):
        return True


def call(server):
    s = Stream(server, tls=False)
    s.open()
    return s


def sleeps(pid):
    """Over a second it is nearly always asleep: a process that spins has 100 ticks of it."""
    before = ticks(pid)
    time.sleep(1)
    return ticks(pid) - before < os.sysconf("SC_CLK_TCK") // 3


def open_files(server):
    """Spare descriptors are kept: c2s stops before the limit, says so once, sleeps, serves who is there,
    and goes on when some have gone."""
    pid = server.pids()["c2s-1"]
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
    there = session(server)
    limit(pid, 128)
    crowd = [call(server) for _ in range(100)]
    until(lambda: said(server) == 1, "c2s does not say that it is full")
    served = []
    for s in crowd:
        try:
            s.receive(1)
            served.append(s)
        except TimeoutError:
            break
    waiting = crowd[len(served):]
    assert 128 - 32 - 2 <= files(pid) <= 128 - 32 + 1, files(pid)
    assert waiting and waits(waiting[0].sock), len(served)
    alive(there)
    assert sleeps(pid), "c2s spins"
    for s in served:
        s.close()
    waiting[0].features()  # those come now
    waiting[-1].features()
    # While the first went one by one it may have been full once more.
    told = said(server)
    assert told <= 2, told
    for s in waiting:
        s.close()
    until(lambda: stats(server)["connections"] == 1, "they are still there")
    # A second time it is news again.
    crowd = [call(server) for _ in range(100)]
    until(lambda: said(server) > told, "the second time is not told")
    for s in crowd:
        s.close()
    limit(pid, old)
    until(lambda: stats(server)["connections"] == 1, "they are still there")
    alive(there)
    there.close()


def no_file_left(server):
    """The limit was lowered below what is open: nothing can be accepted at all, and all the same c2s
    sleeps, says so once, and takes who waits when it can."""
    pid = server.pids()["c2s-1"]
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
    there, before = session(server), said(server)
    limit(pid, files(pid) - 1)
    s = call(server)
    until(lambda: said(server) == before + 1, "c2s does not say that it is full")
    assert waits(s.sock) and sleeps(pid), "c2s spins"
    alive(there)
    limit(pid, old)
    s.features()
    assert said(server) == before + 1
    s.close()
    there.close()


# --- output that nobody reads ---------------------------------------------------------------------

def deaf(server):
    """A session with a small window of receipt."""
    s = Stream.__new__(Stream)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((server.address, server.tls_port))
    s.server, s.domain, s.jid = server, "localhost", None
    s.sock = server.tls_context().wrap_socket(sock, server_hostname="localhost")
    s.reset()
    return s.login("romeo")


def closed_with(server, reason):
    with open(os.path.join(server.dir, "log", "c2s-1.log")) as f:
        return sum("client disconnected" in line and reason in line for line in f)


def out_limit(server):
    """A client that asks and does not read is closed long before out_timeout: at out_limit for what c2s
    answers itself, at sm's given_max for the rest, which c2s does not take when it is full."""
    for stanza, reason in (
            ("<r xmlns='urn:xmpp:sm:3'/>", "it does not read"),
            ("<iq type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>", "resource-constraint")):
        s = deaf(server)
        before = closed_with(server, reason)
        s.send("<enable xmlns='urn:xmpp:sm:3'/>")
        assert s.receive().tag.endswith("}enabled")
        s.sock.settimeout(TIMEOUT)
        try:
            for _ in range(2000):
                s.send(stanza * 200)
        except (OSError, Closed):
            pass
        until(lambda: closed_with(server, reason) > before, stanza)
        s.close()


def user_timeout(server):
    """A peer whose kernel takes nothing for that long is gone, whatever the other times are."""
    s, romeo = deaf(server), session(server, "juliet")
    until(lambda: stats(server)["connections"] == 2, "both are there")
    body = "x" * 20000
    for n in range(60):
        romeo.send(f"<message to='{s.jid}' type='chat' id='f{n}'><body>{body}</body></message>")
    romeo.sync()
    until(lambda: stats(server)["connections"] == 1, "it is still there")
    assert closed_with(server, os.strerror(110)), "for another reason"
    alive(romeo)
    romeo.close()
    s.close()


def rude_ends(server):
    """Connections that are reset at once while files are scarce are none too many."""
    pid = server.pids()["c2s-1"]
    old = resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]
    before = files(pid)
    limit(pid, before + 32 + 4)
    for _ in range(200):
        sock = socket.create_connection((server.address, server.starttls_port), TIMEOUT)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    s = session(server)
    s.close()
    limit(pid, old)
    until(lambda: files(pid) <= before, "descriptors have leaked")


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("overload", "the limits are those of one of each process")
        tap.done()
    with Server(users=USERS[:1], args=options(
            auth__workers=1, auth__login_queue=1, auth__scram_iterations=1000000,
            auth__fail_delay="0s", auth__password_cache="0s", auth__max_exchanges=100)) as server:
        run_all(tap, server, login_queue)
    with Server(users=USERS[:1], args=options(auth__max_exchanges=3, auth__fail_delay="0s")) as server:
        run_all(tap, server, exchanges)
    with Server(users=USERS[:1], args=options(
            auth__lockout_count=2, auth__lockout_time="1s", auth__fail_delay="0s")) as server:
        run_all(tap, server, lock_ends)
    with Server(args=("--register", *options(
            auth__register_rate=1, auth__register_period="2s"))) as server:
        run_all(tap, server, registering_again)
    with Server(users=USERS[:1], args=options(auth__fail_delay="1500ms")) as server:
        run_all(tap, server, wrong_is_slow)
    with Server(users=USERS[:2], args=options(c2s__connections_per_address=0)) as server:
        run_all(tap, server, open_files, no_file_left, rude_ends)
    unread = dict(c2s__rate_bytes=0, c2s__rate_stanzas=0, c2s__out_timeout="1h", c2s__ack_timeout="1h",
                  c2s__idle_ping="0s")
    with Server(users=USERS[:2], args=options(c2s__out_max="16k", c2s__out_limit="64k", **unread)) as server:
        run_all(tap, server, out_limit)
    with Server(users=USERS[:2], args=options(c2s__user_timeout="1s", **unread)) as server:
        run_all(tap, server, user_timeout)
    tap.done()


if __name__ == "__main__":
    main()
