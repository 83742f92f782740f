#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: where messages wait is resumption_test.py's matter.
# Takes minutes.
"""XEP-0198, version 1.6.3, on one connection: enabling, acknowledgements both ways, and their limits."""
import re
import signal
import time

from acks import (SM, ack, authenticated, counted, enable, enabled, failed, group, h_of, listed, own_instances,
                  resumed, say, stanzas, stream_error, takes_all, too_high, until, wait_listed)
from harness import SLOW, TIMEOUT, Tap, client

BIG = "x" * 20000
MANY = 90  # five times as big: more than kernels take for a client that does not read
PLACE = "other.example.net:5299"


# --- enabling (section 3) ------------------------------------------------------------------------

def before_binding(w):
    s = authenticated(w, w.romeo)
    s.send(f"<enable xmlns='{SM}' resume='true'/>")
    failed(s.receive(), "unexpected-request")
    assert s.bind("r").get("type") == "result"
    enable(s).close()


def twice(w):
    """"it SHOULD respond with a stream error, thus terminating the client connection\""""
    s = enabled(w, w.romeo)
    s.send(f"<enable xmlns='{SM}'/>")
    stream_error(s, "policy-violation")


def attributes(w):
    a, b = enabled(w, w.romeo), enabled(w, w.juliet, "resume='1'")
    assert a.enabled.get("resume") == b.enabled.get("resume") == "true" and int(a.enabled.get("max")) > 0
    assert a.enabled.get("location") is None
    a.close()
    b.close()
    s = enabled(w, w.romeo, "resume='true' max='7'")
    assert s.enabled.get("max") == "7"
    s.close()
    for not_wanted in ("", "resume='false'"):
        s = enabled(w, w.romeo, not_wanted)
        assert s.id is None and s.enabled.get("resume") in (None, "false")
        s.close()


def ids(w):
    """64 bits that nobody guesses: of many ids no two are near each other."""
    seen = []
    for n in range(24):
        s = enabled(w, w.romeo, presence=False)
        assert re.fullmatch(r"[0-9a-f]{16}\.[0-9a-f]+\.[0-9a-f]+", s.id), s.id
        seen.append(int(s.id[:16], 16))
        s.close()
    seen.sort()
    assert all(b - a > 2 ** 40 for a, b in zip(seen, seen[1:])), seen
    assert seen[-1] > 2 ** 60, seen


def location(w):
    s = enabled(w, w.romeo)
    assert s.enabled.get("location") == PLACE, s.enabled.attrib
    s.close()
    s = enabled(w, w.romeo, "")
    assert s.enabled.get("location") is None
    s.close()


def not_enabled(w):
    for e in (f"<r xmlns='{SM}'/>", f"<a xmlns='{SM}' h='0'/>"):
        s = client(w, w.romeo)
        s.send(e)
        stream_error(s, "unsupported-stanza-type")


# --- h towards the client (section 4) ------------------------------------------------------------

def counting(w):
    """Stanzas alone count, from <enable/> on."""
    s = client(w, w.romeo)
    s.ping("before")
    stanzas(s, 1)
    enable(s)
    assert h_of(s) == 0
    say(s, w.juliet, "1")
    s.send("<presence/>")
    s.ping("i")
    counted(s, 3)
    ack(s, 0)  # neither <a/> nor <r/> counts
    assert h_of(s) == 3
    s.send(f" \n <r xmlns='{SM}'/>")
    assert int(until(s, "a").get("h")) == 3
    s.close()


def errors_count(w):
    """What is answered by an error is done; the error comes before."""
    s = enabled(w, w.romeo)
    s.send("<iq type='get' id='q'><query xmlns='urn:example:unknown'/></iq>")
    say(s, "nobody", "m")
    s.send(f"<message to='{w.juliet}@localhost/nowhere' type='groupchat' id='g'><body>x</body></message>"
           f"<r xmlns='{SM}'/>")
    missing = {"q", "m", "g"}
    while True:
        e = s.receive()
        if e.tag == f"{{{SM}}}a":
            if int(e.get("h")) == 3:
                break
        elif e.get("id") in missing:
            assert e.get("type") == "error", e.attrib
            missing.remove(e.get("id"))
    assert not missing, f"done before the error: {missing}"
    s.close()


def as_it_is_done(w):
    """<r/> is answered at once with what is done; <a/> follows unasked when more is. Here storage has stopped."""
    s = enabled(w, w.romeo)
    s.ping("p")
    counted(s, 1)
    w.kill("storage-1", signal.SIGSTOP)
    try:
        say(s, w.juliet, "m")  # to nobody who is online: done when it is stored
        assert h_of(s) == 1
    finally:
        w.kill("storage-1", signal.SIGCONT)
    assert int(until(s, "a").get("h")) == 2
    s.close()


# --- what the client says --------------------------------------------------------------------------

def h_too_high(w):
    s = enabled(w, w.romeo)
    ack(s, 9)
    app = too_high(stream_error(s, "undefined-condition"))
    assert app.get("h") == "9" and app.get("send-count") == "0", app.attrib
    for bad in ("", "h='x'", "h='-1'", "h='4294967296'"):
        s = enabled(w, w.romeo)
        s.send(f"<a xmlns='{SM}' {bad}/>")
        stream_error(s, "invalid-xml")


def asked(w):
    """The server asks after a burst, and soon after a single stanza."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    say(nurse, w.romeo, "first")
    tags = [s.receive().tag.split("}")[1] for _ in range(2)]
    assert tags == ["message", "r"], tags
    ack(s, 1)
    for n in range(25):
        say(nurse, w.romeo, n)
    seen = []
    while seen.count("message") < 25:
        seen.append(s.receive().tag.split("}")[1])
    assert seen.count("r") >= 2 or seen.index("r") < 24, seen
    s.close()
    nurse.close()


def asked_when_idle(w):
    """A client that is silent is asked, and lives when it answers."""
    s = enabled(w, w.romeo)
    for _ in range(2):
        assert s.receive().tag == f"{{{SM}}}r"
        ack(s, 0)
    s.ping("p")
    assert stanzas(s, 1)[0].get("id") == "p"
    s.close()


def silence(w):
    """Who leaves <r/> unanswered for too long loses the connection, not the session."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    say(nurse, w.romeo, "q")
    s.wait_closed()
    s = resumed(w, w.romeo, s.id)
    assert stanzas(s, 1)[0].get("id") == "q"
    s.close()
    nurse.close()


# --- clients that take nothing ---------------------------------------------------------------------

def never_acknowledges(w):
    """It reads: past a window it is sent no more, and all of it when it acknowledges."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    for n in range(30):
        say(nurse, w.romeo, n, BIG)
    nurse.sync()
    first = stanzas(s, 1)
    ack(s, 1)
    assert [first[0].get("id")] + takes_all(s, 29, h=1) == [str(n) for n in range(30)]
    s.ping("p")
    assert stanzas(s, 1)[0].get("id") == "p"
    s.close()
    nurse.close()


def reads_nothing(w, acknowledging="resume='true'"):
    """It does not read for long, and then it does: everything is there, in order."""
    s = client(w, w.romeo, "r", True)
    if acknowledging:
        enable(s, acknowledging)
    nurse = client(w, w.nurse)
    for n in range(MANY):
        say(nurse, w.romeo, n, BIG * 5)
    nurse.sync()
    assert "detached" not in listed(w, w.romeo)[0]
    assert takes_all(s, MANY, bool(acknowledging)) == [str(n) for n in range(MANY)]
    s.ping("p")
    assert stanzas(s, 1)[0].get("id") == "p"
    s.close()
    nurse.close()


def reads_nothing_plain(w):
    reads_nothing(w, None)


def reads_nothing_and_resumes(w):
    """Everything comes again, once, in order, whatever the old connection had taken."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    for n in range(MANY):
        say(nurse, w.romeo, n, BIG * 5)
    nurse.sync()
    s2 = resumed(w, w.romeo, s.id)
    assert takes_all(s2, MANY) == [str(n) for n in range(MANY)]
    s2.ping("p")
    assert stanzas(s2, 1)[0].get("id") == "p"
    s2.close()
    s.close()
    nurse.close()


def owner_dies(w):
    """What was held back for a client that does not read comes from the log, on the same connection."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    for n in range(MANY):
        say(nurse, w.romeo, n, BIG * 5)
    nurse.sync()
    before = w.pids()["sm-1"]
    w.kill("sm-1")
    deadline = time.monotonic() + 2 * TIMEOUT
    while w.pids().get("sm-1") in (before, None):
        assert time.monotonic() < deadline, "sm-1 was not started again"
        time.sleep(0.05)
    say(nurse, w.romeo, MANY)
    assert takes_all(s, MANY + 1) == [str(n) for n in range(MANY + 1)]
    s.ping("p")
    assert stanzas(s, 1)[0].get("id") == "p"
    s.close()
    nurse.close()


def too_much(w):
    """What the log has not has a bound: the connection ends, the session is resumed and has all of it."""
    s, nurse = enabled(w, w.romeo), client(w, w.nurse)
    sent = 0
    while "detached" not in listed(w, w.romeo)[0]:
        assert sent < 100
        say(nurse, w.romeo, sent, BIG, "headline" if sent % 4 else "chat")
        nurse.sync()
        sent += 1
    s.wait_closed()
    s = resumed(w, w.romeo, s.id)
    assert takes_all(s, sent) == [str(n) for n in range(sent)]
    s.close()
    nurse.close()


def too_much_without_resumption(w):
    """It ends: what is logged comes at the next login."""
    s, nurse = enabled(w, w.romeo, ""), client(w, w.nurse)
    say(nurse, w.romeo, "kept")
    for n in range(8):
        say(nurse, w.romeo, n, BIG, "headline")
    stream_error(s, "resource-constraint")
    wait_listed(w, w.romeo, lambda rows: not rows, "it is still there")
    s = client(w, w.romeo, presence=False)
    s.send("<presence/>")
    while (e := s.receive()).get("id") != "kept":
        assert not e.tag.endswith("}message"), e.attrib
    s.close()
    nurse.close()


def main():
    tap = Tap()
    own_instances(tap, "stream management")
    group(tap, [], before_binding, twice, attributes, ids, not_enabled, counting, errors_count, as_it_is_done,
          h_too_high, asked)
    group(tap, ["--set", "c2s.out_max=4k"], reads_nothing, reads_nothing_plain,
          reads_nothing_and_resumes, owner_dies)
    group(tap, ["--set", f"c2s.ack_timeout={SLOW}s", "--set", f"c2s.resume_location={PLACE}"], silence, location)
    group(tap, ["--set", "c2s.idle_ping=1s", "--set", f"c2s.idle_timeout={TIMEOUT}s"], asked_when_idle)
    group(tap, ["--set", "sm.given_max=65536"], never_acknowledges, too_much, too_much_without_resumption)
    tap.done()


if __name__ == "__main__":
    main()
