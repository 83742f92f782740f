#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""In-band registration (XEP-0077) where it is open: make, look, change the password, cancel."""
import xml.etree.ElementTree as ET

from harness import Server, Stream, Tap, client, settle

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
    assert e[0].findtext("{%s}username" % REGISTER) == "romeo", ET.tostring(e)
    assert ask(s, "set", fields("romeo", "changed")).get("type") == "result"
    s.close()
    again, _ = secure(server)
    assert again.plain("romeo", "montague").tag.endswith("}failure")
    assert again.plain("romeo", "changed").tag.endswith("}success")
    again.close()


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
    users = ("romeo:montague", "juliet:capulet", "tybalt:cats")
    with Server(users=users, args=("--register", "--unlimited", "--set", "sm.register=true")) as server:
        for test in (make, refused, account, cancel):
            tap.run(f"registration, {test.__name__}", test, server)
    tap.done()


if __name__ == "__main__":
    main()
