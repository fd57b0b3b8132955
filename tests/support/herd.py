# SPDX-License-Identifier: Apache-2.0
"""Many callers over many lives of a token, judged by the real provider: for
the short and the long test of refresh."""
import threading

import bed
import providers
import raw_http
import stock_runner

LIFE = 5
# what a token of that life has left at least when it is given
MARGIN = LIFE / 4
# between the births of two, which are in whole seconds: half, less a tenth
SOONEST = int(LIFE / 2 * 0.9)
# the clocks of two programs are read at different moments
GRAIN = 0.02
CALLERS = 8
PAUSE = 0.05


class Caller(threading.Thread):
    """Asks until told to end; every second one with the same ciphertext."""

    def __init__(self, number, port, public_key, verifier, end):
        super().__init__(daemon=True)
        self.source = bed.pod_address(number)
        self.is_sealing = number % 2 == 0
        self.port, self.public_key = port, public_key
        self.verifier, self.end = verifier, end
        self.samples = []
        self.error = None

    def run(self):
        try:
            self.ask_on()
        except Exception as error:  # told to the test by its thread
            self.error = error

    def ask_on(self):
        credential = self.seal()
        while not self.end.wait(PAUSE):
            if self.is_sealing:
                credential = self.seal()
            self.samples.append(providers.Sample(
                self.verifier, lambda: raw_http.bearer(
                    self.port, credential, source=self.source)))

    def seal(self):
        return stock_runner.seal(self.public_key, "session-of-a-caller")


def ask_for(seconds, port, public_key, verifier):
    """(samples, errors) of all callers together."""
    end = threading.Event()
    callers = [Caller(n, port, public_key, verifier, end)
               for n in range(CALLERS)]
    for caller in callers:
        caller.start()
    end.wait(seconds)
    end.set()
    for caller in callers:
        caller.join()
    return ([s for c in callers for s in c.samples],
            [c.error for c in callers if c.error])


def least_left(samples):
    return min((s.left for s in samples if s.status == 200), default=0)


def settled_requests(idp):
    """The provider's counts when no request is under way, else None."""
    counts = idp.requests()
    return counts if counts["token"] == counts["granted"] else None


def check_refresh(t, b, seconds):
    """Tokens of 5 s, asked for by many for that long."""
    key = b.make_key()
    public_key = b.public_key(key)
    idp = providers.start_real(b, life=LIFE)
    verifier = providers.Verifier(idp.jwks_url)
    responder = b.start_responder(key, providers.credentials(idp))
    port = b.start_nginx(responder.socket).port
    providers.wait_until_ready(port)

    samples, errors = ask_for(seconds, port, public_key, verifier)
    granted_before = idp.requests()["granted"]
    last = providers.Sample(verifier, lambda: raw_http.bearer(
        port, stock_runner.seal(public_key, "the-last-one")))
    # one may be under way: wait for its end, which comes unless it was in vain
    counts = bed.wait_until(lambda: settled_requests(idp),
                            "every request has its token")
    tokens = {s.token: s.claims["iat"] for s in [*samples, last]
              if s.token}
    births = sorted(tokens.values())
    t.diag(f"{len(samples)} answers, {counts} at the provider, least life "
           f"left {least_left(samples):.2f} s")
    t.equal(errors, [], "every token is the provider's")
    t.equal({s.status for s in samples}, {200}, "every caller is served")
    t.ok(least_left(samples) >= MARGIN - GRAIN,
         "H-04: no answered token is expired or nearly so",
         f"{least_left(samples):.3f} s left")
    t.equal(counts["token"], counts["granted"], "no request was in vain")
    t.ok(granted_before <= len(tokens) <= counts["granted"],
         "one request to the provider for each token that callers saw",
         f"{len(tokens)} tokens, {granted_before} to {counts} requests")
    t.ok(len(births) > 1 and all(
        after - before >= SOONEST for before, after in zip(births, births[1:])),
         "the provider is asked no sooner than at half of a token's life",
         births)
    bed.wait_until(
        lambda: providers.attempts(port) == idp.requests()["token"],
        "mint_total is what the provider counted")
    t.ok(True, "mint_total is what the provider counted")
