# SPDX-License-Identifier: Apache-2.0
"""The table of figures, and what else the machine did while each was
measured."""
import json
import os
import pathlib
import time

CORES = os.cpu_count()
TICKS = os.sysconf("SC_CLK_TCK")
# others' share of the processors from which a missed figure is not ours
BUSY = 0.05
# for how long there must be less than that before a measurement
QUIET_SECONDS = 2


def load_average():
    return [round(value, 2) for value in os.getloadavg()]


def stat_fields(pid):
    """/proc/PID/stat behind the name: state, parent ..."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8", "replace") \
        .rpartition(")")[2].split()


def cpu_seconds(pid):
    """User and system time of one process so far."""
    return sum(map(int, stat_fields(pid)[11:13])) / TICKS


def own_seconds():
    """That of this process and all it started, ended ones too."""
    stats = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                stats[int(entry)] = stat_fields(entry)
            except OSError:
                pass
    ours = {os.getpid()}
    while True:
        more = {pid for pid, fields in stats.items()
                if int(fields[1]) in ours} - ours
        if not more:
            break
        ours |= more
    return sum(int(value) for pid in ours if pid in stats
               for value in stats[pid][11:15]) / TICKS


def machine_seconds():
    """What all programs used so far, and what the host took away."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system = map(int, fields[1:4])
    return (user + nice + system + int(fields[8])) / TICKS


class Others:
    """with Others() as others: ...; others.share is the part of the
    machine's processor time that went to programs that are not ours."""

    def __enter__(self):
        self.began = time.monotonic()
        self.used = machine_seconds() - own_seconds()
        self.share = 0.0
        return self

    def __exit__(self, *_):
        took = (time.monotonic() - self.began) * CORES
        used = machine_seconds() - own_seconds() - self.used
        self.share = min(1.0, max(0.0, used / took)) if took else 0.0
        return False


def wait_for_quiet(seconds):
    """Until others leave the machine alone, but no longer than that."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with Others() as others:
            time.sleep(QUIET_SECONDS)
        if others.share < BUSY:
            return


class Report:
    """Rows, and the answers that were wrong."""

    def __init__(self, about, patience=0):
        self.about = about
        self.patience = patience
        self.load_before = load_average()
        self.rows = []
        self.wrong = []

    def add(self, name, value, text, data=None, others=None):
        """A figure for which nothing is wanted."""
        self._append(name, value, text, "", "", data, others)

    def judge(self, name, value, text, wanted, is_reached, others, data=None):
        """others: None for what does not depend on them."""
        verdict = ("yes" if is_reached else
                   "machine busy" if others and others.share > BUSY else "no")
        self._append(name, value, text, wanted, verdict, data, others)

    def _append(self, name, value, text, wanted, verdict, data, others):
        self.rows.append({
            "name": name, "measured": value, "text": text, "wanted": wanted,
            "reached": verdict, "data": data,
            "others": round(others.share, 3) if others else None})

    def others(self):
        """Others for a measurement that begins now, or once it is quiet."""
        wait_for_quiet(self.patience)
        return Others()

    def expect(self, is_right, what):
        """Notes what is wrong; the run goes on, and ends with status 1."""
        if not is_right:
            self.wrong.append(what)

    def show(self):
        head = {"name": "figure", "text": "measured", "wanted": "wanted",
                "reached": "reached", "others": "others"}
        columns = ("name", "text", "wanted", "reached", "others")
        lines = [head] + [{**row, "others": share_text(row["others"])}
                          for row in self.rows]
        widths = {c: max(len(line[c]) for line in lines) for c in columns}
        print("load average before, now: "
              f"{self.load_before}, {load_average()}")
        print(", ".join(f"{k} {v}" for k, v in self.about.items()))
        for line in lines:
            print("  ".join(
                line[c].rjust(widths[c]) if c == "text"
                else line[c].ljust(widths[c]) for c in columns).rstrip())
        print(f"wrong: {len(self.wrong)}")
        for what in self.wrong:
            print(f"  {what}")

    def write(self, path):
        pathlib.Path(path).write_text(json.dumps({
            "about": self.about, "load_average_before": self.load_before,
            "load_average_after": load_average(), "rows": self.rows,
            "wrong": self.wrong}, indent=1) + "\n")


def share_text(share):
    return "" if share is None else f"{100 * share:.0f} %"
