#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Every stream error of RFC 6120 section 4.9.3 where it is due: a header before it, the end of the stream
behind it, and nothing of what caused it processed."""
import os
import signal
import sys

from harness import NS, Server, Stream, Tap, client
from raw import USERS, authenticated, b64, options, run_all, secure, session, stanza_error, stream_error

HEAD = ("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>")
MESSAGE = "<message to='juliet@localhost'>%s</message>"
BODY = MESSAGE % "<body>x</body>"

# The stream header: condition, what is sent. In the clear and inside TLS.
HEADERS = (
    ("host-unknown", HEAD.replace("localhost", "nowhere.example")),  # 4.9.3.6
    ("host-gone", HEAD.replace("localhost", "old.example")),  # 4.9.3.5
    ("host-gone", HEAD.replace("localhost", "OLD.äxample")),
    ("improper-addressing", HEAD.replace("to='localhost' ", "")),  # 4.9.3.7
    ("improper-addressing", HEAD.replace("to='localhost' ", "to='' ")),
    ("improper-addressing", HEAD.replace("to='localhost'", "to='a b'")),
    ("invalid-namespace", HEAD.replace("http://etherx.jabber.org/streams", "urn:wrong")),  # 4.9.3.10
    ("invalid-namespace", HEAD.replace("jabber:client", "urn:wrong")),
    ("invalid-namespace", HEAD.replace("jabber:client", "jabber:server")),
    ("bad-format", HEAD.replace("<stream:stream", "<stream:nonsense")),  # 4.9.3.1
    ("bad-namespace-prefix", HEAD.replace("<stream:stream", "<xml:stream")),  # 4.9.3.2
    ("unsupported-version", HEAD.replace("version='1.0' xmlns=", "version='0.9' xmlns=")),  # 4.9.3.25
    ("unsupported-version", HEAD.replace(" version='1.0' xmlns=", " xmlns=")),
    ("unsupported-version", HEAD.replace("version='1.0' xmlns=", "version='abc' xmlns=")),
    ("unsupported-version", HEAD.replace("version='1.0' xmlns=", "version='' xmlns=")),
    ("unsupported-version", HEAD.replace("version='1.0' xmlns=", "version='1.0.0' xmlns=")),
    ("unsupported-version", HEAD.replace("version='1.0' xmlns=", "version='-1.0' xmlns=")),
    ("unsupported-encoding", HEAD.replace("?>", " encoding='ISO-8859-1'?>")),  # 4.9.3.22
    ("unsupported-encoding", HEAD.encode("utf-16")),
    ("unsupported-encoding", HEAD.encode("utf-16-be")),
    ("unsupported-encoding", HEAD.encode().replace(b"localhost", b"local\xffhost")),
    ("restricted-xml", HEAD.replace("?>", "?><!DOCTYPE x [<!ENTITY a 'b'>]>")),  # 4.9.3.18
    ("restricted-xml", HEAD.replace("?>", "?><!-- x -->")),
    ("restricted-xml", HEAD.replace("?>", "?><?pi x?>")),
    ("not-well-formed", "<stream:stream <"),  # 4.9.3.13
    ("not-well-formed", HEAD.replace("xmlns:stream=", "xmlns:other=")),  # 11.3: the prefix is unbound
    ("not-well-formed", "\ufeff" + HEAD),  # 11.6: no byte order mark, but text
    ("not-well-formed", HEAD.replace("to=", "to='localhost' to=")),
    ("not-well-formed", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ("policy-violation", HEAD.replace("to='localhost'", "to='localhost' a='%s'" % ("x" * 5000))),
)

# Inside of a stream, at which steps of it: condition, what is sent.
ALWAYS = ("secure", "authenticated", "bound")
INSIDE = (
    (ALWAYS, "bad-format", "text between stanzas"),
    (ALWAYS, "bad-format", "\ufeff"),
    (ALWAYS, "bad-format", "&amp;"),
    (ALWAYS, "bad-format", "<![CDATA[x]]>"),
    (ALWAYS, "unsupported-stanza-type", "<message xmlns='urn:example:foreign'/>"),  # 4.9.3.24
    (("bound",), "unsupported-stanza-type", "<foo/>"),
    (("bound",), "unsupported-stanza-type", "<r xmlns='urn:xmpp:sm:3'/>"),  # it is not enabled
    (ALWAYS, "invalid-namespace", "<message xmlns='jabber:server'/>"),
    (ALWAYS, "not-well-formed", "<message><body></message>"),
    (ALWAYS, "not-well-formed", "<message a='1' a='2'/>"),
    (ALWAYS, "not-well-formed", "<x:message/>"),
    (ALWAYS, "not-well-formed", MESSAGE % "<x:body>unbound</x:body>"),
    (ALWAYS, "not-well-formed", MESSAGE % "<body>&#0;</body>"),
    (ALWAYS, "not-well-formed", MESSAGE % "<body>&#xFFFE;</body>"),
    (ALWAYS, "not-well-formed", MESSAGE % "<:x/>"),
    (ALWAYS, "not-well-formed", MESSAGE % "<x xmlns:a=''/>"),
    (ALWAYS, "not-well-formed", "<?xml version='1.0'?>"),
    (ALWAYS, "not-well-formed", "</stream:wrong>"),
    (ALWAYS, "unsupported-encoding", (MESSAGE % "<body>\udcff</body>").encode(errors="surrogateescape")),
    (ALWAYS, "restricted-xml", MESSAGE % "&undefined;"),
    (ALWAYS, "restricted-xml", "<!-- comment -->"),
    (ALWAYS, "restricted-xml", MESSAGE % "<!-- comment -->"),
    (ALWAYS, "restricted-xml", "<?pi x?>"),
    (ALWAYS, "restricted-xml", MESSAGE % "<?pi x?>"),
    (("secure", "authenticated"), "not-authorized", BODY),  # 4.9.3.12
    (("secure", "authenticated"), "not-authorized", "<presence to='juliet@localhost'/>"),
    (("secure", "authenticated"), "not-authorized",
     "<iq type='get' id='x' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>"),
    (("authenticated",), "not-authorized",
     BODY + "<iq type='set' id='bind'><bind xmlns='%s'/></iq>" % NS["bind"]),
    (("secure",), "not-authorized", "<foo/>"),
    (("bound",), "invalid-from", "<message from='juliet@localhost' to='juliet@localhost'/>"),  # 4.9.3.9
    (("bound",), "invalid-from", "<message from='romeo@localhost/else' to='juliet@localhost'/>"),
    (("bound",), "invalid-from",
     "<iq from='localhost' type='get' id='x'><ping xmlns='urn:xmpp:ping'/></iq>"),
    (("bound",), "policy-violation", MESSAGE % ("<body>%s</body>" % ("x" * 300000))),  # 4.9.3.14
    (("bound",), "policy-violation", MESSAGE % ("<a>" * 100 + "</a>" * 100)),
    (("bound",), "policy-violation", MESSAGE % ("<a %s/>" % " ".join(f"a{i}=''" for i in range(100)))),
    (("bound",), "policy-violation", MESSAGE % ("<a/>" * 6000)),
    (("bound",), "policy-violation", MESSAGE % "".join(f"<a xmlns='urn:{i}'/>" for i in range(600))),
)

# Those without a test here, and why.
NOT_DUE = {
    "internal-server-error": "only where the server itself is at fault",
    "remote-connection-failed": "another server's matter",
    "reset": "external_test: a client's certificate expires",
    "unsupported-feature": "only an initiating entity sends it",
}


def header_error(server, condition, data, tls):
    s = Stream(server, tls=tls)
    s.send(data)
    stream_error(s, condition)
    # 4.9.1.2: with the server's name, also where the client has named an unknown host or none.
    assert s.header.get("from") == "localhost", s.header.attrib
    assert s.header.get("id")


# 4.7.5: what a client says, and what it is answered. A number that is not there is not answered.
VERSIONS = (
    ("1.0", "1.0", True), ("1.1", "1.0", True), ("1.10", "1.0", True), ("2.0", "1.0", True),
    ("10.0", "1.0", True), ("01.00", "1.0", True), ("0.9", "0.9", False), ("0.10", "0.10", False),
    ("00.09", "0.9", False), (None, None, False), ("abc", "1.0", False))


def versions(server):
    """4.7.5: the lower of both numbers, compared as numbers, without leading zeros."""
    for sent, answered, served in VERSIONS:
        s = Stream(server)
        s.open(extra=f"version='{sent}'" if sent else "")
        if served:
            s.features()
        else:
            stream_error(s, "unsupported-version")
        assert s.header.get("version") == answered, (sent, s.header.attrib)
        s.close()


def headers(server):
    """4.7: from is ours, to is the bare JID that the client says it is (and is there only then), an id of
    the client's counts for nothing, the language is ours, whatever it asks for."""
    lang = "{http://www.w3.org/XML/1998/namespace}lang"
    for extra, to in (("", None), ("from='romeo@localhost'", "romeo@localhost"),
                      ("from='romeo@localhost/orchard'", "romeo@localhost"),
                      ("from='Romeo@LOCALHOST'", "romeo@localhost"), ("from='@'", None),
                      ("id='mine'", None), ("xml:lang='de'", None), ("xml:lang=''", None),
                      ("xml:lang='en-GB'", None), ("unknown='x' xmlns:y='urn:y' y:z='1'", None)):
        s = Stream(server)
        s.open(extra="version='1.0' " + extra)
        s.features()
        a = s.header.attrib
        assert a.get("from") == "localhost" and a.get("to") == to and a.get(lang) == "en", (extra, a)
        assert len(a.get("id")) >= 16 and a.get("id") != "mine", (extra, a)
        s.close()


def namespaces(server):
    """4.8.2, 4.8.5: the content namespace as the default, or on each element; any prefix for the stream's.
    What we send has no prefix, and is in jabber:client."""
    plain = b64("\0romeo\0" + server.users["romeo"])
    forms = (
        (HEAD, "</stream:stream>"),
        (HEAD.replace("stream:stream", "s:stream").replace("xmlns:stream", "xmlns:s"), "</s:stream>"),
        ("<stream to='localhost' version='1.0' xmlns='http://etherx.jabber.org/streams'>", "</stream>"),
        ("<s:stream to='localhost' version='1.0' xmlns:s='http://etherx.jabber.org/streams'>", "</s:stream>"))
    for head, end in forms:
        s = Stream(server)
        s.send(head)
        s.features()
        s.send(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{plain}</auth>")
        assert s.receive().tag.endswith("}success")
        s.reset()
        s.send(head)
        s.features()
        s.send(f"<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='{NS['bind']}'/></iq>")
        assert s.receive().get("type") == "result"
        s.send("<iq xmlns='jabber:client' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
        e = s.receive()
        assert e.tag == "{jabber:client}iq" and e.get("type") == "result", (head, e.attrib)
        s.send(end)
        assert not s.wait_closed() and s.depth == 0
        s.close()


OPENERS = {"secure": secure, "authenticated": authenticated, "bound": session}


def inside_error(server, step, condition, data):
    juliet = client(server, "juliet")
    s = OPENERS[step](server)
    if step == "bound":
        s.send("<message to='juliet@localhost' id='before'><body>x</body></message>")
    s.send(data)
    stream_error(s, condition)
    got = [e.get("id") for e in juliet.sync()]
    assert set(got) <= {"before"}, got
    juliet.close()


# --- those that take more than one stream or moment -----------------------------------------------

def conflict(server):
    """4.9.3.3: the resource is bound anew."""
    first = session(server, resource="same")
    second = session(server, resource="same")
    stream_error(first, "conflict")
    second.sync()
    second.close()


def undefined_condition(server):
    """4.9.3.21, with an application-specific condition: XEP-0198 section 4."""
    s = session(server)
    s.send("<enable xmlns='urn:xmpp:sm:3'/>")
    assert s.receive().tag == "{urn:xmpp:sm:3}enabled"
    s.send("<a xmlns='urn:xmpp:sm:3' h='99'/>")
    error = s.wait_closed()[-1]
    tags = [c.tag for c in error]
    assert tags[0].endswith("}undefined-condition"), tags
    high = error.find("{urn:xmpp:sm:3}handled-count-too-high")
    assert high is not None and high.get("h") == "99", tags
    s.close()


def invalid_xml(server):
    """XEP-0198's counters are numbers."""
    s = session(server)
    s.send("<enable xmlns='urn:xmpp:sm:3'/>")
    assert s.receive().tag == "{urn:xmpp:sm:3}enabled"
    s.send("<a xmlns='urn:xmpp:sm:3' h='many'/>")
    stream_error(s, "invalid-xml")


def connection_timeout(server):
    """4.9.3.4: no sign of life."""
    s = session(server)
    stream_error(s, "connection-timeout")


def resource_constraint(server):
    """4.9.3.17: no session manager answers in time; the request itself is answered before."""
    s = authenticated(server)
    server.kill("sm-1", signal.SIGSTOP)
    try:
        s.send("<iq type='set' id='bind'><bind xmlns='%s'/></iq>" % NS["bind"])
        got = stream_error(s, "resource-constraint")
        for e in got:
            stanza_error(e, "resource-constraint")
    finally:
        server.kill("sm-1", signal.SIGCONT)


def see_other_host():
    """4.9.3.19: an instance that ends sends on those who can resume elsewhere."""
    with Server(users=USERS[:1], args=("--instances", "c2s=2", *options(
            c2s__drain_host="localhost:5222", c2s__drain_time="1s"))) as server:
        s = Stream(server, tls=False, port=server.base + 401)
        s.open()
        s.features()
        s.starttls()
        s.login("romeo")
        s.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        assert s.receive().get("resume") == "true"
        assert server.ctl("drain", "c2s-1").returncode == 0
        error = s.wait_closed()[-1]
        assert error[0].tag.endswith("}see-other-host") and error[0].text == "localhost:5222", error[0]
        s.close()


def system_shutdown():
    """4.9.3.20."""
    with Server(users=USERS[:1]) as server:
        s, early = session(server), secure(server)
        server.kill("c2s-1", signal.SIGTERM)
        stream_error(s, "system-shutdown")
        stream_error(early, "system-shutdown")


def ours_closed(server):
    """The client's stream error ends the stream, and is not answered by another (4.9.1.1)."""
    s = session(server)
    s.send("<stream:error><bad-format xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
    got = s.wait_closed()
    assert not got and s.depth == 0, got
    s.close()


CONDITIONS = """bad-format bad-namespace-prefix conflict connection-timeout host-gone host-unknown
improper-addressing internal-server-error invalid-from invalid-namespace invalid-xml not-authorized
not-well-formed policy-violation remote-connection-failed reset resource-constraint restricted-xml
see-other-host system-shutdown undefined-condition unsupported-encoding unsupported-feature
unsupported-stanza-type unsupported-version""".split()
SPECIAL = (conflict, undefined_condition, invalid_xml, connection_timeout, resource_constraint,
           see_other_host, system_shutdown)


def complete():
    """Each condition of the RFC has a test or a reason."""
    tested = {row[0] for row in HEADERS} | {row[1] for row in INSIDE}
    tested |= {f.__name__.replace("_", "-") for f in SPECIAL}
    assert set(CONDITIONS) == tested | set(NOT_DUE), set(CONDITIONS) ^ (tested | set(NOT_DUE))


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("stream errors", "they are those of one c2s")
        tap.done()
    chosen = sys.argv[1:]
    tap.run("every condition", complete)
    with Server(users=USERS[:2], args=options(
            auth__fail_delay="0s", c2s__rate_bytes=0,
            c2s__former_domains="old.example,old.äxample")) as server:
        for condition, data in HEADERS if not chosen or "headers" in chosen else ():
            for tls in (True, False):
                tap.run(f"header, {condition}, {str(data)[:60]!r}", header_error, server, condition,
                        data, tls)
        for steps, condition, data in INSIDE if not chosen or "inside" in chosen else ():
            for step in steps:
                tap.run(f"{step}, {condition}, {str(data)[:60]!r}", inside_error, server, step,
                        condition, data)
        run_all(tap, server, conflict, undefined_condition, invalid_xml, ours_closed, versions,
                headers, namespaces)
    with Server(users=USERS[:1], args=options(
            c2s__idle_ping="1s", c2s__idle_timeout="1s", c2s__owner_timeout="1s")) as server:
        run_all(tap, server, connection_timeout, resource_constraint)
    for test in (see_other_host, system_shutdown):
        if not chosen or test.__name__ in chosen:
            tap.run(test.__name__.replace("_", " "), test)
    tap.done()


if __name__ == "__main__":
    main()
