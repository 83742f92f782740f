#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The checker for about two minutes with fixed seeds: one fault at a time with two of almost everything, then two
at a time, then on PostgreSQL with two storages. Longer ones: tests/faults/chaos --help."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TWO = "router=2,storage=1,auth=2,sm=2,c2s=2"
SPARE = ["--set", "c2s.drain_time=1s", "--interval", "0.3", "--users", "10", "--least", "300", "--seed", "two-minutes"]
POSTGRESQL = ("kill:storage=3,stop:storage=2,choke:storage=1,unlink:storage=1,kill:postgresql=1,stop:postgresql=1,"
              "kill:sm=2,drain:sm=1,cut=2")
RUNS = (
    ("one fault at a time", ["--seconds", "75", "--instances", TWO]),
    ("two faults at a time", ["--seconds", "20", "--overlap", "2", "--interval", "0.7", "--instances",
                              TWO, "--faults", "kill:sm=3,kill:storage=2,kill:router=2,kill:c2s=1,cut=4"]),
    ("PostgreSQL and two storages", ["--engine", "postgresql", "--seconds", "40", "--faults", POSTGRESQL,
                                     "--instances", "router=1,storage=2,auth=1,sm=2,c2s=2"]),
)

SHOWN = 50  # lines of what failed


def main():
    wanted = [(n, a) for n, a in RUNS if len(sys.argv) < 2 or any(w in n for w in sys.argv[1:])]
    failed = []
    for n, (name, args) in enumerate(wanted, 1):
        if "postgresql" in args and not any(os.path.exists(f"/usr/lib/postgresql/{v}/bin/initdb")
                                            for v in range(14, 30)):
            print(f"ok {n} - chaos, {name} # SKIP PostgreSQL is not installed", flush=True)
            continue
        folder = tempfile.mkdtemp(prefix="chaos.")
        done = subprocess.run([sys.executable, os.path.join(HERE, "chaos"), *SPARE, "--dir", folder, *args],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        lines = done.stdout.splitlines()
        for line in lines if done.returncode else lines[1:6]:
            print("# " + line)
        print(f"{'not ok' if done.returncode else 'ok'} {n} - chaos, {name}", flush=True)
        if done.returncode:
            failed.append((name, lines))
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{len(wanted)}")
    # Once more where it is seen: of what tests print their end is shown.
    for name, lines in failed:
        print(f"# failed: {name}")
        print("\n".join("# " + line for line in lines[-SHOWN // len(failed):]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
