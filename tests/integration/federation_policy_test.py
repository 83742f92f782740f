#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Policies by domain, each word of each option, in both directions; limits on connections and rates
(XEP-0205)."""
import json
import shutil
import socket
import ssl
import tempfile

from nameserver import available
from harness import Tap
from peers import Authority
from two import DB, Peer, condition as told_condition
from world import C, OURS, Two, attempts, condition, expect, login, steps, streams

OPTIONS = ("tls", "peer_certificate", "dialback")
WORDS = ("required", "optional", "forbidden")
GOOD = {f"{o.replace('_', '-')}-{w}.example": (o, w) for o in OPTIONS for w in WORDS}
# Theirs are self-signed.
BAD = {f"bad-{w}.example": ("peer_certificate", w) for w in WORDS}
BAD["bad-alone.example"] = ("dialback", "forbidden")
FAST, SLOW = "fast.example", "slow.example"

TLS = "{urn:ietf:params:xml:ns:xmpp-tls}"


def zones(two):
    return {d: f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx A 127.0.0.2" for d in two.others}


# --- two servers ------------------------------------------------------------------------------------

def expected(option, word):
    """(over TLS, by certificate) with a good one."""
    return ((option, word) != ("tls", "forbidden"),
            (option, word) not in (("tls", "forbidden"), ("peer_certificate", "forbidden"),
                                   ("dialback", "required")))


def proof(lines):
    """How a stream was proven, from its record."""
    by_certificate = any(x in ("EXTERNAL succeeded", "certificate") for x in lines)
    by_dialback = any(line.startswith("dialback") and line.endswith("valid") for line in lines)
    assert by_certificate != by_dialback, lines
    return by_certificate


def to_them(two, juliet, domain, option, word):
    secure, by_certificate = expected(option, word)
    juliet.send(f"<iq type='get' id='{domain}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
    e = expect(juliet, "answer", lambda e: e.get("id") == domain)
    lines = steps(two.a, domain, "out")
    assert e.get("type") == "result", (e.attrib, lines)
    (there,) = [s for s in streams(two.a, domain) if s["direction"] == "out"]
    assert there["secure"] == secure, there
    assert proof(lines) == by_certificate, lines


def to_us(two, juliet, domain, option, word):
    secure, by_certificate = expected(option, word)
    romeo = login(two.b, domain, "romeo", "b")
    romeo.send(f"<message to='{juliet.jid}' id='{domain}'><body>x</body></message>")
    expect(juliet, "message", lambda e: e.get("id") == domain and e.get("type") != "error")
    (there,) = [s for s in streams(two.a, domain) if s["direction"] == "in"]
    assert there["secure"] == secure, there
    got = [a for a in attempts(two.a, domain) if a["direction"] == "in" and a["good"]]
    assert got[0]["result"] == ("proven by certificate" if by_certificate
                                else "proven by dialback"), got[0]
    romeo.close()


def bad_certificate(two, juliet, domain, word):
    """Self-signed: nothing goes either way but where dialback may do."""
    good = word not in ("required", "alone")
    juliet.send(f"<iq type='get' id='{domain}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
    e = expect(juliet, "answer", lambda e: e.get("id") == domain)
    assert e.get("type") == ("result" if good else "error"), (e.attrib, steps(two.a, domain))
    if not good:
        assert condition(e) == "remote-server-timeout"
    romeo = login(two.b, domain, "romeo", "b")
    romeo.send(f"<message to='{juliet.jid}' id='{domain}'><body>x</body></message>")
    if good:
        expect(juliet, "message", lambda e: e.get("id") == domain and e.get("type") != "error")
    else:
        e = expect(romeo, "error", lambda e: e.get("id") == domain)
        assert e.get("type") == "error", e.attrib
        assert not [e for e in juliet.sync() if e.tag == C + "message"]
    romeo.close()


# --- what is offered --------------------------------------------------------------------------------

class Offers:
    """What our server tells a peer that shows a good certificate for its domain."""

    def __init__(self, two, domain):
        self.peer = Peer(two.a, OURS, domain, cert=two.others[domain])
        self.clear = self.peer.open().features()
        self.domain = domain

    def has(self, features, name):
        return features.find(".//{%s}%s" % name) is not None

    def secure(self):
        self.peer.starttls()
        self.peer.open()
        return self.peer.features()


TLS_REQUIRED = ("urn:ietf:params:xml:ns:xmpp-tls", "required")
STARTTLS = ("urn:ietf:params:xml:ns:xmpp-tls", "starttls")
DIALBACK = ("urn:xmpp:features:dialback", "dialback")
MECHANISM = ("urn:ietf:params:xml:ns:xmpp-sasl", "mechanism")


def offered(two, domain, option, word):
    o = Offers(two, domain)
    tls = word if option == "tls" else "optional"
    assert o.has(o.clear, STARTTLS) == (tls != "forbidden"), domain
    assert o.has(o.clear, TLS_REQUIRED) == (tls == "required"), domain
    dialback = (option, word) != ("dialback", "forbidden")
    assert o.has(o.clear, DIALBACK) == (dialback and tls != "required"), domain
    assert not o.has(o.clear, MECHANISM), domain
    if tls == "forbidden":
        o.peer.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        assert o.peer.receive().tag == TLS + "failure"
        return
    features = o.secure()
    assert not o.has(features, STARTTLS), domain
    assert o.has(features, MECHANISM) == expected(option, word)[1], domain
    assert o.has(features, DIALBACK) == dialback, domain


def unasked(two):
    """What was not offered is refused."""
    o = Offers(two, "dialback-forbidden.example")
    o.secure()
    o.peer.send(f"<db:result from='{o.domain}' to='{OURS}'>key</db:result>")
    e = o.peer.receive()
    assert e.tag == "{%s}result" % DB and told_condition(e) == "not-authorized"
    for domain in ("peer-certificate-forbidden.example", "dialback-required.example"):
        o = Offers(two, domain)
        o.secure()
        assert o.peer.external(domain) == ("failure", "invalid-mechanism"), domain
    o = Offers(two, "tls-required.example")
    o.peer.send(f"<db:result from='{o.domain}' to='{OURS}'>key</db:result>")
    assert told_condition(o.peer.receive()) == "policy-violation"
    o = Offers(two, "peer-certificate-required.example")
    o.peer.send(f"<db:result from='{o.domain}' to='{OURS}'>key</db:result>")
    assert told_condition(o.peer.receive()) == "not-authorized"


# --- limits -----------------------------------------------------------------------------------------

def figure(server, name):
    done = server.ctl("--json", "stats", "s2s-1")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    text = json.dumps(found)
    assert f'"{name}"' in text, text

    def search(v):
        if isinstance(v, dict):
            if name in v:
                return v[name]
            return next((x for x in map(search, v.values()) if x is not None), None)
        if isinstance(v, list):
            return next((x for x in map(search, v) if x is not None), None)
        return None

    return search(found)


def rates(two, juliet):
    """A domain that says too much is read slowly; nothing of it is lost, and others are not slowed."""
    many = 60
    loud, calm = (login(two.b, d, "romeo", "b") for d in (FAST, SLOW))
    calm.send(f"<message to='{juliet.jid}' id='hello'><body>x</body></message>")
    expect(juliet, "message", lambda e: e.get("id") == "hello")
    for i in range(many):
        # Long ones: what is read at once is taken at once.
        loud.send(f"<message to='{juliet.jid}' id='{i}' type='chat'><body>{'x' * 4000}</body>"
                  "</message>")
    got = [expect(juliet, "message", lambda e: e.tag == C + "message").get("id")]
    calm.send(f"<message to='{juliet.jid}' id='calm' type='chat'><body>x</body></message>")
    while len(got) < many + 1:
        got.append(expect(juliet, "message", lambda e: e.tag == C + "message").get("id"))
    assert [x for x in got if x != "calm"] == [str(i) for i in range(many)], got
    assert got.index("calm") < many - 1, got
    assert figure(two.a, "throttled") > 0
    loud.close()
    calm.close()


def ended(s):
    """Whether the server has closed the connection without a word."""
    try:
        s.settimeout(20)
        return s.recv(1) == b""
    except ConnectionError:
        return True


def connections(two):
    """So many connections from one address and no more; those of others are taken."""
    def connect(source):
        return socket.create_connection((two.a.address, two.a.base + 269), 20, (source, 0))

    first = [connect("127.0.0.7") for _ in range(4)]
    extra = connect("127.0.0.7")
    assert ended(extra)
    other = connect("127.0.0.8")
    other.sendall(b"<stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' "
                  b"to='%s' version='1.0'>" % OURS.encode())
    other.settimeout(20)
    assert b"stream" in other.recv(100)
    assert figure(two.a, "refused_address") >= 1
    for s in [*first, extra, other]:
        s.close()


def unproven(two):
    """So many connections that have proven nothing, from wherever they come."""
    def connect(i):
        return socket.create_connection((two.a.address, two.a.base + 269), 20, (f"127.0.1.{i + 1}", 0))

    before = figure(two.a, "refused_unproven")
    taken = [connect(i) for i in range(30)]
    assert ended(taken[-1])
    assert figure(two.a, "refused_unproven") > before
    for s in taken:
        s.close()


def login_bytes(two):
    """Whoever has proven nothing may not say much."""
    p = Peer(two.a, OURS, FAST, "127.0.0.9")
    p.secure()
    for _ in range(12):
        p.send(f"<db:verify from='x.example' to='{OURS}' id='x'>{'k' * 900}</db:verify>")
    assert p.error() == "policy-violation"


def unverified():
    """For clients: some certificates are bad on purpose."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def settings():
    return ["s2s.tls=optional", "s2s.bidi=false", "s2s.unproven=20", "s2s.login_bytes=10000",
            "s2s.rate_stanzas=5", "s2s.rate_burst=4s",
            *(f"remote:{d}.{option}={word}" for d, (option, word) in {**GOOD, **BAD}.items())]


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("policies", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="policy.")
    ca = Authority(folder + "/ca")
    others = {d: ca.issue(d) for d in (*GOOD, FAST, SLOW)}
    others.update({d: ca.issue(d, self_signed=True) for d in BAD})
    users = [f"romeo@{d}:b" for d in others]
    with Two(ca, others, zones, (), settings(),
             ["s2s.tls=optional", "s2s.bidi=false", "s2s.multiplex=false", "s2s.retry_time=0s"],
             users) as two:
        two.b.tls_context = unverified
        juliet = two.juliet()
        for domain, (option, word) in GOOD.items():
            tap.run(f"{option} = {word}: to them", to_them, two, juliet, domain, option, word)
            tap.run(f"{option} = {word}: to us", to_us, two, juliet, domain, option, word)
            tap.run(f"{option} = {word}: what is offered", offered, two, domain, option, word)
        for domain, (option, word) in BAD.items():
            tap.run(f"{option} = {word}: self-signed", bad_certificate, two, juliet, domain,
                    domain[4:-8])
        tap.run("what was not offered", unasked, two)
        tap.run("rates of a remote domain", rates, two, juliet)
        tap.run("what may be said before a proof", login_bytes, two)
        tap.run("connections that prove nothing", unproven, two)
    with Two(ca, {FAST: others[FAST]}, zones, (), ["s2s.connections_per_address=4"]) as two:
        tap.run("connections from one address", connections, two)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
