#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The key is replaced while clients come: by rename, by the symlink of a
Secret volume, in several files. Nobody is refused for it; what a removed key
sealed is; a bad file never replaces good keys."""
import base64
import os
import shutil
import sys
import time

from cryptography.hazmat.primitives import serialization

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import load
import metrics
import raw_http
import stock_runner
import tap

SOURCE = {"CP_TOKEN_SOURCE": "static",
          "AMBIENT_API_TOKEN": "an-api-token-of-the-static-source"}
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
REFUSED = '"event":"key_refused"'


def bundle(*keys):
    return b"".join(k.read_bytes() for k in keys)


def replace(b, path, content, mode=0o640):
    """As the reconciler does it: beside, then renamed."""
    beside = path.with_name(path.name + ".new")
    beside.write_bytes(content)
    beside.chmod(mode)
    b.give_to_web_server(beside)
    beside.rename(path)


def loads(port):
    return metrics.read(port)["key_loaded_timestamp_seconds"]


def wait_for_load(port, change):
    """Does the change and waits until the keys were read for it."""
    before = loads(port)
    change()
    bed.wait_until(lambda: loads(port) != before, "the keys are read again")


def status_of(port, credential):
    return raw_http.bearer(port, credential).status


def check_rename(t, b, keys, public_keys):
    path = b.path("token-key.pem")
    replace(b, path, bundle(keys[0], keys[1]))
    port = b.start_nginx(b.start_responder(path, SOURCE).socket).port
    with load.Load(port, public_keys[:2]) as clients:
        for order in ((1, 0), (0, 1), (2, 0, 1), (1, 2, 0)):
            clients.wait_for_more()
            wait_for_load(port, lambda o=order: replace(
                b, path, bundle(*(keys[i] for i in o))))
        clients.wait_for_more()
    t.ok(clients.counts[200] >= 100, "rename: the clients were at it",
         clients.counts)
    t.equal(clients.others, [], "rename: no request failed")
    t.equal([status_of(port, stock_runner.seal(k, SESSION))
             for k in public_keys[:3]], [200] * 3,
            "rename: every key of the bundle is honoured")


def make_volume(b):
    """A folder as the kubelet makes it of a Secret, empty so far."""
    folder = b.path("volume")
    folder.mkdir(mode=0o755)
    return folder


def fill_volume(b, folder, files):
    """Swaps ..data, as the kubelet does, for a folder with these files."""
    fresh = b.path(f"{folder.name}/..generation")
    fresh.mkdir(mode=0o755)
    for name, content in files.items():
        (fresh / name).write_bytes(content)
        (fresh / name).chmod(0o440)
        b.give_to_web_server(fresh / name)
    link, beside = folder / "..data", folder / "..data_tmp"
    old = os.readlink(link) if link.is_symlink() else None
    beside.symlink_to(fresh.name)
    beside.rename(link)
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    for path in folder.glob("*.pem"):
        if path.name not in files:
            path.unlink()
    if old:
        shutil.rmtree(folder / old)


def check_volume(t, b, keys, public_keys):
    folder = make_volume(b)
    pems = [k.read_bytes() for k in keys]
    fill_volume(b, folder, {"private.pem": pems[0]})
    config = b.write_config("".join(
        f"key_file = {folder}/{n}.pem\n"
        for n in ("private", "next", "previous")))
    responder = b.start("responder", b.responder_argv(
        "--socket", b.socket_path(), *group(b), config=config), SOURCE)
    responder.socket = responder.popen.args[
        responder.popen.args.index("--socket") + 1]
    b.wait_for(responder, lambda: bed.accepts(responder.socket),
               "the responder listens")
    port = b.start_nginx(responder.socket).port
    t.equal(status_of(port, stock_runner.seal(public_keys[0], SESSION)), 200,
            "volume: later files may be absent")
    with load.Load(port, public_keys[:1]) as clients:
        for files in ({"private": 0, "next": 1}, {"private": 1, "previous": 0},
                      {"private": 1, "next": 2, "previous": 0}):
            clients.wait_for_more()
            wait_for_load(port, lambda f=files: fill_volume(
                b, folder, {f"{n}.pem": pems[i] for n, i in f.items()}))
        clients.wait_for_more()
    t.equal(clients.others, [], "volume: no request failed at a swap")
    t.equal([status_of(port, stock_runner.seal(k, SESSION))
             for k in public_keys[:3]], [200] * 3,
            "volume: the keys of all three files are honoured")
    t.equal(metrics.read(port)["keys_loaded"], 3, "volume: three are counted")


def group(b):
    return ["--socket-group", "www-data"] if b.is_root else []


def check_removal(t, b, keys, public_keys):
    path = b.path("token-key.pem")
    replace(b, path, bundle(keys[0], keys[1]))
    port = b.start_nginx(b.start_responder(path, SOURCE).socket).port
    old = stock_runner.seal(public_keys[0], SESSION)
    kept = stock_runner.seal(public_keys[1], SESSION)
    t.equal([status_of(port, c) for c in (old, kept, old)], [200] * 3,
            "removal: both keys serve before it")
    t.equal(metrics.read(port)['cache_hits_total{kind="result"}'], 1,
            "removal: the result is remembered")
    wait_for_load(port, lambda: replace(b, path, bundle(keys[1])))
    t.equal(status_of(port, old), 401,
            "removal: a remembered ciphertext of a removed key is refused")
    t.equal(status_of(port, stock_runner.seal(public_keys[0], SESSION)), 401,
            "removal: a fresh one too")
    before = metrics.read(port).operations()
    t.equal(status_of(port, kept), 200, "removal: the other key serves on")
    t.equal(metrics.read(port).operations(), before,
            "removal: what the other key opened is still remembered")


def seal_below(public_key, other_key):
    """A ciphertext that the other key could hold by its size, so that it
    is tried and its failure remembered."""
    modulus = serialization.load_pem_public_key(
        other_key.encode()).public_numbers().n
    while True:
        sealed = stock_runner.seal(public_key, SESSION)
        if int.from_bytes(base64.b64decode(sealed), "big") < modulus:
            return sealed


def check_failures_forgotten(t, b, keys, public_keys):
    path = b.path("token-key.pem")
    replace(b, path, bundle(keys[0]))
    port = b.start_nginx(b.start_responder(path, SOURCE).socket).port
    early = seal_below(public_keys[1], public_keys[0])
    t.equal([status_of(port, early) for _ in range(2)], [401, 401],
            "early: refused before its key is there")
    t.equal(metrics.read(port)['cache_hits_total{kind="failure"}'], 1,
            "early: the failure is remembered")
    wait_for_load(port, lambda: replace(b, path, bundle(keys[1], keys[0])))
    t.equal(status_of(port, early), 200,
            "early: honoured once its key is there")


def bad_files(b, keys):
    """name, how the file is put there."""
    good = bundle(keys[0])
    small = b.make_key(1024).read_bytes()
    lines = good.splitlines(keepends=True)
    damaged = b"".join(lines[:3] + lines[4:])
    return [
        ("damaged", lambda p: replace(b, p, damaged)),
        ("half written", lambda p: replace(b, p, good[:len(good) // 2])),
        ("readable by all", lambda p: replace(b, p, good, 0o644)),
        ("writable by all", lambda p: replace(b, p, good, 0o642)),
        ("empty", lambda p: replace(b, p, b"")),
        ("too small a key", lambda p: replace(b, p, small)),
        ("a good and a bad key", lambda p: replace(b, p, good + small)),
        ("five keys", lambda p: replace(
            b, p, bundle(*keys, b.make_key(), b.make_key()))),
        ("vanished", lambda p: p.unlink()),
    ]


def check_bad_files(t, b, keys, public_keys):
    path = b.path("token-key.pem")
    replace(b, path, bundle(keys[0]))
    responder = b.start_responder(path, SOURCE)
    port = b.start_nginx(responder.socket).port
    for count, (name, change) in enumerate(bad_files(b, keys), 1):
        loaded = loads(port)
        change(path)
        bed.wait_until(lambda c=count: responder.log().count(REFUSED) >= c,
                       f"a file that is {name} is refused")
        t.equal(status_of(port, stock_runner.seal(public_keys[0], SESSION)),
                200, f"{name}: the old key serves on")
        m = metrics.read(port)
        t.equal((m["key_reload_failures_total"], loads(port)),
                (count, loaded), f"{name}: counted, and not loaded")
    # that nothing is said again can only be seen by waiting
    time.sleep(3)
    t.equal(responder.log().count(REFUSED), count,
            "a file that stays bad is complained about once")
    t.ok(str(path) in responder.log().split(REFUSED)[1],
         "the complaint names the file", responder.log())
    t.equal(raw_http.request(port, "/readyz").status, 200,
            "with an old key in use it is ready")
    wait_for_load(port, lambda: replace(b, path, bundle(keys[1])))
    t.equal(status_of(port, stock_runner.seal(public_keys[1], SESSION)), 200,
            "a good file after all is loaded")
    path.chmod(0o644)
    bed.wait_until(lambda: responder.log().count(REFUSED) > count,
                   "chmod is seen")
    wait_for_load(port, lambda: path.chmod(0o640))
    t.ok("mode 0644" in responder.log().split(REFUSED)[-1],
         "a file is loaded once its mode is mended; the log named the mode")


def check_late_key(t, b, keys, public_keys):
    path = b.path("token-key.pem")
    responder = b.start_responder(path, SOURCE)
    port = b.start_nginx(responder.socket).port
    bed.wait_until(lambda: metrics.read(port)["token_usable"] == 1,
                   "the token is there")
    ready = raw_http.request(port, "/readyz")
    t.equal((ready.status, ready.body), (503, b"no key is loaded\n"),
            "without a key it is not ready and says why")
    t.equal(raw_http.request(port, "/healthz").status, 200,
            "without a key it is alive")
    credential = stock_runner.seal(public_keys[0], SESSION)
    answer = raw_http.bearer(port, credential)
    t.equal((answer.status, answer.body), (503, b"unavailable\n"),
            "without a key a token request gets 503")
    t.ok(answer.get("Retry-After").isdigit(),
         "without a key it says when to come again", answer)
    t.equal(raw_http.request(port).status, 401,
            "without a key no credential is still 401")
    replace(b, path, bundle(keys[0]))
    bed.wait_until(
        lambda: raw_http.request(port, "/readyz").status == 200,
        "the key is found")
    t.equal(status_of(port, credential), 200, "a late key serves by itself")
    t.equal(responder.log().count(REFUSED), 1,
            "a missing key is complained about once")


with tap.Tap() as t, bed.Bed(t) as b:
    KEYS = [b.make_key() for _ in range(3)]
    PUBLIC = [b.public_key(key) for key in KEYS]
    check_rename(t, b, KEYS, PUBLIC)
    check_volume(t, b, KEYS, PUBLIC)
    check_removal(t, b, KEYS, PUBLIC)
    check_failures_forgotten(t, b, KEYS, PUBLIC)
    check_bad_files(t, b, KEYS, PUBLIC)
    check_late_key(t, b, KEYS, PUBLIC)
