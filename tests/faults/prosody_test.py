#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The checker against a server that is not ours, killed (-9) and started again while clients' connections
break: it must report what that one loses, which proves that it can see a loss."""
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import prosody  # noqa: E402

ARGS = ["--server", "prosody", "--seconds", "25", "--interval", "0.3", "--overlap", "2", "--away", "3", "--faults",
        "kill:prosody=1,cut=8", "--seed", "prosody", "--settle", "8", "--least", "50"]


def main():
    print("1..1")
    if not prosody.available():
        print("ok 1 - what another server loses # SKIP Prosody is not installed")
        return 0
    with tempfile.TemporaryDirectory(prefix="chaos.") as folder:
        done = subprocess.run([sys.executable, os.path.join(HERE, "chaos"), *ARGS, "--dir", folder],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lost = re.search(r" lost (\d+) ", done.stdout)
    good = done.returncode == 1 and lost and int(lost[1]) > 0
    print(f"{'ok' if good else 'not ok'} 1 - another server loses {lost[1] if lost else '?'} messages")
    for line in done.stdout.splitlines():
        print("# " + line)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
