# SPDX-License-Identifier: MIT
"""Another server with XEP-0198, Prosody, in a folder of its own, on 127.0.0.1: what does it lose?"""
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import threading
import time

from server import free_port_base

CONFIG = """
run_as_root = true
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
s2s_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "smacks", "offline", "private" }}
modules_disabled = {{ "s2s" }}
authentication = "internal_plain"
storage = "internal"
smacks_hibernation_time = 600
log = {{ info = "{dir}/prosody.log" }}
VirtualHost "localhost"
	ssl = {{ certificate = "{dir}/localhost.crt", key = "{dir}/localhost.key" }}
"""


def available():
    return shutil.which("prosody") is not None


class Prosody:
    """The same face as our Server; what dies is started again."""

    name = "prosody"
    wires = database = None

    def __init__(self, options, users):
        self.options, self.users = options, users
        self.dir = options.dir or tempfile.mkdtemp(prefix="chaos.")
        self.base = options.port_base or free_port_base()
        self.ports = [self.base + 222]
        self.process = self.context = None
        self.stopping = False

    def address_of(self, port):
        return "127.0.0.1"

    def port_of(self, name):
        return self.ports[0]

    def write_files(self):
        accounts = os.path.join(self.dir, "data", "localhost", "accounts")
        os.makedirs(accounts)
        for user in self.users:
            with open(os.path.join(accounts, user + ".dat"), "w", encoding="ascii") as f:
                f.write(f'return {{ ["password"] = "pass-{user}"; }};\n')
        with open(os.path.join(self.dir, "prosody.cfg.lua"), "w", encoding="ascii") as f:
            f.write(CONFIG.format(dir=self.dir, port=self.ports[0]))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "10", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        f"{self.dir}/localhost.key", "-out", f"{self.dir}/localhost.crt"],
                       check=True, capture_output=True)

    def run_once(self):
        with open(os.path.join(self.dir, "prosody.out"), "a", encoding="ascii") as out:
            self.process = subprocess.Popen(["prosody", "-F", "--config", f"{self.dir}/prosody.cfg.lua"],
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def keep(self):
        while not self.stopping:
            self.process.wait()
            if not self.stopping:
                self.run_once()

    async def start(self):
        self.write_files()
        self.run_once()
        threading.Thread(target=self.keep, daemon=True).start()
        self.context = ssl.create_default_context(cafile=f"{self.dir}/localhost.crt")

    def tls_context(self):
        return self.context

    def pids(self):
        return {"prosody-1": self.process.pid}

    def stop(self):
        self.stopping = True
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            for _ in range(100):
                if self.process.poll() is not None:
                    return
                time.sleep(0.1)
            self.process.kill()
