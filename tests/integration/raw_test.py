#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Raw sockets against c2s: negotiation, SASL, binding and TLS as RFC 6120 has them, in whatever pieces
the bytes come."""
import os
import socket
import ssl
import struct
import sys
import xml.etree.ElementTree as ET

from harness import NS, TIMEOUT, Closed, Server, Stream, Tap, client
from raw import (USERS, alive, auth, authenticated, b64, failure, options, run_all, secure, session,
                 stanza_error, stream_error)

CHAT = ("<message to='{to}' type='chat' id='split'><body>a &lt;b&gt; &amp; \u00e9\u4e2d\U0001f600"
        "<![CDATA[<c>]]></body><x xmlns='urn:example:x' a=\"1 > 0\"/></message>")


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


def languages(server):
    """Section 8.1.5: the stream's language is put on what has none of its own."""
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    juliet = client(server, "juliet")
    s = secure(server)
    s.plain("romeo", "montague")
    s.reset()
    s.open(extra="version='1.0' xml:lang='de-CH'")
    s.features()
    s.bind()
    s.send(f"<message to='{juliet.jid}' id='1'><body>x</body></message>"
           f"<message to='{juliet.jid}' id='2' xml:lang='fr'><body>x</body></message>")
    assert [juliet.receive().get(lang) for _ in range(2)] == ["de-CH", "fr"]
    s.close()
    plain = session(server)
    plain.send(f"<message to='{juliet.jid}' id='3'><body>x</body></message>")
    assert juliet.receive().get(lang) is None
    plain.close()
    juliet.close()


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


class Pieces(Stream):
    """Sends byte by byte."""

    def send(self, data):
        for byte in data.encode() if isinstance(data, str) else data:
            self.sock.sendall(bytes((byte,)))


def canonical(e):
    """Without what differs from one message to the next."""
    e.attrib.pop("id", None)
    for made in e.findall("{urn:xmpp:sid:0}stanza-id"):
        e.remove(made)
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
    got = canonical(juliet.receive())
    assert got == want, (got, want)
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
        assert e == want, (at, e, want)
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


def tls_options():
    """tls_min and tls_ciphers are what they say."""
    strong, other = "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-AES128-GCM-SHA256"

    def shaken(server, version, ciphers=None):
        context = server.tls_context()
        context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        raw = socket.create_connection(("127.0.0.1", server.tls_port), TIMEOUT)
        with context.wrap_socket(raw, server_hostname="localhost") as s:
            return s.version(), s.cipher()[0]

    def not_shaken(*args):
        try:
            shaken(*args)
        except (ssl.SSLError, OSError):
            return
        raise AssertionError(f"accepted: {args[1:]}")

    two, three = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
    with Server(args=options(c2s__tls_min="1.3")) as server:
        assert shaken(server, three)[0] == "TLSv1.3"
        not_shaken(server, two)
    with Server(args=options(c2s__tls_ciphers=strong)) as server:
        assert shaken(server, two) == ("TLSv1.2", strong)
        assert shaken(server, three)[0] == "TLSv1.3"  # the ciphers of 1.3 are all good
        not_shaken(server, two, other)
    with Server() as server:
        assert shaken(server, two, other) == ("TLSv1.2", other)
        for weak in ("ECDHE-ECDSA-AES128-SHA", "AES128-GCM-SHA256"):  # RFC 9325: AEAD, forward secrecy
            not_shaken(server, two, weak)


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


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("raw streams", "its limits are those of one c2s")
        tap.done()
    with Server(users=USERS, domains=("localhost", "example.test"),
                args=options(auth__fail_delay="0s", auth__lockout_count=0,
                             auth__lockout_address_count=0, c2s__rate_bytes=0)) as server:
        run_all(tap, server, negotiation, header_from, languages, newer_version, injection, clear_refused,
                starttls_again, orderly_close, registration_closed, sasl_errors, sasl_no_initial,
                sasl_too_many, sasl_last_error, sasl_twice, binding, binding_conflict,
                binding_again, split_conversation, split_in_two, prefixed, whitespace, alpn, sni,
                two_domains, old_tls, reset_peers)
    if len(sys.argv) < 2 or "tls_options" in sys.argv[1:]:
        tap.run("tls options", tls_options)
    if len(sys.argv) < 2 or "ipv6" in sys.argv[1:]:
        if os.path.exists("/proc/net/if_inet6"):
            tap.run("ipv6", ipv6)
        else:
            tap.skip("ipv6", "this machine has none")
    tap.done()


if __name__ == "__main__":
    main()
