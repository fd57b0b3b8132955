#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A stand-in for the Ambient API server, whose rows are in memory and whose
faults come on demand.

    /usr/bin/python3 tests/support/ambient_api.py [--host ADDRESS] [--port N]
        [--control-port N] [--cert FILE --key FILE]

Prints one line of JSON when ready: url, control_url, pid. Base path, lists,
searches, errors, transitions and the lack of any concurrency control are
those of the real server; the parts are ambient_http (the wire), ambient_routes
(paths), ambient_store (rows), ambient_kinds (columns), ambient_search and
ambient_values (searches, ids and times), ambient_faults and ambient_control
(the other port; how to use it is said there). tests/support/ambient.py starts
it for the system tests.
"""
import argparse
import base64
import collections
import gzip
import json
import os
import signal
import sys
import threading
import time
import urllib.parse

import ambient_values
from ambient_control import SETTINGS, Control
from ambient_faults import Faults
from ambient_http import Reply, Server
from ambient_routes import (BASE, SERVICE, UNAUTHENTICATED, ApiError, Call,
                            NotAllowed, Routes)
from ambient_store import Store

HOST = "127.0.0.1"
MOST_LOGGED = 200_000
FINAL = ("status", "not_found", "drop")


def error_body(number, reason, operation=""):
    return ambient_values.dump({
        "id": str(number), "kind": "Error", "href": f"{BASE}/errors/{number}",
        "code": f"{SERVICE}-{number}", "reason": reason,
        "operation_id": operation})


def claims_of(token):
    """Of what looks like a JWT, nothing verified; else None."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(
            parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None


class Log:
    """What was asked, without anything secret."""

    def __init__(self):
        self.lock = threading.Lock()
        self.clear()

    def clear(self):
        with self.lock:
            self.entries = collections.deque(maxlen=MOST_LOGGED)
            self.count = 0
            self.counts = collections.Counter()
            self.statuses = collections.Counter()

    def add(self, call, path, query, reply):
        """path: without the base path."""
        entry = (call.method, path, query,
                 call.headers.get("x-ambient-project"),
                 None if reply.is_dropped else reply.status, call.user,
                 [rule.action for rule in call.rules])
        with self.lock:
            self.count += 1
            self.entries.append((self.count, *entry))
            self.counts[f"{call.method} /{call.words[0]}"] += 1
            self.statuses[str(entry[4] or "dropped")] += 1

    def since(self, number):
        names = ("number", "method", "path", "query", "project", "status",
                 "user", "faults")
        with self.lock:
            entries = [e for e in self.entries if e[0] >= number]
        return [dict(zip(names, entry)) for entry in entries]

    def state(self):
        with self.lock:
            return {"requests": self.count, "counts": dict(self.counts),
                    "statuses": dict(self.statuses)}


class Api:
    """A request's way through the server."""

    def __init__(self):
        self.settings = dict(SETTINGS)
        self.store = Store(self.clock, BASE)
        self.faults = Faults()
        self.routes = Routes(self.store, self.faults)
        self.log = Log()
        self.server = None

    def clock(self):
        return time.time() + self.settings["clock_offset"]

    def idle(self):
        return self.settings["idle_timeout"]

    def change(self, given):
        self.settings.update(given)
        self.store.set_collation(self.settings["collation"])
        self.store.is_name_free = self.settings["is_name_free"]
        self.routes.refusals = self.settings["refuse"]
        if self.settings["is_down"]:
            self.server.close()
        else:
            self.server.open()

    # --- one request ----------------------------------------------------------

    def handle(self, request):
        path, _, query = request.target.partition("?")
        path = path[:-1] if path.endswith("/") else path
        below = path[len(BASE):] if path.startswith(BASE + "/") else ""
        call = Call(request.method,
                    [urllib.parse.unquote(w) for w in below.split("/")[1:]]
                    or [path],
                    dict(reversed(urllib.parse.parse_qsl(
                        query, keep_blank_values=True))),
                    request.headers, request.body)
        shown = urllib.parse.unquote_plus(query)
        call.rules = self.faults.take(call.method, below or path, shown)
        self.faults.stall(call.rules)
        reply = self.spoil(call, self.wrong_answer(call)
                           or self.right_answer(call, bool(below)))
        self.log.add(call, below or path, shown, reply)
        return self.finish(request, reply)

    def right_answer(self, call, is_below):
        try:
            call.user = self.user_of(call.headers)
            if not is_below:
                self.routes.no_route(call)
            return Reply(*self.routes.answer(call))
        except ApiError as error:
            return Reply(error.status, error_body(
                error.number, str(error),
                ambient_values.make_ksuid(self.clock())))
        except NotAllowed:
            return Reply(405)

    def user_of(self, headers):
        """Who asks, None when the token does not say; ApiError when it is
        not accepted."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if not scheme:
            scheme, token = "bearer", headers.get("x-forwarded-access-token")
        claims = claims_of(token or "")
        accepted = self.settings["accept"]
        if accepted == "any":
            is_good = bool(token)
        elif accepted == "jwt":
            is_good = (claims is not None
                       and claims.get("exp", self.clock() + 1) > self.clock())
        else:
            is_good = token in accepted
        if scheme.lower() != "bearer" or not is_good:
            raise ApiError(UNAUTHENTICATED,
                           "Account authentication could not be verified")
        return (claims or {}).get("preferred_username") or (
            claims or {}).get("sub")

    def finish(self, request, reply):
        reply.headers.append(("Vary", "Authorization"))
        if reply.body:
            reply.headers.append(("Content-Type", "application/json"))
        if reply.body and "gzip" in request.headers.get("accept-encoding", ""):
            reply.body = gzip.compress(reply.body, 1)
            reply.headers += [("Content-Encoding", "gzip"),
                              ("Vary", "Accept-Encoding")]
        return reply

    # --- faults ---------------------------------------------------------------

    def wrong_answer(self, call):
        """The answer of the first rule that has one, else None."""
        for rule in call.rules:
            if rule.action not in FINAL:
                continue
            if rule.get("is_done"):
                self.right_answer(call, True)
            return getattr(self, "do_" + rule.action)(rule)
        return None

    @staticmethod
    def do_status(rule):
        status, code = rule.get("status", 500), rule.get("code")
        body = rule.get("body")
        if body is not None:
            data = body.encode()
        elif code is not None:
            data = error_body(code, "a fault on demand")
        else:
            data = b'{"kind":"Error","reason":"a fault on demand"}'
        headers = {"Retry-After": rule.get("retry_after"),
                   "Location": rule.get("location")}
        return Reply(status, data,
                     [h for h in headers.items() if h[1] is not None])

    @staticmethod
    def do_not_found(_rule):
        return Reply(404, b'{"kind":"Error","reason":"Not Found"}')

    @staticmethod
    def do_drop(_rule):
        reply = Reply(0)
        reply.is_dropped = True
        return reply

    @staticmethod
    def spoil(call, reply):
        for rule in call.rules:
            at = rule.get("at", len(reply.body) // 2)
            if rule.action == "cut":
                reply.cut = at
            elif rule.action == "truncate":
                reply.body = reply.body[:at]
        return reply


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", default=HOST)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    api = Api()
    tls = (options.cert, options.key) if options.cert else None
    api.server = Server(options.host, options.port, api.handle, api.clock,
                        api.idle, tls)
    control = Server(HOST, options.control_port, Control(api).handle,
                     time.time, lambda: 60)
    print(json.dumps({
        "url": f"{'https' if tls else 'http'}://{options.host}:"
               f"{api.server.port}",
        "control_url": f"http://{HOST}:{control.port}",
        "pid": os.getpid()}), flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
