# SPDX-License-Identifier: Apache-2.0
"""Sends exact bytes to a web server and takes its answer apart, byte by byte.

For tests of malformed requests, which no client library would send, and of
answers that have to agree to the byte.
"""
import socket


class Answer:
    """One HTTP answer. headers keeps order, case and repetitions."""

    def __init__(self, raw):
        self.raw = raw
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        parts = lines[0].split(" ", 2)
        is_http = len(parts) >= 2 and parts[0].startswith("HTTP/1.")
        self.status = int(parts[1]) if is_http else 0
        self.reason = parts[2] if is_http and len(parts) == 3 else ""
        self.headers = [tuple(part.strip() for part in line.split(":", 1))
                        for line in lines[1:] if ":" in line]
        if self.get("Transfer-Encoding").lower() == "chunked":
            self.body = _join_chunks(self.body)

    def all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    def get(self, name):
        """The header's only value; "" when absent or repeated."""
        values = self.all(name)
        return values[0] if len(values) == 1 else ""

    def same_but(self, *names):
        """Status line, headers and body without the headers named."""
        left_out = {name.lower() for name in names}
        kept = [h for h in self.headers if h[0].lower() not in left_out]
        return (self.status, self.reason, kept, self.body)

    def __repr__(self):
        return f"<Answer {self.raw!r}>"


def _join_chunks(data):
    body = b""
    while data:
        size, _, data = data.partition(b"\r\n")
        length = int(size.split(b";")[0] or b"0", 16)
        if length == 0:
            break
        body += data[:length]
        data = data[length + 2:]
    return body


def open_to(port, source=None, timeout=60, host="127.0.0.1"):
    """A connection; source is the loopback address to come from."""
    return socket.create_connection(
        (host, port), timeout, (source, 0) if source else None)


def read_all(connection):
    """Everything up to the end; a reset after the answer is an end too."""
    data = b""
    while True:
        try:
            part = connection.recv(65536)
        except ConnectionResetError:
            return data
        if not part:
            return data
        data += part


def exchange(port, data, source=None, timeout=60):
    """Sends data as it is, returns the Answer that came until the close."""
    with open_to(port, source, timeout) as connection:
        try:
            connection.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        return Answer(read_all(connection))


def request(port, target="/token", headers=(), method="GET", source=None,
            timeout=60):
    """A plain request; headers are (name, value) pairs, sent as they are. A
    method that could have a body says, as all clients do, that it has none."""
    lines = [f"{method} {target} HTTP/1.1", "Host: token.test",
             "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if method not in ("GET", "HEAD") and not any(
            name.lower() == "content-length" for name, _ in headers):
        lines.append("Content-Length: 0")
    data = "\r\n".join(lines + ["", ""]).encode("latin-1")
    return exchange(port, data, source, timeout)


def bearer(port, credential, target="/token", **options):
    """GET with one Authorization header."""
    return request(port, target, [("Authorization", "Bearer " + credential)],
                   **options)
