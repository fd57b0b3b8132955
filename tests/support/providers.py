# SPDX-License-Identifier: Apache-2.0
"""Identity providers for the system tests, started in a test bed: the real
one (idp/), the faulty one (faulty_idp.py), and traps where nobody may call.

    idp = providers.start_real(b, {"runner": "secret"}, life=5)
    stub = providers.start_faulty(b)
    stub.set(mode="500")

Both are bed Processes with .token_url and .idp_port beside the usual, so
that a stopped one can be started again at the same place.
"""
import base64
import json
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import bed
import metrics
import raw_http
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

HOST = "127.0.0.1"
# what the clients in the tests call themselves when it does not matter
CLIENT = "runner client+1"
SECRET = "a secret: 100% + $?&="


def get_json(url):
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            url, timeout=bed.PATIENCE) as answer:
        return json.loads(answer.read())


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_jwt(token):
    """(header, claims), nothing verified."""
    header, claims, _ = token.split(".")
    return json.loads(decode(header)), json.loads(decode(claims))


class Verifier:
    """Claims of tokens whose signature one of the known keys made. A provider
    that is started again has other keys: add() them too."""

    def __init__(self, jwks_url):
        self.keys = {}
        self.add(jwks_url)

    def add(self, jwks_url):
        for key in get_json(jwks_url)["keys"]:
            n, e = (int.from_bytes(decode(key[part]), "big") for part in "ne")
            self.keys[key["kid"]] = rsa.RSAPublicNumbers(e, n).public_key()

    def claims(self, token):
        """Raises when the token is not the provider's."""
        header, claims = read_jwt(token)
        signed, _, signature = token.rpartition(".")
        if header["kid"] not in self.keys:
            raise InvalidSignature("no such key")
        self.keys[header["kid"]].verify(
            decode(signature), signed.encode(), padding.PKCS1v15(),
            hashes.SHA256())
        return claims


def _finish(b, process, name):
    """Waits for the line that says where everything is."""
    def find_line():
        return [line for line in process.log().splitlines(True)
                if line.startswith("{") and line.endswith("}\n")]

    b.wait_for(process, find_line, f"{name} is up")
    info = json.loads(find_line()[0])
    process.token_url = info["token_url"]
    process.jwks_url = info.get("jwks_url")
    process.admin_url = info["admin_url"]
    process.ca_file = info.get("ca_file")
    process.idp_port = urllib.parse.urlparse(info["token_url"]).port
    return process


def start_real(b, clients=None, life=300, port=0, tls=None, **options):
    """The real OpenID provider. tls: (certificate, key); options are those of
    idp.mjs. requests() counts what it was asked for."""
    folder = subprocess.run(
        [bed.SUPPORT / "install-idp"], check=True, text=True,
        stdout=subprocess.PIPE).stdout.strip()
    argv = [bed.find_program("node"), f"{folder}/idp.mjs", "--life", life,
            "--port", port]
    if tls is not None:
        argv += ["--cert", tls[0], "--key", tls[1]]
    for name, value in options.items():
        argv += ["--" + name.replace("_", "-"), value]
    pairs = [":".join(map(urllib.parse.quote_plus, pair)).replace("+", "%20")
             for pair in (clients or {CLIENT: SECRET}).items()]

    def start():
        return _finish(b, b.start("idp", argv, {
            "IDP_CLIENTS": " ".join(pairs)}), "the idp")

    try:
        process = start()
    except TimeoutError:
        # Once in many hundred starts Node did nothing at all; whatever that
        # was, it is no fault of what is tested.
        b.processes[-1].kill()
        process = start()
    process.requests = lambda: get_json(process.admin_url + "/requests")
    return process


def start_faulty(b, port=0, *flags, **values):
    """The stub, set to values (mode="500", life=60 ...)."""
    process = _finish(b, b.start("faulty-idp", [
        "/usr/bin/python3", "-B", bed.SUPPORT / "faulty_idp.py", "--port",
        port, *flags]), "the faulty idp")

    def set_values(**changes):
        return get_json(f"{process.admin_url}/set?"
                        + urllib.parse.urlencode(changes))

    process.set = set_values
    process.state = lambda: get_json(process.admin_url + "/state")
    process.count = lambda mode: process.state()["counts"].get(mode, 0)
    if values:
        set_values(**values)
    return process


class Trap:
    """A port where nobody may call; .callers tells how many did."""

    def __init__(self):
        self.socket = socket.create_server((HOST, 0))
        self.socket.setblocking(False)
        self.port = self.socket.getsockname()[1]
        self.seen = 0

    @property
    def callers(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except BlockingIOError:
                return self.seen
            self.seen += 1

    def close(self):
        self.socket.close()


def make_certificate(b):
    """(certificate, key) for 127.0.0.1, its own authority."""
    cert, key = b.path("idp-cert.pem"), b.path("idp-key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days",
         "2", "-subj", "/CN=idp", "-addext", f"subjectAltName=IP:{HOST}",
         "-keyout", key, "-out", cert], check=True, capture_output=True)
    cert.chmod(0o644)
    return cert, key


def credentials(idp, client=CLIENT, secret=SECRET):
    """What the responder is given in its environment."""
    return {"OIDC_TOKEN_URL": idp.token_url, "OIDC_CLIENT_ID": client,
            "OIDC_CLIENT_SECRET": secret}


def token_of(answer):
    """The token, or None for any answer but 200."""
    return json.loads(answer.body)["token"] if answer.status == 200 else None


def attempts(port):
    """How often the responder says that it asked its source."""
    return int(metrics.read(port).total("mint_total"))


def wait_until_ready(port):
    return bed.wait_until(
        lambda: raw_http.request(port, "/readyz").status == 200,
        "/readyz says ready")


class Sample:
    """One answer, and by the provider's word the life that its token had
    left when the request was sent. The token is chosen later than that, so
    no slowness of this machine makes a good answer look bad."""

    def __init__(self, verifier, ask):
        sent = time.time()
        self.answer = ask()
        self.came = time.time()
        self.status = self.answer.status
        self.token = token_of(self.answer)
        self.left = None
        if self.token:
            self.claims = verifier.claims(self.token)
            self.left = self.claims["exp"] - sent
