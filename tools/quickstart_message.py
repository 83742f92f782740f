#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Sends one message between two accounts through the client port, over TLS, verified.

usage: quickstart_message.py ADDRESS PORT CA-FILE SENDER RECIPIENT
Reads both passwords, a line each, from standard input; prints what the recipient was given.
"""
import asyncio
import logging
import sys

import slixmpp

LIMIT = 30  # seconds for all of it
TEXT = "Hello from the other side of the server!"


class Client(slixmpp.ClientXMPP):
    def __init__(self, jid, password, ca_file):
        super().__init__(jid, password)
        self.ca_certs = ca_file
        self.ssl_context.check_hostname = True
        # slixmpp knows no channel binding of TLS 1.3: it must neither choose nor claim one.
        mechanisms = self["feature_mechanisms"]
        mechanisms.use_mechs = {"SCRAM-SHA-256"}
        credentials = mechanisms.sasl_callback
        mechanisms.sasl_callback = lambda *wanted: {**credentials(*wanted), "channel_binding": None}
        self.online = self.loop.create_future()
        self.received = self.loop.create_future()
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("message", self.on_message)
        for event in ("failed_all_auth", "connection_failed", "ssl_invalid_chain", "disconnected"):
            self.add_event_handler(event, lambda reason, event=event: self.fail(event, reason))

    async def on_start(self, event):
        self.send_presence()
        await self.get_roster()
        if not self.online.done():
            self.online.set_result(True)

    def on_message(self, message):
        if message["type"] in ("chat", "normal") and not self.received.done():
            self.received.set_result(message)

    def fail(self, event, reason):
        for future in (self.online, self.received):
            if not future.done():
                future.set_exception(RuntimeError("%s: %s: %s" % (self.boundjid, event, reason)))
                future.exception()  # told by whoever awaits it


async def talk(address, clients):
    sender, recipient = clients
    for client in clients:
        client.connect(address, force_starttls=True, disable_starttls=False)
    await asyncio.gather(*(client.online for client in clients))
    sender.send_message(mto=recipient.boundjid.bare, mbody=TEXT, mtype="chat")
    message = await recipient.received
    print("%s to %s: %s" % (message["from"], message["to"].bare, message["body"]))
    for client in clients:
        await client.disconnect()


def main():
    address, port, ca_file, sender, recipient = sys.argv[1:]
    passwords = [sys.stdin.readline().rstrip("\n") for _ in range(2)]
    logging.basicConfig(level=logging.CRITICAL)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    clients = [Client(jid, password, ca_file)
               for jid, password in zip((sender, recipient), passwords)]
    for client in clients:
        client.loop = loop
    try:
        loop.run_until_complete(asyncio.wait_for(talk((address, int(port)), clients), LIMIT))
    except (RuntimeError, asyncio.TimeoutError) as error:
        sys.exit("no message: %s" % (error or "time is over"))


main()
