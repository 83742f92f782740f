#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Binding (RFC 6120 section 7): what becomes of a resource that is bound twice, by policy, and limits."""
import sys
import xml.etree.ElementTree as ET

from harness import NS, Server, Tap, client
from raw import USERS, alive, authenticated, options, session, stanza_error, stream_error


def told(juliet, jid, kind):
    """She sees a presence of that resource, of that type."""
    while True:
        e = juliet.receive()
        if e.tag == "{jabber:client}presence" and e.get("from") == jid and e.get("type") == kind:
            return


def befriend(server):
    """juliet, who sees romeo's presence."""
    juliet, romeo = client(server, "juliet"), client(server, "romeo", "setup")
    juliet.send("<presence type='subscribe' to='romeo@localhost'/>")
    while romeo.receive().get("type") != "subscribe":
        pass
    romeo.send("<presence type='subscribed' to='juliet@localhost'/>")
    told(juliet, romeo.jid, None)
    romeo.send("</stream:stream>")
    romeo.wait_closed()
    romeo.close()
    told(juliet, "romeo@localhost/setup", "unavailable")
    return juliet


def reachable(juliet, s, text):
    juliet.send(f"<message to='{s.jid}' type='chat' id='{text}'><body>{text}</body></message>")
    s.until(text)


def replace(server, juliet):
    """7.7.2.2, third choice, the default: the old session ends with <conflict/>."""
    old = client(server, "romeo", "home")
    told(juliet, old.jid, None)
    new = session(server, resource="home")
    assert new.jid == old.jid, new.jid
    stream_error(old, "conflict")
    told(juliet, new.jid, "unavailable")
    new.send("<presence/>")
    told(juliet, new.jid, None)
    reachable(juliet, new, "replaced")
    new.close()


def refuse(server, juliet):
    """Second choice: the new one is refused, may ask for another, and the old one notices nothing."""
    old = client(server, "romeo", "home")
    told(juliet, old.jid, None)
    new = authenticated(server)
    for _ in range(2):
        e = new.bind("home")
        stanza_error(e, "conflict")
        assert e.get("id") == "bind" and new.jid is None
        assert e.find("{jabber:client}error").get("type") in ("cancel", "modify")
    e = new.bind("elsewhere")
    assert new.jid == "romeo@localhost/elsewhere", ET.tostring(e)
    alive(new)
    alive(old)
    reachable(juliet, old, "kept")
    assert not new.sync()
    # Once it is gone, its name is free.
    old.send("</stream:stream>")
    old.wait_closed()
    old.close()
    told(juliet, "romeo@localhost/home", "unavailable")
    again = session(server, resource="home")
    assert again.jid == "romeo@localhost/home"
    again.close()
    new.close()


def rename(server, juliet):
    """First choice: the new one is given another, which the server makes."""
    old = client(server, "romeo", "home")
    told(juliet, old.jid, None)
    names = {old.jid}
    more = []
    for _ in range(3):
        new = session(server, resource="home")
        assert new.jid.startswith("romeo@localhost/") and new.jid not in names, new.jid
        names.add(new.jid)
        new.send("<presence/>")
        told(juliet, new.jid, None)
        reachable(juliet, new, "renamed")
        more.append(new)
    reachable(juliet, old, "kept")
    alive(old)
    for s in (old, *more):
        s.close()


def too_many(server, _juliet):
    """7.6.2.1: a limit per account, with its own error; a place that becomes free is given again."""
    held = [session(server, resource=f"r{i}") for i in range(3)]
    s = authenticated(server)
    e = s.bind("one-too-many")
    stanza_error(e, "resource-constraint")
    assert e.find("{jabber:client}error").get("type") == "wait"
    for h in held:
        alive(h)
    held[0].send("</stream:stream>")
    held[0].wait_closed()
    held[0].close()
    for _ in range(200):  # that it has ended is heard by another process
        if s.bind("now").get("type") == "result":
            break
        held[1].sync()
    assert s.jid == "romeo@localhost/now", s.jid
    alive(s)
    for h in (s, *held[1:]):
        h.close()


def other_accounts(server, _juliet):
    """A resource is the account's own: the same name elsewhere is no conflict."""
    a = session(server, "romeo", resource="same")
    b = session(server, "juliet", resource="same")
    alive(a)
    alive(b)
    # What is the same once it is prepared (RFC 7622 section 3.4) is a conflict; case is not.
    c = session(server, "romeo", resource="SAME")
    assert c.jid == "romeo@localhost/SAME"
    alive(a)
    for s in (a, b, c):
        s.close()


def malformed(server, _juliet):
    """7.1, 8.2.3: a request that is none; the stream goes on, and nothing is bound."""
    s = authenticated(server)
    for request in (f"<iq type='get' id='b'><bind xmlns='{NS['bind']}'/></iq>",):
        s.send(request)
        stanza_error(s.receive(), "bad-request")
    assert s.bind("fine").get("type") == "result"
    s.close()


def main():
    tap = Tap()
    chosen = sys.argv[1:]
    for policy, tests in (("replace", (replace, other_accounts, malformed)), ("refuse", (refuse,)),
                          ("rename", (rename,)), ("limit", (too_many,))):
        if chosen and policy not in chosen:
            continue
        args = (options(sm__sessions_max=3) if policy == "limit" else
                options(sm__resource_conflict=policy))
        with Server(users=USERS[:2], args=args) as server:
            juliet = befriend(server) if policy != "limit" else None
            for test in tests:
                tap.run(f"{policy}: {test.__name__.replace('_', ' ')}", test, server, juliet)
    tap.done()


if __name__ == "__main__":
    main()
