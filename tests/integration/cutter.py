# SPDX-License-Identifier: MIT
"""A relay between two servers that holds bytes back and breaks connections with a reset."""
import select
import socket
import struct
import threading


class Cutter:
    """Connections to `port` on address go on to `to`, which may be set later."""

    def __init__(self, address="127.0.0.3", to=None):
        self.to = to
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, 0))
        self.listener.listen(20)
        self.target = "%s:%d" % self.listener.getsockname()
        self.lock = threading.Lock()
        self.pairs = []  # (from the one who connected, to the other one)
        self.held = [False, False]  # what the one who connected says; what the other one says
        self.refusing = False
        self.count = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def hold(self, there=False, back=False):
        """Nothing of that direction goes on any more."""
        with self.lock:
            self.held = [there, back]

    def cut(self, near=True, far=True):
        """Resets: of the connection with the one who connected, with the other one; what is held is lost."""
        with self.lock:
            for pair in self.pairs:
                for s, wanted in zip(pair, (near, far)):
                    if wanted and s.fileno() >= 0:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        s.close()
            if near and far:
                self.pairs = []

    def close(self):
        self.cut()
        self.listener.close()

    def accept(self):
        while True:
            try:
                near = self.listener.accept()[0]
            except OSError:
                return
            try:
                far = None if self.refusing else socket.create_connection(self.to, 10)
            except OSError:
                far = None
            if not far:
                near.close()
                continue
            with self.lock:
                self.pairs.append((near, far))
                self.count += 1
            threading.Thread(target=self.relay, args=((near, far),), daemon=True).start()

    def step(self, pair):
        """Passes on what is there; False: the connection is over."""
        with self.lock:
            if any(s.fileno() < 0 for s in pair):
                return False
            reading = [s for s, held in zip(pair, self.held) if not held]
            ready = select.select(reading, [], [], 0)[0] if reading else []
            for s in ready:
                data = s.recv(65536)
                if not data:
                    return False
                pair[s is pair[0]].sendall(data)
        if not ready:
            select.select([], [], [], 0.005)
        return True

    def relay(self, pair):
        try:
            while self.step(pair):
                pass
        except OSError:
            pass
        with self.lock:
            # One side alone was broken: the other one is to believe that nothing happened.
            if all(s.fileno() >= 0 for s in pair):
                for s in pair:
                    s.close()
