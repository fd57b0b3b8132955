#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
# valgrind: no, none of our programs runs here
# openssl: no, ambient-cp-token is not in it
"""The faults that the stand-in for the Ambient API server makes on demand, its
log, its bulk loading, and how it keeps connections."""
import concurrent.futures
import http.client
import os
import sys
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient
import bed
import providers
import tap

SESSIONS, PROJECTS = 10_000, 1_000
# a fault's values, and (status, number of the error, Retry-After)
ANSWERS = [
    ({"action": "status"}, (500, None, None)),
    ({"action": "status", "status": 401, "code": 15}, (401, "15", None)),
    ({"action": "status", "status": 403, "code": 11}, (403, "11", None)),
    ({"action": "status", "status": 429, "retry_after": 7}, (429, None, "7")),
    ({"action": "status", "status": 503, "body": "<html>"},
     (503, None, None)),
    ({"action": "status", "status": 404, "code": 7}, (404, "7", None)),
    ({"action": "status", "status": 302, "location": "/elsewhere"},
     (302, None, None)),
    ({"action": "not_found"}, (404, None, None)),
]
# what is no rule
NO_RULES = [{"action": "explode"}, {"action": "drop", "at": 5},
            {"action": "drop", "path": "("}, {}]


def keyset(api, size=2, **query):
    """Ids of all pages, as a careful client reads them, with each total."""
    ids, totals = [], []
    while True:
        search = f"id > '{ids[-1]}'" if ids else ""
        body = api.get("/sessions?" + urllib.parse.urlencode(
            {"orderBy": "id", "size": size, "search": search, **query}))
        totals.append(body["total"])
        ids += [row["id"] for row in body["items"]]
        if body["total"] <= len(body["items"]) or not body["items"]:
            return ids, totals


def load(api, count):
    return sorted(api.load("sessions", [
        {"name": str(i), "project_id": "p"} for i in range(count)]))


def check_answers(t, api):
    for values, want in ANSWERS:
        api.fault(**values, path="^/projects", count=1)
        status, headers, body = api.ask("GET", "/projects")
        code = body.get("code") if isinstance(body, dict) else None
        t.equal((status, code and code.rpartition("-")[2],
                 headers["Retry-After"]), want, f"{values}")
        t.equal(api.ask("GET", "/projects")[0], 200, "and only once")
        api.clear_faults()
    for values in NO_RULES:
        try:
            api.control("POST", "/faults", values)
            t.ok(False, f"{values} is no rule")
        except ambient.Refused as error:
            t.equal(error.status, 400, f"{values} is no rule")


def check_matching(t, api):
    number = api.fault("status", method="GET", path="^/sessions$",
                       query="search=phase = 'x'", skip=1, count=2)
    wanted = "/sessions?search=phase%20%3D%20'x'"
    got = [api.ask(method, path, {})[0] for method, path in (
        ("GET", "/projects"), ("GET", "/sessions"), ("GET", "/sessions/x"),
        ("POST", "/sessions"), ("GET", wanted), ("GET", wanted),
        ("GET", wanted), ("GET", wanted))]
    t.equal(got, [200, 200, 404, 400, 200, 500, 500, 200],
            "a fault takes the method, path, query and number it was told")
    t.equal(api.hits(number), 2, "and counts")
    api.clear_faults(number)
    t.equal(api.state()["faults"], {}, "until it is taken back")


def check_lists(t, api):
    api.clear_rows()
    ids = load(api, 10)
    number = api.fault("hide", ids=ids[3:5])
    t.equal(keyset(api)[0], ids[:3] + ids[5:], "rows are missing from lists")
    t.equal(api.session(ids[3])["id"], ids[3], "though GET finds them")
    api.clear_faults(number)
    api.fault("hide", ids=ids[3:5], is_counted=True)
    t.equal(keyset(api, size=-1)[1][0], 10, "and total can count them")
    api.clear_faults()
    number = api.fault("empty", path="^/sessions$")
    body = api.get("/sessions")
    t.equal((body["total"], body["items"]), (0, []), "a list can be empty")
    t.equal(api.session(ids[0])["id"], ids[0], "though the rows are there")
    api.clear_faults(number)
    api.fault("shrink", by=1)
    t.equal(keyset(api)[1], [10, 8, 6, 4, 2],
            "a list that shrinks behind a keyset loses nothing")
    api.clear_faults()
    api.fault("shrink", by=1)
    seen = [row["id"] for page in range(1, 6) for row in api.get(
        f"/sessions?orderBy=id&size=2&page={page}")["items"]]
    t.ok(0 < len(set(seen)) < 10, "by page numbers rows are passed over", seen)
    api.clear_faults()
    t.equal(len(keyset(api)[0]), 10, "without faults all are there")


def raises(function, *arguments):
    try:
        function(*arguments)
        return None
    except (http.client.HTTPException, OSError) as error:
        return type(error)


def check_cuts(t, api):
    # so that nothing ends by itself while a client waits
    api.set(idle_timeout=10 * bed.PATIENCE)
    api.fault("cut", path="^/sessions$", count=1)
    t.equal(raises(api.ask, "GET", "/sessions"), http.client.IncompleteRead,
            "a body can be cut off")
    api.fault("truncate", path="^/sessions$", count=1, at=20)
    status, headers, body = api.ask("GET", "/sessions")
    t.equal((status, headers["Content-Length"], body),
            (200, "20", b'{"kind":"SessionList'), "or its JSON alone")
    api.fault("drop", count=1)
    t.equal(raises(api.ask, "GET", "/sessions"),
            http.client.RemoteDisconnected, "a connection can be dropped")
    session = api.create_session("p")
    path, value = f"/sessions/{session}/status", {"phase": "Running"}
    api.fault("drop", method="PATCH", count=1)
    raises(api.ask, "PATCH", path, value)
    t.ok("phase" not in api.session(session), "before anything is done")
    api.fault("drop", method="PATCH", count=1, is_done=True)
    raises(api.ask, "PATCH", path, value)
    t.equal(api.session(session)["phase"], "Running", "or when all is done")
    api.fault("status", method="POST", path="/stop$", count=1, is_done=True)
    t.equal(api.ask("POST", f"/sessions/{session}/stop")[0], 500,
            "what is answered by an error")
    t.equal(api.session(session)["phase"], "Stopping", "can be done as well")
    api.clear_faults()
    api.set(idle_timeout=5)


def check_waits(t, api, pool):
    api.fault("hold", path="^/projects", count=2)
    futures = [pool.submit(api.ask, "GET", "/projects") for _ in range(2)]
    bed.wait_until(lambda: api.held() == 2, "two are held")
    t.equal(api.ask("GET", "/projects")[0], 200, "others pass by")
    api.release(1)
    bed.wait_until(lambda: api.held() == 1, "one goes on")
    t.ok(not all(f.done() for f in futures), "the other waits")
    api.clear_faults()
    t.equal([f.result(bed.PATIENCE)[0] for f in futures], [200, 200],
            "who is held is answered in the end")
    api.fault("delay", seconds=0.01)
    t.equal(api.ask("GET", "/projects")[0], 200, "a delay delays")
    t.equal(api.log()[-1]["faults"], ["delay"], "and is in the log")
    api.clear_faults()


def check_log(t, api):
    api.clear_log()
    api.ask("GET", "/sessions?search=id%20%3E%20'x'", X_Ambient_Project="p")
    mark = api.mark()
    api.ask("POST", "/projects", {"name": "-"})
    want = {"number": 1, "method": "GET", "path": "/sessions",
            "query": "search=id > 'x'", "project": "p", "status": 200,
            "user": "tests", "faults": []}
    t.equal(api.log()[0], want, "the log says what was asked")
    t.equal([e["status"] for e in api.log(mark)], [400], "from a mark on")
    t.equal([e["project"] for e in api.log(method="POST")], [None],
            "also that no project was named")
    state = api.state()
    t.equal((state["requests"], state["counts"], state["statuses"]),
            (2, {"GET /sessions": 1, "POST /projects": 1},
             {"200": 1, "400": 1}), "and there are counts")


def check_connections(t, api):
    before = api.state()["connections"]
    connection = ambient.connect(api.url)
    for path in ("/projects", "/sessions/none", "/projects"):
        connection.request("GET", ambient.BASE + path, headers={
            "Authorization": "Bearer " + api.token})
        connection.getresponse().read()
    t.equal(api.state()["connections"], before + 1,
            "a connection is kept, after errors too")
    api.set(idle_timeout=0.05)
    connection.request("DELETE", ambient.BASE + "/sessions/none", headers={
        "Authorization": "Bearer " + api.token})
    t.equal(connection.getresponse().status, 204, "and after empty answers")
    t.equal(connection.sock.recv(1), b"", "but not for ever")
    connection.close()
    api.set(idle_timeout=5)


def check_down(t, api):
    session = api.create_session("p")
    before = api.state()["connections"]
    connection = ambient.connect(api.url)
    connection.connect()
    bed.wait_until(lambda: api.state()["connections"] > before,
                   "it is accepted")
    api.set(is_down=True)
    t.equal(connection.sock.recv(1), b"", "a server that is down hangs up")
    connection.close()
    t.equal(raises(api.ask, "GET", "/projects"), ConnectionRefusedError,
            "and is not to be reached")
    api.set(is_down=False)
    t.equal(api.session(session)["id"], session,
            "until it is up again, with the same rows")


def check_rows(t, api):
    api.clear_rows()
    row = api.load("sessions", [{"name": "s"}])[0]
    stamp = api.session(row)["updated_at"]
    old = "2026-01-01T00:00:00.5Z"
    got = api.set_row("sessions", row, is_stamped=False, created_at=old,
                      phase="Running", project_id="p")
    t.equal((got["created_at"], got["updated_at"], got["phase"]),
            (old, stamp, "Running"), "a test can set any column")
    found = api.list("/sessions", search="project_id = 'p'")
    t.equal([r["id"] for r in found], [row], "and lists know")
    t.ok(api.set_row("sessions", row, phase=None)["updated_at"] > stamp,
         "stamped or not")
    api.set(is_name_free=True)
    api.create_project("alpha")
    api.delete_project("alpha")
    t.equal(api.create_project("alpha"), "alpha",
            "names of deleted rows can be made free")
    api.set(is_name_free=False)
    api.delete_project("alpha")
    api.load("projects", [{"name": "alpha"}])
    t.equal(api.get("/projects/alpha")["name"], "alpha",
            "and a load takes no notice of them")


def check_many(t, api, pool):
    api.clear_rows()
    api.load("projects", [{"name": f"p-{i}"} for i in range(PROJECTS)])
    api.load("sessions", [{"name": "s", "project_id": f"p-{i % PROJECTS}"}
                          for i in range(SESSIONS)])
    api.clear_log()
    ids, totals = keyset(api, size=500)
    t.equal((len(set(ids)), len(totals), totals[0]), (SESSIONS, 20, SESSIONS),
            "10,000 sessions are 20 pages of 500")
    futures = [pool.submit(api.ask, "GET", f"/sessions/{row}")
               for row in ids[:500]]
    t.equal({f.result(bed.PATIENCE)[0] for f in futures}, {200},
            "many at a time are served")
    t.equal(api.state()["requests"], 520, "and counted")
    t.equal(len(api.list("/sessions", project_id="p-7")), 10,
            "ten in each project")


def check_tls(t, b):
    cert, key = providers.make_certificate(b)
    api = ambient.start(b, tls=(cert, key))
    t.ok(api.url.startswith("https://"), "the stub can speak TLS", api.url)
    t.equal(api.get("/projects")["total"], 0, "and answers then")


with (tap.Tap() as t, bed.Bed(t) as b,
      concurrent.futures.ThreadPoolExecutor(8) as workers):
    server = ambient.start(b)
    check_answers(t, server)
    check_matching(t, server)
    check_lists(t, server)
    check_cuts(t, server)
    check_waits(t, server, workers)
    check_log(t, server)
    check_connections(t, server)
    check_down(t, server)
    check_rows(t, server)
    check_many(t, server, workers)
    check_tls(t, b)
