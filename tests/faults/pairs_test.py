#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Every pair of processes dies at once, of two kinds and of one kind, and each one is stopped until it is taken for
dead and wakes, while clients with XEP-0198 talk: what was acknowledged came exactly once, all else at most once
(chaos). A pair by name: pairs_test.py both:sm:storage"""
import itertools
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
KINDS = ("c2s", "auth", "sm", "storage", "router")
TWICE = ("c2s", "auth", "sm", "router")  # SQLite has one storage
TWO = "router=2,storage=1,auth=2,sm=2,c2s=2"
ONE = "router=1,storage=1,auth=1,sm=1,c2s=1"
DIE = [f"both:{a}:{b}" for a, b in itertools.combinations(KINDS, 2)]
ALONE = [f"both:{a}:{a}" for a in TWICE]
STOP = [f"freeze:{a}" for a in KINDS]
RUNS = (
    ("two die, of two each", TWO, DIE + ALONE),
    ("two die, of one each", ONE, DIE),
    ("one is stopped, of two", TWO, STOP),
)
SPARE = ["--in-turn", "--interval", "0.3", "--users", "4", "--seconds", "600", "--least", "50", "--recovery", "40",
         "--seed", "pairs", "--set", "c2s.drain_time=1s"]


def run(n, name, instances, faults):
    folder = tempfile.mkdtemp(prefix="pairs.")
    done = subprocess.run([sys.executable, os.path.join(HERE, "chaos"), *SPARE, "--dir", folder, "--instances",
                           instances, "--faults", ",".join(faults)],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = done.stdout.splitlines()
    for line in lines if done.returncode else lines[1:6]:
        print("# " + line)
    all_done = f"faults {len(faults)}:" in done.stdout
    good = not done.returncode and all_done
    if not all_done:
        print(f"# not all of {len(faults)} faults")
    print(f"{'ok' if good else 'not ok'} {n} - {name}", flush=True)
    if good:
        shutil.rmtree(folder, ignore_errors=True)
    return good


def main():
    wanted = [(name, instances, [f for f in faults if len(sys.argv) < 2 or f in sys.argv[1:]])
              for name, instances, faults in RUNS]
    wanted = [w for w in wanted if w[2]]
    failed = sum(not run(n, *w) for n, w in enumerate(wanted, 1))
    print(f"1..{len(wanted)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
