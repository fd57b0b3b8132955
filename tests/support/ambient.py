# SPDX-License-Identifier: Apache-2.0
"""The stub of the Ambient API server (ambient_api.py), started in a test bed.

    api = ambient.start(b)
    project = api.create_project("alpha")
    session = api.create_session(project, phase="Running")
    number = api.fault("status", path="^/sessions", status=429, retry_after=1)
    api.log()[-1]["query"]

What a user does (create, start, stop, delete, get, list) is done over the API
itself, and is then in the log too: use api.load() or api.mark() where that
matters. accept: "any" bearer, "jwt", or a list of tokens; the usual list has
api.token alone.
"""
import http.client
import json
import ssl
import urllib.parse

import bed

BASE = "/api/ambient/v1"
# like a JWT, as clients want it: {"alg":"none"} {"sub":"tests"}
TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ0ZXN0cyJ9.c3R1Yi10b2tlbg"


class Refused(Exception):
    """The API answered with an error; .status, .body (parsed or bytes)."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


def connect(url, ca_file=None):
    """A connection of http.client; ca_file: whom to trust with https."""
    place = urllib.parse.urlsplit(url)
    if place.scheme == "http":
        return http.client.HTTPConnection(place.hostname, place.port,
                                          timeout=bed.PATIENCE)
    return http.client.HTTPSConnection(
        place.hostname, place.port, timeout=bed.PATIENCE,
        context=ssl.create_default_context(cafile=ca_file))


def ask(url, method, target, value=None, headers=None, ca_file=None):
    """(status, headers, body) of one request to a stub."""
    connection = connect(url, ca_file)
    body = None if value is None else json.dumps(value)
    try:
        connection.request(method, target, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Api:
    """The started stub. process is the bed's; url has no base path."""

    def __init__(self, b, accept=None, tls=None, **settings):
        flags = ["--cert", tls[0], "--key", tls[1]] if tls else []
        # at the same place when it is started again
        self.port, self.control_port = b.free_port(), b.free_port()
        self.process = b.start("ambient-api", [
            "/usr/bin/python3", "-B", bed.SUPPORT / "ambient_api.py", "--port",
            self.port, "--control-port", self.control_port, *flags])
        b.wait_for(self.process, lambda: "\n" in self.process.log(),
                   "the Ambient API's stub is up")
        info = json.loads(self.process.log().splitlines()[0])
        self.url = info["url"]
        self.control_url = info["control_url"]
        self.ca_file = tls[0] if tls else None
        self.token = TOKEN
        self.set(accept=[self.token] if accept is None else accept, **settings)

    # --- control --------------------------------------------------------------

    def control(self, method, target, value=None):
        status, _, body = ask(self.control_url, method, target, value)
        if status != 200:
            raise Refused(status, body)
        return json.loads(body)

    def set(self, **settings):
        """Any of ambient_control.SETTINGS; returns all of them."""
        return self.control("PUT", "/settings", settings)

    def state(self):
        return self.control("GET", "/state")

    def held(self):
        return self.state()["held"]

    def requests(self):
        return self.state()["requests"]

    def log(self, since=1, **wanted):
        """Requests from that number on; wanted: method="GET" and the like."""
        return [entry for entry in self.control("GET", f"/log?since={since}")
                if all(entry[name] == value for name, value in wanted.items())]

    def mark(self):
        """The number that the next request will have in the log."""
        return self.requests() + 1

    def clear_log(self):
        self.control("DELETE", "/log")

    def fault(self, action, **values):
        """A rule of ambient_faults.py; its number."""
        return self.control("POST", "/faults",
                            {"action": action, **values})["number"]

    def hits(self, number):
        """How many requests a fault has treated."""
        return self.state()["faults"][str(number)]

    def clear_faults(self, number=None):
        """One of them or all; who is held goes on."""
        self.control("DELETE", "/faults" if number is None
                     else f"/faults/{number}")

    def release(self, count=None):
        self.control("POST", "/release", {"count": count})

    def load(self, kind, rows):
        """Many rows at once, any column as it is given; their ids."""
        return self.control("POST", "/load",
                            {"kind": kind, "rows": list(rows)})["ids"]

    def set_row(self, kind, row_id, is_stamped=True, **values):
        """Columns of one row, whatever the API allows; None unsets."""
        return self.control("PUT", f"/rows/{kind}/{row_id}",
                            {"values": values, "is_stamped": is_stamped})

    def clear_rows(self):
        self.control("DELETE", "/rows")

    # --- the API itself -------------------------------------------------------

    def ask(self, method, path, value=None, token=None, **headers):
        """(status, headers, parsed body or bytes); path below the base;
        headers like X_Ambient_Project="p"."""
        full = {"Authorization": "Bearer " + (token or self.token),
                **{name.replace("_", "-"): text
                   for name, text in headers.items()}}
        status, got, body = ask(self.url, method, BASE + path, value, full,
                                self.ca_file)
        try:
            return status, got, json.loads(body)
        except ValueError:
            return status, got, body

    def do(self, method, path, value=None, **headers):
        """The parsed body; Refused for an error."""
        status, _, body = self.ask(method, path, value, **headers)
        if status >= 300:
            raise Refused(status, body)
        return body

    def create(self, path, **values):
        """POST; the id of the new row. Values that are None are left out."""
        return self.do("POST", path, {
            name: value for name, value in values.items()
            if value is not None})["id"]

    def create_project(self, name, **values):
        return self.create("/projects", name=name, **values)

    def create_settings(self, project, groups=None, **values):
        """groups: [(groupName, role)]"""
        if groups is not None:
            values["group_access"] = json.dumps(
                [{"groupName": name, "role": role} for name, role in groups])
        return self.create("/project_settings", project_id=project, **values)

    def create_session(self, project, phase=None, name="session", **values):
        """phase: set as an operator would, over /status."""
        row_id = self.create("/sessions", project_id=project, name=name,
                             **values)
        if phase is not None:
            self.patch_status(row_id, phase=phase)
        return row_id

    def create_agent(self, project, name="agent", **values):
        return self.create(f"/projects/{project}/agents", name=name, **values)

    def create_message(self, project, agent, body, **values):
        return self.create(f"/projects/{project}/agents/{agent}/inbox",
                           body=body, **values)

    def create_credential(self, provider, token, name="credential", **values):
        return self.create("/credentials", provider=provider, token=token,
                           name=name, **values)

    def create_binding(self, role, scope, **values):
        """role: its name; the values name what it is bound to."""
        roles = self.list("/roles", search=f"name = '{role}'")
        return self.create("/role_bindings", role_id=roles[0]["id"],
                           scope=scope, **values)

    def get(self, path):
        return self.do("GET", path)

    def session(self, row_id):
        return self.get(f"/sessions/{row_id}")

    def list(self, path, **query):
        """The items of one page, of any size."""
        query = {"size": -1, "orderBy": "id", **query}
        return self.do("GET", path + "?" + urllib.parse.urlencode(query))[
            "items"]

    def patch(self, path, **values):
        return self.do("PATCH", path, values)

    def patch_status(self, row_id, **values):
        return self.do("PATCH", f"/sessions/{row_id}/status", values)

    def start(self, row_id):
        return self.do("POST", f"/sessions/{row_id}/start")

    def stop(self, row_id):
        return self.do("POST", f"/sessions/{row_id}/stop")

    def delete(self, path):
        self.do("DELETE", path)

    def delete_session(self, row_id):
        self.delete(f"/sessions/{row_id}")

    def delete_project(self, name):
        self.delete(f"/projects/{name}")


def start(b, accept=None, tls=None, **settings):
    """tls: (certificate, key); settings as for Api.set()."""
    return Api(b, accept, tls, **settings)
