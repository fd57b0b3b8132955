# SPDX-License-Identifier: Apache-2.0
"""The responder's counters, read as Prometheus would read them.

    m = metrics.read(port)
    m['unseal_total{result="opened"}'], m.total("cache_hits_total")
"""
import raw_http

PREFIX = "ambient_cp_token_"


class Metrics(dict):
    """Sample (without prefix, with labels) to value; absent ones are 0."""

    def __missing__(self, name):
        return 0.0

    def total(self, name):
        """The sum over all labels."""
        return sum(value for sample, value in self.items()
                   if sample.partition("{")[0] == name)

    def operations(self):
        """Private key operations so far."""
        return self.total("unseal_duration_seconds_count")


def parse(text):
    found = Metrics()
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name.removeprefix(PREFIX)] = float(value)
    return found


def read(port):
    """By way of the web server at port."""
    answer = raw_http.request(port, "/metrics")
    if answer.status != 200:
        raise RuntimeError(f"/metrics: {answer!r}")
    return parse(answer.body.decode())
