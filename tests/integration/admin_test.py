#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Service administration (XEP-0133) over several instances: figures, messages, disabled accounts, the
end of the service; and mercutioctl, which runs the same commands."""
import json
import os
import re
import signal
import time
import xml.etree.ElementTree as ET

from harness import NS, Closed, Server, Stream, Tap, client

COMMANDS = "{http://jabber.org/protocol/commands}"
DATA = "{jabber:x:data}"
ADMIN = "http://jabber.org/protocol/admin#"
USERS = [f"user{i}" for i in range(12)]


def body(e):
    b = e.find("{jabber:client}body")
    return b.text if b is not None else None


def bodies(stream):
    """What the server itself has said to a client up to now."""
    return [body(e) for e in stream.sync()
            if e.tag == "{jabber:client}message" and e.get("from") == "localhost"]


class Admin:
    """Runs commands as a client does: asks, fills in the form, submits it."""

    def __init__(self, stream):
        self.stream, self.n = stream, 0

    def request(self, node, inside="", attrs=""):
        self.n += 1
        tag = f"cmd{self.n}"
        self.stream.send(f"<iq type='set' id='{tag}' to='localhost'><command node='{ADMIN}{node}' "
                         f"xmlns='http://jabber.org/protocol/commands' {attrs}>{inside}</command></iq>")
        while True:
            e = self.stream.receive()
            if e.get("id") == tag:
                return e

    def run(self, node, **fields):
        e = self.request(node)
        c = e.find(COMMANDS + "command")
        if c is not None and c.get("status") == "executing":
            form = "".join(
                f"<field var='{k}'>" + "".join(f"<value>{v}</value>" for v in
                                               (vs if isinstance(vs, list) else [vs])) + "</field>"
                for k, vs in fields.items())
            e = self.request(node, f"<x xmlns='jabber:x:data' type='submit'>{form}</x>",
                             f"sessionid='{c.get('sessionid')}'")
            c = e.find(COMMANDS + "command")
        assert c is not None and c.get("status") == "completed", ET.tostring(e)
        return c


def values(command, var):
    return [v.text for f in command.iter(DATA + "field") if f.get("var") == var
            for v in f.iter(DATA + "value")]


def notes(command, kind=None):
    return [n.text for n in command.iter(COMMANDS + "note") if kind in (None, n.get("type"))]


def owners(server):
    """The sm of each session."""
    done = server.ctl("--json", "session", "list")
    assert done.returncode == 0, done.stderr
    return {s["jid"].split("/")[0]: s["sm"] for s in json.loads(done.stdout)}


def ctl(server, *args, status=0, stdin=""):
    done = server.ctl(*args, stdin=stdin)
    assert done.returncode == status, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout.split("\n")[:-1], done.stderr


def figures(server):
    admin = Admin(client(server, "admin"))
    streams = [client(server, u) for u in USERS]
    streams[0].send("<presence><show>xa</show></presence>")
    streams[0].sync()
    assert len(set(owners(server).values())) == 2, "all users are at one sm"
    everybody = sorted(f"{u}@localhost" for u in ["admin"] + USERS)
    assert values(admin.run("get-online-users-num"), "onlineusersnum") == ["13"]
    assert values(admin.run("get-idle-users-num"), "idleusersnum") == ["1"]
    assert values(admin.run("get-active-users-num"), "activeusersnum") == ["12"]
    assert values(admin.run("get-registered-users-num"), "registeredusersnum") == ["16"]
    c = admin.run("get-online-users-list", max_items="none")
    assert values(c, "onlineuserjids") == everybody and not notes(c)
    assert values(admin.run("get-idle-users"), "activeuserjids") == ["user0@localhost"]
    assert len(values(admin.run("get-registered-users-list"), "registereduserjids")) == 16
    assert ctl(server, "admin", "get-online-users-num")[0] == ["13"]
    assert ctl(server, "admin", "get-online-users-list", "max_items=none")[0] == everybody
    for s in [admin.stream] + streams:
        s.close()


def one_does_not_answer(server):
    """The answer says what it lacks."""
    admin = Admin(client(server, "admin"))
    streams = [client(server, u) for u in USERS]
    own = owners(server)
    stopped = ({"sm-1", "sm-2"} - {own["admin@localhost"]}).pop()
    here = sum(1 for sm in own.values() if sm != stopped)
    server.kill(stopped, signal.SIGSTOP)
    try:
        c = admin.run("get-online-users-num")
    finally:
        server.kill(stopped, signal.SIGCONT)
    assert values(c, "onlineusersnum") == [str(here)], values(c, "onlineusersnum")
    assert any(stopped in n for n in notes(c, "warn")), notes(c)
    for s in [admin.stream] + streams:
        s.close()


def truncated(server):
    admin = Admin(client(server, "admin"))
    c = admin.run("get-registered-users-list", max_items="none")
    assert len(values(c, "registereduserjids")) == 16 and not notes(c)
    config = os.path.join(server.dir, "mercutio.conf")
    with open(config) as f:
        text = f.read()
    with open(config, "w") as f:
        f.write(re.sub(r"sm \{", "sm { admin_list_max = 3", text, count=1)
                if "sm {" in text else text + "\nsm { admin_list_max = 3 }\n")
    ctl(server, "reload")
    c = admin.run("get-registered-users-list", max_items="none")
    assert values(c, "registereduserjids") == ["admin@localhost", "late@localhost", "new@localhost"]
    assert notes(c, "info") == ["The first 3 of 16 are shown."], notes(c)
    with open(config, "w") as f:
        f.write(text)
    ctl(server, "reload")
    admin.stream.close()


def announcements(server):
    streams = [client(server, u) for u in USERS]
    out, err = ctl(server, "announce", "Attention!", "We close.")
    assert "12 sessions" in err, err
    for s in streams:
        assert bodies(s) == ["Attention! We close."]
        s.close()
    assert "nothing" not in ctl(server, "announce", status=2)[1]


def restart_sm(server):
    """Both die at once; whoever had no session then is loaded from storage."""
    for name in ("sm-1", "sm-2"):
        pid = server.pids()[name]
        server.kill(name)
        deadline = time.monotonic() + 30
        while server.pids().get(name, pid) == pid:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    ctl(server, "--timeout", "30", "wait")


def motd_once(server):
    early = [client(server, u) for u in USERS[:6]]
    ctl(server, "motd", "set", "-", stdin="The day\nof days\n")
    for s in early:
        assert bodies(s) == ["The day\nof days"]
        s.close()
    restart_sm(server)  # what was shown, and what is to be shown, is stored
    for u in USERS:
        s = client(server, u, presence=False)
        s.send("<presence/>")
        assert bodies(s) == ([] if u in USERS[:6] else ["The day\nof days"]), u
        s.close()
    ctl(server, "motd", "edit", "Corrected")
    again = [client(server, u) for u in USERS]
    assert all(bodies(s) == [] for s in again)
    ctl(server, "motd", "delete")
    late = client(server, "late", presence=False)
    late.send("<presence/>")
    assert bodies(late) == []
    for s in again + [late]:
        s.close()


def register(server, name):
    s = Stream(server)
    s.open()
    s.features()
    s.send(f"<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>{name}</username>"
           "<password>secret</password></query></iq>")
    e = s.receive()
    assert e.get("type") == "result", ET.tostring(e)
    s.close()


def welcome_once(server):
    ctl(server, "welcome", "set", "Welcome!")
    register(server, "fresh")
    Admin(client(server, "admin")).run("add-user", **{
        "accountjid": "made@localhost", "password": "secret", "password-verify": "secret"})
    for name in ("fresh", "made"):
        s = Stream(server).login(name, "secret")
        assert bodies(s) == []  # it has not said that it takes messages
        s.send("<presence/>")
        assert bodies(s) == ["Welcome!"], name
        s.close()
    restart_sm(server)
    for name in ("fresh", "made", "user1"):
        s = Stream(server).login(name, "secret")
        s.send("<presence/>")
        assert bodies(s) == [], name
        s.close()
    ctl(server, "welcome", "delete")
    register(server, "later")
    s = Stream(server).login("later", "secret")
    s.send("<presence/>")
    assert bodies(s) == []
    s.close()
    ctl(server, "admin", "delete-user", *(f"accountjids={n}@localhost" for n in ("fresh", "made", "later")))


def sasl(server, name, password):
    s = Stream(server)
    s.open()
    s.features()
    e = s.plain(name, password)
    s.close()
    return e[0].tag.split("}")[1] if len(e) else e.tag.split("}")[1]


def disabled(server):
    """XEP-0133 section 4.3: told to nobody but who has the password; RFC 6120 section 6.5.2."""
    s = client(server, "user3")
    ctl(server, "user", "disable", "user3@localhost")
    got = s.wait_closed()
    assert got[-1].tag == "{%s}error" % NS["stream"], got
    assert sasl(server, "user3", "secret") == "account-disabled"
    assert sasl(server, "user3", "wrong") == "not-authorized"
    assert ctl(server, "admin", "get-disabled-users-num")[0] == ["1"]
    assert ctl(server, "admin", "get-disabled-users-list", "max_items=25")[0] == ["user3@localhost"]
    restart_sm(server)
    assert sasl(server, "user3", "secret") == "account-disabled"
    other = client(server, "user4")
    other.send("<message to='user3@localhost' type='chat' id='m'><body>kept</body></message>")
    assert other.sync() == []
    ctl(server, "user", "enable", "user3@localhost")
    s = client(server, "user3", presence=False)
    s.send("<presence/>")
    while body(s.receive()) != "kept":
        pass
    ctl(server, "user", "disable", "nobody@localhost", status=1)
    s.close()
    other.close()


def subcommands(server):
    """The commands under their own names, and what they say to mistakes."""
    s = client(server, "user5", resource="here")
    s.send("<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='a@b.example' name='A'/></query>"
           "</iq>")
    s.until("r")
    assert ctl(server, "user", "roster", "user5@localhost")[0][-1].startswith("a@b.example\tnone\tA")
    stats = json.loads("\n".join(ctl(server, "--json", "user", "stats", "user5@localhost")[0]))["fields"]
    assert stats["onlineresources"] == ["here"] and stats["ipaddresses"] == ["127.0.0.1"], stats
    assert stats["rostersize"] == ["1"] and float(stats["loginsperminute"][0]) > 0
    assert ctl(server, "admin", "get-user-lastlogin", "accountjids=user5@localhost")[0][1].startswith("lastlogin: 20")
    ctl(server, "admin", "change-user-password", "accountjid=user5@localhost", "password=-", stdin="other\n")
    assert sasl(server, "user5", "secret") == "not-authorized"
    assert sasl(server, "user5", "other") == "success"
    ctl(server, "admin", "change-user-password", "accountjid=user5@localhost", "password=-", stdin="secret\n")
    ctl(server, "admin", "end-user-session", "accountjids=user5@localhost/here")
    assert s.wait_closed()
    assert "blacklistjids" in ctl(server, "admin", "edit-blacklist", status=2)[1]
    ctl(server, "admin", "localhost", "edit-blacklist", "blacklistjids=evil.example")
    assert "blacklistjids=evil.example" in ctl(server, "admin", "edit-blacklist", status=2)[1]
    ctl(server, "admin", "edit-blacklist", "blacklistjids=")
    assert "no such command" in ctl(server, "admin", "dance", status=1)[1]
    assert "required" in ctl(server, "admin", "delete-user", "x=y", status=1)[1]
    assert "is no JID" in ctl(server, "admin", "delete-user", "accountjids=@", status=1)[1]
    ctl(server, "admin", "delete-user", "accountjids=nobody@localhost", status=1)


def bad_option(server):
    bad = os.path.join(server.dir, "bad.conf")
    with open(os.path.join(server.dir, "mercutio.conf")) as f, open(bad, "w") as to:
        to.write(re.sub(r"(?m)^admins.*$", "", f.read()) + "\nadmins = {'localhost', 'a@b/c'}\n")
    done = server.ctl("--config", bad, "config", "check")
    assert done.returncode == 1 and done.stderr.count("admins") == 2, done


def restarted(server):
    s = client(server, "user1")
    before = server.pids()
    out, err = ctl(server, "admin", "restart", "delay=0", "announcement=Back soon")
    got = s.wait_closed()
    assert body(got[0]) == "Back soon" and got[-1].tag == "{%s}error" % NS["stream"], got
    assert got[-1][0].tag.endswith("}system-shutdown")
    deadline = time.monotonic() + 60
    while set(before.values()) & set(server.pids().values()) or len(server.pids()) < len(before):
        assert time.monotonic() < deadline, (before, server.pids())
        time.sleep(0.05)
    ctl(server, "--timeout", "30", "wait")
    client(server, "user1").close()


def shut_down(server):
    admin = Admin(client(server, "admin"))
    assert notes(admin.run("shutdown", delay="0")) == ["The service ends in 0 seconds."]
    try:
        admin.stream.wait_closed()
    except Closed:
        pass
    assert server.process.wait(60) == 0


def main():
    tap = Tap()
    users = [f"{u}:secret" for u in ["admin", "late", "new", "old"] + USERS]
    with Server(users=users, args=["--instances", "sm=2,c2s=2", "--register", "--unlimited",
                                   "--set", "admins=admin@localhost"]) as server:
        for test in (figures, one_does_not_answer, truncated, announcements, motd_once, welcome_once,
                     disabled, subcommands, bad_option, restarted, shut_down):
            tap.run((test.__doc__ or test.__name__).split("\n")[0], test, server)
    tap.done()


if __name__ == "__main__":
    main()
