#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""No log of ours or of a web server holds a secret, at debug level, whatever
happens: successes, every kind of refusal, failing providers, reloads good and
refused, a drain, a killed responder, a missing socket. And nobody else can
look into the process that holds them."""
import base64
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fastcgi
import finder
import providers
import raw_http
import stock_runner
import tap

PROVIDER_FAULTS = ("500", "401", "garbage", "cut", "close", "redirect",
                   "status", "wait", "exact", "endless", "body")


class Scene:
    """What is shared by the steps: the bed, the secrets, who is asked."""

    def __init__(self, t, b):
        self.t, self.b = t, b
        self.finder = finder.Finder()
        self.key = b.make_key()
        self.add_key(self.key)
        self.public_key = b.public_key(self.key)
        self.ports = {}
        self.statuses = set()

    def add_key(self, path):
        body = "".join(path.read_text().splitlines()[1:-1])
        self.finder.add("a private key", body)
        self.finder.add("a private key", base64.b64decode(body)
                        .decode("latin-1"))

    def seal(self, session):
        """A credential, known as a secret with what is in it."""
        if len(session) >= 8:
            self.finder.add("a session id", session)
        word = stock_runner.seal(self.public_key, session)
        return self.finder.add("a ciphertext", word)

    def stranger(self):
        """A credential under a key that nobody has."""
        other = self.b.public_key(self.b.make_key())
        return self.finder.add("a ciphertext", stock_runner.seal(
            other, self.new("a session id", 27)))

    def good(self):
        return self.seal(self.finder.new("a session id", 27))

    def new(self, what, size=40):
        return self.finder.new(what, size)

    def query(self):
        return (f"?s={self.new('a session id in a query', 27)}"
                f"&p={self.new('a proof', 43)}")

    def ask(self, *args, **options):
        """The same of all web servers."""
        for port in self.ports.values():
            answer = raw_http.request(port, *args, **options)
            self.statuses.add(answer.status)
            self.learn(port, answer)

    def learn(self, port, answer):
        """A renewal handle is a secret too; it is used once."""
        found = re.search(rb'"renewal":"([^"]+)"', answer.body)
        if found:
            handle = self.finder.add("a handle", found.group(1).decode())
            self.statuses.add(raw_http.bearer(
                port, handle, "/token" + self.query()).status)

    def send(self, data):
        for port in self.ports.values():
            self.statuses.add(raw_http.exchange(port, data).status)


def bearer(word):
    return [("Authorization", "Bearer " + word)]


# --- requests -----------------------------------------------------------------

def drive_requests(scene):
    good = scene.good()
    for target in ("/token", "/token" + scene.query()):
        scene.ask(target, bearer(good))
    refused = [
        scene.seal("short"), scene.seal(scene.new("a long id", 130)),
        scene.seal("../" + scene.new("an id with a slash")),
        scene.seal("a\r\n\"}" + scene.new("an id with line ends")),
        scene.stranger(), scene.good()[:-4] + "AAA=",
        scene.good()[:-2], "=" + scene.good(), scene.new("a word")]
    for word in refused:
        scene.ask("/token" + scene.query(), bearer(word))
    for value in ("bearer " + scene.good(), scene.good(),
                  "Basic " + scene.new("a password"),
                  "Bearer " + scene.good() + ", Bearer " + scene.good(),
                  "Bearer  " + scene.good(), "Bearer\t" + scene.good(),
                  "Bearer \x01" + scene.good(), "Bearer \xff" + scene.good()):
        scene.ask("/token", [("Authorization", value)])
    scene.ask("/token", bearer(scene.good()) + bearer(scene.good()))


def drive_methods_and_paths(scene):
    for method in ("HEAD", "POST", "PUT", "OPTIONS", "TRACE", "CONNECT", "get",
                   scene.new("a secret for a method", 30)):
        scene.ask("/token" + scene.query(),
                  [*bearer(scene.good()), ("Content-Length", "0")],
                  method=method)
    for path in ("/token/", "//token", "/%74oken", "/a/../token", "/token;",
                 "/token%3f", "/token%3F", "/../token", "/token%zz",
                 "/token%00", "/token/../../", "/healthz", "/healthz/",
                 "/readyz", "/metrics", "/metrics/", "/_error/400", "/",
                 "http://token.test/token", "token", "/token#",
                 "/" + scene.new("a secret in a path") + "/",
                 "/token/" + scene.new("a secret in a path") + "/",
                 "/" + scene.good() + "/"):
        scene.ask(path + scene.query()[1:], bearer(scene.good()))
        scene.ask(path + scene.query(), bearer(scene.good()))


def drive_malformed(scene):
    host = "Host: token.test\r\nConnection: close\r\n"

    def auth():
        return "Authorization: Bearer " + scene.good() + "\r\n"

    def put(text):
        scene.send(text.encode("latin-1"))

    filler = scene.new("a secret in a long line", 300) * 20
    put(f"GET /token?{filler} HTTP/1.1\r\n{host}\r\n")
    put(f"GET /token{scene.query()} HTTP/1.1\r\n{host}X: {filler * 4}\r\n\r\n")
    put(f"GET /token{scene.query()} HTTP/1.1\r\nConnection: close\r\n"
        f"{auth()}\r\n")
    put(f"GET /token{scene.query()} HTTP/7.7\r\n{host}{auth()}\r\n")
    put(f"GET /token{scene.query()} HTTP/1.0\r\n{auth()}\r\n")
    put(f"GET /token{scene.query()}\r\n\r\n")
    put(f"{scene.new('garbage')} {scene.new('garbage')}\r\n\r\n")
    put(f"GET /token{scene.query()} HTTP/1.1 "
        f"{scene.new('a word behind')}\r\n{host}{auth()}\r\n")
    put(f"GET /token{scene.query()} HTTP/1.1\r\n{host}"
        f"{scene.new('a header without a colon')}\r\n\r\n")
    put(f"GET /token HTTP/1.1\r\nConnection: close\r\n"
        f"Host: {scene.new('a host')}\r\n{auth()}\r\n")
    put(f"GET /token HTTP/1.1\r\nConnection: close\r\n"
        f"Host: /{scene.new('a host that is none')}\r\n{auth()}\r\n")
    put(f"GET /token HTTP/1.1\r\n{host}Content-Length: "
        f"{scene.new('a length')}\r\n\r\n")
    put(f"GET /token HTTP/1.1\r\n{host}Transfer-Encoding: "
        f"{scene.new('a coding')}\r\n\r\n")
    put(f"POST /token{scene.query()} HTTP/1.1\r\n{host}Content-Length: 60\r\n"
        f"\r\n{scene.new('a body', 60)}")
    put(f"POST /token{scene.query()} HTTP/1.1\r\n{host}"
        f"Content-Length: 9999\r\n\r\n{scene.new('a body', 9999)}")
    names = ("Cookie", "X-Api-Key", "X-Request-Id", "Request-Id",
             "Traceparent", "Tracestate", "User-Agent", "Referer", "X-Forwarded-For",
             "Forwarded", "Proxy-Authorization", "X-Forwarded-User", "From",
             "Range", "Origin", "Proxy", "Expect", "Upgrade")
    for name in names:
        scene.ask("/token", [(name, scene.new(f"a {name} header")),
                             *bearer(scene.good())])


def drive_socket(scene, responder):
    """Straight at the socket, what no web server lets through."""
    def put(*params):
        fastcgi.ask(responder.socket, fastcgi.request(
            "GET", "/token" + scene.query(), params))

    put(("HTTP_AUTHORIZATION", "Bearer " + scene.good() + "\nX: y"))
    put(("HTTP_AUTHORIZATION", scene.new("a credential\n", 30)))
    put(("HTTP_AUTHORIZATION", "Bearer " + scene.good()),
        ("HTTP_AUTHORIZATION", "Bearer " + scene.good()))
    put(("HTTP_TRACEPARENT", "00-" + scene.new("a traceparent", 52)))
    put(("HTTP_COOKIE", scene.new("a cookie")))
    put((scene.new("the name of a parameter"), "x"))
    put(("REQUEST_ID", "\r\n" + scene.new("an id that is none")))
    fastcgi.ask(responder.socket, fastcgi.begin() + b"\x01\x09"
                + scene.new("bytes that are no request").encode() * 9)
    fastcgi.ask(responder.socket,
                b"GET /token" + scene.query().encode() + b" HTTP/1.1\r\n\r\n")
    # half of a request, and gone
    data = fastcgi.bearer(scene.good())
    with fastcgi.open_to(responder.socket) as connection:
        connection.sendall(data[:len(data) // 2])
    with fastcgi.open_to(responder.socket) as connection:
        connection.sendall(data)


def drive_all_requests(scene, responder):
    drive_requests(scene)
    if bed.WRAPPER:
        # each request is a process that takes seconds to start
        scene.ports.pop("cgi")
    drive_methods_and_paths(scene)
    drive_malformed(scene)
    drive_socket(scene, responder)


# --- the responder's own life -------------------------------------------------

def wait_for_new(responder, event, before):
    """Waits for one more line with that event than before."""
    bed.wait_until(lambda: count(responder, event) > before,
                   f"the responder logs {event} once more")


def count(responder, event):
    return responder.log().count(f'"event":"{event}"')


def put_in_place(b, path, text):
    fresh = path.with_suffix(".new")
    fresh.write_text(text)
    fresh.chmod(0o640)
    b.give_to_web_server(fresh)
    fresh.rename(path)


def drive_key_reloads(scene, b, responder):
    """The key file replaced by what is none, and by good ones."""
    good = scene.key.read_text()
    other = b.make_key()
    scene.add_key(other)
    broken = good[:400] + scene.new("a damaged key") + good[440:]
    texts = [scene.new("no key at all"), broken, good[:300],
             "-----BEGIN RSA PRIVATE KEY-----\n"
             + scene.new("a key of nonsense", 64)
             + "\n-----END RSA PRIVATE KEY-----\n"]
    for text in texts:
        before = count(responder, "key_refused")
        put_in_place(b, scene.key, text)
        wait_for_new(responder, "key_refused", before)
        scene.ask("/token" + scene.query(), bearer(scene.good()))
    before = count(responder, "key_refused")
    put_in_place(b, scene.key, good)
    scene.key.chmod(0o644)
    responder.signal(signal.SIGHUP)
    wait_for_new(responder, "key_refused", before)
    before = count(responder, "key_loaded")
    put_in_place(b, scene.key, other.read_text() + good)
    wait_for_new(responder, "key_loaded", before)
    scene.ask("/token" + scene.query(), bearer(scene.good()))


def drive_config_reloads(scene, responder, config, lines):
    for text in (f"no_such_key = {scene.new('an unknown value')}\n",
                 "log_level = loud\n",
                 scene.new("a line without a value") + "\n",
                 f"oidc_token_url = http://u:{scene.new('a password')}@h/\n"
                 f"oidc_client_id = x\n"
                 f"oidc_client_secret = {scene.new('a refused secret')}\n"
                 "token_source = oidc\n",
                 f"api_token_file = /nonexistent\n"
                 f"api_token = {scene.new('a token given twice')}\n"):
        before = count(responder, "reload_refused")
        config.write_text(text)
        responder.signal(signal.SIGHUP)
        wait_for_new(responder, "reload_refused", before)
    before = count(responder, "reloaded")
    config.write_text(lines)
    responder.signal(signal.SIGHUP)
    wait_for_new(responder, "reloaded", before)


def drive_static_token(scene, b, responder, path, port):
    """The file of the static token, with what is no token."""
    for text in (scene.new("a token with a blank", 30) + " x",
                 scene.new("a token in two lines") + "\nx\n",
                 "e30." + base64.urlsafe_b64encode(json.dumps({
                     "sub": "system:serviceaccount:" + scene.new("a subject"),
                 }).encode()).decode().rstrip("=") + ".c2ln",
                 scene.new("a very long token", 40000)):
        before = count(responder, "static_token_refused") + count(
            responder, "static_token_unread")
        scene.finder.add("a refused API token", text)
        put_in_place(b, path, text)
        responder.signal(signal.SIGHUP)
        bed.wait_until(
            lambda: count(responder, "static_token_refused") + count(
                responder, "static_token_unread") > before,
            "the responder refuses the token")
    fresh = scene.new("an API token", 300)
    put_in_place(b, path, fresh + "\n")
    responder.signal(signal.SIGHUP)
    bed.wait_until(lambda: fresh.encode() in raw_http.bearer(
        port, scene.good()).raw, "the fresh token is handed out")


# --- the stages ---------------------------------------------------------------

def run_static(scene, b):
    token_file = b.path("api-token")
    token_file.touch()
    put_in_place(b, token_file, scene.new("an API token", 300) + "\n")
    # so that queries with proofs that are secret but wrong get on
    lines = ("token_source = static\nbinding = off\n"
             f"api_token_file = {token_file}\n")
    config = b.write_config(lines)
    responder = b.start_responder(scene.key, config=config)
    cgi_env = {"CP_TOKEN_KEY_FILE": scene.key, "CP_TOKEN_SOURCE": "static",
               "AMBIENT_API_TOKEN": scene.new("an API token"),
               "CP_TOKEN_BINDING": "off",
               "LOG_LEVEL": "debug"}
    scene.ports = {
        "nginx": b.start_nginx(responder.socket).port,
        "lighttpd": b.start_lighttpd_fastcgi(responder.socket).port,
        "cgi": b.start_lighttpd_cgi(cgi_env).port}
    drive_all_requests(scene, responder)
    drive_key_reloads(scene, b, responder)
    drive_config_reloads(scene, responder, config, lines)
    drive_static_token(scene, b, responder, token_file, scene.ports["nginx"])
    check_log_id(scene, b, responder)
    # killed, and its socket still there; then gone; CGI needs neither
    scene.ports.pop("cgi", None)
    responder.kill()
    drive_requests(scene)
    drive_methods_and_paths(scene)
    os.unlink(responder.socket)
    drive_requests(scene)
    drive_methods_and_paths(scene)
    drive_malformed(scene)
    fresh = b.start_responder(scene.key, config=config,
                              socket_path=responder.socket)
    bed.wait_until(lambda: raw_http.request(
        scene.ports["nginx"], "/readyz").status == 200, "it is ready again")
    scene.ask("/token" + scene.query(), bearer(scene.good()))
    fresh.stop()


def check_log_id(scene, b, responder):
    session = scene.new("a session id", 27)
    raw_http.bearer(scene.ports["nginx"], scene.seal(session))
    done = subprocess.run(
        b.responder_argv("--log-id", session), capture_output=True, text=True,
        check=True, env={"CP_TOKEN_KEY_FILE": str(scene.key)},
        stdin=subprocess.DEVNULL)
    bed.wait_until(lambda: done.stdout.strip() in responder.log(),
                   "the session is in the log by its other name")
    scene.t.ok(True, "a session is in the log by what --log-id prints")


def run_oidc(scene, b):
    """Each fault of the provider, with and without a token in hand; then a
    drain with callers held."""
    idp = providers.start_faulty(
        b, token=scene.new("a token of the provider"), life=3600,
        body=json.dumps({
            "access_token": scene.new("a token that is none") + " \n",
            "error_description": scene.new("words of the provider")}))
    client_secret = scene.new("a client secret") + "/+ %&="
    scene.finder.add("a client secret", client_secret)
    env = providers.credentials(
        idp, "client-of-the-runners", client_secret)
    scene.finder.add("client and secret", f"{env['OIDC_CLIENT_ID']}:"
                     + client_secret)
    env["CP_TOKEN_BINDING"] = "off"
    cgi = {**env, "CP_TOKEN_KEY_FILE": scene.key, "LOG_LEVEL": "debug"}
    responder = b.start_responder(scene.key, env)
    scene.ports = {"nginx": b.start_nginx(responder.socket).port}
    providers.wait_until_ready(scene.ports["nginx"])
    scene.ask("/token" + scene.query(), bearer(scene.good()))
    for mode in ("refuse_basic_401", *PROVIDER_FAULTS):
        idp.set(mode=mode, size=70000, retry_after=1)
        before = idp.count(mode)
        responder.signal(signal.SIGHUP)
        bed.wait_until(lambda: idp.count(mode) > before,
                       f"the provider is asked in mode {mode}")
        scene.ask("/token" + scene.query(), bearer(scene.good()))
        # CGI with nothing in its cache
        port = b.start_lighttpd_cgi(cgi).port
        raw_http.bearer(port, scene.good(), "/token" + scene.query())
        raw_http.request(port, "/readyz")
    scene.t.ok(count(responder, "token_request_failed"),
               "failures of the provider are in the log")
    idp.set(mode="500")
    without = b.start_responder(scene.key, env)
    port = b.start_nginx(without.socket).port
    raw_http.bearer(port, scene.good(), "/token" + scene.query())
    drain_while_held(scene, b, idp, env)


def drain_while_held(scene, b, idp, env):
    idp.set(mode="hang")
    before = idp.count("hang")
    config = b.write_config("drain = 500ms\n")
    responder = b.start_responder(scene.key, env, config=config)
    bed.wait_until(lambda: idp.count("hang") > before, "the provider hangs")
    with fastcgi.open_to(responder.socket) as connection:
        connection.sendall(fastcgi.bearer(
            scene.good(), [("QUERY_STRING", scene.query())]))
        responder.signal(signal.SIGTERM)
        scene.statuses.add(fastcgi.read_answer(connection).status)
    responder.wait()


# --- the search ---------------------------------------------------------------

def check_finder(scene, b):
    """The search can find: every secret, in every form, in a copy of a log."""
    log = next(p for p in b.log_files() if p.name.startswith("responder"))
    copy = b.path("planted.log")
    missed, tried = [], 0
    for what, secret in scene.finder.known[::25]:
        for how, text in finder.forms(secret):
            if len(text) < finder.RUN:
                continue
            tried += 1
            middle = len(text) // 2 - finder.RUN // 2
            shutil.copy(log, copy)
            with open(copy, "ab") as stream:
                stream.write(b'{"event":"x","a":"' + text[
                    middle:middle + finder.RUN].encode("latin-1") + b'"}\n')
            if not scene.finder.find(
                    copy.read_bytes()[-200:].decode("latin-1")):
                missed.append((what, how))
    scene.t.ok(tried > 100 and not missed,
               f"the search finds what is planted, {tried} times", *missed)


def check_logs(scene, b):
    t = scene.t
    for path in b.log_files():
        hits = scene.finder.find_in_file(path)
        name = path.relative_to(b.logs)
        t.ok(not hits, f"{name}: no secret in it", *hits)
    for path in b.log_files():
        # lighttpd keeps what CGI programs say in a file of that name
        is_ours = path.name.startswith(("responder", "ambient-cp.log"))
        if is_ours or (path.name == "access.log" and "nginx" in str(path)):
            broken = [line for line in path.read_bytes().splitlines()
                      if not is_json(line)]
            t.ok(not broken, f"{path.relative_to(b.logs)}: each line is JSON",
                 *broken[:5])
    names = {path.name for path in b.log_files()}
    sizes = {path.name: path.stat().st_size for path in b.log_files()}
    t.ok({"access.log", "error.log", "responder.log"} <= names
         and sizes["responder.log"] > 10000,
         "all kinds of logs were searched", sizes)


def is_json(line):
    # what a wrapper says is no business of ours
    if line.startswith(b"=="):
        return True
    try:
        return isinstance(json.loads(line), dict)
    except ValueError:
        return False


# --- eyes on the process ------------------------------------------------------

def read_as(user, path):
    """The file's size as another process of the user sees it; -1: refused."""
    command = ["/usr/bin/head", "-c", "100", str(path)]
    if user:
        command = [bed.find_program("setpriv"), "--reuid", user, "--regid",
                   user, "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, check=False)
    return len(done.stdout) if done.returncode == 0 else -1


def start_as(b, user, name, argv, env=None):
    if user:
        argv = [bed.find_program("setpriv"), "--reuid", user, "--regid", user,
                "--clear-groups", *argv]
    return b.start(name, argv, env)


def check_process(scene, b):
    """As the user that it runs as, seen by others of that user."""
    t = scene.t
    user = "www-data" if b.is_root else None
    folder = b.path("own")
    folder.mkdir()
    if user:
        shutil.chown(folder, user, user)
    env = {"CP_TOKEN_KEY_FILE": scene.key, "CP_TOKEN_SOURCE": "static",
           "AMBIENT_API_TOKEN": scene.new("an API token")}
    shim = b.write_shim("as-a-user", env,
                        ["--socket", str(folder / "token.sock")])
    responder = start_as(b, user, "responder-of-a-user", [shim])
    b.wait_for(responder, lambda: bed.accepts(str(folder / "token.sock")),
               "the responder listens")
    other = start_as(b, user, "sleeper", ["/bin/sleep", "600"])
    other.good_statuses = None
    here = f"/proc/{responder.pid}"
    bed.wait_until(lambda: read_as(user, f"/proc/{other.pid}/environ") > 0,
                   "a process without protection shows its environment")
    for name in ("environ", "maps", "auxv", "stack", "io"):
        t.equal(read_as(user, f"{here}/{name}"), -1,
                f"another process of its user cannot read its {name}")
    t.equal(os.stat(f"{here}/environ").st_uid, 0,
            "what /proc shows of it belongs to root: it is not dumpable")
    t.ok(not user or os.stat(f"/proc/{other.pid}/environ").st_uid != 0,
         "which is not so for other processes of its user")
    t.ok(not can_open_memory(user, responder.pid)
         and can_open_memory(user, other.pid),
         "another process of its user cannot open its memory")
    with open(f"{here}/status") as stream:
        t.ok(re.search(r"(?m)^NoNewPrivs:\s*1$", stream.read()),
             "it can gain no new privileges")
    with open(f"{here}/limits") as stream:
        t.ok(re.search(r"(?m)^Max core file size\s+0\s+0\s", stream.read()),
             "it leaves no core dump")


def can_open_memory(user, pid):
    code = f"import os; os.open('/proc/{pid}/mem', os.O_RDONLY)"
    command = ["/usr/bin/python3", "-c", code]
    if user:
        command = [bed.find_program("setpriv"), "--reuid", user, "--regid",
                   user, "--clear-groups", *command]
    return subprocess.run(command, capture_output=True,
                          check=False).returncode == 0


with tap.Tap() as t, bed.Bed(t) as b:
    scene = Scene(t, b)
    run_static(scene, b)
    run_oidc(scene, b)
    check_process(scene, b)
    b.close()
    t.ok(scene.statuses >= {200, 400, 401, 403, 404, 405, 503},
         "answers of all kinds were seen", sorted(scene.statuses))
    check_logs(scene, b)
    check_finder(scene, b)
