#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""XEP-0198, version 1.6.3, by raw streams: enabling, acknowledgements both ways, resumption and what ends it."""
import calendar
import os
import socket
import struct
import sys
import time

from harness import SLOW, TIMEOUT, Closed, Server, Stream, Tap, client

SM = "urn:xmpp:sm:3"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"
DELAY = "{urn:xmpp:delay}delay"
USERS = ("romeo", "juliet", "nurse")
FAST = ["--set", "sm.detached_time=2s", "--set", "c2s.resume_max=2s", "--set", "sm.iq_from_strangers=true"]


class Cast:
    """A server, and accounts of one test's own there."""

    def __init__(self, server, n):
        self.server = server
        self.romeo, self.juliet, self.nurse = (f"{u}{n}" for u in USERS)

    def __getattr__(self, name):
        return getattr(self.server, name)


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
        assert e.tag.startswith("{" + SM), e.tag


def enabled(server, user, attributes="resume='true'", resource="r", presence=True):
    s = client(server, user, resource, presence)
    s.send(f"<enable xmlns='{SM}' {attributes}/>")
    e = until(s, "enabled")
    s.id = e.get("id")
    s.enabled = e
    return s


def resume(server, user, ident, h=0, port=None):
    s = authenticated(server, user, port)
    s.send(f"<resume xmlns='{SM}' previd='{ident}' h='{h}'/>")
    return s, s.receive()


def failed(e, condition, h=None):
    assert e.tag == f"{{{SM}}}failed", e.tag
    assert e.find(STANZAS + condition) is not None, [c.tag for c in e]
    assert e.get("h") == h, f"h is {e.get('h')}, not {h}"


def stream_error(s, condition):
    for e in s.wait_closed():
        if e.tag.endswith("}error") and e.find(STREAMS + condition) is not None:
            return e
    raise AssertionError(f"no stream error {condition}")


def stanzas(s, n):
    """The next n stanzas."""
    got = []
    while len(got) < n:
        e = s.receive()
        if not e.tag.startswith("{" + SM):
            got.append(e)
    return got


def drop(s):
    """The connection breaks without a word."""
    raw = s.sock
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


def broken(server, s):
    """Drops it, and waits until the server has noticed: sm has it detached."""
    drop(s)
    deadline = time.monotonic() + TIMEOUT
    while "detached" not in server.ctl("session", "list").stdout:
        assert time.monotonic() < deadline, "it is not detached"
        time.sleep(0.05)


# --- enabling ------------------------------------------------------------------------------------

def before_binding(w):
    s = authenticated(w, w.romeo)
    s.send(f"<enable xmlns='{SM}' resume='true'/>")
    failed(s.receive(), "unexpected-request")
    assert s.bind("r").get("type") == "result"
    s.close()


def twice(w):
    s = enabled(w, w.romeo)
    s.send(f"<enable xmlns='{SM}'/>")
    assert any(e.tag.endswith("}error") for e in s.wait_closed())


def attributes(w):
    a, b = enabled(w, w.romeo), enabled(w, w.juliet)
    assert a.id and a.id != b.id and len(a.id) >= 16
    assert a.enabled.get("resume") == "true" and int(a.enabled.get("max")) > 0
    a.close()
    b.close()
    s = enabled(w, w.romeo, "resume='true' max='7'")
    assert s.enabled.get("max") == "7"
    s.close()
    s = enabled(w, w.romeo, "")
    assert s.id is None and s.enabled.get("resume") in (None, "false")
    s.close()


def h_too_high(w):
    s = enabled(w, w.romeo)
    s.send(f"<a xmlns='{SM}' h='9'/>")
    e = stream_error(s, "undefined-condition")
    app = e.find(f"{{{SM}}}handled-count-too-high")
    assert app.get("h") == "9" and app.get("send-count") is not None


def asked(w):
    """The server asks after a burst, and soon after a single stanza."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    nurse.send(f"<message to='{w.romeo}@localhost' type='chat'><body>x</body></message>")
    tags = [s.receive().tag.split("}")[1] for _ in range(2)]
    assert tags == ["message", "r"], tags
    s.send(f"<a xmlns='{SM}' h='1'/>")
    for n in range(25):
        nurse.send(f"<message to='{w.romeo}@localhost' type='chat'><body>{n}</body></message>")
    seen = []
    while seen.count("message") < 25:
        seen.append(s.receive().tag.split("}")[1])
    assert seen.count("r") >= 2 or seen.index("r") < 24, seen
    s.close()
    nurse.close()


def silence(w):
    """Who leaves <r/> unanswered for too long loses the connection, not the session."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    nurse.send(f"<message to='{w.romeo}@localhost' type='chat' id='q'><body>x</body></message>")
    s.wait_closed()
    s, e = resume(w, w.romeo, s.id)
    assert e.tag == f"{{{SM}}}resumed", e.tag
    assert stanzas(s, 1)[0].get("id") == "q"
    s.close()
    nurse.close()


# --- resumption ----------------------------------------------------------------------------------

def goes_on(w, ports=(None, None)):
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    s.send(f"<message to='{w.nurse}@localhost' type='chat' id='a'><body>x</body></message>")
    assert stanzas(nurse, 1)[0].get("id") == "a"
    broken(w, s)
    for n in range(3):
        nurse.send(f"<message to='{w.romeo}@localhost' type='chat' id='b{n}'><body>x</body></message>")
    nurse.sync()
    s2, e = resume(w, w.romeo, s.id, port=ports[1])
    assert e.tag == f"{{{SM}}}resumed" and e.get("h") == "1" and e.get("previd") == s.id, e.attrib
    assert [m.get("id") for m in stanzas(s2, 3)] == ["b0", "b1", "b2"]
    s2.send(f"<a xmlns='{SM}' h='3'/>")
    s2.ping("p")
    assert stanzas(s2, 1)[0].get("id") == "p"
    # Its presence never went.
    s2.send("</stream:stream>")
    s2.wait_closed()
    nurse.close()


def other_c2s(w):
    goes_on(w, (None, w.base + 402))


def still_connected(w):
    s = enabled(w, w.romeo)
    s2, e = resume(w, w.romeo, s.id)
    assert e.tag == f"{{{SM}}}resumed", e.tag
    stream_error(s, "conflict")
    s2.ping("p")
    assert stanzas(s2, 1)[0].get("id") == "p"
    s2.close()


def races(w):
    """Resumed again and again while messages come: each once, in order."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    got = []
    for n in range(60):
        nurse.send(f"<message to='{w.romeo}@localhost' type='chat' id='{n}'><body>x</body></message>")
        if n % 12 == 11:
            s, e = resume(w, w.romeo, s.id, len(got)), None
            s, e = s[0], s[1]
            assert e.tag == f"{{{SM}}}resumed", e.tag
            s.id = e.get("previd")
            got += [int(m.get("id")) for m in stanzas(s, n + 1 - len(got))]
    assert got == list(range(60)), got
    s.close()
    nurse.close()


def unknown(w):
    s, e = resume(w, w.romeo, "0123456789abcdef.0.0")
    failed(e, "item-not-found")
    assert s.bind("r").get("type") == "result"  # "the client may then bind"
    s.close()


def of_another(w):
    s = enabled(w, w.romeo)
    broken(w, s)
    j, e = resume(w, w.juliet, s.id)
    failed(e, "item-not-found")
    j.close()
    s, e = resume(w, w.romeo, s.id)
    assert e.tag == f"{{{SM}}}resumed"
    s.close()


def too_high_when_resuming(w):
    s = enabled(w, w.romeo)
    broken(w, s)
    s, e = resume(w, w.romeo, s.id, 77)
    assert e.find(f".//{{{SM}}}handled-count-too-high") is not None, e.tag
    s.close()


def ended(w):
    """</stream:stream> ends the session at once: others are told, and nobody resumes it."""
    s, other = enabled(w, w.romeo), client(w, w.romeo, "other")
    s.send("</stream:stream>")
    e = stanzas(other, 1)[0]
    assert e.get("type") == "unavailable", e.attrib
    s.wait_closed()
    s, e = resume(w, w.romeo, s.id)
    assert e.tag == f"{{{SM}}}failed"
    s.close()
    other.close()


def expired(w):
    """As for a resource that has gone: messages wait with their first stamp, requests get an error."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    s.ping("mine")
    broken(w, s)
    nurse.send(f"<message to='{w.romeo}@localhost' type='chat' id='m'><body>x</body></message>")
    nurse.sync()
    stored = time.time()
    nurse.send(f"<iq to='{w.romeo}@localhost/r' type='get' id='q'><query xmlns='urn:example:q'/></iq>")
    e = stanzas(nurse, 1)[0]  # when it has expired
    assert e.get("id") == "q" and e.get("type") == "error", e.attrib
    s, e = resume(w, w.romeo, s.id)
    failed(e, "item-not-found", "1")
    assert s.bind("r").get("type") == "result"
    s.send("<presence/>")
    m = [e for e in stanzas(s, 2) if e.tag.endswith("}message")][0]
    stamp = m.find(DELAY).get("stamp")
    at = calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
    assert at <= stored, f"{stamp} is not when it was sent"
    s.close()
    nurse.close()


def to_another_resource(w):
    """A session that expires leaves its messages to the resource that there still is."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    broken(w, s)
    nurse.send(f"<message to='{w.romeo}@localhost/r' type='chat' id='m'><body>x</body></message>")
    nurse.sync()
    other = client(w, w.romeo, "other")
    while True:
        e = other.receive()
        if e.tag.endswith("}message"):
            break
    assert e.get("id") == "m" and e.find(DELAY) is not None
    other.close()
    nurse.close()


# --- limits --------------------------------------------------------------------------------------

def unread(w):
    """Who reads and acknowledges nothing has a limit; what is logged comes again."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    for n in range(8):
        nurse.send(f"<message to='{w.romeo}@localhost' type='chat' id='{n}'><body>{'x' * 20000}</body></message>")
    stream_error(s, "resource-constraint")
    s = client(w, w.romeo, presence=False)
    s.send("<presence/>")
    got = [e.get("id") for e in stanzas(s, 9) if e.tag.endswith("}message")]
    assert got == [str(n) for n in range(8)], got
    s.close()
    nurse.close()


def unsent(w):
    """Without XEP-0198: what the kernel had not taken from us goes back to the log."""
    s, nurse = client(w, w.romeo), client(w, w.nurse)
    s.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    for n in range(80):  # more than the kernel takes
        nurse.send(f"<message to='{w.romeo}@localhost' type='chat' id='{n}'><body>{'x' * 60000}</body></message>")
    nurse.sync()
    drop(s)
    s = Stream(w).login(w.romeo)
    s.send("<presence/>")
    got = []
    while "79" not in got:
        e = s.receive()
        if e.tag.endswith("}message"):
            got.append(e.get("id"))
    first = int(got[0])
    assert 0 < first < 80 and got == [str(n) for n in range(first, 80)], got
    s.close()
    nurse.close()


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("resumption", "it chooses the instances itself")
        tap.done()

    def group(args, *tests):
        wanted = [t for t in tests if len(sys.argv) < 2 or t.__name__ in sys.argv[1:]]
        if not wanted:
            return
        users = [f"{u}{n}:{u}" for n in range(len(wanted)) for u in USERS]
        with Server(users=users, args=["--unlimited", *args]) as server:
            for n, t in enumerate(wanted):
                tap.run(t.__name__.replace("_", " "), t, Cast(server, n))

    group([], before_binding, twice, attributes, h_too_high, asked, still_connected, races, unknown, unsent)
    group(["--instances", "sm=2,c2s=2"], goes_on, other_c2s)
    group([], of_another, too_high_when_resuming)
    group(FAST, ended, expired, to_another_resource)
    group(["--set", f"c2s.ack_timeout={1 * SLOW}s"], silence)
    group(["--set", "sm.given_max=65536"], unread)
    tap.done()


if __name__ == "__main__":
    main()
