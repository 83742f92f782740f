# SPDX-License-Identifier: MIT
"""The server under test: ours, by ./run in a folder of its own, on 127.0.0.1."""
import asyncio
import os
import signal
import ssl
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
from harness import free_port_base  # noqa: E402
from wires import Wires  # noqa: E402

SOURCE = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("MERCUTIO_BUILD", SOURCE)
LINKED = ("storage", "auth", "sm", "c2s")  # to routers
PROCESSES = ("router",) + LINKED


class Server:
    """Started with start(); every process of it is the launcher's child."""

    name = "mercutio"

    def __init__(self, options, users, wired):
        self.options, self.users = options, users
        self.dir = options.dir or tempfile.mkdtemp(prefix="chaos.")
        self.base = options.port_base or free_port_base()
        self.counts = {p: 1 for p in PROCESSES}
        self.counts.update((p, int(n)) for p, n in (s.split("=") for s in options.instances.split(",")))
        self.ports = [self.base + 401 + i for i in range(self.counts["c2s"])]
        self.database = None
        self.wires = Wires(self.dir, self.counts["router"], "late:" in options.faults) if wired else None
        self.process = self.context = None

    def install(self, processes, build):
        """What is started from now on is that build's."""
        folder = os.path.join(self.dir, "bin")
        os.makedirs(folder, exist_ok=True)
        for process in processes:
            path = os.path.join(folder, "mercutio-" + process)
            os.symlink(os.path.join(build, process, "mercutio-" + process), path + ".new")
            os.replace(path + ".new", path)

    def address_of(self, port):
        return "127.0.0.1"

    def port_of(self, name):
        return self.base + 400 + int(name.rsplit("-", 1)[1])

    def router_sockets(self):
        return [f"unix:{self.dir}/router-{i + 1}.sock" for i in range(self.counts["router"])]

    def settings(self):
        """Where routers are: known to all, each process by its own wires when these are to be cut."""
        if self.counts["router"] == 1 and not self.wires:
            return []
        sockets = self.router_sockets()
        out = ["routers=" + ",".join(sockets)]
        out += [f"router-{i + 1}.listen={s}" for i, s in enumerate(sockets)]
        if self.wires:
            for process in LINKED:
                for i in range(self.counts[process]):
                    name = f"{process}-{i + 1}"
                    out.append(f"{name}.routers=" + ",".join("unix:" + p for p in self.wires.lay(name)))
        return out

    def environment(self):
        env = dict(os.environ)
        if self.options.mutation:
            env["MERCUTIO_MUTATION"] = self.options.mutation
        return env

    async def start(self):
        options = self.options
        cmd = [os.path.join(SOURCE, "run"), "--dir", self.dir, "--port-base", str(self.base),
               "--address", "127.0.0.1", "--instances", options.instances, "--unlimited",
               "--set", f"heartbeat={int(options.heartbeat * 1000)}ms",
               "--set", "mercutio.backoff_max=1s", "--set", "sm.iq_from_strangers=true",
               "--engine", self.database.engine() if self.database else options.engine]
        queue = ["router.queue=1M"] if "fill:" in options.faults else []  # the least there is
        for setting in self.settings() + queue + options.set:
            cmd += ["--set", setting]
        if options.upgrade:
            self.install(PROCESSES, BUILD)
            os.symlink(os.path.join(BUILD, "tools", "mercutioctl"), os.path.join(self.dir, "bin", "mercutioctl"))
            cmd += ["--set", f"mercutio.bin_dir={self.dir}/bin"]
        for user in self.users:
            cmd += ["--user", f"{user}:pass-{user}"]
        if self.wires:
            await self.wires.start()
        self.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                                        start_new_session=True, env=self.environment())
        # The wires must carry while it starts.
        line = await asyncio.get_running_loop().run_in_executor(None, self.process.stdout.readline)
        if line.strip() != "ready":
            raise RuntimeError("the server did not get ready; see " + self.dir)
        self.context = ssl.create_default_context(cafile=os.path.join(self.dir, "ca.pem"))

    def tls_context(self):
        return self.context

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def pids(self):
        """Of our own instances alone: the launcher's children."""
        found = {}
        with open(os.path.join(self.dir, "pids"), encoding="ascii") as f:
            rows = [line.split() for line in f if line.strip()]
        for name, pid in rows:
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii") as f:
                    parent = int(f.read().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == self.process.pid:
                found[name] = int(pid)
        return found

    def signal(self, name, sig):
        os.kill(self.pids()[name], sig)

    def kill(self, name):
        self.signal(name, signal.SIGKILL)

    def ctl(self, *args):
        """The command of mercutioctl, to be started."""
        return [os.path.join(BUILD, "tools", "mercutioctl"), "--config",
                os.path.join(self.dir, "mercutio.conf"), *args]
