# SPDX-License-Identifier: Apache-2.0
"""The paths of the Ambient API below its base path: rows, lists, and what can
be done with a session. Knows nothing of HTTP but methods and statuses."""
import json
import re

import ambient_faults
import ambient_search
import ambient_values
from ambient_kinds import KINDS, PHASES, STATUS_COLUMNS
from ambient_store import Conflict

BASE = "/api/ambient/v1"
SERVICE = "ambient-api-server"
# error numbers of the server, and the status of each
UNAUTHENTICATED, NOT_FOUND, CONFLICT, VALIDATION = 15, 7, 6, 8
GENERAL, MALFORMED, BAD_REQUEST, BAD_SEARCH = 9, 17, 21, 23
STATUSES = {1: 403, 4: 403, 6: 409, 7: 404, 8: 400, 9: 500, 10: 405, 11: 403,
            15: 401, 17: 400, 21: 400, 23: 400, 26: 500, 404: 404}
PROJECT_NAME = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
PROJECT_SCOPE = re.compile(r"[a-zA-Z0-9_-]+")
SCOPED = ("sessions", "project_settings")
MOST_ROWS = 65500
STARTABLE = (None, "", "Stopped", "Failed", "Completed")
STOPPABLE = ("Running", "Creating", "Pending")


class ApiError(Exception):
    """A numbered error of the server."""

    def __init__(self, number, reason):
        super().__init__(reason)
        self.number = number
        self.status = STATUSES.get(number, 500)


class NotAllowed(Exception):
    """The path is known, the method is not."""


class Call:
    """One request: words are the parts of the path after the base path,
    query its first values, user who it is from, rules the faults for it."""

    def __init__(self, method, words, query, headers, body):
        self.method = method
        self.words = words
        self.query = query
        self.headers = headers
        self.body = body
        self.user = None
        self.rules = []

    def json(self):
        """The body's members; null has none."""
        try:
            given = json.loads(self.body)
        except ValueError as error:
            raise ApiError(MALFORMED,
                           f"Invalid request format: {error}") from error
        if not isinstance(given, (dict, type(None))):
            raise ApiError(MALFORMED, "Invalid request format: no object")
        return given or {}


def number_of(text, default):
    """As Go's Atoi with its error left aside."""
    text = (text or "").strip(" ")
    if not text:
        return default
    return int(text) if re.fullmatch(r"[+-]?\d+", text) else 0


def quote(text):
    return "'" + text.replace("'", "''") + "'"


class Routes:
    """refusals: [{"pattern", "status"}], searches that are not understood."""

    def __init__(self, store, faults):
        self.store = store
        self.faults = faults
        self.refusals = []

    def answer(self, call):
        """(status, bytes); raises ApiError and NotAllowed."""
        words = call.words
        if words[0] == "projects" and len(words) > 2:
            return self.nested(call, words)
        name = words[0]
        if name not in KINDS or KINDS[name].parent or len(words) > 3:
            self.no_route(call)
        if len(words) == 1:
            return self.collection(call, name, {})
        if len(words) == 2:
            return self.item(call, name, words[1], {})
        return self.special(call, name, words[1], words[2])

    def nested(self, call, words):
        """/projects/{id}/agents/{agent_id}/inbox/{id} and shorter."""
        if words[2] != "agents" or len(words) > 6:
            self.no_route(call)
        scope = {"project_id": words[1]}
        if len(words) == 3:
            return self.collection(call, "agents", scope)
        if len(words) == 4:
            return self.item(call, "agents", words[3], scope)
        if words[4:] == ["start"]:
            return self.only("POST", call, self.start_agent, words[3], scope)
        if words[4] != "inbox":
            self.no_route(call)
        scope = {"agent_id": words[3]}
        if len(words) == 5:
            return self.collection(call, "inbox", scope)
        return self.item(call, "inbox", words[5], scope)

    def special(self, call, name, row_id, word):
        """/sessions/{id}/status and its like."""
        if name == "sessions" and word == "status":
            return self.only("PATCH", call, self.patch_status, row_id)
        if name == "sessions" and word in ("start", "stop"):
            return self.only("POST", call, getattr(self, word), row_id)
        if name == "credentials" and word == "token":
            return self.only("GET", call, self.credential_token, row_id)
        return self.no_route(call)

    def no_route(self, call):
        path = "/".join([BASE, *call.words])
        raise ApiError(404, f"The requested resource '{path}' doesn't exist")

    @staticmethod
    def only(method, call, function, *arguments):
        if call.method != method:
            raise NotAllowed
        return function(call, *arguments)

    def collection(self, call, name, scope):
        if call.method == "GET":
            return self.list(call, name, scope)
        return self.only("POST", call, self.create, name, scope)

    def item(self, call, name, row_id, scope):
        if call.method == "GET":
            return 200, self.dump(name, self.must_get(name, row_id, scope))
        if call.method == "DELETE":
            # of an id that never was: the same answer
            self.store.delete(name, row_id)
            return 204, b""
        return self.only("PATCH", call, self.patch, name, row_id, scope)

    # --- rows -----------------------------------------------------------------

    def dump(self, name, values):
        return ambient_values.dump(self.store.shown(name, values))

    def must_get(self, name, row_id, scope=None):
        values = self.store.get(name, row_id)
        if values is None or any(values[c] != want for c, want in
                                 (scope or {}).items()):
            raise ApiError(NOT_FOUND, f"{KINDS[name].name} with "
                           f"id='{row_id}' not found")
        return values

    @staticmethod
    def read(kind, given, names):
        try:
            return kind.read(given, names)
        except ValueError as error:
            raise ApiError(MALFORMED,
                           f"Invalid request format: {error}") from error

    def create(self, call, name, scope):
        kind, given = KINDS[name], call.json()
        if given.get("id"):
            raise ApiError(VALIDATION, "id must be empty")
        values = {**self.read(kind, given, kind.writable), **scope}
        for column in kind.required:
            if not values.get(column):
                raise ApiError(VALIDATION, f"{column} is required")
        if name == "sessions":
            project = call.headers.get("x-ambient-project")
            if values.get("project_id") is None and project:
                values["project_id"] = project
            values["created_by_user_id"] = call.user
        self.check(name, values)
        try:
            return 201, self.dump(name, self.store.create(name, values))
        except Conflict as error:
            raise ApiError(CONFLICT,
                           f"This {kind.name} already exists") from error

    def check(self, name, values):
        if name == "projects" and not (
                2 <= len(values["name"]) <= 63
                and PROJECT_NAME.fullmatch(values["name"])):
            raise ApiError(VALIDATION, "project name must be a DNS label of 2 "
                           "to 63 characters that starts with a letter")
        if name == "project_settings" and not self.store.was_known(
                "projects", values["project_id"]):
            raise ApiError(GENERAL, "Unable to create ProjectSettings: "
                           "violates foreign key constraint")

    def patch(self, call, name, row_id, scope):
        kind, given = KINDS[name], call.json()
        values = self.must_get(name, row_id, scope)
        values.update(self.read(kind, given, kind.patchable))
        if name == "projects":
            self.check(name, values)
        return self.save(call, name, values)

    def save(self, call, name, values):
        """The whole row as it was read, with the changes."""
        self.faults.stall_save(call.rules)
        try:
            is_saved = self.store.save(name, values)
        except Conflict as error:
            raise ApiError(CONFLICT, f"Changes to {KINDS[name].name} conflict "
                           "with existing records") from error
        if not is_saved:
            self.must_get(name, values["id"])
        return 200, self.dump(name, values)

    # --- what is done with one ------------------------------------------------

    def patch_status(self, call, row_id):
        given = self.read(KINDS["sessions"], call.json(), STATUS_COLUMNS)
        if not given:
            raise ApiError(VALIDATION, "status patch body must set at least "
                           "one field: " + ", ".join(STATUS_COLUMNS))
        values = self.must_get("sessions", row_id)
        if given.get("phase", PHASES[0]) not in PHASES:
            raise ApiError(VALIDATION, f"invalid phase \"{given['phase']}\"; "
                           "must be one of: " + ", ".join(PHASES))
        values.update(given)
        return self.save(call, "sessions", values)

    def start(self, call, row_id):
        values = self.must_get("sessions", row_id)
        if values["phase"] not in STARTABLE:
            raise ApiError(CONFLICT, "cannot start session in phase "
                           f"\"{values['phase']}\"; must be empty, Stopped, "
                           "Failed, or Completed")
        values["phase"] = "Pending"
        return self.save(call, "sessions", values)

    def stop(self, call, row_id):
        values = self.must_get("sessions", row_id)
        if values["phase"] not in STOPPABLE:
            raise ApiError(CONFLICT, "cannot stop session in phase "
                           f"\"{values['phase'] or ''}\"; must be Running, "
                           "Creating, or Pending")
        values["phase"] = "Stopping"
        return self.save(call, "sessions", values)

    def start_agent(self, call, agent_id, scope):
        """A session of the agent's, created and then started."""
        agent = self.must_get("agents", agent_id, scope)
        session = self.store.create("sessions", {
            "name": f"{agent['name']}-{int(self.store.clock())}",
            "prompt": agent["prompt"], "project_id": agent["project_id"],
            "agent_id": agent_id, "created_by_user_id": call.user})
        agent["current_session_id"] = session["id"]
        self.store.save("agents", agent)
        self.start(call, session["id"])
        return 201, ambient_values.dump({
            "session": self.store.shown("sessions", session),
            "starting_prompt": agent["prompt"] or ""})

    def credential_token(self, _call, row_id):
        values = self.must_get("credentials", row_id)
        return 200, ambient_values.dump({
            "credential_id": row_id, "provider": values["provider"],
            "token": values["token"] or ""})

    # --- lists ----------------------------------------------------------------

    def search_text(self, call, name, scope):
        """What the client searches for, within its project or parent."""
        scope, text = dict(scope), call.query.get("search", "").strip(" ")
        if name in SCOPED:
            project = (call.query.get("project_id")
                       or call.headers.get("x-ambient-project"))
            if project and not PROJECT_SCOPE.fullmatch(project):
                raise ApiError(VALIDATION, "invalid project_id format")
            if project:
                scope["project_id"] = project
        for refusal in self.refusals:
            if text and re.search(refusal["pattern"], text):
                raise ApiError(BAD_SEARCH if refusal["status"] == 400
                               else GENERAL, f"refused search: {text}")
        parts = [f"{c} = {quote(value)}" for c, value in scope.items()]
        return " and ".join(parts + ([f"({text})"] if text else []))

    def order_of(self, call, name):
        """[(column, is_descending)]"""
        text, order = call.query.get("orderBy", "").strip(" "), []
        for part in text.split(",") if text else ():
            words = part.strip(" ").split(" ")
            if len(words) > 2 or words[1:] not in ([], ["asc"], ["desc"]):
                raise ApiError(BAD_REQUEST, f"bad order value '{part}'")
            column = words[0].rpartition(".")[2]
            if column not in KINDS[name].columns:
                raise ApiError(GENERAL, "Unable to list resources: column "
                               f"\"{words[0]}\" does not exist")
            order.append((column, words[1:] == ["desc"]))
        return order

    def list(self, call, name, scope):
        text = self.search_text(call, name, scope)
        order = self.order_of(call, name)
        rows = self.find(name, text)
        rows, others = ambient_faults.left_in_list(call.rules, rows)
        page = number_of(call.query.get("page"), 1)
        size = number_of(call.query.get("size"), 100)
        size = MOST_ROWS if size < 0 or size > MOST_ROWS else size
        start = max(0, (page - 1) * size)
        shown = self.store.order(name, rows, order)[start:start + size]
        ambient_faults.note_page(call.rules, shown)
        return 200, self.envelope(
            name, page, len(rows) + others,
            [self.store.json_of(name, row) for row in shown],
            call.query.get("fields"))

    def find(self, name, text):
        try:
            return self.store.select(name, ambient_search.compile_search(
                text, KINDS[name].columns, self.store.key))
        except ambient_search.ParseError as error:
            raise ApiError(BAD_SEARCH, "Failed to parse search query: "
                           f"{text}") from error
        except ambient_search.DatabaseError as error:
            raise ApiError(GENERAL,
                           f"Unable to list resources: {error}") from error

    @staticmethod
    def envelope(name, page, total, items, fields):
        kind = KINDS[name].name + "List"
        if fields:
            wanted = {"id", "kind", "href",
                      *fields.replace(" ", "").split(",")}
            kind = "ProjectionList"
            items = [ambient_values.dump(
                {k: v for k, v in json.loads(item).items() if k in wanted})
                     for item in items]
        head = (f'{{"kind":"{kind}","page":{page},"size":{len(items)},'
                f'"total":{total},"items":[')
        return head.encode() + b",".join(items) + b"]}"
