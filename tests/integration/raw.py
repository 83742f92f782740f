# SPDX-License-Identifier: MIT
"""What the tests with raw sockets share: streams at each step, and what must come back."""
import base64
import sys
import xml.etree.ElementTree as ET

from harness import NS, Closed, Stream

STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
USERS = ("romeo:montague", "juliet:capulet", "mercutio@example.test:queen")


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


def refused(server):
    try:
        s = Stream(server)
        s.open()
        s.features()
    except (OSError, Closed, AssertionError):
        return
    raise AssertionError("one connection too many was served")


def stats(server, instance="c2s-1"):
    done = server.ctl("stats", instance)
    assert done.returncode == 0, done.stderr
    rows = (line.split() for line in done.stdout.splitlines() if line)
    return {name.split(".", 1)[1]: int(value) for name, value in rows if value.lstrip("-").isdigit()}


def run_all(tap, server, *tests):
    for test in tests:
        if len(sys.argv) < 2 or test.__name__ in sys.argv[1:]:
            tap.run(test.__name__.replace("_", " "), test, server)


def options(**kw):
    args = []
    for name, value in kw.items():
        args += ["--set", f"{name.replace('__', '.')}={value}"]
    return args
