# SPDX-License-Identifier: Apache-2.0
"""The search language of the Ambient API's lists (like the condition of a
SQL query), as a predicate over rows.

    search = ambient_search.compile_search(
        "phase in ('Pending','Stopping') and id > '2x'", columns, key)
    search.accepts(values)

Absent values are SQL's NULL: what is compared with them is neither true nor
false, and only what is true is found. `id > …` and `project_id = …` at the
top are left out of the predicate and told apart, because an index answers
them. columns: {name: "text" | "int" | "number" | "bool" | "time"}; key: the
collation's sort key of a text.
"""
import operator
import re

import ambient_values

TOKEN = re.compile(r"""\s*(?:
    (?P<text>'(?:[^']|'')*'|"[^"]*")
  | (?P<number>-?\d+(?:\.\d+)?)
  | (?P<name>[A-Za-z_][A-Za-z0-9_.]*)
  | (?P<sign><=|>=|!=|<>|=|<|>|\(|\)|,)
)""", re.X)
COMPARE = {"=": operator.eq, "!=": operator.ne, "<>": operator.ne,
           "<": operator.lt, "<=": operator.le, ">": operator.gt,
           ">=": operator.ge}
# `is` is not among them: the server's clients cannot rely on `is null`
WORDS = {"and", "or", "not", "in", "like", "ilike", "between"}


class ParseError(Exception):
    """The text is no search."""


class DatabaseError(Exception):
    """What the server's database would refuse."""


def tokens_of(text):
    """[(kind, value)], with the words of the language in lower case."""
    found, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        if not match:
            raise ParseError(text)
        place = match.end()
        kind, value = match.lastgroup, match.group(match.lastgroup)
        if kind == "name" and value.lower() in WORDS:
            kind, value = "sign", value.lower()
        elif kind == "text":
            value = value[1:-1].replace("''", "'")
        found.append((kind, value))
    return found


class Parser:
    """Text to a tree of tuples: ("and" | "or", a, b), ("not", a),
    ("compare", sign, column, value), ("in", column, values),
    ("like", column, pattern, is_case_ignored)."""

    def __init__(self, text):
        self.text = text
        self.tokens = tokens_of(text) + [("end", "")]
        self.place = 0

    def fail(self):
        raise ParseError(self.text)

    def take(self, *wanted):
        """The next token's value when it is one of those signs, else None."""
        kind, value = self.tokens[self.place]
        if kind != "sign" or value not in wanted:
            return None
        self.place += 1
        return value

    def must(self, *wanted):
        return self.take(*wanted) or self.fail()

    def next_of(self, *kinds):
        kind, value = self.tokens[self.place]
        if kind not in kinds:
            self.fail()
        self.place += 1
        return value

    def parse(self):
        tree = self.either()
        self.next_of("end")
        return tree

    def either(self):
        tree = self.both()
        while self.take("or"):
            tree = ("or", tree, self.both())
        return tree

    def both(self):
        tree = self.single()
        while self.take("and"):
            tree = ("and", tree, self.single())
        return tree

    def single(self):
        if self.take("not"):
            return ("not", self.single())
        if self.take("("):
            tree = self.either()
            self.must(")")
            return tree
        return self.condition(self.next_of("name"))

    def condition(self, column):
        if self.take("not"):
            return ("not", self.word_condition(
                column, self.must("in", "like", "ilike", "between")))
        word = self.take("in", "like", "ilike", "between")
        if word:
            return self.word_condition(column, word)
        return ("compare", self.must(*COMPARE), column, self.literal())

    def word_condition(self, column, word):
        if word == "in":
            return ("in", column, self.list_of_literals())
        if word == "between":
            low = self.literal()
            self.must("and")
            return ("and", ("compare", ">=", column, low),
                    ("compare", "<=", column, self.literal()))
        return ("like", column, self.next_of("text"), word == "ilike")

    def literal(self):
        kind, value = self.tokens[self.place]
        if kind == "name" and value.lower() not in ("true", "false"):
            self.fail()
        return self.next_of("text", "number", "name")

    def list_of_literals(self):
        self.must("(")
        values = [self.literal()]
        while self.take(","):
            values.append(self.literal())
        self.must(")")
        return values


class Compiler:
    """A tree to a function of a row's values: True, False or None."""

    def __init__(self, columns, key):
        self.columns = columns
        self.key = key

    def column(self, name):
        """The name without the table's, and its type."""
        short = name.rpartition(".")[2]
        if short not in self.columns:
            raise DatabaseError(f'column "{name}" does not exist')
        return short, self.columns[short]

    def value(self, text, kind):
        try:
            return ambient_values.from_text(text, kind)
        except ValueError as error:
            raise DatabaseError(
                f'invalid input syntax for type {kind}: "{text}"') from error

    def compile(self, tree):
        return getattr(self, "compile_" + tree[0])(*tree[1:])

    def compile_and(self, left, right):
        left, right = self.compile(left), self.compile(right)

        def both(row):
            first = left(row)
            if first is False:
                return False
            second = right(row)
            return second if first or second is False else None
        return both

    def compile_or(self, left, right):
        left, right = self.compile(left), self.compile(right)

        def either(row):
            first = left(row)
            if first:
                return True
            second = right(row)
            return True if second else None if first is None else second
        return either

    def compile_not(self, tree):
        inner = self.compile(tree)

        def opposite(row):
            found = inner(row)
            return None if found is None else not found
        return opposite

    def compile_compare(self, sign, name, text):
        column, kind = self.column(name)
        test, want = COMPARE[sign], self.value(text, kind)
        if kind != "text" or sign in ("=", "!=", "<>"):
            return lambda row: (None if row[column] is None
                                else test(row[column], want))
        key, want = self.key, self.key(want)
        return lambda row: (None if row[column] is None
                            else test(key(row[column]), want))

    def compile_in(self, name, texts):
        column, kind = self.column(name)
        wanted = {self.value(text, kind) for text in texts}
        return lambda row: (None if row[column] is None
                            else row[column] in wanted)

    def compile_like(self, name, pattern, is_case_ignored):
        column, kind = self.column(name)
        if kind != "text":
            raise DatabaseError(f"operator does not exist: {kind} ~~ text")
        parts = {"%": ".*", "_": "."}
        expression = re.compile(
            "".join(parts.get(c, re.escape(c)) for c in pattern),
            re.S | (re.I if is_case_ignored else 0))
        return lambda row: (None if row[column] is None
                            else bool(expression.fullmatch(row[column])))


class Search:
    """accepts is None when every row fits that the index gives."""

    def __init__(self, accepts=None, after_id=None, project_id=None):
        self.accepts = accepts
        self.after_id = after_id
        self.project_id = project_id


def conditions_of(tree):
    """What all has to be true, one by one."""
    if tree[0] == "and":
        return conditions_of(tree[1]) + conditions_of(tree[2])
    return [tree]


def compile_search(text, columns, key):
    """Raises ParseError and DatabaseError."""
    if not text.strip():
        return Search()
    search, compiler, rest = Search(), Compiler(columns, key), None
    for tree in conditions_of(Parser(text).parse()):
        if tree[:3] == ("compare", ">", "id") and search.after_id is None:
            search.after_id = tree[3]
        elif (tree[:3] == ("compare", "=", "project_id")
              and "project_id" in columns and search.project_id is None):
            search.project_id = tree[3]
        else:
            rest = ("and", rest, tree) if rest else tree
    if rest:
        search.accepts = compiler.compile(rest)
    return search
