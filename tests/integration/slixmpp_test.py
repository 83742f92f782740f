#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""slixmpp against the server, certificate verification on: what a client library does in a session."""
import asyncio
import logging
import os
import ssl
import sys

from harness import TIMEOUT, Server, Tap

try:
    import slixmpp
    from slixmpp.exceptions import IqError
except ImportError:
    slixmpp = None

PLUGINS = ("xep_0012", "xep_0030", "xep_0049", "xep_0054", "xep_0092", "xep_0191", "xep_0198", "xep_0199",
           "xep_0202", "xep_0203")


class Complaints(logging.Handler):
    """What the library warns about."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.lines = []
        self.addFilter(logging.Filter("slixmpp"))

    def emit(self, record):
        self.lines.append(f"{record.name}: {record.getMessage()}")


def make_client(server, user, resource="it", mechanism=None, direct=False, binding=True):
    class Client(slixmpp.ClientXMPP):
        def get_ssl_context(self):
            context = ssl.create_default_context(cafile=os.path.join(server.dir, "ca.pem"))
            assert context.check_hostname and context.verify_mode == ssl.CERT_REQUIRED
            return context

    c = Client(f"{user}@localhost/{resource}", server.users[user], sasl_mech=mechanism)
    for name in PLUGINS:
        c.register_plugin(name)
    if not binding:
        # Else it says "y", that it could bind to the channel but the server cannot: a downgrade.
        credentials = c["feature_mechanisms"]._default_credentials
        c["feature_mechanisms"].sasl_callback = (
            lambda *values: dict(credentials(*values), channel_binding=None))
    c.direct = direct
    c.auto_authorize = c.auto_subscribe = None
    c.inbox = asyncio.Queue()
    c.seen = asyncio.Queue()
    c.pushes = asyncio.Queue()
    c.add_event_handler("message", c.inbox.put_nowait)
    for event in ("presence_available", "presence_away", "presence_unavailable", "presence_subscribe",
                  "presence_subscribed", "presence_unsubscribe", "presence_unsubscribed"):
        c.add_event_handler(event, c.seen.put_nowait)
    c.add_event_handler("roster_update", c.pushes.put_nowait)
    return c


async def event_of(c, *names):
    """The first of these events."""
    done = asyncio.get_running_loop().create_future()
    handlers = []
    for name in names:
        def on(data, name=name):
            if not done.done():
                done.set_result((name, data))
        handlers.append((name, on))
        c.add_event_handler(name, on)
    try:
        return await asyncio.wait_for(done, TIMEOUT)
    finally:
        for name, on in handlers:
            c.del_event_handler(name, on)


async def login(server, user, presence=True, **kw):
    c = make_client(server, user, **kw)
    started = asyncio.create_task(event_of(c, "session_start", "failed_auth", "failed_all_auth"))
    await asyncio.sleep(0)
    connect(server, c)
    name, data = await started
    assert name == "session_start", f"{kw}: {name}: {data}"
    if presence:
        await c.get_roster()
        c.send_presence()
        await want(c.seen, lambda p: p["from"] == c.boundjid)
    return c


def connect(server, c):
    port = server.tls_port if c.direct else server.starttls_port
    c.connect(("127.0.0.1", port), use_ssl=c.direct, force_starttls=not c.direct)


async def logout(c):
    c.disconnect()
    await asyncio.wait_for(c.disconnected, TIMEOUT)


async def want(queue, condition):
    """The next that is so; what comes before is dropped."""
    while True:
        e = await asyncio.wait_for(queue.get(), TIMEOUT)
        if condition(e):
            return e


async def store(c, name="x"):
    """Comes back when this and what was sent before it is committed."""
    card = c["xep_0054"].make_vcard()
    card["FN"] = name
    await c["xep_0054"].publish_vcard(card)


async def mechanisms(server):
    for direct in (False, True):
        for name in ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1",
                     "PLAIN"):
            await logout(await login(server, "romeo", mechanism=name, direct=direct, presence=False,
                                     binding=name.endswith("-PLUS")))


async def wrong_password(server):
    c = make_client(server, "romeo")
    c.password = c.credentials["password"] = "wrong"
    failed = asyncio.create_task(event_of(c, "session_start", "failed_auth"))
    await asyncio.sleep(0)
    connect(server, c)
    name, _ = await failed
    assert name == "failed_auth", name
    c.abort()


async def chat(server):
    romeo, juliet = await login(server, "romeo"), await login(server, "juliet")
    for a, b in ((romeo, juliet), (juliet, romeo)):
        for to in (b.boundjid.full, b.boundjid.bare):
            text = f"to {to} <&> \u00e9\u4e2d\U0001f600"
            a.send_message(mto=to, mbody=text, mtype="chat")
            got = await want(b.inbox, lambda m: True)
            assert got["body"] == text and got["from"] == a.boundjid, got
    await logout(romeo)
    romeo = await login(server, "romeo", presence=False)
    juliet.send_message(mto=romeo.boundjid.bare, mbody="later", mtype="chat")
    await store(juliet)
    await store(romeo)  # behind the message, where another process owns the account
    romeo.send_presence()
    got = await want(romeo.inbox, lambda m: m["body"] == "later")
    assert got["delay"]["stamp"], got
    await logout(romeo)
    await logout(juliet)


async def roster(server):
    romeo, juliet = await login(server, "romeo"), await login(server, "juliet")
    await romeo.update_roster("juliet@localhost", name="Juliet", groups=["Capulets"])
    assert romeo.client_roster["juliet@localhost"]["name"] == "Juliet"
    for a, b in ((romeo, juliet), (juliet, romeo)):
        a.send_presence_subscription(pto=b.boundjid.bare, ptype="subscribe")
        await want(b.seen, lambda p: p["type"] == "subscribe" and p["from"] == a.boundjid.bare)
        b.send_presence_subscription(pto=a.boundjid.bare, ptype="subscribed")
        await want(a.seen, lambda p: p["type"] == "subscribed" and p["from"] == b.boundjid.bare)
        await want(a.seen, lambda p: p["type"] == "available" and p["from"] == b.boundjid)
    for c, other in ((romeo, "juliet@localhost"), (juliet, "romeo@localhost")):
        await store(c)
        await c.get_roster()
        assert c.client_roster[other]["subscription"] == "both", c.client_roster[other]
    juliet.send_presence(pshow="away", pstatus="brb")
    p = await want(romeo.seen, lambda p: p["from"] == juliet.boundjid and p["show"] == "away")
    assert p["status"] == "brb", p
    await logout(juliet)
    await want(romeo.seen, lambda p: p["type"] == "unavailable"
               and p["from"].bare == "juliet@localhost")
    juliet = await login(server, "juliet")
    await want(juliet.seen, lambda p: p["from"] == romeo.boundjid)
    await romeo.del_roster_item("juliet@localhost")
    await want(juliet.seen, lambda p: p["type"] == "unsubscribed")
    fresh = await login(server, "romeo", resource="fresh")
    assert "juliet@localhost" not in fresh.client_roster, fresh.client_roster
    await logout(fresh)
    await logout(romeo)
    await logout(juliet)


async def services(server):
    romeo = await login(server, "romeo")
    info = await romeo["xep_0030"].get_info("localhost")
    assert ("server", "im", None, "Mercutio") in info["disco_info"]["identities"], info
    assert "urn:xmpp:ping" in info["disco_info"]["features"], info
    await romeo["xep_0030"].get_items("localhost")
    assert await romeo["xep_0199"].ping("localhost", timeout=TIMEOUT) >= 0
    version = await romeo["xep_0092"].get_version("localhost")
    assert version["software_version"]["name"] == "Mercutio", version
    now = await romeo["xep_0202"].get_entity_time("localhost")
    # (The library's own parser wants it without the Z that the XEP requires.)
    assert now.xml.findtext(".//{urn:xmpp:time}utc").endswith("Z"), now
    await store(romeo, "Romeo Montague")
    got = await romeo["xep_0054"].get_vcard("romeo@localhost", cached=False)
    assert got["vcard_temp"]["FN"] == "Romeo Montague", got
    try:
        await romeo["xep_0030"].get_info("nobody@localhost")
        raise AssertionError("disco of nobody was answered")
    except IqError as e:
        assert e.condition == "service-unavailable", e
    await logout(romeo)


async def blocking(server):
    romeo, juliet = await login(server, "romeo"), await login(server, "juliet")
    await juliet["xep_0191"].block("romeo@localhost")
    blocked = await juliet["xep_0191"].get_blocked()
    assert blocked["blocklist"]["items"] == {slixmpp.JID("romeo@localhost")}, blocked
    refused = asyncio.create_task(event_of(romeo, "message_error"))
    await asyncio.sleep(0)
    romeo.send_message(mto=juliet.boundjid.full, mbody="x", mtype="chat")
    _, error = await refused
    assert error["error"]["condition"] == "service-unavailable", error
    await juliet["xep_0191"].unblock("romeo@localhost")
    romeo.send_message(mto=juliet.boundjid.full, mbody="again", mtype="chat")
    got = await want(juliet.inbox, lambda m: True)
    assert got["body"] == "again", got
    await logout(romeo)
    await logout(juliet)


async def resume(server):
    """The connection is lost: XEP-0198 brings the session back, and what was sent meanwhile."""
    romeo, juliet = await login(server, "romeo"), await login(server, "juliet")
    manager = juliet["xep_0198"]
    assert manager.enabled_in, "stream management is not enabled"
    while manager.unacked_queue:  # the library forgets them when it resumes, and then wonders
        acked = asyncio.create_task(event_of(juliet, "stanza_acked"))
        await asyncio.sleep(0)
        manager.request_ack()
        await acked
    back = asyncio.create_task(event_of(juliet, "session_resumed", "session_start"))
    gone = asyncio.create_task(event_of(juliet, "disconnected"))
    await asyncio.sleep(0)
    juliet.transport.abort()
    await gone
    romeo.send_message(mto=juliet.boundjid.full, mbody="meanwhile", mtype="chat")
    connect(server, juliet)
    name, _ = await back
    assert name == "session_resumed", name
    await want(juliet.inbox, lambda m: m["body"] == "meanwhile")
    juliet.send_message(mto=romeo.boundjid.full, mbody="still here", mtype="chat")
    got = await want(romeo.inbox, lambda m: True)
    assert got["body"] == "still here" and got["from"] == juliet.boundjid, got
    await logout(romeo)
    await logout(juliet)


async def again(server):
    """The same client object logs in, out and in again, and a second one replaces its resource."""
    for _ in range(3):
        romeo = await login(server, "romeo")
        await logout(romeo)
    first = await login(server, "romeo", resource="same")
    ended = asyncio.create_task(event_of(first, "disconnected"))
    await asyncio.sleep(0)
    second = await login(server, "romeo", resource="same")
    await ended
    await logout(second)


async def untrusted(server):
    """A client that trusts other authorities does not come in: verification is really on."""
    c = slixmpp.ClientXMPP("romeo@localhost/x", server.users["romeo"])
    c.ssl_context = ssl.create_default_context()
    failed = asyncio.create_task(event_of(c, "ssl_invalid_chain", "session_start"))
    await asyncio.sleep(0)
    c.connect(("127.0.0.1", server.starttls_port), force_starttls=True)
    name, _ = await failed
    assert name == "ssl_invalid_chain", name
    c.abort()


def run(server, scenario, allowed=()):
    complaints = Complaints()
    logging.getLogger().addHandler(complaints)
    loop = asyncio.new_event_loop()
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
    bad = [line for line in complaints.lines if not any(a in line for a in allowed)]
    assert not bad, "slixmpp warned: " + "; ".join(bad)


def main():
    tap = Tap()
    if not slixmpp:
        tap.skip("slixmpp", "python3-slixmpp is not installed")
        tap.done()
    with Server(users=("romeo:montague", "juliet:capulet")) as server:
        for scenario in (mechanisms, chat, roster, services, blocking, resume, again):
            if len(sys.argv) < 2 or scenario.__name__ in sys.argv[1:]:
                tap.run(f"slixmpp {scenario.__name__}", run, server, scenario)
        tap.run("slixmpp wrong_password", run, server, wrong_password, ("auth", "Auth", "authent"))
        tap.run("slixmpp untrusted", run, server, untrusted, ("CERT: Invalid",))
    tap.done()


if __name__ == "__main__":
    main()
