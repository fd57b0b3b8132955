#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""FastCGI peers that say nothing, half of it, or drop by drop, that never
read or never close, and callers that hang up: nobody else is stopped by them,
and no ciphertext is opened twice."""
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fastcgi
import metrics
import raw_http
import stock_runner
import tap

SOURCE = {"CP_TOKEN_SOURCE": "static",
          "AMBIENT_API_TOKEN": "an-api-token-of-the-static-source"}
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
# well above the number of acceptors
MANY = 40
# how long an answer may take that nobody is to hold up: longer would be a
# thread that waits for a peer; libfcgi alone would wait for ever
PROMPT = 20
WHOLE = fastcgi.head("GET", "/healthz", [("REMOTE_ADDR", "127.0.0.1")])
BEGIN_SIZE = 16
CUTS = [("nothing", 0), ("one byte", 1), ("half a record header", 4),
        ("a record header", 8), ("half of BEGIN_REQUEST", 12),
        ("BEGIN_REQUEST", BEGIN_SIZE),
        ("half a header of PARAMS", BEGIN_SIZE + 3),
        ("a header of PARAMS", BEGIN_SIZE + 8),
        ("half of PARAMS", BEGIN_SIZE + 20),
        ("PARAMS without their end", len(WHOLE) - 8),
        ("all but the last byte", len(WHOLE) - 1)]
DROP_S = 0.2


class Service:
    """A responder with nginx before it."""

    def __init__(self, b, key, flags=()):
        self.key = key
        self.public_key = b.public_key(key)
        self.responder = b.start_responder(key, SOURCE, flags)
        self.socket = self.responder.socket
        self.port = b.start_nginx(self.socket).port
        bed.wait_until(
            lambda: raw_http.request(self.port, "/readyz").status == 200,
            "it is ready")

    def seal(self):
        return stock_runner.seal(self.public_key, SESSION)

    def answers(self):
        """Statuses of a probe and of a token request, with a fresh
        ciphertext, while whatever goes on goes on."""
        return (raw_http.request(self.port, "/healthz",
                                 timeout=PROMPT).status,
                raw_http.bearer(self.port, self.seal(),
                                timeout=PROMPT).status)

    def metrics(self):
        return metrics.read(self.port)

    def descriptors(self):
        return bed.Bed.open_descriptors(self.responder.pid)


def is_closed(peer):
    try:
        return peer.recv(1, socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def check_silent(t, service, number, what, data):
    peers = [fastcgi.open_to(service.socket) for _ in range(number)]
    for peer in peers:
        peer.sendall(data)
    t.equal([service.answers() for _ in range(4)], [(200, 200)] * 4,
            f"{number} peers that sent {what} stop nobody")
    return peers


def check_cuts(t, service):
    before = service.descriptors()
    peers = check_silent(t, service, 4, "nothing", b"")
    for what, size in CUTS:
        peers += check_silent(t, service, MANY, what, WHOLE[:size])
    bed.wait_until(lambda: all(is_closed(p) for p in peers),
                   "silent and half-sent connections are closed")
    t.equal(service.answers(), (200, 200), "all of them are closed in time")
    for peer in peers:
        peer.close()
    bed.wait_until(lambda: service.descriptors() <= before,
                   "their descriptors are free")


def check_silent_herd(t, b, key):
    """Were each silent peer waited for, be it for a tick of the kernel, the
    only acceptor would come to the last one when the first has been closed."""
    responder = b.start_responder(key, SOURCE, ["--acceptors", "1"])
    peers = [fastcgi.open_to(responder.socket)
             for _ in range(200 if bed.WRAPPER else 2000)]
    t.equal(fastcgi.ask(responder.socket, WHOLE).status, 200,
            f"{len(peers)} silent peers stop nobody")
    for peer in peers:
        peer.setblocking(False)
    t.ok(not any(is_closed(peer) for peer in peers),
         "who comes last is answered while all of them have time left")
    for peer in peers:
        peer.close()
    t.equal(responder.stop(), 0, "they keep no responder from its end")


class Dripping(threading.Thread):
    """Sends a byte at a time until the other side has closed."""

    def __init__(self, address, first, drops):
        super().__init__(daemon=True)
        self.peer = fastcgi.open_to(address)
        self.peer.sendall(first)
        self.drops = drops
        self.is_over = threading.Event()

    def run(self):
        for drop in self.drops:
            if self.is_over.wait(DROP_S):
                break
            try:
                self.peer.sendall(bytes([drop]))
            except OSError:
                break
        else:
            return
        self.is_over.set()


def check_dripping_head(t, service):
    data = fastcgi.head("GET", "/healthz", [("X", "x" * 2000)])
    peers = [Dripping(service.socket, b"", data) for _ in range(MANY)]
    for peer in peers:
        peer.start()
    t.equal([service.answers() for _ in range(4)], [(200, 200)] * 4,
            "heads that come byte by byte stop nobody")
    t.ok(all(p.is_over.wait(bed.PATIENCE) for p in peers),
         "a head that drips for too long is cut off")
    for peer in peers:
        peer.join()
        peer.peer.close()


def check_unread(t, service):
    """Whole requests whose peer neither reads nor closes."""
    peers = check_silent(t, service, MANY, "a whole request and do not read",
                         WHOLE + fastcgi.record(fastcgi.STDIN))
    peers += check_silent(t, service, MANY, "a request without its body",
                          fastcgi.head("POST", "/healthz",
                                       [("CONTENT_LENGTH", "5")]))
    data = fastcgi.head("POST", "/healthz", [("CONTENT_LENGTH", "60000")])
    drip = fastcgi.record(fastcgi.STDIN, b"x" * 60000)[:1000]
    dripping = [Dripping(service.socket, data, drip) for _ in range(MANY)]
    for peer in dripping:
        peer.start()
    t.equal([service.answers() for _ in range(4)], [(200, 200)] * 4,
            f"{MANY} bodies that come byte by byte stop nobody")
    for peer in dripping:
        peer.is_over.set()
        peer.join()
        peer.peer.close()
    answers = [fastcgi.read_answer(peer) for peer in peers]
    t.ok(all(a.status == 200 and a.is_ended for a in answers),
         "who reads late finds a whole answer",
         [a for a in answers if a.status != 200 or not a.is_ended][:3])
    for peer in peers:
        peer.close()


def fill_queue(service, number):
    """Peers whose requests wait for their turn, each of its own address:
    one may not have so many."""
    data = [fastcgi.bearer(service.seal(),
                           [("REMOTE_ADDR", bed.pod_address(n))])
            for n in range(number)]
    peers = [fastcgi.open_to(service.socket) for _ in data]
    for peer, request in zip(peers, data):
        peer.sendall(request)
    return peers


def end_queue(t, peers, what):
    answers = [fastcgi.read_answer(peer) for peer in peers]
    for peer in peers:
        peer.close()
    t.equal([a.status for a in answers], [200] * len(peers), what)


def send_and_leave(service, credential):
    """Two clients of nginx that hang up while they are held."""
    joined = 'cache_hits_total{kind="joined"}'
    before = service.metrics()[joined]
    clients = [raw_http.open_to(service.port) for _ in range(2)]
    for client in clients:
        client.sendall(b"GET /token HTTP/1.1\r\nHost: token.test\r\n"
                       b"Authorization: Bearer " + credential.encode()
                       + b"\r\n\r\n")
    # the one has joined the other: so both are held
    bed.wait_until(lambda: service.metrics()[joined] > before,
                   "both clients are held")
    for client in clients:
        client.close()
    bed.wait_until(
        lambda: service.responder.log().count('"event":"caller_gone"') == 2,
        "it is seen that they hung up")


def check_hang_up(t, service):
    before = service.metrics()
    descriptors = service.descriptors()
    fill = 15 if bed.WRAPPER else 150
    peers = fill_queue(service, fill)
    credential = service.seal()
    send_and_leave(service, credential)
    answer = raw_http.bearer(service.port, credential)
    t.equal(answer.status, 200, "the retry of a caller that had hung up")
    end_queue(t, peers, "the others in the queue are answered meanwhile")
    after = service.metrics()
    t.equal(after.operations() - before.operations(), fill + 1,
            "what was sent, left and sent again is opened once")
    t.equal(sum(after[n] - before[n] for n in (
        'cache_hits_total{kind="joined"}', 'cache_hits_total{kind="result"}')),
        2, "one joined the other, and the retry found their place kept")
    bed.wait_until(lambda: service.descriptors() <= descriptors,
                   "the descriptors of those who left are free")
    t.equal(service.metrics()["unseal_queue_length"], 0, "nobody is held")


def check_herd_hangs_up(t, service):
    """All leave and none comes back: their ciphertexts are dropped or done,
    and nothing of them stays."""
    descriptors = service.descriptors()
    peers = fill_queue(service, 60 if bed.WRAPPER else 1500)
    for peer in peers:
        peer.close()
    bed.wait_until(lambda: service.metrics()["unseal_queue_length"] == 0,
                   "nobody of a herd that left is held")
    bed.wait_until(lambda: service.descriptors() <= descriptors,
                   "the descriptors of the herd are free")
    # at first the wait to expect may be too long for a new caller
    bed.wait_until(lambda: service.answers() == (200, 200),
                   "a herd that left is forgotten")
    t.ok(True, "a herd that left holds up nobody for long")


def check_same(t, service):
    before = service.metrics()
    peers = fill_queue(service, 20)
    credential = service.seal()
    same = [fastcgi.open_to(service.socket) for _ in range(50)]
    for peer in same:
        peer.sendall(fastcgi.bearer(credential))
    end_queue(t, same, "the same ciphertext 50 times at once: all answered")
    end_queue(t, peers, "so are those before it")
    after = service.metrics()
    t.equal(after.operations() - before.operations(), 21,
            "the same ciphertext 50 times at once is opened once")
    t.equal(after.total("cache_hits_total") - before.total("cache_hits_total"),
            49, "the other 49 are counted as hits")


with tap.Tap() as t, bed.Bed(t) as b:
    quick = Service(b, b.make_key())
    check_cuts(t, quick)
    check_silent_herd(t, b, quick.key)
    check_dripping_head(t, quick)
    check_unread(t, quick)
    slow = Service(b, b.make_key(4096), ["--workers", "1"])
    check_hang_up(t, slow)
    check_same(t, slow)
    check_herd_hangs_up(t, slow)
