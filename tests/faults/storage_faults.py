# SPDX-License-Identifier: MIT
"""What may happen to a database, as storage_faults_test.py does it: each a thing that begins and ends."""
import fcntl
import os
import resource
import signal
import socket
import struct
import subprocess
import time

from database import SCRIPT
from harness import SLOW

PATIENCE = 40 * SLOW


class Unable(Exception):
    """This cannot be done to the database here."""


def wait_for(condition, seconds=PATIENCE, what=lambda: "it does not come"):
    deadline = time.monotonic() + seconds
    while not (got := condition()):
        assert time.monotonic() < deadline, what()
        time.sleep(0.05)
    return got


class Fault:
    """reads: logins need what does not work. told: storage itself can say so."""
    reads = told = True

    def __init__(self, server, pg):
        self.server, self.pg = server, pg


class Stopped(Fault):
    def begin(self):
        os.kill(self.pg.pids()[0], signal.SIGQUIT)

    def end(self):
        subprocess.run([SCRIPT, "start", self.pg.dir], check=True, stdin=subprocess.DEVNULL)


class Hung(Fault):
    def begin(self):
        self.pg.pause(True)

    def end(self):
        self.pg.pause(False)


class Hung30(Hung):
    def end(self):
        time.sleep(30)
        self.pg.pause(False)


class Refusing(Fault):
    def begin(self):
        self.pg.sql("ALTER DATABASE chaos ALLOW_CONNECTIONS false", "postgres")
        self.pg.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'chaos'",
                    "postgres")

    def end(self):
        self.pg.sql("ALTER DATABASE chaos ALLOW_CONNECTIONS true", "postgres")


class Session:
    """One of the connections that a PostgreSQL server may have (its protocol, version 3)."""

    def __init__(self, pg):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE)
        self.sock.connect(os.path.join(pg.dir, ".s.PGSQL.5432"))
        words = b"user\0postgres\0database\0postgres\0\0"
        self.sock.sendall(struct.pack("!II", 8 + len(words), 3 << 16) + words)
        self.refused = None
        self.answer()

    def answer(self):
        """Up to ReadyForQuery: the first values of its rows."""
        rows = []
        with self.sock.makefile("rb", buffering=0) as f:
            while not self.refused:
                kind = f.read(1)
                body = self.exactly(f, struct.unpack("!I", self.exactly(f, 4))[0] - 4)
                if kind == b"E":
                    self.refused = body.decode(errors="replace")
                elif kind == b"D":
                    rows.append(body[6:].decode())
                elif kind == b"Z":
                    break
        return rows

    @staticmethod
    def exactly(f, n):
        data = b""
        while len(data) < n:
            more = f.read(n - len(data))
            if not more:
                raise ConnectionError("the server has closed it")
            data += more
        return data

    def sql(self, text):
        self.sock.sendall(b"Q" + struct.pack("!I", 5 + len(text)) + text.encode() + b"\0")
        rows = self.answer()
        assert not self.refused, self.refused
        return rows

    def close(self):
        self.sock.close()


class Crowded(Fault):
    """Others have all connections (max_connections), and those of storage are gone."""

    def begin(self):
        self.sessions = [Session(self.pg)]
        first = self.sessions[0]
        deadline = time.monotonic() + PATIENCE
        while True:
            self.crowd()
            if not first.sql("SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity"
                             " WHERE datname = 'chaos'"):
                return
            assert time.monotonic() < deadline, "storage holds on to its connections"

    def crowd(self):
        while True:
            session = Session(self.pg)
            if session.refused:
                assert "C53300" in session.refused, session.refused
                session.close()
                return
            self.sessions.append(session)

    def end(self):
        for session in self.sessions:
            session.close()


class ReadOnly(Fault):
    reads = False

    def set(self, value):
        self.pg.sql(f"ALTER SYSTEM SET default_transaction_read_only = {value}", "postgres",
                    "-c default_transaction_read_only=off")
        self.pg.sql("SELECT pg_reload_conf()", "postgres")

    def begin(self):
        self.set("on")

    def end(self):
        self.set("off")


class FileReadOnly(Fault):
    """As the file system of a disk that has failed: what is open for writing cannot be written."""
    reads = False
    GET, SET, IMMUTABLE = 0x80086601, 0x40086602, 0x10  # FS_IOC_GETFLAGS, FS_IOC_SETFLAGS

    def set(self, immutable):
        path = os.path.join(self.server.dir, "data", "mercutio.db")
        for name in (path, path + "-wal"):
            fd = os.open(name, os.O_RDONLY)
            try:
                flags = struct.unpack("i", fcntl.ioctl(fd, self.GET, struct.pack("i", 0)))[0]
                flags = flags | self.IMMUTABLE if immutable else flags & ~self.IMMUTABLE
                fcntl.ioctl(fd, self.SET, struct.pack("i", flags))
            finally:
                os.close(fd)

    def begin(self):
        try:
            self.set(True)
        except OSError as e:
            self.end()
            raise Unable(f"a file cannot be made immutable here: {e.strerror}") from e

    def end(self):
        try:
            self.set(False)
        except OSError:
            pass  # as it never was


class Full(Fault):
    """Files of the database may not grow."""
    reads = False

    def limit(self, most):
        pid = self.server.pids()["storage-1"]
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))

    def used(self, wal):
        """Bytes of the log that SQLite has written: behind them lies room for the next commits."""
        with open(wal, "rb") as f:
            data = f.read()
        end, salts, frame = 32, data[16:24], 24 + 4096
        while data[end + 8:end + 16] == salts:
            end += frame
        return end

    def begin(self):
        path = os.path.join(self.server.dir, "data", "mercutio.db")
        self.limit(min(os.path.getsize(path), self.used(path + "-wal")))

    def end(self):
        self.limit(resource.RLIM_INFINITY)


class StorageHung(Fault):
    told = False

    def begin(self):
        self.server.kill("storage-1", signal.SIGSTOP)

    def end(self):
        self.server.kill("storage-1", signal.SIGCONT)


class StorageKilled(Fault):
    """It is started again at once; what waits is held."""
    told = reads = False

    def begin(self):
        self.pid = self.server.pids()["storage-1"]
        os.kill(self.pid, signal.SIGKILL)

    def end(self):
        wait_for(lambda: self.server.pids().get("storage-1") not in (None, self.pid))


FAULTS = {
    "sqlite": {"full": Full, "read_only": FileReadOnly, "storage_hung": StorageHung,
               "storage_killed": StorageKilled},
    "postgresql": {"stopped": Stopped, "hung": Hung, "hung30": Hung30, "refusing": Refusing,
                   "crowded": Crowded, "read_only": ReadOnly, "storage_hung": StorageHung,
                   "storage_killed": StorageKilled},
}
