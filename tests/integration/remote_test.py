#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Accounts of other servers: RFC 6121 Appendix A towards them and from them, presence, requests,
messages, errors, blocking, removal. The other servers are a double of s2s that takes everything at once
unless a test says otherwise."""
import sys
import time

from harness import Server, Stream, Tap, settle
from remote import Remote, restart
from subscriptions_test import OUTBOUND, ROSTER, SHOWN, STATES, TYPES, visible

# A.3: where the contact's stanza leads the user's state, when not back to the same.
INBOUND = {
    "subscribe": {
        "None": "None + Pending In", "None + Pending Out": "None + Pending Out+In",
        "To": "To + Pending In"},
    "unsubscribe": {
        "None + Pending In": "None", "None + Pending Out+In": "None + Pending Out",
        "To + Pending In": "To", "From": "None", "From + Pending Out": "None + Pending Out",
        "Both": "To"},
    "subscribed": {
        "None + Pending Out": "To", "None + Pending Out+In": "To + Pending In",
        "From + Pending Out": "Both"},
    "unsubscribed": {
        "None + Pending Out": "None", "None + Pending Out+In": "None + Pending In", "To": "None",
        "To + Pending In": "None + Pending In", "From + Pending Out": "From", "Both": "From"},
}


class User:
    """One of our accounts and the server's view of the others."""

    serial = 0

    def __init__(self, server, remote, presence=True):
        User.serial += 1
        self.server, self.remote = server, remote
        self.name = f"user{User.serial}"
        self.bare = f"{self.name}@localhost"
        self.full = f"{self.bare}/r"
        done = server.ctl("user", "add", self.bare, stdin="secret\nsecret\n")
        assert done.returncode == 0, done.stderr
        self.s = self.login()
        if presence:
            self.s.send("<presence/>")
        self.settle()

    def login(self, resource="r"):
        s = Stream(self.server).login(self.name, "secret", resource)
        s.send(f"<iq type='get' id='r'><query xmlns='{ROSTER}'/></iq>")
        return s

    def settle(self):
        return settle({"u": self.s})["u"]

    def send(self, to, kind):
        self.s.send(f"<presence to='{to}' type='{kind}'/>")
        return self.settle()

    def take(self, sender, kind):
        """A stanza of a contact's."""
        answer = self.remote.tell(f"<presence from='{sender}' to='{self.bare}' type='{kind}'/>")
        assert answer is None, answer.attrib
        return self.settle()

    def step(self, contact, step):
        who, kind = step.split(" ")
        return self.send(contact, kind) if who == "u" else self.take(contact, kind)

    def item(self, contact):
        self.s.send(f"<iq type='get' id='get'><query xmlns='{ROSTER}'/></iq>")
        while (e := self.s.receive()).get("id") != "get":
            pass
        for item in e.iter("{%s}item" % ROSTER):
            if item.get("jid") == contact:
                return item.get("subscription"), item.get("ask")
        return ("none", None)

    def befriend(self, contact):
        for step in STATES["Both"]:
            self.step(contact, step)
        self.remote.drain()

    def close(self):
        self.s.close()


def pushes(got):
    return [e for e in got if e.tag.endswith("}iq") and e.get("type") == "set"]


def shown(got, sender):
    return [e.get("type") for e in got
            if e.tag.endswith("}presence") and e.get("from") == sender]


def told(remote, contact):
    """Types of the presence that the contact was sent, and whether it came from the bare JID."""
    return [(t.type, "/" not in t.sender) for t in remote.drain()
            if t.name == "presence" and t.to == contact]


def outbound(user, contact, state, kind):
    for step in STATES[state]:
        user.step(contact, step)
    assert user.item(contact) == visible(state), user.item(contact)
    user.remote.drain()
    got = user.send(contact, kind)
    after = OUTBOUND[kind].get(state, state)
    routed, after = after is not None, after or state
    want = [(kind, True)] if routed else []
    if routed and kind == "subscribed":  # 3.1.5
        want.append((None, False))
    if routed and kind == "unsubscribed" and state.split(" ")[0] in ("From", "Both"):  # 3.2.2
        want.insert(0, ("unavailable", False))
    have = told(user.remote, contact)
    assert have == want, (have, want)
    assert user.item(contact) == visible(after), (user.item(contact), after)
    changed = visible(after) != visible(state)
    approved = kind == "subscribed" and after == state and "rom" not in state and state != "Both"
    assert len(pushes(got)) == int(changed or approved), f"{len(pushes(got))} pushes"


def inbound(user, contact, state, kind):
    for step in STATES[state]:
        user.step(contact, step)
    user.remote.drain()
    got = user.take(contact, kind)
    after = INBOUND[kind].get(state, state)
    want = [kind] if state in SHOWN[kind] else []
    assert shown(got, contact) == want, (shown(got, contact), want)
    have = told(user.remote, contact)
    sees = state.split(" ")[0] in ("From", "Both")
    if kind == "subscribe" and sees:  # 3.1.3: answered for the user
        assert have == [("subscribed", True)], have
    elif kind == "unsubscribe" and want:  # 3.3.3, A.3.2
        assert have == [("unavailable", False)] * sees + [("unsubscribed", True)], have
    else:
        assert have == [], have
    assert user.item(contact) == visible(after), (user.item(contact), after)
    changed = visible(after) != visible(state)
    assert len(pushes(got)) == int(changed), f"{len(pushes(got))} pushes"
    # A duplicate changes nothing and is not shown.
    if kind != "subscribe" or "In" not in after:
        assert shown(user.take(contact, kind), contact) == []


def approved_before(server, remote):
    """RFC 6121 section 3.4."""
    u = User(server, remote)
    assert len(pushes(u.send("juliet@remote.test", "subscribed"))) == 1
    assert told(remote, "juliet@remote.test") == []
    got = u.take("juliet@remote.test", "subscribe")
    assert shown(got, "juliet@remote.test") == [] and len(pushes(got)) == 1
    assert told(remote, "juliet@remote.test") == [("subscribed", True), (None, False)]
    assert u.item("juliet@remote.test") == ("from", None)
    u.close()


def kept_requests(server, remote):
    """3.1.3: shown whole at each login until they are answered."""
    u = User(server, remote)
    assert remote.tell(f"<presence from='juliet@remote.test' to='{u.bare}' type='subscribe'>"
                       "<status>please</status></presence>") is None
    u.close()
    u.s = u.login()
    u.s.send("<presence/>")
    got = [e for e in u.settle() if e.get("type") == "subscribe"]
    assert len(got) == 1 and got[0].find("{*}status").text == "please"
    u.send("juliet@remote.test", "unsubscribed")
    u.close()
    u.s = u.login()
    u.s.send("<presence/>")
    assert not [e for e in u.settle() if e.get("type") == "subscribe"]
    u.close()


def asked_again(server, remote):
    """3.1.2: what was not answered is asked again when the account comes online, once, and no more when it
    was; a request that a contact of ours has is in that one's roster."""
    u = User(server, remote)
    friend, here = "juliet@remote.test", "user1@localhost"
    u.send(friend, "subscribe")
    u.send(here, "subscribe")
    u.settle()
    remote.drain()
    second = u.login("second")
    second.send("<presence/>")
    settle({"u": u.s, "second": second})
    assert not [t for t in remote.drain() if t.type == "subscribe"]  # it was online
    for s in (second, u.s):
        s.send("</stream:stream>")
        s.wait_closed()
        s.close()
    u.s = u.login()
    u.s.send("<presence type='unavailable'/>")
    u.settle()
    remote.drain()
    u.s.send("<presence/>")
    t = remote.got(lambda t: t.type == "subscribe")
    assert (t.to, t.sender) == (friend, u.bare), t
    u.settle()
    assert not [t for t in remote.drain() if t.type == "subscribe"]
    u.take(friend, "subscribed")
    assert u.item(friend) == ("to", None)
    u.s.send("<presence type='unavailable'/><presence/>")
    u.settle()
    assert not [t for t in remote.drain() if t.type == "subscribe"]
    u.close()


def presence_out(server, remote):
    """4.2 to 4.6: broadcast, probes, directed presence, the end."""
    u = User(server, remote)
    friend, stranger = "juliet@remote.test", "nurse@other.test/room"
    u.befriend(friend)
    u.s.send("<presence><show>away</show></presence>")
    u.settle()
    got = remote.drain()
    assert [(t.to, t.type, t.sender) for t in got] == [(friend, None, u.full)], got
    u.s.send(f"<presence to='{stranger}'/>")
    u.settle()
    assert [(t.to, t.type) for t in remote.drain()] == [(stranger, None)]
    u.s.send("<presence type='unavailable'><status>gone</status></presence>")
    u.settle()
    got = sorted((t.to, t.type, t.sender) for t in remote.drain())
    assert got == [(friend, "unavailable", u.full), (stranger, "unavailable", u.full)], got
    u.s.send("<presence/>")
    u.settle()
    got = sorted((t.to, t.type or "", t.sender) for t in remote.drain())
    assert got == [(friend, "", u.full), (friend, "probe", u.bare)], got
    u.s.send(f"<presence to='{stranger}'/>")
    u.settle()
    remote.drain()
    u.close()  # without a word
    for to in sorted((friend, stranger)):
        t = remote.got(lambda t: t.to == to)
        assert (t.type, t.sender) == ("unavailable", u.full), t


def presence_in(server, remote):
    """4.3.2: answers to probes; 4.4: what contacts send."""
    u = User(server, remote)
    friend = "juliet@remote.test"
    u.befriend(friend)
    assert remote.tell(f"<presence from='{friend}/b' to='{u.bare}'><show>dnd</show></presence>") is None
    got = [e for e in u.settle() if e.tag.endswith("}presence")]
    assert [(e.get("from"), e.find("{*}show").text) for e in got] == [(f"{friend}/b", "dnd")]
    assert remote.tell(f"<presence type='probe' from='{friend}' to='{u.bare}'/>") is None
    got = remote.drain()
    assert [(t.to, t.type, t.sender) for t in got] == [(friend, None, u.full)], got
    remote.tell(f"<presence type='probe' from='nurse@other.test' to='{u.bare}'/>")
    got = remote.drain()
    assert [(t.to, t.type, t.sender) for t in got] == \
        [("nurse@other.test", "unsubscribed", u.bare)], got
    u.s.send("<presence type='unavailable'/>")
    u.settle()
    remote.drain()
    remote.tell(f"<presence type='probe' from='{friend}' to='{u.bare}'/>")
    got = remote.drain()
    assert [(t.to, t.type) for t in got] == [(friend, "unavailable")], got
    # An error to a presence is the client's; nobody answers it.
    assert remote.tell(f"<presence type='error' from='{friend}' to='{u.full}'>"
                       "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
                       "</error></presence>") is None
    assert [e.get("type") for e in u.settle()] == ["error"]
    u.close()


def requests(server, remote):
    u = User(server, remote)
    ask = "<iq type='get' id='q' from='juliet@remote.test/b' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>"
    a = remote.tell(ask % "localhost")
    assert (a.get("type"), a.get("from"), a.get("to")) == ("result", "localhost", "juliet@remote.test/b")
    a = remote.tell(ask % "nobody@localhost")
    assert a.get("type") == "error" and a.find(".//{*}service-unavailable") is not None
    a = remote.tell(ask % u.full)  # a stranger's, 8.5.3.1
    assert a.get("type") == "error" and a.find(".//{*}service-unavailable") is not None
    u.befriend("juliet@remote.test")
    assert remote.tell(ask % u.full) is None
    e = u.s.receive()
    assert (e.get("from"), e.get("id"), e.get("type")) == ("juliet@remote.test/b", "q", "get")
    u.s.send("<iq type='result' id='q' to='juliet@remote.test/b'/>")
    t = remote.got(lambda t: t.name == "iq")
    assert (t.name, t.type, t.id, t.sender, t.to) == \
        ("iq", "result", "q", u.full, "juliet@remote.test/b"), t
    u.s.send("<iq type='get' id='mine' to='remote.test'><ping xmlns='urn:xmpp:ping'/></iq>")
    t = remote.got(lambda t: t.name == "iq")
    assert (t.id, t.sender, t.to) == ("mine", u.full, "remote.test"), t
    assert remote.tell(f"<iq type='result' id='mine' from='remote.test' to='{u.full}'/>") is None
    assert u.s.receive().get("id") == "mine"
    # 8.2.3 and 8.3.1 of RFC 6120: a result or an error is never answered.
    for kind in ("result", "error"):
        for to in (f"{u.bare}/gone", "nobody@localhost", "localhost", u.bare):
            a = remote.tell(f"<iq type='{kind}' id='x' from='juliet@remote.test/b' to='{to}'/>")
            assert a is None, (kind, to, a.attrib)
    u.close()


def registration(server, remote):
    """XEP-0077: accounts are not for those of other servers to make, change or cancel, in any way."""
    u = User(server, remote)
    inside = ("", "<remove/>", f"<username>{u.name}</username><password>new</password>",
              "<username>made</username><password>new</password>")
    for to, condition in (("localhost", "service-unavailable"), (u.bare, "forbidden")):
        for kind, n in (("get", 0), ("set", 1), ("set", 2), ("set", 3)):
            a = remote.tell(f"<iq type='{kind}' id='r' from='{u.name}@remote.test/b' to='{to}'>"
                            f"<query xmlns='jabber:iq:register'>{inside[n]}</query></iq>")
            assert a.get("type") == "error" and a.find(".//{*}" + condition) is not None, (to, kind, n)
    u.close()
    Stream(server).login(u.name, "secret").close()
    done = server.ctl("user", "list")
    assert done.returncode == 0 and "made@" not in done.stdout, done.stdout


def messages(server, remote):
    u = User(server, remote)
    m = "<message from='juliet@remote.test/b' to='%s' id='m' type='%s'><body>x</body></message>"
    assert remote.tell(m % (u.bare, "chat")) is None
    assert u.s.receive().get("from") == "juliet@remote.test/b"
    a = remote.tell(m % ("nobody@localhost", "chat"))
    assert a.get("type") == "error" and a.get("to") == "juliet@remote.test/b"
    assert a.find(".//{*}service-unavailable") is not None
    assert remote.tell(m % ("nobody@localhost", "error")) is None
    assert remote.tell(m % ("nobody@localhost", "headline")) is None
    a = remote.tell(m % (f"{u.bare}/gone", "groupchat"))
    assert a.find(".//{*}service-unavailable") is not None
    # Kept for one who is away, which its session manager knows when it says so.
    u.s.send("<presence to='juliet@remote.test/b'/>")
    u.close()
    remote.got(lambda t: t.name == "presence" and t.type == "unavailable")
    assert remote.tell(m % (u.bare, "chat")) is None
    u.s = u.login()
    u.s.send("<presence/>")
    got = [e for e in u.settle() if e.tag.endswith("}message")]
    assert len(got) == 1 and got[0].find("{urn:xmpp:delay}delay") is not None
    u.close()


def forged(server, remote):
    """What s2s should never pass: an address of ours as sender."""
    u = User(server, remote)
    m = f"<message from='%s' to='{u.bare}' id='m' type='chat'><body>x</body></message>"
    for sender in (u.full, "localhost", "someone@localhost/x"):
        assert remote.tell(m % sender) is None
    assert not [e for e in u.settle() if e.tag.endswith("}message")]
    u.close()


def block(u, jid, verb="block"):
    u.s.send(f"<iq type='set' id='b'><{verb} xmlns='urn:xmpp:blocking'><item jid='{jid}'/></{verb}></iq>")
    return u.settle()


def blocking(server, remote):
    """XEP-0191 with a JID, and with a whole domain."""
    u = User(server, remote)
    friend = "juliet@remote.test"
    u.befriend(friend)
    m = "<message from='%s' to='%s' id='m' type='chat'><body>x</body></message>"
    for item in (friend, "remote.test"):
        block(u, item)
        assert told(remote, friend) == [("unavailable", False)]
        a = remote.tell(m % (f"{friend}/b", u.bare))
        assert a.get("type") == "error", a.attrib
        assert a.find(".//{*}service-unavailable") is not None
        a = remote.tell(f"<iq type='get' id='q' from='{friend}/b' to='{u.full}'>"
                        "<ping xmlns='urn:xmpp:ping'/></iq>")
        assert a.find(".//{*}service-unavailable") is not None
        assert remote.tell(f"<presence from='{friend}/b' to='{u.bare}'/>") is None
        u.s.send(f"<message to='{friend}' id='out' type='chat'><body>x</body></message>")
        e = u.s.receive()
        assert e.get("id") == "out" and e.find(".//{*}not-acceptable") is not None, e.attrib
        assert not remote.drain()
        assert remote.tell(m % ("nurse@other.test", u.bare)) is None
        assert u.s.receive().get("from") == "nurse@other.test"
        block(u, item, "unblock")
        assert (None, False) in told(remote, friend)
    u.close()


def told_until_answered(server, remote):
    """A change that the contact must hear is repeated by the next owner until it is answered."""
    u = User(server, remote)
    friend = "juliet@remote.test"
    remote.auto(False)

    def mine(t):
        return t.sender == u.bare

    u.s.send(f"<presence to='{friend}' type='subscribe'><status>please</status></presence>")
    first = remote.got(mine)
    restart(server, "sm")
    u.settle()  # which loads the account
    again = remote.got(mine)
    assert (again.type, again.to, again.sender) == ("subscribe", friend, u.bare), again
    assert again.e.find("{*}status").text == "please" and first.xml == again.xml, (first, again)
    remote.auto(True)
    u.settle()
    remote.drain()
    # Removed from the roster: the item goes at once, what it must hear is still told.
    remote.auto(False)
    u.s.send(f"<iq type='set' id='rm'><query xmlns='{ROSTER}'><item jid='{friend}' "
             "subscription='remove'/></query></iq>")
    t = remote.got(lambda t: mine(t) and t.type != "subscribe")  # several owners may have asked
    assert (t.type, t.to) == ("unsubscribe", friend), t
    u.settle()
    assert u.item(friend) == ("none", None)
    restart(server, "sm")
    u.settle()
    t = remote.got(lambda t: mine(t) and t.type != "subscribe")
    assert (t.type, t.to) == ("unsubscribe", friend), t
    assert u.item(friend) == ("none", None)
    remote.auto(True)
    u.settle()
    u.close()


def ghost(server, remote):
    """A detached session whose owner dies ends in time although nobody asks for its account."""
    u, other = User(server, remote), User(server, remote)
    friend = "juliet@remote.test"
    u.befriend(friend)
    u.s.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    while not u.s.receive().tag.endswith("}enabled"):
        pass
    u.close()
    other.settle()  # its row is written
    restart(server, "sm")
    t = remote.got(lambda t: t.sender == u.full)
    assert (t.to, t.type) == (friend, "unavailable"), t
    other.close()


def owed(server, remote):
    """A request that only a detached session has is answered when its owner dies, and once."""
    u, other = User(server, remote), User(server, remote)
    friend = "juliet@remote.test"
    u.befriend(friend)
    u.s.send("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
    while not u.s.receive().tag.endswith("}enabled"):
        pass
    u.close()
    other.settle()
    assert remote.tell(f"<iq type='get' id='q1' from='{friend}/b' to='{u.full}'>"
                       "<ping xmlns='urn:xmpp:ping'/></iq>") is None
    restart(server, "sm")
    t = remote.got(lambda t: t.name == "iq")
    assert (t.type, t.id, t.to, t.sender) == ("error", "q1", f"{friend}/b", u.full), t
    other.settle()
    restart(server, "sm")
    other.settle()
    assert not [t for t in remote.drain() if t.name == "iq"]
    other.close()


def back(server, remote):
    """A server that is back is asked for its users' presence, and told of ours."""
    u = User(server, remote)
    friend, other = "juliet@remote.test", "nurse@other.test"
    u.befriend(friend)
    u.befriend(other)
    remote.back("localhost", "remote.test")
    probe = remote.got(lambda t: t.type == "probe" and t.sender == u.bare)
    assert probe.to == friend, probe
    got = [t for t in remote.drain() if t.sender.startswith(u.bare)]
    assert not [t for t in got if t.to == other], got
    # An s2s that has started: for those who were there before it.
    started = time.time_ns() // 1000
    u.close()
    u = User(server, remote)
    u.befriend(friend)
    remote.back("localhost", "remote.test", started)
    remote.back("localhost", "remote.test", time.time_ns() // 1000)
    remote.got(lambda t: t.type == "probe" and t.sender == u.bare)
    got = [t for t in remote.drain() if t.sender.startswith(u.bare)]
    assert not [t for t in got if t.type == "probe"], got
    u.close()


def removed(server, remote):
    """An account that goes withdraws its subscriptions."""
    u = User(server, remote)
    friend = "juliet@remote.test"
    u.befriend(friend)
    done = server.ctl("user", "del", u.bare)
    assert done.returncode == 0, done.stderr
    for kind in ("unsubscribe", "unsubscribed"):
        remote.got(lambda t: t.to == friend and t.type == kind)
    u.close()


TESTS = (approved_before, kept_requests, asked_again, presence_out, presence_in, requests, registration,
         messages, forged, blocking, told_until_answered, ghost, owed, back, removed)


def main():
    tap = Tap()
    args = ["--register", "--set", "sm.detached_time=2s"]
    with Server(args=args) as server, Remote(server, auto=True) as remote:
        def wanted(name):
            return len(sys.argv) < 2 or any(w in name for w in sys.argv[1:])

        for table, fn in (("A.2", outbound), ("A.3", inbound)):
            if not wanted(table):
                continue
            u = User(server, remote)
            for state in STATES:
                for kind in TYPES:
                    contact = f"contact{tap.n}@remote.test"
                    tap.run(f"{table} {state}, {kind}", fn, u, contact, state, kind)
            u.close()
        for fn in TESTS:
            if wanted(fn.__name__):
                remote.drain()
                tap.run(fn.__name__.replace("_", " "), fn, server, remote)
    tap.done()


if __name__ == "__main__":
    main()
