#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The two clients that exist in the field, as they behave on the wire.

fetch() is the runner: urllib, three attempts with the same ciphertext, 1 s
and 2 s between them, 10 s each, any 2xx with a token. fetch_strict() is the
sidecars' client: the same, but exactly 200, and a string. As a program it
takes what a runner pod has in its environment (AMBIENT_CP_TOKEN_URL,
AMBIENT_CP_TOKEN_PUBLIC_KEY as PEM text, SESSION_ID) and prints the token.
"""
import base64
import functools
import http.client
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

PAUSES = (1, 2)
TIMEOUT = 10


def seal(public_pem, session_id):
    """The credential: base64 of RSA-OAEP, SHA-256 throughout, no label."""
    if isinstance(public_pem, str):
        public_pem = public_pem.encode()
    if isinstance(session_id, str):
        session_id = session_id.encode()
    key = serialization.load_pem_public_key(public_pem)
    sealed = key.encrypt(session_id, padding.OAEP(
        mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(),
        label=None))
    return base64.b64encode(sealed).decode()


def check_url(url):
    parts = urllib.parse.urlparse(url)
    if (parts.scheme not in ("http", "https") or not parts.netloc
            or parts.username is not None or parts.password is not None):
        raise RuntimeError(f"invalid CP token URL: {url!r}")


def opener(source):
    """urllib's own, or one that comes from another loopback address."""
    if source is None:
        return urllib.request.build_opener()

    class FromSource(urllib.request.HTTPHandler):
        def http_open(self, request):
            return self.do_open(functools.partial(
                http.client.HTTPConnection, source_address=(source, 0)),
                request)

    return urllib.request.build_opener(FromSource)


def attempt(open_url, url, credential, is_strict):
    request = urllib.request.Request(
        url, headers={"Authorization": "Bearer " + credential})
    try:
        with open_url.open(request, timeout=TIMEOUT) as answer:
            if is_strict and answer.status != 200:
                raise RuntimeError(f"CP /token HTTP {answer.status}")
            reply = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        body = error.read().decode("utf-8", "replace")
        raise RuntimeError(f"CP /token HTTP {error.code}: {body}") from error
    token = reply.get("token") if isinstance(reply, dict) else None
    if not token or (is_strict and not isinstance(token, str)):
        raise RuntimeError("CP /token: missing 'token' field")
    return token.strip()


def fetch(url, public_pem, session_id, source=None, is_strict=False):
    """The token, or RuntimeError after the third attempt."""
    check_url(url)
    credential = seal(public_pem, session_id)
    open_url = opener(source)
    last = None
    for pause in (0,) + PAUSES:
        time.sleep(pause)
        try:
            return attempt(open_url, url, credential, is_strict)
        except (RuntimeError, OSError, ValueError,
                http.client.HTTPException) as error:
            last = error
    raise RuntimeError(
        f"CP token endpoint unreachable after 3 attempts: {last}")


def fetch_strict(url, public_pem, session_id, source=None):
    return fetch(url, public_pem, session_id, source, is_strict=True)


def main():
    try:
        print(fetch(os.environ["AMBIENT_CP_TOKEN_URL"],
                    os.environ["AMBIENT_CP_TOKEN_PUBLIC_KEY"],
                    os.environ["SESSION_ID"]))
    except KeyError as error:
        sys.exit(f"stock_runner: {error.args[0]} is not set")
    except RuntimeError as error:
        sys.exit(f"stock_runner: {error}")


if __name__ == "__main__":
    main()
