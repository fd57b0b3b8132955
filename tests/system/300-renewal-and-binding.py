#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Renewal handles and binding proofs through the web servers: what each mode
serves and refuses, that a handle outlives restarts and rotations but not its
key, its time or its proof, that neither waits for nor buys RSA work, and that
all refusals are one answer."""
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import binding
import raw_http
import stock_runner
import tap
from binding import query

API_TOKEN = "an-api-token-of-the-static-source"
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
OTHER = "2zyxWVUtsrQPOnmlKJihgFEDcba"
MODES = ("off", "optional", "required")
HERD = 15 if bed.WRAPPER else 150  # opening takes long under valgrind
SOURCE = {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": API_TOKEN}

refusals = {}  # what every 401 looked like, and for what it first did
secrets = {API_TOKEN, SESSION, OTHER}


def proof_of(key_path, session):
    proof = binding.proof_of(key_path, session)
    secrets.add(proof)
    return proof


def ask(port, credential, target="/token"):
    secrets.add(credential)
    answer = raw_http.bearer(port, credential, target)
    if answer.status == 401:
        refusals.setdefault(
            repr(answer.same_but("Date", "X-Request-Id")), target)
    return answer


def handle_of(answer):
    """The renewal handle of a 200 answer."""
    if answer.status != 200:
        return ""
    handle = json.loads(answer.body).get("renewal", "")
    secrets.add(handle)
    return handle


def metric(port, name):
    text = raw_http.request(port, "/metrics").body.decode()
    value = re.search(
        r"^ambient_cp_token_" + re.escape(name) + r" (\S+)$", text, re.M)
    return float(value.group(1)) if value else 0.0


def operations(port):
    """Private key operations so far."""
    return sum(metric(port, f'unseal_total{{result="{result}"}}')
               for result in ("opened", "denied", "forbidden"))


def replace_key_file(b, path, *parts):
    fresh = b.path("fresh.pem")
    fresh.write_bytes(b"".join(pathlib.Path(p).read_bytes() for p in parts))
    fresh.chmod(0o640)
    b.give_to_web_server(fresh)
    os.replace(fresh, path)


class Site:
    """A responder behind nginx."""

    def __init__(self, b, key, mode="optional", flags=()):
        self.responder = b.start_responder(
            key, {**SOURCE, "CP_TOKEN_BINDING": mode}, flags)
        self.port = b.start_nginx(self.responder.socket).port


# --- the reconciler's part ---------------------------------------------------

def print_url(*options, env=None):
    return subprocess.run(
        [bed.BUILDDIR / "ambient-cp-reconciler", "--config", os.devnull,
         *options], env={"PATH": bed.SYSTEM_PATH, **(env or {})},
        capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def check_print_url(t, b, key):
    base = "http://cp.example:8080/token"
    bound = base + f"?s={SESSION}&p={proof_of(key, SESSION)}"
    env = {"CP_TOKEN_URL": base, "CP_TOKEN_KEY_FILE": str(key)}
    ask_for = ("--local", "--print-url", SESSION)
    t.equal(print_url(*ask_for, env=env).stdout, bound + "\n",
            "the reconciler prints the bound URL, and nothing else")
    result = print_url(*ask_for, "--json", env=env)
    t.equal(json.loads(result.stdout)["url"], bound, "or as JSON")
    absent = b.path("absent.pem")
    for what, status, options, changes in [
            ("an id that is none", 2, ("--local", "--print-url", "a b"), {}),
            ("no token_url", 2, ask_for, {"CP_TOKEN_URL": ""}),
            ("a token_url with a query", 2, ask_for,
             {"CP_TOKEN_URL": base + "?x=1"}),
            ("--print-url without --local", 2, ask_for[1:], {}),
            ("--print-url with --check", 2, (*ask_for, "--check"), {}),
            ("no key", 1, ask_for, {"CP_TOKEN_KEY_FILE": str(absent)})]:
        result = print_url(*options, env={**env, **changes})
        t.equal((result.returncode, result.stdout, bool(result.stderr)),
                (status, "", True), f"{what}: status {status} and a reason")
    t.ok(not absent.exists(), "no key is made for it")


# --- modes -------------------------------------------------------------------

def check_modes(t, b, key, previous, removed):
    """Each mode by what each query gets: ciphertext and handle alike."""
    good = proof_of(key, SESSION)
    cases = [
        ("no proof", "/token", (200, 200, 401)),
        ("other parameters", "/token?x=1&S=2", (200, 200, 401)),
        ("the proof", query(SESSION, good), (200, 200, 200)),
        ("the proof, turned round", f"/token?p={good}&x&s={SESSION}",
         (200, 200, 200)),
        ("the previous key's proof",
         query(SESSION, proof_of(previous, SESSION)), (200, 200, 200)),
        ("a removed key's proof",
         query(SESSION, proof_of(removed, SESSION)), (200, 401, 401)),
        ("a wrong proof", query(SESSION, good[:-2] + "AA"), (200, 401, 401)),
        ("another session's URL", query(OTHER, proof_of(key, OTHER)),
         (200, 401, 401)),
        ("another session's proof", query(SESSION, proof_of(key, OTHER)),
         (200, 401, 401)),
        ("an id alone", f"/token?s={SESSION}", (200, 401, 401)),
        ("a proof alone", f"/token?p={good}", (200, 401, 401)),
        ("a repeated proof", query(SESSION, good) + f"&p={good}",
         (200, 401, 401)),
        ("a repeated id", query(SESSION, good) + f"&s={SESSION}",
         (200, 401, 401)),
        ("an encoded id",
         query(SESSION.replace("2", "%32", 1), good), (200, 401, 401)),
    ]
    public_key = b.public_key(key)
    for number, mode in enumerate(MODES):
        site = Site(b, key, mode)
        credential = stock_runner.seal(public_key, SESSION)
        # unbound where that is to be had, so that it may go with any query
        first = ask(site.port, credential,
                    "/token" if mode != "required" else cases[2][1])
        handle = handle_of(first)
        t.ok(handle.startswith("acp1."), f"{mode}: a 200 brings a handle",
             first)
        for what, target, statuses in cases:
            t.equal(ask(site.port, credential, target).status,
                    statuses[number], f"{mode}, {what}: the ciphertext")
            t.equal(ask(site.port, handle, target).status, statuses[number],
                    f"{mode}, {what}: the handle")
        t.equal("binding is" in site.responder.log(), mode != "required",
                f"{mode}: the start says whether that protects anything")


def check_bound_handles(t, b, key, site):
    """A handle that was issued with a proof always needs it."""
    bound = query(SESSION, proof_of(key, SESSION))
    credential = stock_runner.seal(b.public_key(key), SESSION)
    handle = handle_of(ask(site.port, credential, bound))
    t.equal(ask(site.port, handle).status, 401,
            "a bound handle is refused without its proof")
    t.equal(ask(site.port, handle, query(OTHER, proof_of(key, OTHER))).status,
            401, "and with another session's")
    renewed = handle_of(ask(site.port, handle, bound))
    t.ok(renewed and renewed != handle, "with its proof it is renewed")
    t.equal(ask(site.port, renewed).status, 401,
            "what it was renewed to needs the proof as well")
    off = Site(b, key, "off")
    answers = [ask(off.port, handle), ask(off.port, handle, bound)]
    t.equal([a.status for a in answers], [401, 200],
            "with binding off it needs the proof all the same")
    renewed = handle_of(answers[1])
    t.equal([ask(p.port, renewed).status for p in (off, site)], [401, 401],
            "and so does what it was renewed to there")


def check_no_work_is_bought(t, b, key):
    """Fresh ciphertexts without a good proof cost no private operation."""
    site = Site(b, key, "required")
    public_key = b.public_key(key)
    wrong = query(SESSION, "A" * 43)
    before = operations(site.port)
    statuses = {ask(site.port, stock_runner.seal(public_key, SESSION),
                    target).status
                for _ in range(20) for target in ("/token", wrong)}
    t.equal((statuses, operations(site.port) - before), ({401}, 0),
            "40 ciphertexts without a good proof cost no RSA work")


# --- renewals ----------------------------------------------------------------

def check_renewals(t, b, site, public_key):
    answer = ask(site.port, stock_runner.seal(public_key, SESSION))
    handle = handle_of(answer)
    before = operations(site.port)
    unbound = metric(site.port, "unbound_requests_total")
    seen = {handle}
    for _ in range(20):
        answer = ask(site.port, handle)
        handle = handle_of(answer)
        seen.add(handle)
    t.equal((len(seen), json.loads(answer.body)["token"]), (21, API_TOKEN),
            "20 renewals each bring the token and a new handle")
    t.equal(operations(site.port), before, "and cost no RSA work")
    t.equal(metric(site.port, 'renewals_total{result="given"}') >= 20, True,
            "they are counted")
    t.equal(metric(site.port, "unbound_requests_total") - unbound, 20.0,
            "and so is that they had no proof")
    t.equal(answer.get("Content-Type"), "application/json",
            "a renewal is answered as a ciphertext is")
    check_forged(t, site, handle)
    return handle


def check_forged(t, site, handle):
    before = metric(site.port, 'renewals_total{result="denied"}')
    forged = ["acp1.", "acp1.AAAA", handle[:-1], handle + "A",
              handle[:40] + ("B" if handle[40] == "A" else "A") + handle[41:],
              handle + "=", "acp2" + handle[4:], "acp1." + "A" * 400,
              handle.replace("acp1.", "acp1,")]
    for word in forged:
        t.equal(ask(site.port, word).status, 401,
                f"a forged handle of {len(word)} characters is refused")
    t.ok(metric(site.port, 'renewals_total{result="denied"}') >= before + 6,
         "they are counted as denied")
    t.equal(ask(site.port, handle).status, 200, "the right one still works")


def check_restart_and_replica(t, b, key, site, handle):
    replica = Site(b, key)
    t.equal(ask(replica.port, handle).status, 200,
            "another replica takes the handle")
    again = handle_of(ask(replica.port, handle))
    t.equal(ask(site.port, again).status, 200,
            "and the first one what that gave")
    t.equal(operations(replica.port), 0, "with no RSA work at all")
    replica.responder.stop()
    later = Site(b, key)
    t.equal(ask(later.port, handle).status, 200,
            "a responder that was started later takes it too")


def check_rotation(t, b):
    old, new = b.make_key(), b.make_key()
    path = b.path("rotated.pem")
    replace_key_file(b, path, old)
    site = Site(b, path)
    bound = query(SESSION, proof_of(old, SESSION))
    handle = handle_of(
        ask(site.port, stock_runner.seal(b.public_key(old), SESSION), bound))
    replace_key_file(b, path, new, old)
    bed.wait_until(lambda: metric(site.port, "keys_loaded") == 2,
                   "both keys are loaded")
    renewed = handle_of(ask(site.port, handle, bound))
    t.ok(renewed, "a rotation keeps handle and proof")
    t.equal(ask(site.port, stock_runner.seal(b.public_key(old), SESSION),
                bound).status, 200, "and ciphertext and proof")
    t.equal(ask(site.port, stock_runner.seal(b.public_key(new), SESSION),
                bound).status, 200, "and the old proof with the new key")
    fresh = handle_of(
        ask(site.port, stock_runner.seal(b.public_key(new), SESSION)))
    replace_key_file(b, path, new)
    bed.wait_until(lambda: metric(site.port, "keys_loaded") == 1,
                   "the old key is gone")
    new_bound = query(SESSION, proof_of(new, SESSION))
    t.equal([ask(site.port, word, new_bound).status
             for word in (handle, renewed)], [401, 401],
            "a removed key takes along its handles and what they renewed to")
    t.equal(ask(site.port, fresh).status, 200, "the new key's handle stays")


def check_ends(t, b, key):
    public_key = b.public_key(key)
    site = Site(b, key, flags=("--renewal-ttl", "1s"))
    handle = handle_of(ask(site.port, stock_runner.seal(public_key, SESSION)))
    bed.wait_until(lambda: ask(site.port, handle).status == 401,
                   "the handle expires")
    t.ok(metric(site.port, 'renewals_total{result="expired"}') >= 1,
         "a handle expires, and is counted as expired")

    site = Site(b, key, flags=("--renewal-max-age", "2s"))
    chain = [handle_of(ask(site.port, stock_runner.seal(public_key,
                                                        SESSION)))]

    def is_over():
        answer = ask(site.port, chain[-1])
        if answer.status == 200:
            chain.append(handle_of(answer))
        return answer.status == 401

    bed.wait_until(is_over, "the chain is too old")
    t.ok(len(chain) > 2, "renewals end with the age of their chain",
         f"{len(chain)} handles")
    t.equal(ask(site.port, stock_runner.seal(public_key, SESSION)).status,
            200, "then a ciphertext starts a new one")


def check_order(t, b):
    """While a herd waits for one slow worker, a renewal and a caller with a
    proof are answered before it."""
    key = b.make_key(4096)
    site = Site(b, key, flags=("--workers", "1"))
    public_key = b.public_key(key)
    handle = handle_of(ask(site.port, stock_runner.seal(public_key, SESSION)))
    sealed = [stock_runner.seal(public_key, SESSION) for _ in range(HERD)]
    proved = stock_runner.seal(public_key, SESSION)
    herd = []
    for credential in sealed:
        connection = raw_http.open_to(site.port)
        connection.sendall(
            b"GET /token HTTP/1.1\r\nHost: token.test\r\n"
            b"Connection: close\r\nAuthorization: Bearer "
            + credential.encode() + b"\r\n\r\n")
        herd.append(connection)
    renewal = ask(site.port, handle)
    waiting = metric(site.port, "unseal_queue_length")
    t.ok(renewal.status == 200 and waiting > 0,
         "a renewal does not wait behind RSA work",
         f"{renewal.status}, {waiting} are waiting")
    answer = ask(site.port, proved, query(SESSION, proof_of(key, SESSION)))
    waiting = metric(site.port, "unseal_queue_length")
    t.ok(answer.status == 200 and waiting > 0,
         "a caller with a proof goes before those without",
         f"{answer.status}, {waiting} are waiting")
    answers = [raw_http.Answer(raw_http.read_all(c)) for c in herd]
    for connection in herd:
        connection.close()
    t.equal({a.status for a in answers}, {200}, "and the herd is served")


# --- the other web server ----------------------------------------------------

def check_server(t, b, name, port, key):
    """Binding required, by whatever stands before it."""
    bound = query(SESSION, proof_of(key, SESSION))
    url = f"http://127.0.0.1:{port}"
    public_key = b.public_key(key)
    t.equal(stock_runner.fetch(url + bound, public_key, SESSION), API_TOKEN,
            f"{name}: the stock runner uses the bound URL as it is")
    credential = stock_runner.seal(public_key, SESSION)
    handle = handle_of(raw_http.bearer(port, credential, bound))
    secrets.update((handle, credential))
    answer = raw_http.bearer(port, handle, bound)
    t.ok(answer.status == 200 and handle_of(answer) not in ("", handle),
         f"{name}: a handle is renewed", answer)
    answers = [raw_http.bearer(port, word, target)
               for word in (credential, handle, handle[:-1] + "!")
               for target in ("/token", query(OTHER, proof_of(key, OTHER)))]
    t.equal(len({repr(a.same_but("Date", "X-Request-Id")) for a in answers}),
            1, f"{name}: every refusal is the same to the byte")
    t.equal(answers[0].status, 401, f"{name}: and a 401")


def check_servers(t, b, key):
    env = {**SOURCE, "CP_TOKEN_KEY_FILE": str(key),
           "CP_TOKEN_BINDING": "required"}
    site = Site(b, key, "required")
    check_server(t, b, "nginx", site.port, key)
    check_server(t, b, "lighttpd FastCGI",
                 b.start_lighttpd_fastcgi(site.responder.socket).port, key)
    check_server(t, b, "lighttpd CGI", b.start_lighttpd_cgi(env).port, key)
    site.responder.kill()
    t.equal(ask(site.port, "x", query(SESSION, proof_of(key, SESSION))).status,
            502, "nginx: a bound URL without a responder")


with tap.Tap() as t, bed.Bed(t) as b:
    current, previous, removed = (b.make_key() for _ in range(3))
    both = b.path("both.pem")
    replace_key_file(b, both, current, previous)
    check_print_url(t, b, current)
    check_modes(t, b, both, previous, removed)
    main = Site(b, both)
    check_bound_handles(t, b, both, main)
    check_no_work_is_bought(t, b, both)
    handle = check_renewals(t, b, main, b.public_key(current))
    check_restart_and_replica(t, b, both, main, handle)
    check_rotation(t, b)
    check_ends(t, b, current)
    check_order(t, b)
    check_servers(t, b, current)
    t.equal(list(refusals.values())[1:], [],
            "every refusal behind nginx is the same to the byte")
    t.equal(b.find_in_logs(sorted(s for s in secrets if len(s) > 8)), [],
            "no log holds a token, session id, proof, handle or ciphertext")
