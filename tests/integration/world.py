# SPDX-License-Identifier: MIT
"""What tests of federation share: certificates where ./run finds them, and what s2s has to say."""
import json
import os
import shutil
import sys
import tempfile
import time

from nameserver import Dns
from harness import SLOW, Server, Stream, free_port_base
from liar import Liar

OURS = "our.example"
PATIENCE = 20 * SLOW
C = "{jabber:client}"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"


def prepare(folder, ca, certificates):
    """certificates: domain -> (certificate, key), for a server of ours that is not started yet."""
    certs = os.path.join(folder, "certs")
    os.makedirs(certs)
    shutil.copy(ca.cert, os.path.join(folder, "ca.pem"))
    for domain, (cert, key) in certificates.items():
        shutil.copy(cert, os.path.join(certs, domain + ".pem"))
        shutil.copy(key, os.path.join(certs, domain + ".key"))


def told(server, *args):
    done = server.ctl("--json", "s2s", *args)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout or "[]")


def streams(server, remote):
    """Those that are ready."""
    return [s for s in told(server, "list") if s["remote"] == remote and s["state"] == "ready"]


def attempts(server, remote):
    return [a for i in told(server, "why", remote) for a in i["attempts"]]


def steps(server, remote, direction=None):
    """The lines of all attempts with it."""
    return [s["text"] for a in attempts(server, remote) if direction in (None, a["direction"])
            for s in a["steps"]]


def expect(stream, what, matches):
    """The next stanza that matches; others are passed over."""
    deadline = time.monotonic() + PATIENCE
    seen = []
    while time.monotonic() < deadline:
        try:
            e = stream.receive(max(0.1, deadline - time.monotonic()))
        except TimeoutError:
            break
        if matches(e):
            return e
        seen.append((e.tag, dict(e.attrib)))
    raise AssertionError(f"no {what}; seen: {seen}")


def condition(e):
    """Of an error stanza."""
    error = e.find(C + "error")
    assert error is not None, (e.tag, e.attrib)
    return [c.tag.replace(STANZAS, "") for c in error if c.tag.startswith(STANZAS)][0]


class Two:
    """Two servers of ours that find each other by a name server, and nothing else: juliet's of one
    domain, and one of many.
    others: domain -> (certificate, key), with the CA `ca`; zones(two) -> names in A-labels and their
    records; signed: those of them with DNSSEC; ours, theirs: settings, {0} in them is the port;
    liar(two): rules of a name server in front (liar.py); own: as others, further domains of ours."""

    def __init__(self, ca, others, zones, signed=(), ours=(), theirs=(), users=(), liar=None, own=None):
        self.dir = tempfile.mkdtemp(prefix="two.")
        self.others = others
        self.base = free_port_base(("127.0.0.1", "127.0.0.2"))
        self.port, self.tls_port = self.base + 269, self.base + 270
        records = {OURS: f"_xmpp-server._tcp SRV 0 0 {self.port} x\nx A 127.0.0.1"}
        records.update(zones(self))
        self.dns = Dns(records, signed)
        self.liar = Liar(self.dns.port, liar(self)) if liar else None
        asked = (self.liar or self.dns).server
        anchor = [f"s2s.dns_anchor={self.dns.anchor}"] if signed else []
        self.servers = []
        for i, (certificates, sets, names) in enumerate((
                ({OURS: ca.issue(OURS), **(own or {})}, [*anchor, *ours], ["juliet:a"]), (others, theirs, users))):
            folder = os.path.join(self.dir, str(i))
            prepare(folder, ca, certificates)
            args = ["--instances", "s2s=1"]
            for s in [f"s2s.dns_server={asked}", "s2s.backoff_min=100ms", "s2s.backoff_max=200ms",
                      *sets]:
                args += ["--set", s.format(self.port)]
            self.servers.append(Server(names, list(certificates), args, folder,
                                       f"127.0.0.{i + 1}", self.base))
        self.a, self.b = self.servers

    def __enter__(self):
        try:
            for s in self.servers:
                s.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def __exit__(self, *exc):
        for s in self.servers:
            if exc[0] is not None:
                s.show_logs()
            s.stop()
        if self.liar:
            self.liar.close()
        self.dns.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def juliet(self):
        return login(self.a, OURS, "juliet", "a")


def login(server, domain, user, password):
    s = Stream(server, domain).login(user, password, resource="test")
    s.send("<presence/>")
    s.sync()
    return s
