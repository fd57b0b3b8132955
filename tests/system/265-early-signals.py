#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signals at awkward moments. While the responder is still starting, SIGTERM
ends it as at any other time, and SIGHUP does not end it at all; while a caller
is held, SIGTERM lets that one have its answer and keeps nobody else waiting."""
import concurrent.futures
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fastcgi
import providers
import stock_runner
import tap

SOURCE = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": "a-token"}
ROUNDS = 10


def start_and_signal(b, key, number):
    """Sends the signal at the moment at which the socket is there."""
    responder = b.start_responder(key, SOURCE, is_waited_for=False)
    path = str(responder.socket)
    end = time.monotonic() + bed.PATIENCE
    while not os.path.exists(path) and time.monotonic() < end:
        pass
    os.kill(responder.pid, number)
    return responder


def end_of(responder):
    status = responder.wait()
    # what it ended with is looked at here
    responder.good_statuses = None
    return status, os.path.exists(responder.socket)


def check_drain(t, b, key, pool):
    stub = providers.start_faulty(b)
    stub.set(mode="hold")
    responder = b.start_responder(key, providers.credentials(stub))
    credential = stock_runner.seal(b.public_key(key), "a-session-of-ours")
    held = pool.submit(
        fastcgi.ask, responder.socket, fastcgi.bearer(credential))
    bed.wait_until(lambda: b"unseal_total{result=\"opened\"} 1" in fastcgi.ask(
        responder.socket, fastcgi.request("GET", "/metrics")).body,
                   "the caller is held for a token")
    responder.signal(signal.SIGTERM)
    bed.wait_until(lambda: not bed.accepts(str(responder.socket)),
                   "new callers are refused")
    t.ok(not held.done() and responder.is_running(),
         "a drain refuses new callers while it holds others")
    stub.set(mode="ok")
    t.equal(held.result(bed.PATIENCE).status, 200,
            "who was held gets a token")
    t.equal(responder.wait(), 0, "then it ends")


with tap.Tap() as t, bed.Bed(t) as b:
    key = b.make_key()
    ends = [end_of(start_and_signal(b, key, signal.SIGTERM))
            for _ in range(ROUNDS)]
    t.equal(ends, [(0, False)] * ROUNDS,
            "SIGTERM during the start: status 0, no socket left")
    responder = start_and_signal(b, key, signal.SIGHUP)
    b.wait_for(responder, lambda: bed.accepts(str(responder.socket)),
               "it listens")
    t.equal(fastcgi.ask(responder.socket, fastcgi.request()).status, 200,
            "SIGHUP during the start: it serves")
    responder.wait_for_log("reloaded")
    t.ok(True, "and reloads")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        check_drain(t, b, key, pool)
