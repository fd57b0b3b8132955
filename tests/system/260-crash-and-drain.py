#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The responder is killed, starved of descriptors, drained, reloaded and
flooded: clients get 503 and Retry-After at worst, and it comes back."""
import datetime
import itertools
import json
import os
import random
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fastcgi
import load
import metrics
import raw_http
import stock_runner
import tap

API_TOKEN = "an-api-token-of-the-static-source"
SOURCE = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": API_TOKEN}
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
FEW_DESCRIPTORS = 64
HEALTHZ = fastcgi.request("GET", "/healthz")


class FaultyIdp:
    """tests/support/faulty_idp.py, ruled by its standard input."""

    def __init__(self):
        self.popen = subprocess.Popen(
            [sys.executable, bed.SUPPORT / "faulty_idp.py", "--stdin"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.url = json.loads(self.popen.stdout.readline())["token_url"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.popen.stdin.close()
        self.popen.wait()
        self.popen.stdout.close()

    def set(self, query=""):
        self.popen.stdin.write(query + "\n")
        self.popen.stdin.flush()
        return json.loads(self.popen.stdout.readline())

    def source(self):
        return {"OIDC_TOKEN_URL": self.url, "OIDC_CLIENT_ID": "control-plane",
                "OIDC_CLIENT_SECRET": "a-secret-of-the-control-plane"}


def send(address, data):
    """A connection on which data was sent, to be read later."""
    peer = fastcgi.open_to(address)
    peer.sendall(data)
    return peer


def send_tokens(address, public_key, number):
    data = [fastcgi.bearer(stock_runner.seal(public_key, SESSION))
            for _ in range(number)]
    return [send(address, d) for d in data]


def read_all(peers):
    answers = [fastcgi.read_answer(peer) for peer in peers]
    for peer in peers:
        peer.close()
    return answers


def is_polite(answer, statuses=(503,)):
    """Unavailable as clients know it; 502 comes from nginx alone."""
    return (answer.status in statuses and answer.body == b"unavailable\n"
            and answer.get("Retry-After").isdigit())


def check_polite(t, clients, what):
    rude = [a for a in clients.others if not is_polite(a, (502, 503))]
    t.ok(not rude, f"{what}: clients see 200, or 502 or 503 in our words "
         "with Retry-After", clients.counts, rude[:3])


def wait_for_token(address):
    bed.wait_until(
        lambda: fastcgi.ask(address, fastcgi.request("GET", "/readyz")).status
        == 200, "it is ready")


# --- crash --------------------------------------------------------------------

def check_crash(t, b, key, public_key):
    responder = b.start_responder(key, SOURCE)
    path = responder.socket
    port = b.start_nginx(path).port
    wait_for_token(path)
    with load.Load(port, [public_key]) as clients:
        clients.wait_for_more()
        responder.kill()
        clients.wait_for_more(status=502)
        stale = os.stat(path).st_ino
        b.start_responder(key, SOURCE, socket_path=path)
        clients.wait_for_more()
    check_polite(t, clients, "killed under load")
    t.ok(os.stat(path).st_ino != stale,
         "a new responder replaces the stale socket")
    t.equal(b.mode_of(path), 0o660, "the new socket has mode 0660")


# --- descriptors --------------------------------------------------------------

def times_of(log, event):
    found = [json.loads(line) for line in log.splitlines()
             if f'"event":"{event}"' in line]
    return [datetime.datetime.fromisoformat(e["time"].replace("Z", "+00:00"))
            for e in found]


def check_starvation(t, b, key, public_key):
    if bed.WRAPPER:
        t.skip("it lives through a lack of descriptors",
               "valgrind takes what it cannot number out of the backlog")
        return
    path = b.socket_path()
    flags = ["--socket", path]
    responder = b.start(
        "starved", ["sh", "-c", f'ulimit -n {FEW_DESCRIPTORS}; exec "$@"',
                    "sh", *b.responder_argv(*flags)],
        {**SOURCE, "CP_TOKEN_KEY_FILE": str(key)})
    b.wait_for(responder, lambda: bed.accepts(str(path)), "it listens")
    wait_for_token(path)
    peers = [fastcgi.open_to(path) for _ in range(3 * FEW_DESCRIPTORS)]
    bed.wait_until(
        lambda: len(times_of(responder.log(), "accept_failed")) >= 3,
        "it complains that it has no descriptors")
    times = times_of(responder.log(), "accept_failed")
    for peer in peers:
        peer.close()
    t.equal(fastcgi.ask(path, HEALTHZ).status, 200,
            "it serves again once descriptors are free")
    answer = fastcgi.ask(path, fastcgi.bearer(
        stock_runner.seal(public_key, SESSION)))
    t.equal(answer.status, 200, "it opens ciphertexts again")
    gaps = [(b - a).total_seconds() for a, b in itertools.pairwise(times)]
    t.ok(min(gaps) >= 0.9, "it complains once a second at most", gaps)
    silent = [send(path, HEALTHZ) for _ in range(3 * FEW_DESCRIPTORS)]
    t.equal({a.status for a in read_all(silent)}, {200},
            "more callers at once than descriptors are all answered")


# --- drain --------------------------------------------------------------------

def check_drain(t, b, key, public_key):
    responder = b.start_responder(key, SOURCE, ["--workers", "1"])
    wait_for_token(responder.socket)
    peers = send_tokens(responder.socket, public_key,
                        5 if bed.WRAPPER else 80)
    responder.signal(signal.SIGTERM)
    responder.wait_for_log('"event":"draining"')
    responder.signal(signal.SIGTERM)
    t.equal({a.status for a in read_all(peers)}, {200},
            "SIGTERM, and once more: all that are held are answered")
    t.equal(responder.wait(), 0, "after a drain it ends with 0")
    t.ok(not os.path.lexists(responder.socket), "its socket is gone")


def check_short_drain(t, b, key, public_key):
    responder = b.start_responder(key, SOURCE,
                                  ["--workers", "1", "--drain", "0s"])
    wait_for_token(responder.socket)
    peers = send_tokens(responder.socket, public_key, 200)
    responder.signal(signal.SIGTERM)
    answers = read_all(peers)
    late = [a for a in answers if a.status != 200]
    t.ok(late and all(is_polite(a) and a.is_ended for a in late),
         "no time to drain: the rest gets 503 and Retry-After",
         [a for a in late if not is_polite(a)][:3], len(late))
    t.equal(responder.wait(), 0, "without time to drain it ends with 0")


def check_drain_of_nginx(t, b, key, public_key):
    """A rolling restart as clients of nginx see it."""
    responder = b.start_responder(key, SOURCE)
    path = responder.socket
    port = b.start_nginx(path).port
    wait_for_token(path)
    with load.Load(port, [public_key]) as clients:
        for _ in range(3):
            clients.wait_for_more()
            responder.stop()
            responder = b.start_responder(key, SOURCE, socket_path=path)
        clients.wait_for_more()
    check_polite(t, clients, "restarted under load")


def check_hanging_provider(t, b, key, public_key):
    with FaultyIdp() as idp:
        idp.set("mode=hang")
        config = b.write_config("mint_wait = 60s\ndrain = 0s\n")
        responder = b.start_responder(key, idp.source(), config=config)
        bed.wait_until(lambda: idp.set()["requests"] == 1, "it mints")
        peers = send_tokens(responder.socket, public_key, 3)
        responder.signal(signal.SIGTERM)
        answers = read_all(peers)
        t.ok(all(is_polite(a) for a in answers),
             "SIGTERM while the provider hangs: the held get 503", answers)
        t.equal(responder.wait(), 0, "it ends although the provider hangs")
        t.equal(idp.set()["requests"], 1, "it asked the provider no more")


# --- queue and reload ---------------------------------------------------------

def check_full_queue(t, b, key, public_key):
    with FaultyIdp() as idp:
        idp.set("mode=slow&seconds=5&token=late")
        config = b.write_config("queue_length = 4\n")
        responder = b.start_responder(key, idp.source(), config=config)
        bed.wait_until(lambda: idp.set()["requests"] == 1, "it mints")
        peers = send_tokens(responder.socket, public_key, 12)
        answers = read_all(peers)
        given = [a for a in answers if a.status == 200]
        t.equal(len(given), 4, "as many as queue_length says are held")
        t.equal(sum(is_polite(a) for a in answers), 8,
                "the others get 503 and Retry-After")
        t.ok(all(b"late" in a.body for a in given),
             "the held ones get the token that came", given)


def start_with_file(b, path):
    """A responder that has everything from a file, to be reloaded."""
    group = ["--socket-group", "www-data"] if b.is_root else []
    socket_path = b.socket_path()
    responder = b.start("responder", b.responder_argv(
        "--socket", socket_path, *group, config=path),
        {"AMBIENT_API_TOKEN": API_TOKEN})
    responder.socket = socket_path
    b.wait_for(responder, lambda: bed.accepts(str(socket_path)),
               "the responder listens")
    wait_for_token(socket_path)
    return responder


def reload(responder, config, text, event="reloaded"):
    config.write_text(text)
    count = responder.log().count(f'"event":"{event}"')
    responder.signal(signal.SIGHUP)
    bed.wait_until(
        lambda: responder.log().count(f'"event":"{event}"') > count,
        f"the log says {event}")


def check_reload(t, b, key, public_key):
    other = b.make_key()
    lines = f"token_source = static\nkey_file = {key}\n"
    config = b.write_config(lines)
    responder = start_with_file(b, config)
    fastcgi.ask(responder.socket, HEALTHZ)
    t.ok('"path":"/healthz"' not in responder.log(), "no debug lines at first")
    reload(responder, config, lines + "log_level = debug\n")
    fastcgi.ask(responder.socket, HEALTHZ)
    responder.wait_for_log('"path":"/healthz"')
    t.ok(True, "SIGHUP changes log_level")

    def statuses():
        return [fastcgi.ask(responder.socket, fastcgi.bearer(
            stock_runner.seal(k, SESSION))).status
            for k in (public_key, b.public_key(other))]

    t.equal(statuses(), [200, 401], "one key before the reload")
    reload(responder, config,
           f"token_source = static\nkey_file = {other}\n")
    t.equal(statuses(), [401, 200], "SIGHUP changes key_file")
    for name, text in [
            ("an unknown key", f"key_file = {key}\nnonsense = 1\n"),
            ("a word for a number", f"key_file = {key}\nqueue_length = x\n"),
            ("no sense", "key_file\n[=")]:
        reload(responder, config, text, "reload_refused")
        t.equal(statuses(), [401, 200], f"{name} at SIGHUP changes nothing")
    t.ok(str(config) in responder.log().split("reload_refused")[-1],
         "the complaint names the file", responder.log()[-500:])
    config.unlink()
    responder.signal(signal.SIGHUP)
    t.equal(statuses(), [401, 200], "without its file it serves on")
    check_reloaded_queue(t, b, config, responder, other)


def check_reloaded_queue(t, b, config, responder, key):
    """From many to one: of a burst some are turned away."""
    lines = f"token_source = static\nkey_file = {key}\n"
    public_key = b.public_key(key)
    t.equal({a.status for a in read_all(
        send_tokens(responder.socket, public_key, 60))}, {200},
        "a burst is held")
    reload(responder, config, lines + "queue_length = 1\n")
    answers = read_all(send_tokens(responder.socket, public_key, 60))
    t.ok({a.status for a in answers} == {200, 503}
         and all(is_polite(a) for a in answers if a.status == 503),
         "SIGHUP changes queue_length", {a.status for a in answers})


# --- flood --------------------------------------------------------------------

def garbage(draw, public_key):
    """One of the things that strangers may send, and whether it is a whole
    request, which has an answer."""
    sealed = stock_runner.seal(public_key, SESSION)
    return draw.choice([
        lambda: (draw.randbytes(draw.randrange(1, 3000)), False),
        lambda: (fastcgi.record(draw.randrange(12), draw.randbytes(200)),
                 False),
        lambda: (fastcgi.head("GET", "/token")[:draw.randrange(60)], False),
        lambda: (fastcgi.request("GET", "/" + "x" * draw.randrange(8000)),
                 True),
        lambda: (fastcgi.bearer("A" * draw.randrange(9000)), True),
        lambda: (fastcgi.bearer(sealed[:-1]), True),
        lambda: (fastcgi.bearer("AAAA" + sealed[4:]), True),
        lambda: (fastcgi.bearer(sealed), True),
    ])()


def flood(address, draw, public_key, number):
    for _ in range(number):
        data, is_whole = garbage(draw, public_key)
        with fastcgi.open_to(address) as peer:
            try:
                peer.sendall(data)
                if is_whole:
                    fastcgi.read_answer(peer)
            except BrokenPipeError:
                pass


def check_flood(t, b, key, public_key):
    name = "memory stays flat under a flood of garbage"
    if bed.WRAPPER or "ASAN_OPTIONS" in os.environ:
        t.skip(name, "valgrind and sanitizers keep what was freed")
        return
    config = b.write_config("cache_entries = 100\n")
    responder = b.start_responder(key, {**SOURCE, "LOG_LEVEL": "error"},
                                  config=config)
    wait_for_token(responder.socket)
    draw = random.Random(1)
    flood(responder.socket, draw, public_key, 1500)
    before = responder.memory_kb()
    flood(responder.socket, draw, public_key, 6000)
    after = responder.memory_kb()
    t.diag(f"resident: {before} KB, then {after} KB")
    t.ok(after < 1.5 * before, name, (before, after))
    t.equal(fastcgi.ask(responder.socket, fastcgi.bearer(
        stock_runner.seal(public_key, SESSION))).status, 200,
        "after the flood it serves")
    text = fastcgi.ask(responder.socket, fastcgi.request("GET", "/metrics"))
    t.ok(metrics.parse(text.body.decode())["refused_connections_total"] > 100,
         "refused connections are counted")


with tap.Tap() as t, bed.Bed(t) as b:
    KEY = b.make_key()
    PUBLIC = b.public_key(KEY)
    BIG = b.make_key(4096)
    check_crash(t, b, KEY, PUBLIC)
    check_starvation(t, b, KEY, PUBLIC)
    check_drain(t, b, BIG, b.public_key(BIG))
    check_short_drain(t, b, BIG, b.public_key(BIG))
    check_drain_of_nginx(t, b, KEY, PUBLIC)
    check_hanging_provider(t, b, KEY, PUBLIC)
    check_full_queue(t, b, KEY, PUBLIC)
    check_reload(t, b, KEY, PUBLIC)
    check_flood(t, b, KEY, PUBLIC)
