# SPDX-License-Identifier: Apache-2.0
"""The token service as its callers see it: a responder behind nginx, with
the questions that tests of its token source ask. check_... are tests."""
import signal

import bed
import providers
import raw_http
import stock_runner

SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
TEXT = "text/plain; charset=utf-8"
UNAVAILABLE = (503, TEXT, b"unavailable\n")
# the longest pause with no usable token, and its jitter
PAUSE_MOST = 6


class Service:
    """A responder behind nginx, and one caller of it."""

    def __init__(self, b, key, env, config=None):
        self.bed = b
        self.public_key = b.public_key(key)
        self.credential = self.seal()
        self.responder = b.start_responder(key, env, config=config)
        self.nginx = b.start_nginx(self.responder.socket)
        self.port = self.nginx.port

    def seal(self):
        """Another ciphertext of the same session."""
        return stock_runner.seal(self.public_key, SESSION)

    def ask(self, credential=None):
        return raw_http.bearer(self.port, credential or self.credential)

    def wait_until_ready(self):
        providers.wait_until_ready(self.port)
        return self

    def wait_for_attempt(self, count=1):
        """Until the source was asked so often, and has answered or failed."""
        bed.wait_until(lambda: providers.attempts(self.port) >= count,
                       f"the source was asked {count} times")
        return self

    def log(self):
        return self.responder.log()

    def token(self):
        return providers.token_of(self.ask())

    def client(self):
        """Whose token is given."""
        token = self.token()
        return token and providers.read_jwt(token)[1]["client_id"]

    def reload(self, event="reloaded"):
        """SIGHUP, and waits until that is logged once more."""
        mark = f'"event":"{event}"'
        count = self.log().count(mark)
        self.responder.signal(signal.SIGHUP)
        bed.wait_until(lambda: self.log().count(mark) > count,
                       f"the responder logs {event}")

    def end(self):
        """Told now, so that not all of them run until the test's end."""
        self.nginx.stop()
        self.responder.stop()


def shape(answer):
    return (answer.status, answer.get("Content-Type"), answer.body)


def check_unavailable(t, service, what):
    """Returns the Retry-After of the answer, in seconds."""
    answer = service.ask()
    t.equal(shape(answer), UNAVAILABLE, f"{what}: /token says unavailable")
    pause = answer.get("Retry-After")
    t.ok(pause.isdigit() and int(pause) >= 1,
         f"{what}: and when to come again", pause)
    return int(pause or 0)


def check_down(t, service, what):
    """What a caller and a probe see while no usable token is in hand."""
    t.ok(check_unavailable(t, service, what) <= PAUSE_MOST,
         f"{what}: which is when the provider is asked again")
    answer = raw_http.request(service.port, "/readyz")
    t.equal((answer.status, answer.body),
            (503, b"no usable token is in hand\n"),
            f"{what}: /readyz says why not")
    answer = raw_http.request(service.port, "/healthz")
    t.equal((answer.status, answer.body), (200, b"ok"),
            f"{what}: /healthz is well")
