#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""RFC 6121 section 8 as a table: each address in each situation, each type of stanza, from somebody who
is not subscribed. Who gets it, what the sender hears, what is kept for the next login."""
import sys
import xml.etree.ElementTree as ET

from harness import Server, Stream, Tap, settle

STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
PRIORITIES = {"a": 5, "b": 5, "lower": 1, "negative": -1, "silent": None}  # silent: - presence

MESSAGES = ("normal", "chat", "groupchat", "headline", "error")
PRESENCES = ("available", "unavailable", "error", "probe", "subscribe", "unsubscribe", "subscribed",
             "unsubscribed")
IQS = ("get", "set", "result", "error")

# Outcomes: resources by name, "-" (ignored), "kept" (for the next login), "error" (service-unavailable
# to the sender). A stranger's probe is answered by "unsubscribed" (4.3.2), which the stranger's own server
# keeps from a client that has no subscription (A.3.4).
TABLE = (
    # section, address, resources; message normal, chat, groupchat, headline, error;
    # presence available, unavailable, error, probe, subscribe, unsubscribe, subscribed, unsubscribed;
    # iq get, set, result, error
    ("8.3 domain", "localhost", "",
     "error error error error -", "- - - - - - - -", "error error - -"),
    ("8.3 domain and resource", "localhost/x", "",
     "error error error error -", "- - - - - - - -", "error error - -"),
    ("8.5.1 nobody, bare", "{nobody}", "",
     "error error error - -", "- - - - - - - -", "error error - -"),
    ("8.5.1 nobody, full", "{nobody}/x", "",
     "error error error - -", "- - - - - - - -", "error error - -"),
    ("8.5.2.1 bare, one", "{bare}", "a",
     "a a error a -", "a a a - a a - -", "error error - -"),
    ("8.5.2.1 bare, equal", "{bare}", "a b",
     "a,b a,b error a,b -", "a,b a,b a,b - a,b a,b - -", "error error - -"),
    ("8.5.2.1 bare, several", "{bare}", "a lower negative silent",
     "a,lower a,lower error a,lower -",
     "a,lower,negative a,lower,negative a,lower,negative - a,lower,negative a,lower,negative - -",
     "error error - -"),
    ("8.5.2.1.1 bare, negative alone", "{bare}", "negative",
     "kept kept error - -", "negative negative negative - negative negative - -", "error error - -"),
    ("8.5.2.2 bare, connected alone", "{bare}", "silent",
     "kept kept error - -", "- - - - - - - -", "error error - -"),
    ("8.5.2.2 bare, none", "{bare}", "",
     "kept kept error - -", "- - - - - - - -", "error error - -"),
    ("8.5.3.1 full, available", "{bare}/a", "a b lower negative silent",
     "a a a a a", "a a a - a,b,lower,negative a,b,lower,negative - -", "error error a a"),
    ("8.5.3.1 full, lower", "{bare}/lower", "a lower",
     "lower lower lower lower lower", "lower lower lower - a,lower a,lower - -",
     "error error lower lower"),
    ("8.5.3.1 full, negative", "{bare}/negative", "a negative",
     "negative negative negative negative negative",
     "negative negative negative - a,negative a,negative - -", "error error negative negative"),
    ("8.5.3.1 full, connected", "{bare}/silent", "a silent",
     "silent silent silent silent silent", "silent silent silent - a a - -",
     "error error silent silent"),
    ("8.5.3.1 full, shares presence", "{bare}/a", "a b",
     "a a a a a", "a a a - a,b a,b - -", "a a a a"),
    ("8.5.3.2 full gone, one", "{bare}/gone", "a",
     "error a error - -", "- - - - a a - -", "error error - -"),
    ("8.5.3.2 full gone, several", "{bare}/gone", "a b lower negative silent",
     "error a,b,lower error - -", "- - - - a,b,lower,negative a,b,lower,negative - -",
     "error error - -"),
    ("8.5.3.2 full gone, negative alone", "{bare}/gone", "negative",
     "error kept error - -", "- - - - negative negative - -", "error error - -"),
    ("8.5.3.2 full gone, none", "{bare}/gone", "",
     "error kept error - -", "- - - - - - - -", "error error - -"),
)


def stanza(kind, type_, to, tag):
    if kind == "message":
        inner = "<body>x</body>"
    elif kind == "iq" and type_ in ("get", "set"):
        inner = "<x xmlns='urn:example:x'/>"
    else:
        inner = ""
    if type_ == "error":
        inner = ("<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>")
    shown = "" if type_ in ("normal", "available") else f" type='{type_}'"
    return f"<{kind} to='{to}' id='{tag}'{shown}>{inner}</{kind}>"


class Scene:
    """An account with its resources, and a stranger."""

    def __init__(self, server, serial, resources, shares):
        names = f"sender{serial}", f"account{serial}"
        done = server.ctl("user", "import", "-",
                          stdin="".join(f"{n}@localhost\tsecret\n" for n in names))
        assert done.returncode == 0, done.stderr
        self.server, self.name = server, names[1]
        self.bare = names[1] + "@localhost"
        self.nobody = f"nobody{serial}@localhost"
        self.sender = Stream(server).login(names[0], "secret", "s")
        self.streams = {}
        for r in resources:
            s = self.streams[r] = Stream(server).login(names[1], "secret", r)
            if PRIORITIES[r] is not None:  # an interested, available resource
                s.send("<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"
                       f"<presence><priority>{PRIORITIES[r]}</priority></presence>")
        self.shares = shares
        self.share()

    def share(self):
        for s in self.streams.values() if self.shares else ():
            s.send(f"<presence to='{self.sender.jid}'/>")
        self.settle()

    def settle(self):
        return settle({"": self.sender, **self.streams})

    def play(self, kind, type_, to, tag):
        """Who got it, in the words of the table."""
        self.sender.send(stanza(kind, type_, to, tag)
                         + stanza("iq", "get", to.split("/")[0], "behind"))
        before = self.sender.until("behind")  # its account is read, and has had the stanza
        got = self.settle()
        got[""] = before + got[""]
        heard = []
        for e in got.pop(""):
            if e.get("type") == "error":
                assert e.get("from") == to and e.get("id") == tag, ET.tostring(e)
                error = e.find("{jabber:client}error")
                assert error.get("type") == "cancel", ET.tostring(e)
                assert error[0].tag == STANZAS + "service-unavailable", ET.tostring(e)
                heard.append("error")
            else:
                heard.append(ET.tostring(e, encoding="unicode"))
        for name, stanzas in got.items():
            for e in stanzas:
                self.delivered(e, kind, type_, to, tag)
                heard.append(name)
        return ",".join(sorted(heard)) or "-"

    def delivered(self, e, kind, type_, to, tag):
        """Addresses, type and id are as they were sent; of subscriptions both are bare (section 3)."""
        about = type_ in ("subscribe", "unsubscribe", "subscribed", "unsubscribed")
        sender = self.sender.jid.split("/")[0] if about else self.sender.jid
        shown = None if type_ in ("normal", "available") else type_
        have = (e.tag, e.get("type"), e.get("id"), e.get("from"), e.get("to"))
        want = ("{jabber:client}" + kind, shown, tag, sender, self.bare if about else to)
        assert have == want, (have, want)

    def kept(self):
        """What the next login gets, delayed (XEP-0160, XEP-0203)."""
        s = Stream(self.server).login(self.name, "secret", "next")
        s.send("<presence/>")
        got = [e for e in settle({"n": s})["n"] if e.tag.endswith("}message")]
        assert all(e.find("{urn:xmpp:delay}delay") is not None for e in got)
        s.close()
        return [e.get("id") for e in got]

    def close(self):
        for s in (self.sender, *self.streams.values()):
            s.close()


def row(server, serial, section, address, resources, *outcomes):
    scene = Scene(server, serial, resources.split(), "shares" in section)
    to = address.format(bare=scene.bare, nobody=scene.nobody)
    wrong, keep = [], []
    for kind, types, wanted in zip(("message", "presence", "iq"), (MESSAGES, PRESENCES, IQS), outcomes):
        scene.share()  # the sender's unavailable presence has ended it (4.6.1)
        for type_, want in zip(types, wanted.split(), strict=True):
            tag = f"{kind}-{type_}"
            if want == "kept":
                keep.append(tag)
                want = "-"
            got = scene.play(kind, type_, to, tag)
            if sorted(got.split(",")) != sorted(want.split(",")):
                wrong.append(f"{tag}: {got}, not {want}")
    if to.startswith(scene.bare):
        have = scene.kept()
        if have != keep:
            wrong.append(f"kept: {have}, not {keep}")
    scene.close()
    assert not wrong, "; ".join(wrong)


def main():
    tap = Tap()
    with Server(args=("--unlimited", "--set", "auth.import_iterations=4096")) as server:
        for serial, (section, *cells) in enumerate(TABLE):
            if len(sys.argv) < 2 or any(a in section for a in sys.argv[1:]):
                tap.run(section, row, server, serial, section, *cells)
    tap.done()


if __name__ == "__main__":
    main()
