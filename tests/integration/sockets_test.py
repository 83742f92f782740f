#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Listening sockets that c2s gets from whoever starts it (sd_listen_fds(3)): no connection is refused while it
is away, and clients that connect then are served when it is back."""
import os
import signal
import socket
import subprocess

from harness import BUILD, SLOW, TIMEOUT, Server, Stream, Tap

NAME = "c2s-9"


class Keeper:
    """Holds the sockets, as systemd does, and starts c2s with them."""

    def __init__(self, server):
        self.server = server
        self.sockets = []
        for _ in range(2):
            s = socket.socket()
            s.bind(("127.0.0.1", 0))
            s.listen(64)
            self.sockets.append(s)
        self.plain, self.tls = (s.getsockname()[1] for s in self.sockets)
        self.process = None

    def start(self):
        kept = [s.fileno() for s in self.sockets]

        def hand_over():
            # First away from where they go, for either may be there.
            high = [os.dup2(fd, 100 + n) for n, fd in enumerate(kept)]
            for n, fd in enumerate(high):
                os.dup2(fd, 3 + n, True)
                os.close(fd)
            # dup2 does not make it inheritable where it is the same already.
            for n in range(len(kept)):
                os.set_inheritable(3 + n, True)

        program = os.path.join(BUILD, "c2s", "mercutio-c2s")
        command = ["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh", program, "-c",
                   os.path.join(self.server.dir, "mercutio.conf"), "-i", NAME]
        env = dict(os.environ, LISTEN_FDS="2", LISTEN_FDNAMES="listen:listen_tls")
        with open(os.path.join(self.server.dir, "log", NAME + ".log"), "a", encoding="utf-8") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env,
                                            close_fds=False, preexec_fn=hand_over)

    def stop(self, sig):
        self.process.send_signal(sig)
        self.process.wait(60 * SLOW)
        self.process = None

    def close(self):
        if self.process:
            self.stop(signal.SIGKILL)
        for s in self.sockets:
            s.close()


def served(server, port, tls=True):
    s = Stream(server, port=port, tls=tls)
    if not tls:
        s.open()
        s.features()
        s.starttls()
    s.login("romeo")
    s.sync()
    return s


def both_kinds(server, keeper):
    for port, tls in ((keeper.plain, False), (keeper.tls, True)):
        served(server, port, tls).close()


def connects_meanwhile(server, keeper, sig):
    """Connections begun while nobody accepts them are neither refused nor lost."""
    s = served(server, keeper.tls)
    keeper.stop(sig)
    waiting = [socket.create_connection(("127.0.0.1", keeper.plain), TIMEOUT) for _ in range(5)]
    for w in waiting:
        w.sendall(b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
                  b"xmlns:stream='http://etherx.jabber.org/streams'>")
    keeper.start()
    for w in waiting:
        w.settimeout(TIMEOUT)
        got = b""
        while b"</stream:features>" not in got:
            data = w.recv(4096)
            assert data, f"closed after {got!r}"
            got += data
        w.close()
    s.close()
    served(server, keeper.tls).close()


def no_socket(server, keeper):
    """What is handed over and does not listen is refused at the start, in one line."""
    good, keeper.sockets[0] = keeper.sockets[0], socket.socket()
    keeper.stop(signal.SIGTERM)
    keeper.start()
    assert keeper.process.wait(TIMEOUT) != 0
    keeper.sockets[0].close()
    keeper.sockets[0] = good
    with open(os.path.join(server.dir, "log", NAME + ".log"), encoding="utf-8") as f:
        assert "LISTEN_FDS" in f.read().splitlines()[-1]
    keeper.start()
    both_kinds(server, keeper)


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("inherited sockets", "it chooses the instances itself")
        tap.done()
    with Server(users=("romeo:montague",), args=["--unlimited"]) as server:
        keeper = Keeper(server)
        try:
            keeper.start()
            tap.run("both kinds of sockets", both_kinds, server, keeper)
            tap.run("restarted", connects_meanwhile, server, keeper, signal.SIGTERM)
            tap.run("killed", connects_meanwhile, server, keeper, signal.SIGKILL)
            tap.run("what is no socket that listens", no_socket, server, keeper)
        finally:
            keeper.close()
    tap.done()


if __name__ == "__main__":
    main()
