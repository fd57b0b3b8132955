#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The ways to start the responder: a unix socket of its own, loopback TCP,
inherited from spawn-fcgi, lighttpd or a parent like systemd, as CGI, or with
nothing; and what it refuses, with a message that says what to do."""
import os
import pathlib
import socket
import stat
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))
import bed
import fastcgi
import raw_http
import stock_runner
import tap

API_TOKEN = "an-api-token-of-the-static-source"
SESSION = "2abcDEFghiJKLmnoPQRstuVWXyz"
HEALTHZ = fastcgi.request("GET", "/healthz")
EXIT_FAILED = 1
EXIT_USAGE = 2
# of a unix socket: sun_path, with its NUL
PATH_MAX = 108
PASSED_FD = 3


def env_of(key):
    return {"CP_TOKEN_SOURCE": "static", "AMBIENT_API_TOKEN": API_TOKEN,
            "CP_TOKEN_KEY_FILE": str(key), "LOG_LEVEL": "debug"}


def run(b, *flags, env=None, **options):
    """A start that is to end by itself; returns status, stdout, stderr."""
    done = subprocess.run(
        [str(a) for a in b.responder_argv(*flags)],
        env={"PATH": bed.SYSTEM_PATH, **(env or {})},
        stdin=options.pop("stdin", subprocess.DEVNULL), text=True,
        capture_output=True, timeout=bed.PATIENCE, check=False, **options)
    return done.returncode, done.stdout, done.stderr


def ask_status(address):
    return fastcgi.ask(address, HEALTHZ).status


def refused(t, b, what, part, *flags, status=(EXIT_FAILED, EXIT_USAGE),
            **options):
    got, _, text = run(b, *flags, **options)
    t.ok(got in status and part in text
         and len(text.strip().splitlines()) <= 3,
         f"{what} is refused, and why is said in a line", got, text)


# --- a unix socket of its own -------------------------------------------------

class Watcher(threading.Thread):
    """Looks without a pause at the sockets in a folder, and keeps the modes
    that it sees."""

    def __init__(self, folder):
        super().__init__(daemon=True)
        self.folder = folder
        self.modes = set()
        self.is_over = threading.Event()

    def run(self):
        while not self.is_over.is_set():
            for name in os.listdir(self.folder):
                try:
                    status = os.lstat(self.folder / name)
                except FileNotFoundError:
                    continue
                if stat.S_ISSOCK(status.st_mode):
                    self.modes.add(stat.S_IMODE(status.st_mode))


def check_mode(t, b, key):
    for mask in (0o000, 0o077, 0o777):
        path = b.socket_path()
        for left in path.parent.iterdir():
            left.unlink()
        watcher = Watcher(path.parent)
        watcher.start()
        before = os.umask(mask)
        try:
            responder = b.start_responder(key, env_of(key), socket_path=path)
        finally:
            os.umask(before)
        t.equal((b.mode_of(path), ask_status(path)), (0o660, 200),
                f"under umask {mask:03o} the socket has mode 0660")
        responder.stop()
        watcher.is_over.set()
        watcher.join()
        t.ok(watcher.modes <= {0o660},
             f"under umask {mask:03o} no other mode was ever seen",
             [oct(m) for m in watcher.modes])
        t.equal(os.listdir(path.parent), [], "nothing is left of it")


def check_group(t, b, key):
    if not b.is_root:
        t.skip("socket_group owns the socket", "only root may give it away")
        return
    import grp
    path = b.socket_path()
    responder = b.start("grouped", b.responder_argv(
        "--socket", path, "--socket-group", "daemon"), env_of(key))
    b.wait_for(responder, lambda: bed.accepts(str(path)), "it listens")
    t.equal(os.stat(path).st_gid, grp.getgrnam("daemon").gr_gid,
            "socket_group owns the socket")


def make_stale(path):
    with socket.socket(socket.AF_UNIX) as old:
        old.bind(str(path))
        old.listen()


def check_path(t, b, key):
    path = b.socket_path()
    make_stale(path)
    responder = b.start_responder(key, env_of(key), socket_path=path)
    t.equal(ask_status(path), 200, "a stale socket is replaced")
    refused(t, b, "a second responder on the same socket", "in use",
            "--socket", path, env=env_of(key))
    t.equal((ask_status(path), responder.is_running()), (200, True),
            "the first one serves on")
    file = b.path("not-a-socket")
    file.write_text("precious\n")
    refused(t, b, "a regular file in its place", "not a socket", "--socket",
            file, env=env_of(key))
    t.equal(file.read_text(), "precious\n", "the file is untouched")
    link = b.path("link.sock")
    link.symlink_to(file)
    refused(t, b, "a symbolic link in its place", "not a socket", "--socket",
            link, env=env_of(key))
    t.ok(link.is_symlink() and file.exists(), "link and file are untouched")
    refused(t, b, "a missing folder", "No such file", "--socket",
            b.scratch / "nowhere" / "token.sock", env=env_of(key))
    refused(t, b, "an unknown group", "no such group", "--socket",
            b.socket_path(), "--socket-group", "no-such-group-here",
            env=env_of(key))
    refused(t, b, "a path that is too long", "107 bytes", "--socket",
            "/tmp/" + "x" * PATH_MAX, env=env_of(key))


def check_longest_path(t, b, key):
    """The longest path that a client can connect to is served, and one more
    character is refused."""
    with tempfile.TemporaryDirectory(prefix="acp-") as folder:
        os.chmod(folder, 0o711)
        longest = pathlib.Path(folder) / (
            "s" * (PATH_MAX - 2 - len(folder)))
        refused(t, b, "a path that is one too long", "107 bytes", "--socket",
                f"{longest}s", env=env_of(key))
        responder = b.start_responder(key, env_of(key), socket_path=longest)
        t.equal((ask_status(longest), os.listdir(folder)),
                (200, [longest.name]), "the longest path is served")
        responder.stop()


def check_replaced(t, b, key):
    """Its end removes its own socket, and not that of a successor."""
    path = b.socket_path()
    first = b.start_responder(key, env_of(key), socket_path=path)
    path.unlink()
    b.start_responder(key, env_of(key), socket_path=path)
    first.stop()
    t.equal(ask_status(path), 200,
            "one that ends leaves its successor's socket alone")


# --- TCP ----------------------------------------------------------------------

def check_tcp(t, b, key):
    port = b.free_port()
    responder = b.start("tcp", b.responder_argv(
        "--socket", f"127.0.0.1:{port}"), env_of(key))
    b.wait_for(responder, lambda: bed.accepts(port), "it listens")
    t.equal(ask_status(port), 200, "loopback TCP is served")
    refused(t, b, "a port in use", f":{port}", "--socket",
            f"127.0.0.1:{port}", env=env_of(key))
    for address in ("0.0.0.0:9000", "[::]:9000", "192.0.2.1:9000", ":9000",
                    "localhost:9000", "127.0.0.1", "127.0.0.1:",
                    "127.0.0.1:http", "127.0.0.1:99999", "token.sock"):
        refused(t, b, f"the socket {address}", "127.x.x.x:PORT",
                "--socket",
                address, status=(EXIT_USAGE,), env=env_of(key))


# --- inherited ----------------------------------------------------------------

def listener(family, address):
    made = socket.socket(family)
    made.bind(address)
    made.listen()
    return made


def check_descriptor_0(t, b, key):
    path = b.socket_path()
    with listener(socket.AF_UNIX, str(path)) as made:
        responder = b.start("fd0", b.responder_argv(), env_of(key),
                            stdin=made)
    t.equal(ask_status(path), 200, "a socket as descriptor 0 is served")
    responder.stop()
    t.ok(path.is_socket(), "an inherited socket is not removed at the end")
    path.unlink()
    with listener(socket.AF_INET, ("127.0.0.1", 0)) as made:
        port = made.getsockname()[1]
        b.start("fd0-tcp", b.responder_argv(), env_of(key), stdin=made)
    t.equal(ask_status(port), 200, "an inherited loopback port is served")
    with listener(socket.AF_INET, ("0.0.0.0", 0)) as made:
        refused(t, b, "an inherited port beyond loopback", "beyond this host",
                env=env_of(key), stdin=made)


def check_spawn_fcgi(t, b, key):
    path = b.socket_path()
    responder = b.start("spawn-fcgi", [
        bed.find_program("spawn-fcgi"), "-n", "-s", path, "-M", "0660", "--",
        *b.responder_argv()], env_of(key))
    b.wait_for(responder, lambda: bed.accepts(str(path)), "it listens")
    t.equal(ask_status(path), 200, "spawn-fcgi may start it")
    t.equal(responder.stop(), 0, "started by spawn-fcgi it ends with 0")


def like_systemd(argv, count="1", pid="$$"):
    """LISTEN_PID has to be its own pid, so a shell sets it."""
    return ["sh", "-c", f'LISTEN_FDS={count} LISTEN_PID={pid} exec "$@"',
            "sh", *argv]


def check_listen_fds(t, b, key):
    # the shell that sets the variables must find the socket on 3 already
    path = b.socket_path()
    kept = os.dup(PASSED_FD) if is_open(PASSED_FD) else None
    with listener(socket.AF_UNIX, str(path)) as made:
        if made.fileno() != PASSED_FD:
            os.dup2(made.fileno(), PASSED_FD)
        try:
            b.start("systemd", like_systemd(b.responder_argv()), env_of(key),
                    pass_fds=(PASSED_FD,))
            argv = [str(a) for a in b.responder_argv()]
            foreign = subprocess.run(
                like_systemd(argv, pid="1"), env=env_of(key), check=False,
                stdin=subprocess.DEVNULL, capture_output=True,
                pass_fds=(PASSED_FD,), timeout=bed.PATIENCE)
            none = subprocess.run(
                like_systemd(argv, count="0"), env=env_of(key), check=False,
                stdin=subprocess.DEVNULL, capture_output=True,
                pass_fds=(PASSED_FD,), timeout=bed.PATIENCE)
        finally:
            if made.fileno() != PASSED_FD:
                os.close(PASSED_FD)
            if kept is not None:
                os.dup2(kept, PASSED_FD)
                os.close(kept)
    t.equal(ask_status(path), 200, "LISTEN_FDS: descriptor 3 is served")
    t.equal((foreign.returncode, none.returncode), (EXIT_USAGE, EXIT_USAGE),
            "LISTEN_FDS for another process, or of none, is not ours")


def is_open(fd):
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def check_lighttpd(t, b, key):
    port = b.start_lighttpd_spawn(env_of(key)).port
    bed.wait_until(lambda: raw_http.request(port, "/healthz").status == 200,
                   "lighttpd has started it")
    answer = raw_http.bearer(port, stock_runner.seal(b.public_key(key),
                                                     SESSION))
    t.equal(answer.status, 200, "lighttpd may start it")


# --- nothing, and CGI ---------------------------------------------------------

def check_nothing(t, b, key):
    for name, stdin in (("/dev/null", subprocess.DEVNULL),
                        ("a pipe", subprocess.PIPE)):
        status, out, text = run(b, env=env_of(key), stdin=stdin)
        t.equal((status, out), (EXIT_USAGE, ""),
                f"with {name} for descriptor 0 and no socket it ends with 2")
        t.ok("--socket" in text and "spawn-fcgi" in text,
             "it says how it may be started", text)


def cgi(b, key, *words, **changes):
    cache = b.path("cache")
    cache.mkdir(mode=0o700)
    env = {**env_of(key), "CP_TOKEN_CACHE_DIR": str(cache),
           "GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET",
           "REQUEST_URI": "/healthz", "PATH": bed.SYSTEM_PATH, **changes}
    done = subprocess.run(
        [*bed.WRAPPER, bed.BUILDDIR / "ambient-cp-token", *words], env=env,
        stdin=subprocess.DEVNULL, capture_output=True, check=False,
        timeout=bed.PATIENCE)
    return done.returncode, done.stdout


def check_cgi(t, b, key):
    status, text = cgi(b, key)
    t.ok(status == 0 and text.startswith(b"Status: 200 OK\r\n")
         and text.endswith(b"\r\n\r\nok"),
         "GATEWAY_INTERFACE with /dev/null for descriptor 0 is CGI", text)
    for word in ("--help", "--version", "--check", "--socket=/tmp/x.sock",
                 "--config=/nowhere", "--nonsense", "-h"):
        t.equal(cgi(b, key, word)[1].partition(b"\r\n")[0],
                b"Status: 200 OK", f"under CGI the query {word} is no flag")
    path = b.socket_path()
    with listener(socket.AF_UNIX, str(path)) as made:
        b.start("fd0-gateway", b.responder_argv(),
                {**env_of(key), "GATEWAY_INTERFACE": "CGI/1.1"}, stdin=made)
    t.equal(ask_status(path), 200,
            "a socket as descriptor 0 is FastCGI whatever the environment")


def check_cgi_query(t, b, key):
    """lighttpd passes a query without '=' as arguments (RFC 3875 4.4)."""
    port = b.start_lighttpd_cgi(env_of(key)).port
    for query in ("--help", "--check", "--version+--check"):
        answer = raw_http.request(port, f"/healthz?{query}")
        t.equal((answer.status, answer.body), (200, b"ok"),
                f"lighttpd CGI: /healthz?{query} is answered as /healthz")


with tap.Tap() as t, bed.Bed(t) as b:
    KEY = b.make_key()
    check_mode(t, b, KEY)
    check_group(t, b, KEY)
    check_path(t, b, KEY)
    check_longest_path(t, b, KEY)
    check_replaced(t, b, KEY)
    check_tcp(t, b, KEY)
    check_descriptor_0(t, b, KEY)
    check_spawn_fcgi(t, b, KEY)
    check_listen_fds(t, b, KEY)
    check_lighttpd(t, b, KEY)
    check_nothing(t, b, KEY)
    check_cgi(t, b, KEY)
    check_cgi_query(t, b, KEY)
