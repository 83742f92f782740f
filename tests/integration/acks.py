# SPDX-License-Identifier: MIT
"""What the tests of stream management (XEP-0198) share: raw streams that have it, and how they end."""
import os
import socket
import struct
import sys
import time
import xml.etree.ElementTree as ET

from harness import TIMEOUT, Server, Stream, client

SM = "urn:xmpp:sm:3"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"
USERS = ("romeo", "juliet", "nurse")


class Cast:
    """A server, and accounts of one test's own there."""

    def __init__(self, server, n):
        self.server = server
        self.romeo, self.juliet, self.nurse = (f"{u}{n}" for u in USERS)

    def __getattr__(self, name):
        return getattr(self.server, name)


def group(tap, args, *tests):
    """Each test with accounts of its own at one server, unless the command line names others."""
    wanted = [t for t in tests if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]]
    if not wanted:
        return
    users = [f"{u}{n}:{u}" for n in range(len(wanted)) for u in USERS]
    with Server(users=users, args=["--unlimited", *args]) as server:
        for n, t in enumerate(wanted):
            tap.run(t.__name__.replace("_", " "), t, Cast(server, n))


def own_instances(tap, name):
    """The tests choose themselves how many processes there are."""
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip(name, "it chooses the instances itself")
        tap.done()


def authenticated(server, user, port=None):
    s = Stream(server, port=port, tls=port is None)
    if port:
        s.open()
        s.features()
        s.starttls()
    s.open()
    s.features()
    assert s.plain(user, server.users[user]).tag.endswith("}success")
    s.reset()
    s.open()
    s.features()
    return s


def until(s, tag):
    """The next element of that name, acknowledgements and their requests passed over."""
    while True:
        e = s.receive()
        if e.tag == f"{{{SM}}}{tag}":
            return e
        assert e.tag.startswith("{" + SM), ET.tostring(e)


def enable(s, attributes="resume='true'"):
    s.send(f"<enable xmlns='{SM}' {attributes}/>")
    s.enabled = until(s, "enabled")
    s.id = s.enabled.get("id")
    return s


def enabled(server, user, attributes="resume='true'", resource="r", presence=True):
    return enable(client(server, user, resource, presence), attributes)


def resume(server, user, ident, h=0, port=None):
    s = authenticated(server, user, port)
    s.send(f"<resume xmlns='{SM}' previd='{ident}' h='{h}'/>")
    return s, s.receive()


def resumed(server, user, ident, h=0, port=None):
    s, e = resume(server, user, ident, h, port)
    assert e.tag == f"{{{SM}}}resumed" and e.get("previd") == ident, ET.tostring(e)
    s.id, s.h = ident, int(e.get("h"))
    return s


def failed(e, condition, h=None):
    assert e.tag == f"{{{SM}}}failed", e.tag
    assert e.find(STANZAS + condition) is not None, [c.tag for c in e]
    assert e.get("h") == h, f"h is {e.get('h')}, not {h}"


def stream_error(s, condition):
    for e in s.wait_closed():
        if e.tag.endswith("}error") and e.find(STREAMS + condition) is not None:
            return e
    raise AssertionError(f"no stream error {condition}")


def too_high(e):
    app = e.find(f"{{{SM}}}handled-count-too-high")
    assert app is not None, ET.tostring(e)
    return app


def stanzas(s, n):
    """The next n stanzas."""
    got = []
    while len(got) < n:
        e = s.receive()
        if not e.tag.startswith("{" + SM):
            got.append(e)
    return got


def ack(s, h):
    s.send(f"<a xmlns='{SM}' h='{h}'/>")


def h_of(s):
    s.send(f"<r xmlns='{SM}'/>")
    return int(until(s, "a").get("h"))


def counted(s, n):
    """Stanzas are counted when they are done; the server says so by itself."""
    s.send(f"<r xmlns='{SM}'/>")
    while True:
        e = s.receive()
        if e.tag == f"{{{SM}}}a":
            if int(e.get("h")) == n:
                return
            assert int(e.get("h")) < n, e.attrib


def say(s, to, ident, body="x", kind="chat"):
    s.send(f"<message to='{to}@localhost' type='{kind}' id='{ident}'><body>{body}</body></message>")


def takes_all(s, n, acknowledge=True, h=0):
    """The next n stanzas' ids; each one is acknowledged, h were before."""
    got = []
    for e in range(n):
        got += [e.get("id") for e in stanzas(s, 1)]
        if acknowledge:
            ack(s, h + len(got))
    return got


def deaf(s):
    """A small buffer of its kernel: what it does not read stays with the server."""
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)


def drop(s):
    """The connection breaks without a word."""
    raw = s.sock
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def listed(server, user):
    """How the server lists that user's sessions."""
    return [line for line in server.ctl("session", "list", f"{user}@localhost").stdout.splitlines()
            if line.startswith(user)]


def wait_listed(server, user, good, why):
    deadline = time.monotonic() + TIMEOUT
    while not good(rows := listed(server, user)):
        assert time.monotonic() < deadline, f"{why}: {rows}"
        time.sleep(0.05)


def broken(server, user, s):
    """Drops it, and waits until the server has noticed: sm has it detached."""
    drop(s)
    wait_listed(server, user, lambda rows: any("detached" in r for r in rows), "it is not detached")
