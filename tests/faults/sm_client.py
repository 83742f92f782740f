# SPDX-License-Identifier: MIT
"""A client with XEP-0198 that reconnects and resumes as real ones do, over asyncio."""
import asyncio
import base64
import socket
import time
import xml.etree.ElementTree as ET

from database import live_id

STREAM = "{http://etherx.jabber.org/streams}"
SM = "{urn:xmpp:sm:3}"
CLIENT = "{jabber:client}"
STANZAS = (CLIENT + "message", CLIENT + "presence", CLIENT + "iq")
MASK = 0xFFFFFFFF
FOREVER = float("inf")


class Closed(Exception):
    """The connection is over; the text says how."""


class Refused(Exception):
    """The server would not let us in; tried again."""


def fresh_id():
    fresh_id.n += 1
    return fresh_id.n


fresh_id.n = 0


class Client:
    """One user with one resource. world: ledger, server, rng, options (see chaos)."""

    def __init__(self, world, name, password):
        self.world, self.name, self.password = world, name, password
        self.jid = f"{name}@{world.domain}"
        self.rng = world.new_rng(name)
        self.online = asyncio.Event()   # wants to be online
        self.online.set()
        self.bound = asyncio.Event()    # has a session and a stream to it
        self.session = None             # our own number of it
        self.resume_id = None
        self.unacked = []               # [(message or None, xml)]
        self.out = self.h = 0           # stanzas sent and acknowledged; received
        self.writer = self.reader = None
        self.port = None
        self.leaving = None             # a wish: "close", "cut"
        self.contacts = {}              # who we believe is online
        self.last_in = 0.0
        self.asked_at = None
        self.goodbye = False            # </stream:stream> is written
        self.doubtful = False           # it was, and the answer did not come
        self.enabled = False
        self.away = 0                   # sessions of ours that ended, for the judgement of presence

    def log(self, text):
        self.world.log(f"{self.name} {text}")

    # --- the connection --------------------------------------------------------------------------

    async def connect(self):
        self.port = self.rng.choice(self.world.server.ports)
        self.reader, self.writer = await asyncio.open_connection(self.world.server.address_of(self.port), self.port)
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.restart()
        self.open()
        await self.expect(STREAM + "features")
        self.write("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        await self.expect("{urn:ietf:params:xml:ns:xmpp-tls}proceed")
        await self.writer.start_tls(self.world.server.tls_context(), server_hostname=self.world.domain)
        self.restart()
        self.open()
        await self.expect(STREAM + "features")
        data = base64.b64encode(f"\0{self.name}\0{self.password}".encode()).decode()
        self.write(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{data}</auth>")
        e = await self.read()
        if not e.tag.endswith("}success"):
            raise Refused("authentication: " + ET.tostring(e).decode())
        self.restart()
        self.open()
        await self.expect(STREAM + "features")

    def restart(self):
        self.parser = ET.XMLPullParser(("start", "end"))
        self.depth = 0
        self.queue = []

    def open(self):
        self.write(f"<?xml version='1.0'?><stream:stream to='{self.world.domain}' version='1.0' "
                   "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")

    def write(self, text):
        if self.writer:
            self.writer.write(text.encode())

    def parse(self, data):
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root = element
                continue
            self.depth -= 1
            if self.depth == 1:
                self.queue.append(element)
                self.root.remove(element)
            elif self.depth == 0:
                self.queue.append(None)

    async def read(self, timeout=None):
        """The next first-level element."""
        while not self.queue:
            try:
                reading = self.reader.read(65536)
                # wait_for may swallow a cancellation (Python 3.11): not where nobody would notice.
                data = await (reading if timeout == FOREVER else
                              asyncio.wait_for(reading, timeout or self.world.options.patience))
            except asyncio.TimeoutError:
                raise Closed("patience") from None
            except OSError as e:
                raise Closed("reset") from e
            if not data:
                raise Closed("eof")
            self.last_in = time.monotonic()
            self.parse(data)
        e = self.queue.pop(0)
        if e is None:
            raise Closed("stream end")
        if e.tag == STREAM + "error":
            raise Closed("stream error " + ",".join(c.tag.split("}")[-1] for c in e))
        return e

    async def expect(self, tag):
        e = await self.read()
        if e.tag != tag:
            raise Refused(ET.tostring(e).decode())
        return e

    async def drop(self, hard=True):
        writer, self.writer = self.writer, None
        self.bound.clear()
        self.asked_at = None
        if writer:
            try:
                if hard:
                    writer.transport.abort()
                writer.close()
            except (OSError, RuntimeError):
                pass

    # --- the session -----------------------------------------------------------------------------

    def handled(self, h):
        """The server has handled h stanzas of this session."""
        n = (h - (self.out - len(self.unacked))) & MASK
        if n > len(self.unacked):
            self.world.ledger.notes.append(f"{self.name}: h {h} is too high or went back "
                                           f"({self.out - len(self.unacked)} to {self.out})")
            return
        for m, _ in self.unacked[:n]:
            if m:
                self.world.ledger.ack(m)
        del self.unacked[:n]

    def forget_session(self):
        for m, _ in self.unacked:
            if m:
                self.world.ledger.unknown(m)
        for row in self.world.ledger.iqs.values():
            if row[0] == self.session or (row[3] == self.name and not row[1]):
                row[2] = True
        self.unacked = []
        self.resume_id = None
        self.session = None
        self.enabled = False

    async def resume(self):
        self.write(f"<resume xmlns='urn:xmpp:sm:3' previd='{self.resume_id}' h='{self.h & MASK}'/>")
        e = await self.read(45)
        if e.tag == SM + "failed":
            self.log("resumption refused: " + ",".join(c.tag.split("}")[-1] for c in e) +
                     f" h {e.get('h')}")
            self.world.ledger.refused += 1
            self.world.ledger.gone.add(self.session)
            self.world.refusal(self)
            if e.get("h") is not None:
                self.handled(int(e.get("h")))
            self.forget_session()
            return False
        if e.tag != SM + "resumed":
            raise Refused(ET.tostring(e).decode())
        self.log(f"resumed at {self.port}, h {e.get('h')}, ours {self.h}")
        self.world.ledger.resumed += 1
        self.handled(int(e.get("h")))
        if self.rng.random() < self.world.options.forget:
            self.forget_last()
        for _, xml in self.unacked:  # section 5: "resend all unacknowledged"
            self.write(xml)
        return True

    def forget_last(self):
        """A client may leave out what it sent last: what it says next takes that number."""
        while self.unacked and self.unacked[-1][0]:
            self.world.ledger.unknown(self.unacked.pop()[0])
            self.out -= 1

    async def bind(self):
        self.forget_session()
        self.write("<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'>"
                   "<resource>r</resource></bind></iq>")
        e = await self.read(45)
        if e.get("type") != "result":
            raise Refused("bind: " + ET.tostring(e).decode())
        self.write("<enable xmlns='urn:xmpp:sm:3' resume='true'/>")
        while True:
            e = await self.read(45)
            if e.tag == SM + "enabled":
                break
            if e.tag in STANZAS:
                continue
            raise Refused("enable: " + ET.tostring(e).decode())
        self.session = f"{self.name}-{fresh_id()}"
        self.resume_id = e.get("id")
        self.out = self.h = 0
        self.away += 1
        self.doubtful = False
        self.contacts = {}
        self.enabled = True
        self.log(f"bound at {self.port}, session {self.session} {self.resume_id}")

    async def login(self):
        await self.connect()
        fresh = not (self.resume_id and await self.resume())
        if fresh:
            await self.bind()
        self.bound.set()
        if fresh:
            self.stanza("<presence/>", None)

    def stanza(self, xml, message):
        self.unacked.append((message, xml))
        self.out += 1
        self.write(xml)

    # --- what comes ------------------------------------------------------------------------------

    def on_stanza(self, e):
        ledger = self.world.ledger
        self.h += 1
        kind = e.tag[len(CLIENT):]
        if kind == "message" and e.get("type") == "error":
            ledger.bounce(self.name, e.get("id"), ",".join(
                c.tag.split("}")[-1] for c in e.findall(f"{CLIENT}error/*")))
        elif kind == "message":
            # What crosses our goodbye is not acknowledged by it: it rightly comes again.
            ledger.receive(self.name, e.get("id"), self.session + ("-late" if self.goodbye else ""),
                           live_id(e, self.jid))
        elif kind == "iq" and e.get("type") in ("result", "error"):
            row = ledger.iqs.get(e.get("id"))
            if row:
                self.judge_iq(e, row)
                # One error beside a result is right: the peer's session ended before it said that it had
                # the request that it had answered.
                row[1] += 1 if e.get("type") == "result" or not row[1] else 0
                self.log(f"iq answered {e.get('id')} {e.get('type')}")
        elif kind == "iq":
            to = f"to='{e.get('from')}' " if e.get("from") else ""
            self.log(f"asked {e.get('id')}")
            self.stanza(f"<iq type='result' {to}id='{e.get('id')}'/>", None)
        elif kind == "presence":
            self.on_presence(e)

    def judge_iq(self, e, row):
        """Whoever was there all the time may not be said to be away."""
        peer = self.world.named.get(row[3])
        away = e.find(f"{CLIENT}error/{{urn:ietf:params:xml:ns:xmpp-stanzas}}service-unavailable")
        if (away is not None and peer and row[4] and peer.session == row[4] and not peer.goodbye and
                not peer.doubtful):
            self.world.ledger.untruths.append((f"{self.name} was told that {peer.name} is not there", peer.session))

    def on_presence(self, e):
        """Contacts tell each other; nobody may be said to have gone who has not."""
        jid, kind = (e.get("from") or ""), e.get("type")
        who = self.world.named.get(jid.split("@")[0])
        if not who or who is self:
            return
        if kind == "subscribe":
            self.stanza(f"<presence type='subscribed' to='{who.jid}'/>", None)
        elif kind is None:
            self.contacts[who.name] = who.away
        elif kind == "unavailable":
            if (who.session and not who.goodbye and not who.doubtful and
                    who.away == self.contacts.get(who.name)):
                self.world.ledger.untruths.append((f"{self.name} was told that {who.name} has gone", who.session))
                self.log(f"false unavailable of {who.name}")

    def on_element(self, e):
        if e.tag in STANZAS:
            self.on_stanza(e)
        elif e.tag == SM + "r":
            self.write(f"<a xmlns='urn:xmpp:sm:3' h='{self.h & MASK}'/>")
        elif e.tag == SM + "a":
            self.asked_at = None
            self.handled(int(e.get("h")))

    async def stream(self):
        """Reads until the connection is over."""
        while True:
            self.on_element(await self.read(FOREVER))

    async def watch(self):
        """Asks for acknowledgements; gives a connection up that is silent."""
        while True:
            await asyncio.sleep(0.25)
            now = time.monotonic()
            if self.leaving == "cut":
                return "cut"
            if self.leaving == "close":
                self.write(f"<a xmlns='urn:xmpp:sm:3' h='{self.h & MASK}'/></stream:stream>")
                self.goodbye = True
                return "close"
            if self.asked_at and now - self.asked_at > self.world.options.patience:
                if now - self.last_in > self.world.options.patience:
                    return "patience"
                self.asked_at = now
            if not self.asked_at and self.unacked:
                self.write("<r xmlns='urn:xmpp:sm:3'/>")
                self.asked_at = now

    async def talk(self):
        reading = asyncio.ensure_future(self.stream())
        watching = asyncio.ensure_future(self.watch())
        try:
            await asyncio.wait((reading, watching), return_when=asyncio.FIRST_COMPLETED)
            if reading.done():
                reading.result()
            why = watching.result()
            if why != "close":
                raise Closed(why)
            await asyncio.wait((reading,), timeout=self.world.options.patience)
            if reading.done():
                reading.result()
            raise Closed("patience")
        finally:
            for t in (reading, watching):
                t.cancel()
            await asyncio.gather(reading, watching, return_exceptions=True)

    def ended(self, why):
        """A connection to which a session was bound is over."""
        ledger = self.world.ledger
        if self.leaving == "close" and why == "stream end":
            if not self.world.apart:  # else the next session may be with those who were not told
                ledger.ended_clean[self.session] = (self.port, time.monotonic())
            self.log(f"closed, session {self.session}")
            self.forget_session()
            return
        if self.leaving:
            why = self.leaving
        self.log(f"connection over: {why}, port {self.port}")
        self.world.connection_over(self, why)
        self.doubtful = self.leaving == "close"
        # "reset" and "see-other-host" are how a server that drains sends its clients elsewhere.
        over = why.startswith("stream error") and not {"reset", "see-other-host"} & set(
            why.split(" ")[-1].split(","))
        if self.leaving == "close" or not self.resume_id or over:
            self.forget_session()

    async def run(self):
        while True:
            await self.online.wait()
            self.leaving = None
            self.goodbye = False
            bound = False
            try:
                await asyncio.wait_for(self.login(), 90)
                bound = True
                await self.talk()
            except Closed as e:
                if bound:
                    self.ended(str(e))
                else:
                    self.log(f"login: {e}")
            except (OSError, Refused, asyncio.TimeoutError, ValueError, ET.ParseError) as e:
                self.log(f"not linked: {type(e).__name__} {e}")
                if bound:
                    self.world.ledger.notes.append(f"{self.name}: {type(e).__name__} {e}")
            await self.drop()
            if self.leaving == "close":
                self.online.clear()
            else:
                await asyncio.sleep(self.rng.uniform(0.05, self.world.options.away))

    # --- what it says ----------------------------------------------------------------------------

    def ready(self):
        return self.bound.is_set() and not self.leaving and len(self.unacked) < 200

    def say(self, to, size=0):
        m = self.world.ledger.send(self.name, to.name, self.session)
        self.stanza(f"<message to='{to.jid}' type='chat' id='{m.id}'><body>{m.seq}{'.' * size}</body>"
                    "</message>", m)

    def ask(self, to):
        ident = f"q{fresh_id()}"
        jid = f"{to.jid}/r" if to else self.world.domain
        there = to.session if to and to.ready() else None
        self.world.ledger.iqs[ident] = [self.session, 0, False, to and to.name, there, time.monotonic()]
        self.log(f"iq {ident} to {jid}")
        self.stanza(f"<iq type='get' id='{ident}' to='{jid}'><ping xmlns='urn:xmpp:ping'/></iq>", None)

    def probe(self):
        """Answered when it is committed: every process that we depend on works."""
        ident = f"w{fresh_id()}"
        self.world.ledger.iqs[ident] = [self.session, 0, False, None, None, time.monotonic()]
        self.stanza(f"<iq type='set' id='{ident}'><query xmlns='jabber:iq:private'><probe xmlns='urn:example:probe'>"
                    f"{ident}</probe></query></iq>", None)

    async def speak(self):
        options = self.world.options
        while True:
            await asyncio.sleep(self.rng.expovariate(options.rate))
            if not self.ready() or self.world.quiet:
                continue
            if self.rng.random() < options.iqs:
                peer = self.world.peer_of(self)
                self.ask(self.rng.choice((None, peer)))
            else:
                for _ in range(self.rng.choice((1, 1, 1, 2, 5))):
                    self.say(self.world.peer_of(self))
