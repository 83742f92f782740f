#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""Every limit that a client can run into, with raw sockets: what is refused, slowed down or closed."""
import os
import signal
import socket
import ssl
import sys
import time
import xml.etree.ElementTree as ET

import harness
from harness import NS, TIMEOUT, Closed, Server, Stream, Tap, client, settle
from raw import (USERS, alive, auth, authenticated, b64, failure, options, refused, run_all, secure,
                 session, stanza_error, stats, stream_error)


# --- size and time of what is sent ----------------------------------------------------------------

def small_before_login(server):
    """Before login a stanza has at most 10,000 bytes (RFC 6120 section 13.12)."""
    s = secure(server)
    auth(s, "PLAIN", "A" * 20000)
    stream_error(s, "policy-violation")


def limits_of(features):
    """XEP-0478: bytes of a stanza, seconds of silence."""
    e = features.find("{urn:xmpp:stream-limits:0}limits")
    assert e is not None, "no limits are announced"
    return {c.tag.split("}")[1]: int(c.text) for c in e}


LARGEST = 256 << 10


def announced(server):
    """XEP-0478: what is announced is what is enforced, to the byte, before login and after it."""
    s = Stream(server)
    s.open()
    assert limits_of(s.features()) == {"max-bytes": 10000}
    start, end = f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>", "</auth>"
    s.send(start + "A" * (10000 - len(start + end)) + end)
    assert s.receive().tag == "{%s}failure" % NS["sasl"]
    s.send(start + "A" * (10001 - len(start + end)) + end)
    stream_error(s, "policy-violation")
    s, juliet = secure(server), client(server, "juliet")
    s.plain("romeo", "montague")
    s.reset()
    s.open()
    assert limits_of(s.features()) == {"max-bytes": LARGEST, "idle-seconds": 600}
    s.bind()
    start, end = f"<message to='{juliet.jid}' id='largest'><body>", "</body></message>"
    s.send(start + "x" * (LARGEST - len(start + end)) + end)
    assert juliet.receive().get("id") == "largest"
    s.send(start + "x" * (LARGEST + 1 - len(start + end)) + end)
    stream_error(s, "policy-violation")
    assert not juliet.sync()
    juliet.close()


INSIDE = {  # as many as are allowed, and one more: what a message has inside
    "max_depth": (10, lambda n: "<a>" * (n - 1) + "</a>" * (n - 1)),
    "max_attributes": (12, lambda n: "<a %s/>" % " ".join(f"a{i}=''" for i in range(n))),
    "max_elements": (20, lambda n: "<a/>" * n),
    "max_namespaces": (15, lambda n: "".join(f"<a xmlns='urn:x:{i}'/>" for i in range(n))),
}


def inside(server):
    """Each limit on a stanza's inside is where the option has it: that many pass, one more does not."""
    for name, (most, make) in INSIDE.items():
        s = session(server)
        for n in (most - 3, most + 3):  # the message itself, and its own declarations, may count too
            s.send(f"<message to='{s.jid}' id='{name}'>{make(n)}</message>")
            if n < most:
                while s.receive().get("id") != name:
                    pass
        stream_error(s, "policy-violation")


def header_size(server):
    """A stream's header has a size, what stands before it included."""
    start, end = "<?xml version='1.0'?><stream:stream a='", (
        "' to='localhost' version='1.0' xmlns='jabber:client' xmlns:stream='%s'>" % NS["stream"])
    for n in (512, 513):
        s = Stream(server)
        s.send(start + "x" * (n - len(start + end)) + end)
        if n == 512:
            s.features()
            s.close()
        else:
            stream_error(s, "policy-violation")


def endless_before_login(server):
    """Even in small pieces: bytes before login are limited."""
    s = secure(server)
    try:
        for _ in range(200):
            s.send(" " * 1000)
    except OSError:
        pass
    stream_error(s, "policy-violation")


def slow_stanza(server):
    s = session(server)
    s.send("<message to='juliet@localhost'><body>")
    began = time.monotonic()
    stream_error(s, "policy-violation", "connection-timeout")
    assert time.monotonic() - began > 0.9


def trickle(server):
    """A stanza that makes progress but never ends is too slow all the same."""
    s = session(server)
    s.send("<message to='juliet@localhost'><body>")
    s.sock.settimeout(0.05)
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            s.send("x")
            s._pump(0.05)
        except (TimeoutError, ssl.SSLWantReadError):
            continue
        except OSError:
            break
        if s.queue or s.ended:
            break
    stream_error(s, "policy-violation", "connection-timeout")


def slow_login(server):
    for tls in (True, False):
        s = Stream(server, tls=tls)
        s.open()
        s.features()
        stream_error(s, "policy-violation", "connection-timeout", "not-authorized")
    raw = socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT)
    raw.settimeout(TIMEOUT)
    assert raw.recv(100) == b"" or True, "a client that says nothing is let go"
    raw.close()


def rss(server, name="c2s-1"):
    with open(f"/proc/{server.pids()[name]}/status") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))


def huge(server):
    """50 MB of one stanza: refused as soon as it is too big, and never held."""
    s = session(server)
    before = rss(server)
    s.send("<message to='juliet@localhost'><body>")
    try:
        for _ in range(50):
            s.send("x" * 1000000)
    except OSError:
        pass
    try:
        stream_error(s, "policy-violation")
    except (Closed, AssertionError):
        pass  # what we still sent may have reset the connection before the error was read
    limit = 4096 if "asan" not in harness.BUILD and "san" not in harness.BUILD else 65536
    assert rss(server) - before < limit, (before, rss(server))


def address_limit(server):
    held = [Stream(server) for _ in range(5)]
    for s in held:
        s.open()
        s.features()
    refused(server)
    held.pop().close()
    deadline = time.monotonic() + TIMEOUT
    while True:  # its end is noticed a moment later
        try:
            s = Stream(server)
            s.open()
            s.features()
            break
        except (OSError, Closed):
            assert time.monotonic() < deadline
    for s in (s, *held):
        s.close()


def login_limit(server):
    bound = [session(server) for _ in range(3)]  # they do not count
    held = [secure(server) for _ in range(4)]
    refused(server)
    for s in (*bound, *held):
        s.close()


def binding_limit(server):
    open_ones = [session(server, "juliet") for _ in range(3)]
    s = authenticated(server, "juliet")
    stanza_error(s.bind(), "resource-constraint")
    open_ones.pop().close()
    for s in (s, *open_ones):
        s.close()


# --- how fast, how much at once -------------------------------------------------------------------

def flood(s, to, n, size=10, kind="chat"):
    s.send("".join(f"<message to='{to}' type='{kind}' id='f{i}'><body>{'x' * size}</body></message>"
                   for i in range(n)))


def bodies(s, n):
    got = []
    while len(got) < n:
        e = s.receive()
        if (e.get("id") or "").startswith("f"):
            got.append(int(e.get("id")[1:]))
    return got


def rate_slows(server):
    """Token buckets slow a client down: nothing is lost, nobody is closed, and order stays."""
    juliet, s = client(server, "juliet"), session(server)
    flood(s, juliet.jid, 60)
    assert bodies(juliet, 60) == list(range(60))
    assert stats(server)["throttled"] >= 1
    alive(s)
    before = stats(server)["throttled"]
    flood(s, juliet.jid, 4, 20000)
    assert bodies(juliet, 4) == list(range(4))
    assert stats(server)["throttled"] > before, "bytes are not limited"
    alive(s)
    s.close()
    juliet.close()


def window(server):
    """While nothing is done, a client is not read beyond the window (in stanzas, or in bytes) and what one
    read had brought."""
    juliet, s = client(server, "juliet"), session(server)
    base = stats(server)["stanzas_in"]
    server.kill("sm-1", signal.SIGSTOP)
    try:
        flood(s, juliet.jid, 30, 6000)
        deadline = time.monotonic() + TIMEOUT
        while stats(server)["stanzas_in"] - base < 10:
            assert time.monotonic() < deadline
        taken = stats(server)["stanzas_in"] - base
        assert 10 <= taken <= 10 + 3, taken  # 16 KB of TLS at a time
    finally:
        server.kill("sm-1", signal.SIGCONT)
    assert bodies(juliet, 30) == list(range(30))
    s.close()
    juliet.close()


def deaf(server, user="juliet"):
    """A session that is sent to and reads nothing."""
    s = client(server, user)
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return s


def unread(server):
    """Output that nobody reads: the connection is closed after out_timeout."""
    s, romeo = deaf(server), session(server)
    before = stats(server)["connections"]
    for _ in range(20):
        flood(romeo, s.jid, 20, 20000)
        romeo.sync()
        if stats(server)["connections"] < before:
            break
    deadline = time.monotonic() + TIMEOUT
    while stats(server)["connections"] >= before:
        assert time.monotonic() < deadline, "it is still there"
        time.sleep(0.05)
    alive(romeo)
    romeo.close()
    s.close()


def unacknowledged(server):
    """XEP-0198: an <r/> that stays unanswered ends the connection (ack_timeout)."""
    s, romeo = session(server, "juliet"), session(server)
    s.send("<enable xmlns='urn:xmpp:sm:3'/><presence/>")
    romeo.send(f"<message to='{s.jid}' id='m'><body>x</body></message>")
    got = [e.tag.split("}")[1] for e in s.wait_closed()]
    assert "r" in got and "message" in got, got
    s.close()
    romeo.close()


def given(server):
    """XEP-0198: what a client does not acknowledge, and no log has, is bounded too (given_max)."""
    s, romeo = session(server, "juliet"), session(server)
    s.send("<enable xmlns='urn:xmpp:sm:3'/><presence/>")
    s.sync()
    flood(romeo, s.jid, 10, 20000, "headline")
    stream_error(s, "resource-constraint")
    romeo.close()


def idle(server):
    """Silence: a blank, then a question, then the end."""
    s = session(server)
    s.sock.settimeout(TIMEOUT)
    blank = s.sock.recv(1000)
    assert blank == b" ", blank
    ping = s.receive()
    assert ping.find("{urn:xmpp:ping}ping") is not None, ET.tostring(ping)
    s.send(f"<iq type='result' to='localhost' id='{ping.get('id')}'/>")
    ping = s.receive()  # it was alive, and is asked again
    assert ping.find("{urn:xmpp:ping}ping") is not None
    stream_error(s, "connection-timeout")


def peer_end(server):
    """RFC 6120 section 4.4: the client's end of a stream that we have closed is not awaited for ever."""
    s = session(server)
    s.send("<x/>")
    stream_error_and_wait = s.wait_closed()
    assert stream_error_and_wait
    s.close()


# --- who logs in ----------------------------------------------------------------------------------

def lockout(server):
    """Wrong passwords lock the account for a time, and nobody else's."""
    for n in range(3):
        s = secure(server)
        auth(s, "PLAIN", b64(f"\0romeo\0wrong{n}"))
        failure(s, "not-authorized")
        s.close()
    s = secure(server)
    auth(s, "PLAIN", b64("\0romeo\0montague"))
    failure(s, "not-authorized")
    assert s.plain("juliet", "capulet").tag.endswith("}success")
    s.close()


def address_lockout(server):
    """The same for an address, whatever the names."""
    for n in range(5):
        s = secure(server)
        auth(s, "PLAIN", b64(f"\0nobody{n}\0wrong"))
        failure(s, "not-authorized")
        s.close()
    s = secure(server)
    auth(s, "PLAIN", b64("\0juliet\0capulet"))
    failure(s, "not-authorized")
    s.close()


# --- what is kept for an account ------------------------------------------------------------------

def ask(s, payload, kind="set", to=""):
    s.send(f"<iq type='{kind}' id='limit'{to}>{payload}</iq>")
    while (e := s.receive()).get("id") != "limit":
        pass
    return e


def good(e):
    assert e.get("type") == "result", ET.tostring(e)


def item(jid, inner="", name="n"):
    return f"<query xmlns='jabber:iq:roster'><item jid='{jid}' name='{name}'>{inner}</item></query>"


def groups(n, length=3):
    return "".join(f"<group>{i:0{length}}</group>" for i in range(n))


def roster(server):
    s = session(server)
    for n in range(3):
        good(ask(s, item(f"c{n}@localhost")))
    stanza_error(ask(s, item("c3@localhost")), "resource-constraint")
    good(ask(s, item("c1@localhost", name="changed")))
    good(ask(s, item("c1@localhost", groups(2))))
    stanza_error(ask(s, item("c1@localhost", groups(3))), "not-acceptable")
    stanza_error(ask(s, item("c1@localhost", groups(1, 65))), "not-acceptable")
    stanza_error(ask(s, item("c1@localhost", name="x" * 65)), "not-acceptable")
    s.close()


def roster_size(server):
    """All of it in bytes."""
    s = session(server, "juliet")
    good(ask(s, item("c" * 900 + "@localhost")))
    good(ask(s, item("d" * 900 + "@localhost")))
    good(ask(s, item("c" * 900 + "@localhost", name="again")))
    e = None
    for n in "efg":
        e = ask(s, item(n * 1000 + "@localhost"))
        if e.get("type") == "error":
            break
    stanza_error(e, "resource-constraint")
    s.close()


def requests(server):
    """Subscription requests that are not answered, and the size of one."""
    romeo = session(server)
    for name in ("tybalt", "paris"):
        s = session(server, name)
        s.send("<presence to='romeo@localhost' type='subscribe'/>")
        s.sync()
        s.close()
    juliet = session(server, "juliet")
    juliet.send("<presence to='romeo@localhost' type='subscribe' id='third'/>")
    e = next(e for e in settle({"j": juliet})["j"] if e.get("id") == "third")
    stanza_error(e, "resource-constraint")
    romeo.send(f"<presence to='juliet@localhost' type='subscribe' id='big'>"
               f"<status>{'x' * 300}</status></presence>")
    e = next(e for e in settle({"r": romeo})["r"] if e.get("id") == "big")
    stanza_error(e, "resource-constraint")
    for s in (romeo, juliet):
        s.close()


def directed(server):
    s = session(server)
    s.send("".join(f"<presence to='juliet@localhost/{n}' id='d{n}'/>" for n in range(3)))
    got = s.sync()
    assert [e.get("id") for e in got] == ["d2"], got
    stanza_error(got[0], "resource-constraint")
    s.send("<presence to='juliet@localhost/0' type='unavailable'/>"
           "<presence to='juliet@localhost/2' id='again'/>")
    assert not s.sync()
    s.close()


def stored(server):
    s = session(server, "tybalt")
    vcard = "<vCard xmlns='vcard-temp'><NOTE>%s</NOTE></vCard>"
    good(ask(s, vcard % "x"))
    stanza_error(ask(s, vcard % ("x" * 300)), "not-acceptable")
    private = "<query xmlns='jabber:iq:private'><e xmlns='urn:example:%s'>%s</e></query>"
    good(ask(s, private % (1, "x")))
    good(ask(s, private % (2, "x")))
    good(ask(s, private % (2, "again")))
    stanza_error(ask(s, private % (3, "x")), "resource-constraint")
    stanza_error(ask(s, private % (1, "x" * 300)), "not-acceptable")
    block = "<block xmlns='urn:xmpp:blocking'><item jid='%s@localhost'/></block>"
    good(ask(s, block % "one"))
    good(ask(s, block % "two"))
    stanza_error(ask(s, block % "three"), "resource-constraint")
    s.close()


def offline(server):
    """XEP-0160 section 3: more messages than are kept are refused."""
    s = session(server)
    for n in range(3):
        s.send(f"<message to='paris@localhost' type='chat' id='o{n}'><body>{n}</body></message>")
        got = settle({"s": s})["s"]
        if n < 2:
            assert not got, ET.tostring(got[0])
    assert [e.get("id") for e in got] == ["o2"], got
    stanza_error(got[0], "service-unavailable")
    paris = session(server, "paris")
    paris.send("<presence/>")
    kept = [e.get("id") for e in settle({"p": paris})["p"] if e.tag.endswith("}message")]
    assert kept == ["o0", "o1"], kept
    for s in (s, paris):
        s.close()


SMALL = options(
    auth__fail_delay="0s", c2s__resume_max="0s", sm__roster_items_max=3, sm__roster_groups_max=2,
    sm__roster_name_max=64, sm__roster_size_max=4096, sm__roster_pending_max=2,
    sm__roster_request_max=256, sm__directed_max=2, sm__vcard_max=256, sm__private_max=256,
    sm__private_items_max=2, sm__blocking_max=2, sm__offline_max=2)


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("limits", "they are those of one c2s")
        tap.done()
    people = USERS[:2] + ("tybalt:cats", "paris:lord")
    with Server(users=USERS[:2], args=options(c2s__rate_bytes=0, c2s__max_stanza_size=LARGEST)) as server:
        run_all(tap, server, announced, small_before_login, endless_before_login, huge)
    with Server(users=USERS[:2], args=options(
            c2s__stanza_timeout="1s", c2s__login_timeout="2s", c2s__close_timeout="1s",
            sm__sessions_max=3)) as server:
        run_all(tap, server, slow_stanza, trickle, slow_login, binding_limit, peer_end)
    tight = {"c2s__" + name: most for name, (most, _) in INSIDE.items()}
    with Server(users=USERS[:1], args=options(c2s__max_header_size=512, **tight)) as server:
        run_all(tap, server, inside, header_size)
    with Server(users=USERS[:1], args=options(c2s__connections_per_address=5)) as server:
        run_all(tap, server, address_limit)
    with Server(users=USERS[:1], args=options(c2s__unauthenticated=4)) as server:
        run_all(tap, server, login_limit)
    with Server(users=USERS[:2], args=options(
            c2s__rate_bytes="16k", c2s__rate_stanzas=20, c2s__rate_burst="1s")) as server:
        run_all(tap, server, rate_slows)
    with Server(users=USERS[:2], args=options(
            c2s__window=10, c2s__rate_bytes=0, c2s__rate_stanzas=0)) as server:
        run_all(tap, server, window)
    with Server(users=USERS[:2], args=options(
            c2s__window_bytes="60000", c2s__rate_bytes=0, c2s__rate_stanzas=0)) as server:
        run_all(tap, server, window)
    with Server(users=USERS[:2], args=options(
            c2s__rate_bytes=0, c2s__rate_stanzas=0, c2s__out_max="16k", c2s__out_timeout="1s",
            c2s__ack_timeout="1s", sm__given_max="64k")) as server:
        run_all(tap, server, unacknowledged, given, unread)
    with Server(users=USERS[:1], args=options(
            c2s__idle_whitespace="1s", c2s__idle_ping="4s", c2s__idle_timeout="1s")) as server:
        run_all(tap, server, idle)
    with Server(users=USERS[:2], args=options(
            auth__fail_delay="0s", auth__lockout_count=3, auth__lockout_address_count=8)) as server:
        run_all(tap, server, lockout, address_lockout)
    with Server(users=people, args=SMALL) as server:
        run_all(tap, server, roster, roster_size, requests, directed, stored, offline)
    tap.done()


if __name__ == "__main__":
    main()
