#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""aioxmpp against the server, certificate verification on: it checks its peer strictly."""
import asyncio
import functools
import logging
import os
import socket
import sys
import warnings

from harness import TIMEOUT, Server, Tap

warnings.simplefilter("ignore", DeprecationWarning)
try:
    import aioxmpp
    import aioxmpp.connector
    import aioxmpp.security_layer as security
except ImportError:
    aioxmpp = None

DOMAIN = "localhost"
# What it says of itself when an <r/> arrives while it stops its stream.
ODD = "failure future is already done"


class Complaints(logging.Handler):
    """What the library warns about."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        self.addFilter(logging.Filter("aioxmpp"))

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


def tls(server, trusted=True):
    context = security.default_ssl_context()
    if trusted:
        context.load_verify_locations(os.path.join(server.dir, "ca.pem"))
    return context


def make_client(server, user, resource="aio", direct=False, trusted=True, password=None):
    async def secret(jid, attempt):
        return (password or server.users[user]) if attempt == 0 else None

    layer = security.tls_with_password_based_authentication(
        secret, ssl_context_factory=functools.partial(tls, server, trusted))
    jid = aioxmpp.JID.fromstr(f"{user}@{DOMAIN}/{resource}")
    if direct:
        peer = ("127.0.0.1", server.tls_port, aioxmpp.connector.XMPPOverTLSConnector())
    else:
        peer = ("127.0.0.1", server.starttls_port, aioxmpp.connector.STARTTLSConnector())
    c = aioxmpp.PresenceManagedClient(jid, layer, override_peer=[peer], max_initial_attempts=1)
    c.roster = c.summon(aioxmpp.RosterClient)
    c.presences = c.summon(aioxmpp.PresenceClient)
    c.disco = c.summon(aioxmpp.DiscoClient)
    c.summon(aioxmpp.DiscoServer)
    c.vcard = c.summon(aioxmpp.vcard.VCardService)
    c.private = c.summon(aioxmpp.private_xml.PrivateXMLService)
    c.blocking = c.summon(aioxmpp.BlockingClient)
    c.events = asyncio.Queue()
    dispatcher = c.summon(aioxmpp.dispatcher.SimpleMessageDispatcher)
    dispatcher.register_callback(None, None, c.events.put_nowait)
    for signal in ("on_subscribe", "on_subscribed", "on_unsubscribe", "on_unsubscribed"):
        getattr(c.roster, signal).connect(c.events.put_nowait)
    for signal in ("on_available", "on_changed", "on_unavailable"):
        getattr(c.presences, signal).connect(lambda jid, stanza, **kw: c.events.put_nowait(stanza))
    return c


async def want(c, condition):
    while True:
        e = await asyncio.wait_for(c.events.get(), TIMEOUT)
        if condition(e):
            return e


def is_presence(e, kind, sender):
    return (isinstance(e, aioxmpp.Presence) and e.type_ == getattr(aioxmpp.PresenceType, kind)
            and sender in (e.from_, e.from_.bare()))


def message(to, text):
    m = aioxmpp.Message(to=to, type_=aioxmpp.MessageType.CHAT)
    m.body[None] = text
    return m


async def store(c):
    """Comes back when what was sent before is committed."""
    card = await c.vcard.get_vcard()
    await c.vcard.set_vcard(card)


async def with_clients(server, body, *users, **kw):
    clients = [make_client(server, user, **kw) for user in users]
    entered = []
    try:
        for c in clients:
            manager = c.connected(presence=aioxmpp.PresenceState(True))
            await asyncio.wait_for(manager.__aenter__(), TIMEOUT)
            entered.append(manager)
        await body(*clients)
    finally:
        for manager in entered:
            await manager.__aexit__(None, None, None)


async def chat(server):
    async def body(a, b):
        for sender, to in ((a, b.local_jid), (b, a.local_jid.bare())):
            await sender.send(message(to, "hi <&> \u00e9"))
            other = b if sender is a else a
            got = await want(other, lambda e: isinstance(e, aioxmpp.Message))
            assert got.body.any() == "hi <&> \u00e9" and got.from_ == sender.local_jid, got

    for direct in (False, True):
        await with_clients(server, body, "romeo", "juliet", direct=direct)


async def roster(server):
    async def body(a, b):
        await a.roster.set_entry(b.local_jid.bare(), name="B", add_to_groups={"friends"})
        assert a.roster.items[b.local_jid.bare()].name == "B"
        for x, y in ((a, b), (b, a)):
            x.roster.subscribe(y.local_jid.bare())
            await want(y, lambda e: is_presence(e, "SUBSCRIBE", x.local_jid.bare()))
            y.roster.approve(x.local_jid.bare())
            await want(x, lambda e: is_presence(e, "SUBSCRIBED", y.local_jid.bare()))
            await want(x, lambda e: is_presence(e, "AVAILABLE", y.local_jid))
        await store(a)
        await store(b)
        for x, y in ((a, b), (b, a)):
            assert x.roster.items[y.local_jid.bare()].subscription == "both"
        b.set_presence(aioxmpp.PresenceState(True, aioxmpp.PresenceShow.AWAY), {None: "brb"})
        e = await want(a, lambda e: is_presence(e, "AVAILABLE", b.local_jid) and e.show.value)
        assert e.show == aioxmpp.PresenceShow.AWAY and e.status.any() == "brb", e
        await a.roster.remove_entry(b.local_jid.bare())
        assert b.local_jid.bare() not in a.roster.items
        await want(b, lambda e: is_presence(e, "UNSUBSCRIBED", a.local_jid.bare()))
        await store(b)
        assert b.roster.items[a.local_jid.bare()].subscription == "none"

    await with_clients(server, body, "romeo", "juliet")


async def services(server):
    async def body(a):
        host = aioxmpp.JID.fromstr(DOMAIN)
        info = await a.disco.query_info(host)
        assert ("server", "im") in [(i.category, i.type_) for i in info.identities], info
        assert {"urn:xmpp:ping", "urn:xmpp:blocking", "vcard-temp"} <= info.features, info.features
        await a.disco.query_items(host)
        await aioxmpp.ping.ping(a, host)
        version = await aioxmpp.version.query_version(a.stream, host)
        assert version.name == "Mercutio", version
        await store(a)
        try:
            await a.disco.query_info(aioxmpp.JID.fromstr(f"nobody@{DOMAIN}"))
            raise AssertionError("disco of nobody was answered")
        except aioxmpp.XMPPCancelError as e:
            assert e.condition == aioxmpp.ErrorCondition.SERVICE_UNAVAILABLE, e

    await with_clients(server, body, "romeo")


async def blocking(server):
    async def body(a, b):
        await b.blocking.block_jids([a.local_jid.bare()])
        await store(b)
        assert a.local_jid.bare() in b.blocking.blocklist
        await a.send(message(b.local_jid, "x"))
        e = await want(a, lambda e: isinstance(e, aioxmpp.Message))
        assert e.error.condition == aioxmpp.ErrorCondition.SERVICE_UNAVAILABLE, e
        await b.blocking.unblock_jids([a.local_jid.bare()])
        await a.send(message(b.local_jid, "again"))
        e = await want(b, lambda e: isinstance(e, aioxmpp.Message))
        assert e.body.any() == "again", e

    await with_clients(server, body, "romeo", "juliet")


async def resume(server):
    """The connection is lost; the library resumes its session, and nothing is."""
    async def body(a, b):
        suspended, resumed = asyncio.Event(), asyncio.Event()
        destroyed = []
        b.on_stream_suspended.connect(lambda reason: suspended.set())
        b.on_stream_resumed.connect(resumed.set)
        b.on_stream_destroyed.connect(lambda *args: destroyed.append(args))
        assert b.stream.sm_enabled, "stream management is not enabled"
        b.stream._xmlstream.transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        await asyncio.wait_for(suspended.wait(), TIMEOUT)
        await a.send(message(b.local_jid, "meanwhile"))
        await asyncio.wait_for(resumed.wait(), TIMEOUT)
        e = await want(b, lambda e: isinstance(e, aioxmpp.Message))
        assert e.body.any() == "meanwhile", e
        assert not destroyed, destroyed

    await with_clients(server, body, "romeo", "juliet")


async def refused(server):
    """Another authority's certificate, and a wrong password, are failures."""
    for kw in ({"trusted": False}, {"password": "wrong"}):
        try:
            async def body(c):
                raise RuntimeError(f"logged in with {kw}")
            await with_clients(server, body, "romeo", **kw)
        except RuntimeError:
            raise
        except Exception:
            pass


def run(server, scenario, allowed=()):
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda loop, context: None)  # what refused() leaves behind
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(asyncio.wait_for(scenario(server), 6 * TIMEOUT))
    finally:
        logging.getLogger().removeHandler(complaints)
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()
    bad = [line for line in complaints.lines if not any(a in line for a in (ODD, *allowed))]
    assert not bad, "aioxmpp warned: " + "; ".join(bad)


def main():
    tap = Tap()
    if not aioxmpp:
        tap.skip("aioxmpp", "python3-aioxmpp is not installed")
        tap.done()
    with Server(users=("romeo:montague", "juliet:capulet")) as server:
        for scenario, *allowed in ((chat,), (roster,), (services,), (blocking,),
                                   (resume, "stream failed"), (refused, "")):
            if len(sys.argv) < 2 or scenario.__name__ in sys.argv[1:]:
                tap.run(f"aioxmpp {scenario.__name__}", run, server, scenario, allowed)
    tap.done()


if __name__ == "__main__":
    main()
