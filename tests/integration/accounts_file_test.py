#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Accounts as a file (XEP-0227): out, into an empty server, out again; files of other servers; mistakes."""
import os
import stat
import subprocess
import tempfile
import threading
import xml.etree.ElementTree as ET

from harness import BUILD, Server, Stream, Tap

PIE = "{urn:xmpp:pie:0}"
MAM = "{urn:xmpp:mam:2}"
SID = "{urn:xmpp:sid:0}"
CLIENT = "{jabber:client}"
ROSTER = "{jabber:iq:roster}"
DELAY = "{urn:xmpp:delay}"
MANY = 700


def good(result):
    assert result.returncode == 0, f"{result.args[3:]}: {result.returncode}: {result.stderr}"
    return result.stdout


def bad(result, status=1):
    assert result.returncode == status, f"{result.args[3:]}: {result.returncode}: {result.stdout}"
    return result.stderr


def iq(stream, kind, payload, to=""):
    stream.send(f"<iq type='{kind}' id='x'{to}>{payload}</iq>")
    while True:
        e = stream.receive()
        if e.tag == CLIENT + "iq" and e.get("id") == "x":
            assert e.get("type") == "result", ET.tostring(e)
            return e


def users(path):
    return {u.get("name"): u for u in ET.parse(path).getroot().iter(PIE + "user")}


def normal(path):
    """What must be the same: numbers of log entries are the server's own, and the order of what has none."""
    found = {}
    for name, user in users(path).items():
        for result in user.iter(MAM + "result"):
            result.set("id", "")
        for stanza_id in user.iter(SID + "stanza-id"):
            stanza_id.set("id", "")
        found[name] = sorted(ET.canonicalize(ET.tostring(child, encoding="unicode")) for child in user)
    return found


def fill(server):
    """An account with all that can be in it."""
    alice, bob = Stream(server).login("alice"), Stream(server).login("bob")
    iq(alice, "set", "<query xmlns='jabber:iq:roster'><item jid='bob@localhost' name=\"B&amp;o'b\">"
       "<group>Friends</group><group>W\u00f6rk &lt;1&gt;</group></item></query>")
    iq(alice, "set", "<query xmlns='jabber:iq:roster'><item jid='dave@elsewhere.example'/></query>")
    alice.send("<presence type='subscribe' to='carol@localhost'/>")
    alice.send("<presence type='subscribed' to='later@elsewhere.example'/>")
    iq(alice, "set", "<vCard xmlns='vcard-temp'><FN>Alice &amp; all</FN><N><GIVEN>A</GIVEN></N></vCard>")
    iq(alice, "set", "<query xmlns='jabber:iq:private'><a xmlns='urn:example:a' x='1'><b>t</b></a></query>")
    iq(alice, "set", "<query xmlns='jabber:iq:private'><a xmlns='urn:example:b'/></query>")
    iq(alice, "set", "<block xmlns='urn:xmpp:blocking'><item jid='spam@evil.example'/>"
       "<item jid='evil.example'/></block>")
    alice.send("<presence/>")
    alice.sync()
    for i in range(3):
        bob.send(f"<message to='alice@localhost' type='chat' id='seen{i}'><body>seen {i}</body></message>")
    bob.sync()
    while len([1 for _ in iter(lambda: alice.receive().get("id"), "seen2")]) > 9:
        pass
    alice.send("</stream:stream>")
    alice.wait_closed()
    bob.send("<presence type='subscribe' to='alice@localhost' id='please'><status>me</status></presence>")
    for i in range(4):
        bob.send(f"<message to='alice@localhost' type='chat' id='kept{i}' xml:lang='de'>"
                 f"<body>kept {i} &lt;&amp;&gt; \"'</body><x xmlns='urn:example:x' y:z='1'"
                 " xmlns:y='urn:example:y'/></message>")
    bob.sync()
    carol = Stream(server).login("carol")
    for i in range(MANY):
        bob.send(f"<message to='carol@localhost' type='chat' id='m{i}'><body>number {i}</body></message>")
    bob.sync()
    carol.close()
    bob.close()


def has_all(path):
    alice = users(path)["alice"]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with open(path, encoding="utf-8") as f:
        assert "secret" not in f.read()
    items = {i.get("jid"): i for i in alice.iter(ROSTER + "item")}
    assert items["bob@localhost"].get("name") == "B&o'b"
    assert {g.text for g in items["bob@localhost"]} == {"Friends", "W\u00f6rk <1>"}
    assert items["carol@localhost"].get("ask") == "subscribe"
    assert items["later@elsewhere.example"].get("approved") == "true"
    assert alice.find(CLIENT + "presence").get("from") == "bob@localhost"
    assert alice.find("{vcard-temp}vCard/{vcard-temp}FN").text == "Alice & all"
    assert len(alice.find("{jabber:iq:private}query")) == 2
    denied = alice.findall(".//{jabber:iq:privacy}item")
    assert {d.get("value") for d in denied} == {"evil.example", "spam@evil.example"}
    assert len({d.get("order") for d in denied}) == 2
    mechanisms = {k.get("mechanism") for k in alice.findall("{urn:xmpp:pie:0#scram}scram-credentials")}
    assert mechanisms == {"SCRAM-SHA-1", "SCRAM-SHA-256"}, mechanisms
    kept = alice.findall(f"{PIE}offline-messages/{CLIENT}message")
    assert [m.get("id") for m in kept] == [f"kept{i}" for i in range(4)], [m.get("id") for m in kept]
    assert all(m.find(DELAY + "delay").get("stamp") for m in kept)
    archived = alice.findall("{urn:xmpp:pie:0#mam}archive/" + MAM + "result")
    assert len(archived) == 7, len(archived)
    carol = users(path)["carol"]
    numbers = [b.text for b in carol.findall(f"{PIE}offline-messages/{CLIENT}message/{CLIENT}body")]
    assert numbers == [f"number {i}" for i in range(MANY)], len(numbers)


def out(server, path):
    good(server.ctl("user", "export", "--all", path))
    has_all(path)
    text = good(server.ctl("user", "export", "alice@localhost", "-"))
    assert list(ET.fromstring(text).iter(PIE + "user"))[0].get("name") == "alice"
    few = path + ".few"
    good(server.ctl("user", "export", "--no-archive", "--domain", "localhost", few))
    assert "#mam" not in open(few, encoding="utf-8").read()
    assert "no such account" in bad(server.ctl("user", "export", "nobody@localhost", few))
    bad(server.ctl("user", "export", few), 2)
    bad(server.ctl("user", "export", "alice@elsewhere.example", few))


def same(server, first, path):
    good(server.ctl("user", "export", "--all", path))
    a, b = normal(first), normal(path)
    assert a.keys() == b.keys()
    for name in a:
        for x, y in zip(a[name], b[name]):
            assert x == y, f"{name}: {x[:500]} / {y[:500]}"
        assert len(a[name]) == len(b[name]), name


def there(server):
    """A client finds what the file said, the messages with the time that they had."""
    alice = Stream(server).login("alice", "secret")
    roster = iq(alice, "get", "<query xmlns='jabber:iq:roster'/>")
    assert len(roster.findall(f".//{ROSTER}item")) == 4, ET.tostring(roster)
    alice.send("<presence/>")
    got = alice.sync()
    while not got or got[-1].get("id") != "kept3":
        got.append(alice.receive())
    kept = [e for e in got if (e.get("id") or "").startswith("kept")]
    assert [e.get("id") for e in kept] == [f"kept{i}" for i in range(4)], [e.get("id") for e in got]
    assert all(len(e.findall(DELAY + "delay")) == 1 for e in kept)
    assert any(e.get("type") == "subscribe" and e.get("id") == "please" for e in got)
    alice.send("<message to='spam@evil.example' id='no'><body>x</body></message>")
    answer = alice.receive()
    assert answer.get("type") == "error" and answer.get("id") == "no", ET.tostring(answer)
    assert not [e for e in alice.sync() if (e.get("id") or "").startswith("seen")]
    alice.close()


def into_empty(first, folder):
    with Server() as server:
        text = good(server.ctl("user", "import", first))
        assert text.startswith("3 accounts added"), text
        same(server, first, os.path.join(folder, "second.xml"))
        there(server)
        again = os.path.join(folder, "first-again.xml")
        good(server.ctl("user", "import", "--replace", first))
        same(server, first, again)
        assert bad(server.ctl("user", "import", first)).count("exists already") == 3
        assert "3 skipped" in good(server.ctl("user", "import", "--skip", first))


def sessions(first, folder):
    """With clients online: merged data reach them, a replaced account's sessions end."""
    part = os.path.join(folder, "part.xml")
    with open(part, "w", encoding="utf-8") as f:
        f.write("<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'><user name='alice'>"
                "<query xmlns='jabber:iq:roster'><item jid='new@elsewhere.example' subscription='both'/>"
                "</query><offline-messages><message xmlns='jabber:client' from='x@elsewhere.example/r'"
                " type='chat' id='old'><body>old</body><delay xmlns='urn:xmpp:delay' from='localhost'"
                " stamp='2010-07-10T23:08:25Z'/></message></offline-messages>"
                "<archive xmlns='urn:xmpp:pie:0#mam'><result xmlns='urn:xmpp:mam:2' id='1'>"
                "<forwarded xmlns='urn:xmpp:forward:0'><delay xmlns='urn:xmpp:delay'"
                " stamp='2009-01-01T00:00:00Z'/><message xmlns='jabber:client' to='alice@localhost'"
                " from='x@elsewhere.example' type='chat' id='ancient'><body>a</body></message>"
                "</forwarded></result></archive></user></host></server-data>")
    with Server(users=["alice:secret"]) as server:
        alice = Stream(server).login("alice")
        iq(alice, "get", "<query xmlns='jabber:iq:roster'/>")
        alice.send("<presence/>")
        alice.sync()
        assert "1 merged" in good(server.ctl("user", "import", "--merge", part))
        got = alice.sync()
        assert [e for e in got if e.find(f".//{ROSTER}item[@jid='new@elsewhere.example']") is not None]
        old = [e for e in got if e.get("id") == "old"]
        assert len(old) == 1 and old[0].find(DELAY + "delay").get("stamp").startswith("2010-07-10T23:08:25")
        assert not [e for e in got if e.get("id") == "ancient"]
        good(server.ctl("user", "import", "--replace", first))
        alice.wait_closed()
        there(server)


def while_it_changes(folder):
    """A file has an account as it was at one moment: here two things always change together."""
    path = os.path.join(folder, "moment.xml")
    with Server(users=["alice:secret"], args=["--set", "sm.private_items_max=1000"]) as server:
        alice = Stream(server).login("alice")
        stop = threading.Event()

        def both(n):
            iq(alice, "set", f"<query xmlns='jabber:iq:private'><a xmlns='urn:example:a'>{n}</a>"
               f"<z xmlns='urn:example:z'>{n}</z></query>")

        def change():
            n = 0
            while not stop.is_set():
                n += 1
                both(n)

        both(0)
        changer = threading.Thread(target=change)
        changer.start()
        try:
            seen = set()
            for _ in range(8):
                good(server.ctl("user", "export", "--all", path))
                found = [e.text for e in users(path)["alice"].find("{jabber:iq:private}query")]
                assert len(found) == 2 and found[0] == found[1], found
                seen.add(found[0])
            assert len(seen) > 1
        finally:
            stop.set()
            changer.join()
        # More than fits into one answer goes in pages.
        for i in range(60):
            iq(alice, "set", f"<query xmlns='jabber:iq:private'><l xmlns='urn:example:l{i}'>"
               f"{'x' * 30000}</l></query>")
        good(server.ctl("user", "export", "--all", path))
        assert len(users(path)["alice"].find("{jabber:iq:private}query")) == 62
        alice.close()
        good(server.ctl("user", "import", "--replace", path))
        same(server, path, path + ".again")


def owner_dies(first, folder):
    """What was sent again is there once."""
    with Server() as server:
        command = [os.path.join(BUILD, "tools", "mercutioctl"), "--config",
                   os.path.join(server.dir, "mercutio.conf"), "user", "import", first]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        while "carol" not in good(server.ctl("user", "list")) and process.poll() is None:
            pass
        server.kill("sm-1")
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0 and out.startswith("3 accounts added"), (out, err)
        same(server, first, os.path.join(folder, "died.xml"))


def others(folder):
    """Prefixes, passwords in the clear, keys behind the data, several files, things that we do not know."""
    os.mkdir(os.path.join(folder, "localhost"))
    main = os.path.join(folder, "main.xml")
    with open(main, "w", encoding="utf-8") as f:
        f.write("<?xml version='1.0'?>\n<p:server-data xmlns:p='urn:xmpp:pie:0'"
                " xmlns:xi='http://www.w3.org/2001/XInclude'><xi:include href='localhost.xml'/>"
                "<p:host jid='unknown.example'><p:user name='zoe'/></p:host></p:server-data>")
    with open(os.path.join(folder, "localhost.xml"), "w", encoding="utf-8") as f:
        f.write("<host xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude' jid='localhost'>"
                "<xi:include href='localhost/ju%6Ciet.xml'/>"
                "<user name='Nurse' password='p&amp;w'><r:query xmlns:r='jabber:iq:roster'>"
                "<r:item jid='juliet@localhost' subscription='from'><r:group>g</r:group></r:item></r:query>"
                "<strange xmlns='urn:example:strange'/><pubsub xmlns='http://jabber.org/protocol/pubsub'/>"
                "<blocklist xmlns='urn:xmpp:blocking'><item jid='x@y.example'/></blocklist>"
                "<query xmlns='jabber:iq:privacy'><default name='d'/><list name='d'>"
                "<item type='jid' value='z@y.example' action='deny' order='1'/>"
                "<item type='group' value='g' action='deny' order='2'/><item action='allow' order='9'/>"
                "</list></query></user></host>")
    with open(os.path.join(folder, "localhost", "juliet.xml"), "w", encoding="utf-8") as f:
        f.write("<user xmlns='urn:xmpp:pie:0' name='juliet'><vCard xmlns='vcard-temp'><FN>J</FN></vCard>"
                "</user>")
    with Server() as server:
        result = server.ctl("user", "import", main)
        text = bad(result)
        assert result.stdout.startswith("2 accounts added"), result.stdout
        for what in ("zoe@unknown.example", "urn:example:strange", "http://jabber.org/protocol/pubsub",
                     'privacy list "d"', "juliet@localhost: has no password"):
            assert what in text, (what, text)
        nurse = Stream(server).login("nurse", "p&w")
        blocked = iq(nurse, "get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        assert {i.get("jid") for i in blocked[0]} == {"x@y.example", "z@y.example"}
        nurse.close()


def kept_elsewhere(folder):
    """Of accounts whose passwords are kept elsewhere the data are taken in as of all others, once they are here."""
    home, path = os.path.join(folder, "elsewhere"), os.path.join(folder, "elsewhere.xml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>"
                + "".join(f"<user name='{name}' password='x'><vCard xmlns='vcard-temp'><FN>new</FN></vCard></user>"
                          for name in ("alice", "nobody")) + "</host></server-data>")
    with Server(users=["alice:secret"], keep=home) as server:
        alice = Stream(server).login("alice")
        iq(alice, "set", "<query xmlns='jabber:iq:roster'><item jid='bob@localhost'/></query>")
        alice.close()
    args = ("--set", "host:localhost.credentials=site", "--set", "credentials:site.type=http",
            "--set", "credentials:site.http_url=http://127.0.0.1:9/")
    with Server(keep=home, args=args) as server:
        out = os.path.join(folder, "out.xml")
        for way, said, roster, cards in ((["--skip"], "1 skipped", 1, 0), ([], "0 merged", 1, 0),
                                         (["--merge"], "1 merged", 1, 1), (["--replace"], "1 replaced", 0, 1)):
            result = server.ctl("user", "import", *way, path)
            assert result.returncode == 1 and said in result.stdout, result
            assert "nobody@localhost: its passwords are kept elsewhere" in result.stderr, result
            good(server.ctl("user", "export", "--all", out))
            found = users(out)
            assert list(found) == ["alice"]
            assert len(found["alice"].findall(f".//{ROSTER}item")) == roster, way
            assert len(found["alice"].findall(".//{vcard-temp}FN")) == cards, way


def mistakes(folder):
    head = "<server-data xmlns='urn:xmpp:pie:0'><host jid='localhost'>"
    files = {
        "this is no XML": "not JID",
        "<other/>": "server-data",
        head + "<user name='a' password='b'>": "no element found",
        "<!DOCTYPE x [<!ENTITY e 'x'>]>" + head: "document type",
        head + "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='../x.xml'/>": "not followed",
        head + "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='/etc/passwd'/>": "not followed",
        head + "<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='missing.xml'/>": "missing.xml",
        head + "<user name='bad name' password='x'/></host></server-data>": "not the address",
    }
    path = os.path.join(folder, "mistake.xml")
    with Server() as server:
        for text, word in files.items():
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
            told = bad(server.ctl("user", "import", path))
            assert word in told, (text, told)
        assert good(server.ctl("user", "list")) == ""
        bad(server.ctl("user", "import", os.path.join(folder, "nothing.xml")))


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as folder:
        first = os.path.join(folder, "first.xml")
        with Server(users=["alice:secret", "bob:secret", "carol:secret"]) as server:
            tap.run("accounts fill", fill, server)
            tap.run("all of it is in the file", out, server, first)
        tap.run("into an empty server and out again", into_empty, first, folder)
        tap.run("accounts that are online", sessions, first, folder)
        tap.run("an account that changes meanwhile", while_it_changes, folder)
        tap.run("its owner dies within an import", owner_dies, first, folder)
        tap.run("files of other servers", others, folder)
        tap.run("passwords that are kept elsewhere", kept_elsewhere, folder)
        tap.run("what is no such file is told", mistakes, folder)
    tap.done()


if __name__ == "__main__":
    main()
