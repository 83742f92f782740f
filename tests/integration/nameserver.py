# SPDX-License-Identifier: MIT
"""A name server of the test's own (NSD) on a free port of 127.0.0.1, with signed zones."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

from harness import free_port


def available():
    """None, or what is missing."""
    for program in ("nsd", "ldns-keygen", "ldns-signzone"):
        if not find(program):
            return program + " is not installed"
    return None


def find(program):
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


class Dns:
    """zones: name -> records in the zone file's form, without SOA and NS. signed: names to be signed
    with DNSSEC; `anchor` is then a file that vouches for all of them."""

    def __init__(self, zones, signed=()):
        self.dir = tempfile.mkdtemp(prefix="dns")
        self.port = free_port()
        self.server = f"127.0.0.1@{self.port}"
        self.anchor = os.path.join(self.dir, "anchor")
        self.zones = dict(zones)
        self.signed = set(signed)
        self.keys = {}
        for zone in self.zones:
            self._write(zone)
        self._start()

    def _file(self, zone):
        return os.path.join(self.dir, zone + ".zone" + (".signed" if zone in self.signed else ""))

    def _write(self, zone):
        plain = os.path.join(self.dir, zone + ".zone")
        serial = int(time.time() * 10) % 2**31
        with open(plain, "w", encoding="ascii") as f:
            f.write(f"$ORIGIN {zone}.\n$TTL 1\n")
            f.write(f"@ SOA ns.{zone}. root.{zone}. {serial} 3600 600 86400 1\n")
            f.write(f"@ NS ns.{zone}.\nns A 127.0.0.1\n")
            f.write(self.zones[zone] + "\n")
        if zone in self.signed:
            self._sign(zone, plain)

    def _sign(self, zone, plain):
        if zone not in self.keys:
            made = subprocess.run([find("ldns-keygen"), "-a", "ECDSAP256SHA256", "-k", zone],
                                  cwd=self.dir, check=True, capture_output=True, text=True)
            base = os.path.join(self.dir, made.stdout.strip())
            self.keys[zone] = base
            with open(base + ".ds", encoding="ascii") as ds, \
                    open(self.anchor, "a", encoding="ascii") as anchor:
                anchor.write(ds.read())
        subprocess.run([find("ldns-signzone"), plain, self.keys[zone]], cwd=self.dir,
                       check=True, capture_output=True)

    def _start(self):
        conf = os.path.join(self.dir, "nsd.conf")
        with open(conf, "w", encoding="ascii") as f:
            f.write(f"""server:
  ip-address: 127.0.0.1@{self.port}
  username: ""
  zonesdir: "{self.dir}"
  database: ""
  pidfile: ""
  xfrdfile: "{self.dir}/xfrd"
  zonelistfile: "{self.dir}/zonelist"
  logfile: "{self.dir}/log"
  rrl-ratelimit: 0
  server-count: 1
remote-control:
  control-enable: no
""")
            for zone in self.zones:
                f.write(f'zone:\n  name: "{zone}"\n  zonefile: "{self._file(zone)}"\n')
        self.process = subprocess.Popen([find("nsd"), "-d", "-c", conf], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if self.process.poll() is not None:
                    break
                time.sleep(0.05)
        self.close()
        raise RuntimeError("nsd does not start")

    def replace(self, zone, records):
        """Other records from now on (answers that were cached live a second)."""
        self.zones[zone] = records
        self._write(zone)
        self._stop()
        self._start()

    def _stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def close(self):
        self._stop()
        shutil.rmtree(self.dir, ignore_errors=True)
