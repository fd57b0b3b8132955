# SPDX-License-Identifier: Apache-2.0
"""The table of malformed requests (and of legal ones right beside them), each
with the answer that it gets.

rows(keys) makes the table for a responder that has the private keys
keys.current (2048 bits) and keys.previous (3072 bits) and none of the others.
`want` names the answer of the responder; where a web server refuses first or
tidies the request up, `nginx`, `lighttpd` (FastCGI and CGI) and `socket`
(straight at the FastCGI socket) name another one, and `why` says the reason.
NOT_ASKED: the request cannot be put in this way.
"""
import base64
import dataclasses
import hashlib
import os
import posixpath
import urllib.parse

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

NOT_ASKED = "not asked"
CLOSED = "closed without an answer"
SESSION = b"2abcDEFghiJKLmnoPQRstuVWXyz"


@dataclasses.dataclass
class Row:
    name: str
    want: str
    method: bytes = b"GET"
    target: bytes = b"/token"
    auth: object = None       # a value, several of them, or none
    headers: tuple = ()       # whole lines
    version: bytes = b"HTTP/1.1"
    host: bool = True
    body: bytes = b""
    params: tuple = ()        # further FastCGI parameters, for the socket
    raw: bytes = None         # instead of all that, and never at the socket
    nginx: str = None
    lighttpd: str = None
    cgi: str = None           # where CGI differs from FastCGI in lighttpd
    socket: str = None
    why: str = ""

    def values(self):
        if self.auth is None:
            return ()
        return self.auth if isinstance(self.auth, tuple) else (self.auth,)

    def bytes(self):
        """What goes over the wire to a web server."""
        if self.raw is not None:
            return self.raw
        lines = [b" ".join((self.method, self.target, self.version))]
        if self.host:
            lines.append(b"Host: token.test")
        # a client's own ids never come back
        lines += [b"Connection: close", b"X-Request-Id: id-of-the-client",
                  b"Request-Id: id-of-the-client"]
        lines += [b"Authorization: " + value for value in self.values()]
        if self.body or self.method in (b"POST", b"PUT", b"PATCH"):
            lines.append(b"Content-Length: %d" % len(self.body))
        lines += self.headers
        return b"\r\n".join(lines + [b"", b""]) + self.body

    def wanted_of(self, channel):
        if channel == "socket" and (self.raw is not None
                                    or len(self.values()) > 1):
            return self.socket or NOT_ASKED
        if channel == "lighttpd CGI" and self.cgi:
            return self.cgi
        column = "lighttpd" if channel.startswith("lighttpd") else channel
        return getattr(self, column) or self.want


class Keys:
    """Two keys that the responder has, and some that it has not."""

    def __init__(self, current, previous):
        self.current = current.public_key()
        self.previous = previous.public_key()
        self.stranger = rsa.generate_private_key(65537, 2048).public_key()
        self.large_stranger = rsa.generate_private_key(
            65537, 4096).public_key()


def size_of(key):
    return key.key_size // 8


def modulus(key):
    return key.public_numbers().n


def sealed(key, text=SESSION, digest=hashes.SHA256, mask=hashes.SHA256,
           label=None):
    return key.encrypt(text, padding.OAEP(
        mgf=padding.MGF1(mask()), algorithm=digest(), label=label))


def open_text(key, number):
    """RSA's public operation alone, on a number."""
    return pow(number, key.public_numbers().e, modulus(key)).to_bytes(
        size_of(key), "big")


def mgf1(seed, size):
    data = b"".join(hashlib.sha256(seed + i.to_bytes(4, "big")).digest()
                    for i in range(size // 32 + 1))
    return data[:size]


def xor(left, right):
    return bytes(a ^ b for a, b in zip(left, right))


def sealed_badly(key, first=0, digest=hashlib.sha256(b"").digest(),
                 filler=None, separator=b"\x01", text=SESSION):
    """OAEP by hand, to have one part of it wrong (RFC 8017 §7.1.1)."""
    size = size_of(key)
    if filler is None:
        filler = bytes(size - 65 - len(separator) - len(text))
    data = digest + filler + separator + text
    data = data[:size - 33].ljust(size - 33, b"\0")
    seed = os.urandom(32)
    masked = xor(data, mgf1(seed, len(data)))
    block = bytes([first]) + xor(seed, mgf1(masked, 32)) + masked
    return open_text(key, int.from_bytes(block, "big"))


def over_modulus(key):
    """c + n in as many bytes: opens as c does, if anybody tries."""
    limit = 1 << key.key_size
    while True:
        value = int.from_bytes(sealed(key), "big") + modulus(key)
        if value < limit:
            return value.to_bytes(size_of(key), "big")


def b64(data):
    return base64.b64encode(data)


def bearer(data):
    return b"Bearer " + b64(data)


def with_both_marks(key):
    """A credential with a + and a / in it, that ends in ==."""
    while True:
        word = b64(sealed(key))
        if b"+" in word and b"/" in word:
            return word


# --- the parts of the table ---------------------------------------------------

N400 = "nginx 400"
L400 = "lighttpd 400"
NO_HEADER = "no web server lets this into a header"
TIDIED = "web servers take blanks off both ends of a value"


def header_rows(good):
    def refused(name, value, **other):
        return Row(name, "401", auth=value, **other)

    value = b"Bearer " + good
    yield Row("a good request", "200", auth=value)
    yield refused("no Authorization", None)
    yield refused("an empty Authorization", b"")
    yield refused("Bearer alone", b"Bearer")
    yield refused("Bearer and a blank", b"Bearer ")
    yield refused("Bearer and three blanks", b"Bearer   ")
    yield refused("bearer in lower case", b"bearer " + good)
    yield refused("BEARER in upper case", b"BEARER " + good)
    yield refused("bEARER in mixed case", b"bEARER " + good)
    yield refused("two blanks", b"Bearer  " + good)
    yield refused("a tab", b"Bearer\t" + good)
    yield refused("a blank and a tab", b"Bearer \t" + good)
    yield refused("a tab and a blank", b"Bearer\t " + good)
    yield refused("no blank", b"Bearer" + good)
    yield refused("a colon", b"Bearer: " + good)
    yield refused("an equals sign", b"Bearer=" + good)
    yield refused("the word alone", good)
    yield refused("Bearer twice", b"Bearer Bearer " + good)
    yield refused("another scheme after it", b"Bearer Basic " + good)
    yield refused("Basic", b"Basic " + good)
    yield refused("Basic with name and password", b"Basic " + b64(b"a:b"))
    yield refused("Digest", b'Digest username="a", response="b"')
    yield refused("Token", b"Token " + good)
    yield refused("Negotiate", b"Negotiate " + good)
    yield refused("a word in quotes", b'Bearer "' + good + b'"')
    yield refused("a parameter", b"Bearer token=" + good)
    yield refused("an anonymous comma", b"Bearer ,")
    yield refused("a comma after it", value + b",")
    yield refused("a comma and a blank after it", value + b", ")
    yield refused("a comma before it", b"," + value)
    yield refused("two joined by a comma", value + b"," + value)
    yield refused("two joined by a comma and a blank", value + b", " + value)
    yield refused("Basic and Bearer joined", b"Basic YTpi, " + value)
    yield refused("two words", value + b" " + good)
    yield refused("a semicolon", value + b"; a=b")
    yield Row("a blank before it", "200", auth=b" " + value, socket="401",
              why=TIDIED)
    yield Row("a blank after it", "200", auth=value + b" ", socket="401",
              why=TIDIED)
    yield Row("ten blanks after it", "200", auth=value + b" " * 10,
              socket="401", why=TIDIED)
    yield Row("a tab after it", "401", auth=value + b"\t", lighttpd="200",
              why="lighttpd takes tabs off too")
    yield Row("a tab before it", "401", auth=b"\t" + value, lighttpd="200",
              why="lighttpd takes tabs off too")
    yield Row("the name in lower case", "200", headers=(
        b"authorization: " + value,), socket=NOT_ASKED)
    yield Row("no blank after the colon", "200", headers=(
        b"Authorization:" + value,), socket=NOT_ASKED)


def doubled_rows(good):
    value = b"Bearer " + good
    for name, values in (
            ("the same twice", (value, value)),
            ("three times", (value, value, value)),
            ("a good and a bad one", (value, b"Bearer x")),
            ("a bad and a good one", (b"Bearer x", value)),
            ("Basic and Bearer", (b"Basic YTpi", value))):
        yield Row("Authorization: " + name, "401", auth=values, nginx=N400,
                  socket="401", why="nginx refuses a second one by itself")
    for name, values in (
            ("an empty one first", (b"", value)),
            ("an empty one last", (value, b""))):
        yield Row("Authorization: " + name, "401", auth=values, nginx=N400,
                  lighttpd="200", socket="401",
                  why="lighttpd drops a header without a value")
    for name in (b"X-Authorization", b"Proxy-Authorization",
                 b"HTTP-Authorization", b"Authorization-", b"Cookie",
                 b"X-Forwarded-Authorization", b"Authentication"):
        yield Row(f"only {name.decode()}", "401", headers=(
            name + b": " + value,), socket=NOT_ASKED)
    yield Row("a name with _", "401", headers=(
        b"HTTP_AUTHORIZATION: " + value,), socket=NOT_ASKED)
    yield Row("a name with a blank in it", "401", headers=(
        b"Author ization: " + value,), nginx=N400, lighttpd=L400,
        socket=NOT_ASKED)
    yield Row("a folded value", "401", headers=(
        b"Authorization: Bearer", b" " + good), nginx=N400,
        socket=NOT_ASKED, why="nginx refuses it (RFC 9112 §5.2)")


def control_rows(good):
    for byte in (0x01, 0x08, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f):
        for where, value in (
                ("inside", b"Bearer " + good[:9] + bytes([byte]) + good[9:]),
                ("after", b"Bearer " + good + bytes([byte]))):
            yield Row(f"control character {byte:#04x} {where}", "401",
                      auth=value, lighttpd=L400,
                      why="lighttpd refuses control characters by itself")
    yield Row("NUL inside", CLOSED, auth=b"Bearer " + good[:9] + b"\0"
              + good[9:], nginx=N400, lighttpd=L400,
              why="no parameter may hold one: it would be cut short there")
    yield Row("a lone CR inside", "401", auth=b"Bearer " + good[:9] + b"\r"
              + good[9:], nginx=N400, lighttpd=L400)
    for name, value in (("CR LF", b"\r\n"), ("LF", b"\n")):
        yield Row(f"{name} inside", "401", auth=b"Bearer " + good[:9] + value
                  + b"X-Injected: x", nginx=NOT_ASKED, lighttpd=NOT_ASKED,
                  why=NO_HEADER)
        yield Row(f"{name} after", "401", auth=b"Bearer " + good + value,
                  nginx=NOT_ASKED, lighttpd=NOT_ASKED, why=NO_HEADER)
    for name, text in (("\\x80", b"\x80"), ("\\xff", b"\xff"),
                       ("UTF-8", "é".encode()), ("Latin-1", b"\xe9"),
                       ("a no-break space", b"\xc2\xa0"),
                       ("a full-width A", "Ａ".encode())):
        yield Row(f"{name} inside", "401",
                  auth=b"Bearer " + good[:9] + text + good[9:])
    yield Row("a no-break space for the blank", "401",
              auth=b"Bearer\xa0" + good)
    yield Row("a byte order mark before it", "401",
              auth=b"\xef\xbb\xbfBearer " + good)
    yield Row("a full-width B", "401", auth="Ｂearer ".encode() + good)


def base64_rows(good):
    bare = good.rstrip(b"=")
    last = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    at = last.index(bare[-1:])
    words = [
        ("no padding", bare), ("half of the padding", bare + b"="),
        ("padding too long", good + b"="), ("padding of four", bare + b"===="),
        ("padding first", b"==" + bare), ("padding only", b"=="),
        ("a lone =", b"="), ("====", b"===="),
        ("padding in the middle", bare[:100] + b"==" + bare[100:]),
        ("one = in the middle", bare[:100] + b"=" + bare[100:] + b"="),
        ("padding inside the last four", bare[:-1] + b"=" + bare[-1:] + b"="),
        ("URL-safe alphabet", good.replace(b"+", b"-").replace(b"/", b"_")),
        ("URL-safe, without padding",
         bare.replace(b"+", b"-").replace(b"/", b"_")),
        ("one - for a +", good.replace(b"+", b"-", 1)),
        ("one _ for a /", good.replace(b"/", b"_", 1)),
        ("percent-encoded", good.replace(b"+", b"%2B").replace(b"=", b"%3D")),
        ("a blank inside", good[:100] + b" " + good[100:]),
        ("a tab inside", good[:100] + b"\t" + good[100:]),
        ("a blank for each +", good.replace(b"+", b" ")),
        ("lines of 76", b" ".join(good[i:i + 76]
                                  for i in range(0, len(good), 76))),
        ("trailing bits 1", bare[:-1] + last[at + 1:at + 2] + b"=="),
        ("trailing bits 8", bare[:-1] + last[at + 8:at + 9] + b"=="),
        ("trailing bits 15", bare[:-1] + last[at + 15:at + 16] + b"=="),
        ("a dot inside", good[:50] + b"." + good[51:]),
        ("a star inside", good[:50] + b"*" + good[51:]),
        ("a backslash inside", good[:50] + b"\\" + good[51:]),
        ("a quote inside", good[:50] + b'"' + good[51:]),
        ("@, just before A", good[:50] + b"@" + good[51:]),
        ("[, just after Z", good[:50] + b"[" + good[51:]),
        ("`, just before a", good[:50] + b"`" + good[51:]),
        ("{, just after z", good[:50] + b"{" + good[51:]),
        (":, just after 9", good[:50] + b":" + good[51:]),
        ("twice in a row", good + good), ("its first half", good[:172]),
        ("one character less", good[1:]), ("one more", b"A" + good),
        ("four less", good[4:]), ("four more", b"AAAA" + good),
        ("all lower case", good.lower()), ("all A", b"A" * 342 + b"=="),
        ("all /", b"/" * 341 + b"w=="), ("backwards", good[::-1]),
        ("base64 of base64", b64(good)),
        ("hexadecimal", base64.b64decode(good).hex().encode()),
        ("base32", base64.b32encode(base64.b64decode(good))),
        ("base85", base64.b85encode(base64.b64decode(good))
         .replace(b",", b"a")),
        ("A", b"A"), ("AA", b"AA"), ("AAA", b"AAA"), ("A===", b"A==="),
        ("a session id", SESSION), ("a UUID", b"0" * 8 + b"-" + b"0" * 27),
        ("a JWT", b"eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSJ9."),
        ("a renewal handle", b"acp1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        ("undefined", b"undefined"), ("null", b"null"),
        ("a format string", b"%s%n%s%n"), ("a template", b"${jndi:ldap://x}"),
    ]
    for name, word in words:
        yield Row(f"base64: {name}", "401", auth=b"Bearer " + word)


def length_rows(keys):
    for size in (1, 2, 127, 128, 254, 255, 257, 258, 260, 383, 385, 386, 511,
                 512, 513, 768, 1023, 1024, 1025, 1026, 2048):
        yield Row(f"{size} random bytes", "401",
                  auth=bearer(b"\x01" + os.urandom(size - 1)))
    yield Row("256 random bytes", "401",
              auth=bearer(b"\x01" + os.urandom(255)))
    yield Row("384 random bytes", "401",
              auth=bearer(b"\x01" + os.urandom(383)))
    good = sealed(keys.current)
    yield Row("a zero byte before it", "401", auth=bearer(b"\0" + good))
    yield Row("a zero byte after it", "401", auth=bearer(good + b"\0"))
    yield Row("its last byte gone", "401", auth=bearer(good[:-1]))
    yield Row("its first byte gone", "401", auth=bearer(good[1:]))
    yield Row("grown with zeros to the other key's size", "401",
              auth=bearer(bytes(128) + good))
    yield Row("cut to the other key's size", "401",
              auth=bearer(sealed(keys.previous)[:256]))
    yield Row("4,000 characters", "401", auth=b"Bearer " + b"A" * 4000)
    yield Row("6,000 characters", "401", auth=b"Bearer " + b"A" * 6000,
              nginx="nginx 431", why="over 4 KB a line")
    yield Row("20,000 characters", "401", auth=b"Bearer " + b"A" * 20000,
              nginx="nginx 431", lighttpd="lighttpd 431",
              why="over the limits of both")
    yield Row("40,000 characters", CLOSED, auth=b"Bearer " + b"A" * 40000,
              nginx="nginx 431", lighttpd="lighttpd 431",
              why="over the limits of all")


def value_rows(keys):
    for name, key in (("2048", keys.current), ("3072", keys.previous)):
        n, size = modulus(key), size_of(key)
        for what, value in (
                ("0", 0), ("1", 1), ("2", 2), ("the modulus - 1", n - 1),
                ("the modulus", n), ("the modulus + 1", n + 1),
                ("all ones", (1 << 8 * size) - 1),
                ("the top bit alone", 1 << 8 * size - 1)):
            yield Row(f"{name} bits, the value {what}", "401",
                      auth=bearer(value.to_bytes(size, "big")))
        yield Row(f"{name} bits, a good one plus the modulus", "401",
                  auth=bearer(over_modulus(key)))
        yield Row(f"{name} bits, a good one", "200",
                  auth=bearer(sealed(key)))


def crypto_rows(keys):
    key = keys.current
    good = sealed(key)
    flipped = [good[:at] + bytes([good[at] ^ 1]) + good[at + 1:]
               for at in (1, 100, 255)]
    digests = ((hashes.SHA1, hashes.SHA1), (hashes.SHA256, hashes.SHA1),
               (hashes.SHA1, hashes.SHA256), (hashes.SHA224, hashes.SHA224),
               (hashes.SHA384, hashes.SHA384), (hashes.SHA512, hashes.SHA512),
               (hashes.SHA256, hashes.SHA512), (hashes.SHA512, hashes.SHA256))
    cases = [(f"OAEP with {digest.name}, MGF1 with {mask.name}",
              sealed(key, digest=digest, mask=mask))
             for digest, mask in digests]
    cases += [(f"label {label!r}", sealed(key, label=label))
              for label in (b"token", b"x", b"\0", SESSION, b"x" * 1000)]
    cases += [("PKCS#1 v1.5", key.encrypt(SESSION, padding.PKCS1v15())),
              ("PKCS#1 v1.5 under the other key",
               keys.previous.encrypt(SESSION, padding.PKCS1v15())),
              ("PKCS#1 v1.5, empty", key.encrypt(b"", padding.PKCS1v15())),
              ("a block of type 1", open_text(key, int.from_bytes(
                  b"\0\1" + b"\xff" * 226 + b"\0" + SESSION, "big"))),
              ("no padding at all", open_text(
                  key, int.from_bytes(SESSION, "big"))),
              ("no padding, at the top", open_text(
                  key, int.from_bytes(b"\0" + SESSION + bytes(228), "big"))),
              ("a stranger's key", sealed(keys.stranger)),
              ("a stranger's larger key", sealed(keys.large_stranger)),
              ("the id in clear", SESSION.ljust(256, b"\0"))]
    cases += [("a bit flipped", data) for data in flipped]
    cases += [("the bytes in reverse", b"\x01" + good[::-1][1:]),
              ("OAEP: first byte 1", sealed_badly(key, first=1)),
              ("OAEP: first byte 2", sealed_badly(key, first=2)),
              ("OAEP: wrong label hash", sealed_badly(key, digest=bytes(32))),
              ("OAEP: last byte of the hash wrong", sealed_badly(
                  key, digest=hashlib.sha256(b"").digest()[:31] + b"\0")),
              ("OAEP: no separator", sealed_badly(key, separator=b"")),
              ("OAEP: separator 2", sealed_badly(key, separator=b"\x02")),
              ("OAEP: nothing but zeros", sealed_badly(
                  key, separator=b"", text=b"")),
              ("OAEP: filler not zero", sealed_badly(
                  key, filler=b"\x02" + bytes(100)))]
    for name, data in cases:
        yield Row(name, "401", auth=bearer(data))
    yield Row("OAEP made by hand, all of it right", "200",
              auth=bearer(sealed_badly(key)))


def id_rows(keys):
    def put(name, want, text, key=keys.current):
        return Row(f"id: {name}", want, auth=bearer(sealed(key, text)))

    for name, text in (
            ("8 characters", b"abcdefgh"), ("128 characters", b"a" * 128),
            ("a KSUID", SESSION), ("digits", b"0123456789"),
            ("a digit first", b"0-------"), ("all marks", b"a.b_c-d."),
            ("a capital first", b"Z......."), ("two dots", b"a..b..cd"),
            ("a UUID", b"123e4567-e89b-12d3-a456-426614174000")):
        yield put(name, "200", text)
    yield put("128 characters, the other key", "200", b"a" * 128,
              keys.previous)
    yield put("129 characters, the other key", "403", b"a" * 129,
              keys.previous)
    yield put("the longest, the other key", "403", b"a" * 318, keys.previous)
    for name, text in (
            ("empty", b""), ("1 character", b"a"),
            ("7 characters", b"abcdefg"),
            ("129 characters", b"a" * 129), ("130 characters", b"a" * 130),
            ("the longest", b"a" * 190), ("- first", b"-abcdefgh"),
            (". first", b".abcdefgh"), ("_ first", b"_abcdefgh"),
            ("only dots", b"........"), ("dot dot slash", b"../../etc"),
            ("a slash", b"abcd/efgh"), ("a backslash", b"abcd\\efgh"),
            ("percent", b"abcd%41efgh"), ("a blank inside", b"abcd efgh"),
            ("a blank first", b" abcdefgh"), ("a blank last", b"abcdefgh "),
            ("only blanks", b" " * 9), ("a tab inside", b"abcd\tefgh"),
            ("a tab last", b"abcdefgh\t"), ("LF last", b"abcdefgh\n"),
            ("LF first", b"\nabcdefgh"), ("CR last", b"abcdefgh\r"),
            ("CR LF inside", b"abcd\r\nX: y"), ("VT last", b"abcdefgh\v"),
            ("NUL last", b"abcdefgh\0"), ("NUL inside", b"abcdefgh\0ijkl"),
            ("NUL first", b"\0abcdefgh"), ("only NUL", bytes(8)),
            ("a NUL as the 129th", b"a" * 128 + b"\0"),
            ("UTF-8", "abcdefghé".encode()), ("Latin-1", b"abcdefgh\xe9"),
            ("bad UTF-8", b"abcdefgh\xff"), ("\\x80", b"abcdefgh\x80"),
            ("a full-width a", "ａbcdefgh".encode()),
            ("a byte order mark", b"\xef\xbb\xbfabcdefgh"),
            ("an emoji", "abcdefgh🙂".encode()), ("DEL", b"abcdefgh\x7f"),
            ("an escape sequence", b"abcd\x1b[31m"), ("a newline alone",
                                                      b"\n\n\n\n\n\n\n\n"),
            ("quotes", b'abcd"efgh'), ("JSON", b'{"session":"a"}')):
        yield put(name, "403", text)
    for mark in b"'!#$&()*+,:;<=>?@[]^`{|}~":
        yield put(f"{chr(mark)} inside", "403",
                  b"abcd" + bytes([mark]) + b"efgh")


def method_rows(value):
    def put(name, method, want="405", **other):
        return Row(f"method: {name}", want, method=method, auth=value,
                   **other)

    yield put("HEAD", b"HEAD", "405 to HEAD")
    for method in (b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH",
                   b"PROPFIND", b"MKCOL", b"LOCK"):
        yield put(method.decode(), method)
    yield put("POST with a body", b"POST", body=b"token=please")
    yield put("PUT with a body", b"PUT", body=b"x" * 1000)
    yield put("GET with a body", b"GET", "200", body=b"x" * 10,
              lighttpd=L400, why="method-get-body is off in lighttpd")
    yield put("TRACE", b"TRACE", nginx="nginx 405",
              why="nginx never passes TRACE on")
    yield put("CONNECT", b"CONNECT", nginx="nginx 405", cgi="lighttpd 405",
              why="neither nginx nor mod_cgi passes CONNECT on")
    for method in (b"FOO", b"GETT", b"GE", b"X"):
        yield put(method.decode(), method, lighttpd="lighttpd 501",
                  why="lighttpd knows the names of methods")
    for method in (b"get", b"Get", b"gET"):
        yield put(method.decode(), method, nginx=N400,
                  lighttpd="lighttpd 501",
                  why="nginx takes only capitals, lighttpd the names it knows")
    yield put("with a mark", b"GET;", nginx=N400, lighttpd="lighttpd 501")
    yield put("100 characters", b"G" * 100, lighttpd="lighttpd 501")
    yield put("POST to a path that is none", b"POST", "404",
              target=b"/token/", nginx="nginx 404")
    for name, method in (("empty", b""), ("a blank after it", b"GET "),
                         ("a LF after it", b"GET\n"), ("8-bit", b"G\xc9T"),
                         ("two", b"GET, GET")):
        yield put(name, method, nginx=NOT_ASKED, lighttpd=NOT_ASKED,
                  why="no web server takes this for a method")


def is_led_to_us(target):
    """True when nginx, which tidies the path up to find the location, asks
    the responder all the same: which then sees what was sent."""
    path = urllib.parse.unquote_to_bytes(target.split(b"?")[0])
    return posixpath.normpath(path.decode("latin-1")) in (
        "/token", "/healthz") and not path.endswith((b"/", b"/.")) \
        and not b"//" in path


def path_rows(value):
    def put(target, want="404", **other):
        if want == "404" and not is_led_to_us(target):
            other.setdefault("nginx", "nginx 404")
        text = target if len(target) < 60 else target[:50] + b"..."
        return Row(f"path: {text.decode('latin-1')!r}", want, target=target,
                   auth=value, **other)

    for target in (
            b"/", b"/toke", b"/tokens", b"/Token", b"/TOKEN", b"/token/",
            b"/token//", b"/token/x", b"/token/.", b"/token/..", b"/token/../",
            b"/token/../token", b"/./token", b"/a/../token", b"//token",
            b"///token", b"/.//token", b"/%74oken", b"/%54oken", b"/toke%6e",
            b"/toke%6E", b"/token%20", b"/token%3f", b"/token%3F",
            b"/token%3fs=a&p=b", b"/token%23", b"/token%2f", b"/%2ftoken",
            b"/%2e/token", b"/a/%2e%2e/token", b"/token%0a", b"/token%0d%0a",
            b"/token;x", b"/token;x=y", b"/token&x", b"/token,", b"/token.",
            b"/token.json", b"/token~", b"/token*", b"/token$", b"/token:80",
            b"/token\\", b"/\\token", b"/token=", b"/tokentoken",
            b"/x/token", b"/tokenx?y", b"/healthz/",
            b"/Healthz", b"/healthz%20", b"/readyz/", b"/index.html",
            b"/favicon.ico", b"/.well-known/openid-configuration",
            b"/_error/400", b"/_error/401", b"/_error/503",
            b"/ambient-cp-token", b"/usr/sbin/ambient-cp-token/token",
            b"/cgi-bin/token", b"/etc/passwd", b"/?/token", b"/?"):
        yield put(target)
    for target in (b"/token%00", b"/%00token", b"/token%00.html"):
        yield put(target, nginx=N400, lighttpd="404",
                  why="nginx refuses NUL in a path")
    for target in (b"/../token", b"/../../etc/passwd", b"/token/../../token",
                   b"/..%2f..%2ftoken"):
        yield put(target, nginx=N400, why="nginx: above the root")
    for target in (b"/%", b"/%zz", b"/token%", b"/token%2", b"/token%zz"):
        yield put(target, nginx=N400, why="nginx: a broken escape")
    yield put(b"/token#x", nginx="404",
              why="nginx cuts the fragment off to find the location")
    yield put(b"http://token.test/token", "200", socket="404",
              why="absolute form; web servers take it apart (RFC 9112 §3.2.2)")
    yield put(b"http://other.test/token", "200", lighttpd=L400,
              socket="404", why="lighttpd: not the name in Host")
    yield put(b"http://token.test/token/", socket="404")
    yield put(b"http://token.test//token", socket="404")
    yield put(b"http://token.test", lighttpd=L400, socket="404")
    yield put(b"*", nginx=N400, lighttpd=L400)
    yield put(b"token", nginx=N400, lighttpd=L400)
    yield put(b"token.test:80", nginx=N400, lighttpd=L400)
    yield put(b"/" + b"a" * 3500)
    yield put(b"/token/" + b"a" * 6000, nginx="nginx 414",
              cgi="lighttpd 404",
              why="over 4 KB a line, and over PATH_MAX for mod_cgi")
    yield put(b"/token/" + b"a" * 12000, nginx="nginx 414",
              lighttpd="lighttpd 431", why="over the limits of both")
    yield put("/tokené".encode())
    yield put(b"/token\xff")
    yield put(b"/token\x80")
    for byte in (b"\x01", b"\x1f", b"\x7f"):
        yield put(b"/token" + byte, nginx=N400,
                  why="nginx refuses control characters")
    for target in (b"", b"/token ", b" /token", b"/token\n", b"/token\r\n",
                   b"\n/token", b"/token\t", b"?", b"?/token"):
        yield put(target, nginx=NOT_ASKED, lighttpd=NOT_ASKED,
                  why="no web server takes this for a path")
    for query in (b"?", b"?x", b"?x=y", b"??", b"?/../x", b"?%00", b"?%zz",
                  b"?token=x", b"?a=b&c=d;e", b"?" + b"a" * 3000,
                  b"?\xc3\xa9", b"?%23", b"?http://x.test/",
                  b"?/token/"):
        yield put(b"/token" + query, "200")


def fields_rows(value):
    def put(name, *lines, want="200", **other):
        return Row(f"header: {name}", want, auth=value, headers=lines,
                   socket=NOT_ASKED, **other)

    yield put("a range", b"Range: bytes=0-1")
    yield put("conditions", b"If-None-Match: *",
              b"If-Modified-Since: Thu, 01 Jan 2099 00:00:00 GMT")
    yield put("a condition to fail", b'If-Match: "x"',
              b"If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT")
    yield put("codings", b"Accept-Encoding: gzip, br, deflate")
    yield put("another type wanted", b"Accept: text/html;q=1, */*;q=0")
    yield put("an origin", b"Origin: http://evil.test")
    yield put("another method in a header", b"X-HTTP-Method-Override: DELETE",
              b"X-Method-Override: POST")
    yield put("another path in a header", b"X-Original-URL: /metrics",
              b"X-Rewrite-URL: /metrics", b"X-Forwarded-Prefix: /x")
    yield put("a proxy (httpoxy)", b"Proxy: http://127.0.0.1:9")
    yield put("a forwarded address", b"X-Forwarded-For: 203.0.113.9",
              b"Forwarded: for=203.0.113.9", b"X-Real-IP: 203.0.113.9")
    yield put("an upgrade", b"Upgrade: websocket, h2c")
    yield put("a traceparent that is none", b"Traceparent: 00-xyz-\"-\\")
    yield put("100 headers", *[b"X-%d: y" % i for i in range(100)])
    yield put("20 KB of headers", *[b"X-%d: %s" % (i, b"y" * 2000)
                                    for i in range(10)],
              nginx="nginx 431", lighttpd="lighttpd 431")
    yield put("one of 5 KB", b"X: " + b"y" * 5000, nginx="nginx 431",
              why="over 4 KB a line")
    yield put("one of 100 KB", b"X: " + b"y" * 100000, nginx="nginx 431",
              lighttpd="lighttpd 431")
    yield put("one without a colon", b"nonsense", lighttpd=L400,
              why="nginx drops it, lighttpd the request")
    yield put("one without a name", b": x", nginx=N400, lighttpd=L400)
    yield put("a NUL", b"X: a\0b", nginx=N400, lighttpd=L400)
    yield put("a second Host", b"Host: other.test", nginx=N400,
              lighttpd=L400)
    yield put("a length that is none", b"Content-Length: x", nginx=N400,
              lighttpd=L400)
    yield put("a negative length", b"Content-Length: -1", nginx=N400,
              lighttpd=L400)
    yield put("two lengths", b"Content-Length: 1", b"Content-Length: 2",
              nginx=N400, lighttpd=L400)
    yield put("length and coding", b"Content-Length: 5",
              b"Transfer-Encoding: chunked", nginx=N400, lighttpd=L400)
    yield put("a body of 10 MB to come", b"Content-Length: 10000000",
              nginx="nginx 413", lighttpd=L400,
              why="a GET with a body again, for lighttpd")
    yield Row("POST with a body of 10 MB to come", "405",
              raw=b"POST /token HTTP/1.1"
              b"\r\nHost: token.test\r\nConnection: close\r\n"
              b"Content-Length: 10000000\r\n\r\n", nginx="nginx 413",
              lighttpd="lighttpd 413")
    yield Row("POST without a length", "405", raw=b"POST "
              b"/token HTTP/1.1\r\nHost: token.test\r\n"
              b"Connection: close\r\n\r\n", lighttpd="lighttpd 411",
              why="lighttpd insists on a length")
    yield put("a coding that is none", b"Transfer-Encoding: x",
              nginx="nginx 501", lighttpd="lighttpd 501")


def line_rows(value):
    """Requests that are not made of a line and headers as usual."""
    auth = b"Authorization: " + value + b"\r\n"
    host = b"Host: token.test\r\nConnection: close\r\n"
    end = host + auth + b"\r\n"

    def put(name, raw, nginx, lighttpd, why=""):
        return Row(f"line: {name}", "", raw=raw, nginx=nginx,
                   lighttpd=lighttpd, why=why)

    yield put("HTTP/1.0", b"GET /token HTTP/1.0\r\n" + auth + b"\r\n",
              "200", "200")
    yield put("HTTP/1.0 without anything", b"GET /token HTTP/1.0\r\n\r\n",
              "401", "401")
    yield put("no Host", b"GET /token HTTP/1.1\r\nConnection: close\r\n"
              + auth + b"\r\n", N400, L400)
    yield put("an empty Host", b"GET /token HTTP/1.1\r\nHost:\r\n"
              b"Connection: close\r\n" + auth + b"\r\n", N400, L400)
    yield put("a Host that is none", b"GET /token HTTP/1.1\r\nHost: a/b\r\n"
              b"Connection: close\r\n" + auth + b"\r\n", N400, L400)
    yield put("LF for CR LF", (b"GET /token HTTP/1.1\r\n" + end)
              .replace(b"\r\n", b"\n"), "200", L400)
    yield put("empty lines first", b"\r\n\r\nGET /token HTTP/1.1\r\n" + end,
              "200", L400)
    yield put("two blanks", b"GET  /token  HTTP/1.1\r\n" + end, "200", L400)
    yield put("a tab", b"GET\t/token HTTP/1.1\r\n" + end, N400,
              "lighttpd 501")
    yield put("a blank first", b" GET /token HTTP/1.1\r\n" + end, N400,
              "lighttpd 501")
    yield put("no version", b"GET /token\r\n\r\n", "bare 401", L400,
              "HTTP/0.9: nginx answers without a head")
    yield put("http in lower case", b"GET /token http/1.1\r\n" + end, N400,
              L400)
    yield put("HTTP/2.0", b"GET /token HTTP/2.0\r\n" + end, "nginx 505",
              "lighttpd 505")
    yield put("HTTP/9.9", b"GET /token HTTP/9.9\r\n" + end, "nginx 505",
              "lighttpd 505")
    yield put("HTTP/1", b"GET /token HTTP/1\r\n" + end, N400,
              "lighttpd 505")
    yield put("HTTP/1.1x", b"GET /token HTTP/1.1x\r\n" + end, N400, L400)
    yield put("words after the version", b"GET /token HTTP/1.1 x\r\n" + end,
              N400, L400)
    yield put("the start of HTTP/2",
              b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", N400, "lighttpd 505",
              "HTTP/2 is off: one parser less for strangers")
    yield put("no path", b"GET HTTP/1.1\r\n" + end, N400, L400)
    yield put("garbage", b"hello\r\n\r\n", N400, L400)
    yield put("control characters", b"\x01\x02\x03\x04\r\n\r\n", N400, L400)
    yield put("TLS", bytes.fromhex("16030100500100004c0303") + b"\xaa" * 60
              + b"\r\n\r\n", N400, L400)
    yield put("FastCGI", bytes.fromhex("0101000100080000") + bytes(8)
              + b"\r\n\r\n", N400, L400)
    yield put("nothing at all", b"", CLOSED, CLOSED)
    yield put("no end of line", b"GET /token HTTP/1.1", CLOSED, CLOSED)
    yield put("no end of the header", b"GET /token HTTP/1.1\r\n" + host
              + auth, CLOSED, CLOSED)
    yield put("a second request behind", b"GET /token HTTP/1.1\r\n" + end
              + b"GET /metrics HTTP/1.1\r\n" + end, "200", "200",
              "Connection: close ends it")


def socket_rows(value):
    """What only a FastCGI peer can say."""
    def put(name, want="200", **other):
        other.setdefault("auth", value)
        return Row(f"parameter: {name}", want, nginx=NOT_ASKED,
                   lighttpd=NOT_ASKED, **other)

    for name, text in (("empty", b""), ("with a blank", b"a b"),
                       ("with CR LF", b"a\r\nX-Injected: y"),
                       ("8-bit", b"\xe9\xff"), ("65 characters", b"a" * 65),
                       ("4,000 characters", b"a" * 4000),
                       ("with a quote", b'a"b'), ("with a slash", b"a/b")):
        yield put(f"REQUEST_ID {name}", params=((b"REQUEST_ID", text),))
    for name, text in (("with a line end", b"127.0.0.1\n{}"),
                       ("8-bit", b"\xff\xfe"), ("with a quote", b'a"b\\'),
                       ("4,000 characters", b"a" * 4000), ("empty", b"")):
        yield put(f"REMOTE_ADDR {name}", params=((b"REMOTE_ADDR", text),))
    for length in (b"-1", b"x", b"99999999999999999999", b"1", b""):
        yield put(f"CONTENT_LENGTH {length.decode()}",
                  params=((b"CONTENT_LENGTH", length),))
    yield put("HTTP_TRACEPARENT with a line end", params=(
        (b"HTTP_TRACEPARENT", b"00-" + b"a" * 32 + b"\n" + b"b" * 16),))
    yield put("HTTP_PROXY", params=((b"HTTP_PROXY", b"http://127.0.0.1:9"),))
    yield put("GATEWAY_INTERFACE", params=(
        (b"GATEWAY_INTERFACE", b"CGI/1.1"),))
    yield put("LISTEN_FDS", params=((b"LISTEN_FDS", b"9"),))
    yield put("without a name", params=((b"", b"x"),))
    yield put("without name and value", params=((b"", b""),))
    yield put("an equals sign in a name", params=((b"A=B", b"x"),))
    yield put("one of 20,000 characters", params=((b"X", b"x" * 20000),))
    yield put("500 of them", params=tuple(
        (b"X%d" % i, b"y" * 20) for i in range(500)))
    yield put("one of 33,000 characters", CLOSED,
              params=((b"X", b"x" * 33000),))
    for name, param in (("HTTP_AUTHORIZATION", value),
                        ("HTTP_AUTHORIZATION", b"")):
        yield put(f"{name} twice", "401", params=((name.encode(), param),))
    yield put("REQUEST_URI twice", "404", params=(
        (b"REQUEST_URI", b"/metrics"),))
    yield put("REQUEST_METHOD twice", "405", params=(
        (b"REQUEST_METHOD", b"POST"),))
    yield put("HTTP_AUTHORIZATION in a longer name", "401", auth=None,
              params=((b"HTTP_AUTHORIZATION2", value),
                      (b"X_HTTP_AUTHORIZATION", value)))
    yield put("http_authorization in lower case", "401", auth=None,
              params=((b"http_authorization", value),))


def free_rows(keys):
    """Rows whose answer is known before any RSA work, but for one good
    credential, which is the first of them."""
    good = with_both_marks(keys.current)
    over = [modulus(keys.current), modulus(keys.current) + 1,
            (1 << 2048) - 1]
    return [*header_rows(good), *doubled_rows(good), *control_rows(good),
            # these may be as good as any other, to look at
            *[row for row in base64_rows(good) if not row.name.endswith(
                ("all A", "all lower case", "hexadecimal"))],
            *method_rows(b"Bearer " + good),
            *path_rows(b"Bearer " + good),
            *[Row("over the modulus", "401", auth=bearer(
                value.to_bytes(256, "big"))) for value in over],
            Row("over the modulus", "401",
                auth=bearer(over_modulus(keys.current)))]


def rows(keys):
    good = with_both_marks(keys.current)
    value = b"Bearer " + good
    return [*header_rows(good), *doubled_rows(good), *control_rows(good),
            *base64_rows(good), *length_rows(keys), *value_rows(keys),
            *crypto_rows(keys), *id_rows(keys), *method_rows(value),
            *path_rows(value), *fields_rows(value), *line_rows(value),
            *socket_rows(value)]
