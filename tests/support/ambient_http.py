# SPDX-License-Identifier: Apache-2.0
"""A small HTTP/1.1 server for the stubs of the test bed: keep-alive, a thread
a connection, and answers that can be cut off or left out on purpose. The
standard library's one spends most of its time in the parsing of heads, and
always sends what it was given whole."""
import email.utils
import http
import socket
import ssl
import threading

MOST_HEAD = 64 * 1024
WRITE_TIMEOUT = 30


class Request:
    """Header names are in lower case; target is as it was sent."""

    __slots__ = ("method", "target", "headers", "body", "is_last")

    def __init__(self, method, target, headers, body, is_last):
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
        self.is_last = is_last


class Reply:
    """cut: how many bytes of the body are sent before the connection is
    closed; is_dropped: closed without a word."""

    __slots__ = ("status", "body", "headers", "cut", "is_dropped")

    def __init__(self, status, body=b"", headers=()):
        self.status = status
        self.body = body
        self.headers = list(headers)
        self.cut = None
        self.is_dropped = False


class BadRequest(Exception):
    """Not HTTP, or the end in the middle of a request."""


def read_line(stream):
    line = stream.readline(MOST_HEAD)
    if not line.endswith(b"\n"):
        raise BadRequest
    return line.strip().decode("latin-1")


def read_headers(stream):
    headers = {}
    while True:
        line = read_line(stream)
        if not line:
            return headers
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()


def read_exactly(stream, size):
    data = stream.read(size)
    if len(data) != size:
        raise BadRequest
    return data


def read_chunks(stream):
    body = b""
    while True:
        size = int(read_line(stream).split(";")[0], 16)
        if size == 0:
            read_headers(stream)
            return body
        body += read_exactly(stream, size)
        read_line(stream)


def read_body(connection, stream, headers):
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return read_chunks(stream)
    return read_exactly(stream, int(headers.get("content-length") or 0))


def read_request(connection, stream):
    """None at the end of the connection."""
    line = stream.readline(MOST_HEAD)
    if not line:
        return None
    words = line.decode("latin-1").split()
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise BadRequest
    headers = read_headers(stream)
    body = read_body(connection, stream, headers)
    is_last = (headers.get("connection", "").lower() == "close"
               or words[2] == "HTTP/1.0")
    return Request(words[0], words[1], headers, body, is_last)


def head_of(reply, is_last, now):
    lines = [f"HTTP/1.1 {reply.status} {phrase_of(reply.status)}",
             f"Date: {email.utils.formatdate(now, usegmt=True)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if reply.status != 204:
        lines.append(f"Content-Length: {len(reply.body)}")
    if is_last:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def phrase_of(status):
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"


class Server:
    """handle(Request) gives a Reply; clock() is the time for Date headers;
    idle() is how long a kept connection may be silent."""

    def __init__(self, host, port, handle, clock, idle, tls=None):
        self.handle = handle
        self.clock = clock
        self.idle = idle
        self.connections = 0
        self.living = set()
        self.address = (host, port)
        self.context = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
        self.socket = None
        self.open()
        self.port = self.address[1]

    def open(self):
        """Listens, after close() at the same place again."""
        if self.socket is None:
            self.socket = socket.create_server(self.address, backlog=256)
            self.address = self.socket.getsockname()
            threading.Thread(target=self.accept_all, args=(self.socket,),
                             daemon=True).start()

    def close(self):
        """Ends all connections; new ones are refused."""
        if self.socket is not None:
            # a close alone would not wake who waits in accept()
            self.socket.shutdown(socket.SHUT_RDWR)
            self.socket.close()
            self.socket = None
        for connection in list(self.living):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def accept_all(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.living.add(connection)
            self.connections += 1
            threading.Thread(target=self.serve, args=(connection,),
                             daemon=True).start()

    def wrap(self, connection):
        """The handshake; its result takes the connection's place."""
        wrapped = self.context.wrap_socket(connection, server_side=True)
        self.living.add(wrapped)
        self.living.discard(connection)
        return wrapped

    def serve(self, connection):
        """All requests of one connection; whatever goes wrong ends it."""
        try:
            connection.settimeout(self.idle())
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context:
                connection = self.wrap(connection)
            with connection, connection.makefile("rb") as stream:
                while self.serve_one(connection, stream):
                    connection.settimeout(self.idle())
        except (OSError, BadRequest, ValueError):
            connection.close()
        finally:
            self.living.discard(connection)

    def serve_one(self, connection, stream):
        """True when another request may follow."""
        request = read_request(connection, stream)
        if request is None:
            return False
        reply = self.handle(request)
        if reply.is_dropped:
            return False
        is_cut = reply.cut is not None
        head = head_of(reply, request.is_last, self.clock())
        connection.settimeout(WRITE_TIMEOUT)
        connection.sendall(head + (reply.body[:reply.cut] if is_cut
                                   else reply.body))
        return not (is_cut or request.is_last)
