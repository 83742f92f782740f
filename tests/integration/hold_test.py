#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
# Takes minutes.
"""The most memory that one connection can make c2s and sm hold, before login and after it, stays within
what the limits allow: the cases of tests/bench/hold against bounds made of the options' defaults."""
import importlib.machinery
import importlib.util
import os
import re
import subprocess
import sys

from harness import BUILD, SOURCE, Tap, free_port_base

KB, MB = 1 << 10, 1 << 20
UNITS = {"": 1, "k": KB, "M": MB}

# What any connection has: its TLS state and its last read, a few pages that an allocator keeps.
CONNECTION = 96 * KB
# A stanza in work: the bytes as they came, once more as an element's canonical bytes.
COPIES = 2
CHILD, NAMESPACE = 64, 256  # of an element's index; of a declaration with its text


def defaults():
    """The defaults of the sections c2s and sm that are numbers or sizes."""
    text = subprocess.run([os.path.join(BUILD, "tools", "mercutioctl"), "config", "defaults"],
                          check=True, capture_output=True, text=True).stdout
    found = {}
    section = None
    for line in text.splitlines():
        if m := re.match(r"#?(\w+) \{", line):
            section = m[1]
        elif (m := re.match(r"\t?#(\w+) = (\d+)([kM]?)$", line)) and section in ("c2s", "sm"):
            found[m[1]] = int(m[2]) * UNITS[m[3]]
    return found


def bounds(o):
    """Bytes for each connection: of c2s, of sm."""
    stanza = CONNECTION + COPIES * o["max_stanza_size"]
    inside = o["max_elements"] * CHILD + o["max_namespaces"] * NAMESPACE
    quiet = CONNECTION
    return {
        "tcp": (CONNECTION, quiet),
        "idle": (CONNECTION, quiet),
        "header": (CONNECTION + COPIES * o["max_header_size"], quiet),
        "stranger": (CONNECTION + COPIES * 10000, quiet),
        "stanza": (stanza, quiet),
        "elements": (stanza + inside, quiet),
        "attributes": (stanza + o["max_stanza_size"], quiet),
        "window": (stanza + o["window_bytes"], quiet),
        "unread": (CONNECTION + o["out_limit"], CONNECTION + o["given_max"]),
        "unacknowledged": (CONNECTION + o["out_max"], CONNECTION + o["given_max"] * 5 // 4),
    }


def bench():
    path = os.path.join(SOURCE, "tests", "bench", "hold")
    loader = importlib.machinery.SourceFileLoader("hold", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("hold", loader))
    loader.exec_module(module)
    module.free_base = free_port_base  # other tests run at the same time
    return module


def complete(hold, limits):
    assert set(hold.CASES) == set(limits), set(hold.CASES) ^ set(limits)


def held(hold, name, c2s, sm):
    grown = hold.play(name, 12)
    print(f"# {name}: c2s {grown['c2s']:.0f} of {c2s / KB:.0f} KB, sm {grown['sm']:.0f} of {sm / KB:.0f} KB")
    assert grown["c2s"] * KB <= c2s, f"c2s: {grown['c2s']:.0f} KB, not {c2s / KB:.0f}"
    assert grown["sm"] * KB <= sm, f"sm: {grown['sm']:.0f} KB, not {sm / KB:.0f}"


def main():
    tap = Tap()
    if "san" in os.path.basename(BUILD) or os.environ.get("MERCUTIO_RUN_ARGS"):
        tap.skip("memory of a connection", "measured in the ordinary build, with one of each process")
        tap.done()
    hold = bench()
    limits = bounds(defaults())
    tap.run("every case has a bound", complete, hold, limits)
    for name, (c2s, sm) in limits.items():
        if len(sys.argv) < 2 or name in sys.argv[1:]:
            tap.run(f"memory held, {name}", held, hold, name, c2s, sm)
    tap.done()


if __name__ == "__main__":
    main()
