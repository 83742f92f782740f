# SPDX-License-Identifier: MIT
"""Other servers as tests see them: a double of s2s on the link (stub_s2s.c), driven line by line."""
import contextlib
import json
import os
import subprocess
import threading
import time
import xml.etree.ElementTree as ET

from harness import BUILD, TIMEOUT

CLIENT = "jabber:client"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def parse(xml):
    return ET.fromstring(f"<root xmlns='{CLIENT}'>{xml}</root>")[0] if xml else None


def restart(server, process):
    """kill -9 of all instances of a process; the launcher starts them again."""
    was = {name: pid for name, pid in server.pids().items() if name.startswith(process + "-")}
    for name in was:
        server.kill(name)
    deadline = time.monotonic() + TIMEOUT
    while any(server.pids().get(name, pid) == pid for name, pid in was.items()):
        assert time.monotonic() < deadline, f"{process} was not started again"
        time.sleep(0.02)


class Tell:
    """A stanza that sm has handed to s2s."""

    def __init__(self, line):
        self.n, self.lane, self.key = line["got"], line["lane"], tuple(line["key"])
        self.repeated, self.remaining = line["repeated"], line["remaining"]
        self.xml = line["xml"]
        self.e = parse(self.xml)
        self.name = self.e.tag.split("}")[1]
        self.type = self.e.get("type")
        self.to, self.sender, self.id = self.e.get("to"), self.e.get("from"), self.e.get("id")

    def __repr__(self):
        return f"TELL {self.n} {self.xml}"

    def error(self, condition, kind="cancel"):
        """The error stanza that answers it."""
        ident = f" id='{self.id}'" if self.id else ""
        return (f"<{self.name} type='error' from='{self.to}' to='{self.sender}'{ident}>"
                f"<error type='{kind}'><{condition} xmlns='{STANZAS}'/></error></{self.name}>")


class Remote:
    """An instance of s2s, or with a route a component that serves it. auto: every TELL is answered at once."""

    def __init__(self, server, auto=False, name="s2s-1", route=None):
        conf = os.path.join(server.dir, f"{name}.conf")
        with open(os.path.join(server.dir, "mercutio.conf")) as f, open(conf, "w") as out:
            out.writelines(line for line in f if not line.startswith("s2s {"))  # the real one's
        log = open(os.path.join(server.dir, "log", f"{name}.log"), "a")
        self.process = subprocess.Popen(
            [os.path.join(BUILD, "tests", "integration", "stub_s2s"), "-c",
             conf, "-i", name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            env={**os.environ, **({"STUB_ROUTE": route} if route else {})})
        log.close()
        self.changed = threading.Condition()  # guards what follows
        self.tells, self.answers, self.said = [], {}, {}
        self.ready = self.ended = False
        self.numbers = 0
        self.domain = route or "remote.test"
        threading.Thread(target=self._read, daemon=True).start()
        self._wait(lambda: self.ready)
        self.sync("localhost")  # whoever sends from here on, its session manager knows of us
        if auto:
            self.auto(True)

    def _read(self):
        for line in self.process.stdout:
            with self.changed:
                self._take(json.loads(line))
                self.changed.notify()
        with self.changed:
            self.ended = True
            self.changed.notify()

    def _take(self, line):
        if "told" in line:
            self.answers[line["told"]] = line
        elif "got" not in line:
            self.ready = True
        elif tuple(line["key"]) in self.said:
            with contextlib.suppress(BrokenPipeError, ValueError):  # it is being closed
                self.say(answer=line["got"], **self.said[tuple(line["key"])])
        else:
            self.tells.append(Tell(line))

    def _wait(self, fn, timeout=TIMEOUT):
        deadline = time.monotonic() + timeout
        with self.changed:
            while not (found := fn()):
                if self.ended:
                    raise RuntimeError("the double of s2s has ended")
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"not told; unread: {self.tells}")
                self.changed.wait(left)
            return found

    def say(self, **what):
        with self.changed:
            self.process.stdin.write(json.dumps(what) + "\n")
            self.process.stdin.flush()

    def auto(self, on):
        """Every TELL is answered at once, or none, from here on."""
        self.say(auto=on)
        self.sync("localhost")  # it has read that

    def got(self, test=lambda t: True, timeout=TIMEOUT):
        """Takes out the first TELL for which test holds."""
        def find():
            for t in self.tells:
                if test(t):
                    self.tells.remove(t)
                    return t
            return None
        return self._wait(find, timeout)

    def answer(self, tell, error=None):
        """Repetitions are answered the same way, as by the real one: the answer may have gone to an owner
        that was followed by another meanwhile."""
        with self.changed:
            self.said[tell.key] = {"error": error} if error else {}
            again = [t for t in self.tells if t.key == tell.key]
            self.tells = [t for t in self.tells if t.key != tell.key]
            for t in [tell, *again]:
                self.say(answer=t.n, **self.said[tell.key])

    def held(self, *tells):
        self.say(held=[t.n for t in tells])

    def writing(self, *tells):
        self.say(writing=[t.n for t in tells])

    def back(self, own, remote, before=0):
        self.say(back=[own, remote, before])

    def start(self, xml):
        """Tells sm a stanza of a remote account; returns its number."""
        self.numbers += 1
        self.say(tell=self.numbers, xml=xml)
        return self.numbers

    def told(self, n):
        """The answer to that: an element, or None."""
        line = self._wait(lambda: self.answers.get(n))
        assert line["failed"] == 0, line
        return parse(line["error"])

    def tell(self, xml):
        return self.told(self.start(xml))

    def sync(self, to):
        """The owner of to has read what was said before."""
        self.tell(f"<iq type='result' id='sync' from='sync@{self.domain}' to='{to}'/>")

    def drain(self, to="localhost"):
        """All TELLs that have come so far: what is told before our own is answered has come."""
        self.sync(to)
        with self.changed:
            tells, self.tells = self.tells, []
        return tells

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(TIMEOUT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()
