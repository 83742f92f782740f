#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""How servers of other domains are found: a signed zone on a name server of its own, listeners on
loopback addresses, and reach_probe, which prints what s2s/reach.h does."""
import os
import socket
import subprocess

from nameserver import Dns, available
from harness import BUILD, Tap

PROBE = os.path.join(BUILD, "tests/unit/s2s/reach_probe")
SHA = "ab" * 32


def listener(address, port=0):
    s = socket.socket()
    s.bind((address, port))
    s.listen(50)
    return s


def probe(server, domain, anchor="", tries=1, statics=()):
    """Lines told on the way, and the connections (or the failure) in order."""
    done = subprocess.run([PROBE, server, anchor, str(tries), domain, *statics], text=True,
                          capture_output=True, timeout=60)
    assert done.returncode == 0, (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    return ([x[5:] for x in lines if x.startswith("line ")],
            [x for x in lines if not x.startswith("line ")])


def reached(server, *args, **kw):
    return [r.split() for r in probe(server, *args, **kw)[1]]


def order(dns, a, b, c):
    """RFC 2782 priorities; both kinds of service in one order (XEP-0368)."""
    dns.replace("one.example", f"""
_xmpp-server._tcp SRV 20 0 {a} a
_xmpp-server._tcp SRV 5 0 {b} b
_xmpps-server._tcp SRV 10 0 {c} c
a A 127.0.0.1
b A 127.0.0.1
c A 127.0.0.1""")
    got = reached(dns.server, "one.example", tries=4)
    assert [r[1:4] for r in got[:3]] == [
        [f"127.0.0.1:{b}", "b.one.example", "starttls"],
        [f"127.0.0.1:{c}", "c.one.example", "direct"],
        [f"127.0.0.1:{a}", "a.one.example", "starttls"]], got
    assert got[3][0] == "failed", got


def weights(dns, a, b):
    """RFC 2782: among equals weight decides how often one is first; 0 beside 100 hardly ever."""
    dns.replace("one.example", f"""
_xmpp-server._tcp SRV 0 0 {a} a
_xmpp-server._tcp SRV 0 100 {b} b
a A 127.0.0.1
b A 127.0.0.1""")
    first = [reached(dns.server, "one.example")[0][2] for _ in range(12)]
    assert first.count("b.one.example") >= 9, first


def nothing_here(dns):
    """RFC 2782: the target "." says that there is no such service; nor is there in a name that does
    not exist."""
    dns.replace("one.example", "_xmpp-server._tcp SRV 0 0 0 .\n@ A 127.0.0.1")
    got = probe(dns.server, "one.example")[1]
    assert got[0].startswith("failed 2 1 "), got
    got = probe(dns.server, "nosuch.one.example")[1]
    assert got[0].startswith("failed 2 1 "), got


def direct_only(dns, port):
    """XEP-0368: "." for one kind and a target for the other."""
    dns.replace("one.example", f"""_xmpp-server._tcp SRV 0 0 0 .
_xmpps-server._tcp SRV 0 0 {port} a
a A 127.0.0.1""")
    got = reached(dns.server, "one.example")
    assert got[0][2:4] == ["a.one.example", "direct"], got


def fall_back(dns):
    """RFC 6120 section 3.2.2: without SRV the domain's own addresses and port 5269."""
    with listener("127.0.0.77", 5269):
        dns.replace("one.example", "@ A 127.0.0.77")
        got = reached(dns.server, "one.example")
    assert got[0][:4] == ["reached", "127.0.0.77:5269", "one.example", "starttls"], got


def next_address(dns, port):
    """A refused address is followed by the next one of the same target; IPv6 stands first."""
    dns.replace("one.example", f"""_xmpp-server._tcp SRV 0 0 {port} a
a AAAA ::1
a A 127.0.0.1""")
    lines, got = probe(dns.server, "one.example")
    assert any(x.startswith(f"[::1]:{port}: ") for x in lines), lines
    assert got[0].split()[1] == f"127.0.0.1:{port}", got


def tlsa(dns, port):
    """RFC 7673: records count where SRV, address and TLSA are all validated, and only then."""
    zone = f"""_xmpp-server._tcp SRV 0 0 {port} a
a A 127.0.0.1
_{port}._tcp.a TLSA 3 1 1 {SHA}
_{port}._tcp.a TLSA 2 0 1 {SHA}"""
    dns.replace("safe.example", zone)
    got = reached(dns.server, "safe.example", anchor=dns.anchor)
    assert got[0][4] == "secure" and sorted(got[0][5:]) == ["2.0.1.32", "3.1.1.32"], got
    got = reached(dns.server, "safe.example")
    assert got[0][4:] == ["insecure"], got
    dns.replace("one.example", zone)
    got = reached(dns.server, "one.example", anchor=dns.anchor)
    assert got[0][4:] == ["insecure"], got


def foreign_target(dns, port):
    """A validated SRV that leads into a zone without DNSSEC: no TLSA (RFC 7673 section 3.2)."""
    dns.replace("one.example", f"a A 127.0.0.1\n_{port}._tcp.a TLSA 3 1 1 {SHA}")
    dns.replace("safe.example", f"_xmpp-server._tcp SRV 0 0 {port} a.one.example.")
    got = reached(dns.server, "safe.example", anchor=dns.anchor)
    assert got[0][2] == "a.one.example" and len(got[0]) == 5, got


def forged(dns, port):
    """RFC 7673 section 3.1: forged records are used for nothing."""
    dns.replace("safe.example", f"_xmpp-server._tcp SRV 0 0 {port} a\na A 127.0.0.1")
    wrong = dns.anchor + ".wrong"
    with open(dns.anchor, encoding="ascii") as good, open(wrong, "w", encoding="ascii") as bad:
        for line in good:
            words = line.split()
            words[-1] = words[-1][::-1]
            bad.write(" ".join(words) + "\n")
    lines, got = probe(dns.server, "safe.example", anchor=wrong)
    assert got[0].startswith("failed 74 "), got
    assert any("forged" in x for x in lines), lines


def hundreds(dns, port):
    """An answer with hundreds of targets: some are tried, in bounded number and time."""
    with listener("127.0.0.1") as s:
        closed = s.getsockname()[1]
    records = "\n".join(f"_xmpp-server._tcp SRV {i} 0 {closed} t{i}\nt{i} A 127.0.0.1"
                        for i in range(400))
    dns.replace("one.example", records)
    lines, got = probe(dns.server, "one.example")
    assert got[0].startswith("failed 111 0"), got
    assert sum("Connection refused" in x for x in lines) <= 16, lines


def silence():
    """A name server that never answers: an end in time, and not the one of a missing domain."""
    with socket.socket(type=socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        got = probe(f"127.0.0.1@{s.getsockname()[1]}", "one.example")[1]
    assert got[0].startswith("failed 110 0"), got


def statics(dns, port):
    """The configuration's targets come before the DNS; domains that are addresses need none."""
    dns.replace("one.example", "_xmpp-server._tcp SRV 0 0 0 .\nhost A 127.0.0.1")
    got = reached(dns.server, "one.example", statics=[f"one.example=127.0.0.1:{port}"])
    assert got[0][1] == f"127.0.0.1:{port}", got
    got = reached(dns.server, "one.example", statics=[f"one.example=host.one.example:{port}"])
    assert got[0][1:3] == [f"127.0.0.1:{port}", "host.one.example"], got
    with listener("127.0.0.78", 5269):
        got = reached(dns.server, "127.0.0.78")
    assert got[0][1] == "127.0.0.78:5269", got


def main():
    missing = available()
    if missing:
        print(f"1..0 # SKIP {missing}")
        return
    tap = Tap()
    dns = Dns({"one.example": "", "safe.example": ""}, signed=["safe.example"])
    try:
        with listener("127.0.0.1") as x, listener("127.0.0.1") as y, listener("127.0.0.1") as z:
            a, b, c = (s.getsockname()[1] for s in (x, y, z))
            tap.run("targets by priority, both kinds", order, dns, a, b, c)
            tap.run("targets by weight", weights, dns, a, b)
            tap.run("a domain without the service", nothing_here, dns)
            tap.run("direct TLS alone", direct_only, dns, a)
            tap.run("no SRV", fall_back, dns)
            tap.run("the next address", next_address, dns, a)
            tap.run("TLSA", tlsa, dns, a)
            tap.run("TLSA in a zone without DNSSEC", foreign_target, dns, a)
            tap.run("forged records", forged, dns, a)
            tap.run("hundreds of targets", hundreds, dns, a)
            tap.run("a silent name server", silence)
            tap.run("targets of the configuration", statics, dns, a)
    finally:
        dns.close()
    tap.done()


if __name__ == "__main__":
    main()
