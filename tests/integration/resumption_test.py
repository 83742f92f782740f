#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""XEP-0198, version 1.6.3, section 5: sessions that go on over another connection, and what ends them."""
import calendar
import time

from acks import (SM, STANZAS, ack, authenticated, broken, counted, deaf, drop, enabled, failed, group,
                  own_instances, resume, resumed, say, stanzas, stream_error, takes_all, too_high)
from harness import Stream, Tap, client

DELAY = "{urn:xmpp:delay}delay"
FAST = ["--set", "sm.detached_time=2s", "--set", "c2s.resume_max=2s", "--set", "sm.iq_from_strangers=true"]


def goes_on(w, port=None):
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    say(s, w.nurse, "a")
    assert stanzas(nurse, 1)[0].get("id") == "a"
    broken(w, w.romeo, s)
    for n in range(3):
        say(nurse, w.romeo, f"b{n}")
    nurse.sync()
    s2 = resumed(w, w.romeo, s.id, port=port)
    assert s2.h == 1, s2.h
    assert [m.get("id") for m in stanzas(s2, 3)] == ["b0", "b1", "b2"]
    ack(s2, 3)
    s2.ping("p")
    assert stanzas(s2, 1)[0].get("id") == "p"
    counted(s2, 2)  # the counters go on
    s2.send("</stream:stream>")
    s2.wait_closed()
    nurse.close()


def other_c2s(w):
    goes_on(w, w.base + 402)


def nobody_notices(w):
    """Its presence stays as it was, for others and for itself."""
    watch, s = client(w, w.romeo, "watch"), enabled(w, w.romeo)
    seen = stanzas(watch, 1)[0]
    assert seen.get("from").endswith("/r") and seen.get("type") is None, seen.attrib
    broken(w, w.romeo, s)
    s = resumed(w, w.romeo, s.id)
    assert not watch.sync()
    s.ping("p")
    assert stanzas(s, 1)[0].get("id") == "p"
    s.close()
    watch.close()


def still_connected(w):
    s = enabled(w, w.romeo)
    s2 = resumed(w, w.romeo, s.id)
    stream_error(s, "conflict")
    s2.ping("p")
    assert stanzas(s2, 1)[0].get("id") == "p"
    s2.close()


def still_connected_elsewhere(w):
    s = enabled(w, w.romeo)
    for port in (402, 401, 402, 401):
        s2 = resumed(w, w.romeo, s.id, port=w.base + port)
        stream_error(s, "conflict")
        s = s2
    s.close()


def races(w):
    """Resumed again and again while messages come: each once, in order."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    got = []
    for n in range(60):
        say(nurse, w.romeo, n)
        if n % 12 == 11:
            s = resumed(w, w.romeo, s.id, len(got))
            got += [int(m.get("id")) for m in stanzas(s, n + 1 - len(got))]
    assert got == list(range(60)), got
    s.close()
    nurse.close()


# --- refused -------------------------------------------------------------------------------------

def refused(w):
    """Whatever is wrong is told, and the client may bind on the same stream."""
    romeo = enabled(w, w.romeo)
    s = authenticated(w, w.romeo)
    for bad in ("0123456789abcdef.0.0", "nonsense", "", "0123456789abcdef.0.0.0", romeo.id + "0" * 5000):
        s.send(f"<resume xmlns='{SM}' previd='{bad}' h='0'/>")
        failed(s.receive(), "item-not-found")
    for bad in (f"previd='{romeo.id}'", f"previd='{romeo.id}' h='x'", f"previd='{romeo.id}' h='4294967296'"):
        s.send(f"<resume xmlns='{SM}' {bad}/>")
        failed(s.receive(), "bad-request")
    assert s.bind("other").get("type") == "result"
    s.send(f"<resume xmlns='{SM}' previd='{romeo.id}' h='0'/>")
    failed(s.receive(), "unexpected-request")
    s.sync()
    s.close()
    romeo.close()


def of_another(w):
    """Nothing is told of it, and it can still be resumed by whose it is."""
    s = enabled(w, w.romeo)
    s.ping("p")
    broken(w, w.romeo, s)
    j, e = resume(w, w.juliet, s.id)
    failed(e, "item-not-found")
    assert j.bind("r").get("type") == "result"
    j.close()
    resumed(w, w.romeo, s.id).close()


def too_high_when_resuming(w):
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    broken(w, w.romeo, s)
    for n in range(5):
        say(nurse, w.romeo, n)
    nurse.sync()
    for h in (77, 1, 4294967295):  # also of what came since, and was not sent
        s2, e = resume(w, w.romeo, s.id, h)
        assert too_high(e).get("h") == str(h)
    s = resumed(w, w.romeo, s.id)
    assert takes_all(s, 5) == [str(n) for n in range(5)]
    s.close()
    nurse.close()


# --- ends ----------------------------------------------------------------------------------------

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
    """As for a resource that has gone: messages wait with their first stamp, requests get an error, what was
    received is still known to its own account."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    s.ping("mine")
    broken(w, w.romeo, s)
    say(nurse, w.romeo, "m")
    say(nurse, w.romeo, "h", kind="headline")
    nurse.sync()
    stored = time.time()
    nurse.send(f"<iq to='{w.romeo}@localhost/r' type='get' id='q'><query xmlns='urn:example:q'/></iq>"
               f"<iq to='{w.romeo}@localhost/r' type='result' id='r'/>")
    e = stanzas(nurse, 1)[0]  # when it has expired
    assert e.get("id") == "q" and e.get("type") == "error", e.attrib
    assert e.find(f".//{STANZAS}service-unavailable") is not None
    j, e = resume(w, w.juliet, s.id)
    failed(e, "item-not-found")
    j.close()
    s, e = resume(w, w.romeo, s.id)
    failed(e, "item-not-found", "1")
    assert s.bind("r").get("type") == "result"
    s.send("<presence/>")
    while not (e := s.receive()).tag.endswith("}message"):
        pass
    assert e.get("id") == "m", e.attrib
    stamp = e.find(DELAY).get("stamp")
    at = calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
    assert at <= stored, f"{stamp} is not when it was sent"
    assert not [e for e in s.sync() + nurse.sync() if e.tag.endswith(("}message", "}iq"))]
    s.close()
    nurse.close()


def to_another_resource(w):
    """A session that expires leaves its messages to the resource that there still is."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    other = client(w, w.romeo, "other")
    broken(w, w.romeo, s)
    nurse.send(f"<message to='{w.romeo}@localhost/r' type='chat' id='m'><body>x</body></message>")
    while not (e := other.receive()).tag.endswith("}message"):
        pass
    assert e.get("id") == "m" and e.find(DELAY) is not None
    other.close()
    nurse.close()


# --- without XEP-0198 ----------------------------------------------------------------------------

def unsent(w):
    """What the kernel had not taken from us goes back to the log."""
    s, nurse = client(w, w.romeo), client(w, w.nurse)
    deaf(s)
    for n in range(80):  # more than the kernel takes
        say(nurse, w.romeo, n, "x" * 60000)
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
    own_instances(tap, "resumption")
    group(tap, [], still_connected, nobody_notices, races, refused, of_another, too_high_when_resuming, unsent)
    group(tap, ["--instances", "sm=2,c2s=2"], goes_on, other_c2s, still_connected_elsewhere)
    group(tap, FAST, ended, expired, to_another_resource)
    tap.done()


if __name__ == "__main__":
    main()
