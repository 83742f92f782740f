# SPDX-License-Identifier: MIT
"""What tests of s2s share: two servers on 127.0.0.1 and 127.0.0.2 with targets instead of DNS, and raw
streams of peers that need not behave."""
import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import xml.etree.ElementTree as ET

from harness import TIMEOUT, Server, Stream, free_port_base

A, B, EVIL = "capulet.example", "montague.example", "evil.example"
DB = "jabber:server:dialback"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
STREAMS = "{urn:ietf:params:xml:ns:xmpp-streams}"
PATIENCE = 3 * TIMEOUT


class Two:
    """Both servers, under one authority (or each its own); targets instead of DNS."""

    def __init__(self, instances=1, a=(), b=(), both=(), remotes=None, one_ca=True, more=(),
                 base=None):
        self.one_ca = one_ca
        self.base = base or free_port_base(("127.0.0.1", "127.0.0.2", "127.0.0.3"))
        self.dirs = [tempfile.mkdtemp(prefix="ms2s.") for _ in range(2)]
        names, users = (A, B), ("juliet:a", "romeo:b")
        self.servers = []
        for i, own in enumerate((a, b)):
            args = ["--instances", f"s2s={instances}"]
            targets = {name: f"127.0.0.{k + 1}:{self.base + 269}" for k, name in enumerate(names)}
            targets.update(remotes or {})
            targets.update({d: f"127.0.0.1:{self.base + 269}" for d in more})
            settings = [f"remote:{d}.target={t}" for d, t in targets.items()]
            # Its clients are still there when it ends.
            settings += ["s2s.backoff_min=200ms", "s2s.backoff_max=1s", "c2s.close_timeout=1s"]
            for s in settings + list(both) + list(own):
                args += ["--set", s]
            domains = [names[i]] + (list(more) if i == 0 else [])
            logins = [users[i]] + [f"nurse@{d}:n" for d in domains[1:]]
            self.servers.append(Server(logins, domains, args, keep=self.dirs[i],
                                       address=f"127.0.0.{i + 1}", base=self.base))

    def __enter__(self):
        self.servers[0].start()
        if self.one_ca:
            os.makedirs(self.dirs[1] + "/certs", exist_ok=True)
            shutil.copy(self.dirs[0] + "/ca.pem", self.dirs[1] + "/ca.pem")
            shutil.copy(self.dirs[0] + "/certs/ca.key", self.dirs[1] + "/certs/ca.key")
        self.servers[1].start()
        return self

    def __exit__(self, *exc):
        for s in self.servers:
            if exc[0] is not None:
                s.show_logs()
            s.stop()
        for d in self.dirs:
            shutil.rmtree(d, ignore_errors=True)

    def login(self):
        a, b = self.servers
        juliet = Stream(a, A).login("juliet", resource="balcony")
        romeo = Stream(b, B).login("romeo", resource="orchard")
        for s in (juliet, romeo):
            # Answers to subscriptions are for those who have their roster (RFC 6121 section 3.1.6).
            s.send("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq><presence/>")
            s.sync()
        return juliet, romeo


def until(what, fn, *args):
    """What it returns, as soon as that is true."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found = fn(*args)
        if found:
            return found
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def message(s, to, tag, kind="chat"):
    s.send(f"<message to='{to}' id='{tag}' type='{kind}'><body>{tag}</body></message>")


def expect(s, tag, kind=None, timeout=None):
    """The stanza with that id; others before it are dropped."""
    while True:
        e = s.receive(timeout)
        if e.get("id") == tag and (kind is None or e.get("type") == kind):
            return e


def presence(s, bare, kind=None):
    while True:
        e = s.receive()
        if e.tag.endswith("presence") and e.get("from", "").split("/")[0] == bare and e.get("type") == kind:
            return e


def subscribe(juliet, romeo):
    """She sees him from then on."""
    juliet.send(f"<presence to='romeo@{B}' type='subscribe'/>")
    presence(romeo, f"juliet@{A}", "subscribe")
    romeo.send(f"<presence to='juliet@{A}' type='subscribed'/>")
    presence(juliet, f"romeo@{B}", "subscribed")
    presence(juliet, f"romeo@{B}")


def condition(e):
    error = e.find("{jabber:client}error")
    if error is None:
        error = e.find("{jabber:server}error")
    return [c.tag.replace(STANZAS, "") for c in error if c.tag.startswith(STANZAS)][0]


def listed(server):
    return json.loads(server.ctl("--json", "s2s", "list").stdout or "[]")


def attempts(server, domain):
    got = json.loads(server.ctl("--json", "s2s", "why", domain).stdout)
    return [a for i in got for a in i["attempts"]]


def talk(two, juliet, romeo, n=3):
    """Messages and IQs both ways, in order."""
    for k in range(n):
        message(juliet, f"romeo@{B}", f"a{k}")
        message(romeo, f"juliet@{A}", f"b{k}")
    for k in range(n):
        assert expect(romeo, f"a{k}").get("from") == f"juliet@{A}/balcony"
        assert expect(juliet, f"b{k}").get("from") == f"romeo@{B}/orchard"
    juliet.send(f"<iq type='get' id='ping' to='{B}'><ping xmlns='urn:xmpp:ping'/></iq>")
    assert expect(juliet, "ping").get("type") == "result"
    # Requests to clients are for those who know that they are there.
    romeo.send(f"<presence to='juliet@{A}/balcony' id='here'/>")
    expect(juliet, "here")
    juliet.send(f"<iq type='get' id='v' to='romeo@{B}/orchard'><query xmlns='jabber:iq:version'/></iq>")
    q = expect(romeo, "v")
    romeo.send(f"<iq type='result' id='v' to='{q.get('from')}'><query xmlns='jabber:iq:version'>"
               "<name>x</name></query></iq>")
    assert expect(juliet, "v", "result").find(".//{jabber:iq:version}name").text == "x"
    juliet.send(f"<iq type='get' id='gone' to='romeo@{B}/nobody'><query xmlns='jabber:iq:version'/></iq>")
    assert condition(expect(juliet, "gone", "error")) == "service-unavailable"


# --- peers that do not behave ----------------------------------------------------------------------

class Peer(Stream):
    """A raw server stream to one of ours."""

    def __init__(self, server, own, remote, source="127.0.0.3", cert=None):
        self.server, self.domain, self.own = server, own, remote
        self.sock = socket.create_connection((server.address, server.base + 269), TIMEOUT,
                                             (source, 0))
        self.cert = cert
        self.jid = None
        self.reset()

    def open(self, frm=None, to=None, extra="version='1.0'"):
        self.send(f"<?xml version='1.0'?><stream:stream from='{frm or self.own}' "
                  f"to='{to or self.domain}' {extra} xmlns='jabber:server' xmlns:db='{DB}' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")
        return self

    def header_id(self):
        while self.header is None:
            self._pump(TIMEOUT)
        return self.header.get("id")

    def starttls(self):
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        e = self.receive()
        assert e.tag.endswith("proceed"), ET.tostring(e)
        context = ssl.create_default_context(cafile=os.path.join(self.server.dir, "ca.pem"))
        if self.cert:
            context.load_cert_chain(*self.cert)
        self.sock = context.wrap_socket(self.sock, server_hostname=self.domain)
        self.reset()

    def secure(self):
        self.open()
        self.features()
        self.starttls()
        self.open()
        return self.features()

    def mechanisms(self, features):
        return [m.text for m in features.iter("{urn:ietf:params:xml:ns:xmpp-sasl}mechanism")]

    def external(self, authzid=None):
        data = base64.b64encode(authzid.encode()).decode() if authzid else "="
        self.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>"
                  f"{data}</auth>")
        e = self.receive()
        if e.tag.endswith("success"):
            self.reset()
            self.open()
            self.features()
        return e.tag.split("}")[1], e[0].tag.split("}")[1] if len(e) else None

    def error(self):
        for e in self.wait_closed():
            if e.tag.endswith("}error"):
                return [c.tag.replace(STREAMS, "") for c in e if c.tag.startswith(STREAMS)][0]
        return None


def make_cert(two, name, san=None, days="3650", signed=True, usage="serverAuth"):
    """A certificate of the servers' authority, or its own."""
    d = tempfile.mkdtemp(dir=two.dirs[0])
    key, pem, csr = (os.path.join(d, x) for x in ("key", "pem", "csr"))

    def run(*args, **kw):
        subprocess.run(args, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)

    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
    san = san or f"DNS:{name}"
    if not signed:
        run("openssl", "req", "-x509", "-new", "-key", key, "-days", "30", "-subj", f"/CN={name}",
            "-addext", f"subjectAltName={san}", "-out", pem)
        return pem, key
    run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", csr)
    with open(os.path.join(d, "ext"), "w") as f:
        f.write(f"subjectAltName={san}\nextendedKeyUsage={usage}\nbasicConstraints=CA:FALSE\n")
    run("openssl", "x509", "-req", "-in", csr, "-CA", two.dirs[0] + "/ca.pem", "-CAkey",
        two.dirs[0] + "/certs/ca.key", "-days", days, "-set_serial", str(time.time_ns()),
        "-extfile", os.path.join(d, "ext"), "-out", pem)
    return pem, key


def stanza(frm, to, tag="x"):
    return f"<message from='{frm}' to='{to}' id='{tag}'><body>x</body></message>"
