#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes key-vector.pem and key-vector.txt beside itself.

The text holds what lib/key.c must derive from the key, computed here by
python3-cryptography alone. Run by hand when the rules change.
"""
import pathlib

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

folder = pathlib.Path(__file__).parent
key = rsa.generate_private_key(65537, 2048)


def export(encoding, form):
    return key.private_bytes(encoding, form, serialization.NoEncryption())


pkcs1 = serialization.PrivateFormat.TraditionalOpenSSL
ikm = export(serialization.Encoding.DER, pkcs1)
spki = key.public_key().public_bytes(
    serialization.Encoding.DER,
    serialization.PublicFormat.SubjectPublicKeyInfo)
digest = hashes.Hash(hashes.SHA256())
digest.update(spki)
lines = ["id " + digest.finalize().hex()[:16]]
for use in ("binding", "renewal", "log", "anchor"):
    hkdf = HKDF(hashes.SHA256(), 32, b"ambient-cp/v1", use.encode())
    lines.append(use + " " + hkdf.derive(ikm).hex())
(folder / "key-vector.txt").write_text("\n".join(lines) + "\n")
(folder / "key-vector.pem").write_bytes(
    b"TEST VECTOR: published, so it protects nothing. Never serve with it.\n"
    + export(serialization.Encoding.PEM, pkcs1))
