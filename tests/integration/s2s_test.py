#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""Two servers on 127.0.0.1 and 127.0.0.2 that speak with each other, and peers that do not behave."""
import os
import signal
import socket
import sys
import threading
import time
from datetime import datetime
import xml.etree.ElementTree as ET

from cutter import Cutter
from harness import TIMEOUT, Stream, Tap, free_port_base
from raw import stats
from two import (A, B, DB, EVIL, Peer, Two, attempts, condition, expect, listed, make_cert, message, presence,
                 stanza, subscribe, talk, until)


# --- two servers ---------------------------------------------------------------------------------

def test_external():
    """SASL EXTERNAL under a common authority, both directions on one stream, XEP-0198."""
    with Two() as two:
        juliet, romeo = two.login()
        message(juliet, f"romeo@{B}", "first")
        expect(romeo, "first")
        talk(two, juliet, romeo)
        for server, direction in zip(two.servers, ("out", "in")):
            (s,) = listed(server)
            assert s["direction"] == direction and s["state"] == "ready", s
            assert s["bidi"] and s["acknowledged"] and s["certificate"] == "valid", s
        (a,) = attempts(two.servers[0], B)
        assert a["good"] and a["tls"].startswith("TLSv1.3") and a["certificate"]["names"] == B, a
        assert any("EXTERNAL succeeded" in s["text"] for s in a["steps"]), a


def test_direct_tls():
    """Direct TLS to the configured target (XEP-0368)."""
    two = Two(a=(f"remote:{B}.target_tls=true",))
    two.servers[0].args = [x.replace(f"remote:{B}.target=127.0.0.2:{two.base + 269}",
                                     f"remote:{B}.target=127.0.0.2:{two.base + 270}")
                           for x in two.servers[0].args]
    with two:
        juliet, romeo = two.login()
        message(juliet, f"romeo@{B}", "first")
        expect(romeo, "first")
        (s,) = listed(two.servers[1])
        assert any("direct TLS" in x["text"] for x in attempts(two.servers[1], A)[0]["steps"])


def test_dialback(instances=1):
    """Dialback alone, a stream for each direction, any instance verifies."""
    with Two(instances, both=("s2s.peer_certificate=forbidden", "s2s.bidi=false")) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo)
        for server in two.servers:
            assert {(s["direction"], s["bidi"]) for s in listed(server) if s["state"] == "ready"} == {
                ("out", False), ("in", False)}
            assert not any("EXTERNAL" in s["text"] for a in attempts(server, B)
                           for s in a["steps"] if "features" not in s["text"])


def test_several():
    """Two s2s each: dialback, then certificates."""
    test_dialback(2)
    with Two(2) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo)


def test_clear():
    """Where TLS is forbidden on both sides, dialback works in the clear."""
    with Two(both=("s2s.tls=forbidden",)) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo)
        assert not listed(two.servers[0])[0]["secure"]


def test_subscription():
    """RFC 6121 sections 3 and 4: subscribing, presence, its end, across servers."""
    with Two(2) as two:
        juliet, romeo = two.login()
        subscribe(juliet, romeo)
        romeo.send("<presence><show>away</show></presence>")
        while presence(juliet, f"romeo@{B}").findtext("{jabber:client}show") != "away":
            pass
        romeo.send("<presence type='unavailable'/>")
        presence(juliet, f"romeo@{B}", "unavailable")
        romeo.send("<presence/>")
        presence(juliet, f"romeo@{B}")
        # A login elsewhere probes.
        other = Stream(two.servers[0], A).login("juliet", resource="hall")
        other.send("<presence/>")
        presence(other, f"romeo@{B}")


def test_restart():
    """The other server restarts: what is sent while it is away returns once, later stanzas arrive."""
    with Two(a=("s2s.retry_time=0s",)) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        two.servers[1].stop()
        message(juliet, f"romeo@{B}", "away")
        e = expect(juliet, "away", "error")
        assert condition(e) in ("remote-server-not-found", "remote-server-timeout"), ET.tostring(e)
        two.servers[1].start()
        romeo = Stream(two.servers[1], B).login("romeo", resource="orchard")
        romeo.send("<presence/>")
        romeo.sync()
        deadline = time.monotonic() + TIMEOUT
        while True:
            message(juliet, f"romeo@{B}", "again")
            try:
                expect(romeo, "again", timeout=1)
                break
            except TimeoutError:
                assert time.monotonic() < deadline
        assert [e for e in juliet.sync() if e.get("id") == "away"] == []


def test_kill():
    """kill -9 of either s2s: each stanza arrives or comes back, none arrives twice."""
    with Two(2) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        got, errors, sent = [], [], 0

        def returned():
            return [e.get("id") for e in juliet.sync() if e.get("type") == "error"]

        for name in ("s2s-1", "s2s-2"):
            pid = two.servers[0].pids()[name]
            os.kill(pid, signal.SIGKILL)
            for _ in range(5):
                message(juliet, f"romeo@{B}", f"k{sent}")
                sent += 1
            while two.servers[0].pids().get(name, pid) == pid:
                errors += returned()
        # What the dead one may have sent nobody sends again: it comes back, though it may have arrived.
        all_of_them = {f"k{i}" for i in range(sent)}
        deadline = time.monotonic() + 2 * TIMEOUT
        while not set(got) | set(errors) >= all_of_them:
            assert time.monotonic() < deadline, (got, errors)
            try:
                e = romeo.receive(0.2)
                if e.tag.endswith("message"):
                    got.append(e.get("id"))
            except TimeoutError:
                pass
            errors += returned()
        assert len(set(got)) == len(got) and len(set(errors)) == len(errors), (got, errors)


def test_drain(name):
    """SIGTERM finishes what is under way; what comes then goes over the other one."""
    with Two(2) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        for k in range(60):
            message(juliet, f"romeo@{B}", f"d{k}")
            if k == 30:
                two.servers[0].kill(name, signal.SIGTERM)
        got = []
        while len(got) < 60:
            e = romeo.receive(2 * TIMEOUT)
            if e.tag.endswith("message"):
                got.append(e.get("id"))
        assert sorted(got) == sorted(f"d{k}" for k in range(60)), got
        assert not [e for e in juliet.sync() if e.get("type") == "error"]


def test_drain_first():
    """SIGTERM of the first s2s finishes what is under way; what comes then goes over the other."""
    test_drain("s2s-1")


def test_drain_second():
    """SIGTERM of the second s2s finishes what is under way; what comes then goes over the other."""
    test_drain("s2s-2")


def test_dead_domain():
    """A domain that accepts and says nothing, one that refuses: others are served meanwhile."""
    silent = socket.socket()
    silent.bind(("127.0.0.3", 0))
    silent.listen(8)
    port = silent.getsockname()[1]
    with Two(a=("s2s.login_timeout=3s", "s2s.retry_time=0s"), remotes={
            "silent.example": f"127.0.0.3:{port}", "refused.example": "127.0.0.3:1"}) as two:
        juliet, romeo = two.login()
        for k in range(5):
            message(juliet, "nurse@silent.example", f"s{k}")
            message(juliet, "nurse@refused.example", f"r{k}")
        juliet.send("<iq type='result' id='never' to='nurse@refused.example'/>")
        talk(two, juliet, romeo, 1)
        got = {}
        deadline = time.monotonic() + 2 * TIMEOUT
        while len(got) < 5 and time.monotonic() < deadline:
            e = juliet.receive()
            if e.get("type") == "error":
                assert e.get("id") not in got, got
                got[e.get("id")] = condition(e)
        # Those of the refusing one came while talk() waited for others.
        assert {v for k, v in got.items() if k.startswith("s")} == {"remote-server-timeout"}, got
        assert "never" not in got
        why = two.servers[0].ctl("s2s", "why", "silent.example").stdout
        assert "did not" in why and "=>" in why, why
    silent.close()


def test_too_big():
    """XEP-0478: what the other server does not take is not sent, and comes back."""
    with Two(b=("s2s.max_stanza_size=10000",)) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        juliet.send(f"<message to='romeo@{B}' id='big'><body>{'x' * 20000}</body></message>")
        assert condition(expect(juliet, "big", "error")) == "policy-violation"
        message(juliet, f"romeo@{B}", "small")
        expect(romeo, "small")


def test_denied():
    """A domain that is denied is not spoken with, in either direction."""
    with Two(a=("s2s.deny=example",)) as two:
        juliet, romeo = two.login()
        message(juliet, f"romeo@{B}", "no")
        assert condition(expect(juliet, "no", "error")) == "not-allowed"
        message(romeo, f"juliet@{A}", "neither")
        assert condition(expect(romeo, "neither", "error")) == "remote-server-timeout"


def test_untrusted():
    """Other authorities: dialback where certificates are optional, an error and advice where not."""
    with Two(one_ca=False) as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        assert any("dialback: valid" in s["text"] for a in attempts(two.servers[0], B)
                   for s in a["steps"])
    with Two(one_ca=False, a=("s2s.peer_certificate=required",)) as two:
        juliet, romeo = two.login()
        message(juliet, f"romeo@{B}", "no")
        assert condition(expect(juliet, "no", "error")) == "remote-server-timeout"
        why = two.servers[0].ctl("s2s", "why", B).stdout
        assert "not issued by a trusted authority" in why and "=> " in why, why


def test_router():
    """The router dies: what sm repeats is recognised, nothing is lost or comes twice."""
    with Two() as two:
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        n = 120
        for k in range(n):
            message(juliet, f"romeo@{B}", f"q{k}")
            if k == 60:
                two.servers[0].kill("router-1")
        got = []
        while f"q{n - 1}" not in got:
            e = romeo.receive(2 * TIMEOUT)
            if e.tag.endswith("message"):
                got.append(e.get("id"))
        assert got == [f"q{k}" for k in range(n)], got


def test_key_replay():
    """A key that a server gave us proves nothing elsewhere, though it is genuine."""
    listener = socket.socket()
    listener.bind(("127.0.0.3", 0))
    listener.listen(1)
    port = listener.getsockname()[1]
    stolen = []

    def receive_one():
        conn, _ = listener.accept()
        data = b""
        while b"</db:result>" not in data:
            more = conn.recv(4096)
            if not more:
                return
            if b"stream:stream" in more and not data:
                conn.sendall(b"<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' "
                             b"xmlns:stream='http://etherx.jabber.org/streams' id='mine' "
                             b"from='evil.example' version='1.0'><stream:features>"
                             b"<dialback xmlns='urn:xmpp:features:dialback'><errors/></dialback>"
                             b"</stream:features>")
            data += more
        stolen.append(ET.fromstring("<x xmlns:db='d'>" + data[data.index(b"<db:result"):].decode()
                                    + "</x>")[0].text)

    with Two(b=("s2s.tls=optional",), remotes={EVIL: f"127.0.0.3:{port}"}) as two:
        thread = threading.Thread(target=receive_one, daemon=True)
        thread.start()
        juliet, romeo = two.login()
        message(romeo, f"m@{EVIL}", "x")
        thread.join(TIMEOUT)
        assert stolen and len(stolen[0]) == 64, stolen
        # B would say that it is its own, for the stream that it was made for:
        p = Peer(two.servers[1], B, EVIL)
        p.secure()
        p.send(f"<db:verify from='{EVIL}' to='{B}' id='mine'>{stolen[0]}</db:verify>")
        assert p.receive().get("type") == "valid"
        p.send(f"<db:verify from='{A}' to='{B}' id='mine'>{stolen[0]}</db:verify>")
        assert p.receive().get("type") == "invalid"
        # but not for one of A's.
        p = Peer(two.servers[0], A, B)
        p.secure()
        p.send(f"<db:result from='{B}' to='{A}'>{stolen[0]}</db:result>")
        assert p.receive().get("type") == "invalid"
        p.send(stanza(f"romeo@{B}", f"juliet@{A}"))
        p.wait_closed()
        assert not [e for e in juliet.sync() if e.tag.endswith("message")]
    listener.close()


def test_multiplex():
    """Two domains of one server on one stream, in both directions; each its own where refused."""
    more = "verona.example"
    for settings, streams in (((), 1), (("s2s.dialback=forbidden",), 2)):
        with Two(b=settings, more=[more]) as two:
            juliet, romeo = two.login()
            message(juliet, f"romeo@{B}", "one")
            expect(romeo, "one")
            nurse = Stream(two.servers[0], more).login(f"nurse@{more}".split("@")[0], "n", "hall")
            nurse.send("<presence/>")
            nurse.sync()
            message(nurse, f"romeo@{B}", "two")
            assert expect(romeo, "two").get("from") == f"nurse@{more}/hall"
            message(romeo, f"nurse@{more}", "three")
            assert expect(nurse, "three").get("from") == f"romeo@{B}/orchard"
            message(romeo, f"juliet@{A}", "four")
            expect(juliet, "four")
            out = [s for s in listed(two.servers[0]) if s["direction"] == "out" and s["state"] == "ready"]
            assert len(out) == streams, out


def test_commands():
    """mercutioctl s2s: trials with others and ourselves, closing."""
    with Two() as two:
        a = two.servers[0]
        done = a.ctl("s2s", "test", B)
        assert done.returncode == 0 and "ready" in done.stdout, done
        done = a.ctl("s2s", "test", A)  # as others see us
        assert done.returncode == 0 and "what is configured" in done.stdout, done
        assert "is one of listen" in done.stdout, done
        done = a.ctl("s2s", "test", "nowhere.invalid")
        assert done.returncode == 1 and "=>" in done.stdout, done
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        assert "streams closed" in a.ctl("s2s", "close", B).stdout
        talk(two, juliet, romeo, 1)


# --- peers that do not behave ----------------------------------------------------------------------

def test_attacks():
    with Two() as two:
        a = two.servers[0]
        juliet, romeo = two.login()
        target = f"juliet@{A}"
        good = make_cert(two, EVIL)

        def proven():
            p = Peer(a, A, EVIL, cert=good)
            assert p.mechanisms(p.secure()) == ["EXTERNAL"]
            assert p.external(EVIL) == ("success", None)
            return p

        def spoofed():
            p = proven()
            p.send(stanza(f"romeo@{B}", target))
            assert p.error() == "invalid-from"

        def works():
            p = proven()
            p.send(stanza(f"mallory@{EVIL}", target, "mal"))
            assert expect(juliet, "mal").get("from") == f"mallory@{EVIL}"

        def equals_sign():
            p = Peer(a, A, EVIL, cert=good)
            p.secure()
            assert p.external() == ("success", None)

        def wrong_authzid():
            p = Peer(a, A, EVIL, cert=good)
            p.secure()
            assert p.external(B) == ("failure", "invalid-authzid")

        def other_name():
            p = Peer(a, A, B, cert=good)
            assert p.mechanisms(p.secure()) == []
            assert p.external(B) == ("failure", "invalid-mechanism")

        def from_changes():
            p = Peer(a, A, EVIL, cert=good)
            p.secure()
            p.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>=</auth>")
            assert p.receive().tag.endswith("success")
            p.reset()
            p.open(frm=B)
            assert p.error() == "invalid-from"

        def expired():
            p = Peer(a, A, EVIL, cert=make_cert(two, EVIL, days="-1"))
            assert p.mechanisms(p.secure()) == []

        def self_signed():
            p = Peer(a, A, EVIL, cert=make_cert(two, EVIL, signed=False))
            assert p.mechanisms(p.secure()) == []

        def other_use():
            p = Peer(a, A, EVIL, cert=make_cert(two, EVIL, usage="codeSigning"))
            assert p.mechanisms(p.secure()) == []

        def names():
            for san in ("otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-server." + EVIL,
                        "otherName:1.3.6.1.5.5.7.8.5;UTF8:" + EVIL):
                p = Peer(a, A, EVIL, cert=make_cert(two, "x", san=san, usage="clientAuth"))
                assert p.mechanisms(p.secure()) == ["EXTERNAL"], san
            for san in ("otherName:1.3.6.1.5.5.7.8.7;IA5:_xmpp-client." + EVIL, "DNS:*.example.x",
                        "DNS:*.example"):
                p = Peer(a, A, EVIL, cert=make_cert(two, EVIL, san=san))
                assert p.mechanisms(p.secure()) == [], san

        def unproven():
            p = Peer(a, A, EVIL)
            p.secure()
            p.send(stanza(f"mallory@{EVIL}", target))
            assert p.error() == "not-authorized"

        def in_the_clear():
            p = Peer(a, A, EVIL).open()
            f = p.features()
            assert f.find(".//{urn:ietf:params:xml:ns:xmpp-tls}required") is not None
            p.send(f"<db:result from='{EVIL}' to='{A}'>key</db:result>")
            e = p.receive()
            assert (e.tag, e.get("type"), condition(e)) == (
                "{%s}result" % DB, "error", "policy-violation"), ET.tostring(e)
            p.starttls()  # the error has closed nothing

        def dialback_for_another():
            p = Peer(a, A, EVIL)
            p.secure()
            p.send(f"<db:result from='{B}' to='{A}'>{'0' * 64}</db:result>")
            e = p.receive()
            assert e.get("type") == "invalid" and e.get("from") == A and e.get("to") == B
            assert p.error() is None  # its only pair: closed, without an error

        def dialback_nowhere():
            p = Peer(a, A, EVIL)
            p.secure()
            p.send(f"<db:result from='unknown.invalid' to='{A}'>key</db:result>")
            e = p.receive()
            assert e.get("type") == "error" and condition(e) in (
                "remote-server-not-found", "remote-server-timeout"), ET.tostring(e)
            p.send(f"<db:result from='{EVIL}' to='other.example'>key</db:result>")
            e = p.receive()
            assert e.get("type") == "error" and condition(e) == "item-not-found"

        def unsolicited():
            """XEP-0220 section 4.1: answers that nobody asked for."""
            p = Peer(a, A, EVIL)
            p.secure()
            p.send(f"<db:result from='{B}' to='{A}' type='valid'/>")
            p.send(f"<db:verify from='{B}' to='{A}' id='{p.header_id()}' type='valid'/>")
            p.send(stanza(f"romeo@{B}", target))
            assert p.error() == "not-authorized"

        def key_replay():
            """A key that B gave for one stream is of no use on another."""
            p = Peer(two.servers[1], B, A)
            p.secure()
            stolen = []
            # B verifies keys of its own: only those for the id that they were made for.
            for tag in ("one", "two"):
                p.send(f"<db:verify from='{EVIL}' to='{B}' id='{tag}'>{'ab' * 32}</db:verify>")
                stolen.append(p.receive().get("type"))
            assert stolen == ["invalid", "invalid"]
            p.send(f"<db:verify from='{EVIL}' to='other.example' id='x'>k</db:verify>")
            e = p.receive()
            assert e.get("type") == "error" and condition(e) == "item-not-found"

        def addressing():
            for text, want in ((f"<message from='m@{EVIL}'><body/></message>", "improper-addressing"),
                               (f"<message to='{target}'><body/></message>", "improper-addressing"),
                               (stanza(f"m@{EVIL}", "juliet@other.example"), "host-unknown")):
                p = proven()
                p.send(text)
                assert p.error() == want, text
            p = proven()
            p.send(f"<message from='m@{EVIL}' to='a&lt;b@{A}' id='bad'><body/></message>")
            p.send(stanza(f"m@{EVIL}", target, "fine"))
            expect(juliet, "fine")

        def headers():
            for args, want in (({"to": "other.example"}, "host-unknown"),
                               ({"frm": A}, "invalid-from"), ({"to": "a b"}, "improper-addressing")):
                assert Peer(a, A, EVIL).open(**args).error() == want, args
            p = Peer(a, A, EVIL)
            p.send("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
                   f" to='{A}' version='1.0'>")
            assert p.error() == "invalid-namespace"
            assert Peer(a, A, EVIL).open(extra="").error() == "unsupported-version"

        def acknowledgements():
            """XEP-0198: h counts what is done."""
            p = proven()
            p.send("<enable xmlns='urn:xmpp:sm:3'/>")
            assert p.receive().tag.endswith("enabled")
            for k in range(3):
                p.send(stanza(f"m@{EVIL}", target, f"h{k}"))
            p.send("<r xmlns='urn:xmpp:sm:3'/>")
            h = -1
            while h < 3:
                e = p.receive()
                assert e.tag.endswith("}a"), ET.tostring(e)
                h = int(e.get("h"))
            for k in range(3):
                expect(juliet, f"h{k}")
            p.send("<a xmlns='urn:xmpp:sm:3' h='7'/>")
            assert p.error() == "undefined-condition"

        def resets():
            """Streams that are opened and broken again and again leave nothing behind."""
            for _ in range(30):
                p = Peer(a, A, EVIL)
                p.open()
                p.features()
                p.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                p.close()
            deadline = time.monotonic() + TIMEOUT
            while [s for s in listed(a) if s["state"] == "clear"]:
                assert time.monotonic() < deadline

        for name, fn in list(locals().items()):
            if callable(fn) and fn is not proven and fn is not make_cert:
                tap.run(f"attack: {name.replace('_', ' ')}", fn)


def test_reads_nothing():
    """A peer that is proven and then reads nothing: its stream ends; each stanza returns, once."""
    with Two(a=("s2s.out_timeout=2s", "s2s.ack_timeout=3s", "s2s.bidi=true", "s2s.queue_bytes=256k")) as two:
        a = two.servers[0]
        juliet, romeo = two.login()
        p = Peer(a, A, EVIL, cert=make_cert(two, EVIL))
        p.secure()
        p.send("<bidi xmlns='urn:xmpp:bidi'/>")
        assert p.external(EVIL) == ("success", None)
        # Else what its kernel takes is done.
        p.send("<enable xmlns='urn:xmpp:sm:3'/>")
        assert p.receive().tag.endswith("enabled")
        p.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        n, body = 60, "x" * 100000
        for k in range(n):
            juliet.send(f"<message to='m@{EVIL}' id='n{k}'><body>{body}</body></message>")
        errors = {}
        while len(errors) < n:
            e = juliet.receive(2 * TIMEOUT)
            if e.get("type") == "error":
                assert e.get("id") not in errors
                errors[e.get("id")] = condition(e)
        # The queue is bounded (queue_bytes): what came later was told at once.
        assert "resource-constraint" in errors.values(), errors
        assert set(errors.values()) <= {"remote-server-timeout", "resource-constraint",
                                        "remote-server-not-found"}, errors
        message(juliet, f"romeo@{B}", "alive")
        expect(romeo, "alive")
        assert not [e for e in juliet.sync() if e.get("type") == "error"]
        assert stats(a, "s2s-1")["queued"] == 0


def test_loop():
    """Each server takes the other one for a third domain's: asking one another has an end."""
    base = free_port_base(("127.0.0.1", "127.0.0.2", "127.0.0.3"))
    two = Two(a=(f"remote:{EVIL}.target=127.0.0.2:{base + 269}",),
              b=(f"remote:{EVIL}.target=127.0.0.1:{base + 269}",),
              both=("s2s.peer_certificate=forbidden", "s2s.bidi=false"), base=base)
    with two:
        juliet, romeo = two.login()
        n = 10
        for k in range(n):
            for server, own in zip(two.servers, (A, B)):
                p = Peer(server, own, EVIL)
                p.secure()
                p.send(f"<db:result from='{EVIL}' to='{own}'>key{k}</db:result>")
                e = p.receive()
                assert e.get("type") == "error", ET.tostring(e)
                assert condition(e) in ("remote-server-not-found", "remote-server-timeout")
                p.close()
        # Both domains prove themselves to one another at the same time.
        talk(two, juliet, romeo)
        for server in two.servers:
            s = stats(server, "s2s-1")
            # At most one for each question, and one with the other server.
            assert s["opened"] <= n + 2, s
            until("streams are left", lambda: stats(server, "s2s-1")["unproven"] == 0)
            assert not [x for x in listed(server) if x["remote"] == EVIL and x["state"] == "ready"]


def test_large_roster():
    """A login with many contacts at one domain: all of them hear of it and are asked, also those that
    wait while the stream is being opened."""
    n = 1500
    with Two() as two:
        a, b = two.servers
        listing = os.path.join(a.dir, "big.xml")
        with open(listing, "w", encoding="ascii") as f:
            f.write(f"<server-data xmlns='urn:xmpp:pie:0'><host jid='{A}'><user name='big' password='x'>"
                    "<query xmlns='jabber:iq:roster'>")
            f.writelines(f"<item jid='c{k}@{B}' subscription='both'/>" for k in range(n))
            f.write("</query></user></host></server-data>")
        done = a.ctl("user", "import", listing)
        assert done.returncode == 0, done.stderr
        big = Stream(a, A).login("big", "x", resource="here")
        big.send(f"<presence><status>{'x' * 200}</status></presence>")
        until("all of it arrives", lambda: stats(b, "s2s-1")["stanzas_in"] >= 2 * n or stats(a, "s2s-1")["returned"])
        assert stats(a, "s2s-1")["returned"] == 0
        assert not [e for e in big.sync() if e.get("type") == "error"]


def test_reset_loop():
    """A peer that breaks each stream as soon as it stands: it is come back to with a pause, what it did not
    acknowledge is returned once, others are served."""
    relay = Cutter()
    with Two(a=("s2s.backoff_min=1s", "s2s.resume_time=5s"), remotes={B: relay.target}) as two:
        relay.to = ("127.0.0.2", two.base + 269)
        a = two.servers[0]
        juliet, romeo = two.login()
        message(juliet, f"romeo@{B}", "lost")
        done, began = [], []

        def broken():
            """Cuts what stands; whether that was often enough."""
            for s in listed(a):
                if s["direction"] == "out" and s["state"] == "ready":
                    relay.cut()
                    began.append(relay.count)
            done.extend(e.get("id") for e in juliet.sync() if e.get("type") == "error")
            return len(began) >= 5

        until("no new stream", broken)
        times = sorted(x["time"] for x in attempts(a, B) if x["direction"] == "out")
        assert len(times) == len(set(times)), times
        for one, two_ in zip(times, times[1:]):
            gap = datetime.fromisoformat(two_[:-1]) - datetime.fromisoformat(one[:-1])
            assert gap.total_seconds() > 0.5, times
        got = [e.get("id") for e in romeo.sync() if e.tag.endswith("message")]
        assert got.count("lost") <= 1 and done.count("lost") <= 1
        message(romeo, f"juliet@{A}", "alive")
        expect(juliet, "alive")
    relay.close()


def test_certificate_required():
    """Where a certificate is required, a self-signed one and dialback do not do."""
    with Two(a=("s2s.peer_certificate=required",), remotes={EVIL: "127.0.0.3:1"}) as two:
        a = two.servers[0]
        juliet, romeo = two.login()
        talk(two, juliet, romeo, 1)
        p = Peer(a, A, EVIL, cert=make_cert(two, EVIL, signed=False))
        assert p.mechanisms(p.secure()) == []
        p.send(f"<db:result from='{EVIL}' to='{A}'>key</db:result>")
        e = p.receive()
        # Its server, which could prove the domain by a certificate of its own, is not there.
        assert e.get("type") == "error" and condition(e) == "remote-server-timeout"


tap = Tap()
TESTS = [test_external, test_direct_tls, test_dialback, test_several, test_clear, test_subscription,
         test_restart, test_kill, test_drain_first, test_drain_second,
         test_dead_domain, test_too_big, test_denied, test_commands,
         test_certificate_required, test_untrusted, test_multiplex, test_router, test_key_replay, test_reads_nothing,
         test_loop, test_large_roster, test_reset_loop]
wanted = sys.argv[1:]
for t in TESTS:
    if not wanted or t.__name__ in wanted:
        tap.run((t.__doc__ or t.__name__).split("\n")[0], t)
if not wanted or "test_attacks" in wanted:
    test_attacks()
tap.done()
