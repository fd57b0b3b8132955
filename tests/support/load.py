# SPDX-License-Identifier: Apache-2.0
"""Client threads that ask for tokens without a pause, for tests of what goes
on meanwhile.

    with load.Load(port, [public_key]) as clients:
        ...
    clients.counts[200], clients.others

Each thread seals for the given keys in turn, mostly afresh and now and then
the same ciphertext again, and keeps every answer that is not a 200.
"""
import collections
import itertools
import threading

import bed
import raw_http
import stock_runner

SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
# well below what nginx grants one address in one go
REQUESTS_AN_ADDRESS = 500
REPEAT_EACH = 4


class Load:
    def __init__(self, port, public_keys, threads=4):
        self.port = port
        self.public_keys = public_keys
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.others = []
        self.numbers = itertools.count()
        self.is_stopping = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True)
                        for _ in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_stopping.set()
        for thread in self.threads:
            thread.join()
        return False

    def _run(self):
        keys = itertools.cycle(self.public_keys)
        for turn in itertools.count():
            if self.is_stopping.is_set():
                return
            if turn % REPEAT_EACH != 1:
                credential = stock_runner.seal(next(keys), SESSION)
            self._send(credential)

    def _send(self, credential):
        source = bed.pod_address(next(self.numbers) // REQUESTS_AN_ADDRESS)
        try:
            answer = raw_http.bearer(self.port, credential, source=source)
        except OSError as error:
            answer = error
        status = getattr(answer, "status", type(answer).__name__)
        with self.lock:
            self.counts[status] += 1
            if status != 200:
                self.others.append(answer)

    def count(self, status=200):
        with self.lock:
            return self.counts[status]

    def wait_for_more(self, number=20, status=200):
        """Until that many further answers of that status came."""
        wanted = self.count(status) + number
        bed.wait_until(lambda: self.count(status) >= wanted,
                       f"{number} more answers {status} came")
