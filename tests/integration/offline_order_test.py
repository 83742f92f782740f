#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Order while offline messages flow (RFC 6120 section 10.1, XEP-0160): nothing that a sender sends meanwhile
comes before what the same sender had sent earlier, whether it is stored or not."""
import contextlib
import re
import signal

from harness import TIMEOUT, Server, Tap, client
from raw import USERS, options, run_all, session

STORED = 200  # of each of two senders: with what follows fewer than may wait for their commit (c2s.window)
NUMBER = re.compile(r"(\d+)$")


def message(n, kind="chat", inner=""):
    return (f"<message to='juliet@localhost' type='{kind}' id='m{n}'><body>{n}</body>{inner}</message>")


NO_STORE = "<no-store xmlns='urn:xmpp:hints'/>"
LIVE = (  # what a sender sends meanwhile: kind of message, what is in it
    ("chat", ""), ("chat", NO_STORE), ("headline", ""), ("normal", ""), ("normal", NO_STORE), ("chat", ""))
STORED_KINDS = (("chat", ""), ("normal", ""))


def numbers(got, sender):
    return [int(NUMBER.search(e.get("id")).group(1)) for e in got
            if (e.get("from") or "").startswith(sender) and (e.get("id") or "").startswith("m")]


def store(senders):
    for n in range(STORED):
        for s in senders:
            s.send(message(n))
    for s in senders:
        s.sync()


def live(senders, at):
    """What is sent while the stored messages are on their way; the highest number."""
    for kind, inner in LIVE:
        for s in senders:
            s.send(message(at, kind, inner))
        at += 1
    return at - 1


def collect(juliet, senders, last):
    """All that juliet gets until she has the last one of each sender."""
    got, missing = [], {s.jid for s in senders}
    while missing:
        e = juliet.receive(2 * TIMEOUT)
        got.append(e)
        if e.get("id") == f"m{last}":
            missing.discard(e.get("from"))
    return got


def in_order(server, senders, juliet, last):
    got = collect(juliet, senders, last)
    got += juliet.sync()
    for s in senders:
        assert numbers(got, s.jid) == list(range(last + 1)), numbers(got, s.jid)


@contextlib.contextmanager
def storage_halted(server):
    server.kill("storage-1", signal.SIGSTOP)
    try:
        yield
    finally:
        server.kill("storage-1", signal.SIGCONT)


def taken(*streams):
    """The session manager has what they have sent."""
    for s in streams:
        s.ping("passed")
        s.until("passed")


def end(*streams):
    for s in streams:
        s.send("</stream:stream>")
        s.wait_closed()
        s.close()


def storage_stopped(server):
    """The first page of the stored ones is not read yet, whatever the machine does."""
    senders = [client(server, "romeo"), client(server, "mercutio")]
    store(senders)
    juliet = session(server, "juliet", resource="balcony")
    with storage_halted(server):
        juliet.send("<presence/>")
        juliet.sync()
        last = live(senders, STORED)
        taken(*senders)
    in_order(server, senders, juliet, last)
    end(juliet, *senders)


def without_pause(server):
    """Many rounds of live ones while the stored ones come."""
    senders = [client(server, "romeo"), client(server, "mercutio")]
    store(senders)
    juliet = session(server, "juliet", resource="balcony")
    juliet.send("<presence/>")
    last = STORED - 1
    for _ in range(20):
        last = live(senders, last + 1)
    in_order(server, senders, juliet, last)
    end(juliet, *senders)


def requests(server):
    """An IQ to the full JID comes behind the same sender's messages too."""
    romeo = client(server, "romeo")
    store([romeo])
    juliet = session(server, "juliet", resource="balcony")
    juliet.send(f"<presence to='{romeo.jid}'/>")  # so that he may ask (RFC 6121 section 8.5.3.1)
    romeo.receive()
    with storage_halted(server):
        juliet.send("<presence/>")
        juliet.sync()
        romeo.send(f"<iq type='get' id='m{STORED}' to='{juliet.jid}'><ping xmlns='urn:xmpp:ping'/></iq>")
        taken(romeo)
    in_order(server, [romeo], juliet, STORED)
    juliet.send(f"<iq type='result' id='m{STORED}' to='{romeo.jid}'/>")
    romeo.until(f"m{STORED}")
    end(juliet, romeo)


def owner_dies(server):
    """The session manager dies while they wait: the next one gives each once, and those that are stored in
    their order. (What the dead one had held for a stored one may come behind what was stored later.)"""
    senders = [client(server, "romeo"), client(server, "mercutio")]
    store(senders)
    juliet = session(server, "juliet", resource="balcony")
    with storage_halted(server):
        juliet.send("<presence/>")
        juliet.sync()
        last = live(senders, STORED)
        taken(*senders)
        for name in server.pids():
            if name.startswith("sm-"):
                server.kill(name)
    for s in senders:
        s.send(message(last + 1))
    got = collect(juliet, senders, last + 1) + juliet.sync()
    logged = set(range(STORED)) | {STORED + i for i, row in enumerate(LIVE) if row in STORED_KINDS}
    for s in senders:
        numbers_got = numbers(got, s.jid)
        assert sorted(numbers_got) == list(range(last + 2)), numbers_got
        stored = [n for n in numbers_got if n in logged]
        assert stored == sorted(stored), stored
    end(juliet, *senders)


def gone_meanwhile(server):
    """The session ends before: what waited for it is answered, or stored, as without it."""
    romeo = client(server, "romeo")
    store([romeo])
    juliet = session(server, "juliet", resource="balcony")
    with storage_halted(server):
        juliet.send("<presence/>")
        juliet.sync()
        romeo.send("<message to='juliet@localhost' id='lost'><body>x</body>" + NO_STORE + "</message>")
        taken(romeo)
        juliet.close()
        romeo.until("lost")  # an error: RFC 6121 section 8.5.2.2.1
    juliet = session(server, "juliet", resource="balcony")
    juliet.send("<presence/>")
    in_order(server, [romeo], juliet, STORED - 1)
    end(juliet, romeo)


def main():
    tap = Tap()
    users = [*USERS[:2], "mercutio:queen"]
    with Server(users=users, args=options(c2s__rate_bytes=0, c2s__rate_stanzas=0)) as server:
        run_all(tap, server, storage_stopped, without_pause, requests, owner_dies, gone_meanwhile)
    tap.done()


if __name__ == "__main__":
    main()
