#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""Federation with Prosody and ejabberd, which find us, and we them, by a name server of the test's:
dialback, SASL EXTERNAL under a common CA, direct TLS; messages, IQs, subscriptions, presence, rooms;
the peer restarted in between."""
import os
import shutil
import sys
import tempfile
import threading

import peers
from nameserver import Dns, available
from harness import Server, Stream, Tap
from world import OURS, C, expect, prepare, steps, streams

PEER = "peer.example"
OUR_ADDRESS = {peers.Prosody: "127.0.0.2", peers.Ejabberd: "127.0.0.3"}


class World:
    """Our server, a peer, and their name server."""

    def __init__(self, kind, users, ca=None, direct_tls=False, secure_auth=False, sets=()):
        self.domain = PEER
        self.dir = tempfile.mkdtemp(prefix="fed.")
        self.ca = ca or peers.Authority(os.path.join(self.dir, "authority"))
        self.dns = Dns({OURS: "", self.domain: ""})
        self.peer = kind(self.domain, self.ca, self.dns.port, {"ann": "secret"}, secure_auth)
        self.port, self.tls_port = peers.free_port("127.0.0.1"), peers.free_port("127.0.0.1")
        prepare(self.dir + "/ours", self.ca, {OURS: self.ca.issue(OURS)})
        settings = [f"s2s.listen=127.0.0.1:{self.port}", f"s2s.listen_tls=127.0.0.1:{self.tls_port}",
                    f"s2s.dns_server={self.dns.server}",
                    "s2s.backoff_min=100ms", "s2s.backoff_max=1s", *sets]
        args = ["--instances", "s2s=1"]
        for s in settings:
            args += ["--set", s]
        self.server = Server(users=users, domains=[OURS], args=args, keep=self.dir + "/ours",
                             address=OUR_ADDRESS[kind])  # for clients
        self.dns.replace(self.domain, self.peer.records(direct_tls))
        self.dns.replace(OURS, peers.srv_records(self.tls_port if direct_tls else self.port,
                                                 direct_tls, names=("",)))

    def __enter__(self):
        try:
            self.peer.start()
            if isinstance(self.peer, peers.Ejabberd):
                self.peer.register()
            self.server.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exc):
        self.server.stop()
        if exc[0] is not None:
            self.show()
        self.peer.close()
        self.dns.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def show(self):
        self.server.show_logs()
        for line in self.peer.logs():
            print("# " + line[:300])

    def ours(self, user="juliet"):
        s = Stream(self.server, OURS).login(user, resource="test")
        s.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
        s.sync()  # interested: it hears of approvals (RFC 6121 section 3.1.6)
        return s

    def theirs(self, user="ann"):
        return peers.login(self.peer, user)


def expect_message(stream, text):
    e = expect(stream, f"message {text}",
               lambda e: e.tag == C + "message" and e.findtext(C + "body") == text)
    assert e.get("type") != "error", e.attrib
    return e


def messages(world, ours, theirs):
    ours.send(f"<message to='{theirs.jid}' type='chat' id='m1'><body>hither &amp; thither</body></message>")
    got = expect_message(theirs, "hither & thither")
    assert got.get("from") == ours.jid and got.get("id") == "m1", got.attrib
    theirs.send(f"<message to='{ours.jid}' type='chat' id='m2'><body>back</body></message>")
    got = expect_message(ours, "back")
    assert got.get("from") == theirs.jid and got.get("to") == ours.jid, got.attrib
    for i in range(30):
        ours.send(f"<message to='{theirs.jid}' type='chat'><body>a{i}</body></message>")
        theirs.send(f"<message to='{ours.jid}' type='chat'><body>b{i}</body></message>")
    for i in range(30):  # in order
        got = [expect(s, "message", lambda e: e.tag == C + "message").findtext(C + "body")
               for s in (theirs, ours)]
        assert got == [f"a{i}", f"b{i}"], got


def iqs(world, ours, theirs):
    ours.send(f"<iq to='{world.domain}' type='get' id='v1'><query xmlns='jabber:iq:version'/></iq>")
    got = expect(ours, "answer", lambda e: e.get("id") == "v1")
    assert got.get("type") == "result" and got.get("from") == world.domain, got.attrib
    theirs.send(f"<iq to='{OURS}' type='get' id='v2'>"
                "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>")
    got = expect(theirs, "answer", lambda e: e.get("id") == "v2")
    assert got.get("type") == "result" and got.get("from") == OURS, got.attrib
    theirs.send(f"<iq to='nobody@{OURS}' type='get' id='v3'><query xmlns='jabber:iq:version'/></iq>")
    got = expect(theirs, "error", lambda e: e.get("id") == "v3")
    assert got.get("type") == "error", got.attrib
    ours.send(f"<message to='nobody@{world.domain}' type='chat' id='v4'><body>?</body></message>")
    got = expect(ours, "error", lambda e: e.get("id") == "v4")
    assert got.get("type") == "error", got.attrib


def bare(jid):
    return jid.split("/")[0]


def subscriptions(world, ours, theirs):
    """Both ways, then what each sees of the other's comings and goings."""
    ours.send(f"<presence to='{bare(theirs.jid)}' type='subscribe'/>")
    expect(theirs, "request", lambda e: e.get("type") == "subscribe")
    theirs.send(f"<presence to='{bare(ours.jid)}' type='subscribed'/>")
    expect(ours, "approval", lambda e: e.get("type") == "subscribed")
    expect(ours, "presence", lambda e: e.tag == C + "presence" and e.get("from") == theirs.jid
           and e.get("type") is None)
    theirs.send(f"<presence to='{bare(ours.jid)}' type='subscribe'/>")
    expect(ours, "request", lambda e: e.get("type") == "subscribe")
    ours.send(f"<presence to='{bare(theirs.jid)}' type='subscribed'/>")
    expect(theirs, "presence", lambda e: e.tag == C + "presence" and e.get("from") == ours.jid
           and e.get("type") is None)
    theirs.send("<presence><show>away</show></presence>")
    expect(ours, "away", lambda e: e.get("from") == theirs.jid and e.findtext(C + "show") == "away")
    ours.send("<presence type='unavailable'/>")
    expect(theirs, "unavailable", lambda e: e.get("from") == ours.jid
           and e.get("type") == "unavailable")
    ours.send("<presence/>")  # its probe is answered (RFC 6121 section 4.3)
    expect(ours, "answer to the probe", lambda e: e.get("from") == theirs.jid
           and e.findtext(C + "show") == "away")
    expect(theirs, "presence", lambda e: e.get("from") == ours.jid and e.get("type") is None)


def room(world, ours, theirs):
    place = f"balcony@conference.{world.domain}"
    x = "<x xmlns='http://jabber.org/protocol/muc'/>"
    theirs.send(f"<presence to='{place}/ann'>{x}</presence>")
    expect(theirs, "own presence", lambda e: e.get("from") == place + "/ann")
    theirs.send(f"<iq to='{place}' type='set' id='own'><query xmlns='http://jabber.org/protocol/muc#owner'>"
                "<x xmlns='jabber:x:data' type='submit'/></query></iq>")
    expect(theirs, "the room's answer", lambda e: e.get("id") == "own")
    ours.send(f"<presence to='{place}/juliet'>{x}</presence>")
    expect(ours, "the others", lambda e: e.get("from") == place + "/ann")
    expect(ours, "own presence", lambda e: e.get("from") == place + "/juliet")
    ours.send(f"<message to='{place}' type='groupchat'><body>who is there</body></message>")
    expect_message(ours, "who is there")
    expect_message(theirs, "who is there")
    theirs.send(f"<message to='{place}' type='groupchat'><body>me</body></message>")
    expect_message(ours, "me")


def restart(world, ours):
    """The peer goes and comes back; presence does too, what is said from then on is heard, and the room
    is entered anew."""
    world.peer.restart()
    theirs = world.theirs()
    expect(ours, "their presence", lambda e: e.tag == C + "presence" and e.get("from") == theirs.jid
           and e.get("type") is None)
    ours.send(f"<message to='{bare(theirs.jid)}' type='chat'><body>again</body></message>")
    expect_message(theirs, "again")
    theirs.send(f"<message to='{bare(ours.jid)}' type='chat'><body>yes</body></message>")
    expect_message(ours, "yes")
    room(world, ours, theirs)


def whole(tap, name, kind, out, into, flags, **kw):
    """All of it against one peer; out, into: what the records must tell of how we proved ourselves,
    and they themselves; flags: of the streams then."""
    try:
        with World(kind, ["juliet:secret"], **kw) as world:
            ours, theirs = world.ours(), world.theirs()
            tap.run(f"{name}: messages", messages, world, ours, theirs)
            tap.run(f"{name}: IQs", iqs, world, ours, theirs)
            tap.run(f"{name}: subscriptions and presence", subscriptions, world, ours, theirs)
            tap.run(f"{name}: a room of theirs", room, world, ours, theirs)
            tap.run(f"{name}: how it was proven", proven, world, out, into, flags)
            tap.run(f"{name}: the peer restarted", restart, world, ours)
            if tap.failed:
                world.show()
    except Exception as e:  # pylint: disable=broad-except
        tap.run(f"{name}: set up", failing, e)


def failing(e):
    if e:
        raise e


def proven(world, out, into, flags):
    """From the records of attempts and the list of streams."""
    both = steps(world.server, world.domain)
    went, came = (steps(world.server, world.domain, d) for d in ("out", "in"))
    for lines, wanted in ((went, out), (came, into)):
        for word in wanted:
            assert not lines or any(word in line for line in lines), (word, both)
    assert went or came
    there = streams(world.server, world.domain)
    assert there and all(s["secure"] for s in there), there
    for flag in flags:
        assert all(s[flag] for s in there), there


class Later:
    """What one thread found out, for the report."""

    def __init__(self):
        self.results = []
        self.failed = 0

    def run(self, name, fn, *args):
        found = None
        try:
            fn(*args)
        except Exception as e:  # pylint: disable=broad-except
            found = e
            self.failed += 1
        self.results.append((name, found))

    def tell(self, tap):
        for name, found in self.results:
            tap.run(name, failing, found)


CASES = {
    "dialback": (["dialback: valid"], [f"dialback for {PEER}: valid"],
                 {"sets": ["s2s.peer_certificate=forbidden"]}),
    "EXTERNAL": (["EXTERNAL succeeded"], ["certificate valid"],
                 {"secure_auth": True,
                  "sets": ["s2s.peer_certificate=required", "s2s.dialback=forbidden"]}),
    "direct TLS": ([", direct TLS"], [", direct TLS"], {"direct_tls": True}),
}


def all_cases(later, name, kind):
    for how, (out, into, kw) in CASES.items():
        flags = []
        if kind is peers.Prosody:
            # XEP-0198 is for the proven, and features come before dialback and not again.
            flags = ["bidi"] if how == "dialback" else ["bidi", "acknowledged"]
        if not sys.argv[1:] or f"{name}, {how}" in sys.argv[1:]:
            whole(later, f"{name}, {how}", kind, out, into, flags, **kw)


def main():
    tap = Tap()
    missing = available()
    running = []
    for name, kind in (("prosody", peers.Prosody), ("ejabberd", peers.Ejabberd)):
        why_not = missing or kind.available()
        if why_not:
            tap.skip(name, why_not)
            continue
        later = Later()
        thread = threading.Thread(target=all_cases, args=(later, name, kind))
        thread.start()
        running.append((thread, later))
    for thread, later in running:
        thread.join()
        later.tell(tap)
    tap.done()


if __name__ == "__main__":
    main()
