#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""What TLS may not do (RFC 9325 section 3, RFC 7590): renegotiation, compression, resumption with early data."""
import os
import select
import socket
import ssl
import subprocess
import time

from harness import TIMEOUT, Server, Tap, free_port
from raw import USERS, alive, run_all, session

HEAD = ("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
        "xmlns:stream='http://etherx.jabber.org/streams'>")


class Tool:
    """openssl s_client as a peer that tries what no library lets a client try."""

    def __init__(self, server, *args, port=None):
        self.process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{port or server.tls_port}", "-servername",
             "localhost", "-CAfile", os.path.join(server.dir, "ca.pem"), *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.output = ""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def send(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def until(self, text):
        """All that it has said, once this is there."""
        deadline = time.monotonic() + 3 * TIMEOUT
        while text not in self.output:
            ready, _, _ = select.select([self.process.stdout], [], [], deadline - time.monotonic())
            assert ready, f"{text!r} did not come: {self.output[-1500:]}"
            data = os.read(self.process.stdout.fileno(), 4096)
            assert data, f"no {text!r} in: {self.output[-1500:]}"
            self.output += data.decode(errors="replace")
        return self.output

    def ended(self):
        """Its exit status, and all that it has said."""
        out, _ = self.process.communicate("", timeout=2 * TIMEOUT)
        self.output += out
        return self.process.returncode, self.output


def renegotiation(server):
    other = session(server)
    with Tool(server, "-tls1_2", "-legacy_renegotiation") as t:
        t.until("Verify return code: 0")
        t.send("R\n")
        status, out = t.ended()
        assert "RENEGOTIATING" in out and "no renegotiation" in out and status != 0, out[-1500:]
    alive(other)
    other.close()


def renegotiation_within_the_stream(server):
    """Also when a stream has begun: the answer to what is sent before comes, and no other."""
    with Tool(server, "-tls1_2", "-legacy_renegotiation") as t:
        t.until("Verify return code: 0")
        t.send(HEAD)
        t.until("</stream:features>")
        t.send("R\n")
        status, out = t.ended()
        assert "no renegotiation" in out and status != 0, out[-1500:]


def compression(server):
    for version in ("-tls1_2", "-tls1_3"):
        with Tool(server, version, "-comp") as t:
            assert "Compression: NONE" in t.until("Verify return code: 0"), t.output


def no_tickets(server):
    """Nothing to resume with is ever handed out, neither a ticket nor an ID."""
    kept = os.path.join(server.dir, "session")
    for version in ("-tls1_2", "-tls1_3"):
        with Tool(server, version, "-sess_out", kept) as t:
            t.until("Verify return code: 0")
            t.send(HEAD)
            t.until("</stream:features>")
            t.send("</stream:stream>")
            _, out = t.ended()
        assert "TLS session ticket:" not in out and "Max Early Data:" not in out, out[-1500:]
        if version == "-tls1_2":
            assert "Session-ID: \n" in out, out[-1500:]
        else:
            assert not os.path.exists(kept)
        if os.path.exists(kept):  # the tool writes what it cannot use
            os.unlink(kept)


def closure(server):
    """RFC 5246 section 7.2.1: close_notify both ways, whoever begins, with the end of the stream before or
    without it."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for stream_ends in (True, False):
            context = server.tls_context()
            context.maximum_version = version
            raw = socket.create_connection(("127.0.0.1", server.tls_port), 3 * TIMEOUT)
            s = context.wrap_socket(raw, server_hostname="localhost", suppress_ragged_eofs=False)
            s.sendall(HEAD.encode())
            got = b""
            while b"</stream:features>" not in got:
                got += s.recv(4096)
            if stream_ends:
                s.sendall(b"</stream:stream>")
                while s.recv(4096):  # ends with close_notify, else with an exception
                    pass
            s.unwrap().close()


def ticket_of_another(server, kept):
    """A session with early data, of a server of the same name and key that grants it."""
    certs, port = os.path.join(server.dir, "certs"), free_port()
    pem = os.path.join(certs, "localhost.pem")
    key = os.path.join(certs, "localhost.key")
    other = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", pem, "-key",
                              key, "-tls1_3", "-max_early_data", "16384"], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        seen = b""
        while b"ACCEPT" not in seen:
            ready, _, _ = select.select([other.stdout], [], [], 3 * TIMEOUT)
            assert ready, seen
            data = os.read(other.stdout.fileno(), 4096)
            assert data, seen
            seen += data
        with Tool(server, "-tls1_3", "-sess_out", kept, port=port) as t:
            deadline = time.monotonic() + 3 * TIMEOUT
            while not os.path.exists(kept) and time.monotonic() < deadline:
                time.sleep(0.05)  # the tool says that it has it when it ends
            t.send("Q\n")
            _, out = t.ended()
            assert "Max Early Data: 16384" in out, out[-1500:]
    finally:
        other.kill()
        other.wait()
        other.stdin.close()
        other.stdout.close()
    assert os.path.exists(kept)


def early_data(server):
    """It is refused, and what was in it counts for nothing."""
    kept, early = os.path.join(server.dir, "early-session"), os.path.join(server.dir, "early")
    ticket_of_another(server, kept)
    with open(early, "w") as f:
        f.write(HEAD + "<early/>")
    with Tool(server, "-tls1_3", "-sess_in", kept, "-early_data", early) as t:
        t.until("Early data was rejected")
        t.until("Verify return code: 0")
        assert "<stream:stream" not in t.output, t.output
        t.send(HEAD)
        out = t.until("</stream:features>")
        assert out.count("<stream:stream") == 1 and "stream:error" not in out, out[-1500:]


def other_paths(server):
    """A reload takes over where the certificate is; what cannot be loaded leaves the one before."""
    def shown():
        with socket.create_connection(("127.0.0.1", server.tls_port), 3 * TIMEOUT) as raw:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            with context.wrap_socket(raw, server_hostname="localhost") as s:
                return s.getpeercert(binary_form=True)

    config, old = os.path.join(server.dir, "mercutio.conf"), os.path.join(server.dir, "certs", "localhost")
    new = os.path.join(server.dir, "certs", "other")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", new + ".key", "-out", new + ".pem"], check=True, capture_output=True)
    with open(config, encoding="utf-8") as f:
        text = f.read()
    assert old + ".pem" in text and old + ".key" in text, text
    first = shown()
    for path in (new, new + "-missing", old):
        with open(config, "w", encoding="utf-8") as f:
            f.write(text.replace(old + ".", path + "."))
        server.ctl("reload")
        now = shown()
        assert (now == first) == (path == old), path
    with open(config, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    tap = Tap()
    with Server(users=USERS[:1]) as server:
        run_all(tap, server, renegotiation, renegotiation_within_the_stream, compression, no_tickets,
                closure, early_data, other_paths)
    tap.done()


if __name__ == "__main__":
    main()
