# SPDX-License-Identifier: Apache-2.0
"""Finds secrets in logs, whole or in part, as they are or re-coded.

    finder = Finder()
    word = finder.new("a client secret")     # recognisable, and remembered
    finder.add("a ciphertext", credential)
    finder.find(text)    # [(what it is, how it is coded, the part seen)]

A hit is a run of RUN characters of a secret in one of its forms; shorter
secrets than that are looked for whole.
"""
import base64
import json
import secrets
import urllib.parse

RUN = 16
ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"


def forms(secret):
    """(how, text) for each way in which a program may write it down."""
    data = secret.encode("latin-1")
    yield "plain", secret
    yield "upper case", secret.upper()
    yield "lower case", secret.lower()
    yield "backwards", secret[::-1]
    yield "percent-encoded", urllib.parse.quote(secret, safe="")
    yield "form-encoded", urllib.parse.quote_plus(secret)
    yield "hexadecimal", data.hex()
    yield "hexadecimal in capitals", data.hex().upper()
    yield "JSON", json.dumps(secret)[1:-1]
    for shift in range(3):
        # what is around it moves it within the groups of base64
        coded = base64.b64encode(bytes(shift) + data)[4:].rstrip(b"=")[:-1]
        yield "base64", coded.decode()
        yield "base64url", coded.decode().translate(
            str.maketrans("+/", "-_"))


class Finder:
    def __init__(self):
        self.parts = {}   # a run of characters: (what, how)
        self.whole = {}   # secrets that are shorter than a run
        self.known = []   # (what, secret)

    def add(self, what, secret):
        """Returns it, for use where it is named."""
        if isinstance(secret, bytes):
            secret = secret.decode("latin-1")
        self.known.append((what, secret))
        for how, text in forms(secret):
            if len(text) < RUN:
                if len(text) >= 8:
                    self.whole[text] = (what, how)
                continue
            for at in range(len(text) - RUN + 1):
                self.parts.setdefault(text[at:at + RUN], (what, how))
        return secret

    def new(self, what, size=40):
        """A secret that is like nothing else."""
        return self.add(what, "".join(
            secrets.choice(ALPHABET) for _ in range(size)))

    def find(self, text):
        found = {}
        for at in range(len(text) - RUN + 1):
            hit = self.parts.get(text[at:at + RUN])
            if hit:
                found.setdefault(hit, text[max(0, at - 60):at + RUN + 20])
        for part, hit in self.whole.items():
            if part in text:
                found.setdefault(hit, part)
        return [(*hit, seen) for hit, seen in found.items()]

    def find_in_file(self, path):
        return [(path.name, *hit)
                for hit in self.find(path.read_bytes().decode("latin-1"))]
