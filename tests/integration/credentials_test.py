# SPDX-License-Identifier: MIT
# One run is enough: the database and the number of instances make no difference here.
"""Accounts that are kept elsewhere: Debian's slapd, a small web service, PAM."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from harness import BUILD, NS, SLOW, TIMEOUT, Server, Stream, Tap, free_port  # noqa: E402

SLAPD = shutil.which("slapd") or "/usr/sbin/slapd"
SASL = "{%s}" % NS["sasl"]
REGISTER = "{http://jabber.org/features/iq-register}register"
BIND, SEARCH, WEB, HOST = "bind.test", "search.test", "web.test", "host.test"
DOMAINS = ("localhost", BIND, SEARCH, WEB, HOST)


def eventually(what, condition):
    deadline = time.monotonic() + TIMEOUT * 2
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def built_with(name):
    with open(os.path.join(BUILD, "config.h")) as f:
        return f"#define HAVE_{name} 1" in f.read()


class Certificates:
    """A CA and a certificate of 127.0.0.1; and a CA that has signed nothing."""

    def __init__(self, folder):
        self.ca, self.cert, self.key, self.other = (
            os.path.join(folder, n) for n in ("dir-ca.pem", "dir.pem", "dir.key", "other-ca.pem"))
        ca_key = os.path.join(folder, "dir-ca.key")
        self.make(self.ca, ca_key, "/CN=test CA")
        self.make(self.other, os.path.join(folder, "other-ca.key"), "/CN=another CA")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-CA", self.ca, "-CAkey", ca_key,
                        "-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE",
                        "-keyout", self.key, "-out", self.cert], check=True, capture_output=True)

    @staticmethod
    def make(cert, key, subject):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-days", "2", "-subj", subject, "-addext", "basicConstraints=critical,CA:TRUE",
                        "-keyout", key, "-out", cert], check=True, capture_output=True)


class Directory:
    """slapd in the foreground with its database in a folder."""

    LDIF = """dn: dc=test
objectClass: dcObject
objectClass: organization
dc: test
o: test

dn: ou=people,dc=test
objectClass: organizationalUnit
ou: people

dn: cn=reader,dc=test
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: reader-secret

""" + "".join(f"""dn: uid={dn},ou=people,dc=test
objectClass: inetOrgPerson
uid: {uid}
cn: {uid}
sn: {uid}
mail: {mail}
userPassword: {password}

""" for dn, uid, mail, password in (
        ("joe", "joe", "joe@search.test", "secret"),
        ("ann", "ann", "ann@search.test", "ann-secret"),
        ("a\\2Bb\\2C(c)", "a+b,(c)", "odd@search.test", "odd"),
        ("twin1", "twin1", "twin@search.test", "twin"),
        ("twin2", "twin2", "twin@search.test", "twin")))

    def __init__(self, folder, certs):
        self.folder = os.path.join(folder, "slapd")
        os.makedirs(os.path.join(self.folder, "db"))
        self.port, self.tls_port = free_port(), free_port()
        self.conf = os.path.join(self.folder, "slapd.conf")
        with open(self.conf, "w") as f:
            f.write(f"""modulepath /usr/lib/ldap
moduleload back_mdb
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
pidfile {self.folder}/pid
TLSCACertificateFile {certs.ca}
TLSCertificateFile {certs.cert}
TLSCertificateKeyFile {certs.key}
security simple_bind=128
disallow bind_anon
database mdb
suffix dc=test
rootdn cn=root,dc=test
directory {self.folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by dn.exact="cn=reader,dc=test" read by * none
""")
        ldif = os.path.join(self.folder, "data.ldif")
        with open(ldif, "w") as f:
            f.write(self.LDIF)
        subprocess.run([SLAPD, "-T", "add", "-f", self.conf, "-l", ldif], check=True, capture_output=True)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [SLAPD, "-d", "0", "-f", self.conf, "-h",
             f"ldap://127.0.0.1:{self.port} ldaps://127.0.0.1:{self.tls_port}"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually("slapd listens", self.listens)

    def listens(self):
        assert self.process.poll() is None, "slapd ended"
        try:
            socket.create_connection(("127.0.0.1", self.tls_port), 1).close()
            return True
        except OSError:
            return False

    def signal(self, sig):
        self.process.send_signal(sig)

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
            self.process.wait()
            self.process = None


class WebService:
    """Knows joe; does whatever a test tells it to."""

    def __init__(self, certs):
        self.mode, self.seen = "good", []
        self.hang = threading.Event()
        service = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                service.answer(self, json.loads(body))

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *args: None  # a client that does not trust us, and says so
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certs.cert, certs.key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True,
                                                 do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, handler, question):
        self.seen.append((handler.headers, question))
        status, body = 200, self.result(question)
        if self.mode == "error":
            status = 503
        elif self.mode == "long":
            body["more"] = "x" * 200000
        elif self.mode == "hang":
            self.hang.wait(60)
        data = json.dumps(body).encode()
        if self.mode == "redirect":
            status, data = 302, b""
        handler.send_response(status)
        if self.mode == "redirect":
            handler.send_header("Location", handler.path)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        try:
            handler.wfile.write(data)
        except OSError:
            pass

    @staticmethod
    def result(question):
        if question["user"] not in ("joe", "gone"):
            return {"result": "unknown"}
        if question["user"] == "gone":
            result = "disabled"
        else:
            result = "ok"
        if question["request"] == "check":
            return {"result": result if question["password"] == "secret" else "wrong"}
        salt = b"0123456789abcdef"
        salted = hashlib.pbkdf2_hmac("sha256", b"secret", salt, 4096)
        client = hmac.digest(salted, b"Client Key", "sha256")
        return {"result": result, "keys": [{
            "mechanism": "SCRAM-SHA-256", "iterations": 4096, "salt": base64.b64encode(salt).decode(),
            "stored_key": base64.b64encode(hashlib.sha256(client).digest()).decode(),
            "server_key": base64.b64encode(hmac.digest(salted, b"Server Key", "sha256")).decode()}]}

    def stop(self):
        self.hang.set()
        self.server.shutdown()
        self.server.server_close()


# --- logins ------------------------------------------------------------------------------------


def condition(element):
    """success, or the condition of a failure."""
    if element.tag == SASL + "success":
        return "success"
    assert element.tag == SASL + "failure", ET.tostring(element)
    return element[0].tag.removeprefix(SASL)


def offered(stream):
    features = stream.features()
    return [m.text for m in features.iter(SASL + "mechanism")]


def plain(server, domain, user, password):
    """What a PLAIN login ends with."""
    s = Stream(server, domain=domain)
    s.open()
    s.features()
    result = condition(s.plain(user, password))
    s.close()
    return result


def scram(server, domain, user, password):
    """The same of SCRAM-SHA-256 (RFC 7677)."""
    s = Stream(server, domain=domain)
    s.open()
    s.features()
    bare = f"n={user},r=abcdef"
    first = base64.b64encode(f"n,,{bare}".encode()).decode()
    s.send(f"<auth xmlns='{NS['sasl']}' mechanism='SCRAM-SHA-256'>{first}</auth>")
    e = s.receive()
    if e.tag != SASL + "challenge":
        return condition(e)
    challenge = base64.b64decode(e.text).decode()
    fields = dict(f.split("=", 1) for f in challenge.split(","))
    final = f"c=biws,r={fields['r']}"
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(fields["s"]), int(fields["i"]))
    key = hmac.digest(salted, b"Client Key", "sha256")
    signature = hmac.digest(hashlib.sha256(key).digest(), f"{bare},{challenge},{final}".encode(), "sha256")
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature))).decode()
    data = base64.b64encode(f"{final},p={proof}".encode()).decode()
    s.send(f"<response xmlns='{NS['sasl']}'>{data}</response>")
    result = condition(s.receive())
    s.close()
    return result


def session(server, domain, user, password):
    s = Stream(server, domain=domain)
    s.login(user, password)
    s.send("<presence/>")
    s.sync()
    return s


def auths(server):
    return [name for name in server.pids() if name.startswith("auth-")]


def log_of(server, process):
    with open(os.path.join(server.dir, "log", process + ".log"), errors="replace") as f:
        return f.read()


def log_count(server, text):
    return sum(text in line for name in auths(server) for line in log_of(server, name).splitlines())


def configure(server, text):
    """Adds to the configuration, of which auth takes notice by being started again."""
    with open(os.path.join(server.dir, "mercutio.conf"), "a") as f:
        f.write(text)
    checked = server.ctl("config", "check")
    assert checked.returncode == 0, checked.stderr
    old = {name: server.pids()[name] for name in auths(server)}
    for pid in old.values():
        os.kill(pid, signal.SIGTERM)
    eventually("auth is there again", lambda: server.ctl("status").returncode == 0 and
               all(server.pids().get(name, pid) != pid for name, pid in old.items()))


# --- LDAP --------------------------------------------------------------------------------------


def ldap_config(folder, directory, certs):
    secret = os.path.join(folder, "reader.secret")
    with open(secret, "w") as f:
        f.write("reader-secret\n")
    return f"""
host '{BIND}' {{ credentials = bind }}
host '{SEARCH}' {{ credentials = search }}
credentials bind {{
	type = ldap
	ldap_servers = {{'ldaps://127.0.0.1:{free_port()}', 'ldaps://127.0.0.1:{directory.tls_port}'}}
	ldap_dn = 'uid=%u,ou=people,dc=test'
	ca = '{certs.ca}'
	cache = 0
	timeout = 4s
	connect_timeout = 1s
	parallel = 2
	queue = 4
}}
credentials search {{
	type = ldap
	ldap_servers = {{'ldap://127.0.0.1:{directory.port}'}}
	ldap_base = 'dc=test'
	ldap_filter = '(&(objectClass=inetOrgPerson)(|(uid=%u)(mail=%u@%d)))'
	ldap_bind_dn = 'cn=reader,dc=test'
	ldap_password_file = '{secret}'
	ca = '{certs.ca}'
	timeout = 4s
}}
"""


def ldap_logins(server, domain):
    assert plain(server, domain, "joe", "secret") == "success"
    assert plain(server, domain, "joe", "Secret") == "not-authorized"
    assert plain(server, domain, "nobody", "secret") == "not-authorized"
    assert plain(server, domain, "joe", "secret") == "success"


def ldap_only_plain(server):
    s = Stream(server, domain=BIND)
    s.open()
    assert offered(s) == ["PLAIN"]
    s.close()
    assert scram(server, BIND, "joe", "secret") == "invalid-mechanism"
    s = Stream(server)
    s.open()
    assert "SCRAM-SHA-256" in offered(s)
    s.close()


def ldap_names_are_names(server):
    """RFC 4514 and 4515: what would be syntax in a DN or a filter is a part of the name."""
    for domain in (BIND, SEARCH):
        assert plain(server, domain, "a+b,(c)", "odd") == "success", domain
    for name in ("*", "jo*", "joe)(uid=*", "joe,ou=people", "joe,ou=people,dc=test", "joe\\2a", "+"):
        for domain in (BIND, SEARCH):
            assert plain(server, domain, name, "secret") == "not-authorized", (domain, name)
    assert plain(server, SEARCH, "odd", "odd") == "success"
    s = Stream(server, domain=BIND)
    s.open()
    s.features()
    data = base64.b64encode(b"\0joe\0").decode()  # RFC 4513 section 5.1.2
    s.send(f"<auth xmlns='{NS['sasl']}' mechanism='PLAIN'>{data}</auth>")
    assert condition(s.receive()) in ("malformed-request", "not-authorized")
    s.close()


def ldap_ambiguous(server):
    assert plain(server, SEARCH, "twin", "twin") == "not-authorized"
    assert log_count(server, "several entries fit") == 1
    assert plain(server, SEARCH, "twin1", "twin") == "success"


def account_is_usable(server):
    """It exists from its first login on, and is found, offline too."""
    assert f"ann@{BIND}" not in server.ctl("user", "list", BIND).stdout
    joe = session(server, BIND, "joe", "secret")
    joe.send(f"<message to='ann@{BIND}' type='chat' id='early'><body>early</body></message>")
    assert joe.receive().get("type") == "error"
    session(server, BIND, "ann", "ann-secret").close()
    assert f"ann@{BIND}" in server.ctl("user", "list", BIND).stdout
    joe.send(f"<message to='ann@{BIND}' type='chat' id='late'><body>late</body></message>")
    assert not joe.sync()
    ann = Stream(server, domain=BIND)
    ann.login("ann", "ann-secret")
    ann.send("<presence/>")
    while (e := ann.receive()).get("id") != "late":
        pass
    ann.close()
    joe.close()


def not_ours_to_change(server):
    for command in ("add", "passwd"):
        r = server.ctl("user", command, f"joe@{BIND}", stdin="other\n")
        assert r.returncode != 0 and "kept elsewhere" in r.stderr, r
    joe = session(server, BIND, "joe", "secret")
    for payload in ("<username>joe</username><password>other</password>", "<remove/>"):
        joe.send(f"<iq type='set' id='r'><query xmlns='jabber:iq:register'>{payload}</query></iq>")
        e = joe.receive()
        assert e.get("type") == "error", ET.tostring(e)
        assert e.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}not-allowed") is not None, ET.tostring(e)
    joe.close()
    s = Stream(server, domain=BIND)
    s.open()
    assert s.features().find(REGISTER) is None
    s.send("<iq type='set' id='r'><query xmlns='jabber:iq:register'><username>new</username>"
           "<password>x</password></query></iq>")
    e = s.receive()
    assert e.find(".//{urn:ietf:params:xml:ns:xmpp-stanzas}not-allowed") is not None, ET.tostring(e)
    s.close()
    assert plain(server, BIND, "joe", "secret") == "success"


def ldap_hangs(server, directory):
    """A directory that does not answer: nobody else waits, the operator is told once."""
    before = log_count(server, "credentials do not answer")
    directory.signal(signal.SIGSTOP)
    try:
        results = []
        threads = [threading.Thread(target=lambda: results.append(plain(server, BIND, "joe", "secret")))
                   for _ in range(8)]
        for t in threads:
            t.start()
        for _ in range(3):
            assert plain(server, "localhost", "romeo", "pw") == "success"
        for t in threads:
            t.join()
        assert results == ["temporary-auth-failure"] * 8, results
        assert log_count(server, "credentials do not answer") == before + 1
        status = server.ctl("status")
        assert status.returncode != 0
        assert 'the credentials "bind" (ldap) do not answer' in status.stdout, status.stdout
        assert log_count(server, "event=\"credentials answer again\"") == 0
    finally:
        directory.signal(signal.SIGCONT)
    eventually("LDAP works again", lambda: plain(server, BIND, "joe", "secret") == "success")
    assert log_count(server, "credentials answer again") == 1
    assert server.ctl("status").returncode == 0


def ldap_restarts(server, directory):
    """Connections that were kept are dead then: it is not the client who pays."""
    assert plain(server, SEARCH, "joe", "secret") == "success"
    directory.stop()
    assert plain(server, BIND, "joe", "secret") == "temporary-auth-failure"
    assert plain(server, SEARCH, "joe", "secret") == "success"  # remembered
    assert plain(server, SEARCH, "joe", "Secret") == "temporary-auth-failure"
    directory.start()
    assert plain(server, BIND, "joe", "secret") == "success"
    assert plain(server, SEARCH, "ann", "ann-secret") == "success"
    directory.stop()
    directory.start()
    assert plain(server, BIND, "joe", "secret") == "success"
    assert plain(server, SEARCH, "twin2", "twin") == "success"


def ldap_wrong_ca(server, directory, certs):
    configure(server, f"""
credentials bind {{ ca = '{certs.other}' }}
credentials search {{ ca = '{certs.other}' cache = 0 }}
""")
    assert plain(server, BIND, "joe", "secret") == "temporary-auth-failure"
    assert plain(server, SEARCH, "joe", "secret") == "temporary-auth-failure"
    assert log_count(server, "credentials do not answer") >= 2


# --- HTTP --------------------------------------------------------------------------------------


def web_config(folder, web, certs):
    token = os.path.join(folder, "token")
    with open(token, "w") as f:
        f.write("Bearer let-me-in\n")
    return f"""
host '{WEB}' {{ credentials = web }}
credentials web {{
	type = http
	http_url = 'https://127.0.0.1:{web.port}/check'
	http_authorization_file = '{token}'
	http_scram = 'SCRAM-SHA-256'
	ca = '{certs.ca}'
	cache = 0
	timeout = 2s
}}
"""


def web_logins(server, web):
    web.seen.clear()
    assert plain(server, WEB, "joe", "secret") == "success"
    headers, question = web.seen[-1]
    assert headers["Authorization"] == "Bearer let-me-in"
    assert headers["Content-Type"] == "application/json"
    assert question == {"user": "joe", "domain": WEB, "request": "check", "password": "secret"}
    assert plain(server, WEB, "joe", "Secret") == "not-authorized"
    assert plain(server, WEB, "ann", "secret") == "not-authorized"
    assert plain(server, WEB, "gone", "secret") == "account-disabled"
    assert plain(server, WEB, "gone", "Secret") == "not-authorized"
    assert f"joe@{WEB}" in server.ctl("user", "list", WEB).stdout
    assert f"ann@{WEB}" not in server.ctl("user", "list", WEB).stdout


def web_scram(server, web):
    s = Stream(server, domain=WEB)
    s.open()
    mechanisms = offered(s)
    s.close()
    assert "SCRAM-SHA-256" in mechanisms and "SCRAM-SHA-256-PLUS" in mechanisms, mechanisms
    assert not any("SHA-1" in m for m in mechanisms), mechanisms
    web.seen.clear()
    assert scram(server, WEB, "joe", "secret") == "success"
    assert web.seen[-1][1] == {"user": "joe", "domain": WEB, "request": "keys", "mechanism": "SCRAM-SHA-256"}
    assert scram(server, WEB, "joe", "Secret") == "not-authorized"
    assert scram(server, WEB, "ann", "secret") == "not-authorized"
    assert scram(server, WEB, "gone", "secret") == "account-disabled"
    session(server, WEB, "joe", "secret").close()


def web_fails(server, web):
    for mode, reason in (("error", "HTTP status 503"), ("long", "longer than http_max_answer"),
                         ("hang", "no answer within 2000 ms"), ("redirect", "HTTP status 302")):
        web.mode = mode
        assert plain(server, WEB, "joe", "secret") == "temporary-auth-failure", mode
        assert log_count(server, reason) == 1, (mode, reason)
        web.mode = "good"
        assert plain(server, WEB, "joe", "secret") == "success", mode


def web_wrong_ca(server, web, certs):
    configure(server, f"\ncredentials web {{ ca = '{certs.other}' }}\n")
    asked = len(web.seen)
    assert plain(server, WEB, "joe", "secret") == "temporary-auth-failure"
    assert len(web.seen) == asked


# --- PAM ---------------------------------------------------------------------------------------


def pam_config(folder):
    services = os.path.join(folder, "pam.d")
    os.mkdir(services)
    script = os.path.join(folder, "pam-check")
    with open(script, "w") as f:
        f.write('#!/bin/sh\nIFS= read -r password\n[ "$PAM_USER" = "joe" ] && [ "$password" = "secret" ]\n')
    os.chmod(script, stat.S_IRWXU)
    with open(os.path.join(services, "chat"), "w") as f:
        f.write(f"auth [success=1 default=ignore] pam_exec.so expose_authtok quiet {script}\n"
                "auth requisite pam_deny.so\nauth required pam_permit.so\naccount required pam_permit.so\n")
    return f"""
host '{HOST}' {{ credentials = host }}
credentials host {{ type = pam pam_service = chat pam_directory = '{services}' }}
"""


def pam_logins(server):
    s = Stream(server, domain=HOST)
    s.open()
    assert offered(s) == ["PLAIN"]
    s.close()
    assert plain(server, HOST, "joe", "secret") == "success"
    assert plain(server, HOST, "joe", "Secret") == "not-authorized"
    assert plain(server, HOST, "ann", "secret") == "not-authorized"
    session(server, HOST, "joe", "secret").close()


# --- two auth processes ------------------------------------------------------------------------


def second_auth_serves():
    with Server(users=["romeo:pw"], args=["--instances", "auth=2"]) as server:
        results, stop = [], threading.Event()

        def log_in():
            while not stop.is_set():
                try:
                    results.append(scram(server, "localhost", "romeo", "pw"))
                except Exception as e:  # what is wrong is told below
                    results.append(repr(e))

        threads = [threading.Thread(target=log_in) for _ in range(4)]
        for t in threads:
            t.start()
        for victim in ("auth-1", "auth-2"):
            n = len(results)
            eventually("logins go on", lambda n=n: len(results) > n + 8)
            pid = server.pids()[victim]
            server.kill(victim)
            n = len(results)
            eventually("logins go on without it", lambda n=n: results[n:].count("success") > 8)
            eventually("it is back", lambda v=victim, p=pid: server.pids().get(v, p) != p and
                       server.ctl("status").returncode == 0)
        stop.set()
        for t in threads:
            t.join()
        assert set(results) <= {"success", "temporary-auth-failure"}, set(results)
        # Of each thread at most the one login that was under way.
        assert results.count("temporary-auth-failure") <= 2 * len(threads), results


def lockout_moves():
    """Wrong passwords are counted by the instance of the account; with it gone, by the other one."""
    with Server(users=["romeo:pw"], args=["--instances", "auth=2", "--set", "auth.lockout_count=2",
                                          "--set", "auth.fail_delay=0"]) as server:
        def lock():
            for _ in range(2):
                assert plain(server, "localhost", "romeo", "no") == "not-authorized"
            for _ in range(4):  # whichever instance c2s asks first
                assert plain(server, "localhost", "romeo", "pw") == "not-authorized"

        lock()
        owner = next(p for p in ("auth-1", "auth-2") if "locked out" in log_of(server, p))
        server.kill(owner)
        eventually("the other one serves", lambda: plain(server, "localhost", "romeo", "pw") == "success")


# --- all of it ---------------------------------------------------------------------------------


def config_check(server):
    path = os.path.join(server.dir, "bad.conf")
    with open(path, "w") as f:
        f.write("domain = a.test\nhost 'a.test' { credentials = nowhere }\ncredentials x { type = http }\n")
    r = subprocess.run([os.path.join(BUILD, "tools", "mercutioctl"), "--config", path, "config", "check"],
                       capture_output=True, text=True)
    assert r.returncode != 0
    assert 'credentials of a.test: there is no section credentials "nowhere"' in r.stderr, r.stderr
    assert 'credentials "x": http_url is not set' in r.stderr, r.stderr


def ldap_tests(tap, server, folder, certs):
    try:
        directory = Directory(folder, certs)
    except (OSError, subprocess.CalledProcessError, AssertionError) as e:
        tap.skip("LDAP", f"slapd does not start here: {e}")
        return
    try:
        configure(server, ldap_config(folder, directory, certs))
        tap.run("LDAP: bind with a DN that is made", ldap_logins, server, BIND)
        tap.run("LDAP: search, then bind", ldap_logins, server, SEARCH)
        tap.run("LDAP: SCRAM is not offered", ldap_only_plain, server)
        tap.run("LDAP: names cannot be syntax, no password is no password", ldap_names_are_names, server)
        tap.run("LDAP: a filter that finds two", ldap_ambiguous, server)
        tap.run("an account exists from its first login on", account_is_usable, server)
        tap.run("accounts kept elsewhere are not changed here", not_ours_to_change, server)
        tap.run("LDAP: the directory hangs", ldap_hangs, server, directory)
        tap.run("LDAP: the directory is started again", ldap_restarts, server, directory)
        tap.run("LDAP: a certificate of another CA", ldap_wrong_ca, server, directory, certs)
    finally:
        directory.stop()


def web_tests(tap, server, folder, certs):
    web = WebService(certs)
    try:
        configure(server, web_config(folder, web, certs))
        tap.run("HTTP: passwords", web_logins, server, web)
        tap.run("HTTP: SCRAM with the service's keys", web_scram, server, web)
        tap.run("HTTP: no answer that counts", web_fails, server, web)
        tap.run("HTTP: a certificate of another CA", web_wrong_ca, server, web, certs)
    finally:
        web.stop()


def pam_tests(tap, server, folder):
    configure(server, pam_config(folder))
    tap.run("PAM: logins", pam_logins, server)


def main():
    tap = Tap()
    folder = tempfile.mkdtemp(prefix="mcred.")
    os.chmod(folder, 0o700)
    try:
        certs = Certificates(folder)
        with Server(users=["romeo:pw"], domains=DOMAINS,
                    args=["--register", "--set", "auth.fail_delay=0", "--unlimited"]) as server:
            tap.run("config check", config_check, server)
            for name, library, run in (("LDAP", "LDAP", lambda: ldap_tests(tap, server, folder, certs)),
                                       ("HTTP", "CURL", lambda: web_tests(tap, server, folder, certs)),
                                       ("PAM", "PAM", lambda: pam_tests(tap, server, folder))):
                if not built_with(library):
                    tap.skip(name, "not built in")
                elif name == "LDAP" and not os.access(SLAPD, os.X_OK):
                    tap.skip(name, "no slapd on this machine")
                else:
                    run()
        tap.run("a second auth serves when one dies", second_auth_serves)
        tap.run("a lock-out goes with its instance", lockout_moves)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    tap.done()


if __name__ == "__main__":
    main()
