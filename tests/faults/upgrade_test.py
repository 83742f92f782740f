#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Two versions together: under load each process in turn becomes one of the next minor version of the link
protocol, and then, the other way round, one of the present version again. The next version is this one, with
fields added to messages of every process and a message that the present one does not know."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("MERCUTIO_BUILD", os.path.dirname(os.path.dirname(HERE)))
LONGER = ("HELLO", "MEMBER_UP", "AUTH_START", "AUTH_RESULT", "READ", "FOUND", "WRITE", "WRITTEN", "SESSION_OPEN",
          "SESSION_OPENED", "STANZA", "DONE_RECORD", "GIVE", "TELL", "TOLD", "ANNOUNCE")
INSTANCES = "router=2,storage=1,auth=2,sm=2,c2s=2"


def source_of(build):
    with open(os.path.join(build, "Makefile"), encoding="utf-8") as f:
        folder = re.search(r"^abs_top_srcdir = (.*)$", f.read(), re.MULTILINE)[1]
    return folder


def replace(path, pattern, text):
    with open(path, encoding="utf-8") as f:
        old = f.read()
    new, n = re.subn(pattern, text, old, flags=re.MULTILINE)
    assert n, f"{path} has no {pattern}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(new)


def make_next(folder):
    """The source of the next minor version."""
    source = source_of(BUILD)
    shutil.copytree(source, folder, symlinks=True,
                    ignore=lambda at, names: {n for n in names if n.startswith(".build") or n in (".git", "tests")})
    # What the makefile wants of tests is there; nothing of it is built.
    shutil.copytree(os.path.join(source, "tests"), os.path.join(folder, "tests"), symlinks=True)
    replace(os.path.join(folder, "link", "frame.h"), r"LINK_MINOR = (\d+)",
            lambda m: f"LINK_MINOR = {int(m[1]) + 1}")
    for name in LONGER:
        replace(os.path.join(folder, "link", "messages.def"), rf"^(message {name} .*\n(?:[ \t].*\n)*)",
                r"\1\tstr added_later  of the next minor version" "\n")


def build_next(folder):
    source, build = os.path.join(folder, "source"), os.path.join(folder, "build")
    make_next(source)
    os.makedirs(build)
    for args in ([os.path.join(source, "configure"), "-q", "CFLAGS=-O0 -g"], ["make", "-s", "-j2", "all"]):
        done = subprocess.run(args, cwd=build, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            raise RuntimeError(done.stdout[-3000:])
    return build


def main():
    print("1..1")
    with tempfile.TemporaryDirectory(prefix="upgrade.") as folder:
        build = build_next(folder)
        done = subprocess.run([sys.executable, os.path.join(HERE, "chaos"), "--upgrade", build, "--instances",
                               INSTANCES, "--users", "8", "--seed", "upgrade", "--least", "200", "--set",
                               "c2s.drain_time=2s", "--dir", os.path.join(folder, "run")],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    print(f"{'not ok' if done.returncode else 'ok'} 1 - each process upgraded and put back under load")
    for line in done.stdout.splitlines():
        print("# " + line)
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
