#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Hostile data all the way, from rows of the API server over the reconciler to
pods in a real Kubernetes API server: what users may write reaches the runner
byte for byte and nothing else does, what they may not write fails their
session with a reason that does not repeat it, and no other session waits."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the unit tests of the same readers run under it
# openssl: no, ambient-cp-token is not in it
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fault_proxy
import kube
import kubelet
import reconciler
import tap

PROJECT = "alpha"
KEY = "sk-not-for-users"
# is in every value that no condition and no log may repeat
MARK = "magenta-heron"
# the proxy puts these into the answers, as no JSON writer would
SURROGATE = "LONE-SURROGATE"
NASTY = (f"{MARK} \"; rm -rf / # ' `id` $(ANTHROPIC_API_KEY) $$(SESSION_ID) "
         "$$$ ${HOME} %s %n \\ \\n {{.}} <script>&amp; ../../ \u00e9"
         "\U0001f642 ]}' --")
LINES = f"{NASTY}\n\tnext: \"line\"\r\n$(AMBIENT_CP_TOKEN_URL)\n"
BYTES = "RAW-BYTES"
MIB = 1024 * 1024
# times 1 MiB is more than is taken of one answer
FLOOD = 34
PROMPT_MOST = 96 * 1024


def variables(**values):
    return json.dumps(values)


# what a user may write: columns, and the environment that comes of them
GOOD = {
    "nasty texts": (
        {"name": NASTY, "prompt": LINES, "llm_model": NASTY,
         "repo_url": NASTY, "environment_variables": variables(
             MINE=LINES, LD_PRELOAD=NASTY, _=NASTY),
         "repos": json.dumps([{"url": "u", "branch": NASTY, "name": NASTY}])},
        {"AGENTIC_SESSION_NAME": NASTY, "INITIAL_PROMPT": LINES,
         "LLM_MODEL": NASTY, "MINE": LINES, "LD_PRELOAD": NASTY, "_": NASTY,
         "REPOS_JSON": [{"url": NASTY},
                        {"url": "u", "branch": NASTY, "name": NASTY}]}),
    "the longest prompt": (
        {"prompt": "$" * PROMPT_MOST},
        {"INITIAL_PROMPT": "$" * PROMPT_MOST}),
    "JSON in JSON": (
        {"repos": '[{"url":"\\u0024(KEY)\\u0022,\\u005c"}]',
         "environment_variables": '{"A":"\\ud83d\\ude42\\u000a"}'},
        {"REPOS_JSON": [{"url": '$(KEY)",\\'}], "A": "\U0001f642\n"}),
    "half a character": (
        {"name": f"a{SURROGATE}b", "prompt": f"{SURROGATE}!"},
        {"AGENTIC_SESSION_NAME": "a\ufffdb", "INITIAL_PROMPT": "\ufffd!"}),
    "half a character in JSON in JSON": (
        {"environment_variables": '{"A":"\\ud800","B":"\\udc00x"}'},
        {"A": "\ufffd", "B": "\ufffdx"}),
}
# what fails: columns, and a part of the reason
BAD = {
    "a NUL in the name": ({"name": f"{MARK}\0x"}, "name has a control"),
    "an escape sequence": ({"name": f"\x1b[2J{MARK}"}, "name has a control"),
    "a line break in the name": ({"name": f"{MARK}\nx"},
                                 "name has a control"),
    "a NUL in the prompt": ({"prompt": f"{MARK}\0"}, "prompt has a control"),
    "a bell": ({"prompt": f"{MARK}\a"}, "prompt has a control"),
    "a prompt of a byte too many": (
        {"prompt": MARK + "x" * (PROMPT_MOST + 1 - len(MARK))},
        "prompt is longer"),
    "a prompt of 1 MiB": ({"prompt": MARK * (MIB // len(MARK))},
                          "prompt is longer"),
    "a name of 1 MiB": ({"name": "n" * MIB}, "name is longer"),
    "an option for git": ({"repo_url": f"--upload-pack={MARK}"},
                          "repo_url begins with"),
    "an option for a branch": (
        {"repos": json.dumps([{"url": "u", "branch": f"-o{MARK}"}])},
        "branch begins with"),
    "a NUL in a repository": ({"repos": '[{"url":"a\\u0000b"}]'},
                              "url has a control"),
    "repositories that are none": ({"repos": f'[{{"url":"{MARK}'},
                                   "repos is not a JSON array"),
    "a thousand brackets": ({"repos": "[" * 1000 + "]" * 1000},
                            "repos is not a JSON array"),
    "a name that is a reference": (
        {"environment_variables": variables(**{f"$({MARK})": "x"})},
        "has a name that is none"),
    "a name with an equals sign": (
        {"environment_variables": variables(**{f"A={MARK}": "x"})},
        "has a name that is none"),
    "a variable of the platform's": (
        {"environment_variables": variables(AMBIENT_CP_TOKEN_URL=MARK)},
        "AMBIENT_CP_TOKEN_URL"),
    "the same behind an escape": (
        {"environment_variables":
         '{"AMBIENT_CP_TOKEN_\\u0055RL":"' + MARK + '"}'},
        "AMBIENT_CP_TOKEN_URL"),
    "a value with a NUL": (
        {"environment_variables": '{"A":"' + MARK + '\\u0000"}'},
        "A has a control"),
    "a memory that is none": (
        {"resource_overrides": json.dumps({"memory": f"4Gi\n{MARK}"})},
        "memory is no quantity"),
    "an agent that is a path": ({"agent_id": "../../credentials"}, "agent"),
    "an agent with a query": ({"agent_id": "x?size=-1#"}, "agent"),
}
# no server gives out such; where they are possible they must not matter
IDS = ["a' or '1'='1", "with space", "a,b=c,d in (e)", "../../projects/alpha",
       "%2e%2e%2fprojects", "$(reboot)aaaa", "-starts-with-dash",
       "a" * 41, "q" * 255, "\u00e9t\u00e9-aaaaaa", "x?search=id<>''&size=1"]


def put_halves(_request, answer):
    answer.body = answer.body.replace(SURROGATE.encode(), b"\\ud800")


def put_bytes(_request, answer):
    answer.body = answer.body.replace(BYTES.encode(), b"\xff\xfe")


def make_site(b, stack):
    site = reconciler.Site(b, token_url="http://127.0.0.1:9/token",
                           anthropic_api_key=KEY)
    proxy = fault_proxy.Proxy(site.api.url)
    stack.append(proxy)
    proxy.on("GET").edit(put_halves)
    site.options["api_server_url"] = proxy.url
    return site


def load(site):
    """All rows at once, and one that is as it should be; {what: id}."""
    rows = {"bystander": {"name": "bystander"}}
    rows.update({what: columns for what, (columns, _) in
                 {**GOOD, **BAD}.items()})
    ids = site.api.load("sessions", [
        {"name": "s", "project_id": PROJECT, "phase": "Pending", **columns}
        for columns in rows.values()])
    site.api.load("sessions", [
        {"id": row_id, "name": MARK, "project_id": PROJECT,
         "phase": "Pending"} for row_id in IDS])
    return dict(zip(rows, ids))


def environment(site, session):
    """Of the session's pod; None without one."""
    pods = site.cluster.must(site.cluster.admin.list(
        kube.path_of("Pod", PROJECT),
        labelSelector=f"{reconciler.PREFIX}session-id={session}"))
    if len(pods) != 1:
        return None
    return pods[0], kubelet.environment(site.cluster, pods[0])


def reason(row):
    """The message of its conditions."""
    return " ".join(c["message"] for c in json.loads(
        row.get("conditions") or "[]"))


def reason_of_ours(row):
    """What Ready says, whatever stands beside it."""
    return " ".join(c["message"] for c in json.loads(row["conditions"])
                    if isinstance(c, dict) and c.get("type") == "Ready")


def check_good(t, site, ids):
    for what, (_, wanted) in GOOD.items():
        row = site.api.session(ids[what])
        t.equal(row["phase"], "Running", f"{what}: the session runs") or (
            t.diag(reason(row)))
        found = environment(site, ids[what])
        if not t.ok(found, f"{what}: it has one pod"):
            continue
        pod, env = found
        got = {name: env.get(name) for name in wanted}
        if "REPOS_JSON" in wanted:
            got["REPOS_JSON"] = json.loads(got["REPOS_JSON"])
        t.ok(got == wanted, f"{what}: its runner has what the user wrote",
             repr(got)[:2000], repr(wanted)[:2000])
        t.ok(KEY not in json.dumps(pod) and not [
            name for name, value in env.items()
            if KEY in value and name != "ANTHROPIC_API_KEY"],
             f"{what}: the platform's key is where it belongs and nowhere "
             "else")


def check_bad(t, site, ids):
    for what, (_, wanted) in BAD.items():
        row = site.api.session(ids[what])
        said = reason(row)
        t.ok(row["phase"] == "Failed" and wanted in said,
             f"{what}: the session fails and says why", row["phase"], said)
        t.ok(MARK not in said and environment(site, ids[what]) is None,
             f"{what}: without the value, and without a pod", said)


def check_ids(t, site):
    rows = {row["id"]: row for row in site.api.list("/sessions")}
    for row_id in IDS:
        t.ok(rows[row_id]["phase"] == "Failed"
             and "the id of a session must" in reason(rows[row_id]),
             f"an id {row_id[:30]!r}: fails and says why",
             rows[row_id]["phase"], reason(rows[row_id]))


def check_all(t, site):
    """In two passes: the first one makes the namespace."""
    site.api.create_project(PROJECT)
    ids = load(site)
    first = site.once()
    second = site.once()
    t.equal(site.api.session(ids["bystander"])["phase"], "Running",
            "a good session among them runs after the same pass")
    t.ok(second.status in (0, 3), "the pass ends in order", second)
    check_good(t, site, ids)
    check_bad(t, site, ids)
    check_ids(t, site)
    mark = site.api.mark()
    third = site.once()
    t.equal((third.planned(), [
        entry["path"] for entry in site.api.log(mark, method="PATCH")]),
            ([], []), "then nothing is left to do, and nothing is written")
    for result in (first, second, third):
        t.ok(MARK not in result.err + result.out,
             "no value of theirs is in log or plan")
    t.equal(site.names("Namespace", None), sorted(
        ["default", "kube-node-lease", "kube-public", "kube-system",
         reconciler.RUNTIME, reconciler.IMAGES, PROJECT]),
            "no other namespace came of it")


def check_flood(t, site):
    """More than one answer may hold; smaller pages do."""
    ids = site.api.load("sessions", [
        {"name": "flood", "project_id": PROJECT, "phase": "Pending",
         "prompt": "p" * MIB} for _ in range(FLOOD)])
    good = site.api.create_session(PROJECT, "Pending", "after the flood")
    result = site.once()
    t.equal(site.api.session(good)["phase"], "Running",
            f"a session behind {FLOOD} prompts of 1 MiB runs in the same pass")
    phases = {row["phase"] for row in site.api.list("/sessions")
              if row["id"] in ids}
    t.equal(phases, {"Failed"}, "and they fail") or t.diag(result)
    for row_id in ids:
        site.api.delete_session(row_id)


def check_bytes(t, site, proxy):
    """Bytes that are no text on the wire: no server says such, so what it
    says is not believed."""
    session = site.api.create_session(PROJECT, "Pending", BYTES)
    proxy.clear()
    rule = proxy.on("GET", "/sessions").edit(put_bytes)
    before = site.snapshot(PROJECT)
    result = site.once()
    t.ok(rule.hits and result.status == 3
         and "sessions" in result.err, "bytes that are no UTF-8 make the list "
         "unknown, and that is said", result)
    t.equal(site.snapshot(PROJECT), before, "nothing is done on it")
    proxy.clear()
    t.equal((site.once().status, site.api.session(session)["phase"]),
            (0, "Running"), "and afterwards all goes on")


def pending(name, **columns):
    return {"name": name, "project_id": PROJECT, "phase": "Pending", **columns}


# what only the server and we write: columns, and the phase that comes of them
ROWS = {
    "no JSON in its conditions": ({"conditions": f"[{MARK}"}, "Failed"),
    "many conditions": (
        {"conditions": json.dumps([{"type": MARK, "x": [[1, "\0"]]}] * 500)},
        "Failed"),
    "too many conditions": ({"conditions": "[" + "1," * MIB + "1]"},
                            "Failed"),
    "our condition as no object": (
        {"conditions": '["Ready",null,{"type":["Ready"]},'
         '{"type":"Ready","status":7,"message":{}}]'}, "Failed"),
    "a namespace of the system": ({"kube_namespace": "kube-system"},
                                  "Failed"),
    "a namespace that is a path": (
        {"kube_namespace": "../../namespaces/default"}, "Failed"),
    "a phase that is none": ({"phase": f"Pending\n{MARK}"}, None),
    "a phase of 1 MiB": ({"phase": "x" * MIB}, None),
    "a stop in the system's namespace": (
        {"phase": "Stopping", "kube_namespace": "kube-system"}, "Stopped"),
    "a run in the system's namespace": (
        {"phase": "Stopping", "kube_namespace": "default\0"}, "Stopped"),
}


def check_rows(t, site):
    """Each has a prompt that fails it, so that a condition is to be
    written."""
    before = site.snapshot("kube-system"), site.snapshot("default")
    ids = dict(zip(ROWS, site.api.load("sessions", [
        pending(what, **{"prompt": "\0", **columns})
        for what, (columns, _) in ROWS.items()])))
    good = site.api.create_session(PROJECT, "Pending", "beside odd rows")
    result = site.once()
    t.equal(site.api.session(good)["phase"], "Running",
            "a session beside odd rows runs in the same pass") or t.diag(
                result)
    site.once()
    for what, (columns, wanted) in ROWS.items():
        row = site.api.session(ids[what])
        t.equal(row["phase"], wanted or columns["phase"], f"{what}: the "
                f"phase is {wanted or 'left as it is'}")
        if wanted == "Failed":
            t.contains(reason_of_ours(row), "prompt has a control",
                       f"{what}: and it is said why")
    t.equal((site.snapshot("kube-system"), site.snapshot("default")), before,
            "nothing is done in the system's namespaces")


def make_inputs(api):
    """Rows that sessions are made of; {what: (session, part of the reason)},
    None: it runs."""
    role = api.list("/roles", search="name = 'credential:reader'")[0]["id"]
    providers = {"quoted": NASTY, "huge": "p" * MIB, "broken": f"{MARK}\0"}
    api.load("credentials", [
        {"id": row_id, "name": MARK, "provider": provider}
        for row_id, provider in providers.items()])
    api.load("role_bindings", [
        {"role_id": role, "scope": "credential", "credential_id": row_id}
        for row_id in (*providers, f"../../{MARK}\0", "c" * MIB)])
    api.load("projects", [{"name": "beta", "prompt": f"{MARK}\0"}])
    agents = {name: api.create_agent(PROJECT, name, prompt=prompt)
              for name, prompt in [("good", LINES), ("bad", f"{MARK}\a"),
                                   ("inbox", ""), ("flooded", "")]}
    api.create_message(PROJECT, agents["inbox"], f"{MARK}\0")
    api.create_message(PROJECT, agents["flooded"], "m" * MIB)
    rows = {"an agent": ({"agent_id": agents["good"]}, None),
            "an agent's prompt": ({"agent_id": agents["bad"]},
                                  "the agent: prompt has a control"),
            "a message": ({"agent_id": agents["inbox"]},
                          "the agent's inbox: body has a control"),
            "a message of 1 MiB": ({"agent_id": agents["flooded"]},
                                   "the agent's inbox: body is longer"),
            "a project's prompt": ({"project_id": "beta"},
                                   "the project: prompt has a control")}
    ids = api.load("sessions", [pending(what, **columns)
                                for what, (columns, _) in rows.items()])
    return {what: (row_id, said) for row_id, (what, (_, said))
            in zip(ids, rows.items())}


def check_inputs(t, site):
    made = make_inputs(site.api)
    results = [site.once(), site.once()]
    for what, (session, wanted) in made.items():
        row = site.api.session(session)
        said = reason(row)
        t.ok(row["phase"] == "Failed" and wanted in said if wanted
             else row["phase"] == "Running",
             f"{what}: {wanted or 'the session runs'}", row["phase"], said)
        t.ok(MARK not in said, f"{what}: no value is repeated", said)
    _, env = environment(site, made["an agent"][0])
    t.equal((env["INITIAL_PROMPT"], json.loads(env["CREDENTIAL_IDS"])),
            (LINES, {NASTY: "quoted"}),
            "an agent's prompt and a provider's name come as they are")
    t.ok(not any(MARK in result.err for result in results),
         "nothing of it is in the log", *results)


def main():
    stack = []
    with tap.Tap() as t, bed.Bed(t) as b:
        try:
            site = make_site(b, stack)
            check_all(t, site)
            check_rows(t, site)
            check_inputs(t, site)
            check_flood(t, site)
            check_bytes(t, site, stack[0])
        finally:
            for proxy in stack:
                proxy.close()


if __name__ == "__main__":
    main()
