#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""mercutioctl s2s test of a domain of ours: every published name, address and port is looked at, in
both kinds of records, and what is wrong with each is said in a sentence."""
import json
import os
import shutil
import socket
import tempfile

from nameserver import available
from harness import Tap
from peers import Authority
from world import OURS, Two

SIGNED = "signed.example"


def six():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def trial(two, domain=OURS):
    """Whether all is well, the sentences, and the advice."""
    done = two.a.ctl("--json", "s2s", "test", domain)
    got = json.loads(done.stdout)
    assert (done.returncode == 0) == got["good"], done
    return got["good"], [s["text"] for s in got["steps"]], got["advice"], got["result"]


def has(lines, *words):
    """One line has all of them."""
    assert any(all(w in line for w in words) for line in lines), (words, lines)


def good(two):
    """Both kinds of records, both families of addresses, each looked at."""
    extra = "a AAAA ::1\n" if six() else ""
    two.dns.replace(OURS, f"""_xmpp-server._tcp SRV 0 0 {two.port} a
_xmpps-server._tcp SRV 0 0 {two.tls_port} b
a A 127.0.0.1
{extra}b A 127.0.0.1""")
    well, lines, advice, result = trial(two)
    assert well and result == "what others find is what is configured" and not advice, lines
    fine = "the certificate is the one that is configured, valid"
    has(lines, f"_xmpp-server: a.{OURS} 127.0.0.1:{two.port}: ", fine)
    has(lines, f"_xmpps-server: b.{OURS} 127.0.0.1:{two.tls_port}: ", fine)
    if six():
        has(lines, f"_xmpp-server: a.{OURS} [::1]:{two.port}: ", fine)
    has(lines, f"port {two.tls_port} is one of listen_tls")


def one_bad_of_many(two):
    """One address of one target that leads nowhere is found, though others do."""
    with socket.socket() as s:
        s.bind(("127.0.0.5", 0))
        closed = s.getsockname()[1]
    two.dns.replace(OURS, f"""_xmpp-server._tcp SRV 0 0 {two.port} a
_xmpp-server._tcp SRV 10 0 {closed} c
_xmpp-server._tcp SRV 20 0 {two.port} nowhere
a A 127.0.0.1
a A 127.0.0.9
c A 127.0.0.5""")
    well, lines, advice, result = trial(two)
    assert not well and result.endswith(": 1 good, 3 not") and advice, (result, lines)
    has(lines, f"a.{OURS} 127.0.0.1:{two.port}: ", "valid")
    has(lines, f"a.{OURS} 127.0.0.9:{two.port}: ", "refused", "though the port is configured")
    has(lines, f"c.{OURS} 127.0.0.5:{closed}: ", "refused", "listen has no such port")
    has(lines, f"port {closed} is none of listen")
    has(lines, f"nowhere.{OURS} has no address")
    has(lines, "listen_tls is set, but no _xmpps-server")


def another_server(two):
    """Somebody else answers; direct TLS is published for a port without it."""
    two.dns.replace(OURS, f"""_xmpp-server._tcp SRV 0 0 {two.port} a
_xmpps-server._tcp SRV 0 0 {two.port} b
a A 127.0.0.2
b A 127.0.0.1""")
    well, lines, advice, _ = trial(two)
    assert not well and advice, lines
    has(lines, f"a.{OURS} 127.0.0.2:{two.port}: ")
    has(lines, f"b.{OURS} 127.0.0.1:{two.port}: ")
    assert not any("is the one that is configured" in line for line in lines), lines


def other_certificate(two):
    """A server that has the domain, and another certificate for it."""
    two.dns.replace("shared.example", f"_xmpp-server._tcp SRV 0 0 {two.port} a\na A 127.0.0.1\n"
                    "a A 127.0.0.2")
    well, lines, advice, _ = trial(two, "shared.example")
    assert not well and "Another server" in advice, (advice, lines)
    has(lines, f"127.0.0.1:{two.port}: ", "is the one that is configured, valid")
    has(lines, f"127.0.0.2:{two.port}: ", "another than the one that is configured")


def no_records(two):
    """Without records others look at port 5269 of the domain; "." turns them away."""
    two.dns.replace(OURS, "@ A 127.0.0.1")
    well, lines, advice, _ = trial(two)
    assert not well and "Publish SRV" in advice, (advice, lines)
    has(lines, f"others look at {OURS} itself, port 5269")
    has(lines, "127.0.0.1:5269: ", "listen has no such port")
    two.dns.replace(OURS, "_xmpp-server._tcp SRV 0 0 0 .")
    well, lines, advice, _ = trial(two)
    assert not well and "no server" in advice, (advice, lines)


def believed(two):
    """Self-signed: TLSA records make it good, those of another certificate bad."""
    from federation_tls_test import key_hash  # pylint: disable=import-outside-toplevel
    cert = os.path.join(two.a.dir, "certs", SIGNED + ".pem")
    zone = f"_xmpp-server._tcp SRV 0 0 {two.port} a\na A 127.0.0.1\n"
    two.dns.replace(SIGNED, zone)
    well, lines, advice, _ = trial(two, SIGNED)
    assert not well and "TLSA" in advice, (advice, lines)
    has(lines, "others will not believe it: self-signed")
    two.dns.replace(SIGNED, zone + f"_{two.port}._tcp.a TLSA 3 1 1 {key_hash(cert)}")
    well, lines, _, _ = trial(two, SIGNED)
    assert well, lines
    has(lines, "valid by DANE")
    two.dns.replace(SIGNED, zone + f"_{two.port}._tcp.a TLSA 3 1 1 {'ab' * 32}")
    well, lines, advice, _ = trial(two, SIGNED)
    assert not well and "TLSA records name another" in advice, (advice, lines)


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("a domain of ours", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="self.")
    ca = Authority(folder + "/ca")
    listen = "s2s.listen=127.0.0.1:{0}" + (",[::1]:{0}" if six() else "")
    own = {"shared.example": ca.issue("shared.example"),
           SIGNED: ca.issue(SIGNED, self_signed=True)}
    others = {"shared.example": ca.issue("shared.example", stem="theirs")}
    with Two(ca, others, lambda two: {"shared.example": "", SIGNED: ""}, [SIGNED], [listen],
             own=own) as two:
        for name, fn in (("all that is published is looked at", good),
                         ("one that leads nowhere among many", one_bad_of_many),
                         ("another server answers", another_server),
                         ("a server with another certificate", other_certificate),
                         ("no records", no_records),
                         ("a certificate that only the DNS vouches for", believed)):
            tap.run(name, fn, two)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
