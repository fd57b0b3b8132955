#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The reconciler where it is not welcome: tenants who make objects with our
labels by the dozen, servers that do not answer, readers of its log who go
away, descriptors that are not there, and files that are none."""
# quick: no, the Kubernetes API server may have to be built first
# valgrind: no, 428-reconciler-faults.py runs the same code
# openssl: no, ambient-cp-token is not in it
import os
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import kube
import reconciler
import tap

FAKES = 60


def passes(loop):
    return loop.log().count('"event":"pass"')


def bind(site, name, labels):
    site.cluster.must(site.cluster.admin.post(
        kube.path_of("RoleBinding", "alpha"), {
            "metadata": {"name": name, "labels": labels}, "subjects": [],
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io",
                        "kind": "Role", "name": "none"}}))


def check_fakes(t, site):
    """What a tenant makes up costs no question, and no exit status."""
    for number in range(FAKES):
        bind(site, f"fake-{number}", reconciler.labels(f"made-up-{number}"))
    bind(site, "nameless",
         {**reconciler.labels(), reconciler.PROJECT_ID: ""})
    mark = site.api.mark()
    result = site.once()
    t.equal((result.status, result.planned()), (0, []),
            "a tenant's objects with our labels change nothing")
    t.equal(result.summary["foreign_objects"], FAKES + 1, "they are counted")
    t.equal(len(site.api.log(since=mark)), 3,
            "the API server is asked for no project that a tenant made up")


def check_refused(t, site):
    """Projects that are refused are told about once, not each pass."""
    site.api.load("projects", [{"name": f"kube-{n:02}"} for n in range(20)])
    site.drop_lease()
    mark = site.cluster.mark()
    loop = site.start_loop()
    site.bed.wait_for(loop, lambda: passes(loop) >= 3, "it has passed thrice")
    t.equal(loop.stop(), 0, "the loop ends")
    events = [w for w in site.cluster.writes("reconciler", mark)
              if w["resource"] == "events"]
    t.equal(len(events), 20, "an Event for each refused project, and no more")
    t.equal(loop.log().count('"event":"project_refused"'), 20,
            "and one line in the log")
    for number in range(20):
        site.api.delete_project(f"kube-{number:02}")


def check_signals(t, site, proxy):
    """A server that does not answer does not keep the loop from ending."""
    # under nohup it would be ignored, here and by the loop
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    for pattern, number in ((r"/secrets/", signal.SIGTERM),
                            (r"/roles\?", signal.SIGHUP)):
        site.drop_lease()
        held = proxy.on("GET", pattern).hold()
        loop = site.start_loop()
        site.bed.wait_for(loop, lambda: proxy.seen("GET", pattern),
                          "a request hangs")
        loop.signal(number)
        t.equal(loop.wait(15), 0,
                f"{number.name} ends it after the request that hangs")
        t.ok("lease_released" in loop.log(), "and the Lease is given up",
             loop.log()[-1000:])
        del held
        proxy.clear()
        proxy.forget()


def check_log_reader(t, site):
    site.drop_lease()
    read, write = os.pipe()
    with subprocess.Popen(
            site.argv(resync="1s"), env=site.environment(), stderr=write,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as loop:
        os.close(write)
        with open(read, "rb") as log:
            while b'"event":"pass"' not in log.readline():
                pass
        before = site.metrics_file.stat().st_mtime_ns
        bed.wait_until(
            lambda: (loop.poll() is not None or
                     site.metrics_file.stat().st_mtime_ns > before),
            "it has passed once more")
        loop.terminate()
        t.equal(loop.wait(bed.PATIENCE), 0,
                "the loop outlives the reader of its log")


def check_descriptors(t, site):
    """Numbers 0 to 2 are not given to the lock file, nor to a connection."""
    shell = ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"]
    ended = subprocess.run(
        [*shell, *site.argv("--once")], env=site.environment(), check=False,
        timeout=reconciler.TIMEOUT)
    t.equal(ended.returncode, 0, "it runs without the three descriptors")
    t.equal(site.options["lock_file"].read_bytes(), b"",
            "and writes no log into the lock file")


def check_devices(t, site):
    """What somebody writes who wants no metrics, as root too."""
    device = site.bed.path("device")
    device.symlink_to("/dev/null")
    result = site.once(metrics_file=device)
    t.ok(device.is_symlink() and "not a regular file" in result.err,
         "metrics do not take the place of a device", result)


def check_bad_item(t, site, proxy):
    """One object that is none makes its list unknown, and that is said."""
    def spoil(value):
        for item in value["items"]:
            item["metadata"] = []
    proxy.on("GET", r"/roles\?").edit_json(spoil)
    result = site.once()
    t.ok(result.status == 3 and "lacks its name" in result.err,
         "an item without metadata makes a list unknown", result)
    proxy.clear()
    proxy.forget()


def main():
    with tap.Tap() as t, bed.Bed(t) as b:
        site = reconciler.Site(b)
        site.api.load("projects", [{"name": "alpha"}, {"name": "beta"}])
        t.equal(site.once().status, 0, "two projects are made")
        check_fakes(t, site)
        check_refused(t, site)
        check_log_reader(t, site)
        check_descriptors(t, site)
        check_devices(t, site)
        with kube.Proxy(site.cluster) as proxy:
            site.through(proxy)
            check_bad_item(t, site, proxy)
            check_signals(t, site, proxy)


if __name__ == "__main__":
    main()
