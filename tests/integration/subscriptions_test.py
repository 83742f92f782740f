#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""RFC 6121 Appendix A by real stanzas: every state of the user, every type it sends, and with it the
mirrored state of the contact, which receives it."""
import sys

from harness import Server, Stream, Tap, settle

ROSTER = "jabber:iq:roster"
TYPES = ("subscribe", "unsubscribe", "subscribed", "unsubscribed")

# How the user gets into each state, from nothing: who sends what.
STATES = {
    "None": (),
    "None + Pending Out": ("u subscribe",),
    "None + Pending In": ("c subscribe",),
    "None + Pending Out+In": ("u subscribe", "c subscribe"),
    "To": ("u subscribe", "c subscribed"),
    "To + Pending In": ("u subscribe", "c subscribed", "c subscribe"),
    "From": ("c subscribe", "u subscribed"),
    "From + Pending Out": ("c subscribe", "u subscribed", "u subscribe"),
    "Both": ("u subscribe", "c subscribed", "c subscribe", "u subscribed"),
}
MIRROR = {
    "None": "None", "None + Pending Out": "None + Pending In", "To": "From", "Both": "Both",
    "None + Pending In": "None + Pending Out", "None + Pending Out+In": "None + Pending Out+In",
    "From": "To", "To + Pending In": "From + Pending Out", "From + Pending Out": "To + Pending In",
}
# A.2: where the user's stanza leads it, when not back to the same state; None: it is not routed.
OUTBOUND = {
    "subscribe": {
        "None": "None + Pending Out", "None + Pending In": "None + Pending Out+In",
        "From": "From + Pending Out"},
    "unsubscribe": {
        "None + Pending Out": "None", "None + Pending Out+In": "None + Pending In", "To": "None",
        "To + Pending In": "None + Pending In", "From + Pending Out": "From", "Both": "From"},
    "subscribed": {
        "None": None, "None + Pending Out": None, "None + Pending In": "From",
        "None + Pending Out+In": "From + Pending Out", "To": None, "To + Pending In": "Both",
        "From": None, "From + Pending Out": None, "Both": None},
    "unsubscribed": {
        "None": None, "None + Pending Out": None, "None + Pending In": "None",
        "None + Pending Out+In": "None + Pending Out", "To": None, "To + Pending In": "To",
        "From": "None", "From + Pending Out": "None + Pending Out", "Both": "To"},
}
# A.3: in which states of its own the contact is shown what it is sent.
SHOWN = {
    "subscribe": ("None", "None + Pending Out", "To"),
    "unsubscribe": ("None + Pending In", "None + Pending Out+In", "To + Pending In", "From",
                    "From + Pending Out", "Both"),
    "subscribed": ("None + Pending Out", "None + Pending Out+In", "From + Pending Out"),
    "unsubscribed": ("None + Pending Out", "None + Pending Out+In", "To", "To + Pending In",
                     "From + Pending Out", "Both"),
}


def visible(state):
    """Subscription and ask of that state's roster item."""
    return (state.split(" ")[0].lower(), "subscribe" if "Out" in state else None)


class Pair:
    def __init__(self, server, serial):
        names = {"u": f"user{serial}", "c": f"contact{serial}"}
        listing = "".join(f"{n}@localhost\tsecret\n" for n in names.values())
        done = server.ctl("user", "import", "-", stdin=listing)
        assert done.returncode == 0, done.stderr
        self.bare = {k: n + "@localhost" for k, n in names.items()}
        self.streams = {k: Stream(server).login(n, "secret", "r") for k, n in names.items()}
        for s in self.streams.values():
            s.send(f"<iq type='get' id='r'><query xmlns='{ROSTER}'/></iq><presence/>")
        self.settle()

    def settle(self):
        return settle(self.streams)

    def send(self, who, kind):
        other = "c" if who == "u" else "u"
        self.streams[who].send(f"<presence to='{self.bare[other]}' type='{kind}'/>")
        return self.settle()

    def item(self, who, other):
        s = self.streams[who]
        s.send(f"<iq type='get' id='get'><query xmlns='{ROSTER}'/></iq>")
        while (e := s.receive()).get("id") != "get":
            pass
        for item in e.iter("{%s}item" % ROSTER):
            if item.get("jid") == self.bare[other]:
                return item.get("subscription"), item.get("ask")
        return ("none", None)

    def close(self):
        for s in self.streams.values():
            s.close()


def kinds(got, sender):
    return [e.get("type") for e in got
            if e.tag.endswith("}presence") and e.get("from") == sender and e.get("type")]


def cell(server, serial, state, kind):
    pair = Pair(server, serial)
    try:
        for step in STATES[state]:
            pair.send(*step.split(" "))
        assert pair.item("u", "c") == visible(state), pair.item("u", "c")
        theirs = MIRROR[state]
        assert pair.item("c", "u") == visible(theirs), pair.item("c", "u")
        got = pair.send("u", kind)
        after = OUTBOUND[kind].get(state, state)
        routed, after = after is not None, after or state
        shown = routed and theirs in SHOWN[kind]
        assert kinds(got["c"], pair.bare["u"]) == ([kind] if shown else []), kinds(got["c"], pair.bare["u"])
        # A.3.1: who has given the subscription is asked again, and its server answers; the user, who
        # has it, is not shown that.
        assert kinds(got["u"], pair.bare["c"]) == [], kinds(got["u"], pair.bare["c"])
        assert pair.item("u", "c") == visible(after), (pair.item("u", "c"), after)
        assert pair.item("c", "u") == visible(MIRROR[after]), pair.item("c", "u")
        pushes = [e for e in got["u"] if e.tag.endswith("}iq") and e.get("type") == "set"]
        changed = visible(after) != visible(state)
        approved = kind == "subscribed" and after == state and "rom" not in state and state != "Both"
        assert len(pushes) == int(changed or approved), f"{len(pushes)} pushes"
    finally:
        pair.close()


def main():
    tap = Tap()
    serial = 0
    with Server() as server:
        for state in STATES:
            for kind in TYPES:
                serial += 1
                name = f"A.2 {state}, {kind}; A.3 {MIRROR[state]}"
                if len(sys.argv) < 2 or any(w in name for w in sys.argv[1:]):
                    tap.run(name, cell, server, serial, state, kind)
    tap.done()


if __name__ == "__main__":
    main()
