# SPDX-License-Identifier: MIT
"""What integration tests share: a throw-away server from the build tree, TAP, and raw XMPP streams."""
import base64
import fcntl
import contextlib
import hashlib
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import traceback
import xml.etree.ElementTree as ET

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MERCUTIO_BUILD", SOURCE)
SLOW = 4 if "asan" in os.path.basename(BUILD) else 1
TIMEOUT = 30 * SLOW

# Killed by a signal of its own making, not by a test's.
BAD = re.compile(r"AddressSanitizer|LeakSanitizer|UndefinedBehaviorSanitizer|: runtime error: |"
                 r'event="?killed"? .*signal=(4|6|7|8|11)\b')
TROUBLE = []  # of all servers of this run

NS = {
    "client": "jabber:client",
    "stream": "http://etherx.jabber.org/streams",
    "sasl": "urn:ietf:params:xml:ns:xmpp-sasl",
    "tls": "urn:ietf:params:xml:ns:xmpp-tls",
    "bind": "urn:ietf:params:xml:ns:xmpp-bind",
}


PORT_LOCKS = {}  # base: descriptor


def ports_reserve(base):
    """Whether no other test has these ports: tests run at the same time."""
    lock = os.open(os.path.join(tempfile.gettempdir(), f"mercutio-test-ports-{base}"),
                   os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        return False
    PORT_LOCKS[base] = lock
    return True


def ports_release(base):
    lock = PORT_LOCKS.pop(base, None)
    if lock is not None:
        os.close(lock)


def can_bind(*wanted):
    """All of these: a type of socket, an address, a port."""
    with contextlib.ExitStack() as stack:
        try:
            for kind, address, port in wanted:
                stack.enter_context(socket.socket(type=kind)).bind((address, port))
        except OSError:
            return False
    return True


def reserved(choices, step, is_free):
    """The first that is free, and no other test's until this process ends, or ports_release. Each process
    begins elsewhere."""
    start = os.getpid() * step % len(choices)
    for port in [*choices[start:], *choices[:start]]:
        if port not in PORT_LOCKS and ports_reserve(port):
            if is_free(port):
                return port
            ports_release(port)
    raise RuntimeError("no free port")


def free_port_base(addresses=("127.0.0.1",)):
    """A base N such that the ports that ./run uses above it are free, below those that the system gives out
    by itself."""
    offsets = [222, 223, 269, 270] + [400 + i for i in range(1, 5)]
    return reserved([block + 10 * i for block in range(12000, 32000, 500) for i in range(4)], 4,
                    lambda base: can_bind(*((socket.SOCK_STREAM, a, base + o)
                                            for a in addresses for o in offsets)))


def free_port(address="127.0.0.1"):
    """One for TCP and UDP. Those that the system gives out by itself are no good: a connection of anybody may
    take one before it is listened on."""
    return reserved(range(2000, 12000), 7,
                    lambda port: can_bind((socket.SOCK_STREAM, address, port),
                                          (socket.SOCK_DGRAM, address, port)))


class Server:
    """./run in a folder of its own; ends with the `with` block."""

    def __init__(self, users=(), domains=("localhost",), args=(), keep=None, address="127.0.0.1",
                 base=None):
        self.dir = keep or tempfile.mkdtemp(prefix="mtest.")
        self.keep = keep is not None
        self.address = address
        self.base = base or free_port_base((address,))
        self.domains = list(domains)
        self.users = dict(u.split(":", 1) for u in users)
        self.args = list(args)
        self.process = None
        self.database = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc):
        self.stop()
        if exc[0] is not None:
            self.show_logs()
        ports_release(self.base)
        if not self.keep:
            shutil.rmtree(self.dir, ignore_errors=True)

    def engine(self):
        """Options of a database of its own, at the server whose socket is in MERCUTIO_POSTGRESQL."""
        folder = os.environ.get("MERCUTIO_POSTGRESQL")
        if not folder:
            return []
        if not self.database:
            # Of the folder's name: a second start in the same one finds what was there.
            self.database = "t" + hashlib.sha256(self.dir.encode()).hexdigest()[:16]
            there = subprocess.run(["psql", "-qXAt", "-h", folder, "-U", "postgres", "-c",
                                    f"SELECT 1 FROM pg_database WHERE datname = '{self.database}'"],
                                   check=True, capture_output=True, text=True).stdout.strip()
            if not there:
                subprocess.run(["psql", "-qX", "-h", folder, "-U", "postgres", "-c",
                                f"CREATE DATABASE {self.database}"], check=True)
        return ["--engine", f"postgresql=postgresql://postgres@/{self.database}?host={folder}"]

    def start(self):
        cmd = [os.path.join(SOURCE, "run"), "--dir", self.dir, "--port-base", str(self.base),
               "--address", self.address]
        for d in self.domains:
            cmd += ["--domain", d]
        for name, password in self.users.items():
            cmd += ["--user", f"{name}:{password}"]
        cmd += self.engine()
        cmd += self.args + os.environ.get("MERCUTIO_RUN_ARGS", "").split()
        self.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        text=True, start_new_session=True)
        deadline = time.monotonic() + 60 * SLOW
        while True:
            line = self.process.stdout.readline()
            if line.strip() == "ready":
                return
            if not line or time.monotonic() > deadline:
                self.show_logs()
                raise RuntimeError("server did not get ready")

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(40)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process = None
        TROUBLE.extend(self.trouble())

    def trouble(self):
        """What no test may leave in the logs: crashes, reports of sanitizers."""
        folder = os.path.join(self.dir, "log")
        found = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), errors="replace") as f:
                found += [f"{name}: {line.strip()}" for line in f if BAD.search(line)]
        return found

    def show_logs(self):
        folder = os.path.join(self.dir, "log")
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            with open(os.path.join(folder, name), errors="replace") as f:
                for line in f.read().splitlines()[-25:]:
                    print(f"# {name}: {line}")

    def pids(self):
        with open(os.path.join(self.dir, "pids")) as f:
            return {name: int(pid) for name, pid in (line.split() for line in f if line.strip())}

    def kill(self, name, sig=signal.SIGKILL):
        os.kill(self.pids()[name], sig)

    def ctl(self, *args, stdin=""):
        return subprocess.run([os.path.join(BUILD, "tools", "mercutioctl"), "--config",
                               os.path.join(self.dir, "mercutio.conf"), *args],
                              input=stdin, capture_output=True, text=True, timeout=60 * SLOW)

    @property
    def starttls_port(self):
        return self.base + 222

    @property
    def tls_port(self):
        return self.base + 223

    def tls_context(self):
        return ssl.create_default_context(cafile=os.path.join(self.dir, "ca.pem"))


class Closed(Exception):
    """The peer ended the stream or the connection."""


class Stream:
    """A raw client stream: bytes out, first-level elements in."""

    def __init__(self, server, domain="localhost", port=None, tls=True, address=None):
        self.server, self.domain = server, domain
        self.sock = socket.create_connection((address or server.address, port or (
            server.tls_port if tls else server.starttls_port)), TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.sock = server.tls_context().wrap_socket(self.sock, server_hostname=domain)
        self.jid = None
        self.reset()

    def reset(self):
        self.parser = ET.XMLPullParser(("start", "end"))
        self.depth = 0
        self.header = None
        self.queue = []
        self.ended = False

    def close(self):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def open(self, to=None, extra="version='1.0'", ns="jabber:client"):
        self.send(f"<?xml version='1.0'?><stream:stream to='{to or self.domain}' {extra} xmlns='{ns}' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>")

    def _pump(self, timeout):
        self.sock.settimeout(timeout)
        data = self.sock.recv(65536)
        if not data:
            self.ended = True
            return
        self.parser.feed(data)
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.header = element
                    self.root = element
            else:
                self.depth -= 1
                if self.depth == 1:
                    self.queue.append(element)
                    self.root.remove(element)
                elif self.depth == 0:
                    self.ended = True

    def receive(self, timeout=None):
        """The next first-level element."""
        deadline = time.monotonic() + (timeout or TIMEOUT)
        while not self.queue:
            if self.ended:
                raise Closed()
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("nothing received")
            try:
                self._pump(left)
            except socket.timeout:
                raise TimeoutError("nothing received")
            except (ConnectionError, ssl.SSLError) as e:
                raise Closed() from e
        return self.queue.pop(0)

    def wait_closed(self):
        """Everything until the end of the stream."""
        got = []
        try:
            while True:
                got.append(self.receive())
        except Closed:
            return got

    def features(self):
        e = self.receive()
        assert e.tag == "{%s}features" % NS["stream"], ET.tostring(e)
        return e

    def starttls(self):
        self.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
        e = self.receive()
        assert e.tag == "{%s}proceed" % NS["tls"], e.tag
        self.sock = self.server.tls_context().wrap_socket(self.sock, server_hostname=self.domain)
        self.reset()

    def plain(self, user, password):
        data = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.send(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{data}</auth>")
        return self.receive()

    def bind(self, resource=None):
        inner = f"<resource>{resource}</resource>" if resource else ""
        self.send(f"<iq type='set' id='bind'><bind xmlns='{NS['bind']}'>{inner}</bind></iq>")
        e = self.receive()
        jid = e.find(".//{%s}jid" % NS["bind"])
        if jid is not None:
            self.jid = jid.text
        return e

    def login(self, user, password=None, resource=None):
        self.open()
        self.features()
        e = self.plain(user, password or self.server.users[user])
        assert e.tag == "{%s}success" % NS["sasl"], ET.tostring(e)
        self.reset()
        self.open()
        self.features()
        e = self.bind(resource)
        assert self.jid, ET.tostring(e)
        return self

    def ping(self, tag):
        """Sends a ping to the server; its answer has id tag."""
        self.send(f"<iq type='get' id='{tag}' to='{self.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")

    def sync(self):
        """Everything that had come before the answer to a ping."""
        tag = "sync-%d" % time.monotonic_ns()
        self.ping(tag)
        return self.until(tag)

    def write(self, tag):
        """Has something stored for the account; the answer, with id tag, comes after the commit."""
        self.send(f"<iq type='set' id='{tag}'><query xmlns='jabber:iq:private'>"
                  "<sync xmlns='urn:example:sync'/></query></iq>")

    def until(self, tag):
        """Everything before the stanza with that id."""
        got = []
        while True:
            e = self.receive()
            if e.get("id") == tag:
                return got
            got.append(e)


def settle(streams):
    """What each of them gets until all that their stanzas so far cause has come, with the roster
    changes that are told after their commit: three rounds of writes, for what one causes at another
    comes after the next."""
    got = {name: [] for name in streams}
    for _ in range(3):
        tag = "sync-%d" % time.monotonic_ns()
        for s in streams.values():
            s.write(tag)
        for name, s in streams.items():
            got[name] += s.until(tag)
    return got


def client(server, user, resource=None, presence=True):
    s = Stream(server).login(user, resource=resource)
    if presence:
        s.send("<presence/>")
        s.sync()
    return s


class Tap:
    """Runs functions as TAP tests; exits with 1 when one failed."""

    def __init__(self):
        self.n = self.failed = 0

    def run(self, name, fn, *args):
        self.n += 1
        try:
            fn(*args)
            print(f"ok {self.n} - {name}", flush=True)
        except Exception:
            self.failed += 1
            print(f"not ok {self.n} - {name}", flush=True)
            for line in traceback.format_exc().splitlines()[-12:]:
                print("# " + line, flush=True)

    def skip(self, name, why):
        self.n += 1
        print(f"ok {self.n} - {name} # SKIP {why}", flush=True)

    def done(self):
        if TROUBLE:
            self.n += 1
            self.failed += 1
            print(f"not ok {self.n} - no process crashed, no sanitizer reported")
            for line in TROUBLE[:40]:
                print("# " + line)
        print(f"1..{self.n}", flush=True)
        sys.exit(1 if self.failed else 0)
