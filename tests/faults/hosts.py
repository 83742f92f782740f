# SPDX-License-Identifier: MIT
"""The server under test on two hosts: each has a router, a launcher and processes of its own, and all link to
both routers; to the other host's over TCP with TLS and certificates. What lies between the hosts can be cut.

The hosts are folders, with proxies for the cable between them; or network namespaces at a bridge."""
import asyncio
import os
import signal
import ssl
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from harness import BUILD, SOURCE, free_port_base, ports_release  # noqa: E402
from wires import Wire  # noqa: E402

PORT = 310  # of the router, above the host's base; the cable's is the next
BRIDGE = "10.77.0.1"


class Cable(Wire):
    """The same over TCP, with bytes that only the ends understand."""

    async def reach(self):
        return await asyncio.open_connection(*self.router)

    async def out(self, reader, writer):
        await self.pump(reader, writer)

    async def back(self, reader, writer):
        await self.pump(reader, writer)


class Proxies:
    """Each host's way to the other's router."""

    def __init__(self, hosts):
        self.cables = [Cable((h.address, h.base + PORT + 1), (other.address, other.base + PORT))
                       for h, other in (hosts, reversed(hosts))]
        self.servers = []

    def way(self, host, other):
        return f"{host.address}:{host.base + PORT + 1}"

    async def start(self):
        for c in self.cables:
            c.set("whole")
            self.servers.append(await asyncio.start_server(c.carry, *c.path))

    async def stop(self):
        for server in self.servers:
            server.close()
        tasks = [t for c in self.cables for t in c.tasks]
        for t in tasks:
            t.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def set(self, state):
        """whole, deaf (nothing comes through), cut (reset, and refused)."""
        for c in self.cables:
            c.set(state)

    def heal(self):
        self.set("whole")


def ip(*args):
    subprocess.run(["ip", *args], check=True, stdin=subprocess.DEVNULL)


class Bridge:
    """The hosts are network namespaces; we are the switch between them, and where the clients are. To be
    used in a network namespace of our own (see inside)."""

    def __init__(self, hosts):
        self.hosts = hosts
        self.keepers = []
        ip("link", "set", "lo", "up")
        ip("link", "add", "hub", "type", "bridge")
        ip("address", "add", BRIDGE + "/24", "dev", "hub")
        ip("link", "set", "hub", "up")
        for h in hosts:
            # Ends with us, whatever ends us: it waits for input.
            keeper = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec cat >/dev/null"],
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.keepers.append(keeper)
            keeper.stdout.readline()  # it is in its namespace
            h.enter = ["nsenter", "-t", str(keeper.pid), "-n"]
            ip("link", "add", h.name, "type", "veth", "peer", "name", "eth", "netns", str(keeper.pid))
            ip("link", "set", h.name, "master", "hub", "up")
            for command in (f"address add {h.address}/24 dev eth", "link set eth up", "link set lo up"):
                subprocess.run([*h.enter, "ip", *command.split()], check=True)

    def way(self, host, other):
        return f"{other.address}:{other.base + PORT}"

    async def start(self):
        pass

    async def stop(self):
        for keeper in self.keepers:
            keeper.communicate()
        self.keepers = []

    def set(self, state):
        """whole, deaf (the switch passes nothing on), cut (pulled out)."""
        port = self.hosts[1].name
        if state == "deaf":
            ip("link", "set", port, "nomaster")
        elif state == "cut":
            ip("link", "set", port, "down")
        else:
            ip("link", "set", port, "master", "hub", "up")

    def heal(self):
        if self.keepers:  # else the hosts are gone
            self.set("whole")


def inside():
    """Why there can be no such namespaces here; None: there can, and `inside` is where they are made."""
    probe = "ip link add hub type bridge && ip link add v type veth peer name w && unshare -n true"
    try:
        done = subprocess.run(["unshare", "-rn", "sh", "-c", probe], capture_output=True, text=True)
    except OSError as e:
        return str(e)
    return done.stderr.strip().splitlines()[0] if done.returncode and done.stderr.strip() else \
        "not permitted" if done.returncode else None


class Host:
    def __init__(self, name, folder, address, instances, bridged):
        self.name, self.dir, self.address, self.instances = name, folder, address, instances
        self.base = free_port_base() if bridged else free_port_base((address,))
        self.enter = []  # the beginning of a command that runs there
        self.process = None

    def router(self):
        return next(i for i in self.instances if i.startswith("router-"))

    def certificate(self, what):
        return os.path.join(self.dir, f"link-{what}.pem")

    def pids(self):
        with open(os.path.join(self.dir, "pids"), encoding="ascii") as f:
            rows = [line.split() for line in f if line.strip()]
        return {name: int(pid) for name, pid in rows}


class Hosts:
    """The same face as server.Server. --instances: those of the first host/those of the second, which has
    storage."""

    name = "mercutio"

    def __init__(self, options, users):
        self.options, self.users = options, users
        self.dir = options.dir or tempfile.mkdtemp(prefix="chaos.")
        names = [part.split(",") for part in options.instances.split("/")]
        bridged = options.server == "namespaces"
        addresses = ("10.77.0.2", "10.77.0.3") if bridged else ("127.0.0.2", "127.0.0.3")
        self.hosts = [Host("host-a", os.path.join(self.dir, "a"), addresses[0], names[0], bridged),
                      Host("host-b", self.dir, addresses[1], names[1], bridged)]
        self.wires = (Bridge if bridged else Proxies)(self.hosts)
        self.clients_at = {h.base + 400 + int(i[4:]): h.address for h in self.hosts for i in h.instances
                           if i.startswith("c2s-")}
        self.ports = sorted(self.clients_at)
        self.database = self.process = self.context = None

    def address_of(self, port):
        return self.clients_at[port]

    def port_of(self, name):
        host = next(h for h in self.hosts if name in h.instances)
        return host.base + 400 + int(name.rsplit("-", 1)[1])

    # --- making ----------------------------------------------------------------------------------

    def certificates(self):
        ca, key = os.path.join(self.dir, "link-ca.pem"), os.path.join(self.dir, "link-ca.key")

        def openssl(*args):
            subprocess.run(["openssl", *args], check=True, capture_output=True)
        new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"]
        openssl(*new, "-keyout", key, "-out", ca, "-subj", "/CN=links")
        for h in self.hosts:
            os.makedirs(h.dir, exist_ok=True)
            openssl(*new, "-keyout", h.certificate("key"), "-out", h.certificate("crt"), "-subj", f"/CN={h.name}",
                    "-CA", ca, "-CAkey", key, "-addext", "basicConstraints=critical,CA:FALSE")
        return ca

    def command(self, h, ca):
        options = self.options
        other = self.hosts[h is self.hosts[0]]
        settings = [
            f"heartbeat={int(options.heartbeat * 1000)}ms", "mercutio.backoff_max=1s",
            "sm.iq_from_strangers=true", "mercutio.instances=" + ",".join(h.instances),
            f"mercutio.log_dir={os.path.join(self.dir, 'log')}",
            f"link_certificate={h.certificate('crt')}", f"link_key={h.certificate('key')}", f"link_ca={ca}",
            f"routers=unix:{h.dir}/router.sock,{self.wires.way(h, other)}",
            f"{h.router()}.listen=unix:{h.dir}/router.sock,{h.address}:{h.base + PORT}",
        ]
        settings += [f"{i}.listen={h.address}:{h.base + 400 + int(i[4:])}" for i in h.instances
                     if i.startswith("c2s-")]
        cmd = [*h.enter, os.path.join(SOURCE, "run"), "--dir", h.dir, "--port-base", str(h.base), "--address",
               h.address, "--unlimited", "--engine", options.engine]
        for setting in settings + options.set:
            cmd += ["--set", setting]
        if any(i.startswith("storage-") for i in h.instances):
            for user in self.users:
                cmd += ["--user", f"{user}:pass-{user}"]
        return cmd

    def not_proved(self):
        """Between the hosts certificates prove who is there: of whom that is not in the log."""
        found = []
        for name in (i for h in self.hosts for i in h.instances if not i.startswith("router-")):
            with open(os.path.join(self.dir, "log", name + ".log"), encoding="utf-8") as f:
                if "mechanism=CERTIFICATE" not in f.read():
                    found.append(name)
        return found

    async def start(self):
        os.makedirs(os.path.join(self.dir, "log"), exist_ok=True)
        ca = self.certificates()
        await self.wires.start()
        for h in self.hosts:
            h.process = subprocess.Popen(self.command(h, ca), stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, text=True, start_new_session=True)
        for h in self.hosts:
            # The cable must carry while they start.
            line = await asyncio.get_running_loop().run_in_executor(None, h.process.stdout.readline)
            if line.strip() != "ready":
                raise RuntimeError(f"{h.name} did not get ready; see " + self.dir)
        end = time.monotonic() + 60
        while self.not_proved():
            if time.monotonic() > end:
                raise RuntimeError("no link by certificate: " + ", ".join(self.not_proved()))
            await asyncio.sleep(0.1)
        self.context = ssl.create_default_context()
        for h in self.hosts:
            self.context.load_verify_locations(os.path.join(h.dir, "ca.pem"))

    def tls_context(self):
        return self.context

    def stop(self):
        running = [h for h in self.hosts if h.process]
        for h in running:
            h.process.terminate()
        end = time.monotonic() + 60
        for h in running:
            try:
                h.process.wait(max(0.1, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                h.process.kill()
                h.process.wait()
            h.process.stdout.close()
            h.process = None
            ports_release(h.base)

    def pids(self):
        return {name: pid for h in self.hosts for name, pid in h.pids().items()}

    def signal(self, name, sig):
        os.kill(self.pids()[name], sig)

    def kill(self, name):
        self.signal(name, signal.SIGKILL)

    def ctl(self, *args):
        """The command of mercutioctl, to be started; on the second host."""
        h = self.hosts[1]
        return [*h.enter, os.path.join(BUILD, "tools", "mercutioctl"), "--config",
                os.path.join(h.dir, "mercutio.conf"), *args]
