#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""docs/storage.md says what storage/tables.def declares."""
import os
import subprocess

top = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def path(name):
    return os.path.join(top, name)


def text(name):
    with open(path(name), encoding="utf-8") as f:
        return f.read()


tables = subprocess.run(
    ["awk", "-v", "mode=docs", "-f", path("tools/gen_tables.awk"), path("storage/tables.def")],
    check=True, capture_output=True, encoding="utf-8").stdout
same = text("docs/storage.md") == text("storage/storage.md.in") + tables
print("1..1")
print(("ok" if same else "not ok") + " 1 - docs/storage.md is current (else: make storage-doc)")
