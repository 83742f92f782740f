# SPDX-License-Identifier: MIT
"""What was sent, acknowledged and received in a run, and the judgement over it."""
import time


class Message:
    __slots__ = ("id", "sender", "to", "seq", "session", "state", "sent", "acked", "bounced")

    def __init__(self, ident, sender, to, seq, session):
        self.id, self.sender, self.to, self.seq, self.session = ident, sender, to, seq, session
        self.state = "sent"  # then acked, or unknown
        self.sent = time.monotonic()
        self.acked = None
        self.bounced = None


class Ledger:
    """Receptions are kept in the order of their coming, for each recipient."""

    def __init__(self, log):
        self.log = log
        self.messages = {}
        self.received = {}   # recipient: [(id, session of the recipient, time)]
        self.sequence = {}   # (sender, recipient): last number
        # id: [asked in session, answers, lost with either session, asked whom, in which session, when]
        self.iqs = {}
        self.closed = {}     # why: sockets
        self.refused = 0
        self.resumed = 0
        self.notes = []      # what is wrong beside messages
        self.untruths = []   # (what somebody was told of another, that one's session)
        self.gone = set()    # sessions that the server could not resume: that they are not there is true
        self.ended_clean = {}  # session of a recipient: port and time of its clean end
        self.foreign = 0
        self.live_ids = {}     # (recipient, id): numbers in his log with which it came

    def send(self, sender, to, session):
        seq = self.sequence.get((sender, to), 0) + 1
        self.sequence[(sender, to)] = seq
        m = Message(f"{sender}.{to}.{seq}", sender, to, seq, session)
        self.messages[m.id] = m
        self.log(f"{sender} send {m.id}")
        return m

    def ack(self, m):
        if m.state != "acked":
            m.state = "acked"
            m.acked = time.monotonic()
            self.log(f"{m.sender} acked {m.id}")

    def unknown(self, m):
        if m.state == "sent":
            m.state = "unknown"
            self.log(f"{m.sender} unknown {m.id}")

    def receive(self, to, ident, session, number):
        self.log(f"{to} received {ident} session {session}")
        if ident not in self.messages:
            self.foreign += 1
            self.notes.append(f"{to} received {ident}, which nobody sent")
            return
        self.received.setdefault(to, []).append((ident, session, time.monotonic()))
        if number is not None:
            self.live_ids.setdefault((to, ident), set()).add(number)

    def killed(self, port):
        """What a c2s had heard last, and had not passed on yet, died with it."""
        now = time.monotonic()
        self.ended_clean = {s: (p, t) for s, (p, t) in self.ended_clean.items()
                            if p != port or now - t > 5}

    def bounce(self, sender, ident, text):
        m = self.messages.get(ident)
        self.log(f"{sender} bounced {ident} {text}")
        if m:
            m.bounced = text

    # --- judgement ---------------------------------------------------------------------------

    def lost(self):
        got = {ident for rows in self.received.values() for ident, _, _ in rows}
        return [m for m in self.messages.values()
                if m.state == "acked" and not m.bounced and m.id not in got]

    def doubled(self):
        """(doubled, given again to a later session): the latter is right where the earlier session
        could not say that it had it."""
        twice, again = [], []
        for rows in self.received.values():
            first = {}
            for ident, session, _ in rows:
                before = first.setdefault(ident, [])
                if session in before or any(b in self.ended_clean for b in before):
                    twice.append((ident, session))
                elif before:
                    again.append((ident, session))
                before.append(session)
        return twice, again

    def reordered(self):
        """In each pair numbers grow, by their first reception. What a session left unacknowledged is
        not ordered against what its sender said in a later session."""
        wrong = []
        for rows in self.received.values():
            tops, seen = {}, set()
            for ident, _, _ in rows:
                if ident in seen:
                    continue
                seen.add(ident)
                m = self.messages[ident]
                high = tops.get((m.sender, m.to))
                if high and m.seq < high.seq:
                    if m.session == high.session or (m.acked and m.acked < high.sent):
                        wrong.append((m, high))
                else:
                    tops[(m.sender, m.to)] = m
        return wrong

    def falsely_bounced(self):
        got = {ident for rows in self.received.values() for ident, _, _ in rows}
        return [m for m in self.messages.values() if m.bounced and m.id in got]

    def wrong(self):
        return self.notes + [text for text, session in self.untruths if session not in self.gone]

    def broken(self):
        """Something is wrong that no later event can mend."""
        return bool(self.doubled()[0] or self.reordered() or self.falsely_bounced() or self.notes)

    def iqs_missing(self, before=float("inf")):
        return [i for i, row in self.iqs.items() if not row[1] and not row[2] and row[5] < before]

    def iqs_doubled(self):
        return [i for i, row in self.iqs.items() if row[1] > 1]

    def waiting(self):
        """Acknowledged messages that have not come yet."""
        return len(self.lost())

    def longest_pause(self):
        return max((m.acked - m.sent for m in self.messages.values() if m.acked), default=0.0)

    def pause_around(self, start, end):
        return max((m.acked - m.sent for m in self.messages.values()
                    if m.acked and start - 0.2 <= m.sent <= end), default=None)
