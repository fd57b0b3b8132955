# SPDX-License-Identifier: Apache-2.0
"""Values of the Ambient API's rows: ids, times and JSON as the server writes
them. Times are microseconds since 1970 in the rows."""
import datetime
import json
import os
import re
import string

ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
KSUID_EPOCH = 1_400_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
MICROSECOND = datetime.timedelta(microseconds=1)
# JSON is text to the server's database, so its own types are few
JSON_TYPES = {"text": str, "int": int, "number": (int, float), "bool": bool,
              "time": str}
BOOLEANS = {"true": True, "t": True, "1": True,
            "false": False, "f": False, "0": False}
RFC_3339 = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


def make_ksuid(now):
    """27 characters that sort by the second they were made in (C order)."""
    number = int.from_bytes(
        (int(now) - KSUID_EPOCH).to_bytes(4, "big") + os.urandom(16), "big")
    text = ""
    for _ in range(27):
        number, rest = divmod(number, 62)
        text = ALPHABET[rest] + text
    return text


def format_time(micros):
    """RFC 3339 as Go prints it: no zeros at the end of the fraction."""
    seconds, fraction = divmod(micros, 1_000_000)
    text = (EPOCH + datetime.timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%S")
    if fraction:
        text += f".{fraction:06d}".rstrip("0")
    return text + "Z"


def parse_time(text):
    """Raises ValueError; as the database reads it, so UTC when unsaid."""
    moment = datetime.datetime.fromisoformat(text.strip())
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=datetime.timezone.utc)
    return (moment - EPOCH) // MICROSECOND


def from_text(text, kind):
    """A literal of a search as a value; ValueError when it is none."""
    if kind == "int":
        return int(text)
    if kind == "number":
        return float(text)
    if kind == "time":
        return parse_time(text)
    if kind == "bool":
        if text.lower() not in BOOLEANS:
            raise ValueError(text)
        return BOOLEANS[text.lower()]
    return text


def from_json(value, kind):
    """A value of a request's body; ValueError for one of another type."""
    if not isinstance(value, JSON_TYPES[kind]) or (
            isinstance(value, bool) and kind != "bool"):
        raise ValueError(f"{value!r} is not of type {kind}")
    if kind != "time":
        return value
    if not RFC_3339.fullmatch(value):
        raise ValueError(f"{value!r} is no time of RFC 3339")
    return parse_time(value)


def to_json(value, kind):
    if kind == "time":
        return format_time(value)
    if kind == "number" and value == int(value):
        return int(value)
    return value


def dump(value):
    """Bytes of JSON with the escapes of Go, without white space."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        if character in text:
            text = text.replace(character, f"\\u{ord(character):04x}")
    return text.encode("utf-8", "replace")
