#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two minutes of chaos with fixed seeds: one fault at a time with two routers, then two at a time."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ALL = ("kill:sm=4,kill:storage=3,kill:router=3,kill:auth=1,kill:c2s=2,term:sm=1,"
       "stop:sm=1,stop:storage=1,stop:router=1,stop:c2s=1,cut=4")
RUNS = (
    ("one fault at a time", ["--seed", "two-minutes", "--seconds", "60", "--faults", ALL, "--interval", "0.3",
                             "--instances", "router=2,storage=1,auth=2,sm=3,c2s=2", "--patience", "4"]),
    ("two faults at a time", ["--seed", "two-minutes", "--seconds", "20", "--overlap", "2", "--interval",
                              "0.7", "--faults", "kill:sm=3,kill:storage=2,kill:router=2,kill:c2s=1,cut=4",
                              "--instances", "router=2,storage=1,auth=1,sm=2,c2s=2"]),
)


def main():
    failed = 0
    for n, (name, args) in enumerate(RUNS, 1):
        done = subprocess.run([sys.executable, os.path.join(HERE, "chaos"), "--users", "10", "--least",
                               "300", *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for line in done.stdout.splitlines():
            print("# " + line)
        print(f"{'not ok' if done.returncode else 'ok'} {n} - chaos, {name}", flush=True)
        failed += bool(done.returncode)
    print(f"1..{len(RUNS)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
