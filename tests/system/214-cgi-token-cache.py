#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Plain CGI behind lighttpd with an identity provider: the token rests in
cache_dir between the processes, one of them at a time asks the provider, and
whatever is odd about folder or record is never believed."""
# valgrind: no, a program a request there outlasts the 8 s of a renewal
import concurrent.futures
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import providers
import raw_http
import stock_runner
import tap
from service import SESSION, UNAVAILABLE, shape

CALLERS = 12
LIFE = 300
NOT_READY = (503, b"no usable token is in hand\n")


def age(record, seconds):
    """Makes the token that much older, owner and mode of the record as they
    are."""
    content = json.loads(record.read_text())
    content["asked_ms"] -= seconds * 1000
    record.write_text(json.dumps(content))


class Cgi:
    """lighttpd that starts the program for each request; its cache_dir is
    .cache, which does not exist at first."""

    def __init__(self, b, stub):
        key = b.make_key()
        home = b.path("cache-home")
        home.mkdir()
        if b.is_root:
            shutil.chown(home, "www-data", "www-data")
        self.cache = home / "cache"
        self.record = self.cache / "token"
        self.public_key = b.public_key(key)
        self.lighttpd = b.start_lighttpd_cgi({
            "CP_TOKEN_KEY_FILE": key, "CP_TOKEN_CACHE_DIR": self.cache,
            "LOG_LEVEL": "debug", **providers.credentials(stub)})
        self.port = self.lighttpd.port
        self.bed = b
        self.others = self.count_children()

    def ask(self, session=SESSION):
        return raw_http.bearer(
            self.port, stock_runner.seal(self.public_key, session))

    def token(self):
        return providers.token_of(self.ask())

    def ready(self):
        answer = raw_http.request(self.port, "/readyz")
        return answer.status, answer.body

    def count_children(self):
        pid = self.lighttpd.pid
        return len(pathlib.Path(
            f"/proc/{pid}/task/{pid}/children").read_text().split())

    def count_running(self):
        """Processes that serve a request, or renew the token after one."""
        return self.count_children() - self.others

    def wait_until_quiet(self):
        bed.wait_until(lambda: self.count_running() == 0,
                       "no process of ours runs")

    def forget(self):
        """As on a new machine."""
        self.wait_until_quiet()
        if self.cache.is_symlink():
            self.cache.unlink()
        shutil.rmtree(self.cache, ignore_errors=True)

    def age(self, seconds):
        self.wait_until_quiet()
        age(self.record, seconds)

    def logged(self, text):
        return any(text in path.read_text("utf-8", "replace")
                   for path in self.bed.log_files())


def check_files(t, b, cgi, stub):
    t.equal(raw_http.request(cgi.port, "/healthz").body, b"ok",
            "/healthz is well without a token")
    t.equal(raw_http.request(cgi.port, "/metrics").status, 404,
            "/metrics is not found: no process lives to count")
    t.equal(stub.state()["requests"], 0, "neither asks the provider")
    t.equal(cgi.ready(), (200, b"ok"), "/readyz gets a token")
    t.equal(cgi.token(), "faulty-1", "which /token gives out")
    t.equal(cgi.token(), "faulty-1", "once more")
    t.equal(cgi.ready(), (200, b"ok"), "and /readyz is content with")
    t.equal(stub.state()["requests"], 1, "all of it for one request")
    t.equal(b.mode_of(cgi.cache), 0o700, "cache_dir is made with mode 0700")
    modes = {path.name: b.mode_of(path) for path in cgi.cache.iterdir()}
    t.equal(modes, {"token": 0o600, "lock": 0o600},
            "the files in it have mode 0600, and nothing else lies there")


def check_single_flight(t, cgi, stub, pool):
    cgi.forget()
    requests = stub.state()["requests"]
    stub.set(mode="hold")
    futures = [pool.submit(cgi.ask) for _ in range(CALLERS)]
    bed.wait_until(lambda: cgi.count_running() >= CALLERS,
                   "every caller has a process")
    bed.wait_until(lambda: stub.state()["requests"] > requests,
                   "the provider is asked")
    t.ok(not any(f.done() for f in futures),
         "callers are held while the provider is slow")
    stub.set(mode="ok")
    answers = [future.result(bed.PATIENCE) for future in futures]
    t.equal({a.status for a in answers}, {200}, "then all are served")
    t.equal(stub.state()["requests"], requests + 1,
            "for one request to the provider")
    t.equal(len({providers.token_of(a) for a in answers}), 1,
            "with the same token")


def check_renewal(t, cgi, stub):
    token = cgi.token()
    cgi.age(LIFE - 50)
    requests = stub.state()["requests"]
    stub.set(mode="hold")
    t.equal(cgi.token(), token, "a token that is due is given out still")
    bed.wait_until(lambda: stub.state()["requests"] > requests,
                   "it is renewed afterwards")
    t.equal({cgi.token() for _ in range(5)}, {token},
            "H-06: nobody waits for its renewal")
    t.equal(stub.state()["requests"], requests + 1,
            "and one process at a time renews it")
    stub.set(mode="ok")
    bed.wait_until(lambda: cgi.token() != token, "the next token is given")
    t.equal(stub.state()["requests"], requests + 1,
            "what the provider says then is the next token")
    token = cgi.token()
    cgi.age(LIFE - 50)
    stub.set(mode="500")
    t.equal({cgi.token() for _ in range(5)}, {token},
            "a renewal that fails changes nothing")
    cgi.wait_until_quiet()
    stub.set(mode="ok")
    cgi.age(41)
    fresh = bed.wait_until(cgi.token, "a token is given")
    t.ok(fresh != token, "H-04: a nearly expired one is not given out")


def fill(pipe):
    """Nothing more can be written into it until it is read."""
    os.set_blocking(pipe, False)
    try:
        while True:
            os.write(pipe, b" " * 4096)
    except BlockingIOError:
        os.set_blocking(pipe, True)


def is_ignoring(pid, number):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("SigIgn:\t")[2].split("\n")[0], 16)
    return mask >> (number - 1) & 1


def check_early_end(t, b, stub):
    """Without a web server, in place of one that ends the program as soon as
    it has the answer."""
    key, cache = b.make_key(), b.path("early-cache")
    shim = b.write_shim("early", {
        "CP_TOKEN_KEY_FILE": key, "CP_TOKEN_CACHE_DIR": cache,
        **providers.credentials(stub)})
    env = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
           "REQUEST_URI": "/readyz"}
    stub.set(mode="ok")
    subprocess.run([shim], env=env, check=True, capture_output=True,
                   stdin=subprocess.DEVNULL)
    requests = stub.state()["requests"]
    age(cache / "token", LIFE - 50)
    out, pipe = os.pipe()
    fill(pipe)
    process = subprocess.Popen([shim], env=env, stdout=pipe,
                               stdin=subprocess.DEVNULL)
    os.close(pipe)
    bed.wait_until(lambda: is_ignoring(process.pid, signal.SIGTERM),
                   "the program ignores SIGTERM before it has answered")
    process.send_signal(signal.SIGTERM)
    with os.fdopen(out, "rb") as stream:
        answer = stream.read()
    t.ok(answer.endswith(b"\r\n\r\nok"), "the answer is whole", answer[-80:])
    t.equal(process.wait(bed.PATIENCE), 0,
            "a program that is told to end as it answers")
    t.equal(stub.state()["requests"], requests + 1,
            "renews the token all the same")


def damage_each_way(record):
    """(what, a function that does it)"""
    whole = record.read_text()
    spoiled = {"an empty record": "", "garbage": "\0garbage",
               "a record cut short": whole[:-10],
               "a record without its token": whole.replace("token", "nekot"),
               "a huge record": whole + " " * 200000}
    for what, text in spoiled.items():
        yield what, lambda text=text: record.write_text(text)
    yield "a record that others may read", lambda: record.chmod(0o644)
    if os.geteuid() == 0:
        yield "a record of another user", lambda: os.chown(record, 0, 0)


def check_damage(t, b, cgi):
    before = cgi.token()
    for what, damage in damage_each_way(cgi.record):
        cgi.wait_until_quiet()
        damage()
        token = cgi.token()
        t.ok(token and token != before, f"{what} is not believed", token)
        t.equal(cgi.token(), token, f"{what} is replaced")
        t.equal((cgi.record.stat().st_uid, b.mode_of(cgi.record)),
                (cgi.cache.stat().st_uid, 0o600),
                f"{what} is replaced by a good one")
        before = token
    t.ok(cgi.logged("token_cache_ignored"), "the log tells of it")
    cgi.wait_until_quiet()
    target = cgi.cache.parent / "target"
    os.rename(cgi.record, target)
    whole = target.read_text()
    cgi.record.symlink_to(target)
    token = cgi.token()
    t.ok(token and token != before, "a record that is a symlink is not read")
    t.ok(not cgi.record.is_symlink() and target.read_text() == whole,
         "and is replaced, not written through")


def bad_folders(b, cgi):
    """(what, a function that makes it)"""
    def make(mode=0o700, owner="www-data", path=cgi.cache):
        path.mkdir()
        path.chmod(mode)
        if b.is_root:
            shutil.chown(path, owner, owner)

    def link():
        target = b.path("cache-target")
        make(path=target)
        cgi.cache.symlink_to(target)

    yield "that others may enter", lambda: make(0o755)
    yield "that the group may enter", lambda: make(0o750)
    yield "that is a symlink", link
    yield "that is a file", lambda: cgi.cache.write_text("")
    if b.is_root:
        yield "of another user", lambda: make(owner="root")


def check_folders(t, b, cgi, stub):
    for what, make in bad_folders(b, cgi):
        cgi.forget()
        make()
        requests = stub.state()["requests"]
        answer = cgi.ask()
        t.equal(shape(answer), UNAVAILABLE, f"a cache_dir {what} is refused")
        t.ok(int(answer.get("Retry-After") or 0) >= 1,
             "with a time to come again")
        t.equal(cgi.ready(), NOT_READY, "/readyz says so too")
        t.equal(stub.state()["requests"], requests,
                "no token is got that could not be kept")
        t.ok(not cgi.cache.is_dir() or not any(cgi.cache.iterdir()),
             "and nothing is written there")
        if cgi.cache.is_file():
            cgi.cache.unlink()
    t.ok(cgi.logged("token_cache_fault"), "the log tells of it")


def check_down(t, b, cgi, stub):
    cgi.forget()
    requests = stub.state()["requests"]
    stub.set(mode="wait", status="503", retry_after="60")
    answers = [cgi.ask() for _ in range(CALLERS)]
    t.equal({shape(a) for a in answers}, {UNAVAILABLE},
            "a provider that fails: /token says unavailable")
    pauses = {int(a.get("Retry-After") or 0) for a in answers}
    t.ok(30 <= min(pauses) and max(pauses) <= 60,
         "and for how long the provider wants no questions", pauses)
    t.equal(shape(cgi.ask("no id")), UNAVAILABLE,
            "what nobody can be given a token for is not opened")
    t.equal(cgi.ready(), NOT_READY, "/readyz says why not")
    t.equal(stub.state()["requests"], requests + 1,
            "it is not asked by each request")
    cgi.forget()
    stub.stop()
    answer = cgi.ask()
    t.equal(shape(answer), UNAVAILABLE, "a provider that is not there: "
            "/token says unavailable")
    pause = answer.get("Retry-After")
    t.ok(pause.isdigit() and 1 <= int(pause) <= 6,
         "and when to come again", pause)
    stub = providers.start_faulty(b, stub.idp_port)
    t.equal(bed.wait_until(cgi.token, "a token is given"), "faulty-1",
            "a provider that is back is found again")
    t.equal(cgi.ask("no id").status, 403, "then ciphertexts are opened")


with (tap.Tap() as t, bed.Bed(t) as b,
      concurrent.futures.ThreadPoolExecutor(CALLERS) as pool):
    stub = providers.start_faulty(b, life=LIFE)
    cgi = Cgi(b, stub)
    check_files(t, b, cgi, stub)
    check_single_flight(t, cgi, stub, pool)
    check_renewal(t, cgi, stub)
    check_early_end(t, b, stub)
    check_damage(t, b, cgi)
    check_folders(t, b, cgi, stub)
    check_down(t, b, cgi, stub)
    if not b.is_root:
        t.skip("records and folders of other users", "needs root")
    t.equal(b.find_in_logs(["faulty-", SESSION, providers.SECRET]), [],
            "no log holds a token or a secret")
