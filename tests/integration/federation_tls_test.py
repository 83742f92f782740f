#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""What we take for a proof of another server: certificates of many kinds, and TLSA records (DANE,
RFC 7673). One server of ours speaks with another one that has a domain for each case."""
import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile

from nameserver import available
from harness import Tap
from peers import Authority
from world import OURS, Two, attempts, condition, expect, login, steps

BAD = ("expired", "othername", "selfsigned", "foreign")
VOUCHED, UNVOUCHED = "selfsigned-vouched.example", "selfsigned-required.example"
BY_DIALBACK, ANCHORED = "foreign-vouched.example", "anchor.example"
# As the records of attempts say it.
VERDICT = {"expired": "expired", "othername": "for another name", "selfsigned": "self-signed",
           "foreign": "not issued by a trusted authority"}


class Certificates:
    """A domain of the other server for each case, with its certificate; TLSA records for some."""

    def __init__(self, folder):
        self.ca = Authority(os.path.join(folder, "ca"))
        self.stranger = Authority(os.path.join(folder, "stranger"), "stranger")
        self.all = {}
        self.tlsa = {}

    def bad(self, kind, domain):
        return {"expired": lambda: self.ca.issue(domain, days=-1),
                "othername": lambda: self.ca.issue(domain, names="DNS:elsewhere.example"),
                "selfsigned": lambda: self.ca.issue(domain, self_signed=True),
                "foreign": lambda: self.stranger.issue(domain)}[kind]()

    def make(self):
        self.all["good.example"] = self.ca.issue("good.example")
        for kind in BAD:
            for policy in ("required", "optional", "alone", "vouched"):
                domain = f"{kind}-{policy}.example"
                self.all[domain] = self.bad(kind, domain)
        for kind in BAD:
            domain = f"{kind}-vouched.example"
            self.tlsa[domain] = "3 1 1 " + key_hash(self.all[domain][0])
        for domain in ("direct.example", "unsigned.example"):
            self.all[domain] = self.ca.issue(domain, self_signed=True)
            self.tlsa[domain] = "3 1 1 " + key_hash(self.all[domain][0])
        for domain in ("wrong.example", "wrong-optional.example"):
            self.all[domain] = self.ca.issue(domain)
            self.tlsa[domain] = "3 1 1 " + "ab" * 32
        # Usage 2: an authority that nobody else trusts; its certificate is sent too.
        for domain, names in (("anchor.example", None), ("anchor-othername.example",
                                                         "DNS:elsewhere.example")):
            cert, key = self.stranger.issue(domain, names=names)
            append(cert, self.stranger.cert)
            self.all[domain] = cert, key
            self.tlsa[domain] = "2 1 1 " + key_hash(self.stranger.cert)
        # Records that nobody can use count as none (RFC 7671 section 10.1).
        self.all["unusable.example"] = self.ca.issue("unusable.example")
        self.tlsa["unusable.example"] = "9 9 9 " + "ab" * 32
        return self

    def zones(self, two):
        found = {}
        for domain in self.all:
            direct = domain == "direct.example"
            port = two.tls_port if direct else two.port
            found[domain] = (f"_xmpp{'s' if direct else ''}-server._tcp SRV 0 0 {port} x\n"
                             "x A 127.0.0.2")
            if domain in self.tlsa:
                found[domain] += f"\n_{port}._tcp.x TLSA {self.tlsa[domain]}"
        return found

    def signed(self):
        return [d for d in self.tlsa if d != "unsigned.example"]

    def settings(self):
        found = ["s2s.peer_certificate=required"]
        for kind in BAD:
            for policy in ("optional", "alone"):
                found.append(f"remote:{kind}-{policy}.example.peer_certificate=optional")
            found.append(f"remote:{kind}-alone.example.dialback=forbidden")
        found.append("remote:wrong-optional.example.peer_certificate=optional")
        found.append(f"remote:{BY_DIALBACK}.dialback=required")
        return found


def append(path, more):
    with open(path, "a", encoding="ascii") as out, open(more, encoding="ascii") as f:
        out.write(f.read())


def key_hash(cert):
    key = subprocess.run(["openssl", "x509", "-in", cert, "-noout", "-pubkey"], check=True,
                         capture_output=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=key, check=True,
                         capture_output=True).stdout
    return hashlib.sha256(der).hexdigest()


def ask(juliet, domain):
    juliet.send(f"<iq type='get' id='{domain}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
    return expect(juliet, f"answer of {domain}", lambda e: e.get("id") == domain)


def accepted(two, juliet, domain, verdict, *words):
    e = ask(juliet, domain)
    lines = steps(two.a, domain)
    assert e.get("type") == "result", (e.attrib, lines)
    (good,) = [a for a in attempts(two.a, domain) if a["direction"] == "out"]
    assert good["good"] and good["certificate"]["verdict"] == verdict, good
    for word in words:
        assert any(word in line for line in lines), lines


def refused(two, juliet, domain, verdict, advice):
    """With the reason in the records, and the error that the sender gets exactly once."""
    e = ask(juliet, domain)
    assert e.get("type") == "error" and condition(e) == "remote-server-timeout", e.attrib
    assert not [x for x in juliet.sync() if x.get("id") == domain]
    (bad,) = attempts(two.a, domain)
    assert bad["settled"] and not bad["good"], bad
    assert bad["certificate"]["verdict"] == verdict and advice in bad["advice"], bad
    assert not any("dialback asked" in s["text"] for s in bad["steps"]), bad
    text = two.a.ctl("s2s", "why", domain).stdout
    assert verdict in text and "=> " in text, text


def certificates(tap, two, juliet):
    tap.run("a good certificate", accepted, two, juliet, "good.example", "valid",
            "EXTERNAL succeeded")
    advice = {"expired": "must renew", "othername": "for other names", "selfsigned": "self-signed",
              "foreign": "authority"}
    for kind in BAD:
        tap.run(f"{kind}: refused where a certificate is required", refused, two, juliet,
                f"{kind}-required.example", VERDICT[kind], advice[kind])
        tap.run(f"{kind}: refused where dialback is forbidden", refused, two, juliet,
                f"{kind}-alone.example", VERDICT[kind], advice[kind])
        tap.run(f"{kind}: will do where it is optional", accepted, two, juliet,
                f"{kind}-optional.example", VERDICT[kind], "certificate " + VERDICT[kind])


def dane(tap, two, juliet):
    # RFC 7671 section 5.1: with usage 3 neither names nor dates nor authorities matter.
    for kind in BAD:
        tap.run(f"DANE: {kind}, but vouched for by 3 1 1", accepted, two, juliet,
                f"{kind}-vouched.example", "valid by DANE")
    tap.run("DANE: direct TLS", accepted, two, juliet, "direct.example", "valid by DANE",
            ", direct TLS")
    tap.run("DANE: an authority of its own (2 1 1)", accepted, two, juliet, "anchor.example",
            "valid by DANE")
    tap.run("DANE: with 2 1 1 the name matters", refused, two, juliet, "anchor-othername.example",
            "for another name", "for other names")
    for domain in ("wrong.example", "wrong-optional.example"):
        tap.run(f"DANE: {domain[:-8]}, refused though its authority is trusted", refused, two,
                juliet, domain, "not what its TLSA records say", "TLSA")
    tap.run("DANE: records without DNSSEC count for nothing", refused, two, juliet,
            "unsigned.example", "self-signed", "self-signed")
    tap.run("DANE: records that cannot be used count for nothing", accepted, two, juliet,
            "unusable.example", "valid")


def unverified():
    """For clients: these certificates are bad on purpose."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def theirs_first(two, juliet):
    """The domain speaks first: its certificate, which DANE vouches for, proves it, or its server's does
    for dialback; where nothing vouches for it dialback is not enough."""
    two.b.tls_context = unverified
    for domain, good in ((VOUCHED, "proven by certificate"), (ANCHORED, "proven by certificate"),
                         (BY_DIALBACK, "proven by dialback"), (UNVOUCHED, None)):
        two.a.ctl("s2s", "close", domain)
        romeo = login(two.b, domain, "romeo", "b")
        romeo.send(f"<message to='juliet@{OURS}' id='{domain}'><body>I take thee at thy word</body>"
                   "</message>")
        if good:
            e = expect(juliet, "message", lambda e: e.get("id") == domain)
            assert e.get("from") == f"romeo@{domain}/test", e.attrib
            (into,) = [a for a in attempts(two.a, domain) if a["direction"] == "in" and a["good"]]
            assert into["result"] == good, into
            led = any("TLSA" in s["text"] and "lead to it" in s["text"] for s in into["steps"])
            assert led == (domain != BY_DIALBACK), into
        else:
            e = expect(romeo, "error", lambda e: e.get("id") == domain)
            assert e.get("type") == "error", e.attrib
            assert not [x for x in juliet.sync() if x.get("id") == domain]
            assert any("self-signed" in line for line in steps(two.a, domain, "out"))


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("certificates", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="certs.")
    made = Certificates(folder).make()
    users = [f"romeo@{d}:b" for d in (VOUCHED, UNVOUCHED, BY_DIALBACK, ANCHORED)]
    with Two(made.ca, made.all, made.zones, made.signed(), made.settings(),
             ["s2s.multiplex=false", "s2s.retry_time=0s"], users) as two:
        juliet = two.juliet()
        certificates(tap, two, juliet)
        dane(tap, two, juliet)
        tap.run("DANE and dialback: a domain that speaks first", theirs_first, two, juliet)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
