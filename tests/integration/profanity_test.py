#!/usr/bin/python3
# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""profanity in a terminal (tmux) against the server, certificate verification on."""
import asyncio
import os
import shutil
import subprocess
import tempfile
import time

import slixmpp_test as peer
from harness import TIMEOUT, Server, Tap

ACCOUNT = """[romeo]
enabled=true
jid=romeo@localhost
resource=prof
password=montague
server=127.0.0.1
port={port}
tls.policy={policy}
presence.last=online
presence.login=online
"""
SETTINGS = """[ui]
splash=false
beep=false
[connection]
vercheck=false
carbons=false
[chatstates]
enabled=false
"""


class Profanity:
    """profanity at a terminal of its own, with a home of its own."""

    def __init__(self, server, policy):
        self.home = tempfile.mkdtemp(prefix="mprof.")
        port = server.tls_port if policy == "legacy" else server.starttls_port
        self.write("data/profanity/accounts", ACCOUNT.format(port=port, policy=policy))
        self.write("config/profanity/profrc", SETTINGS)
        self.env = {
            "PATH": os.environ["PATH"], "HOME": self.home, "TERM": "xterm-256color",
            "LANG": "C.UTF-8", "XDG_CONFIG_HOME": self.home + "/config",
            "XDG_DATA_HOME": self.home + "/data", "SHELL": "/bin/sh",
            "SSL_CERT_FILE": os.path.join(server.dir, "ca.pem"),
        }

    def write(self, name, text):
        path = os.path.join(self.home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as f:
            f.write(text)

    def tmux(self, *args):
        return subprocess.run(["tmux", "-S", self.home + "/tmux", "-f", "/dev/null", *args],
                              env=self.env, capture_output=True, text=True, timeout=TIMEOUT)

    def __enter__(self):
        done = self.tmux("new-session", "-d", "-x", "140", "-y", "50",
                         f"profanity -l DEBUG -f {self.home}/log -a romeo")
        assert done.returncode == 0, done.stderr
        return self

    def __exit__(self, *exc):
        if exc[0]:
            for line in self.screen().splitlines():
                if line.strip():
                    print("# screen: " + line)
        self.tmux("kill-server")
        shutil.rmtree(self.home, ignore_errors=True)

    def type(self, line):
        self.tmux("send-keys", "-l", line)
        self.tmux("send-keys", "Enter")

    def screen(self):
        return self.tmux("capture-pane", "-p").stdout

    async def shows(self, text):
        """Waits for text on the screen; a terminal has no event to wait for."""
        deadline = time.monotonic() + TIMEOUT
        while text not in self.screen():
            assert time.monotonic() < deadline, f"profanity does not show '{text}'"
            await asyncio.sleep(0.1)

    def warnings(self):
        """What it says of the connection in its log; OMEMO and the terminal are its own."""
        files = [os.path.join(self.home, f) for f in os.listdir(self.home) if f.startswith("log")]
        lines = []
        for name in files:
            with open(name, errors="replace") as f:
                lines += [line.strip() for line in f if (" WRN: " in line or " ERR: " in line)
                          and "stderr:" not in line and "OMEMO" not in line]
        return lines


async def conversation(server, policy):
    juliet = await peer.login(server, "juliet")
    with Profanity(server, policy) as prof:
        await prof.shows("romeo@localhost/prof logged in successfully")
        prof.type("/sub allow juliet@localhost")
        prof.type("/roster add juliet@localhost Juliet")
        prof.type("/sub request juliet@localhost")
        await peer.want(juliet.seen, lambda p: p["type"] == "subscribe"
                        and p["from"] == "romeo@localhost")
        juliet.send_presence_subscription(pto="romeo@localhost", ptype="subscribed")
        juliet.send_presence_subscription(pto="romeo@localhost", ptype="subscribe")
        await peer.want(juliet.seen, lambda p: p["type"] == "available"
                        and p["from"] == "romeo@localhost/prof")
        prof.type("/win console")
        prof.type("/who online")
        await prof.shows("Juliet")
        prof.type("/msg juliet@localhost Art thou not Romeo?")
        got = await peer.want(juliet.inbox, lambda m: m["body"])
        assert got["body"] == "Art thou not Romeo?" and got["from"] == "romeo@localhost/prof", got
        juliet.send_message(mto="romeo@localhost", mbody="Neither, fair saint.", mtype="chat")
        await prof.shows("Neither, fair saint.")
        juliet.send_presence(pshow="away", pstatus="gone to the cell")
        prof.type("/win console")
        await prof.shows("gone to the cell")
        prof.type('/status set away "lunch"')
        await peer.want(juliet.seen, lambda p: p["from"] == "romeo@localhost/prof"
                        and p["show"] == "away" and p["status"] == "lunch")
        prof.type("/roster remove juliet@localhost")
        await peer.want(juliet.seen, lambda p: p["type"] == "unsubscribed")
        prof.type("/quit")
        await peer.logout(juliet)
        bad = prof.warnings()
        assert not bad, "profanity's log: " + "; ".join(bad)


def missing():
    if not peer.slixmpp:
        return "python3-slixmpp is not installed"
    for program in ("profanity", "tmux"):
        if not shutil.which(program):
            return f"{program} is not installed"
    return None


def main():
    tap = Tap()
    why = missing()
    if why:
        tap.skip("profanity", why)
        tap.done()
    for policy in ("force", "legacy"):
        with Server(users=("romeo:montague", "juliet:capulet")) as server:
            tap.run(f"profanity, TLS {policy}", peer.run, server,
                    lambda server, policy=policy: conversation(server, policy))
    tap.done()


if __name__ == "__main__":
    main()
