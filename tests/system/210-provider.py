#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Tokens of a real OpenID provider: refresh, the provider's stop and return,
TLS, whose identity runners get, and changes of it while the service runs."""
import base64
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import herd
import providers
import raw_http
import tap
from service import SESSION, UNAVAILABLE, Service, check_down, shape

CLUSTER_SUBJECT = "system:serviceaccount:ambient-code:ambient-control-plane"


def ask_until_refused(service, verifier):
    """(samples with a token, the first without one)."""
    samples = []
    while True:
        sample = providers.Sample(verifier, service.ask)
        if sample.status != 200:
            return samples, sample
        samples.append(sample)
        time.sleep(0.01)


def check_stop_and_return(t, b, key):
    idp = providers.start_real(b, life=herd.LIFE)
    verifier = providers.Verifier(idp.jwks_url)
    service = Service(b, key, providers.credentials(idp)).wait_until_ready()
    service.wait_for_attempt(2)
    idp.stop()
    samples, refused = ask_until_refused(service, verifier)
    t.ok(len(samples) > 10, "a stopped provider: the token in hand goes on")
    t.ok(herd.least_left(samples) >= herd.MARGIN - herd.GRAIN,
         "H-04: but none that is nearly expired",
         f"{herd.least_left(samples):.3f} s left")
    left = samples[-1].claims["exp"] - refused.came
    # exp may be later than what is reckoned from the request
    t.ok(left <= herd.MARGIN + 0.5,
         "and it goes on as long as it can", f"{left:.3f} s left")
    check_down(t, service, "a stopped provider")
    t.ok('"event":"token_not_minted"' in service.log(), "which is logged")

    idp = providers.start_real(b, life=herd.LIFE, port=idp.idp_port)
    verifier.add(idp.jwks_url)
    sample = bed.wait_until(
        lambda: next((s for s in [providers.Sample(verifier, service.ask)]
                      if s.status == 200), None), "a token is given again")
    t.ok(sample.left >= herd.MARGIN - herd.GRAIN,
         "a provider that is back is found again, without a restart")
    t.equal(raw_http.request(service.port, "/readyz").status, 200,
            "and then /readyz is well")
    service.end()


def check_start_without(t, b, key):
    port = b.free_port()
    service = Service(b, key, {
        "OIDC_TOKEN_URL": f"http://127.0.0.1:{port}/token",
        "OIDC_CLIENT_ID": providers.CLIENT,
        "OIDC_CLIENT_SECRET": providers.SECRET})
    service.wait_for_attempt()
    check_down(t, service, "a start without a provider")
    providers.start_real(b, port=port)
    bed.wait_until(lambda: service.ask().status == 200, "a token is given")
    t.ok(True, "a start without a provider: recovers by itself")
    service.end()


def check_tls(t, b, key):
    cert = providers.make_certificate(b)
    idp = providers.start_real(b, tls=cert)
    env = providers.credentials(idp)
    service = Service(b, key, env)
    service.wait_for_attempt()
    check_down(t, service, "a provider of unknown authority")
    t.equal(idp.requests()["token"], 0, "it was told no secret")
    t.contains(service.log(), "token_request_failed",
               "and the log tells of it")
    service.end()
    service = Service(b, key, env, b.write_config(f"ca_file = {cert[0]}\n"))
    service.wait_until_ready()
    t.equal(service.client(), providers.CLIENT,
            "a provider whose authority is in ca_file is trusted")
    service.end()


def run_refused(b, key, env, config=""):
    return subprocess.run(
        b.responder_argv("--socket", b.socket_path(),
                         config=b.write_config(config)),
        env={"PATH": bed.SYSTEM_PATH, "CP_TOKEN_KEY_FILE": str(key), **env},
        capture_output=True, text=True, check=False, timeout=bed.PATIENCE)


def check_plain_http(t, b, key):
    for host in ("192.0.2.1", "idp.example", "[2001:db8::1]"):
        done = run_refused(b, key, {
            "OIDC_TOKEN_URL": f"http://{host}/token", "OIDC_CLIENT_ID": "a",
            "OIDC_CLIENT_SECRET": "THE-SECRET"})
        t.equal(done.returncode, 2, f"plain http to {host} is refused")
        t.contains(done.stderr, "oidc_token_url", "and the message says what")
        t.ok("THE-SECRET" not in done.stderr, "but not the secret")


def check_proxies(t, b, key):
    trap = providers.Trap()
    # 127.0.0.1 itself is exempt from any proxy, so it would prove nothing
    stub = providers.start_faulty(b, 0, "--host", "127.0.0.2")
    names = ("http_proxy", "https_proxy", "all_proxy")
    env = {n: f"http://127.0.0.1:{trap.port}"
           for name in names for n in (name, name.upper())}
    for source in (stub, providers.start_faulty(
            b, 0, "--host", "127.0.0.2", "--tls")):
        service = Service(b, key, {**env, **providers.credentials(source)})
        service.wait_for_attempt()
        service.end()
    t.ok(stub.state()["requests"] > 0, "the provider itself is asked")
    t.equal(trap.callers, 0, "no proxy of the environment is obeyed")
    service = Service(b, key, providers.credentials(source), b.write_config(
        f"https_proxy = http://127.0.0.1:{trap.port}\n"))
    bed.wait_until(lambda: trap.callers, "the configured proxy is used")
    t.ok(True, "a configured https_proxy is used")
    service.end()
    trap.close()


def check_identities(t, b, key, idp):
    env = {**providers.credentials(idp, "cp", "cp-secret"),
           "AMBIENT_API_TOKEN": "a-static-token"}
    service = Service(b, key, env).wait_until_ready()
    t.equal(service.client(), "cp", "oidc wins over AMBIENT_API_TOKEN")
    t.contains(service.log(), "api_token is set but not used",
               "and says at start that the other is not used")
    t.contains(service.log(), "control plane's own client",
               "H-02: a shared identity is warned about at start")
    service.end()
    service = Service(b, key, env, b.write_config(
        "token_oidc_client_id = runners\n"
        "token_oidc_client_secret = runners-secret\n")).wait_until_ready()
    t.equal(service.client(), "runners",
            "H-02: runners get tokens of an identity of their own")
    t.ok("own client" not in service.log(), "which needs no warning")
    service.end()


def make_jwt(**claims):
    parts = [{"alg": "none"}, {"exp": int(time.time()) + 3600, **claims}]
    words = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode()
             .rstrip("=") for p in parts]
    return ".".join([*words, "c2ln"])


def check_cluster_token(t, b, key):
    token = make_jwt(sub=CLUSTER_SUBJECT)
    service = Service(b, key, {"AMBIENT_API_TOKEN": token})
    service.responder.wait_for_log("static_token_refused")
    t.equal(shape(service.ask()), UNAVAILABLE,
            "H-02: the control plane's cluster identity is not given out")
    t.contains(service.log(), "allow_cluster_token",
               "and the log says what to do")
    service.end()
    service = Service(b, key, {"AMBIENT_API_TOKEN": token},
                      b.write_config("allow_cluster_token = on\n")).wait_until_ready()
    t.equal(service.token(), token, "unless allow_cluster_token is on")
    service.end()


def check_static_file(t, b, key):
    path = b.write_config("first-token\n", "api-token")
    service = Service(b, key, {"AMBIENT_API_TOKEN_FILE": str(path)}).wait_until_ready()
    t.equal(service.token(), "first-token", "a token file is given out")
    fresh = b.write_config("second-token\n", "api-token")
    os.rename(fresh, path)
    bed.wait_until(lambda: service.token() == "second-token",
                   "the file's new token is given")
    t.ok(True, "a token file is read again when it changes")
    path.write_text("not a token\n")
    service.responder.wait_for_log("static_token_refused")
    t.equal(service.token(), "second-token",
            "a token file that turns bad changes nothing")
    service.end()


def write_source(path, idp, client, more=""):
    path.write_text(f"oidc_token_url = {idp.token_url}\n"
                    f"oidc_client_id = {client}\n"
                    f"oidc_client_secret = {client}-secret\n{more}")


def ask_while(service, condition):
    """Statuses of the answers until the condition holds."""
    statuses = set()
    bed.wait_until(lambda: statuses.add(service.ask().status) or condition(),
                   "the new source is in use")
    return statuses


def check_reload(t, b, key, idp):
    config = b.write_config()
    write_source(config, idp, "cp")
    service = Service(b, key, {}, config).wait_until_ready()
    write_source(config, idp, "runners")
    service.reload()
    statuses = ask_while(service, lambda: service.client() == "runners")
    t.equal(statuses, {200}, "another client is used without interruption")
    other = providers.start_real(b, {"runners": "runners-secret"}, life=299)
    write_source(config, other, "runners")
    service.reload()
    statuses = ask_while(service, lambda: other.requests()["granted"] > 0
                         and providers.read_jwt(service.token())[1]["iss"]
                         in other.token_url)
    t.equal(statuses, {200}, "another provider is used without interruption")
    for broken in ("no_such_key = 1\n", "oidc_token_url = ftp://x/\n"):
        write_source(config, idp, "cp", broken)
        service.reload("reload_refused")
        t.equal(service.client(), "runners",
                f"a broken configuration changes nothing: {broken.strip()}")
    before = other.requests()["token"]
    write_source(config, other, "runners")
    service.reload()
    bed.wait_until(lambda: other.requests()["token"] > before,
                   "the provider is asked again")
    t.equal(service.client(), "runners", "and a mended one is read again")
    service.end()


with tap.Tap() as t, bed.Bed(t) as b:
    herd.check_refresh(t, b, 12)
    key = b.make_key()
    check_stop_and_return(t, b, key)
    check_start_without(t, b, key)
    check_tls(t, b, key)
    check_plain_http(t, b, key)
    check_proxies(t, b, key)
    idp = providers.start_real(
        b, {"cp": "cp-secret", "runners": "runners-secret"})
    check_identities(t, b, key, idp)
    check_cluster_token(t, b, key)
    check_static_file(t, b, key)
    check_reload(t, b, key, idp)
    t.equal(b.find_in_logs([providers.SECRET, "cp-secret", "runners-secret",
                            SESSION, "first-token", "second-token",
                            "a-static-token", "eyJ"]), [],
            "no log holds a secret or a token")
