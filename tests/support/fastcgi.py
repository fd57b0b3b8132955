# SPDX-License-Identifier: Apache-2.0
"""A FastCGI peer that sends exact bytes, from the FastCGI 1.0 specification.

    answer = fastcgi.ask(responder.socket, fastcgi.head("GET", "/healthz")
                         + fastcgi.record(fastcgi.STDIN))
    answer.status, answer.body, answer.is_ended

An address is the path of a unix socket, or a loopback port. For requests that
no web server would send, and for those that never come to their end.
"""
import pathlib
import socket
import struct

BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = range(1, 8)
GET_VALUES = 9
RESPONDER = 1


def record(kind, content=b"", request_id=1, padding=0, version=1):
    """One record as it is on the wire."""
    return (struct.pack(">BBHHBx", version, kind, request_id, len(content),
                        padding) + content + bytes(padding))


def begin(request_id=1, role=RESPONDER, flags=0):
    return record(BEGIN, struct.pack(">HB5x", role, flags), request_id)


def length(size):
    return bytes([size]) if size < 128 else struct.pack(
        ">I", size | 0x80000000)


def pair(name, value):
    name, value = (v.encode("latin-1") if isinstance(v, str) else v
                   for v in (name, value))
    return length(len(name)) + length(len(value)) + name + value


def head(method="GET", uri="/healthz", params=(), request_id=1):
    """Everything up to the end of the parameters; params are further
    (name, value) pairs."""
    pairs = [("REQUEST_METHOD", method), ("REQUEST_URI", uri), *params]
    data = b"".join(pair(name, value) for name, value in pairs)
    return (begin(request_id) + record(PARAMS, data, request_id)
            + record(PARAMS, b"", request_id))


def request(method="GET", uri="/healthz", params=(), request_id=1):
    """A whole request without a body."""
    return (head(method, uri, params, request_id)
            + record(STDIN, b"", request_id))


def bearer(credential, params=()):
    """A whole request for a token."""
    return request("GET", "/token", [
        ("HTTP_AUTHORIZATION", "Bearer " + credential), *params])


class Answer:
    """What came back, taken apart. records: (type, id, content)."""

    def __init__(self, raw):
        self.raw = raw
        self.records = list(_split(raw))
        self.stdout = self._join(STDOUT)
        self.stderr = self._join(STDERR)
        ends = [c for kind, _, c in self.records if kind == END]
        self.is_ended = len(ends) == 1 and self.records[-1][0] == END
        self.protocol_status = ends[0][4] if len(ends) == 1 else None
        head_text, _, self.body = self.stdout.partition(b"\r\n\r\n")
        self.headers = [tuple(p.strip() for p in line.split(":", 1))
                        for line in head_text.decode("latin-1").split("\r\n")
                        if ":" in line]
        words = self.get("Status").split(" ")
        self.status = int(words[0]) if words[0].isdigit() else 0

    def _join(self, wanted):
        return b"".join(c for kind, _, c in self.records if kind == wanted)

    def get(self, name):
        """The header's only value; "" when absent or repeated."""
        values = [v for n, v in self.headers if n.lower() == name.lower()]
        return values[0] if len(values) == 1 else ""

    def __repr__(self):
        return f"<fastcgi.Answer {self.raw!r}>"


def _split(raw):
    while len(raw) >= 8:
        kind, request_id, size, padding = struct.unpack(">xBHHBx", raw[:8])
        yield kind, request_id, raw[8:8 + size]
        raw = raw[8 + size + padding:]


def open_to(address, timeout=60):
    """A connection to a path, or to a port of 127.0.0.1."""
    if isinstance(address, (str, pathlib.Path)):
        connection = socket.socket(socket.AF_UNIX)
        where = str(address)
    else:
        connection = socket.socket()
        where = ("127.0.0.1", address)
    connection.settimeout(timeout)
    try:
        connection.connect(where)
    except OSError:
        connection.close()
        raise
    return connection


def read_answer(connection):
    """The Answer up to the close; a reset after it is a close too."""
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            part = b""
        if not part:
            return Answer(data)
        data += part


def ask(address, data, timeout=60):
    """Sends data as it is and reads until the other side closes."""
    with open_to(address, timeout) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return read_answer(connection)
