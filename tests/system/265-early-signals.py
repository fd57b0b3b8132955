#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signals that come while the responder is still starting: SIGTERM ends it
as at any other time, and SIGHUP does not end it at all."""
import os
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fastcgi
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
