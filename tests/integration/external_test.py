#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""SASL EXTERNAL with client certificates (RFC 6120 section 13.7.1.4, XEP-0178): to whom it is offered, who
gets in, and as whom."""
import os
import ssl
import subprocess
import time

from harness import NS, SLOW, Closed, Server, Stream, Tap
from raw import STREAMS, USERS, auth, b64, failure, options

XMPP_ADDRESS = "otherName:1.3.6.1.5.5.7.8.5;UTF8:"


def openssl(*args):
    subprocess.run(("openssl", *args), check=True, capture_output=True)


def certificate(server, name, *addresses, days=30, ca=True):
    """A client's key and certificate of these addresses, by the server's CA or by nobody it knows."""
    path = os.path.join(server.dir, "certs", "client-" + name)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=client",
            "-keyout", path + ".key", "-out", path + ".csr")
    san = ",".join(a if ":" in a else XMPP_ADDRESS + a for a in addresses)
    with open(path + ".ext", "w") as f:
        f.write(f"subjectAltName={san}\nextendedKeyUsage=clientAuth\n" if san else
                "extendedKeyUsage=clientAuth\n")
    by = ("-CA", os.path.join(server.dir, "ca.pem"), "-CAkey",
          os.path.join(server.dir, "certs", "ca.key")) if ca else ("-signkey", path + ".key")
    openssl("x509", "-req", "-in", path + ".csr", *by, "-set_serial", "0x%x" % (hash(name) & 0xffffff),
            "-days", str(days), "-extfile", path + ".ext", "-out", path + ".pem")
    return path


class Certified(Stream):
    """A client that has a certificate."""

    def __init__(self, server, path, **kw):
        self.context = ssl.create_default_context(cafile=os.path.join(server.dir, "ca.pem"))
        self.context.load_cert_chain(path + ".pem", path + ".key")
        self.real = server
        super().__init__(self, **kw)

    def tls_context(self):
        return self.context

    def __getattr__(self, name):  # what a Stream asks its server
        return getattr(self.real, name)


def opened(server, path, domain="localhost", tls=True):
    """Its stream, and the mechanisms that it is offered."""
    s = Certified(server, path, domain=domain, tls=tls) if path else Stream(server, domain, tls=tls)
    s.open()
    features = s.features()
    if not tls:
        s.starttls()
        s.open()
        features = s.features()
    return s, [m.text for m in features.find("{%s}mechanisms" % NS["sasl"])]


def enters(s, domain="localhost"):
    """After success: whose session it is."""
    assert s.receive().tag == "{%s}success" % NS["sasl"]
    s.reset()
    s.open(domain)
    s.features()
    s.bind()
    return s.jid.split("/")[0]


def named(server):
    """One address that is an account: EXTERNAL is offered, first, and that account gets in."""
    path = certificate(server, "romeo", "Romeo@localhost")
    for tls in (True, False):
        for data in ("=", b64("romeo@localhost"), None):
            s, mechanisms = opened(server, path, tls=tls)
            assert mechanisms[0] == "EXTERNAL" and "PLAIN" in mechanisms, mechanisms
            auth(s, "EXTERNAL", data)
            if data is None:  # RFC 6120 section 6.4.2: an empty challenge
                assert s.receive().tag == "{%s}challenge" % NS["sasl"]
                s.send(f"<response xmlns='{NS['sasl']}'/>")
            assert enters(s) == "romeo@localhost"
            s.close()


def other_identity(server):
    """The certificate says who one is: another's address, or a malformed one, is no way in."""
    path = certificate(server, "romeo", "romeo@localhost")
    s, _ = opened(server, path)
    auth(s, "EXTERNAL", b64("juliet@localhost"))
    failure(s, "invalid-authzid")
    auth(s, "EXTERNAL", b64("romeo@localhost/x"))
    failure(s, "invalid-authzid")
    auth(s, "EXTERNAL", "=")
    assert enters(s) == "romeo@localhost"
    s.close()


def several(server):
    """Several accounts: which of them must be said."""
    path = certificate(server, "both", "romeo@localhost", "juliet@localhost", "mercutio@example.test")
    s, mechanisms = opened(server, path)
    assert "EXTERNAL" in mechanisms
    auth(s, "EXTERNAL", "=")
    failure(s, "not-authorized")
    auth(s, "EXTERNAL", b64("juliet@localhost"))
    assert enters(s) == "juliet@localhost"
    s.close()
    s, mechanisms = opened(server, path, "example.test")  # there it names one only
    assert "EXTERNAL" in mechanisms
    auth(s, "EXTERNAL", "=")
    assert enters(s, "example.test") == "mercutio@example.test"
    s.close()


def not_offered(server):
    """To nobody whose certificate does not prove an account of this domain; nor can it be used then."""
    cases = (("none", None), ("nobody", ("nobody@localhost",)), ("elsewhere", ("mercutio@example.test",)),
             ("server", ("localhost",)), ("resource", ("romeo@localhost/x",)), ("empty", ()),
             ("dns", ("DNS:romeo.localhost",)), ("mail", ("email:romeo@localhost",)),
             ("malformed", ("ro meo@localhost",)))
    for name, addresses in cases:
        path = certificate(server, name, *addresses) if addresses is not None else None
        s, mechanisms = opened(server, path)
        assert "EXTERNAL" not in mechanisms and "PLAIN" in mechanisms, (name, mechanisms)
        auth(s, "EXTERNAL", b64("romeo@localhost"))
        e = s.receive()
        assert e.tag == "{%s}failure" % NS["sasl"], name
        assert s.plain("romeo", "montague").tag.endswith("}success"), name  # otherwise as anybody
        s.close()


def not_trusted(server):
    """Of an unknown CA: it proves nothing."""
    s, mechanisms = opened(server, certificate(server, "stranger", "romeo@localhost", ca=False))
    assert "EXTERNAL" not in mechanisms and "PLAIN" in mechanisms, mechanisms
    auth(s, "EXTERNAL", "=")
    assert s.receive().tag == "{%s}failure" % NS["sasl"]
    s.close()


def disabled(server):
    """XEP-0133 section 4.3: an account that is disabled is told so, once it has proven who it is."""
    path = certificate(server, "juliet", "juliet@localhost")
    assert server.ctl("admin", "disable-user", "accountjids=juliet@localhost").returncode == 0
    s, _ = opened(server, path)
    auth(s, "EXTERNAL", b64("juliet@localhost"))
    failure(s, "account-disabled")
    s.close()
    assert server.ctl("admin", "reenable-user", "accountjids=juliet@localhost").returncode == 0
    s, _ = opened(server, path)
    auth(s, "EXTERNAL", "=")
    assert enters(s) == "juliet@localhost"
    s.close()


def short_lived(server, name, address, seconds):
    """A certificate that ends soon."""
    path = certificate(server, name, address)
    folder = os.path.join(server.dir, "certs")
    for name, text in (("index.txt", ""), ("serial", "77\n"), ("ca.cnf", f"""[ca]
default_ca = ours
[ours]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
[any]
commonName = supplied
""")):
        with open(os.path.join(folder, name), "w") as f:
            f.write(text)
    end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
    openssl("ca", "-batch", "-config", os.path.join(folder, "ca.cnf"), "-cert",
            os.path.join(server.dir, "ca.pem"), "-keyfile", os.path.join(folder, "ca.key"), "-in",
            path + ".csr", "-out", path + ".pem", "-extfile", path + ".ext", "-enddate", end, "-notext")
    return path


def expires(server):
    """RFC 6120 section 13.7.2.3: the stream ends with <reset/> when the certificate does, and not that of
    one who has proven himself otherwise."""
    path = short_lived(server, "brief", "romeo@localhost", 20 * SLOW)
    s, mechanisms = opened(server, path)
    other, _ = opened(server, path)
    assert "EXTERNAL" in mechanisms
    auth(s, "EXTERNAL", "=")
    assert enters(s) == "romeo@localhost"
    assert other.plain("romeo", "montague").tag.endswith("}success")
    other.reset()
    other.open()
    other.features()
    other.bind()
    e = s.receive(60 * SLOW)
    assert e.tag == "{%s}error" % NS["stream"] and e[0].tag == "{%s}reset" % STREAMS, e[0].tag
    assert not s.wait_closed() and s.depth == 0
    s.close()
    other.sync()
    other.close()
    try:
        s, mechanisms = opened(server, path)
    except (OSError, Closed):
        return
    assert "EXTERNAL" not in mechanisms
    s.close()


def by_option(server):
    """Without client_ca nobody is asked for a certificate."""
    s, mechanisms = opened(server, certificate(server, "romeo", "romeo@localhost"))
    assert "EXTERNAL" not in mechanisms, mechanisms
    s.close()


def main():
    tap = Tap()
    server = Server(users=USERS, domains=("localhost", "example.test"))
    server.args = options(c2s__client_ca=os.path.join(server.dir, "ca.pem"), auth__fail_delay="0s")
    with server:
        for test in (named, other_identity, several, not_offered, not_trusted, disabled, expires):
            tap.run(f"EXTERNAL, {test.__name__.replace('_', ' ')}", test, server)
    with Server(users=USERS[:1]) as server:
        tap.run("EXTERNAL, by option", by_option, server)
    tap.done()


if __name__ == "__main__":
    main()
