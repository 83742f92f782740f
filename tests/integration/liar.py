# SPDX-License-Identifier: MIT
"""A name server in front of another one (nameserver.py) that drops or changes what it is told to."""
import socket
import struct
import threading

from harness import free_port

SRV = 33
SIZE = 65535


def question(query):
    """(name in lower case, type, its end) of a query."""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace").lower())
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], at + 5


def answer(query, kind, data):
    """One record of that kind for the query, whatever its data."""
    end = question(query)[2]
    head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0)
    return (head + query[12:end] +
            b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 1, len(data)) + data)


class Liar:
    """rules: domain -> function of (query, ask) for it and names under it, whose answer is sent, or
    none; ask(query) is what the honest one says."""

    def __init__(self, port, rules):
        self.behind = ("127.0.0.1", port)
        self.rules = rules
        self.port = free_port()
        self.server = f"127.0.0.1@{self.port}"
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", self.port))
        self.tcp = socket.socket()
        self.tcp.bind(("127.0.0.1", self.port))
        self.tcp.listen(50)
        for fn in (self.serve_udp, self.serve_tcp):
            threading.Thread(target=fn, daemon=True).start()

    def close(self):
        for s in (self.udp, self.tcp):
            s.close()

    def ask(self, query, tcp=False):
        with socket.socket(type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(self.behind)
            if not tcp:
                s.send(query)
                return s.recv(SIZE)
            s.sendall(struct.pack(">H", len(query)) + query)
            return framed(s)

    def reply(self, query, tcp=False):
        name = question(query)[0]
        for domain, rule in self.rules.items():
            if name == domain or name.endswith("." + domain):
                return rule(query, lambda q: self.ask(q, tcp))
        return self.ask(query, tcp)

    def serve_udp(self):
        while True:
            try:
                query, where = self.udp.recvfrom(SIZE)
                said = self.reply(query)
                if said:
                    self.udp.sendto(said, where)
            except TimeoutError:
                pass
            except OSError:
                return

    def serve_tcp(self):
        while True:
            try:
                s = self.tcp.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve_stream, args=(s,), daemon=True).start()

    def serve_stream(self, s):
        with s:
            try:
                query = framed(s)
                said = self.reply(query, True)
                while said:
                    s.sendall(struct.pack(">H", len(said)) + said)
                    said = self.reply(framed(s), True)
            except OSError:
                pass


def framed(s):
    """A message on TCP, behind its length (RFC 1035 section 4.2.2)."""
    def exactly(n):
        data = b""
        while len(data) < n:
            more = s.recv(n - len(data))
            if not more:
                raise ConnectionError("closed")
            data += more
        return data

    return exactly(struct.unpack(">H", exactly(2))[0])
