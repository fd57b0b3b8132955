#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Providers that are slow, refuse, or talk nonsense: no caller waits while a
usable token is in hand, and each gets a quick and honest answer when none
is. What comes first is told by the provider's own counts, never by time."""
import concurrent.futures
import datetime
import email.utils
import json
import os
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import metrics
import providers
import tap
from service import SESSION, UNAVAILABLE, Service, check_unavailable, shape

CALLERS = 12
PROVIDER_TEXT = "PROVIDER-TEXT"
HOUR = 3600
OPENED = 'unseal_total{result="opened"}'


def reply(**members):
    return json.dumps({"access_token": "a-token-of-the-stub",
                       "token_type": "Bearer", "expires_in": 300, **members})


# What goes wrong, and how the stub does it. None of these takes time.
FAULTS = {
    "500": {"mode": "500"},
    "401": {"mode": "401"},
    "400 invalid_client": {
        "mode": "status", "status": 400,
        "body": '{"error":"invalid_client","error_description":"%s"}'
                % PROVIDER_TEXT},
    "400 invalid_scope": {"mode": "status", "status": 400,
                          "body": '{"error":"invalid_scope"}'},
    "403 with HTML": {"mode": "status", "status": 403,
                      "body": f"<html>{PROVIDER_TEXT}</html>"},
    "204": {"mode": "status", "status": 204},
    "garbage": {"mode": "garbage"},
    "an empty body": {"mode": "body", "body": ""},
    "JSON that is no object": {"mode": "body", "body": "[]"},
    "no access_token": {"mode": "body", "body": '{"token_type":"Bearer"}'},
    "a token that splits headers": {
        "mode": "body", "body": reply(access_token="a\r\nX-Evil: 1")},
    "a wrong token_type": {"mode": "body", "body": reply(token_type="mac")},
    "a body without end": {"mode": "endless"},
    "headers without end": {"mode": "endless_head"},
    "a body too large by one": {"mode": "exact", "size": 64 * 1024 + 1},
    "a reply cut short": {"mode": "cut"},
    "no answer at all": {"mode": "close"},
    "a redirect": {"mode": "redirect"},
    "429": {"mode": "wait", "status": 429, "retry_after": 1},
    "503": {"mode": "wait", "status": 503, "retry_after": 1},
}
# The provider answers these after our patience of 8 s, or never.
DELAYS = {
    "an answer after 9 s": {"mode": "slow", "seconds": 9},
    "no word at all": {"mode": "hang"},
    "a byte a second": {"mode": "drip"},
}
# expires_in in JSON (None: left out), and the life that is told to runners
LIVES = [
    ("3600", HOUR), ('"3600"', HOUR), ("86401", 24 * HOUR),
    ("1e300", 24 * HOUR), ("99999999999999999999", 24 * HOUR),
    ("-5", 60), ("-1e300", 60), ("0", 60), ('"soon"', 60), ("null", 60),
    ("[]", 60), (None, 60),
]


def start(b, key, config="", *flags, **values):
    """(stub, service)"""
    stub = providers.start_faulty(b, 0, *flags, **values)
    return stub, Service(b, key, providers.credentials(stub),
                         b.write_config(config))


def end(*processes):
    for process in processes:
        (process.end if isinstance(process, Service) else process.stop)()


def ask_many(pool, service, is_sealing=False):
    """Futures of answers."""
    return [pool.submit(service.ask, service.seal() if is_sealing else None)
            for _ in range(CALLERS)]


def results(futures):
    return [future.result(bed.PATIENCE) for future in futures]


def check_faults_with_token(t, b, key):
    """Each reload asks the provider at once."""
    trap = providers.Trap()
    stub, service = start(b, key, mode="ok")
    service.wait_until_ready()
    token = service.token()
    for name, values in FAULTS.items():
        stub.set(**values,
                 location=f"http://127.0.0.1:{trap.port}/elsewhere")
        service.reload()
        service.wait_for_attempt(providers.attempts(service.port) + 1)
        t.equal(service.token(), token,
                f"{name}: the token in hand is given on")
    stub.set(mode="redirect", location="/elsewhere")
    service.reload()
    service.wait_for_attempt(providers.attempts(service.port) + 1)
    t.equal((trap.callers, stub.state()["redirected"]), (0, 0),
            "no redirect is followed, so no secret is sent anywhere else")
    trap.close()
    stub.set(mode="ok")
    service.reload()
    bed.wait_until(lambda: service.token() != token, "a new token is got")
    t.ok(True, "a provider that is well again gives the next token")
    end(stub, service)


def check_fault_without_token(t, b, key, name, values):
    stub, service = start(b, key, **values)
    service.wait_for_attempt()
    check_unavailable(t, service, name)
    stub.set(mode="ok")
    service.wait_until_ready()
    t.equal(service.ask().status, 200, f"{name}: ends by itself")
    end(stub, service)


def check_held_with_token(t, b, key, pool):
    stub, service = start(b, key, mode="ok")
    service.wait_until_ready()
    token = service.token()
    stub.set(mode="hold")
    service.reload()
    bed.wait_until(lambda: stub.count("hold") == 1, "the provider is asked")
    answers = (results(ask_many(pool, service))
               + results(ask_many(pool, service, is_sealing=True)))
    t.equal({providers.token_of(a) for a in answers}, {token},
            "H-06: a slow provider holds nobody while a token is in hand")
    state = stub.state()
    t.equal((state["mode"], state["requests"]), ("hold", 2),
            "H-06: it was asked once, and had not answered yet")
    stub.set(mode="ok")
    bed.wait_until(lambda: service.token() != token, "its token arrives")
    t.equal(stub.state()["requests"], 2, "H-06: its answer is the next token")
    end(stub, service)


def hold_callers(b, key, pool, config=""):
    """Callers who all wait for a provider that does not answer."""
    stub, service = start(b, key, config, mode="hold")
    bed.wait_until(lambda: stub.count("hold") == 1, "the provider is asked")
    futures = ask_many(pool, service, is_sealing=True)
    bed.wait_until(
        lambda: metrics.read(service.port)[OPENED] == CALLERS,
        "every caller waits for a token alone")
    return stub, service, futures


def check_held_without_token(t, b, key, pool):
    stub, service, futures = hold_callers(b, key, pool)
    t.ok(not any(f.done() for f in futures),
         "callers are held while the provider is slow")
    stub.set(mode="ok")
    answers = results(futures)
    t.equal({a.status for a in answers}, {200},
            "and are served as soon as it answers")
    t.equal({providers.token_of(a) for a in answers}, {"faulty-1"},
            "all with the same token")
    t.equal(stub.state()["requests"], 1, "for which it was asked once")
    end(stub, service)

    stub, service, futures = hold_callers(b, key, pool)
    stub.set(mode="500")
    t.equal({shape(a) for a in results(futures)}, {UNAVAILABLE},
            "held callers are told when it goes on failing")
    t.ok({a.get("Retry-After") for a in results(futures)}
         <= {"1", "2", "3", "4", "5"}, "and that the next attempt is near")
    t.equal(stub.state()["requests"], 4, "after it was asked four times")
    end(stub, service)

    stub, service, futures = hold_callers(b, key, pool, "mint_wait = 1s\n")
    t.equal({shape(a) for a in results(futures)}, {UNAVAILABLE},
            "nobody is held longer than mint_wait")
    state = stub.state()
    t.equal((state["mode"], state["requests"]), ("hold", 1),
            "while the same request is still under way")
    stub.set(mode="ok")
    service.wait_until_ready()
    t.equal(service.token(), "faulty-1", "whose token serves the next caller")
    end(stub, service)


def check_delays(t, b, key, pool):
    """All of them at the same time: each takes the whole patience."""
    started = {name: start(b, key, **values)
               for name, values in DELAYS.items()}
    futures = {name: ask_many(pool, service)
               for name, (_, service) in started.items()}
    for name, (stub, service) in started.items():
        t.equal({shape(a) for a in results(futures[name])}, {UNAVAILABLE},
                f"{name}: callers are held, then told")
        stub.set(mode="ok")
        service.reload()
        service.wait_until_ready()
        t.ok(True, f"{name}: ends by itself")
        end(stub, service)


def check_secret_places(t, b, key, mode):
    client, secret = (urllib.parse.quote(text, safe="") for text in (
        providers.CLIENT, providers.SECRET))
    stub, service = start(b, key, mode="ok", life=2)
    service.wait_until_ready()
    state = stub.state()
    t.equal((state["last_user"], state["last_password"]), (client, secret),
            f"{mode}: id and secret go in a header at first, form-encoded")
    stub.set(mode=mode)
    bed.wait_until(lambda: stub.state()["form"] >= 3,
                   "it is given the secret in the form")
    state = stub.state()
    t.contains(state["last_form"],
               f"&client_id={client}&client_secret={secret}",
               f"{mode}: then in the form")
    t.equal(state["counts"][mode] - state["form"], 1,
            f"{mode}: and that is remembered")
    t.equal(service.ask().status, 200, f"{mode}: it gives tokens")
    stub.set(mode="refuse_form")
    forms = state["form"]
    bed.wait_until(lambda: stub.count("refuse_form") >= 4,
                   "it is given the secret in a header again")
    state = stub.state()
    t.ok(state["form"] <= forms + 2 and state["last_user"],
         f"{mode}: and so is the way back", state)
    end(stub, service)


def check_retry_after(t, b, key):
    in_a_minute = email.utils.format_datetime(
        datetime.datetime.now(datetime.timezone.utc)
        + datetime.timedelta(seconds=90), usegmt=True)
    for status, asked, least, most in (
            (429, "60", 30, 60), (503, "60", 30, 60),
            (429, in_a_minute, 30, 90), (503, "99999999", HOUR - 60, HOUR)):
        name = f"{status} with Retry-After: {asked}"
        stub, service = start(b, key, mode="wait", status=status,
                              retry_after=asked)
        service.wait_for_attempt()
        pause = check_unavailable(t, service, name)
        t.ok(least <= pause <= most, f"{name}: is passed on", pause)
        for _ in range(CALLERS):
            service.ask(service.seal())
        t.equal(stub.state()["requests"], 1,
                f"{name}: no caller makes us ask again")
        t.equal(metrics.read(service.port).operations(), 0,
                f"{name}: nor costs a private key operation")
        end(stub, service)


def check_lives(t, b, key):
    stub, service = start(b, key, mode="ok")
    for number, (text, life) in enumerate(LIVES):
        body = {"access_token": f"life-{number}", "token_type": "Bearer"}
        body = json.dumps(body)[:-1]
        body += "}" if text is None else f', "expires_in": {text}' + "}"
        stub.set(mode="body", body=body)
        service.reload()
        bed.wait_until(lambda: service.token() == f"life-{number}",
                       f"the token with expires_in {text} is given")
        ends = json.loads(service.ask().body)["expires_at"]
        ends = datetime.datetime.fromisoformat(ends.replace("Z", "+00:00"))
        left = ends.timestamp() - time.time()
        t.ok(life - 31 < left <= life, f"expires_in {text}: {life} s",
             f"{left:.1f} s left")
    end(stub, service)


def check_old_tls(t, b, key):
    stub = providers.start_faulty(b, 0, "--old-tls")
    service = Service(b, key, providers.credentials(stub),
                      b.write_config(f"ca_file = {stub.ca_file}\n"))
    service.wait_for_attempt()
    check_unavailable(t, service, "a provider with TLS 1.1")
    t.equal(stub.state()["requests"], 0, "it was told no secret")
    end(stub, service)


with (tap.Tap() as t, bed.Bed(t) as b,
      concurrent.futures.ThreadPoolExecutor(3 * CALLERS) as pool):
    key = b.make_key()
    check_faults_with_token(t, b, key)
    for name, values in FAULTS.items():
        check_fault_without_token(t, b, key, name, values)
    check_held_with_token(t, b, key, pool)
    check_held_without_token(t, b, key, pool)
    check_delays(t, b, key, pool)
    check_secret_places(t, b, key, "refuse_basic_400")
    check_secret_places(t, b, key, "refuse_basic_401")
    check_retry_after(t, b, key)
    check_lives(t, b, key)
    check_old_tls(t, b, key)
    t.equal(b.find_in_logs([PROVIDER_TEXT, SESSION, providers.SECRET,
                            "faulty-1", "X-Evil"]), [],
            "no log holds a secret, a token or the provider's text")
