# SPDX-License-Identifier: MIT
"""What a run that failed tells of itself where nobody can look into its folder: the story of what went wrong,
the faults around it, and what the processes complained of."""
import glob
import os
import re

STORIES, LINES, COMPLAINTS = 3, 12, 15
BEFORE_MS = 8000  # faults before the first line of a story
WORD = re.compile(r"\b(?:u\d+\.u\d+\.\d+|[qw]\d+)\b")  # a message, a request
# What faults do of themselves.
ROUTINE = re.compile(r'event="(link (lost|dropped)|no link to a router|instance replaced [^"]*)"|'
                     r'"killed" instance=\S+ signal=9\b')


def milliseconds(line):
    hours, minutes, seconds = line.split(" ", 1)[0].split(":")
    return int((int(hours) * 3600 + int(minutes) * 60 + float(seconds)) * 1000)


def read_lines(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read().splitlines()
    except OSError:
        return []


def story(lines, name):
    """All that is known of a message or request, and the faults since a little before."""
    about = [i for i, line in enumerate(lines) if name in line.split(" ")]
    if not about:
        return []
    start = milliseconds(lines[about[0]]) - BEFORE_MS
    faults = [i for i, line in enumerate(lines[:about[-1]])
              if (" FAULT " in line or "not recovered" in line) and milliseconds(line) >= start]
    return [lines[i] for i in sorted(about + faults)][-LINES:]


def stories(folder, rows):
    """rows: what the checker complained of, in words."""
    lines, names = read_lines(os.path.join(folder, "chaos.log")), []
    for row in rows:
        names += [n for n in WORD.findall(row) if n not in names]
    out = []
    for name in names[:STORIES]:
        out += [f"  {name}:"] + ["    " + line for line in story(lines, name)]
    return out


def logged(folder):
    own = os.path.join(folder, "log", "mercutioctl.log")
    return [line for path in set(glob.glob(os.path.join(folder, "log", "*.log"))) - {own}
            for line in read_lines(path)]


def stalls(folder):
    """How often a process found that it had not run for longer than others wait for it."""
    return sum('event="this process did not run for long' in line for line in logged(folder))


def complaints(folder):
    """Warnings and worse, and whatever is not a line of the log (a crash, a sanitizer)."""
    found = [line for line in logged(folder)
             if line.strip() and not re.match(r"time=\S+ level=(info|debug) ", line)]
    return ["  " + line for line in sorted(found) if not ROUTINE.search(line)][-COMPLAINTS:]
