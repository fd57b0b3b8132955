#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the proof and the renewal handle that test_proof.c and test_handle.c
hold for the key of key-vector.txt, computed here by python3-cryptography
alone. Run by hand when the rules change."""
import base64
import pathlib
import struct

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SESSION = b"2abcDEFghiJKLmnoPQRstuVWXyz"
ISSUED_MS, EXPIRES_MS = 1700000000000, 1700003600000
SALT = bytes(range(16))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


text = (pathlib.Path(__file__).parent / "key-vector.txt").read_text()
subkeys = dict(line.split() for line in text.splitlines())

mac = hmac.HMAC(bytes.fromhex(subkeys["binding"]), hashes.SHA256())
mac.update(SESSION)
print("proof ", encode(mac.finalize()))

once = HKDF(hashes.SHA256(), 44, SALT, b"acp1").derive(
    bytes.fromhex(subkeys["renewal"]))
plain = struct.pack(">Bqq", 1, ISSUED_MS, EXPIRES_MS) + SESSION
sealed = SALT + AESGCM(once[:32]).encrypt(once[32:], plain, b"acp1")
print("handle", "acp1." + encode(sealed))
