# SPDX-License-Identifier: Apache-2.0
"""The other port of the Ambient API's stub, where a test says how it is to
behave and reads what it was asked. All bodies are JSON.

    GET    /state             counts; how many requests are held
    GET    /log?since=N       the requests from number N on, oldest first
    DELETE /log               forgets them and the counts
    PUT    /settings          any of SETTINGS below; answers with all of them
    POST   /faults            a rule (ambient_faults.py); {"number"}
    DELETE /faults[/N]        one or all; those who are held go on
    POST   /release           {"count"}: those who are held go on
    POST   /load              {"kind", "rows"}: rows as they are; {"ids"}
    PUT    /rows/KIND/ID      {"values", "is_stamped"}: columns of one row
    DELETE /rows              all rows
"""
import json
import re
import urllib.parse

import ambient_values
from ambient_http import Reply
from ambient_kinds import KINDS
from ambient_routes import PROJECT_NAME
from ambient_store import COLLATIONS

SETTINGS = {
    # "any" bearer, "jwt" (three parts, not expired), or a list of tokens
    "accept": "any",
    # seconds that the server's clock is ahead
    "clock_offset": 0,
    # of the database: C, or en_US, which does not sort by case
    "collation": "C",
    # [{"pattern", "status"}]: searches that it does not understand, 400 or 500
    "refuse": [],
    # seconds that a kept connection may be silent
    "idle_timeout": 5,
    # whether the names of deleted rows can be used again
    "is_name_free": False,
    # whether connections are refused, and those that were open are ended
    "is_down": False,
}


class ControlError(Exception):
    """A request of the test's that makes no sense."""


class Control:
    def __init__(self, api):
        self.api = api

    def handle(self, request):
        path, _, query = request.target.partition("?")
        words = path.strip("/").split("/")
        try:
            function = getattr(self, f"{request.method.lower()}_{words[0]}",
                               None)
            if function is None:
                raise ControlError(f"no such request: {request.method} {path}")
            given = json.loads(request.body or b"{}")
            reply = function(words[1:], given, urllib.parse.parse_qs(query))
            return self.reply(200, reply)
        except (ControlError, ValueError, KeyError, TypeError,
                re.error) as error:
            return self.reply(400, {"error": f"{type(error).__name__}: "
                                    f"{error}"})

    @staticmethod
    def reply(status, value):
        return Reply(status, ambient_values.dump(value),
                     [("Content-Type", "application/json")])

    # --- what was asked -------------------------------------------------------

    def get_state(self, _words, _given, _query):
        store = self.api.store
        return {**self.api.log.state(), **self.api.faults.state(),
                "connections": self.api.server.connections,
                "open": len(self.api.server.living),
                "settings": self.api.settings,
                "rows": {name: len(table.rows)
                         for name, table in store.tables.items()}}

    def get_log(self, _words, _given, query):
        return self.api.log.since(int(query.get("since", ["1"])[0]))

    def delete_log(self, _words, _given, _query):
        self.api.log.clear()
        return {}

    # --- how it is to behave --------------------------------------------------

    def put_settings(self, _words, given, _query):
        unknown = set(given) - set(SETTINGS)
        if unknown:
            raise ControlError("no such setting: " + ", ".join(unknown))
        if given.get("collation", "C") not in COLLATIONS:
            raise ControlError("no such collation")
        for refusal in given.get("refuse", ()):
            re.compile(refusal["pattern"])
            if refusal["status"] not in (400, 500):
                raise ControlError("a search is refused by 400 or 500")
        self.api.change(given)
        return self.api.settings

    def post_faults(self, _words, given, _query):
        return {"number": self.api.faults.add(given)}

    def delete_faults(self, words, _given, _query):
        self.api.faults.remove(int(words[0]) if words else None)
        return {}

    def post_release(self, _words, given, _query):
        self.api.faults.release(given.get("count"))
        return {}

    # --- rows -----------------------------------------------------------------

    @staticmethod
    def read(name, given):
        """A row's columns from JSON; here null unsets."""
        columns = KINDS[name].columns
        return {column: None if value is None
                else ambient_values.from_json(value, columns[column])
                for column, value in given.items()}

    def post_load(self, _words, given, _query):
        name = given["kind"]
        rows = [self.read(name, row) for row in given["rows"]]
        if name == "projects" and not all(
                PROJECT_NAME.fullmatch(row["name"]) for row in rows):
            raise ControlError("not a project's name")
        return {"ids": self.api.store.load(name, rows)}

    def put_rows(self, words, given, _query):
        name, row_id = words
        values = self.api.store.get(name, urllib.parse.unquote(row_id))
        if values is None:
            raise ControlError("no such row")
        values.update(self.read(name, given["values"]))
        self.api.store.save(name, values, given.get("is_stamped", True))
        return self.api.store.shown(name, values)

    def delete_rows(self, _words, _given, _query):
        self.api.store.clear()
        return {}
