#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""SASL ANONYMOUS (RFC 4505, XEP-0175): temporary accounts that leave nothing behind."""
import base64
import re
import sqlite3
import os
import time
import xml.etree.ElementTree as ET

from harness import NS, TIMEOUT, Server, Stream, Tap, client, settle

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
ROSTER = "jabber:iq:roster"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def mechanisms(features):
    return [m.text for m in features.find("{%s}mechanisms" % NS["sasl"])]


def auth(s, data=None):
    s.send(f"<auth xmlns='{NS['sasl']}' mechanism='ANONYMOUS'>{data or ''}</auth>")
    e = s.receive()
    if data is None:  # no initial response: an empty challenge, an empty answer
        assert e.tag == "{%s}challenge" % NS["sasl"], ET.tostring(e)
        s.send(f"<response xmlns='{NS['sasl']}'>=</response>")
        e = s.receive()
    return e


def anonymous(server, data=None, domain="localhost"):
    s = Stream(server, domain)
    s.open()
    s.features()
    e = auth(s, data)
    assert e.tag == "{%s}success" % NS["sasl"], ET.tostring(e)
    s.reset()
    s.open()
    s.features()
    e = s.bind("mine")
    assert s.jid, ET.tostring(e)
    return s


def bare(s):
    return s.jid.split("/")[0]


def ask(s, kind, to, payload):
    s.send(f"<iq type='{kind}' id='ask'{to and f' to={chr(39)}{to}{chr(39)}'}>{payload}</iq>")
    while True:
        e = s.receive()
        if e.get("id") == "ask":
            return e


def condition(e):
    found = e.find("{jabber:client}error")
    return found[0].tag.split("}")[1] if found is not None else None


def offered(server):
    """XEP-0175 section 2: where the operator has asked for it, behind all others."""
    s = Stream(server)
    s.open()
    names = mechanisms(s.features())
    assert names[-1] == "ANONYMOUS" and len(names) > 1, names
    s.close()
    s = Stream(server, "example.test")
    s.open()
    assert "ANONYMOUS" not in mechanisms(s.features())
    e = auth(s, "=")
    assert e[0].tag == "{%s}invalid-mechanism" % NS["sasl"], ET.tostring(e)
    s.close()
    clear = Stream(server, tls=False)
    clear.open()
    clear.features()
    assert auth(clear, "=")[0].tag == "{%s}encryption-required" % NS["sasl"]
    clear.close()


def names(server):
    trace = base64.b64encode("sirhc".encode()).decode()
    made = [anonymous(server, data) for data in (None, "=", trace)]
    locals_ = [bare(s).split("@")[0] for s in made]
    assert len(set(locals_)) == 3 and all(UUID.fullmatch(n) for n in locals_), locals_
    for s in made:
        s.close()
    for bad in (b"\xff", b"a" * 256, b"a\x01"):
        s = Stream(server)
        s.open()
        s.features()
        e = auth(s, base64.b64encode(bad).decode())
        assert e[0].tag == "{%s}malformed-request" % NS["sasl"], ET.tostring(e)
        s.close()


def talks(server):
    """It speaks with local accounts, and is there as long as its session."""
    s, romeo = anonymous(server), client(server, "romeo")
    s.send("<presence/>")
    s.sync()
    s.send(f"<message to='{romeo.jid}' type='chat' id='a'><body>hi</body></message>")
    e = romeo.receive()
    assert e.get("from") == s.jid and e.get("id") == "a", ET.tostring(e)
    romeo.send(f"<message to='{bare(s)}' type='chat' id='b'><body>ho</body></message>")
    assert s.receive().get("id") == "b"
    info = ask(romeo, "get", bare(s), "<query xmlns='http://jabber.org/protocol/disco#info'/>")
    kinds = [(i.get("category"), i.get("type")) for i in info[0]
             if i.tag.endswith("}identity")]
    assert kinds == [("account", "anonymous")], ET.tostring(info)
    items = ask(romeo, "get", bare(s), "<query xmlns='http://jabber.org/protocol/disco#items'/>")
    assert not len(items[0]), ET.tostring(items)
    s.send("</stream:stream>")
    s.wait_closed()
    s.close()
    romeo.send(f"<message to='{bare(s)}' type='chat' id='c'><body>gone?</body></message>")
    e = romeo.receive()
    assert e.get("id") == "c" and condition(e) == "service-unavailable", ET.tostring(e)
    romeo.close()


def forbidden(server):
    s, romeo = anonymous(server), client(server, "romeo")
    item = f"<query xmlns='{ROSTER}'><item jid='romeo@localhost'/></query>"
    for kind, to, payload in (
            ("set", "", item),
            ("set", "", "<query xmlns='jabber:iq:private'><x xmlns='urn:example:x'/></query>"),
            ("set", "", "<vCard xmlns='vcard-temp'/>"),
            ("set", "", "<block xmlns='urn:xmpp:blocking'><item jid='romeo@localhost'/></block>"),
            ("get", "", "<query xmlns='jabber:iq:register'/>"),
            ("set", "localhost", "<query xmlns='jabber:iq:register'><remove/></query>"),
            ("get", "example.net", "<ping xmlns='urn:xmpp:ping'/>")):
        e = ask(s, kind, to, payload)
        assert condition(e) == "forbidden", (payload, ET.tostring(e))
    assert ask(s, "get", "", f"<query xmlns='{ROSTER}'/>").get("type") == "result"
    for to in ("romeo@localhost", "juliet@example.net"):
        s.send(f"<presence to='{to}' type='subscribe' id='p'/>")
        e = s.receive()
        assert e.get("id") == "p" and condition(e) == "forbidden", ET.tostring(e)
    s.send("<message to='juliet@example.net' id='m'><body>x</body></message>")
    assert condition(s.receive()) == "forbidden"
    ask(romeo, "get", "", f"<query xmlns='{ROSTER}'/>")
    romeo.send(f"<presence to='{bare(s)}' type='subscribe'/>")
    streams = {"r": romeo}
    e = next(e for e in settle(streams)["r"] if e.tag.endswith("}presence"))
    assert (e.get("type"), e.get("from")) == ("unsubscribed", bare(s)), ET.tostring(e)
    s.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    e = s.receive()
    assert e.tag == "{urn:xmpp:sm:3}enabled" and not e.get("resume"), ET.tostring(e)
    s.close()
    romeo.close()


def survives(server):
    """kill -9 of sm: the stream stays, and so does the account."""
    s, romeo = anonymous(server), client(server, "romeo")
    s.send("<presence/>")
    s.sync()
    server.kill("sm-1")
    s.sync()
    romeo.send(f"<message to='{bare(s)}' type='chat' id='after'><body>x</body></message>")
    while s.receive().get("id") != "after":
        pass
    assert condition(ask(s, "set", "", "<vCard xmlns='vcard-temp'/>")) == "forbidden"
    s.close()
    romeo.close()


def nothing_left(server):
    """Of none of them there is anything in the database."""
    if os.environ.get("MERCUTIO_POSTGRESQL"):
        return
    path = next(os.path.join(folder, name) for folder, _, files in os.walk(server.dir)
                for name in files if name.endswith((".db", ".sqlite", ".sqlite3")))
    db = sqlite3.connect(path)
    tables = [n for n, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    assert tables
    for table in tables:
        for row in db.execute(f'SELECT * FROM "{table}"'):
            found = [v for v in row if isinstance(v, str) and UUID.match(v) and
                     table != "roster" and table != "log"]
            assert not found, (table, row)
        columns = [c[1] for c in db.execute(f'PRAGMA table_info("{table}")')]
        if "account" in columns:
            for account, in db.execute(f'SELECT DISTINCT account FROM "{table}"'):
                assert not UUID.match(str(account)), (table, account)
    db.close()


def rate(server):
    for n in range(3):
        anonymous(server, "=").close()
    s = Stream(server)
    s.open()
    s.features()
    e = auth(s, "=")
    assert e[0].tag == "{%s}temporary-auth-failure" % NS["sasl"], ET.tostring(e)
    assert s.plain("romeo", "montague").tag.endswith("}success"), "others are not hindered"
    s.close()


def reloaded(server):
    """Other mechanisms, and a reload of auth alone: the streams behind it are offered those."""
    config = os.path.join(server.dir, "mercutio.conf")
    with open(config) as f:
        text = f.read()
    for more, want in (('auth { mechanisms = {"SCRAM-SHA-1", "PLAIN"} }\n', ["SCRAM-SHA-1", "PLAIN"]),
                       ("", None)):
        with open(config, "w") as f:
            f.write(text + more)
        assert server.ctl("reload", "auth").returncode == 0
        deadline = time.monotonic() + TIMEOUT
        while True:
            s = Stream(server, "example.test")
            s.open()
            got = mechanisms(s.features())
            s.close()
            if got == want or not want and len(got) > 2:
                break
            assert time.monotonic() < deadline, got
    s = Stream(server, "example.test")
    s.open()
    assert "SCRAM-SHA-256" in mechanisms(s.features())
    s.close()


def main():
    tap = Tap()
    options = ("--set", 'auth.anonymous_domains=localhost')
    with Server(users=("romeo:montague",), domains=("localhost", "example.test"),
                args=("--unlimited", *options)) as server:
        for test in (offered, names, talks, forbidden, survives, nothing_left,
                     reloaded):
            tap.run(f"anonymous, {test.__name__.replace('_', ' ')}", test, server)
    with Server(users=("romeo:montague",),
                args=(*options, "--set", "auth.anonymous_rate=3")) as server:
        tap.run("anonymous, rate", rate, server)
    tap.done()


if __name__ == "__main__":
    main()
