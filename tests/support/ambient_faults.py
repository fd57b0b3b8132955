# SPDX-License-Identifier: Apache-2.0
"""What the stub of the Ambient API does wrong on demand: rules, each for the
requests that it matches.

A rule is a JSON object: action; method ("*"), path (regular expression, found
in the path after the base path), query (the same for the decoded query),
skip (how many matching requests are left alone first), count (how many are
then treated; without it all). The actions and what else they take:

    delay        seconds; then goes on as if nothing were
    hold         waits until released
    hold_save    waits between the reading and the saving of a row
    status       status (500), code (number of the error; without it the body
                 has none), retry_after, location, body, is_done (the request
                 is carried out all the same)
    not_found    404 without the numbered code, as a refused caller gets it
    empty        a list without rows
    hide         ids: rows missing from lists; is_counted: total counts them
    shrink       by (1): of each page that was sent, so many of its first rows
                 are missing from the lists that follow
    cut          the connection is closed after `at` bytes of the body (half)
    truncate     a complete answer whose JSON ends after `at` bytes (half)
    drop         the connection is closed without an answer; is_done as above
"""
import re
import threading
import time

MATCH = {"action", "method", "path", "query", "skip", "count"}
ACTIONS = {
    "delay": {"seconds"}, "hold": set(), "hold_save": set(),
    "status": {"status", "code", "retry_after", "location", "body",
               "is_done"},
    "not_found": set(), "empty": set(), "hide": {"ids", "is_counted"},
    "shrink": {"by"}, "cut": {"at"}, "truncate": {"at"}, "drop": {"is_done"},
}
LONGEST_HOLD = 300


class Rule:
    def __init__(self, number, given):
        """Raises ValueError for what is no rule."""
        self.number = number
        self.action = given.get("action")
        if self.action not in ACTIONS:
            raise ValueError(f"no such action: {self.action}")
        unknown = set(given) - MATCH - ACTIONS[self.action]
        if unknown:
            raise ValueError("no such value: " + ", ".join(sorted(unknown)))
        self.values = given
        self.path = re.compile(given.get("path", ""))
        self.query = re.compile(given.get("query", ""))
        self.method = given.get("method", "*")
        self.seen = 0
        self.hits = 0
        self.gone = set(given.get("ids", ()))

    def takes(self, method, path, query):
        """True when this request is to be treated; counts it."""
        if (self.method not in ("*", method) or not self.path.search(path)
                or not self.query.search(query)):
            return False
        self.seen += 1
        skip, count = self.values.get("skip", 0), self.values.get("count")
        if self.seen <= skip or (count is not None and self.hits >= count):
            return False
        self.hits += 1
        return True

    def get(self, name, default=None):
        return self.values.get(name, default)


class Faults:
    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []
        self.numbers = 0
        self.waiting = []

    def add(self, given):
        """The rule's number."""
        rule = Rule(self.numbers + 1, given)
        with self.lock:
            self.numbers += 1
            self.rules.append(rule)
            return rule.number

    def remove(self, number=None):
        """One rule, or all; whoever is held goes on."""
        with self.lock:
            self.rules = [] if number is None else [
                rule for rule in self.rules if rule.number != number]
        self.release()

    def take(self, method, path, query):
        """The rules for this request."""
        if not self.rules:
            return []
        with self.lock:
            return [rule for rule in self.rules
                    if rule.takes(method, path, query)]

    def wait(self):
        event = threading.Event()
        with self.lock:
            self.waiting.append(event)
        event.wait(LONGEST_HOLD)

    def release(self, count=None):
        """Lets those go on who are held, the first to wait first."""
        with self.lock:
            free, self.waiting = (self.waiting, []) if count is None else (
                self.waiting[:count], self.waiting[count:])
        for event in free:
            event.set()

    def state(self):
        with self.lock:
            return {"held": len(self.waiting),
                    "faults": {str(r.number): r.hits for r in self.rules}}

    def stall(self, rules):
        """What comes before a request is looked at."""
        for rule in rules:
            if rule.action == "delay":
                time.sleep(float(rule.get("seconds", 1)))
            elif rule.action == "hold":
                self.wait()

    def stall_save(self, rules):
        for rule in rules:
            if rule.action == "hold_save":
                self.wait()


def left_in_list(rules, rows):
    """(rows that are still to be seen, how many of the others count)"""
    counted = 0
    for rule in rules:
        if rule.action == "empty":
            rows = []
        elif rule.action in ("hide", "shrink"):
            left = [r for r in rows if r.values["id"] not in rule.gone]
            counted += (len(rows) - len(left) if rule.get("is_counted")
                        else 0)
            rows = left
    return rows, counted


def note_page(rules, rows):
    """After a page was made: what the next ones will lack."""
    for rule in rules:
        if rule.action == "shrink":
            rule.gone |= {r.values["id"] for r in rows[:rule.get("by", 1)]}
