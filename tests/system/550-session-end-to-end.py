#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""All parts together: a project and a session over the API become a pod on a
real Kubernetes API server; a stock runner with the environment of that pod,
and nothing else, gets a token of a real provider through nginx, across a key
rotation; strangers get none; and what is stopped and deleted is gone."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, the parts run under it in tests of their own
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import ambient_platform
import bed
import binding
import kube
import providers
import raw_http
import reconciler
import stock_runner
import tap
from ambient_platform import CLIENT, wait

PROJECT = "alpha"
MADE_UP = "2zyxWVUtsrQPOnmlKJihgFEDcba"
# what a shell, a kubelet or a JSON parser might take amiss
NAME = "say $(SESSION_ID) $$(HOME) $"
SECRET_WORD = "vermilion-otter"
PROMPT = SECRET_WORD + " $$5 $(SESSION_ID)\n\"quoted\" 'too'\t\u00e4\U0001f642"
NEXT_SINCE = reconciler.PREFIX + "next-key-since"
KINDS = ("ServiceAccount", "Secret", "ConfigMap", "Service", "Pod", "Role",
         "RoleBinding", "NetworkPolicy")


def check_token(t, runner, what):
    token = runner.fetch()
    t.equal(runner.platform.client_of(token), CLIENT,
            f"{what} gets a token that the provider signed")
    return token


# --- the story ----------------------------------------------------------------

def check_first(t, platform):
    platform.site.api.create_project(PROJECT)
    runner = platform.provision(PROJECT, NAME, prompt=PROMPT)
    t.ok(runner.is_there("Service", runner.service),
         "a session over the API has a pod and a service")
    env = runner.environment
    t.equal((env["SESSION_ID"], env["PROJECT_NAME"],
             env["AGENTIC_SESSION_NAME"], env["INITIAL_PROMPT"]),
            (runner.session, PROJECT, NAME, PROMPT),
            "its container finds id, project, name and prompt as they are")
    proof = binding.proof_of(platform.site.key_file, runner.session)
    t.equal(env["AMBIENT_CP_TOKEN_URL"], platform.token_url
            + f"?s={runner.session}&p={proof}", "and its bound token URL")
    spec = json.dumps(runner.pod)
    t.ok(proof not in spec and "PRIVATE KEY" not in spec,
         "whose proof is not in the pod's spec")
    check_token(t, runner, "a stock runner with the pod's environment")
    return runner


def bind_credentials(api):
    """One by project that beats one for everybody, one that nobody is bound
    to, and one of another project; the ids that a session of ours gets."""
    made = {name: api.create_credential(provider, "value-of-" + name, name)
            for name, provider in [("all", "github"), ("ours", "github"),
                                   ("lone", "jira"), ("theirs", "gitlab")]}
    for name, values in [("all", {}), ("ours", {"project_id": PROJECT}),
                         ("theirs", {"project_id": "beta"})]:
        api.create_binding("credential:token-reader", "credential",
                           credential_id=made[name], **values)
    return {"github": made["ours"]}


def check_environment(t, env, agent, wanted, what):
    t.equal(json.loads(env["CREDENTIAL_IDS"]), wanted,
            f"H-46 {what} has the credentials that bindings give it")
    t.equal(env["AGENT_ID"], agent, f"H-54 {what} knows its agent")
    t.equal(env["INITIAL_PROMPT"],
            "of all\n\nof the agent\n\nunread\n\nof its own",
            f"H-55 {what} has all parts of its prompt")
    t.equal((env["LLM_TEMPERATURE"], json.loads(env["REPOS_JSON"])),
            ("0", [{"url": "https://g/a"}, {"url": "https://g/b",
                                            "branch": "\"x\""}]),
            f"H-53, H-52 {what} has its numbers and repositories")


def check_inputs(t, platform):
    """What comes from other rows; and once more, when it is resumed."""
    api = platform.site.api
    mark = api.mark()
    wanted = bind_credentials(api)
    agent = api.create_agent(PROJECT, prompt="of the agent")
    api.create_message(PROJECT, agent, "unread")
    api.patch(f"/projects/{PROJECT}", prompt="of all")
    runner = platform.provision(
        PROJECT, "with an agent", agent_id=agent, prompt="of its own",
        llm_temperature=0, repo_url="https://g/a",
        repos='[{"url":"https://g/b","branch":"\\"x\\""}]')
    check_environment(t, runner.environment, agent, wanted, "a session")
    platform.site.api.stop(runner.session)
    wait(lambda: runner.end() and platform.phase(runner.session) == "Stopped",
         "the session is Stopped")
    platform.site.api.start(runner.session)
    platform.wait_for_phase(runner.session, "Running")
    again = ambient_platform.Runner(platform, runner.session)
    env = again.environment
    t.equal(env.get("IS_RESUME"), "true", "H-26 a session that is started "
            "again resumes")
    check_environment(t, env, agent, wanted, "H-61 started again, it")
    t.equal([e["path"] for e in api.log(mark, method="POST")
             if "role_bindings" in e["path"]][3:], [],
            "H-61 no credential hangs on a binding that we would have to make")
    api.patch(f"/projects/{PROJECT}", prompt="")


def annotations(platform):
    return platform.site.read(
        "Secret", reconciler.RUNTIME, reconciler.KEY_SECRET)[
            "metadata"]["annotations"]


def rotate(t, platform):
    """--rotate-key, and two minutes at once; the new key's id."""
    result = platform.site.another().run("--rotate-key")
    t.equal(result.status, 0, "--rotate-key beside the loop") or t.diag(result)
    new = annotations(platform)[NEXT_SINCE].split("=")[0]
    wait(lambda: platform.keys_loaded() == 2,
         "the token service has both keys from the one file")
    platform.site.annotate(
        "Secret", reconciler.RUNTIME, reconciler.KEY_SECRET,
        next_key_since=f"{new}={reconciler.LONG_AGO}")
    wait(lambda: NEXT_SINCE not in annotations(platform),
         "the new key is the current one")
    return new


def check_rotation(t, platform, old):
    key_id = rotate(t, platform)
    new = platform.provision(PROJECT, "after the rotation")
    t.ok(new.key_id == key_id != old.key_id,
         "a pod made after the rotation is marked with the new key's id",
         new.key_id, key_id, old.key_id)
    t.ok(new.public_key != old.public_key, "and has the new public key")
    check_token(t, new, "its runner")
    check_token(t, old, "a runner that was there before the rotation")
    return new


def check_strangers(t, platform, runner):
    """Who has all that the pod's spec shows, but no proof."""
    made_up = stock_runner.seal(runner.public_key, MADE_UP)
    stolen = stock_runner.seal(runner.public_key, runner.session)
    for what, credential, target in [
            ("a made-up id", made_up, "/token"),
            ("a made-up id and a made-up proof", made_up,
             binding.query(MADE_UP, "A" * 43)),
            ("a made-up id and a runner's URL", made_up, runner.target),
            ("a runner's id", stolen, "/token")]:
        t.equal(raw_http.bearer(platform.port, credential, target).status,
                401, f"a stranger with the public key and {what} is refused")
    t.equal(raw_http.bearer(platform.port, stolen, runner.target).status, 200,
            "with the runner's URL to the runner's id it is the runner")


def check_stop(t, platform, runner):
    platform.site.api.stop(runner.session)
    wait(lambda: "deletionTimestamp" in runner.cluster.read(
        "Pod", runner.namespace, runner.name)["metadata"],
         "the pod of a stopped session is told to end")
    t.equal(platform.phase(runner.session), "Stopping",
            "the session is Stopping while its pod ends")
    runner.cluster.end_pod(runner.namespace, runner.name)
    platform.wait_for_phase(runner.session, "Stopped")
    t.equal((runner.is_there("Pod", runner.name),
             runner.is_there("Service", runner.service)), (False, False),
            "it is Stopped when pod and service are gone")
    t.ok(platform.site.api.session(runner.session).get("completion_time"),
         "and has the time of that")


def left_of(runner):
    """What the cluster still has of a session."""
    return [f"{kind}/{item['metadata']['name']}" for kind in KINDS
            for item in runner.cluster.must(runner.cluster.admin.list(
                kube.path_of(kind)))
            if runner.session.lower() in json.dumps(item).lower()]


def check_deletion(t, platform, runner, other):
    before = left_of(other)
    platform.site.api.delete_session(runner.session)
    wait(lambda: not left_of(runner), "nothing of a deleted session is left")
    t.ok(True, "of a deleted session nothing is left in the cluster")
    t.equal(left_of(other), before, "all of the other session is")
    return check_token(t, other, "the other session's runner")


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        platform = ambient_platform.Platform(b)
        first = check_first(t, platform)
        check_inputs(t, platform)
        second = check_rotation(t, platform, first)
        check_strangers(t, platform, second)
        proofs = [runner.target.rpartition("=")[2]
                  for runner in (first, second)]
        check_stop(t, platform, first)
        token = check_deletion(t, platform, first, second)
        t.equal(b.find_in_logs([token, *proofs, providers.SECRET,
                                SECRET_WORD]),
                [], "no log holds a token, a proof, a prompt or the secret")
        t.equal(platform.loop.stop(), 0, "the loop ends well")


if __name__ == "__main__":
    main()
