# SPDX-License-Identifier: MIT
"""Other servers to federate with, each in a folder of its own on an address of 127.0.0.0/8: Prosody
and ejabberd of Debian. And a CA that all of a test's servers may share."""
import glob
import os
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from harness import Stream, free_port


class Authority:
    """A certificate authority of one test."""

    def __init__(self, folder, name="test CA"):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        self.cert = os.path.join(folder, "ca.crt")
        self.key = os.path.join(folder, "ca.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-days", "30", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert,
                "-addext", "basicConstraints=critical,CA:TRUE")

    def issue(self, domain, names=None, days=30, usage=None, self_signed=False, stem=None, seconds=None):
        """(certificate with chain, key). days below 0: expired; seconds: it ends then."""
        stem = os.path.join(self.folder, stem or domain)
        alt = names or f"DNS:{domain},DNS:*.{domain}"
        lines = [f"subjectAltName={alt}"]
        if usage:
            lines.append(f"extendedKeyUsage={usage}")
        with open(stem + ".ext", "w", encoding="ascii") as f:
            f.write("\n".join(lines) + "\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", f"/CN={domain}", "-keyout", stem + ".key", "-out", stem + ".csr")
        signer = (["-signkey", stem + ".key"] if self_signed else
                  ["-CA", self.cert, "-CAkey", self.key, "-CAcreateserial"])
        if seconds:
            self._sign(stem, seconds)
        elif days < 0:
            openssl("x509", "-req", "-in", stem + ".csr", "-out", stem + ".crt", *signer,
                    "-extfile", stem + ".ext", "-days", str(days))
        else:
            openssl("x509", "-req", "-in", stem + ".csr", "-out", stem + ".crt", *signer,
                    "-extfile", stem + ".ext", "-days", str(days))
        return stem + ".crt", stem + ".key"


    def _sign(self, stem, seconds):
        """As issue() does, but to the second."""
        for name, text in (("index.txt", ""), ("serial", "%012x\n" % (time.time_ns() & 0xffffffffff | 1 << 40)),
                           ("ca.cnf", f"""[ca]
default_ca = ours
[ours]
database = {self.folder}/index.txt
serial = {self.folder}/serial
new_certs_dir = {self.folder}
default_md = sha256
policy = any
[any]
commonName = supplied
""")):
            with open(os.path.join(self.folder, name), "w", encoding="ascii") as f:
                f.write(text)
        end = time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + seconds))
        openssl("ca", "-batch", "-config", os.path.join(self.folder, "ca.cnf"), "-cert", self.cert,
                "-keyfile", self.key, "-in", stem + ".csr", "-out", stem + ".crt", "-extfile",
                stem + ".ext", "-enddate", end, "-notext")


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, capture_output=True)


def wait_port(address, port, process, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address, port), 1).close()
            return
        except OSError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(f"nothing listens on {address}:{port}")


def srv_records(port, direct_tls=False, names=("", ".conference")):
    """A zone for a server on 127.0.0.1. ejabberd looks targets up with the C library: localhost is
    the one name that it finds."""
    there, not_there = ("xmpps", "xmpp") if direct_tls else ("xmpp", None)
    lines = [f"_{there}-server._tcp{n} SRV 0 0 {port} localhost." for n in names]
    if not_there:
        lines += [f"_{not_there}-server._tcp{n} SRV 0 0 0 ." for n in names]
    return "\n".join(lines)


class Peer:
    """A server of one domain. records(): what the DNS has to say of it."""

    def __init__(self, domain, ca, dns_port, users, secure_auth=False):
        self.domain, self.ca, self.dns_port = domain, ca, dns_port
        self.address = "127.0.0.1"
        self.users = users
        self.secure_auth = secure_auth
        self.dir = tempfile.mkdtemp(prefix="peer.")
        self.c2s, self.s2s = free_port(self.address), free_port(self.address)
        self.s2s_tls = free_port(self.address)
        self.cert, self.key = ca.issue(domain)
        self.process = None

    def records(self, direct_tls=False):
        return srv_records(self.s2s_tls if direct_tls else self.s2s, direct_tls)

    @property
    def starttls_port(self):
        return self.c2s

    def tls_context(self):
        return ssl.create_default_context(cafile=self.ca.cert)

    def launch(self, command, env=None):
        with open(os.path.join(self.dir, "out"), "a", encoding="ascii") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out,
                                            stderr=out, cwd=self.dir, start_new_session=True,
                                            env={**os.environ, **(env or {})})
        wait_port(self.address, self.c2s, self.process)
        wait_port(self.address, self.s2s, self.process)

    def stop(self, sig=signal.SIGTERM):
        if not self.process:
            return
        os.killpg(self.process.pid, sig)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def restart(self):
        self.stop()
        self.start()

    def close(self):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def logs(self, lines=60):
        found = []
        for name in ("out", "log"):
            path = os.path.join(self.dir, name)
            if os.path.exists(path):
                with open(path, errors="replace", encoding="utf-8") as f:
                    found += [f"{self.domain} {name}: {x}" for x in f.read().splitlines()[-lines:]]
        return found


PROSODY = """
run_as_root = true
pidfile = "{dir}/pid"
data_path = "{dir}/data"
interfaces = {{ "{address}" }}
c2s_ports = {{ {c2s} }}
s2s_ports = {{ {s2s} }}
s2s_direct_tls_ports = {{ {s2s_tls} }}
c2s_direct_tls_ports = {{ }}
http_ports = {{ }}
https_ports = {{ }}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "dialback", "version", "time",
	"smacks", "s2s_bidi"{auth_certs} }}
authentication = "internal_plain"
storage = "internal"
log = {{ debug = "{dir}/log" }}
s2s_require_encryption = true
s2s_secure_auth = {secure_auth}
unbound = {{
	resolvconf = false; hoststxt = false; forward = {{ "127.0.0.1@{dns_port}" }};
	options = {{ ["do-not-query-localhost:"] = "no" }};
}}
ssl = {{ cafile = "{ca}"; certificate = "{cert}"; key = "{key}" }}
VirtualHost "{domain}"
Component "conference.{domain}" "muc"
"""


class Prosody(Peer):
    @staticmethod
    def available():
        if not shutil.which("prosody"):
            return "prosody is not installed"
        if not glob.glob("/usr/lib/*/lua/5.*/lunbound.so"):
            return "lua-unbound is not installed"
        return None

    def start(self):
        accounts = os.path.join(self.dir, "data", self.domain.replace(".", "%2e"), "accounts")
        os.makedirs(accounts, exist_ok=True)
        for user, password in self.users.items():
            with open(os.path.join(accounts, user + ".dat"), "w", encoding="ascii") as f:
                f.write(f'return {{ ["password"] = "{password}"; }};\n')
        config = os.path.join(self.dir, "prosody.cfg.lua")
        with open(config, "w", encoding="ascii") as f:
            f.write(PROSODY.format(dir=self.dir, address=self.address, c2s=self.c2s, s2s=self.s2s,
                                   s2s_tls=self.s2s_tls, dns_port=self.dns_port, ca=self.ca.cert,
                                   cert=self.cert, key=self.key, domain=self.domain,
                                   auth_certs=', "s2s_auth_certs"' if self.secure_auth else "",
                                   secure_auth="true" if self.secure_auth else "false"))
        self.launch(["prosody", "-F", "--config", config])


EJABBERD = """
loglevel: debug
log_rotate_count: 0
hosts:
  - "{domain}"
certfiles:
  - "{dir}/all.pem"
ca_file: "{ca}"
listen:
  - port: {c2s}
    ip: "{address}"
    module: ejabberd_c2s
    starttls: true
  - port: {s2s}
    ip: "{address}"
    module: ejabberd_s2s_in
  - port: {s2s_tls}
    ip: "{address}"
    module: ejabberd_s2s_in
    tls: true
s2s_use_starttls: {starttls}
s2s_timeout: 60 seconds
outgoing_s2s_families: [ipv4]
auth_password_format: plain
registration_timeout: infinity
acl:
  local:
    user_regexp: ""
access_rules:
  local: {{allow: local}}
  c2s: {{allow: all}}
  register: {{allow: all}}
modules:
  mod_disco: {{}}
  mod_last: {{}}
  mod_muc: {{access: [allow: all], access_create: [allow: all]}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_register: {{access: register, ip_access: all}}
  mod_roster: {{}}
  mod_s2s_dialback: {{}}
  mod_time: {{}}
  mod_version: {{}}
"""


class Ejabberd(Peer):
    @staticmethod
    def available():
        if not shutil.which("erl"):
            return "erlang is not installed"
        if not glob.glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app"):
            return "ejabberd is not installed"
        return None

    def start(self):
        with open(os.path.join(self.dir, "all.pem"), "w", encoding="ascii") as out:
            for part in (self.cert, self.key):
                with open(part, encoding="ascii") as f:
                    out.write(f.read())
        with open(os.path.join(self.dir, "ejabberd.yml"), "w", encoding="ascii") as f:
            f.write(EJABBERD.format(
                dir=self.dir, address=self.address, c2s=self.c2s, s2s=self.s2s,
                s2s_tls=self.s2s_tls, ca=self.ca.cert, domain=self.domain,
                starttls="required"))
        with open(os.path.join(self.dir, "inetrc"), "w", encoding="ascii") as f:
            # The name server stands behind the file that would replace it.
            f.write('{resolv_conf,""}.\n{hosts_file,""}.\n{lookup,[dns]}.\n'
                    "{nameserver,{127,0,0,1},%d}.\n{cache_size,0}.\n" % self.dns_port)
        app = glob.glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")[0]
        libs = os.path.dirname(os.path.dirname(os.path.dirname(app)))
        spool = os.path.join(self.dir, "spool")
        os.makedirs(spool, exist_ok=True)
        self.launch(["erl", "-noinput", "-mnesia", "dir", f'"{spool}"', "-kernel", "inetrc",
                     f'"{self.dir}/inetrc"', "-s", "ejabberd"],
                    {"ERL_LIBS": libs, "HOME": self.dir, "ERL_CRASH_DUMP": self.dir + "/dump",
                     "EJABBERD_CONFIG_PATH": self.dir + "/ejabberd.yml",
                     "EJABBERD_LOG_PATH": self.dir + "/log"})

    def register(self):
        """Its accounts, by in-band registration."""
        for user, password in self.users.items():
            s = plain_stream(self)
            s.send("<iq type='set' id='reg'><query xmlns='jabber:iq:register'>"
                   f"<username>{user}</username><password>{password}</password></query></iq>")
            answer = s.receive()
            assert answer.get("type") == "result", answer.attrib
            s.close()


def plain_stream(peer):
    """A client's stream over STARTTLS, before authentication."""
    s = Stream(peer, peer.domain, tls=False, address=peer.address)
    s.open()
    s.features()
    s.starttls()
    s.open()
    s.features()
    return s


def login(peer, user, resource="test", presence=True):
    """A client of a peer's."""
    s = plain_stream(peer)
    answer = s.plain(user, peer.users[user])
    assert answer.tag.endswith("}success"), answer.tag
    s.reset()
    s.open()
    s.features()
    s.bind(resource)
    assert s.jid, "no resource was bound"
    if presence:
        s.send("<presence/>")
        s.sync()
    return s
