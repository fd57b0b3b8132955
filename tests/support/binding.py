# SPDX-License-Identifier: Apache-2.0
"""Binding proofs, by another implementation than the one that is tested."""
import base64
import functools
import pathlib

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@functools.lru_cache
def derive(pem):
    """The binding key of a private key; OpenSSL takes its time to load it."""
    key = serialization.load_pem_private_key(pem, None)
    der = key.private_bytes(serialization.Encoding.DER,
                            serialization.PrivateFormat.TraditionalOpenSSL,
                            serialization.NoEncryption())
    return HKDF(hashes.SHA256(), 32, b"ambient-cp/v1", b"binding").derive(der)


def proof_of(key_path, session):
    """The proof of a session under the (first) key of a file."""
    subkey = derive(pathlib.Path(key_path).read_bytes())
    mac = hmac.HMAC(subkey, hashes.SHA256())
    mac.update(session.encode())
    return base64.urlsafe_b64encode(mac.finalize()).decode().rstrip("=")


def query(session, proof):
    """The target of a bound token URL."""
    return f"/token?s={session}&p={proof}"
