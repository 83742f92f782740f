#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The checker sees what it is for: a server that breaks one rule of delivery must fail it. Needs a build of
configure --enable-mutations (MERCUTIO_BUILD); run by name, as it takes minutes. The rules are those that
tests/model/delivery-model.c leaves out with -x, and `ack`: acknowledging before anything is done."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = ["--users", "10", "--rate", "4", "--interval", "0.2", "--hasty", "--settle", "12", "--recovery", "8",
        "--least", "50", "--seed", "mutations", "--heartbeat", "0.8", "--patience", "4"]
TWO = "router=2,storage=1,auth=1,sm=2,c2s=2"
ONE = "router=1,storage=1,auth=1,sm=2,c2s=2"
# What breaks each rule, soonest.
RULES = {
    "ack": ("both:sm:c2s=1", ONE, []),
    "commit": ("both:storage:sm=1", ONE, ["--offline", "0.6"]),
    "dedup": ("mid:storage:sm=1", ONE, []),
    "c2sepoch": ("late:c2s:sm=1", ONE, ["--iqs", "0.5"]),
    "given": ("kill:sm=1", ONE, []),
    "settle": ("both:storage:sm=1", ONE, []),
    "run": ("fill:sm=1", ONE, ["--users", "16"]),
    "again": ("choke:sm=1,mid:storage:sm=1", ONE, []),
    "fence": ("late:storage:sm=1", ONE, []),
    "barrier": ("mid:c2s:sm=1", ONE, ["--iqs", "0.5"]),
    "attach": ("stop:c2s=1", ONE, ["--patience", "1", "--forget", "1"]),
    "resume": ("late:storage:cut=1", ONE, ["--offline", "0.6"]),
}


def judge(text, status):
    """What the checker complained of, in words."""
    wrong = sorted(set(re.findall(r"^  ([a-z ]+?): ", text, re.MULTILINE)))
    wrong = [w for w in wrong if not w.startswith("pause")]
    return wrong if status == 1 and "FAILED" in text else []


def breakable():
    build = os.environ.get("MERCUTIO_BUILD", os.path.dirname(os.path.dirname(HERE)))
    with open(os.path.join(build, "config.h"), encoding="utf-8") as f:
        return "#define WITH_MUTATIONS" in f.read()


def main():
    wanted = sys.argv[1:] or ["none", *RULES]
    failed = 0
    if set(wanted) & set(RULES) and not breakable():
        print("1..0 # SKIP the build is not one of configure --enable-mutations")
        return 0
    for n, rule in enumerate(wanted, 1):
        mix, instances, more = RULES.get(rule, (",".join(r[0] for r in RULES.values()), TWO, ["--forget", "0.5"]))
        args = [sys.executable, os.path.join(HERE, "chaos"), *BASE, "--seconds", "60", "--faults", mix,
                "--instances", instances, *more] + (["--mutation", rule] if rule in RULES else [])
        folder = tempfile.mkdtemp(prefix="chaos.")
        args += ["--dir", folder]
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wrong = judge(done.stdout, done.returncode)
        good = bool(wrong) if rule in RULES else done.returncode == 0
        name = f"the rule {rule} broken: {', '.join(wrong) or 'nothing seen'}" if rule in RULES else "no rule broken"
        print(f"{'ok' if good else 'not ok'} {n} - {name}", flush=True)
        for line in done.stdout.splitlines():
            if not good or line.startswith(("faults ", "sent ")):
                print("# " + line)
        failed += not good
        if good:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"1..{len(wanted)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
