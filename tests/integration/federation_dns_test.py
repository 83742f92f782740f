#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Names: IPv6 alone, domains with letters beyond ASCII; and a DNS that lies, says nothing, sends us
in circles or to hundreds of places."""
import shutil
import socket
import struct
import tempfile

from nameserver import available
from harness import Tap
from liar import SRV, answer, question
from peers import Authority
from world import C, OURS, Two, attempts, condition, expect, login, steps

IDN, IDN_ASCII = "bücher.example", "xn--bcher-kva.example"
SILENT = [f"n{i}.silent.example" for i in range(900)]
MANY = 300


def six():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(("::1", 0))
        return True
    except OSError:
        return False


def zones(two):
    there = f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx A 127.0.0.2"
    found = {d: there for d in ("good.example", "fine.example", IDN_ASCII, "forged.example",
                                "garbage.example")}
    found["six.example"] = f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx AAAA ::1"
    found["none.example"] = "_xmpp-server._tcp SRV 0 0 0 .\n@ A 127.0.0.2"
    found["nowhere.example"] = "_xmpp-server._tcp SRV 0 0 5269 y"
    found["loop.example"] = f"_xmpp-server._tcp SRV 0 0 {two.port} x\nx A 127.0.0.1"
    found["many.example"] = "\n".join(
        f"_xmpp-server._tcp SRV {i} 0 {i + 1} x{i}\nx{i} A 127.0.0.3" for i in range(MANY))
    found["many-addresses.example"] = "_xmpp-server._tcp SRV 0 0 1 x\n" + "\n".join(
        f"x A 127.0.3.{i % 250 + 1}" for i in range(250))
    return found


def lies(two):
    def silent(query, ask):
        return None

    def forged(query, ask):
        """Another port, as the signature does not say."""
        said = ask(query)
        return said.replace(struct.pack(">HHH", 0, 0, two.port),
                            struct.pack(">HHH", 0, 0, two.tls_port))

    def garbage(query, ask):
        return answer(query, SRV, b"\0\0\7") if question(query)[1] == SRV else ask(query)

    return {"forged.example": forged, "garbage.example": garbage, "silent.example": silent}


def ask(juliet, domain):
    """The type of the answer, and the condition of an error; there is one answer."""
    juliet.send(f"<iq type='get' id='{domain}' to='{domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
    e = expect(juliet, f"answer of {domain}", lambda e: e.get("id") == domain)
    assert not [x for x in juliet.sync() if x.get("id") == domain]
    return e.get("type"), condition(e) if e.get("type") == "error" else None


def told(two, domain, *words):
    lines = steps(two.a, domain)
    for word in words:
        assert any(word in line for line in lines), (word, lines)
    return lines


def ipv6(two, juliet):
    assert ask(juliet, "six.example") == ("result", None), steps(two.a, "six.example")
    told(two, "six.example", f"[::1]:{two.port}: connected")


def idn(two, juliet):
    """A-labels in the DNS, in SNI and in the certificate; U-labels in addresses."""
    romeo = login(two.b, IDN, "romeo", "b")
    juliet.send(f"<message to='romeo@{IDN}' id='u' type='chat'><body>guten Tag</body></message>")
    e = expect(romeo, "message", lambda e: e.get("id") == "u")
    assert e.get("to").split("/")[0] == f"romeo@{IDN}" and e.get("from") == juliet.jid, e.attrib
    romeo.send(f"<message to='{juliet.jid}' id='v' type='chat'><body>grüß Gott</body></message>")
    e = expect(juliet, "message", lambda e: e.get("id") == "v")
    assert e.get("from") == f"romeo@{IDN}/test" and e.findtext(C + "body") == "grüß Gott", e.attrib
    # RFC 7622 section 3.2: A-labels are the same domain.
    juliet.send(f"<message to='romeo@{IDN_ASCII}' id='w' type='chat'><body>x</body></message>")
    expect(romeo, "message", lambda e: e.get("id") == "w")
    (a,) = [a for a in attempts(two.a, IDN) if a["direction"] == "out"]
    assert a["certificate"]["verdict"] == "valid", a
    assert a["certificate"]["names"].startswith(IDN_ASCII), a


def silence(two, juliet):
    """Domains whose name servers never answer: an error for each stanza, and others are not held up."""
    for domain in SILENT:
        juliet.send(f"<message to='nurse@{domain}' id='{domain}'><body>x</body></message>")
    # The first time that it is asked for; nothing is cached.
    juliet.send("<iq type='get' id='other' to='good.example'><ping xmlns='urn:xmpp:ping'/></iq>")
    errors = {}
    answered_after = None
    while len(errors) < len(SILENT) or answered_after is None:
        e = expect(juliet, f"stanza besides {errors}", lambda e: e.get("id"))
        if e.get("id") == "other":
            assert e.get("type") == "result", e.attrib
            answered_after = len(errors)
            continue
        assert e.get("type") == "error" and e.get("id") not in errors, (e.attrib, errors)
        errors[e.get("id")] = condition(e)
    assert answered_after == 0, answered_after
    assert set(errors.values()) == {"remote-server-timeout"}, errors
    assert not [e for e in juliet.sync() if e.get("id") in errors]
    told(two, SILENT[0], "name servers")  # do not answer, or are too slow
    # Their resolver is not taken for dead, now that so much was lost there.
    assert ask(juliet, "fine.example") == ("result", None), steps(two.a, "fine.example")


def no_service(two, juliet):
    """RFC 2782's "."; a name that does not exist; a target that does not."""
    for domain in ("none.example", "nosuch.good.example", "nowhere.example"):
        assert ask(juliet, domain) == ("error", "remote-server-not-found"), (
            domain, steps(two.a, domain))
    told(two, "none.example", 'SRV "."')


def many(two, juliet):
    """Hundreds of targets, hundreds of addresses: so many are tried and no more."""
    for domain in ("many.example", "many-addresses.example"):
        assert ask(juliet, domain) == ("error", "remote-server-timeout")
        tried = [s for s in told(two, domain) if "refused" in s]
        assert 1 < len(tried) <= 64, len(tried)


def loop(two, juliet):
    """A target that is our own: we are not that domain, and say so to ourselves, once."""
    assert ask(juliet, "loop.example") == ("error", "remote-server-not-found")
    told(two, "loop.example", "the other server ends the stream: host-unknown")
    there = [a["direction"] for a in attempts(two.a, "loop.example")]
    assert there.count("out") == 1, there


def forged(two, juliet):
    assert ask(juliet, "forged.example") == ("error", "remote-server-not-found")
    lines = told(two, "forged.example", "forged")
    assert not any("connected" in line for line in lines), lines
    assert "DNSSEC" in attempts(two.a, "forged.example")[0]["advice"]


def garbage(two, juliet):
    assert ask(juliet, "garbage.example") == ("error", "remote-server-timeout")


def main():
    tap = Tap()
    missing = available()
    if missing:
        tap.skip("names and the DNS", missing)
        tap.done()
    folder = tempfile.mkdtemp(prefix="names.")
    ca = Authority(folder + "/ca")
    others = {d: ca.issue(d) for d in ("good.example", "fine.example", "six.example", "forged.example")}
    others[IDN] = ca.issue(IDN_ASCII)
    listen = "s2s.listen=127.0.0.2:{0}" + (",[::1]:{0}" if six() else "")
    with Two(ca, others, zones, ["forged.example"], ["s2s.dns_timeout=10s", "s2s.retry_time=0s"], [listen],
             [f"romeo@{IDN}:b"], liar=lies) as two:
        juliet = two.juliet()
        # First of all: nothing is known of any server, and nothing is cached.
        tap.run("name servers that never answer", silence, two, juliet)
        if six():
            tap.run("IPv6 alone", ipv6, two, juliet)
        else:
            tap.skip("IPv6 alone", "there is no ::1")
        tap.run("letters beyond ASCII", idn, two, juliet)
        for name, fn in (("no such service", no_service), ("hundreds of targets", many),
                         ("a target that is our own", loop), ("forged answers", forged),
                         ("malformed answers", garbage)):
            tap.run(name, fn, two, juliet)
    shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
