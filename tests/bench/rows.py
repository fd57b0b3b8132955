# SPDX-License-Identifier: Apache-2.0
"""The measurements, each a function that adds its rows to the report."""
import base64
import os
import re
import statistics
import sys
import threading
import time

import bed
import fastcgi
import figures
import providers
import targets

CONNECTIONS = (16, 64)
SESSIONS = 512
RATIO = 0.88
COLD_RATIO = 0.97
RENEWAL_MS = 20
IDLE_BYTES = 16 * 2**20
HELD_BYTES = 16 * 2**10
PROOF_SECONDS = 0.5
PROOF_REQUESTS = 10000
SAMPLE_PAUSE = 0.1
MIB = 2**20


def say(text):
    print(time.strftime("bench: %H:%M:%S ") + text, file=sys.stderr,
          flush=True)


def about(ours, options):
    """What was measured, for the head of the table."""
    info = next(name for name in ours.metrics()
                if name.startswith("build_info"))
    return {"unseal": re.search('unseal="([^"]*)"', info).group(1),
            "bits": options.bits, "cores": figures.CORES,
            "rounds": options.rounds, "seconds": options.seconds}


def median(values):
    return statistics.median(values)


# --- throughput ----------------------------------------------------------------

class Renewals:
    """A target that is asked with handles, each time with those that it gave
    the last time."""

    def __init__(self, target, lines, report):
        self.target, self.lines, self.report = target, lines, report

    def ask(self, connections, seconds):
        result, self.lines, strange = self.target.renewed(
            self.lines, "-c", connections, "-s", seconds)
        self.report.expect(strange == 0, f"{strange} handles of renewals "
                           "are not their session's")
        return result


class Repeats:
    """A target that is asked with the same ciphertexts again and again."""

    def __init__(self, target, lines):
        self.target, self.lines = target, lines

    def ask(self, connections, seconds):
        return self.target.load(self.lines, "-c", connections, "-s",
                                seconds)[0]


def interleaved(askers, connections, options):
    """Answers a second, a list of rounds for each asker, taken in turn; and
    answers for each second of processor time that client, nginx and
    responder took together."""
    rates = {name: [] for name in askers}
    by_cpu = {name: [] for name in askers}
    for _ in range(options.rounds):
        for name, asker in askers.items():
            used = figures.own_seconds()
            result = asker.ask(connections, options.seconds)
            used = figures.own_seconds() - used
            rates[name].append(result["answers"] / result["seconds"])
            by_cpu[name].append(result["answers"] / used)
    return rates, by_cpu


def ratio_of(rates, name, base):
    return median([a / b for a, b in zip(rates[name], rates[base])])


def measure_throughput(report, ours, null, options):
    lines = ours.seal(SESSIONS)
    say(f"handles of {SESSIONS} sessions")
    _, known, strange = ours.renewed(lines, "-c", 16, "-n", SESSIONS)
    report.expect(strange == 0, f"{strange} first handles are not their "
                  "session's")
    askers = {"null": Repeats(null, lines),
              "renewal": Renewals(ours, known, report),
              "cached": Repeats(ours, lines)}
    for connections in CONNECTIONS:
        say(f"throughput with {connections} connections")
        with report.others() as others:
            rates, by_cpu = interleaved(askers, connections, options)
        report.add(f"null responder, {connections} connections",
                   median(rates["null"]), f"{median(rates['null']):.0f}/s",
                   rates["null"], others)
        for name in ("renewal", "cached"):
            what = f"{name} / null, {connections} connections"
            ratio = ratio_of(rates, name, "null")
            report.judge(what, ratio, f"{ratio:.3f}", f"at least {RATIO}",
                         ratio >= RATIO, others, rates[name])
            ratio = ratio_of(by_cpu, name, "null")
            report.add(f"{what}, by CPU second", ratio, f"{ratio:.3f}",
                       by_cpu[name], others)


# --- new ciphertexts -----------------------------------------------------------

def cold_round(ours, count):
    """Operations for each second of the responder's processor time, the part
    of that time that is the operations' own, and whether each was one."""
    lines = ours.seal(count)
    before, used = ours.metrics(), figures.cpu_seconds(ours.pid)
    ours.load(lines, "-c", 16, "-n", count)
    used = figures.cpu_seconds(ours.pid) - used
    after = ours.metrics()
    operations = after.operations() - before.operations()
    inside = (after["unseal_cpu_seconds_total"]
              - before["unseal_cpu_seconds_total"])
    return operations / used, inside / used, operations == count


def measure_cold(report, ours, key, options):
    """Returns the raw rate. The library is measured before and after each
    round: what a processor does in a second changes with what else its host
    has to do."""
    say("new ciphertexts, and the library's operations alone")
    lines = ours.seal(64)
    raw = [targets.raw_operations(key, lines, options.seconds)]
    cold, inside = [], []
    with report.others() as others:
        for _ in range(options.rounds):
            rate, part, is_once = cold_round(
                ours, int(raw[-1] * figures.CORES * options.seconds) + 1)
            report.expect(is_once, "one private operation a ciphertext")
            cold.append(rate)
            inside.append(part)
            raw.append(targets.raw_operations(key, lines, options.seconds))
    report.add("library's operations / CPU second", median(raw),
               f"{median(raw):.1f}", raw, others)
    ratio = median([2 * rate / (before + after)
                    for rate, before, after in zip(cold, raw, raw[1:])])
    report.judge("new ciphertexts / library, by CPU second", ratio,
                 f"{ratio:.3f}", f"at least {COLD_RATIO}",
                 ratio >= COLD_RATIO, others, cold)
    report.add("processor time that is the operations' own", median(inside),
               f"{median(inside):.3f}", inside, others)
    return median(raw)


# --- the herd ------------------------------------------------------------------

class Watch(threading.Thread):
    """Memory of the responder and how many it holds, again and again."""

    def __init__(self, ours):
        super().__init__(daemon=True)
        self.ours = ours
        self.end = threading.Event()
        self.samples = []

    def run(self):
        while not self.end.wait(SAMPLE_PAUSE):
            held = self.ours.metrics()["unseal_queue_length"]
            self.samples.append((int(held), self.ours.memory()))

    def stop(self):
        self.end.set()
        self.join()
        return max(self.samples, default=(0, 0))


def herd_of(target, lines, known, options):
    """(figures, served, latencies of a few who ask meanwhile)."""
    pace = targets.Pace(target, known, *options)
    try:
        result, served = target.herd(lines)
    finally:
        meanwhile = pace.stop()
    result["invalid"] = sum(not target.is_right(line, reply)
                            for line, reply in served)
    return result, served, meanwhile


def measure_herd(report, ours, count):
    """On a responder that has done nothing before. Returns the figures."""
    say(f"sealing for a herd of {count} clients")
    lines = ours.seal(count)
    _, known, _ = ours.renewed(ours.seal(64), "-c", 4, "-n", 64)
    idle, operations = ours.memory(), ours.operations()
    say(f"herd of {count} clients")
    watch = Watch(ours)
    with report.others() as others:
        watch.start()
        result, _, meanwhile = herd_of(ours, lines, known, ["-r"])
        held, memory = watch.stop()
    result["operations"] = ours.operations() - operations
    report_herd(report, result, meanwhile, others)
    report_memory(report, ours, (held, memory, idle), others)
    return result, meanwhile


def report_herd(report, result, meanwhile, others):
    count = result["clients"]
    report.judge("herd of stock clients, served", result["served"] / count,
                 f"{result['served']} of {count}", "all of them",
                 result["served"] == count, others, result)
    report.expect(result["invalid"] == 0,
                  f"{result['invalid']} answers of the herd are invalid or "
                  "for another session")
    report.expect(result["operations"] <= count,
                  f"{result['operations']} private operations for {count} "
                  "ciphertexts")
    for name in ("last", "p50", "p99"):
        value = result[f"{name}_s"]
        report.add(f"herd, {name if name != 'last' else 'last success'}",
                   value, f"{value:.1f} s", None, others)
    value = meanwhile["p99_ms"]
    report.judge("renewals meanwhile, p99", value, f"{value:.1f} ms",
                 f"under {RENEWAL_MS} ms", value < RENEWAL_MS, others,
                 meanwhile)
    for name in ("p50", "most"):
        value = meanwhile[f"{name}_ms"]
        report.add(f"renewals meanwhile, {name}", value, f"{value:.1f} ms",
                   None, others)
    report.expect(not meanwhile["wrong"] and not meanwhile["broken"],
                  f"renewals meanwhile: {meanwhile}")


def report_memory(report, ours, sample, others):
    held, memory, idle = sample
    each = (memory - idle) / held if held else 0
    report.judge("memory of a held request", each, f"{each / 1024:.1f} KiB",
                 f"at most {HELD_BYTES // 1024} KiB",
                 0 < each <= HELD_BYTES, others,
                 {"held": held, "memory": memory, "idle": idle})
    peak = ours.memory("VmHWM")
    report.add("memory, most", peak, f"{peak / MIB:.1f} MiB", None, others)


# --- strangers -----------------------------------------------------------------

def strangers(ours):
    """(what, lines) of requests without a good proof."""
    none = ours.seal(64)
    wrong = [line._replace(target=f"{line.target}?s={line.session}&p="
                           + base64.urlsafe_b64encode(os.urandom(32))
                           .decode().rstrip("="))
             for line in none]
    return (("no", none), ("a wrong", wrong))


def ask_bare(ours, lines, count):
    """Without a web server; nothing but 401 is right."""
    requests = [fastcgi.request("GET", line.target, [
        ("HTTP_AUTHORIZATION", "Bearer " + line.credential),
        ("QUERY_STRING", line.target.partition("?")[2]),
        ("REMOTE_ADDR", "127.64.0.1"), ("REQUEST_ID", "0" * 32)])
        for line in lines]
    for number in range(count):
        answer = fastcgi.ask(ours.socket, requests[number % len(requests)])
        if answer.status != 401:
            raise targets.BenchError(f"not 401: {answer!r}")


def measure_proofs(report, ours, count):
    """The responder requires binding."""
    goal = PROOF_SECONDS * count / PROOF_REQUESTS
    ways = (("nginx", lambda lines: ours.load(
                lines, "-c", 16, "-n", count, "-e", 401)),
            ("the socket", lambda lines: ask_bare(ours, lines, count)))
    for what, lines in strangers(ours):
        for way, ask in ways:
            say(f"{count} requests with {what} proof over {way}")
            with report.others() as others:
                used = figures.cpu_seconds(ours.pid)
                ask(lines)
                used = figures.cpu_seconds(ours.pid) - used
            report.judge(f"CPU for {count} with {what} proof, {way}", used,
                         f"{used:.2f} s", f"under {goal:g} s", used < goal,
                         others)
    report.expect(ours.operations() == 0,
                  "requests without a proof bought private operations")


# --- start and rest ------------------------------------------------------------

def measure_start(report, bench, key):
    """With the real provider over TLS."""
    say("start, and memory at rest, with a provider over TLS")
    certificate, secret = providers.make_certificate(bench)
    idp = providers.start_real(bench, tls=(certificate, secret))
    with report.others() as others:
        ours = targets.Ours(
            bench, key, ["--ca-file", str(idp.ca_file or certificate)],
            providers.credentials(idp), token=None)
        ours.ask_once()
        took = time.monotonic() - ours.started
    report.add("from start to the first token", took, f"{took:.2f} s", None,
               others)
    memory = ours.memory()
    report.judge("memory idle after a token over HTTPS", memory,
                 f"{memory / MIB:.1f} MiB",
                 f"at most {IDLE_BYTES // MIB} MiB", memory <= IDLE_BYTES,
                 others)


# --- another server ------------------------------------------------------------

def compare(report, name, ours, theirs, others, is_less_better=False):
    """ours and theirs: a list of rounds each; the ratio is ours / theirs."""
    ratio = median([a / b if b else float("inf")
                    for a, b in zip(ours, theirs)])
    better = "less is better" if is_less_better else "more is better"
    report.add(f"ours / peer, {name}", ratio, f"{ratio:.2f} ({better})",
               {"ours": ours, "peer": theirs}, others)


def measure_peer(report, ours, peer, herd, options):
    has_renewals = peer.has_renewals()
    report.add("peer gives renewal handles", has_renewals,
               "yes" if has_renewals else "no")
    ours_lines, peer_lines = ours.seal(SESSIONS), peer.seal(SESSIONS)
    compare_cold(report, ours, peer, options)
    askers = {"ours": Repeats(ours, ours_lines),
              "peer": Repeats(peer, peer_lines)}
    compare_rates(report, "cached", askers, options)
    if has_renewals:
        compare_rates(report, "renewal", {
            target.name: Renewals(target, target.renewed(
                lines, "-c", 16, "-n", SESSIONS)[1], report)
            for target, lines in ((ours, ours_lines), (peer, peer_lines))},
            options)
    compare_herd(report, peer, herd)


def compare_rates(report, name, askers, options):
    for connections in CONNECTIONS:
        say(f"{name} beside the peer, {connections} connections")
        with report.others() as others:
            rates, _ = interleaved(askers, connections, options)
        compare(report, f"{name}, {connections} connections", rates["ours"],
                rates["peer"], others)


def compare_cold(report, ours, peer, options):
    say("new ciphertexts beside the peer")
    rates = {"ours": [], "peer": []}
    with report.others() as others:
        for _ in range(options.rounds):
            for target in (ours, peer):
                lines = target.seal(100 * options.seconds)
                result, _ = target.load(lines, "-c", 16, "-n", len(lines))
                rates[target.name].append(
                    result["answers"] / result["seconds"])
    compare(report, "new ciphertexts a second", rates["ours"], rates["peer"],
            others)


def compare_herd(report, peer, herd):
    ours, meanwhile = herd
    count = ours["clients"]
    say(f"herd of {count} clients at the peer")
    lines, known = peer.seal(count), peer.seal(4)
    peer.load(known, "-c", 4, "-n", 4)
    with report.others() as others:
        theirs, _, peer_meanwhile = herd_of(peer, lines, known, [])
    report.expect(theirs["invalid"] == 0,
                  f"{theirs['invalid']} answers of the peer are invalid")
    report.add("peer's herd, served", theirs["served"] / count,
               f"{theirs['served']} of {count}", theirs, others)
    compare(report, "herd served", [ours["served"]], [theirs["served"]],
            others)
    for name in ("last_s", "p50_s", "p99_s"):
        compare(report, f"herd, {name}", [ours[name]], [theirs[name]], others,
                is_less_better=True)
    compare(report, "meanwhile p99, renewals / known ciphertexts",
            [meanwhile["p99_ms"]], [peer_meanwhile["p99_ms"]], others,
            is_less_better=True)
