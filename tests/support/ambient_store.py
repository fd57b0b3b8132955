# SPDX-License-Identifier: Apache-2.0
"""The rows behind the stub of the Ambient API: what the server's database
does. Reads and saves are whole rows, and the last one to save wins. Every row
keeps its JSON, and the ids of a table stay sorted, so that pages of large
lists cost little."""
import bisect
import collections
import threading

import ambient_values
from ambient_kinds import BUILT_IN_ROLES, KINDS

COLLATIONS = {
    "C": lambda text: text,
    # as en_US orders: case counts only between texts that are else the same
    "en_US": lambda text: (text.replace("-", "").lower(), text.swapcase()),
}


class Conflict(Exception):
    """A row with the same unique values is there."""


class Row:
    __slots__ = ("values", "json")

    def __init__(self, values):
        self.values = values
        self.json = None


class Table:
    """The rows of one kind. Deleted ones stay under unique indexes."""

    def __init__(self, kind):
        self.kind = kind
        self.rows = {}
        self.ids = []
        # also of those that were deleted
        self.known = set()
        self.of_project = collections.defaultdict(list)
        self.uniques = [{} for _ in kind.unique]

    def unique_values(self, values):
        """[(index, values)]; the unset is taken as the empty text."""
        return [(index, tuple(values[c] or "" for c in columns))
                for index, columns in zip(self.uniques, self.kind.unique)]

    def check_unique(self, values):
        for index, found in self.unique_values(values):
            if index.get(found, values["id"]) != values["id"]:
                raise Conflict(" ".join(found))

    def put(self, values):
        """A new row, not yet among the sorted ids."""
        for index, found in self.unique_values(values):
            index[found] = values["id"]
        self.rows[values["id"]] = Row(values)
        self.known.add(values["id"])
        if values.get("project_id") is not None:
            self.of_project[values["project_id"]].append(values["id"])

    def take_out(self, row_id):
        """The row's values, gone from everything but the sorted ids and the
        unique indexes."""
        values = self.rows.pop(row_id).values
        if values.get("project_id") is not None:
            self.of_project[values["project_id"]].remove(row_id)
        return values

    def free_names(self, values):
        for index, found in self.unique_values(values):
            index.pop(found, None)


class Store:
    """All tables, under one lock. clock() is the server's time in seconds."""

    def __init__(self, clock, base):
        self.clock = clock
        self.base = base
        self.lock = threading.RLock()
        self.collation = "C"
        self.is_name_free = False
        self.turns = 0
        self.clear()

    def clear(self):
        with self.lock:
            self.tables = {name: Table(kind) for name, kind in KINDS.items()}
            for name, permissions in BUILT_IN_ROLES.items():
                self.create("roles", {
                    "name": name, "built_in": True,
                    "permissions": ambient_values.dump(permissions).decode()})

    @property
    def key(self):
        return COLLATIONS[self.collation]

    def set_collation(self, name):
        with self.lock:
            self.collation = name
            for table in self.tables.values():
                table.ids.sort(key=self.key)

    def now(self):
        return int(self.clock() * 1_000_000)

    # --- rows -----------------------------------------------------------------

    def complete(self, name, given):
        """All columns of a new row."""
        kind, now = KINDS[name], self.now()
        values = {**dict.fromkeys(kind.columns), **kind.defaults,
                  "created_at": now, "updated_at": now, **given}
        if values["id"] is None:
            values["id"] = (values["name"] if name == "projects" else
                            ambient_values.make_ksuid(self.clock()))
        if name == "sessions" and values["kube_cr_name"] is None:
            values["kube_cr_name"] = values["id"]
        return values

    def create(self, name, given):
        """The new row's values; Conflict."""
        table = self.tables[name]
        with self.lock:
            values = self.complete(name, given)
            if values["id"] in (table.rows if self.is_name_free
                                else table.known):
                raise Conflict(values["id"])
            table.check_unique(values)
            table.put(values)
            bisect.insort(table.ids, values["id"], key=self.key)
            return dict(values)

    def load(self, name, rows):
        """Many rows as they are, unchecked; their ids."""
        table = self.tables[name]
        with self.lock:
            made = [self.complete(name, given) for given in rows]
            for values in made:
                if values["id"] in table.rows:
                    table.free_names(table.take_out(values["id"]))
                table.put(values)
            table.ids = sorted(table.rows, key=self.key)
            return [values["id"] for values in made]

    def get(self, name, row_id):
        """A copy of its values, or None."""
        with self.lock:
            row = self.tables[name].rows.get(row_id)
            return dict(row.values) if row else None

    def was_known(self, name, row_id):
        """True also when it was deleted: the row is still there."""
        with self.lock:
            return row_id in self.tables[name].known

    def save(self, name, values, is_stamped=True):
        """Replaces the whole row, whatever it has become meanwhile; False
        when it is gone."""
        table = self.tables[name]
        with self.lock:
            if values["id"] not in table.rows:
                return False
            table.check_unique(values)
            if is_stamped:
                values["updated_at"] = self.now()
            table.free_names(table.take_out(values["id"]))
            table.put(values)
            return True

    def delete(self, name, row_id):
        table = self.tables[name]
        with self.lock:
            if row_id not in table.rows:
                return
            values = table.take_out(row_id)
            table.ids.remove(row_id)
            if self.is_name_free or not table.kind.is_name_kept:
                table.free_names(values)

    # --- lists ----------------------------------------------------------------

    def select(self, name, search):
        """Rows that a search finds, in the order of their ids."""
        table = self.tables[name]
        with self.lock:
            ids = table.ids
            if search.project_id is not None:
                ids = sorted(table.of_project.get(search.project_id, ()),
                             key=self.key)
            if search.after_id is not None:
                ids = ids[bisect.bisect_right(ids, self.key(search.after_id),
                                              key=self.key):]
            rows = [table.rows[i] for i in ids]
        if search.accepts:
            rows = [row for row in rows if search.accepts(row.values)]
        return rows

    def order(self, name, rows, order):
        """order: [(column, is_descending)], from the first on; none: an
        order that is another one each time."""
        if not order and rows:
            self.turns += 1
            turn = self.turns * (len(rows) // 3 + 1) % len(rows)
            return rows[turn:] + rows[:turn]
        for column, is_descending in reversed(order):
            if column == "id" and not is_descending and len(order) == 1:
                break
            kind = KINDS[name].columns[column]
            key = self.key if kind == "text" else lambda value: value
            set_rows = [r for r in rows if r.values[column] is not None]
            unset = [r for r in rows if r.values[column] is None]
            set_rows.sort(key=lambda row: key(row.values[column]),
                          reverse=is_descending)
            rows = unset + set_rows if is_descending else set_rows + unset
        return rows

    # --- JSON -----------------------------------------------------------------

    def href(self, name, values):
        if name == "agents":
            return f"{self.base}/projects/{values['project_id']}/agents"
        if name == "inbox":
            agent = self.get("agents", values["agent_id"]) or {}
            return (f"{self.base}/projects/{agent.get('project_id')}/agents/"
                    f"{values['agent_id']}/inbox")
        return f"{self.base}/{name}"

    def shown(self, name, values):
        return KINDS[name].shown(values, self.href(name, values))

    def json_of(self, name, row):
        """A row's bytes, made once."""
        if row.json is None:
            row.json = ambient_values.dump(self.shown(name, row.values))
        return row.json
