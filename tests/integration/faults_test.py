#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Processes killed (-9) under traffic: sockets stay, acknowledged messages arrive once and in order."""
import itertools
import os
import sys
import threading
import time

from harness import SLOW, TIMEOUT, Closed, Server, Stream, Tap, client

SM = "urn:xmpp:sm:3"
USERS = ("romeo:montague", "juliet:capulet", "nurse:angelica")
RECOVERY = 30 * SLOW  # until it works again; longer is a failure
PAUSE = 0.02          # between messages


def wait_alive(s, tag=None):
    """A ping that is answered; what came before it. Repeated, for one may end with an error."""
    deadline = time.monotonic() + RECOVERY
    got = []
    while True:
        tag = "alive-%d" % time.monotonic_ns()
        s.ping(tag)
        while True:
            e = s.receive(max(0.1, deadline - time.monotonic()))
            if e.get("id") == tag:
                break
            got.append(e)
        if e.get("type") == "result":
            return got
        assert time.monotonic() < deadline, "pings are answered by errors only"


class Sender(threading.Thread):
    """A slow stream of numbered messages with XEP-0198; knows which are acknowledged."""

    def __init__(self, server, user, to, prefix, **kw):
        super().__init__(daemon=True)
        self.stream = Stream(server, **kw).login(user)
        self.stream.send(f"<enable xmlns='{SM}'/>")
        assert self.stream.receive().tag == "{%s}enabled" % SM
        self.to, self.prefix = to, prefix
        self.sent = self.acked = 0
        self.errors = []
        self.stopping = threading.Event()
        self.failure = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.send_one()
                self.take(PAUSE)
            self.finish()
        except Exception as e:
            self.failure = e

    def send_one(self):
        self.stream.send(f"<message to='{self.to}' type='chat' id='{self.prefix}{self.sent}'>"
                         f"<body>{self.sent}</body></message><r xmlns='{SM}'/>")
        self.sent += 1

    def take(self, seconds):
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                e = self.stream.receive(left)
            except TimeoutError:
                return
            if e.tag == "{%s}a" % SM:
                self.acked = max(self.acked, int(e.get("h")))
            elif e.get("type") == "error":
                self.errors.append(e.get("id"))

    def finish(self):
        """Until everything is acknowledged."""
        deadline = time.monotonic() + RECOVERY
        while self.acked < self.sent:
            assert time.monotonic() < deadline, f"{self.acked} of {self.sent} acknowledged"
            self.stream.send(f"<r xmlns='{SM}'/>")
            self.take(0.2)

    def stop(self):
        self.stopping.set()
        self.join(RECOVERY + TIMEOUT)
        if self.failure:
            raise self.failure
        assert not self.is_alive()
        assert not self.errors, f"messages were answered by errors: {self.errors}"
        return self.sent


def messages(stream, prefix, expected):
    """The numbers of that sender's messages that come, until all have; then no more may."""
    got = []
    deadline = time.monotonic() + RECOVERY
    while len(got) < expected and time.monotonic() < deadline:
        try:
            e = stream.receive(1)
        except TimeoutError:
            continue
        if (e.get("id") or "").startswith(prefix):
            got.append(int(e.get("id")[len(prefix):]))
    for e in wait_alive(stream):
        if (e.get("id") or "").startswith(prefix):
            got.append(int(e.get("id")[len(prefix):]))
    return got


def check(got, sent):
    twice = [n for n in got if got.count(n) > 1]
    missing = [n for n in range(sent) if n not in got]
    assert not twice, f"given twice: {sorted(set(twice))}"
    assert not missing, f"lost: {missing} of {sent}"
    assert got == sorted(got), f"out of order: {got}"


def killed(server, name):
    """Kills it and waits for the restart to be in the pids file."""
    before = server.pids()[name]
    server.kill(name)
    deadline = time.monotonic() + RECOVERY
    while True:
        try:
            now = server.pids().get(name)
            if now and now != before:
                return
        except (OSError, ValueError):
            pass
        assert time.monotonic() < deadline, f"{name} was not restarted"
        time.sleep(0.02)


def under_traffic(server, name, rounds=2):
    """Both directions of a chat while it is killed."""
    juliet, romeo = client(server, "juliet"), client(server, "romeo", "other")
    a = Sender(server, "romeo", juliet.jid, "a")
    b = Sender(server, "juliet", romeo.jid, "b")
    a.start()
    b.start()
    try:
        for _ in range(rounds):
            time.sleep(0.3)
            killed(server, name)
            wait_alive(a_ping(server))
    finally:
        a.stopping.set()
        b.stopping.set()
    sent_a, sent_b = a.stop(), b.stop()
    check(messages(juliet, "a", sent_a), sent_a)
    check(messages(romeo, "b", sent_b), sent_b)
    for s in (a.stream, b.stream, juliet, romeo):
        wait_alive(s)
        s.close()


def a_ping(server):
    """A new login works again: every process is back."""
    deadline = time.monotonic() + RECOVERY
    while True:
        try:
            return client(server, "nurse")
        except (AssertionError, Closed, OSError):
            assert time.monotonic() < deadline, "nobody can log in"
            time.sleep(0.1)


def roster_set(server, name):
    """A roster set under way when it dies is answered, and done if the answer says so."""
    s = Stream(server).login("romeo")
    for n in itertools.count():
        killer = threading.Timer(0.005 * n, killed, (server, name))
        killer.start()
        jid = f"{name}{n}@example.com"
        s.send(f"<iq type='set' id='set{n}'><query xmlns='jabber:iq:roster'><item jid='{jid}'/></query></iq>")
        while (e := s.receive(RECOVERY)).get("id") != f"set{n}":
            pass
        killer.join()
        if e.get("type") == "result":
            fresh = a_roster(server)
            assert jid in fresh, f"{jid} was confirmed and is not there: {fresh}"
        if n == 3:
            break
    wait_alive(s)
    s.close()


def a_roster(server):
    a_ping(server).close()
    s = Stream(server).login("romeo")
    s.send("<iq type='get' id='get'><query xmlns='jabber:iq:roster'/></iq>")
    while (e := s.receive(RECOVERY)).get("id") != "get":
        pass
    s.close()
    assert e.get("type") == "result"
    return [item.get("jid") for item in e.iter("{jabber:iq:roster}item")]


def presence_stays(server, name):
    """After a take-over presence is known without anybody sending it again."""
    juliet = client(server, "juliet", "seen")
    romeo = client(server, "romeo")
    killed(server, name)
    a_ping(server).close()
    wait_alive(romeo)
    romeo.send("<message to='juliet@localhost' type='chat' id='p'><body>still there?</body></message>")
    while (e := juliet.receive(RECOVERY)).get("id") != "p":
        pass
    romeo.close()
    juliet.close()


def offline(server, *names):
    """What was acknowledged for a user who is away is there after all of them were killed."""
    a = Sender(server, "romeo", "juliet@localhost", "off")
    a.start()
    for name in names:
        time.sleep(0.2)
        killed(server, name)
    sent = a.stop()
    a.stream.close()
    for name in names:
        killed(server, name)
    a_ping(server).close()
    juliet = Stream(server).login("juliet")
    juliet.send("<presence/>")
    check(messages(juliet, "off", sent), sent)
    juliet.close()
    again = client(server, "juliet", presence=False)
    again.send("<presence/>")
    assert not [e for e in wait_alive(again) if (e.get("id") or "").startswith("off")]
    again.close()


def other_c2s(server):
    """A c2s dies: its clients' connections end, those of the other do not notice."""
    at = [server.base + 401, server.base + 402]
    juliet = Stream(server, tls=False, port=at[1])
    starttls(juliet)
    juliet.login("juliet")
    juliet.send("<presence/>")
    victim = Stream(server, tls=False, port=at[0])
    starttls(victim)
    victim.login("nurse")
    romeo = Stream(server, tls=False, port=at[1])
    starttls(romeo)
    romeo.login("romeo")
    killed(server, "c2s-1")
    try:
        victim.wait_closed()
    finally:
        victim.close()
    for n in range(20):
        romeo.send(f"<message to='{juliet.jid}' type='chat' id='c{n}'><body>x</body></message>")
    check(messages(juliet, "c", 20), 20)
    wait_alive(romeo)
    wait_alive(juliet)
    deadline = time.monotonic() + RECOVERY
    while True:  # the dead one serves again
        try:
            s = Stream(server, tls=False, port=at[0])
            starttls(s)
            wait_alive(s.login("nurse"))
            break
        except (OSError, Closed, AssertionError):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    for s in (romeo, juliet, s):
        s.close()


def starttls(s):
    s.open()
    s.features()
    s.starttls()


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("faults", "it chooses the instances itself")
        tap.done()

    def run(label, fn, *args):
        if len(sys.argv) < 2 or any(word in label for word in sys.argv[1:]):
            # A server of its own: one test's trouble is not the next one's.
            tap.run(label, with_server, fn, *args)

    def with_server(fn, *args):
        with Server(users=USERS, args=instances) as server:
            fn(server, *args)

    instances = ["--unlimited"]
    for name in ("sm-1", "storage-1", "auth-1", "router-1"):
        run(f"chat while {name} dies", under_traffic, name)
    for name in ("sm-1", "storage-1"):
        run(f"roster set while {name} dies", roster_set, name)
    run("presence outlives sm-1", presence_stays, "sm-1")
    run("offline messages outlive storage-1 and sm-1", offline, "storage-1", "sm-1")
    instances = ["--unlimited", "--instances", "sm=2,c2s=2"]
    for name in ("sm-1", "sm-2", "storage-1", "router-1"):
        run(f"two sm, chat while {name} dies", under_traffic, name)
    run("one of two c2s dies", other_c2s)
    tap.done()


if __name__ == "__main__":
    main()
