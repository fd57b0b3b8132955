#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every malformed request gets exactly the answer it should: through nginx,
through lighttpd as FastCGI and as CGI, and straight at the FastCGI socket,
where nothing is filtered. All 401 are the same to the byte, no client sets a
request id, and afterwards the responder is as it was before."""
import base64
import json
import os
import random
import re
import socket
import struct
import sys
import time

from cryptography.hazmat.primitives import serialization

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bad_requests
import bed
import fastcgi
import metrics
import raw_http
import tap

TEXT = "text/plain; charset=utf-8"
CHANNELS = ("nginx", "lighttpd FastCGI", "lighttpd CGI", "socket")
ID = re.compile(r"^[0-9a-f]{32}$")
LIFE = 6 * 3600
# what a web server adds, and what differs in each answer
VARIABLE = ("date", "server", "connection", "x-request-id", "status")
OWN = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
RENEWAL = re.compile(rb',"renewal":"acp1\.[\w-]{70,236}"(?=}\n$)')
# status, further headers, body
OF_RESPONDER = {
    "401": (401, {"WWW-Authenticate": "Bearer"}, b"unauthorized\n"),
    "403": (403, {}, b"forbidden\n"),
    "404": (404, {}, b"not found\n"),
    "405": (405, {"Allow": "GET"}, b"method not allowed\n"),
    "405 to HEAD": (405, {"Allow": "GET"}, b""),
}
OF_NGINX = {
    "nginx 400": (400, {}, b"bad request\n"),
    "nginx 404": (404, {}, b"not found\n"),
    "nginx 405": (405, {"Allow": "GET"}, b"method not allowed\n"),
    "nginx 413": (413, {}, b"body too large\n"),
    "nginx 414": (414, {}, b"uri too long\n"),
    "nginx 431": (431, {}, b"header too large\n"),
    "nginx 501": (501, {}, b"bad request\n"),
    "nginx 505": (505, {}, b"bad request\n"),
}
LIGHTTPD_REASONS = {
    400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
    411: "Length Required", 413: "Payload Too Large",
    431: "Request Header Fields Too Large", 501: "Not Implemented",
    505: "HTTP Version Not Supported"}
LIGHTTPD_PAGE = """<?xml version="1.0" encoding="iso-8859-1"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
         "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
 <head>
  <title>{0}</title>
 </head>
 <body>
  <h1>{0}</h1>
 </body>
</html>
"""


def make_jwt(expiry):
    parts = ({"alg": "RS256", "typ": "JWT"}, {"sub": "runner", "exp": expiry})
    return b".".join([base64.urlsafe_b64encode(json.dumps(p).encode())
                      .rstrip(b"=") for p in parts] + [b"c2lnbmF0dXJl"])


def token_reply(token, expiry):
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expiry))
    return b'{"token":"%s","expires_at":"%s"}\n' % (token, when.encode())


class Expected:
    """What an answer has to be: status, all headers but the variable, body."""

    def __init__(self, token, expiry):
        # without the renewal handle, which ends the reply; what is left of
        # the life is rounded down, to the second
        self.replies = [token_reply(token, expiry),
                        token_reply(token, expiry - 1)]

    def of(self, want):
        """A list of answers, each as good as the other."""
        if want == "200":
            return [(200, {"Content-Type": "application/json", **OWN}, body)
                    for body in self.replies]
        if want in OF_RESPONDER:
            status, headers, body = OF_RESPONDER[want]
            return [(status, {"Content-Type": TEXT, **OWN, **headers}, body)]
        if want in OF_NGINX:
            status, headers, body = OF_NGINX[want]
            return [(status, {"Content-Type": TEXT,
                              "Cache-Control": "no-store", **headers}, body)]
        status = int(want.split(" ")[1])
        page = LIGHTTPD_PAGE.format(f"{status} {LIGHTTPD_REASONS[status]}")
        # mod_setenv has its say only once the header was taken
        return [(status, {"Content-Type": "text/html", **more}, page.encode())
                for more in ({}, {"Cache-Control": "no-store"})]


def take_apart(answer):
    """An answer of either kind in the form of Expected."""
    headers = {name.lower(): value for name, value in answer.headers
               if name.lower() not in VARIABLE}
    return answer.status, headers, answer.body


def is_as_expected(answer, wanted, want):
    status, headers, body = wanted
    renewal = RENEWAL.search(answer.body)
    if want == "200":
        if not renewal:
            return False
        # no two handles are the same
        body = body[:-2] + renewal.group() + body[-2:]
    length = 19 if want == "405 to HEAD" else len(body)
    wanted_headers = {name.lower(): value for name, value in headers.items()}
    wanted_headers["content-length"] = str(length)
    names = [name.lower() for name, _ in answer.headers]
    return (take_apart(answer) == (status, wanted_headers, body)
            and len(names) == len(set(names)))


def check_id(answer, channel, want):
    """Not the client's; lighttpd's own refusals are the only ones without."""
    if want.startswith("lighttpd"):
        return not answer.get("X-Request-Id")
    return bool(ID.match(answer.get("X-Request-Id")))


def blank(raw):
    """An answer without what differs from one to the next."""
    return re.sub(rb"(?m)^(Date|X-Request-Id): [^\r]*", rb"\1: -", raw)


class Channels:
    def __init__(self, b, responder, env):
        self.socket = responder.socket
        self.ports = {
            "nginx": b.start_nginx(responder.socket).port,
            "lighttpd FastCGI":
                b.start_lighttpd_fastcgi(responder.socket).port,
            "lighttpd CGI": b.start_lighttpd_cgi(env).port}

    def ask(self, channel, row):
        if channel == "socket":
            return fastcgi.ask(self.socket, as_records(row))
        if row.wanted_of(channel) == bad_requests.CLOSED:
            return send_unfinished(self.ports[channel], row.bytes())
        return raw_http.exchange(self.ports[channel], row.bytes())


def send_unfinished(port, data):
    """Says that nothing more will come, so that nobody waits for it."""
    with raw_http.open_to(port) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return raw_http.Answer(raw_http.read_all(connection))


def as_records(row):
    """The row as a web server would send it that filters nothing."""
    params = [(b"HTTP_AUTHORIZATION", value) for value in row.values()]
    params += [(b"HTTP_X_REQUEST_ID", b"id-of-the-client"),
               (b"HTTP_REQUEST_ID", b"id-of-the-client"), *row.params]
    if row.body:
        params.append((b"CONTENT_LENGTH", b"%d" % len(row.body)))
    pairs = b"".join(fastcgi.pair(*param) for param in [
        (b"REQUEST_METHOD", row.method), (b"REQUEST_URI", row.target),
        *params])
    records = [fastcgi.record(fastcgi.PARAMS, pairs[at:at + 65000])
               for at in range(0, len(pairs), 65000)]
    body = fastcgi.record(fastcgi.STDIN, row.body) if row.body else b""
    return b"".join([fastcgi.begin(), *records,
                     fastcgi.record(fastcgi.PARAMS), body,
                     fastcgi.record(fastcgi.STDIN)])


def check_row(t, channels, expected, channel, row, seen_401):
    want = row.wanted_of(channel)
    if want == bad_requests.NOT_ASKED:
        return
    name = f"{channel}: {row.name}: {want}"
    answer = channels.ask(channel, row)
    if want == bad_requests.CLOSED:
        t.equal(answer.raw, b"", name)
        return
    if want.startswith("bare"):
        t.equal(answer.raw, OF_RESPONDER[want[5:]][2], name)
        return
    is_good = any(is_as_expected(answer, wanted, want)
                  for wanted in expected.of(want))
    has_id = check_id(answer, channel, want)
    is_clean = (b"of-the-client" not in answer.raw
                and b"Injected" not in answer.raw)
    t.ok(is_good and has_id and is_clean, name, answer.raw, row.why,
         *(expected.of(want) if not is_good else ()))
    if answer.status == 401:
        seen_401.setdefault(channel, {}).setdefault(
            blank(answer.raw), row.name)


def check_table(t, b, channels, expected, table):
    seen_401 = {}
    for channel in CHANNELS:
        asked = table
        if channel == "lighttpd CGI" and bed.WRAPPER:
            # each request is a process that takes seconds to start
            asked = table[::12]
            t.diag(f"under a wrapper: {len(asked)} of {len(table)} for CGI")
        for row in asked:
            check_row(t, channels, expected, channel, row, seen_401)
    for channel in CHANNELS:
        kinds = seen_401.get(channel, {})
        lines = {kind.split(b" ")[0] for kind in kinds}
        t.ok(kinds and len(kinds) == len(lines),
             f"{channel}: all 401 are the same to the byte", *kinds.items())


def check_costs(t, channels, rows):
    """What can be refused at sight buys no private key operation."""
    port = channels.ports["nginx"]
    for channel in ("nginx", "socket"):
        before = metrics.read(port).operations()
        for row in rows:
            if row.wanted_of(channel) != bad_requests.NOT_ASKED:
                channels.ask(channel, row)
        # the good one among them is opened once for all
        most = 1 if channel == "nginx" else 0
        t.equal(metrics.read(port).operations() - before, most,
                f"{channel}: {len(rows)} requests cost no private key work")


# --- records that are refused -------------------------------------------------

def refused_records(value):
    """name, bytes: each is to be closed on without an answer."""
    good = fastcgi.request("GET", "/token", [("HTTP_AUTHORIZATION", value)])
    head = fastcgi.head()
    pair = fastcgi.pair
    begin = fastcgi.begin()

    def params(data):
        return (begin + fastcgi.record(fastcgi.PARAMS, data)
                + fastcgi.record(fastcgi.PARAMS)
                + fastcgi.record(fastcgi.STDIN))

    yield "GET_VALUES", fastcgi.record(
        fastcgi.GET_VALUES, pair("FCGI_MAX_CONNS", ""), request_id=0)
    yield "GET_VALUES before a good request", fastcgi.record(
        fastcgi.GET_VALUES, b"", request_id=0) + good
    yield "an unknown management record", fastcgi.record(
        99, b"", request_id=0)
    yield "ABORT first", fastcgi.record(fastcgi.ABORT) + good
    yield "ABORT inside", begin + fastcgi.record(fastcgi.ABORT)
    yield "ABORT within the parameters", (
        begin + fastcgi.record(fastcgi.PARAMS, pair("A", "b"))
        + fastcgi.record(fastcgi.ABORT))
    for kind in (0, fastcgi.END, fastcgi.PARAMS, fastcgi.STDIN,
                 fastcgi.STDOUT, fastcgi.STDERR, 8, 10, 11, 12, 255):
        yield f"type {kind} first", fastcgi.record(kind, bytes(8)) + head
    for version in (0, 2, 71, 255):
        yield f"version {version}", fastcgi.record(
            fastcgi.BEGIN, bytes(8), version=version)
    yield "version 2 later", begin + fastcgi.record(
        fastcgi.PARAMS, pair("A", "b"), version=2)
    for role in (0, 2, 3, 4, 256, 65535):
        yield f"role {role}", fastcgi.begin(role=role) + head[16:]
    yield "request 0", fastcgi.head(request_id=0)
    yield "another request's parameters", begin + fastcgi.record(
        fastcgi.PARAMS, pair("A", "b"), request_id=2)
    yield "BEGIN twice", begin + head
    yield "BEGIN of 7 bytes", fastcgi.record(fastcgi.BEGIN, bytes(7))
    yield "BEGIN of 9 bytes", fastcgi.record(fastcgi.BEGIN, bytes(9))
    yield "BEGIN of 65535 bytes", fastcgi.record(
        fastcgi.BEGIN, bytes(65535))
    yield "BEGIN with padding", fastcgi.record(
        fastcgi.BEGIN, b"\0\1" + bytes(6), padding=8) + head[16:]
    yield "STDIN for PARAMS", begin + fastcgi.record(fastcgi.STDIN, b"x")
    for name, data in (
            ("a name of 2 GB", struct.pack(">IB", 0xffffffff, 0)),
            ("a value of 2 GB", struct.pack(">BI", 1, 0xffffffff) + b"A"),
            ("both of 2 GB", struct.pack(">II", 0xffffffff, 0xffffffff)),
            ("a name of 1 GB", struct.pack(">II", 0xc0000000, 0x80000000)),
            ("a sum that overflows", struct.pack(
                ">II", 0xffffffff, 0x80000001) + bytes(9)),
            ("a length cut short", b"\x80"),
            ("two lengths cut short", b"\x01\x80\x00"),
            ("a name one too long", b"\x05\x00ABCD"),
            ("a value one too long", b"\x01\x05AB"),
            ("a NUL in a name", pair(b"A\0B", b"x")),
            ("a NUL in a value", pair(b"A", b"x\0"))):
        yield name, params(data)
    yield "over 32 KB of parameters", params(pair(b"A", b"x" * 40000))
    yield "over 32 KB in many records", begin + fastcgi.record(
        fastcgi.PARAMS, pair("A", "b" * 1000)) * 40
    yield "HTTP", b"GET /token HTTP/1.1\r\nHost: x\r\n\r\n"
    yield "TLS", bytes.fromhex("1603010200010001fc0303") + bytes(64)


def check_refused_records(t, channels, value):
    good = fastcgi.request("GET", "/token", [("HTTP_AUTHORIZATION", value)])
    for name, data in refused_records(value):
        answer = fastcgi.ask(channels.socket, data)
        after = fastcgi.ask(channels.socket, good)
        t.equal((answer.raw, after.status), (b"", 200),
                f"socket: {name}: closed, and the next one is served")


def check_random_bytes(t, channels, value):
    """Nothing that looks like a request by chance; the seed is fixed."""
    source = random.Random(7)
    good = fastcgi.request("GET", "/token", [("HTTP_AUTHORIZATION", value)])
    answered, count = [], 300
    for number in range(count):
        data = source.randbytes(source.randrange(8, 4000))
        if number % 3 == 1:
            data = b"\x01\x01" + data
        elif number % 3 == 2:
            data = fastcgi.begin() + b"\x01\x04\x00\x01" + data
        data += b"\0" * 40000  # nothing stays incomplete
        answer = fastcgi.ask(channels.socket, data)
        if answer.raw:
            answered.append(data[:32])
    t.equal(answered, [], f"socket: {count} times random bytes: no answer")
    mutated = 0
    for _ in range(count):
        data = bytearray(good)
        for _ in range(source.randrange(1, 4)):
            data[source.randrange(len(data))] = source.randrange(256)
        # an end that makes what is still missing come out as wrong
        answer = fastcgi.ask(channels.socket, bytes(data) + b"\0" * 70000)
        mutated += answer.status not in (0, 200, 401, 403, 404, 405)
    t.equal(mutated, 0, f"socket: {count} good ones with bytes changed: "
                        "refused or answered in order")
    t.equal(fastcgi.ask(channels.socket, good).status, 200,
            "socket: and then a good one is served")


# --- /metrics, for this host alone -------------------------------------------

def check_metrics(t, b, channels):
    """Not for strangers, by whatever name they ask for it."""
    for channel, port in channels.ports.items():
        for target in ("/metrics", "/metrics?x=y", "//metrics", "/./metrics",
                       "/%6detrics", "/x/../metrics", "/metrics/", "/metrics;",
                       "/token/../metrics", "http://token.test/metrics",
                       "/token?/../metrics", "/metrics%00", "/metrics#x"):
            answer = raw_http.request(port, target, source=b.pod(1))
            t.ok(answer.status in (400, 401, 403, 404)
                 and b"ambient_cp" not in answer.raw,
                 f"{channel}: {target} shows a stranger nothing", answer)
        answer = raw_http.request(port, "/metrics", source=b.pod(1))
        t.equal(answer.status, 403, f"{channel}: /metrics is forbidden")


# --- what is left afterwards --------------------------------------------------

def check_log(t, responder):
    lines = responder.log().splitlines()
    broken, loud = [], []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            broken.append(line)
            continue
        # but that proofs are not required here, which is said at start
        if (entry["level"] in ("warn", "error")
                and "binding is optional" not in entry.get("message", "")):
            loud.append(line)
    t.ok(len(lines) > 1000 and not broken,
         "the log has a line of JSON for each request", *broken[:5])
    t.equal(loud, [], "the log has no other warning and no error")


def check_afterwards(t, b, responder, channels, before):
    t.ok(responder.is_running(), "the responder still runs")
    for channel, port in channels.ports.items():
        answer = raw_http.request(port, "/healthz")
        t.equal((answer.status, answer.body), (200, b"ok"),
                f"{channel}: /healthz is still answered")
    if before is None:
        t.skip("the responder has as many descriptors open as before",
               "only root can see them")
    else:
        bed.wait_until(
            lambda: b.open_descriptors(responder.pid) <= before,
            "all descriptors of the responder are closed again")
        t.ok(True, f"the responder has {before} descriptors open, as before")
    check_log(t, responder)


def load(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


with tap.Tap() as t, bed.Bed(t) as b:
    first, second = b.make_key(2048), b.make_key(3072)
    keys = bad_requests.Keys(load(first), load(second))
    first.write_bytes(first.read_bytes() + second.read_bytes())
    expiry = int(time.time()) + LIFE
    token = make_jwt(expiry)
    env = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": token.decode()}
    responder = b.start_responder(first, env)
    channels = Channels(b, responder,
                        {**env, "CP_TOKEN_KEY_FILE": str(first)})
    good = bad_requests.bearer(bad_requests.sealed(keys.current))
    fastcgi.ask(responder.socket, fastcgi.request(
        "GET", "/token", [("HTTP_AUTHORIZATION", good)]))
    before = b.open_descriptors(responder.pid) if b.is_root else None

    table = bad_requests.rows(keys)
    t.ok(len(table) >= 150, f"the table has {len(table)} rows")
    check_table(t, b, channels, Expected(token, expiry), table)
    check_costs(t, channels, bad_requests.free_rows(keys))
    check_refused_records(t, channels, good)
    check_random_bytes(t, channels, good)
    check_metrics(t, b, channels)
    check_afterwards(t, b, responder, channels, before)
    secrets = [token.decode(), bad_requests.SESSION.decode(), good.decode()]
    t.equal(b.find_in_logs(secrets), [], "no log holds a secret")
