#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""The launcher holds the listening sockets of c2s and s2s: while such a process is away nobody is refused, and
who has come meanwhile is served when it is back. An s2s that cannot start keeps nobody from chatting."""
import contextlib
import os
import re
import signal
import socket
import struct
import threading
import time

from harness import SLOW, TIMEOUT, Server, Stream, Tap

PATIENCE = 60 * SLOW
HEADERS = {
    "c2s": "<stream:stream to='localhost' version='1.0' xmlns='jabber:client' "
           "xmlns:stream='http://etherx.jabber.org/streams'>",
    "s2s": "<stream:stream to='localhost' from='capulet.example' version='1.0' xmlns='jabber:server' "
           "xmlns:stream='http://etherx.jabber.org/streams'>",
}


def wait_for(what, why):
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, why
        time.sleep(0.02)


def port_of(server, process):
    return server.base + (222 if process == "c2s" else 269)


def call(server, port):
    """A connection; ConnectionRefusedError where nobody listens."""
    return socket.create_connection((server.address, port), TIMEOUT)


def answered(sock, process):
    """It is served: the other side answers the header of a stream."""
    sock.settimeout(PATIENCE)
    sock.sendall(HEADERS[process].encode())
    got = b""
    while b"<stream:features" not in got:
        data = sock.recv(4096)
        if not data:
            return False
        got += data
    return True


@contextlib.contextmanager
def launcher_stopped(server):
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


def gone(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rpartition(")")[2].split()[0] in "ZX"
    except FileNotFoundError:
        return True


def back(server, name, old):
    wait_for(lambda: server.pids().get(name, old) != old, f"{name} is not started again")


def away(server, process):
    """Surely while nobody is there who could accept."""
    name, port = process + "-1", port_of(server, process)
    old = server.pids()[name]
    with launcher_stopped(server):
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: gone(old), "it does not die")
        waiting = [call(server, port) for _ in range(8)]
    back(server, name, old)
    for s in waiting:
        assert answered(s, process), "closed"
        s.close()


class Caller(threading.Thread):
    """Connects again and again, and counts what becomes of it."""

    def __init__(self, server, process):
        super().__init__()
        self.server, self.process = server, process
        self.port = port_of(server, process)
        self.refused = self.served = self.broken = 0
        self.enough = threading.Event()

    def run(self):
        while not self.enough.is_set():
            try:
                s = call(self.server, self.port)
            except OSError:
                self.refused += 1
                continue
            # Reset at its end: thousands of connections that the kernel remembers would take ports from others.
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with s:
                try:
                    good = answered(s, self.process)
                except OSError:
                    good = False  # it was accepted by the one that then died
            self.served += good
            self.broken += not good
            time.sleep(0.002)


def restarts(server, process, sig):
    """While it is restarted, a few times, somebody connects without a pause."""
    name, times = process + "-1", 3
    caller = Caller(server, process)
    caller.start()
    try:
        for _ in range(times):
            old, before = server.pids()[name], caller.served
            wait_for(lambda: caller.served > before, "nobody is served")
            os.kill(old, sig)
            back(server, name, old)
            before = caller.served
            wait_for(lambda: caller.served > before, "nobody is served any more")
    finally:
        caller.enough.set()
        caller.join(PATIENCE)
    assert caller.refused == 0, f"{caller.refused} refused, {caller.served} served"
    assert caller.broken <= times * 2, f"{caller.broken} broken, {caller.served} served"


def shared(server):
    """Two c2s have one socket for the port that both name: when one is away, the other serves all."""
    old = server.pids()["c2s-1"]
    with launcher_stopped(server):
        os.kill(old, signal.SIGKILL)
        wait_for(lambda: gone(old), "it does not die")
        for _ in range(8):
            with call(server, port_of(server, "c2s")) as s:
                assert answered(s, "c2s")
        own = call(server, server.base + 401)  # which only c2s-1 names
    back(server, "c2s-1", old)
    assert answered(own, "c2s")
    own.close()


def another_port(server):
    """Addresses are those of the file when the process starts."""
    path = os.path.join(server.dir, "mercutio.conf")
    with open(path) as f:
        text = f.read()
    old, new = server.base + 402, server.base + 403
    changed = re.sub(rf"\b{old}\b", str(new), text)
    assert changed != text
    with open(path, "w") as f:
        f.write(changed)
    pid = server.pids()["c2s-2"]
    server.kill("c2s-2", signal.SIGTERM)
    back(server, "c2s-2", pid)
    s = call(server, new)
    assert answered(s, "c2s")
    s.close()
    try:
        call(server, old).close()
        assert False, "the old port is still open"
    except ConnectionRefusedError:
        pass


def stopped(server):
    """A launcher that ends lets go of them: nobody waits for an answer that will not come."""
    port = port_of(server, "c2s")
    server.stop()
    try:
        call(server, port).close()
        assert False, "the port is still open"
    except ConnectionRefusedError:
        pass


def without_s2s():
    """Its port is another's: clients are served, it is said why, and it starts when the port is free."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen(1)
    port = taken.getsockname()[1]
    with Server(users=("romeo:montague",), args=["--instances", "s2s=1", "--set", f"s2s.listen=127.0.0.1:{port}",
                                                 "--set", "mercutio.backoff_max=1s"]) as server:
        Stream(server).login("romeo").close()
        with open(os.path.join(server.dir, "log", "s2s-1.log")) as f:
            assert f"cannot listen on 127.0.0.1:{port}" in f.read()
        with open(os.path.join(server.dir, "log", "mercutio.log")) as f:
            assert f.read().count("does not start") == 1
        taken.close()

        def serves():
            try:
                with call(server, port) as s:
                    return answered(s, "s2s")
            except OSError:
                return False
        wait_for(serves, "s2s does not start")


def main():
    tap = Tap()
    if os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("the launcher's sockets", "it chooses the instances itself")
        tap.done()
    with Server(users=("romeo:montague",), args=["--unlimited", "--instances", "s2s=1"]) as server:
        for process in ("c2s", "s2s"):
            tap.run(f"{process} away", away, server, process)
            tap.run(f"{process} killed", restarts, server, process, signal.SIGKILL)
            tap.run(f"{process} ended", restarts, server, process, signal.SIGTERM)
        tap.run("no more after the end", stopped, server)
    with Server(users=("romeo:montague",), args=["--unlimited", "--instances", "c2s=2", "--set",
                                                 "c2s.drain_time=0s"]) as server:
        tap.run("a shared socket", shared, server)
        tap.run("another port", another_port, server)
    tap.run("a server without s2s", without_s2s)
    tap.done()


if __name__ == "__main__":
    main()
