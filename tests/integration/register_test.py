#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""In-band registration (XEP-0077) where it is open: make, look, change the password, cancel."""
import time
import xml.etree.ElementTree as ET

from harness import TIMEOUT, Server, Stream, Tap, client, settle

REGISTER = "jabber:iq:register"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
FEATURE = "{http://jabber.org/features/iq-register}register"


def secure(server):
    s = Stream(server)
    s.open()
    return s, s.features()


def ask(s, kind, inner=""):
    s.send(f"<iq type='{kind}' id='reg'><query xmlns='{REGISTER}'>{inner}</query></iq>")
    while (e := s.receive()).get("id") != "reg":
        pass
    return e


def error(e, condition, code):
    assert e.get("type") == "error", ET.tostring(e)
    found = e.find("{jabber:client}error")
    assert found.find("{%s}%s" % (STANZAS, condition)) is not None, ET.tostring(e)
    assert found.get("code") == code, ET.tostring(e)


def fields(name, password):
    return f"<username>{name}</username><password>{password}</password>"


def form(name, password):
    return ("<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>jabber:iq:register</value>"
            f"</field><field var='username'><value>{name}</value></field>"
            f"<field var='password'><value>{password}</value></field></x>")


def make(server):
    s, features = secure(server)
    assert features.find(FEATURE) is not None
    e = ask(s, "get")
    names = {c.tag.split("}")[1] for c in e[0]}
    assert {"username", "password", "x"} <= names, names
    assert ask(s, "set", fields("First", "one two")).get("type") == "result"
    assert s.plain("first", "one two").tag.endswith("}success")
    s.close()
    s, _ = secure(server)
    assert ask(s, "set", form("second", "zwei")).get("type") == "result"
    s.close()
    s = Stream(server).login("second", "zwei")
    assert s.jid.startswith("second@localhost/")
    s.close()


def refused(server):
    s, _ = secure(server)
    error(ask(s, "set", fields("romeo", "x")), "conflict", "409")
    s.close()
    for inner in (fields("", "x"), fields("someone", ""), fields("a@b", "x"), fields("sp ace", "x"), ""):
        s, _ = secure(server)
        error(ask(s, "set", inner), "not-acceptable", "406")
        s.close()
    clear = Stream(server, tls=False)
    clear.open()
    assert clear.features().find(FEATURE) is None
    e = ask(clear, "set", fields("clear", "x"))
    assert e.get("type") == "error", ET.tostring(e)
    clear.close()


def account(server):
    s = client(server, "romeo")
    e = ask(s, "get")
    assert e[0].find("{%s}registered" % REGISTER) is not None, ET.tostring(e)
    assert e[0].find("{%s}instructions" % REGISTER).text, ET.tostring(e)
    assert e[0].findtext("{%s}username" % REGISTER) == "romeo", ET.tostring(e)
    assert ask(s, "set", fields("romeo", "changed")).get("type") == "result"
    s.close()
    again, _ = secure(server)
    assert again.plain("romeo", "montague").tag.endswith("}failure")
    assert again.plain("romeo", "changed").tag.endswith("}success")
    again.close()


def passwords(server):
    """XEP-0077 section 3.3: what does not change a password."""
    s = client(server, "juliet")
    error(ask(s, "set", "<username>juliet</username>"), "bad-request", "400")
    error(ask(s, "set", "<password>new</password>"), "bad-request", "400")
    error(ask(s, "set", "<username>juliet</username><password/>"), "bad-request", "400")
    error(ask(s, "set", fields("romeo", "new")), "not-allowed", "405")
    error(ask(s, "set", "<remove/><username>juliet</username>"), "bad-request", "400")
    s.close()
    s, _ = secure(server)
    error(ask(s, "set", "<remove/>"), "unexpected-request", "400")  # nobody is registered here yet
    assert s.plain("juliet", "capulet").tag.endswith("}success")
    s.close()


def elsewhere(server):
    """At another domain of the same server nobody has an account by this one, to see, change or cancel."""
    s = client(server, "juliet")
    for kind, inner in (("get", ""), ("set", fields("juliet", "new")), ("set", "<remove/>")):
        s.send(f"<iq type='{kind}' id='e' to='other.example'><query xmlns='{REGISTER}'>{inner}</query></iq>")
        e = s.receive()
        assert e.get("from") == "other.example", ET.tostring(e)
        error(e, "service-unavailable", "503")
    s.close()
    s, _ = secure(server)
    assert s.plain("juliet", "capulet").tag.endswith("}success")
    s.close()


def reserved(server):
    for name in ("admin", "Root"):
        s, _ = secure(server)
        error(ask(s, "set", fields(name, "secret")), "not-allowed", "405")
        s.close()


def erased(server):
    """Section 3.2: all of it goes; whoever gets the name next finds nothing."""
    s, juliet = client(server, "mercutio"), client(server, "juliet")
    store = ("<vCard xmlns='vcard-temp'><FN>M</FN></vCard>",
             "<query xmlns='jabber:iq:private'><e xmlns='urn:example:e'>kept</e></query>",
             "<query xmlns='jabber:iq:roster'><item jid='juliet@localhost' name='J'/></query>",
             "<block xmlns='urn:xmpp:blocking'><item jid='tybalt@localhost'/></block>")
    for payload in store:
        s.send(f"<iq type='set' id='s'>{payload}</iq>")
    s.send("<presence type='unavailable'><status>bye</status></presence>")
    settle({"s": s})
    juliet.send("<message to='mercutio@localhost' type='chat' id='old'><body>secret</body></message>")
    juliet.sync()
    assert ask(s, "set", "<remove/>").get("type") == "result"
    last = s.wait_closed()[-1]
    assert last[0].tag.endswith("}not-authorized"), ET.tostring(last)
    s.close()
    s, _ = secure(server)
    deadline = time.monotonic() + TIMEOUT
    while (e := ask(s, "set", fields("mercutio", "new"))).get("type") != "result":
        assert time.monotonic() < deadline, ET.tostring(e)
    s.close()
    s = Stream(server).login("mercutio", "new")
    for payload, left in (("<vCard xmlns='vcard-temp'/>", b"FN"),
                          ("<query xmlns='jabber:iq:private'><e xmlns='urn:example:e'/></query>", b"kept"),
                          ("<query xmlns='jabber:iq:roster'/>", b"item"),
                          ("<blocklist xmlns='urn:xmpp:blocking'/>", b"item"),
                          ("<query xmlns='jabber:iq:last'/>", b"bye")):
        s.send(f"<iq type='get' id='g'>{payload}</iq>")
        while (e := s.receive()).get("id") != "g":
            pass
        assert left not in ET.tostring(e), ET.tostring(e)
    s.send("<presence/>")
    assert not [e for e in settle({"s": s})["s"] if e.tag.endswith("}message")]
    s.close()
    juliet.close()


def closed(server):
    """Off: not advertised, service-unavailable before login and after it."""
    s, features = secure(server)
    assert features.find(FEATURE) is None
    error(ask(s, "get"), "service-unavailable", "503")
    s.close()
    s = client(server, "romeo")
    error(ask(s, "get"), "service-unavailable", "503")
    error(ask(s, "set", "<remove/>"), "service-unavailable", "503")
    s.send("<iq type='get' to='localhost' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    assert b"jabber:iq:register" not in ET.tostring(s.receive())
    s.close()


def rate(server):
    """So many from one address, then it is told to wait."""
    for n in range(2):
        s, _ = secure(server)
        assert ask(s, "set", fields(f"new{n}", "secret")).get("type") == "result"
        s.close()
    s, _ = secure(server)
    error(ask(s, "set", fields("new2", "secret")), "resource-constraint", "500")
    s.close()


def cancel(server):
    s, juliet = client(server, "tybalt"), client(server, "juliet")
    juliet.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>")
    streams = {"s": s, "j": juliet}
    for a, b, kind in ((s, "juliet", "subscribe"), (juliet, "tybalt", "subscribed"),
                       (juliet, "tybalt", "subscribe"), (s, "juliet", "subscribed")):
        a.send(f"<presence to='{b}@localhost' type='{kind}'/>")
        settle(streams)
    other = client(server, "tybalt")
    juliet.sync()
    assert ask(s, "set", "<remove/>").get("type") == "result"
    for gone in (s, other):
        gone.wait_closed()
        gone.close()
    kinds = {e.get("type") for e in settle({"j": juliet})["j"]
             if (e.get("from") or "").startswith("tybalt@localhost")}
    assert {"unsubscribe", "unsubscribed"} <= kinds, kinds
    again, _ = secure(server)
    assert again.plain("tybalt", "cats").tag.endswith("}failure")
    again.close()
    juliet.close()


def main():
    tap = Tap()
    users = ("romeo:montague", "juliet:capulet", "tybalt:cats", "mercutio:queen")
    with Server(users=users, domains=("localhost", "other.example"),
                args=("--register", "--unlimited", "--set", "sm.register=true")) as server:
        for test in (make, refused, account, passwords, elsewhere, reserved, cancel, erased):
            tap.run(f"registration, {test.__name__}", test, server)
    with Server(users=users[:1]) as server:
        tap.run("registration, closed", closed, server)
    with Server(args=("--register", "--set", "auth.register_rate=2")) as server:
        tap.run("registration, rate", rate, server)
    tap.done()


if __name__ == "__main__":
    main()
