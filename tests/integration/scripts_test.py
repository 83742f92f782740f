#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Plays the stanza scripts of tests/scripts; the language is described in its README.md."""
import glob
import os
import re
import sys
import xml.etree.ElementTree as ET

from harness import SOURCE, Server, Stream, Tap, settle

CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
STANZA_ID = "{urn:xmpp:sid:0}stanza-id"
CONTACTS = ("--set", "sm.contact_abuse=mailto:abuse@localhost,xmpp:abuse@localhost",
            "--set", "sm.contact_support=https://localhost/help?a=b&c=d")
FOLDER = os.path.join(SOURCE, "tests", "scripts")


class Mismatch(Exception):
    pass


def show(e):
    return ET.tostring(e, encoding="unicode")


def without_own(e, bare):
    """RFC 6120 section 8.1.2.1: what the server says for the account may name it or not."""
    if e.get("from") == bare and (e.tag == f"{{{CLIENT}}}iq" or e.get("type") == "error"):
        del e.attrib["from"]
    return e


def match(want, got, names, path="", top=True):
    here = f"{path}/{want.tag.split('}')[-1]}"
    if want.tag != got.tag:
        raise Mismatch(f"{here}: is {got.tag}")
    have = {k: v for k, v in got.attrib.items() if not k.endswith("}lang") or k in want.attrib}
    expected = dict(want.attrib)
    for name, value in expected.items():
        if name not in have:
            raise Mismatch(f"{here}: lacks {name}")
        if value.startswith("?"):
            names[value[1:]] = have[name]
        elif value not in ("*", have[name]):
            raise Mismatch(f"{here}: {name} is '{have[name]}', not '{value}'")
    for name in have:
        if name not in expected and not (top and name == "to"):
            raise Mismatch(f"{here}: has {name}='{have[name]}'")
    text = (want.text or "").strip()
    if text != "*" and text != (got.text or "").strip():
        raise Mismatch(f"{here}: text is '{got.text}', not '{text}'")
    rest = list(got)
    if top and not any(child.tag == STANZA_ID for child in want):
        rest = [e for e in rest if e.tag != STANZA_ID]
    hole = False
    for child in want:
        if child.tag.endswith("}any"):
            hole = True
            continue
        while rest:
            candidate = rest.pop(0)
            try:
                match(child, candidate, names, here, False)
                break
            except Mismatch:
                if not hole:
                    raise
        else:
            raise Mismatch(f"{here}: lacks <{child.tag.split('}')[-1]}/>")
        hole = False
    if rest and not hole:
        raise Mismatch(f"{here}: has {show(rest[0])}")


class Player:
    def __init__(self, server, serial):
        self.server, self.serial = server, serial
        self.names = {"domain": "localhost", "nobody": f"nobody{serial}@localhost"}
        self.clients, self.streams, self.pending = {}, {}, {}

    def name(self, m):
        word, *rest = m.group(1).split(":")
        if word == "error":
            kind, condition = rest
            return (f"<any/><error type='{kind}'><{condition} xmlns='{STANZAS}'/><any/></error>")
        return self.names[word]

    def expand(self, text):
        return re.sub(r"\{([\w.:-]+)\}", self.name, text)

    def parse(self, name, text):
        root = ET.fromstring(f"<root xmlns='{CLIENT}'>{self.expand(text)}</root>")
        return [without_own(e, self.names[f"{name}.bare"]) for e in root]

    def administer(self, key):
        """One more administrator, in-band as an operator does it."""
        self.server.admins.append(key)
        done = self.server.ctl("admin", "edit-admin", *(f"adminjids={a}" for a in self.server.admins))
        if done.returncode:
            raise RuntimeError(done.stderr)

    def declare(self, name, address, role=None):
        bare, resource = address.split("/", 1)
        local, _, domain = bare.partition("@")
        domain = domain or "localhost"
        account = f"{local}{self.serial}"
        key = f"{account}@{domain}"
        if key not in self.server.users:
            done = self.server.ctl("user", "add", key, stdin="secret\nsecret\n")
            if done.returncode:
                raise RuntimeError(done.stderr)
            self.server.users[key] = "secret"
        if role == "administrator" and key not in self.server.admins:
            self.administer(key)
        self.clients[name] = (account, domain, resource)
        self.names.update({name: f"{key}/{resource}", f"{name}.bare": key,
                           f"{name}.local": account})

    def connect(self, name):
        account, domain, resource = self.clients[name]
        self.streams[name] = Stream(self.server, domain).login(account, "secret", resource)
        self.pending[name] = []

    def online(self, name):
        self.connect(name)
        self.streams[name].send("<presence/>")
        self.settle()
        self.pending[name].clear()

    def settle(self):
        for name, got in settle(self.streams).items():
            self.pending[name] += got

    def next(self, name):
        e = self.pending[name].pop(0) if self.pending[name] else self.streams[name].receive()
        return without_own(e, self.names[f"{name}.bare"])

    def befriend(self, name, other):
        """A subscription of both to both."""
        for asker, asked in ((name, other), (other, name)):
            for sender, to, kind in ((asker, asked, "subscribe"), (asked, asker, "subscribed")):
                self.streams[sender].send(
                    f"<presence to='{self.names[to + '.bare']}' type='{kind}'/>")
                self.settle()
        for pending in self.pending.values():
            pending.clear()

    def any_order(self, name, wanted):
        for _ in range(len(wanted)):
            got = self.next(name)
            errors = []
            for w in wanted:
                try:
                    match(w, got, self.names)
                    wanted.remove(w)
                    break
                except Mismatch as e:
                    errors.append(str(e))
            else:
                raise Mismatch(f"{name} received {show(got)}: " + "; ".join(errors))

    def step(self, name, verb, block):
        if verb == "connects":
            self.connect(name)
        elif verb == "comes online":
            self.online(name)
        elif verb == "sends":
            self.streams[name].send(self.expand(block.strip()))
        elif verb == "receives":
            for want in self.parse(name, block):
                got = self.next(name)
                try:
                    match(want, got, self.names)
                except Mismatch as e:
                    raise Mismatch(f"{name} received {show(got)}: {e}") from None
        elif verb == "receives in any order":
            self.any_order(name, self.parse(name, block))
        elif verb == "receives nothing":
            self.settle()
            if self.pending[name]:
                raise Mismatch(f"{name} received {show(self.pending[name][0])}")
        elif verb == "forgets":
            self.settle()
            self.pending[name].clear()
        elif verb.startswith("befriends "):
            self.befriend(name, verb.split()[1])
        elif verb == "disconnects":
            s = self.streams.pop(name)
            s.send("</stream:stream>")
            s.wait_closed()
            s.close()
        elif verb == "drops":
            self.streams.pop(name).close()
        else:
            raise RuntimeError(f"unknown step: {name} {verb}")

    def play(self, text):
        steps = []
        for number, line in enumerate(text.splitlines(), 1):
            if line[:1] in ("\t", " ") and steps:
                steps[-1][3] += line + "\n"
            elif line.strip() and not line.startswith("#"):
                name, _, verb = line.strip().partition(" ")
                steps.append([number, name, verb, ""])
        for number, name, verb, block in steps:
            try:
                if name == "client":
                    self.declare(*verb.split())
                else:
                    self.step(name, verb, block)
            except Exception as e:
                raise type(e)(f"line {number}: {name} {verb}: {e}") from None

    def close(self):
        for s in self.streams.values():
            s.close()


def play(server, path, serial):
    player = Player(server, serial)
    try:
        with open(path) as f:
            player.play(f.read())
    finally:
        player.close()


def main():
    wanted = sys.argv[1:]
    paths = sorted(glob.glob(os.path.join(FOLDER, "**", "*.xs"), recursive=True))
    tap = Tap()
    # What is set for service.localhost does not concern the scripts of others.
    with Server(domains=("localhost", "service.localhost"), args=CONTACTS) as server:
        server.admins = []
        for serial, path in enumerate(paths, 1):
            name = os.path.relpath(path, FOLDER)[:-3]
            if not wanted or name in wanted:
                tap.run(name, play, server, path, serial)
    tap.done()


if __name__ == "__main__":
    main()
