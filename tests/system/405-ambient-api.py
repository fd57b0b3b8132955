#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# valgrind: no, none of our programs runs here
# openssl: no, ambient-cp-token is not in it
"""The stand-in for the Ambient API server does what the real one does, as far
as the reconciler can see it: rows, lists, searches, scopes, errors, phases."""
import base64
import concurrent.futures
import email.utils
import gzip
import json
import os
import re
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import ambient_store
import ambient_values
import bed
import tap

KSUID = re.compile(r"[0-9A-Za-z]{27}")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
PHASES = ["Pending", "Creating", "Running", "Stopping", "Stopped",
          "Completed", "Failed"]
OLD = "2026-01-01T00:00:00.5Z"
# what is asked of an empty server, and (status, number of the error)
ERRORS = [
    ("GET", "/sessions/none", None, (404, "7")),
    ("GET", "/projects/none", None, (404, "7")),
    ("GET", "/project_settings/none", None, (404, "7")),
    ("GET", "/credentials/none/token", None, (404, "7")),
    ("GET", "/projects/none/agents/none", None, (404, "7")),
    ("GET", "/projects/none/agents/none/inbox/none", None, (404, "7")),
    ("GET", "/agents/none", None, (404, "404")),
    ("GET", "/agents", None, (404, "404")),
    ("GET", "/inbox", None, (404, "404")),
    ("GET", "/nothing", None, (404, "404")),
    ("GET", "/sessions/none/status/more", None, (404, "404")),
    ("GET", "/projects/none/nothing", None, (404, "404")),
    ("GET", "/sessions/none/nothing", None, (404, "404")),
    ("GET", "", None, (404, "404")),
    ("DELETE", "/sessions/none", None, (204, None)),
    ("DELETE", "/projects/none", None, (204, None)),
    ("PUT", "/sessions/none", {}, (405, None)),
    ("POST", "/sessions/none/status", {}, (405, None)),
    ("POST", "/sessions/none/start", None, (404, "7")),
    ("POST", "/sessions/none/stop", None, (404, "7")),
    ("PATCH", "/sessions/none", {"name": "x"}, (404, "7")),
    ("PATCH", "/sessions/none/status", {"phase": "Failed"}, (404, "7")),
    ("PATCH", "/sessions/none/status", {}, (400, "8")),
    ("POST", "/sessions", None, (400, "17")),
    ("POST", "/sessions", [], (400, "17")),
    ("POST", "/sessions", {"name": 5}, (400, "17")),
    ("POST", "/sessions", {"name": "s", "timeout": "5"}, (400, "17")),
    ("POST", "/sessions", {"project_id": "p"}, (400, "8")),
    ("POST", "/sessions", {"name": "s", "id": "mine"}, (400, "8")),
    ("POST", "/projects", {"name": "a"}, (400, "8")),
    ("POST", "/projects", {"name": "a" * 64}, (400, "8")),
    ("POST", "/projects", {"name": "Alpha"}, (400, "8")),
    ("POST", "/projects", {"name": "1alpha"}, (400, "8")),
    ("POST", "/projects", {"name": "alpha-"}, (400, "8")),
    ("POST", "/projects", {"name": "al_pha"}, (400, "8")),
    ("POST", "/project_settings", {"project_id": "none"}, (500, "9")),
    ("GET", "/sessions?search=nothing%20%3D%20'x'", None, (500, "9")),
    ("GET", "/sessions?search=timeout%20%3D%20'x'", None, (500, "9")),
    ("GET", "/sessions?search=updated_at%20%3E%20'x'", None, (500, "9")),
    ("GET", "/sessions?search=timeout%20like%20'x'", None, (500, "9")),
    ("GET", "/sessions?search=phase%20%3D", None, (400, "23")),
    ("GET", "/sessions?search=phase", None, (400, "23")),
    ("GET", "/sessions?search=(phase%20%3D%20'x'", None, (400, "23")),
    ("GET", "/sessions?search=phase%20%3D%20'x", None, (400, "23")),
    ("GET", "/sessions?search=phase%20is%20null", None, (400, "23")),
    ("GET", "/sessions?search=phase%20in%20()", None, (400, "23")),
    ("GET", "/sessions?orderBy=nothing", None, (500, "9")),
    ("GET", "/sessions?orderBy=id%20up", None, (400, "21")),
    ("GET", "/sessions?project_id=a%20b", None, (400, "8")),
    ("GET", "/project_settings?project_id=a'b", None, (400, "8")),
]
# rows and searches for the names of those that are found
SEARCHED = [
    {"name": "a", "phase": "Pending", "timeout": 5, "created_at": OLD},
    {"name": "b", "phase": "Running", "timeout": 50, "prompt": "50% of it"},
    {"name": "c", "phase": "Stopping", "prompt": "it's <all>"},
    {"name": "d", "timeout": -1, "llm_temperature": 0},
]
SEARCHES = [
    ("name = 'a'", "a"), ("name != 'a'", "bcd"), ("name <> 'a'", "bcd"),
    ("name > 'b'", "cd"), ("name >= 'b'", "bcd"), ("name < 'b'", "a"),
    ("name <= 'b'", "ab"), ("sessions.name = 'a'", "a"),
    ("phase in ('Pending','Stopping')", "ac"),
    ("phase in ( 'Pending' )", "a"), ("phase not in ('Pending')", "bc"),
    ("phase != 'Pending'", "bc"), ("not phase = 'Pending'", "bc"),
    ("not (phase = 'Pending' or name = 'b')", "c"),
    ("name = 'a' or name = 'b' and phase = 'Pending'", "a"),
    ("(name = 'a' or name = 'b') and phase = 'Running'", "b"),
    ("NAME = 'a'", None), ("name = 'a' OR name = 'b'", "ab"),
    ("prompt like '50%'", "b"), ("prompt like '%it%'", "bc"),
    ("prompt like '%IT%'", ""), ("prompt ilike '%IT%'", "bc"),
    ("prompt like '__ of%'", ""), ("prompt not like '50%'", "c"),
    ("prompt = 'it''s <all>'", "c"), ('name = "a"', "a"),
    ("timeout > 5", "b"), ("timeout < 0", "d"), ("timeout = -1", "d"),
    ("timeout between 5 and 50", "ab"), ("llm_temperature = 0", "d"),
    (f"created_at <= '{OLD}'", "a"), (f"updated_at > '{OLD}'", "abcd"),
    ("created_at < '2026-01-01 00:00:00.500001+00'", "a"),
    ("deleted_at > '2026-01-01'", ""), ("name='a'", "a"), ("", "abcd"),
    ("id > '' and name = 'a'", "a"), ("name = 'a' and id > 'zz'", ""),
    ("id > '' or name = 'a'", "abcd"), ("project_id = 'p'", "abcd"),
    ("project_id = 'q'", ""), ("not project_id = 'p'", ""),
]


def target(path, **query):
    return path + "?" + urllib.parse.urlencode(query)


def numbers(answer):
    """(status, number of the error)"""
    status, _, body = answer
    code = body.get("code", "") if isinstance(body, dict) else ""
    return status, code.rpartition("-")[2] or None


def names(rows):
    return "".join(row["name"] for row in rows)


def check_errors(t, api):
    for method, path, value, want in ERRORS:
        body = "" if value is None else json.dumps(value)
        t.equal(numbers(api.ask(method, path, value)), want,
                f"{method} {urllib.parse.unquote(path)} {body}")
    error = api.ask("GET", "/sessions/none")[2]
    t.equal({k: error[k] for k in ("id", "kind", "href", "code")},
            {"id": "7", "kind": "Error",
             "href": "/api/ambient/v1/errors/7",
             "code": "ambient-api-server-7"}, "an error's members")
    t.equal(sorted(error), ["code", "href", "id", "kind", "operation_id",
                            "reason"], "and no others")


def check_rows(t, api):
    project = api.create_project("alpha", annotations='{"a":"b"}')
    row = api.get("/projects/alpha")
    t.equal((project, row["id"], row["kind"], row["href"]),
            ("alpha", "alpha", "Project", "/api/ambient/v1/projects/alpha"),
            "a project's id is its name")
    t.equal(numbers(api.ask("POST", "/projects", {"name": "alpha"})),
            (409, "6"), "a name is taken once")
    session = api.create_session(project, llm_temperature=0)
    row = api.session(session)
    t.ok(KSUID.fullmatch(session), "a session's id is a KSUID", session)
    t.ok(all(RFC_3339.fullmatch(row[k]) for k in ("created_at", "updated_at")),
         "times are RFC 3339 with a fraction of a second", row)
    t.equal((row["llm_model"], row["llm_temperature"], row["llm_max_tokens"],
             row["kube_cr_name"], row["created_by_user_id"]),
            ("sonnet", 0, 4000, session, "tests"), "defaults of a session")
    t.ok("phase" not in row and "prompt" not in row and None not in
         row.values(), "what is absent is left out", row)
    changed = api.patch(f"/sessions/{session}", name="other", phase="Failed",
                        project_id="beta", nonsense=1)
    t.equal((changed["name"], changed["project_id"], changed.get("phase")),
            ("other", "alpha", None),
            "PATCH changes the name, not the project, nor the phase")
    t.ok(changed["updated_at"] > row["updated_at"], "and stamps the row")
    settings = api.create_settings(project, [("devs", "edit")])
    t.equal(numbers(api.ask("POST", "/project_settings",
                            {"project_id": project})), (409, "6"),
            "a project has one row of settings")
    t.equal(json.loads(api.get(f"/project_settings/{settings}")[
        "group_access"]), [{"groupName": "devs", "role": "edit"}],
            "group_access is JSON in a text")
    api.delete(f"/project_settings/{settings}")
    t.equal(api.ask("POST", "/project_settings", {"project_id": project})[0],
            409, "also one that was deleted is in the way of the next")
    api.delete_session(session)
    t.equal(numbers(api.ask("GET", f"/sessions/{session}")), (404, "7"),
            "a deleted row is gone for GET")
    t.equal(api.list("/sessions"), [], "and for lists")
    t.equal(api.ask("DELETE", f"/sessions/{session}")[0], 204,
            "deleting it again says 204 too")
    api.delete_project(project)
    t.equal(api.ask("POST", "/projects", {"name": "alpha"})[0], 409,
            "the name of a deleted project stays taken")
    session = api.create_session(project, "Running")
    t.equal(api.session(session)["phase"], "Running",
            "H-28: sessions of a deleted project are as they were")


def check_nested(t, api):
    agent = api.create_agent("alpha", "helper", prompt="do it")
    path = f"/projects/alpha/agents/{agent}"
    row = api.get(path)
    t.equal((row["project_id"], row["kind"]), ("alpha", "Agent"),
            "an agent is found below its project")
    t.equal(numbers(api.ask("GET", f"/projects/beta/agents/{agent}")),
            (404, "7"), "and not below another")
    t.equal(numbers(api.ask("GET", f"/agents/{agent}")), (404, "404"),
            "nor by itself")
    api.create_message("alpha", agent, "hello", from_name="me")
    t.equal([m["body"] for m in api.list(path + "/inbox")], ["hello"],
            "messages are found in the agent's inbox")
    t.equal(numbers(api.ask("GET", target(
        path + "/inbox", search="project_id = 'alpha'"))), (500, "9"),
            "H-55: they have no project_id")
    status, _, body = api.ask("POST", path + "/start", {})
    session = api.session(body["session"]["id"])
    t.equal((status, "phase" in body["session"], session["phase"],
             session["agent_id"]), (201, False, "Pending", agent),
            "H-20: starting an agent creates a session and then starts it")
    t.equal(api.get(path)["current_session_id"], session["id"],
            "and the agent knows it")
    token = api.create_credential("github", "hush")
    t.equal(api.get(f"/credentials/{token}/token"), {
        "credential_id": token, "provider": "github", "token": "hush"},
            "a credential's token is three members")
    t.ok("token" not in api.get(f"/credentials/{token}"),
         "and is nowhere else")
    binding = api.create_binding("credential:token-reader", "project",
                                 project_id="alpha", credential_id=token)
    t.equal([b["id"] for b in api.list(
        "/role_bindings", search="project_id = 'alpha'")], [binding],
            "a role binding is found by its project")
    values = {"role_id": api.get(f"/role_bindings/{binding}")["role_id"],
              "scope": "project", "project_id": "alpha",
              "credential_id": token}
    t.equal(api.ask("POST", "/role_bindings", values)[0], 409,
            "there is one of a kind")
    api.delete(f"/role_bindings/{binding}")
    t.equal(api.ask("POST", "/role_bindings", values)[0], 201,
            "and again one when it was deleted")
    role = api.list("/roles", search="name = 'credential:owner'")[0]
    t.equal((json.loads(role["permissions"]), role["built_in"]),
            (["credential:*"], True), "permissions are JSON in a text")


def check_phases(t, api):
    session = api.create_session("alpha")
    for phase in [None, *PHASES]:
        want = 200 if phase in (None, "Stopped", "Failed",
                                "Completed") else 409
        api.set_row("sessions", session, phase=phase)
        t.equal(api.ask("POST", f"/sessions/{session}/start")[0], want,
                f"start in phase {phase}")
        want = 200 if phase in ("Running", "Creating", "Pending") else 409
        api.set_row("sessions", session, phase=phase)
        t.equal(numbers(api.ask("POST", f"/sessions/{session}/stop")),
                (want, "6" if want == 409 else None), f"stop in {phase}")
    t.equal(api.patch_status(session, phase="Pending")["phase"], "Pending",
            "/status knows no transitions")
    t.equal(api.start(api.create_session("alpha"))["phase"], "Pending",
            "start leads to Pending")
    t.equal(api.stop(session)["phase"], "Stopping", "stop to Stopping")
    for given in ({"phase": "running"}, {"phase": ""}, {"name": "x"},
                  {"phase": None}, {"kube_cr_name": "x"}):
        t.equal(numbers(api.ask("PATCH", f"/sessions/{session}/status",
                                given)), (400, "8"), f"/status of {given}")
    for given in ({"start_time": "soon"}, {"start_time": "2026-01-01"},
                  {"sdk_restart_count": "1"}, {"conditions": []}):
        t.equal(numbers(api.ask("PATCH", f"/sessions/{session}/status",
                                given)), (400, "17"), f"/status of {given}")
    given = {"start_time": "2026-01-01T01:00:00.120+01:00",
             "completion_time": "2026-01-01T00:00:00Z", "conditions": "[]",
             "reconciled_repos": "[]", "reconciled_workflow": "w",
             "sdk_session_id": "x", "sdk_restart_count": 2,
             "kube_cr_uid": "u", "kube_namespace": "alpha"}
    row = api.patch_status(session, **given)
    t.equal({k: row[k] for k in given},
            {**given, "start_time": "2026-01-01T00:00:00.12Z"},
            "/status sets what it knows and gives the whole row")


def check_overwriting(t, api, pool):
    """No precondition exists: the last one to save wins."""
    session = api.create_session("alpha", "Running")
    api.fault("hold_save", method="PATCH", count=1)
    late = pool.submit(api.patch_status, session, kube_namespace="alpha")
    bed.wait_until(lambda: api.held() == 1, "a save is held")
    api.stop(session)
    api.release()
    t.equal((late.result(bed.PATIENCE)["phase"],
             api.session(session)["phase"]), ("Running", "Running"),
            "H-19: a save of a whole row undoes a stop that came meanwhile")
    api.clear_faults()


def check_search(t, api):
    api.clear_rows()
    api.load("sessions", [{"project_id": "p", **row} for row in SEARCHED])
    for text, want in SEARCHES:
        path = target("/sessions", search=text, orderBy="name")
        if want is None:
            t.equal(numbers(api.ask("GET", path)), (500, "9"), text)
            continue
        t.equal(names(api.get(path)["items"]), want, text or "no search")
    api.set(refuse=[{"pattern": "updated_at", "status": 500},
                    {"pattern": "id >", "status": 400}])
    t.equal([numbers(api.ask("GET", target("/sessions", search=text)))
             for text in ("updated_at > '2026-01-01'", "id > ''",
                          "phase = 'x'")],
            [(500, "9"), (400, "23"), (200, None)],
            "searches can be refused, as some release may")
    api.set(refuse=[])


def check_pages(t, api):
    api.clear_rows()
    api.load("sessions", [{"name": f"{i:03}", "project_id": "p",
                           "phase": "Running" if i % 2 else None}
                          for i in range(250)])
    for query, want in (
            ({}, (1, 100, 250)), ({"page": 3}, (3, 50, 250)),
            ({"page": 4}, (4, 0, 250)), ({"size": 0}, (1, 0, 250)),
            ({"size": 7, "page": 36}, (36, 5, 250)),
            ({"size": -1}, (1, 250, 250)), ({"size": 70000}, (1, 250, 250)),
            ({"page": 0}, (0, 100, 250)), ({"size": "x"}, (1, 0, 250)),
            ({"search": "phase = 'Running'"}, (1, 100, 125))):
        body = api.get(target("/sessions", **query))
        t.equal((body["page"], body["size"], body["total"]), want,
                f"page, size and total of {query}")
        t.equal((len(body["items"]), body["kind"]),
                (want[1], "SessionList"), f"and as many items of {query}")

    def page(**query):
        return [row["id"] for row in api.get(
            target("/sessions", size=10, **query))["items"]]

    t.ok(page() != page(), "without orderBy the order is another each time")
    t.equal(page(orderBy="id"), page(orderBy="id asc"), "with it the same")
    everything = page(orderBy="id")
    while True:
        more = page(orderBy="id", search=f"id > '{everything[-1]}'")
        if not more:
            break
        everything += more
    t.equal((len(everything), len(set(everything))), (250, 250),
            "keyset paging finds every row once")
    t.equal(everything, sorted(everything), "in C order")
    t.equal(names(api.list("/sessions", size=3, orderBy="name desc")),
            "249248247", "orderBy desc")
    t.equal(names(api.list("/sessions", size=2, orderBy="phase,name")),
            "001003", "orderBy by two, the unset last")
    t.equal(names(api.list("/sessions", size=2, orderBy="phase desc,name")),
            "000002", "and first when descending")
    body = api.get("/sessions?size=1&fields=name")
    t.equal(sorted(body["items"][0]), ["href", "id", "kind", "name"],
            "fields leaves out all others")


def check_collation(t, api):
    api.clear_rows()
    api.load("sessions", [{"id": i, "name": i} for i in "aBAb"])
    t.equal(names(api.list("/sessions")), "ABab", "ids in C order")
    api.set(collation="en_US")
    t.equal(names(api.list("/sessions")), "aAbB", "ids in en_US order")
    t.equal(names(api.list("/sessions", search="id > 'A'")), "bB",
            "which counts in searches too")
    t.equal(names(api.list("/sessions", search="not id <= 'A'")), "bB",
            "of whatever shape")
    t.equal(names(api.list("/sessions", orderBy="name desc")), "BbAa",
            "and for every column")
    api.set(collation="C")


def check_scope(t, api):
    api.clear_rows()
    for name in ("pa", "pb"):
        api.create_project(name)
        api.create_settings(name)
        api.load("sessions", [{"name": name, "project_id": name}])
    agent = api.create_agent("pb")

    def found(path, **headers):
        status, _, body = api.ask("GET", path, **headers)
        return body["total"] if status == 200 else status

    for kind in ("sessions", "project_settings"):
        for path, headers, want in (
                ("", {}, 2), ("", {"X_Ambient_Project": "pa"}, 1),
                ("", {"X_Ambient_Project": "default"}, 0),
                ("", {"X_Ambient_Project": ""}, 2),
                ("", {"X_Ambient_Project": "a.b"}, 400),
                ("?project_id=pb", {}, 1), ("?project_id=", {}, 2),
                ("?project_id=none", {"X_Ambient_Project": "pa"}, 0),
                ("?search=project_id%3D'pb'", {"X_Ambient_Project": "pa"}, 0),
                ("?search=id%20%3D%20''%20or%20id%20!%3D%20''",
                 {"X_Ambient_Project": "pa"}, 1)):
            t.equal(found(f"/{kind}{path}", **headers), want,
                    f"H-11: {kind}{path} with {headers}")
    for path, want in (("/projects", 2), ("/roles", 11),
                       ("/projects/pb/agents", 1)):
        t.equal(found(path, X_Ambient_Project="pa"), want,
                f"{path} takes no notice of the header")
    row = api.do("POST", "/sessions", {"name": "s"}, X_Ambient_Project="pa")
    t.equal(row["project_id"], "pa", "a new session is of the header's")
    row = api.do("POST", "/sessions", {"name": "s", "project_id": "pb"},
                 X_Ambient_Project="pa")
    t.equal(row["project_id"], "pb", "unless it says another")
    t.equal(api.ask("GET", f"/projects/pb/agents/{agent}",
                    X_Ambient_Project="pa")[0], 200,
            "a single row is found whatever the header says")


def jwt(**claims):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode()
             .rstrip("=") for part in ({"alg": "none"}, claims)]
    return ".".join([*parts, "c2ln"])


def check_auth(t, api):
    late, early = jwt(exp=time.time() + 60), jwt(exp=time.time() - 60)
    for accept, token, want in (
            ([api.token], api.token, 200), ([api.token], late, 401),
            ([late, api.token], late, 200), ([], api.token, 401),
            ("any", "opaque", 200), ("jwt", "opaque", 401),
            ("jwt", "a.b.c", 401), ("jwt", late, 200), ("jwt", early, 401)):
        api.set(accept=accept)
        t.equal(numbers(api.ask("GET", "/projects", token=token)),
                (want, "15" if want == 401 else None),
                f"{accept if isinstance(accept, str) else len(accept)} "
                f"accepted, {token[:20]} given")
    api.set(accept=[api.token])
    for headers, want in (
            ({}, 401), ({"Authorization": "Basic " + api.token}, 401),
            ({"Authorization": "bearer " + api.token}, 200),
            ({"X-Forwarded-Access-Token": api.token}, 200)):
        status, _, _ = ambient.ask(api.url, "GET", ambient.BASE + "/projects",
                                   headers=headers)
        t.equal(status, want, f"headers {list(headers)}")
    t.ok(api.token not in json.dumps(api.log()), "no token is in the log")


def check_wire(t, api):
    status, headers, body = api.ask("GET", "/projects/")
    t.equal((status, body["kind"], headers["Content-Type"],
             headers["Content-Encoding"]),
            (200, "ProjectList", "application/json", None),
            "one slash at the end does not count, and nothing is compressed")
    _, headers, body = api.ask("GET", "/projects", Accept_Encoding="gzip")
    t.equal((headers["Content-Encoding"],
             json.loads(gzip.decompress(body))["kind"]),
            ("gzip", "ProjectList"), "unless the client asks for it")
    api.set(clock_offset=-86400)
    _, headers, _ = api.ask("GET", "/projects")
    date = email.utils.parsedate_to_datetime(headers["Date"]).timestamp()
    row = api.get("/sessions/" + api.create_session("alpha"))
    t.ok(abs(date + 86400 - time.time()) < 3600,
         "the server's clock can be another, by its Date", headers["Date"])
    t.ok(abs(ambient_values.parse_time(row["created_at"]) / 1e6 - date) < 3600,
         "and by its rows", row)
    api.set(clock_offset=0)
    text = "<a> & \u2028 ä \U0001f600 \"\\ \n"
    row = api.create_session("alpha", prompt=text)
    _, _, raw = ambient.ask(api.url, "GET", f"{ambient.BASE}/sessions/{row}",
                            headers={"Authorization": "Bearer " + api.token})
    t.equal(json.loads(raw)["prompt"], text, "text comes back as it was")
    t.ok(b"\\u003ca\\u003e \\u0026 \\u2028 " in raw, "escaped as Go does it")


def check_ids(t):
    """Ids of later seconds sort later, in C order only."""
    ids = [ambient_values.make_ksuid(1_700_000_000 + i) for i in range(300)]
    t.equal(ids, sorted(ids), "KSUIDs sort by time in C order")
    t.ok(ids != sorted(ids, key=ambient_store.COLLATIONS["en_US"]),
         "but not in en_US order")


with (tap.Tap() as t, bed.Bed(t) as b,
      concurrent.futures.ThreadPoolExecutor() as workers):
    server = ambient.start(b)
    check_errors(t, server)
    check_rows(t, server)
    check_nested(t, server)
    check_phases(t, server)
    check_overwriting(t, server, workers)
    check_search(t, server)
    check_pages(t, server)
    check_collation(t, server)
    check_scope(t, server)
    check_auth(t, server)
    check_wire(t, server)
    check_ids(t)
