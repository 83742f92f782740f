#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Raw sockets against c2s: RFC 6120's errors and limits, malformed, oversized, split and slow input."""
import base64
import os
import signal
import socket
import ssl
import struct
import sys
import time
import xml.etree.ElementTree as ET

import harness
from harness import NS, TIMEOUT, Closed, Server, Stream, Tap, client

STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
USERS = ("romeo:montague", "juliet:capulet", "mercutio@example.test:queen")
CHAT = ("<message to='{to}' type='chat' id='split'><body>a &lt;b&gt; &amp; \u00e9\u4e2d\U0001f600"
        "<![CDATA[<c>]]></body><x xmlns='urn:example:x' a=\"1 > 0\"/></message>")


# --- helpers --------------------------------------------------------------------------------------

def secure(server, **kw):
    """A stream behind TLS, before login."""
    s = Stream(server, **kw)
    s.open()
    s.features()
    return s


def session(server, user="romeo", resource=None):
    return Stream(server).login(user, resource=resource)


def authenticated(server, user="romeo"):
    s = secure(server)
    assert s.plain(user, server.users[user]).tag.endswith("}success")
    s.reset()
    s.open()
    s.features()
    return s


def stream_error(s, *conditions):
    """The stream ends with one of these errors, a header before and its end tag behind it."""
    got = s.wait_closed()
    assert s.header is not None, "no stream header before the error"
    assert got, "closed without an error"
    e = got[-1]
    assert e.tag == "{%s}error" % NS["stream"], ET.tostring(e)
    assert s.depth == 0, "the stream was not ended"
    names = [c.tag for c in e]
    assert names[0] in ["{%s}%s" % (STREAMS, c) for c in conditions], names
    s.close()
    return got[:-1]


def failure(s, condition):
    e = s.receive()
    assert e.tag == "{%s}failure" % NS["sasl"], ET.tostring(e)
    assert e[0].tag == "{%s}%s" % (NS["sasl"], condition), ET.tostring(e)


def stanza_error(e, condition):
    assert e.get("type") == "error", ET.tostring(e)
    assert e.find("{jabber:client}error/{%s}%s" % (STANZAS, condition)) is not None, ET.tostring(e)


def b64(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def auth(s, mechanism, data=None):
    text = "" if data is None else data
    s.send(f"<auth xmlns='{NS['sasl']}' mechanism='{mechanism}'>{text}</auth>")


def alive(s):
    s.sync()


# --- negotiation ----------------------------------------------------------------------------------

def negotiation(server):
    s = Stream(server, tls=False)
    ids = []

    def header():
        ids.append(s.header.get("id"))
        assert s.header.get("from") == "localhost" and s.header.get("version") == "1.0"
        assert s.header.get("{http://www.w3.org/XML/1998/namespace}lang")

    s.open()
    f = s.features()
    header()
    assert f.find("{%s}starttls/{%s}required" % (NS["tls"], NS["tls"])) is not None
    assert f.find("{%s}mechanisms" % NS["sasl"]) is None, "SASL is offered in the clear"
    s.starttls()
    s.open()
    f = s.features()
    header()
    names = [m.text for m in f.find("{%s}mechanisms" % NS["sasl"])]
    assert {"SCRAM-SHA-256", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "PLAIN"} <= set(names)
    assert f.find("{%s}starttls" % NS["tls"]) is None
    types = [c.get("type") for c in f.find("{urn:xmpp:sasl-cb:0}sasl-channel-binding")]
    assert "tls-server-end-point" in types and "tls-exporter" in types, types
    s.plain("romeo", "montague")
    s.reset()
    s.open()
    f = s.features()
    header()
    assert f.find("{%s}bind" % NS["bind"]) is not None
    assert f.find("{%s}mechanisms" % NS["sasl"]) is None
    assert f.find("{urn:xmpp:features:rosterver}ver") is not None
    assert f.find("{urn:xmpp:features:pre-approval}sub") is not None
    assert len(set(ids)) == 3 and min(len(i) for i in ids) >= 16, ids
    s.bind()
    s.send("<iq type='set' id='old'><session xmlns='urn:ietf:params:xml:ns:xmpp-session'/></iq>")
    assert s.receive().get("type") == "result"
    s.close()


def header_from(server):
    s = Stream(server)
    s.open(extra="version='1.0' from='romeo@localhost'")
    s.features()
    assert s.header.get("to") == "romeo@localhost", s.header.attrib
    s.close()


def newer_version(server):
    s = Stream(server)
    s.open(extra="version='2.5'")
    s.features()
    assert s.header.get("version") == "1.0"
    s.close()


def injection(server):
    """What comes in the clear behind <starttls/> is neither answered nor taken for TLS data."""
    juliet = client(server, "juliet")
    s = Stream(server, tls=False)
    s.open()
    s.features()
    s.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
           f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{b64(chr(0) + 'romeo' + chr(0) + 'montague')}</auth>"
           "<message to='juliet@localhost' type='chat'><body>injected</body></message>")
    e = s.receive()
    assert e.tag == "{%s}proceed" % NS["tls"]
    s.sock = server.tls_context().wrap_socket(s.sock, server_hostname="localhost")
    s.reset()
    s.open()
    f = s.features()
    assert f.find("{%s}mechanisms" % NS["sasl"]) is not None
    assert not s.queue
    assert not juliet.sync()
    s.close()
    juliet.close()


def clear_refused(server):
    s = Stream(server, tls=False)
    s.open()
    s.features()
    auth(s, "PLAIN", b64("\0romeo\0montague"))
    failure(s, "encryption-required")
    s.send("<message to='juliet@localhost'><body>x</body></message>")
    stream_error(s, "not-authorized")


def starttls_again(server):
    s = secure(server)
    s.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    got = s.wait_closed()
    assert got[0].tag == "{%s}failure" % NS["tls"], got
    s.close()


def orderly_close(server):
    for s in (Stream(server), Stream(server, tls=False)):
        s.open()
        s.features()
        s.send("</stream:stream>")
        assert not s.wait_closed() and s.depth == 0, "no </stream:stream>"
        s.close()
    s = session(server)
    s.send("</stream:stream>")
    s.wait_closed()
    assert s.depth == 0
    s.close()


def registration_closed(server):
    """XEP-0077 is off: not advertised, and service-unavailable."""
    s = Stream(server)
    s.open()
    f = s.features()
    assert f.find("{http://jabber.org/features/iq-register}register") is None
    s.send("<iq type='get' id='r'><query xmlns='jabber:iq:register'/></iq>")
    stanza_error(s.receive(), "service-unavailable")
    s.close()


# --- stream errors, RFC 6120 section 4.9.3 --------------------------------------------------------

HEAD = ("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>")
MESSAGE = "<message to='juliet@localhost'>%s</message>"

HEADERS = (
    ("host-unknown", HEAD.replace("localhost", "nowhere.example")),
    ("improper-addressing", HEAD.replace("to='localhost' ", "")),
    ("invalid-namespace", HEAD.replace("http://etherx.jabber.org/streams", "urn:wrong")),
    ("invalid-namespace", HEAD.replace("jabber:client", "urn:wrong")),
    ("invalid-namespace", HEAD.replace("jabber:client", "jabber:server")),
    ("bad-namespace-prefix invalid-namespace bad-format",
     "<stream to='localhost' version='1.0' xmlns='http://etherx.jabber.org/streams'>"),
    ("bad-format invalid-namespace", HEAD.replace("<stream:stream", "<stream:nonsense")),
    ("unsupported-version", HEAD.replace("version='1.0' xmlns=", "version='0.9' xmlns=")),
    ("unsupported-version", HEAD.replace(" version='1.0' xmlns=", " xmlns=")),
    ("unsupported-encoding", HEAD.replace("?>", " encoding='ISO-8859-1'?>")),
    ("unsupported-encoding not-well-formed bad-format", HEAD.encode("utf-16")),
    ("restricted-xml", HEAD.replace("?>", "?><!DOCTYPE x [<!ENTITY a 'b'>]>")),
    ("restricted-xml", HEAD.replace("?>", "?><!-- x -->")),
    ("not-well-formed", "<stream:stream <"),
    ("not-well-formed bad-format", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("policy-violation", HEAD.replace("to='localhost'", "to='localhost' a='%s'" % ("x" * 5000))),
)
INSIDE = (
    ("bad-format", "text between stanzas"),
    ("unsupported-stanza-type", "<foo/>"),
    ("unsupported-stanza-type", "<message xmlns='urn:example:foreign'/>"),
    ("invalid-namespace unsupported-stanza-type", "<message xmlns='jabber:server'/>"),
    ("not-well-formed", "<message><body></message>"),
    ("not-well-formed", "<message a='1' a='2'/>"),
    ("restricted-xml", "<message>&undefined;</message>"),
    ("bad-namespace-prefix not-well-formed", "<x:message/>"),
    ("not-well-formed", b"<message><body>\xff\xfe</body></message>"),
    ("not-well-formed", "<message><body>&#0;</body></message>"),
    ("restricted-xml", "<!-- comment -->"),
    ("restricted-xml", "<message><!-- comment --></message>"),
    ("restricted-xml", "<?pi x?>"),
    ("restricted-xml", "<message><?pi x?></message>"),
    ("restricted-xml not-well-formed", "<!DOCTYPE x>"),
    ("not-well-formed bad-format", "</stream:wrong>"),
    ("invalid-from", "<message from='juliet@localhost' to='juliet@localhost'/>"),
    ("invalid-from", "<message from='romeo@localhost/else' to='juliet@localhost'/>"),
    ("invalid-from", "<iq from='localhost' type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>"),
    ("policy-violation", MESSAGE % ("<body>%s</body>" % ("x" * 300000))),
    ("policy-violation", MESSAGE % ("<a>" * 100 + "</a>" * 100)),
    ("policy-violation", MESSAGE % ("<a %s/>" % " ".join(f"a{i}=''" for i in range(100)))),
    ("policy-violation", MESSAGE % ("<a/>" * 6000)),
    ("policy-violation", MESSAGE % "".join(f"<a xmlns='urn:{i}'/>" for i in range(600))),
)


def header_error(server, conditions, data, tls):
    s = Stream(server, tls=tls)
    s.send(data)
    stream_error(s, *conditions.split())


def inside_error(server, conditions, data):
    juliet = client(server, "juliet")
    s = session(server)
    s.send("<message to='juliet@localhost' id='before'><body>x</body></message>")
    s.send(data)
    stream_error(s, *conditions.split())
    got = [e.get("id") for e in juliet.sync()]
    assert set(got) <= {"before"}, got
    juliet.close()


def unauthorized(server):
    """Nothing that is sent before login or before binding reaches anybody."""
    juliet = client(server, "juliet")
    for s in (secure(server), authenticated(server)):
        s.send("<message to='juliet@localhost' type='chat'><body>early</body></message>"
               "<presence to='juliet@localhost'/>")
        stream_error(s, "not-authorized")
    s = authenticated(server)
    s.send("<message to='juliet@localhost' type='chat'><body>early</body></message>"
           "<iq type='set' id='bind'><bind xmlns='%s'/></iq>" % NS["bind"])
    stream_error(s, "not-authorized")
    s = authenticated(server)
    s.send("<iq type='get' id='x' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
    stream_error(s, "not-authorized")
    assert not juliet.sync()
    juliet.close()


def small_before_login(server):
    """Before login a stanza has at most 10,000 bytes (RFC 6120 section 13.12)."""
    s = secure(server)
    auth(s, "PLAIN", "A" * 20000)
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


# --- SASL, RFC 6120 section 6.5 -------------------------------------------------------------------

def sasl_errors(server):
    for steps, condition in (
        ((("auth", "SCRAM-SHA-256", b64("n,,n=romeo,r=abc")), ("abort",)), "aborted"),
        ((("abort",),), "aborted"),
        ((("auth", "PLAIN", "!!not base64!!"),), "incorrect-encoding"),
        ((("auth", "PLAIN", "QUJD="),), "incorrect-encoding"),
        ((("auth", "NONSENSE", ""),), "invalid-mechanism"),
        ((("auth", "PLAIN", "="),), "malformed-request not-authorized"),
        ((("auth", "PLAIN", b64("no separators")),), "malformed-request not-authorized"),
        ((("auth", "PLAIN", b64("\0romeo\0wrong")),), "not-authorized"),
        ((("auth", "PLAIN", b64("\0nobody\0wrong")),), "not-authorized"),
        ((("auth", "PLAIN", b64("juliet@localhost\0romeo\0montague")),), "invalid-authzid"),
        ((("auth", "SCRAM-SHA-256", b64("y,,n=romeo,r=abc")),), "not-authorized malformed-request"),
        ((("auth", "SCRAM-SHA-256", b64("garbage")),), "malformed-request not-authorized"),
        ((("response", b64("x")),), "malformed-request"),
    ):
        s = secure(server)
        for kind, *rest in steps:
            if kind == "auth":
                auth(s, *rest)
                if len(steps) > 1:
                    e = s.receive()
                    assert e.tag == "{%s}challenge" % NS["sasl"], ET.tostring(e)
            elif kind == "response":
                s.send(f"<response xmlns='{NS['sasl']}'>{rest[0]}</response>")
            else:
                s.send(f"<abort xmlns='{NS['sasl']}'/>")
        e = s.receive()
        assert e.tag == "{%s}failure" % NS["sasl"], (steps, ET.tostring(e))
        names = [c.tag.split("}")[1] for c in e]
        assert names[0] in condition.split(), (steps, ET.tostring(e))
        # One more try on the same stream is allowed.
        assert s.plain("romeo", "montague").tag.endswith("}success"), steps
        s.close()


def sasl_no_initial(server):
    """No initial response: an empty challenge ("=" or nothing), then the data."""
    s = secure(server)
    s.send(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'/>")
    e = s.receive()
    assert e.tag == "{%s}challenge" % NS["sasl"] and e.text in (None, "", "="), ET.tostring(e)
    s.send(f"<response xmlns='{NS['sasl']}'>{b64(chr(0) + 'romeo' + chr(0) + 'montague')}</response>")
    assert s.receive().tag == "{%s}success" % NS["sasl"]
    s.close()


def sasl_too_many(server):
    s = secure(server)
    for n in range(10):
        try:
            auth(s, "PLAIN", b64("\0romeo\0wrong%d" % n))
            failure(s, "not-authorized")
        except (AssertionError, Closed, OSError):
            break
    assert 2 <= n <= 5, n
    stream = Stream(server)
    stream.close()


def sasl_last_error(server):
    s = secure(server)
    for n in range(3):
        auth(s, "NONSENSE")
    assert all(e.tag == "{%s}failure" % NS["sasl"] for e in stream_error(s, "policy-violation"))


def sasl_twice(server):
    s = session(server)
    auth(s, "PLAIN", b64("\0juliet\0capulet"))
    stream_error(s, "not-authorized", "unsupported-stanza-type")


# --- binding, RFC 6120 section 7 ------------------------------------------------------------------

def binding(server):
    a, b = session(server), session(server)
    made = [s.jid.split("/", 1)[1] for s in (a, b)]
    assert made[0] != made[1] and min(map(len, made)) >= 8, made
    c = session(server, resource="a\u3000b e\u0301")
    assert c.jid == "romeo@localhost/a b \u00e9", c.jid
    for bad in ("\ufdd0", "x" * 1024, "\u200b"):
        s = authenticated(server)
        stanza_error(s.bind(bad), "bad-request")
        s.bind("good")
        assert s.jid.endswith("/good")
        s.close()
    for s in (a, b, c):
        s.close()


def binding_conflict(server):
    first = session(server, resource="same")
    second = session(server, resource="same")
    assert second.jid == first.jid
    stream_error(first, "conflict")
    alive(second)
    second.close()


def binding_again(server):
    s = session(server)
    s.jid = None
    e = s.bind("second")
    assert e.get("type") == "error" and s.jid is None, ET.tostring(e)
    alive(s)
    s.close()


def binding_limit(server):
    open_ones = [session(server, "juliet") for _ in range(3)]
    s = authenticated(server, "juliet")
    stanza_error(s.bind(), "resource-constraint")
    open_ones.pop().close()
    for s in (s, *open_ones):
        s.close()


# --- pieces and time ------------------------------------------------------------------------------

class Pieces(Stream):
    """Sends byte by byte."""

    def send(self, data):
        for byte in data.encode() if isinstance(data, str) else data:
            self.sock.sendall(bytes((byte,)))


def canonical(e):
    e.attrib.pop("id", None)
    return ET.tostring(e)


def split_conversation(server):
    juliet = client(server, "juliet")
    to = juliet.jid
    whole = session(server, resource="it")
    whole.send(CHAT.format(to=to))
    want = canonical(juliet.receive())
    whole.close()
    s = Pieces(server, tls=False)
    s.open()
    s.features()
    s.starttls()
    s.login("romeo", resource="it")
    s.send(CHAT.format(to=to))
    assert canonical(juliet.receive()) == want
    s.send("</stream:stream>")
    s.wait_closed()
    s.close()
    juliet.close()


def split_in_two(server):
    juliet, s = client(server, "juliet"), session(server)
    data = CHAT.format(to=juliet.jid).encode()
    want = None
    for at in range(1, len(data)):
        s.send(data[:at])
        s.send(data[at:])
        e = canonical(juliet.receive())
        want = want or e
        assert e == want, at
    s.close()
    juliet.close()


def prefixed(server):
    """RFC 6120 section 4.8.5: a prefixed stanza is one too, and comes out without the prefix."""
    juliet, s = client(server, "juliet"), session(server)
    s.send(f"<c:message xmlns:c='jabber:client' to='{juliet.jid}' id='p'><c:body>x</c:body></c:message>")
    e = juliet.receive()
    assert e.tag == "{jabber:client}message" and e.find("{jabber:client}body").text == "x"
    s.close()
    juliet.close()


def whitespace(server):
    s = session(server)
    s.send(" \n\t" * 100)
    alive(s)
    s.close()


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


def refused(server):
    try:
        s = Stream(server)
        s.open()
        s.features()
    except (OSError, Closed, AssertionError):
        return
    raise AssertionError("one connection too many was served")


def login_limit(server):
    bound = [session(server) for _ in range(3)]  # they do not count
    held = [secure(server) for _ in range(4)]
    refused(server)
    for s in (*bound, *held):
        s.close()


# --- TLS ------------------------------------------------------------------------------------------

def handshake(server, name="localhost", alpn=None):
    context = server.tls_context()
    context.check_hostname = name is not None
    if alpn:
        context.set_alpn_protocols(alpn)
    raw = socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT)
    return context.wrap_socket(raw, server_hostname=name)


def alpn(server):
    t = handshake(server, alpn=["xmpp-client"])
    assert t.selected_alpn_protocol() == "xmpp-client"
    t.close()
    t = handshake(server, alpn=["h2", "xmpp-client"])
    assert t.selected_alpn_protocol() == "xmpp-client"
    t.close()
    t = handshake(server)
    assert t.selected_alpn_protocol() is None
    t.close()
    try:
        handshake(server, alpn=["http/1.1"]).close()
    except ssl.SSLError as e:
        assert "ALERT" in str(e).upper(), e
        return
    raise AssertionError("http/1.1 was accepted")


def names(t):
    return [value for kind, value in t.getpeercert()["subjectAltName"]]


def sni(server):
    for name in ("localhost", "example.test"):
        t = handshake(server, name)
        assert names(t) == [name], names(t)
        t.close()
    t = handshake(server, None)  # no name: the first domain's
    assert names(t) == ["localhost"], names(t)
    t.close()
    # `to` decides, whatever SNI said.
    s = Stream(server, domain="example.test")
    s.domain = "localhost"
    s.login("romeo")
    assert s.jid.startswith("romeo@localhost/")
    s.close()


def two_domains(server):
    for tls in (True, False):
        s = Stream(server, domain="example.test", tls=tls)
        if not tls:
            s.open()
            s.features()
            s.starttls()
        s.login("mercutio", "queen")
        assert s.jid.startswith("mercutio@example.test/")
        s.close()
    s = secure(server)
    auth(s, "PLAIN", b64("\0mercutio\0queen"))
    failure(s, "not-authorized")
    s.close()


def old_tls(server):
    context = server.tls_context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    raw = socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT)
    try:
        context.wrap_socket(raw, server_hostname="localhost")
    except (ssl.SSLError, OSError):
        return
    raise AssertionError("TLS 1.1 was accepted")


def ipv6():
    with Server(users=USERS[:1], args=("--address", "[::1]")) as server:
        for tls in (True, False):
            s = Stream(server, tls=tls, address="::1")
            if not tls:
                s.open()
                s.features()
                s.starttls()
            s.login("romeo")
            s.close()


def shutdown():
    with Server(users=USERS[:1]) as server:
        s, early = session(server), secure(server)
        server.kill("c2s-1", signal.SIGTERM)
        stream_error(s, "system-shutdown")
        stream_error(early, "system-shutdown")


def reset_peers(server):
    """Connections that end in every rude way leave the server well."""
    for make in (lambda: Stream(server, tls=False), lambda: Stream(server), lambda: secure(server),
                 lambda: authenticated(server), lambda: session(server)):
        s = make()
        s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    raw = socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT)
    raw.sendall(os.urandom(500))
    raw.close()
    s = session(server)
    alive(s)
    s.close()


def run_all(tap, server, *tests):
    for test in tests:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            tap.run(test.__name__.replace("_", " "), test, server)


def options(**kw):
    args = []
    for name, value in kw.items():
        args += ["--set", f"{name.replace('__', '.')}={value}"]
    return args


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("raw streams", "its limits are those of one c2s")
        tap.done()
    chosen = sys.argv[1:]
    with Server(users=USERS, domains=("localhost", "example.test"),
                args=options(auth__fail_delay="0s", auth__lockout_count=0,
                             auth__lockout_address_count=0, c2s__rate_bytes=0)) as server:
        run_all(tap, server, negotiation, header_from, newer_version, injection, clear_refused,
                starttls_again, orderly_close, registration_closed, unauthorized, small_before_login,
                endless_before_login, sasl_errors, sasl_no_initial, sasl_too_many, sasl_last_error,
                sasl_twice, binding, binding_conflict, binding_again, split_conversation,
                split_in_two, prefixed, whitespace, huge, alpn, sni, two_domains, old_tls, reset_peers)
        for conditions, data in HEADERS if not chosen or "headers" in chosen else ():
            for tls in (True, False):
                tap.run(f"header, {conditions.split()[0]}, {str(data)[:60]!r}", header_error, server,
                        conditions, data, tls)
        for conditions, data in INSIDE if not chosen or "inside" in chosen else ():
            tap.run(f"stanza, {conditions.split()[0]}, {str(data)[:60]!r}", inside_error, server,
                    conditions, data)
    with Server(users=USERS[:2], args=options(
            c2s__stanza_timeout="1s", c2s__login_timeout="2s", sm__sessions_max=3)) as server:
        run_all(tap, server, slow_stanza, trickle, slow_login, binding_limit)
    with Server(users=USERS[:1], args=options(c2s__connections_per_address=5)) as server:
        run_all(tap, server, address_limit)
    with Server(users=USERS[:1], args=options(c2s__unauthenticated=4)) as server:
        run_all(tap, server, login_limit)
    if not chosen or "ipv6" in chosen:
        if os.path.exists("/proc/net/if_inet6"):
            tap.run("ipv6", ipv6)
        else:
            tap.skip("ipv6", "this machine has none")
    if not chosen or "shutdown" in chosen:
        tap.run("shutdown", shutdown)
    tap.done()


if __name__ == "__main__":
    main()
