#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A cut between two hosts that are linked over TCP with TLS and certificates: what lies between them carries
nothing, for shorter and longer than the heartbeat, or resets all and refuses; then it is whole again. Nothing
acknowledged is lost or doubled, and clients' sockets stay. The hosts are at proxies; and, where that is
permitted, network namespaces at a bridge."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from hosts import inside  # noqa: E402

SHARED = ["--faults", "part=2,sever=1", "--interval", "0.5", "--users", "8", "--patience", "90", "--settle", "90",
          "--recovery", "60", "--least", "100", "--seed", "hosts"]
EDGE = "router-1,c2s-1/router-2,storage-1,auth-1,sm-1"
BOTH = "router-1,c2s-1,sm-1,auth-1/router-2,storage-1,auth-2,sm-2,c2s-2"
RUNS = (
    ("proxies, clients at one, all else on the other", "hosts", EDGE, 25),
    ("proxies, clients and session managers on both", "hosts", BOTH, 30),
    ("namespaces, clients at one, all else on the other", "namespaces", EDGE, 25),
)


def run(kind, instances, seconds, folder):
    enter = ["unshare", "-rn"] if kind == "namespaces" else []
    return subprocess.run([*enter, sys.executable, os.path.join(HERE, "chaos"), "--server", kind, "--instances",
                           instances, "--seconds", str(seconds), *SHARED, "--dir", folder],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def main():
    print(f"1..{len(RUNS)}")
    failed = False
    for n, (name, kind, instances, seconds) in enumerate(RUNS, 1):
        why = inside() if kind == "namespaces" else None
        if why:
            print(f"ok {n} - hosts, {name} # SKIP no network namespaces: {why}", flush=True)
            continue
        folder = tempfile.mkdtemp(prefix="chaos.")
        done = run(kind, instances, seconds, folder)
        lines = done.stdout.splitlines()
        print("\n".join("# " + line for line in (lines if done.returncode else lines[1:6])))
        print(f"{'not ok' if done.returncode else 'ok'} {n} - hosts, {name}", flush=True)
        failed |= done.returncode != 0
        if not done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
