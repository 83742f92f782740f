#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""XEP-0198 by raw streams: enabling, counting, resuming, and every way in which that fails."""
import time
import xml.etree.ElementTree as ET

from harness import TIMEOUT, Server, Tap, client
from raw import USERS, authenticated, options, run_all, session, stream_error

SM = "urn:xmpp:sm:3"


def is_a(e, name):
    assert e.tag == "{%s}%s" % (SM, name), ET.tostring(e)
    return e


def enable(s, extra="resume='true'"):
    s.send(f"<enable xmlns='{SM}' {extra}/>")
    return is_a(s.receive(), "enabled")


def resume(s, previd, h=0):
    s.send(f"<resume xmlns='{SM}' previd='{previd}' h='{h}'/>")
    return s.receive()


def failed(e, condition, h=None):
    is_a(e, "failed")
    assert e[0].tag == "{urn:ietf:params:xml:ns:xmpp-stanzas}" + condition, ET.tostring(e)
    assert e.get("h") == h, ET.tostring(e)


def h_of(s):
    s.send(f"<r xmlns='{SM}'/>")
    while True:
        e = s.receive()
        if e.tag == "{%s}a" % SM:
            return int(e.get("h"))


def counted(s, n):
    """Stanzas are counted when they are done; the server says so by itself."""
    s.send(f"<r xmlns='{SM}'/>")
    while True:
        e = s.receive()
        if e.tag == "{%s}a" % SM and int(e.get("h")) == n:
            return
        assert e.tag != "{%s}a" % SM or int(e.get("h")) < n, e.attrib


def enabling(server):
    s = authenticated(server)
    s.send(f"<enable xmlns='{SM}'/>")  # section 3: not before a resource is bound
    failed(s.receive(), "unexpected-request")
    s.bind()
    e = enable(s, "resume='true' max='5'")
    assert e.get("resume") == "true" and e.get("id") and 0 < int(e.get("max")) <= 5, e.attrib
    s.send(f"<enable xmlns='{SM}'/>")  # section 3: a second one ends the stream
    stream_error(s, "policy-violation")
    s = session(server)
    e = enable(s, "")
    assert e.get("resume") is None and e.get("id") is None, e.attrib
    s.close()


def counting(server):
    s = session(server)
    enable(s)
    assert h_of(s) == 0
    s.send("<message to='juliet@localhost' type='chat' id='1'><body>x</body></message><presence/>"
           "<iq type='get' id='i'><ping xmlns='urn:xmpp:ping'/></iq>")
    counted(s, 3)
    s.send(f"<a xmlns='{SM}' h='0'/>")  # neither <a/> nor <r/> counts
    assert h_of(s) == 3
    s.close()


def resuming(server):
    romeo, juliet = session(server, "romeo"), client(server, "juliet")
    e = enable(romeo)
    romeo.send("<presence/><message to='juliet@localhost' type='chat' id='1'><body>x</body></message>")
    counted(romeo, 2)
    jid = romeo.jid
    romeo.close()
    juliet.send(f"<message to='{jid}' type='chat' id='2'><body>y</body></message>")
    juliet.sync()
    s = authenticated(server)
    r = is_a(resume(s, e.get("id"), 0), "resumed")
    assert r.get("previd") == e.get("id") and r.get("h") == "2", r.attrib
    got = []
    while "2" not in got:
        got.append(s.receive().get("id"))
    s.jid = jid
    s.sync()
    # Once more, while the old stream is there: that one ends.
    again = authenticated(server)
    is_a(resume(again, e.get("id"), 2), "resumed")
    stream_error(s, "conflict")
    again.sync()
    again.close()
    juliet.close()


def refused(server):
    romeo = session(server)
    previd = enable(romeo).get("id")
    s = authenticated(server)
    failed(resume(s, "0123456789abcdef.0.0"), "item-not-found")
    failed(resume(s, "nonsense"), "item-not-found")
    s.send(f"<resume xmlns='{SM}' previd='{previd}'/>")
    failed(s.receive(), "bad-request")
    s.bind()  # section 5: the client may bind then
    assert s.jid
    s.send(f"<resume xmlns='{SM}' previd='{previd}' h='0'/>")
    failed(s.receive(), "unexpected-request")
    s.close()
    juliet = authenticated(server, "juliet")
    failed(resume(juliet, previd), "item-not-found")  # another account's: nothing is told of it
    juliet.close()
    s = authenticated(server)
    s.send(f"<resume xmlns='{SM}' previd='{previd}' h='7'/>")
    error = s.wait_closed()[-1]
    assert error[0].tag.endswith("}undefined-condition"), ET.tostring(error)
    assert error.find("{%s}handled-count-too-high" % SM) is not None, ET.tostring(error)
    s.close()
    romeo.close()


def too_late(server):
    """The session has timed out, or was closed: what had been received by then is still known."""
    romeo = session(server)
    previd = enable(romeo, "resume='true' max='1'").get("id")
    romeo.send("<message to='juliet@localhost' type='chat'><body>x</body></message>" * 3)
    counted(romeo, 3)
    romeo.close()
    watch = session(server, resource="watch")
    watch.send("<presence/>")
    deadline = time.monotonic() + TIMEOUT
    while romeo.jid in server.ctl("session", "list", "romeo@localhost").stdout:
        assert time.monotonic() < deadline
        watch.sync()
    s = authenticated(server)
    failed(resume(s, previd), "item-not-found", "3")
    s.bind()
    s.close()
    juliet = authenticated(server, "juliet")
    failed(resume(juliet, previd), "item-not-found")
    for other in (juliet, watch):
        other.close()


def main():
    tap = Tap()
    with Server(users=USERS[:2], args=options(auth__fail_delay="0s")) as server:
        run_all(tap, server, enabling, counting, resuming, refused, too_late)
    tap.done()


if __name__ == "__main__":
    main()
