#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A component, that is an instance on the link that serves a domain, as a destination: it takes stanzas with
acknowledgement as s2s does. The component is a double (stub_s2s.c)."""
import glob
import os
import sys

from harness import SLOW, Server, Tap
from outgoing_test import SM, Client, first_time, message
from remote import Remote, restart

DOMAIN = "icq.localhost"
TO = "juliet@" + DOMAIN


def component(server, name="component-1"):
    return Remote(server, name=name, route=DOMAIN)


def asked_h(c):
    """What <r/> is answered with, at once."""
    c.s.send(f"<r xmlns='{SM}'/>")
    while (e := c.next()) is not None:
        c.got.append(e)
    return c.h


def taken(server):
    """It is acknowledged when the component has taken it, and not before; order stays."""
    with component(server) as r:
        c = Client(server, "romeo")
        c.send(message(1, TO))
        c.send(message(2, TO))
        first, second = r.got(), r.got()
        assert (first.id, second.id) == ("m1", "m2") and first.lane == second.lane, (first, second)
        assert first.sender == "romeo@localhost/r" and first.to == TO, first
        assert asked_h(c) == 0
        r.answer(second)
        r.sync("romeo@localhost")
        assert asked_h(c) == 0, "acknowledged out of order"
        r.answer(first)
        c.until_done()
        c.nothing(r)
        c.close()


def refused(server):
    with component(server) as r:
        c = Client(server, "romeo")
        c.send(message(1, TO))
        t = r.got()
        r.answer(t, t.error("item-not-found"))
        c.error("m1", "item-not-found")
        c.until_done()
        c.nothing(r)
        c.close()


def no_s2s(server):
    """Its domain is its own: other servers are s2s's, which gets nothing of it."""
    with component(server) as r, Remote(server) as s2s:
        c = Client(server, "romeo")
        c.send(message(1, TO))
        c.send(message(2))
        t, other = r.got(), s2s.got()
        assert (t.id, other.id) == ("m1", "m2"), (t, other)
        assert not r.tells and not s2s.tells, (r.tells, s2s.tells)
        r.answer(t)
        s2s.answer(other)
        c.until_done()
        c.close()


def from_it(server):
    """What it says comes from its domain; an address of another, ours too, is not its to use."""
    with component(server) as r:
        c = Client(server, "romeo")
        for sender in ("paris@localhost", "localhost", "juliet@remote.test", "x.icq.localhost"):
            assert r.tell(f"<message type='chat' from='{sender}' to='romeo@localhost' id='false'>"
                          "<body>b</body></message>") is None
        assert r.tell(f"<message type='chat' from='{TO}' to='romeo@localhost' id='true'><body>b</body>"
                      "</message>") is None
        e = c.stanza()
        assert (e.get("id"), e.get("from")) == ("true", TO), e.attrib
        log = "".join(open(f, encoding="utf-8").read() for f in
                      glob.glob(os.path.join(server.dir, "log", "sm-*.log")))
        assert "stanza of a component with an address of another" in log
        answer = r.tell(f"<iq type='get' from='{DOMAIN}' to='nobody@localhost' id='i'><x xmlns='y'/></iq>")
        assert answer.get("type") == "error" and answer.get("to") == DOMAIN, answer.attrib
        c.nothing(r)
        c.close()


def answers_in_its_name(server):
    """What it answers is the error of what it was told, from its domain to whoever said that."""
    with component(server) as r:
        c = Client(server, "paris")
        n = 0
        for head in ("message type='chat' from='romeo@localhost' to='paris@localhost/r'",
                     "message type='error' from='romeo@localhost' to='paris@localhost/r'",
                     f"message type='chat' from='{TO}' to='paris@localhost/r'",
                     f"message type='error' from='{TO}' to='romeo@localhost/r'",
                     "iq type='set' id='r' to='paris@localhost/r'"):
            c.send(message(n := n + 1, TO))
            kind = head.split()[0]
            r.answer(r.got(), f"<{head}><body>forged</body></{kind}>")
            e = c.stanza()
            assert e.get("id") == f"m{n}" and e.get("type") == "error" and e.get("from") == TO, e.attrib
        c.until_done()
        assert not c.got, c.got
        c.close()


def late(server):
    """When it takes nothing, messages are committed as outgoing, which makes them done; errors come later,
    once; and a new owner of the account goes on with them."""
    with component(server) as r:
        c = Client(server, "romeo")
        for n in (1, 2):
            c.send(message(n, TO))
        first, second = r.got(), r.got()
        c.until_done()
        restart(server, "sm")
        again, later = r.got(first_time), r.got(first_time)
        assert [(t.key, t.id) for t in (again, later)] == [(t.key, t.id) for t in (first, second)]
        r.answer(again)
        r.answer(later, later.error("remote-server-timeout", "wait"))
        c.error("m2", "remote-server-timeout")
        c.nothing(r)
        c.close()


def dies(server):
    """What it may have passed on is returned, never given twice; what it had not begun with, and what comes
    while it is away, is the next one's."""
    with component(server) as r:
        c = Client(server, "romeo")
        for n in (1, 2):
            c.send(message(n, TO))
        lost, held = r.got(), r.got()
        r.held(held)
        r.drain("romeo@localhost")  # sm has heard of it
        r.kill()
        c.error("m1", "remote-server-timeout")
        c.send(message(3, TO))
        c.until_done()
        assert not c.got, c.got
    with component(server, "component-2") as r:
        again, fresh = r.got(), r.got()
        assert (again.key, again.id, fresh.id) == (held.key, "m2", "m3"), (again, fresh)
        r.answer(again)
        r.answer(fresh)
        c.nothing(r)
        assert not r.tells, r.tells
    c.close()
    assert lost.id == "m1"


def gone(server):
    """For good: until the deadline it is awaited, then its domain is unknown."""
    with component(server) as r:
        c = Client(server, "romeo")
        r.kill()
    c.send(f"<iq type='get' id='q' to='{DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>")
    c.until_done()
    c.error("q", "remote-server-timeout")
    c.send(message(1, TO))
    c.error("m1", "remote-server-not-found")
    c.close()


def served(tap, wanted, tests, *settings):
    args = [w for s in settings for w in ("--set", s)]
    with Server(users=("romeo:secret", "paris:secret"), args=args) as server:
        for fn in tests:
            if not wanted or fn.__name__ in wanted:
                tap.run(f"component, {fn.__name__}", fn, server)


def main():
    tap = Tap()
    served(tap, sys.argv[1:], (taken, refused, no_s2s, from_it, answers_in_its_name), "sm.outgoing_after=60s")
    served(tap, sys.argv[1:], (late, dies, gone), "sm.outgoing_after=1s", f"sm.deadline={5 * SLOW}s")
    tap.done()


if __name__ == "__main__":
    main()
