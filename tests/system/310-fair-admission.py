#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may wait, and in which order: one address that floods the responder, or
sends and hangs up, costs nobody else an answer; a full queue and full memory
say so at once; a proof that comes later counts; and whoever waited gets what
is its own. One slow worker, FastCGI without a web server, so that every caller
may have any address. Order and counts are judged, never time."""
import base64
import json
import os
import resource
import select
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import binding
import fastcgi
import metrics
import stock_runner
import tap

SOURCE = {"CP_TOKEN_SOURCE": "static", "LOG_LEVEL": "warn",
          "AMBIENT_API_TOKEN": "an-api-token-of-the-static-source"}
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
BITS = 2048 if bed.WRAPPER else 4096
FLOOD = 300 if bed.WRAPPER else 5000
HERD = 20 if bed.WRAPPER else 200
CROWD = 60 if bed.WRAPPER else 200
OTHERS = 8
QUEUE = 200 if bed.WRAPPER else 1000
SHARE = 16384 // 9 + 1  # of the default queue_length
IS_SLOW_TO_FREE = bed.WRAPPER or not {"ASAN_OPTIONS", "TSAN_OPTIONS"
                                      }.isdisjoint(os.environ)


class Service:
    """A responder with one worker."""

    def __init__(self, b, key, lines="", files=None):
        self.key = key
        self.public_key = b.public_key(key)
        config = b.write_config(lines)
        if files:
            self.responder = self.start_with_files(b, key, config, files)
        else:
            self.responder = b.start_responder(
                key, SOURCE, ["--workers", "1"], config=config)
        bed.wait_until(lambda: self.ask(
            fastcgi.request("GET", "/readyz")).status == 200, "it is ready")

    @staticmethod
    def start_with_files(b, key, config, files):
        """One that may open no more files than that."""
        path = b.socket_path()
        argv = b.responder_argv("--socket", path, "--workers", "1",
                                config=config)
        responder = b.start(
            "responder", ["sh", "-c", f'ulimit -n {files}; exec "$@"', "sh",
                          *argv],
            {**SOURCE, "CP_TOKEN_KEY_FILE": str(key)})
        responder.socket = path
        b.wait_for(responder, lambda: bed.accepts(str(path)), "it listens")
        return responder

    def ask(self, data):
        return fastcgi.ask(self.responder.socket, data)

    def seal(self, session=SESSION):
        return stock_runner.seal(self.public_key, session)

    def metrics(self):
        answer = self.ask(fastcgi.request("GET", "/metrics"))
        return metrics.parse(answer.body.decode())

    def send(self, address, credential, target="/token", params=()):
        """A connection on which a request was sent, to be read later."""
        peer = fastcgi.open_to(self.responder.socket)
        data = fastcgi.request("GET", target, [
            ("HTTP_AUTHORIZATION", "Bearer " + credential),
            ("REMOTE_ADDR", address), *params])
        try:
            peer.sendall(data)
        except BrokenPipeError:
            pass  # it was refused before it was read
        return peer

    def wait_until_empty(self):
        """Nothing is held, and no ciphertext is kept for a retry."""
        bed.wait_until(lambda: self.metrics()["held_bytes"] == 0,
                       "nothing is held any more")


def useless(number):
    """A ciphertext that no key opens; below every modulus of that size."""
    text = number.to_bytes(8, "big") * (BITS // 64)
    return base64.b64encode(b"\0" + text[1:]).decode()


def read_all(peers):
    answers = [fastcgi.read_answer(peer) for peer in peers]
    for peer in peers:
        peer.close()
    return answers


def leave(peers):
    for peer in peers:
        peer.close()


def other_address(number):
    return bed.pod_address(1000 + number)


def find_answered(peers):
    """Those that have something to read now."""
    watch = select.poll()
    by_number = {peer.fileno(): peer for peer in peers}
    for number in by_number:
        watch.register(number, select.POLLIN)
    return [by_number[number] for number, _ in watch.poll(0)]


def check_others(t, service, what):
    """Callers of other addresses, in the midst of something: all are served,
    and before it."""
    sealed = [service.seal() for _ in range(OTHERS)]
    before = service.metrics()
    answers = read_all([service.send(other_address(i), credential)
                        for i, credential in enumerate(sealed)])
    after = service.metrics()
    t.equal([a.status for a in answers], [200] * OTHERS,
            f"{what}: the others are all served")
    opened = after.operations() - before.operations()
    # one turn each, and what was opened before they came and after
    t.ok(opened <= 4 * OTHERS, f"{what}: and wait for no more than their turn",
         f"{opened} were opened meanwhile")
    return after


# --- one address floods ------------------------------------------------------

def is_polite(answer):
    pause = answer.get("Retry-After")
    return (answer.status == 503 and pause.isdigit() and int(pause) >= 1
            and answer.body == b"unavailable\n")


def check_flood(t, b, key, name, size, address_of):
    service = Service(b, key)
    peers = [service.send(address_of(i), useless(i)) for i in range(size)]
    bed.wait_until(lambda: service.metrics()["unseal_queue_length"] > 0,
                   "some of the flood are held")
    after = check_others(t, service, name)
    t.ok(after["unseal_queue_length"] > OTHERS, f"{name}: which still waits",
         f"{after['unseal_queue_length']} are held")
    check_share(t, service, name, peers, after)
    service.wait_until_empty()
    t.ok(True, f"{name}: when it has gone nothing of it stays")
    service.responder.stop()


def check_share(t, service, name, peers, seen):
    # by its share, or (on a busy machine) by the wait to expect
    refused = int(seen.total("busy_total"))
    t.equal(seen['busy_total{reason="length"}'], 0,
            f"{name}: it does not fill the queue")
    held = len(peers) - refused
    t.ok(held <= SHARE + seen.operations(),
         f"{name}: it holds no more than a ninth", f"{held} were held")
    # those that were refused have their answer, whatever is still held
    answers = [fastcgi.read_answer(peer) for peer in find_answered(peers)]
    polite = sum(is_polite(a) for a in answers)
    t.ok(polite >= refused and {a.status for a in answers} <= {401, 503},
         f"{name}: the rest is refused at once, with Retry-After",
         f"{refused} were refused, {polite} have an answer that says so")
    leave(peers)


# --- callers that hang up ----------------------------------------------------

def check_abandoned(t, b, key):
    """With so little patience that a queue of them would refuse everyone."""
    name = "a flood that hangs up"
    wait = "60s" if bed.WRAPPER else "1s"
    service = Service(b, key, f"queue_wait = {wait}\n")
    service.ask(fastcgi.bearer(service.seal()))  # how long one takes
    dropped = 'unseal_total{result="dropped"}'
    for start in range(0, FLOOD // 2, 50):
        leave([service.send(bed.pod_address(start + i), useless(start + i))
               for i in range(50)])
    bed.wait_until(lambda: service.metrics()["held_requests"] == 0,
                   "those who hung up are not held")
    kept = service.metrics()["held_bytes"]
    t.ok(kept > 0, f"{name}: its ciphertexts are kept for a while", kept)
    after = check_others(t, service, name)
    service.wait_until_empty()
    after = service.metrics()
    t.equal(after.operations() + after[dropped] + after.total("busy_total"),
            FLOOD // 2 + OTHERS + 1,
            f"{name}: each is opened, dropped or refused, once")
    service.responder.stop()


# --- full --------------------------------------------------------------------

def check_full_queue(t, b, key):
    name = "a full queue"
    service = Service(b, key, f"queue_length = {QUEUE}\nqueue_wait = 10min\n")
    peers = [service.send(bed.pod_address(i), useless(i))
             for i in range(QUEUE + 50)]
    bed.wait_until(
        lambda: service.metrics()['busy_total{reason="length"}'] > 0,
        "the queue is full")
    before = service.metrics()
    t.ok(QUEUE * 0.8 <= before["held_requests"] <= QUEUE,
         f"{name}: as many are held as may be", before["held_requests"])
    rss = service.responder.memory_kb()
    late = [service.send(other_address(i), useless(QUEUE + 50 + i))
            for i in range(FLOOD // 2)]
    # whoever finds no room is answered although nobody's turn has come
    refused = bed.wait_until(
        lambda: [peer for peer in find_answered(late)], "more are answered")
    still = service.metrics()["held_requests"]
    t.ok(still > QUEUE / 2, f"{name}: more are told so before its end",
         f"{still} are still held")
    answers = [fastcgi.read_answer(peer) for peer in refused]
    pauses = {int(a.get("Retry-After") or 0) for a in answers
              if a.status == 503}
    # a thousand operations take more than two seconds anywhere, the fewer
    # ones under valgrind perhaps not
    t.ok(pauses and min(pauses) >= (1 if bed.WRAPPER else 2),
         f"{name}: and when there may be room", f"Retry-After: {pauses}")
    if IS_SLOW_TO_FREE:
        t.skip(f"{name}: memory stays flat",
               "valgrind and sanitizers keep what was freed")
    else:
        more = service.responder.memory_kb() - rss
        t.ok(more < 1024, f"{name}: memory stays flat", f"{more} KB more")
    leave(peers + late)
    service.wait_until_empty()
    t.equal(service.ask(fastcgi.bearer(service.seal())).status, 200,
            f"{name}: afterwards everybody is served")
    service.responder.stop()


def check_memory(t, b, key):
    name = "full memory"
    service = Service(b, key, "queue_memory_mib = 1\n")
    large = [("HTTP_X_PADDING", "x" * 20000)]
    peers = [service.send(bed.pod_address(i), useless(i), params=large)
             for i in range(60)]
    bed.wait_until(
        lambda: service.metrics()['busy_total{reason="memory"}'] > 0,
        "memory is full")
    now = service.metrics()
    t.ok(now["held_bytes"] <= 1 << 20, f"{name}: never more than allowed",
         now["held_bytes"])
    t.ok(20 <= now["held_requests"] + now.operations() <= 60,
         f"{name}: large requests count for what they are",
         (now["held_requests"], now.operations()))
    leave(peers)
    service.wait_until_empty()
    service.responder.stop()


def check_few_files(t, b, key):
    """Descriptors are left for what is answered at once."""
    name = "few descriptors"
    if bed.WRAPPER:
        t.skip(name, "valgrind takes what it cannot number out of the backlog")
        return
    service = Service(b, key, "queue_wait = 10min\n", files=400)
    sealed = service.seal()
    handle = json.loads(service.ask(fastcgi.bearer(sealed)).body)["renewal"]
    peers = [service.send(bed.pod_address(i), useless(i)) for i in range(450)]
    bed.wait_until(
        lambda: service.metrics()['busy_total{reason="length"}'] > 0,
        "no more are held")
    statuses = [service.ask(fastcgi.bearer(word)).status
                for word in (handle, sealed)]
    held = service.metrics()["held_requests"]
    t.ok(statuses == [200, 200] and 0 < held <= 300,
         f"{name}: renewals and retries do not wait for them",
         f"{statuses}, {held} are held")
    t.ok('"few_files"' in service.responder.log()
         and '"accept_failed"' not in service.responder.log(),
         f"{name}: the start says so, and nobody waits to be accepted")
    leave(peers)
    service.responder.stop()


# --- proofs that come later --------------------------------------------------

def check_promotion(t, b, key):
    name = "a proof that comes later"
    service = Service(b, key)
    credential = service.seal()
    target = binding.query(SESSION, binding.proof_of(key, SESSION))
    same = "198.51.100.1"
    # all is made before: nothing but sending happens while they wait
    sealed = [service.seal() for _ in range(CROWD)]
    crowd = [service.send(bed.pod_address(i), word)
             for i, word in enumerate(sealed)]
    first = service.send(same, credential)
    joined = 'cache_hits_total{kind="joined"}'
    before = service.metrics()
    second = service.send(same, credential, target)
    answers = read_all([first, second])
    after = service.metrics()
    t.equal([a.status for a in answers], [200, 200],
            f"{name}: both callers are served")
    t.ok(after.operations() - before.operations() <= OTHERS
         and after["unseal_queue_length"] > 0,
         f"{name}: it goes before those without one",
         f"{after['unseal_queue_length']} are still held")
    t.equal(after[joined] - before[joined], 1,
            f"{name}: it is the same ciphertext, opened once")
    t.equal({a.status for a in read_all(crowd)}, {200},
            f"{name}: the others are served later")
    t.equal(service.metrics().operations(), CROWD + 1,
            f"{name}: one operation each")
    service.responder.stop()


# --- a herd ------------------------------------------------------------------

def check_herd(t, b, key):
    """Each with a session and an address of its own, and half of them twice:
    every answer is valid and belongs to who asked."""
    service = Service(b, key)
    names = [f"session-of-the-herd-{i:03}" for i in range(HERD)]
    sealed = [service.seal(name) for name in names]
    urls = [binding.query(name, binding.proof_of(key, name))
            for name in names]
    asked = [(i, attempt) for attempt in range(2) for i in range(HERD)
             if attempt == 0 or i % 2]
    answers = read_all([
        service.send(bed.pod_address(i), sealed[i],
                     params=[("REQUEST_ID", f"herd-{i}-{attempt}")])
        for i, attempt in asked])
    t.equal({a.status for a in answers}, {200}, "a herd: all are served")
    t.equal([a.get("X-Request-Id") for a in answers],
            [f"herd-{i}-{attempt}" for i, attempt in asked],
            "a herd: each connection has the answer to its own request")
    replies = [json.loads(a.body) for a in answers]
    t.equal({r["token"] for r in replies}, {SOURCE["AMBIENT_API_TOKEN"]},
            "a herd: each answer holds the token")
    t.equal(service.metrics().operations(), HERD,
            "a herd: one operation a ciphertext, however often it came")
    handles = [(i, reply["renewal"]) for (i, _), reply in zip(asked, replies)]
    own = {read_all([service.send("192.0.2.1", handle, urls[i])])[0].status
           for i, handle in handles}
    other = {read_all([service.send("192.0.2.1", handle,
                                    urls[(i + 1) % HERD])])[0].status
             for i, handle in handles}
    t.equal((own, other), ({200}, {401}),
            "a herd: each handle is for its own session, and no other")
    service.responder.stop()


limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))

with tap.Tap() as t, bed.Bed(t) as b:
    KEY = b.make_key(BITS)
    check_flood(t, b, KEY, "one address floods", FLOOD,
                lambda _: "192.0.2.1")
    check_flood(t, b, KEY, "one IPv6 network floods", min(FLOOD, 2 * SHARE),
                lambda number: f"2001:db8::{number:x}")
    check_flood(t, b, KEY, "callers without an address flood",
                min(FLOOD, 2 * SHARE), lambda _: "")
    check_abandoned(t, b, KEY)
    check_full_queue(t, b, KEY)
    check_memory(t, b, KEY)
    check_few_files(t, b, KEY)
    check_promotion(t, b, KEY)
    check_herd(t, b, KEY)
