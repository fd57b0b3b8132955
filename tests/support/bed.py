# SPDX-License-Identifier: Apache-2.0
"""The test bed: a scratch folder, free loopback ports, and the programs under
test with the real web servers in front of them.

    with tap.Tap() as t, bed.Bed(t) as b:
        key = b.make_key()
        responder = b.start_responder(key, {"AMBIENT_API_TOKEN": "..."})
        port = b.start_nginx(responder.socket)

The web servers run with the configurations that are shipped; only ports and
paths are put in. All that was started is ended when the block is left, by its
own pid, however it is left; a program of ours that then turns out to have
ended badly (crash, sanitizer, valgrind, wrong status) is one failed test.

ACP_BUILDDIR: where the programs are, ACP_SRCDIR: the sources, ACP_WRAPPER:
put before the responder's command line (valgrind), ACP_KEEP: if set, the
scratch folder stays and its path is printed.
"""
import ctypes
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time

SRCDIR = pathlib.Path(os.environ.get(
    "ACP_SRCDIR", pathlib.Path(__file__).resolve().parent.parent.parent))
BUILDDIR = pathlib.Path(os.environ.get("ACP_BUILDDIR", SRCDIR))
WRAPPER = shlex.split(os.environ.get("ACP_WRAPPER", ""))
# by its whole path: who starts programs for us may not look for it
WRAPPER[:1] = [shutil.which(name) or name for name in WRAPPER[:1]]
SUPPORT = SRCDIR / "tests" / "support"
# Under valgrind or a sanitizer all takes longer; nothing is judged by time,
# this is only how long a condition is waited for before giving up.
PATIENCE = 120 if WRAPPER else 30
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PR_SET_PDEATHSIG = 1
# What sanitizers and valgrind print; also seen when we killed the program.
SANITIZER = re.compile(
    r"(ERROR|WARNING): \w+Sanitizer|runtime error:|SUMMARY: \w+Sanitizer"
    r"|^==\d+== (Invalid|Conditional|Use of|Syscall param|Mismatched)", re.M)


def find_program(name):
    path = shutil.which(name, path=SYSTEM_PATH)
    if path is None:
        raise RuntimeError(f"{name} is not installed: tests/support/packages")
    return path


def wait_until(condition, what, seconds=None):
    """Polls condition; returns its first true value."""
    end = time.monotonic() + (seconds or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain until {what}")
        time.sleep(0.02)


def accepts(address):
    """True when something listens at a port, or at a path (unix)."""
    family = socket.AF_INET if isinstance(address, int) else socket.AF_UNIX
    where = ("127.0.0.1", address) if isinstance(address, int) else address
    with socket.socket(family) as probe:
        probe.settimeout(2)
        try:
            probe.connect(where)
        except OSError:
            return False
    return True


def pod_address(number):
    """A loopback address of its own for each pod: limits are per address."""
    return f"127.{10 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"


def die_with_parent():
    # The kernel means the thread: start programs from the main one.
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """One started program. Its output is in log_path."""

    def __init__(self, name, argv, env, log_path, stdin=None, pass_fds=()):
        self.name = name
        self.log_path = log_path
        self.socket = None
        self.port = None
        # Statuses that are no fault; None stands for "not looked at".
        self.good_statuses = (0,)
        self.stop_signal = signal.SIGTERM
        with open(log_path, "ab") as log:
            self.popen = subprocess.Popen(
                argv, env=env, stdin=stdin or subprocess.DEVNULL, stdout=log,
                stderr=log, cwd="/", pass_fds=pass_fds,
                preexec_fn=die_with_parent)
        self.pid = self.popen.pid

    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.is_running():
            self.popen.send_signal(number)

    def kill(self):
        """SIGKILL, which is then no fault of the program."""
        self.good_statuses = None
        self.signal(signal.SIGKILL)
        return self.wait()

    def stop(self, seconds=None):
        """Asks it to end and waits; returns its exit status."""
        self.signal(self.stop_signal)
        return self.wait(seconds)

    def wait(self, seconds=None):
        return self.popen.wait(seconds or PATIENCE)

    def memory_kb(self):
        """What is resident."""
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.M).group(1))

    def log(self):
        return pathlib.Path(self.log_path).read_text("utf-8", "replace")

    def wait_for_log(self, text, seconds=None):
        return wait_until(lambda: text in self.log(),
                          f"{self.name} logs {text!r}", seconds)

    def faults(self):
        """What is wrong with how it ended; empty when nothing is."""
        found = []
        if self.is_running():
            self.popen.kill()
            self.popen.wait()
            found.append(f"{self.name} did not end when it was told to")
        elif (self.good_statuses is not None
              and self.popen.returncode not in self.good_statuses):
            found.append(f"{self.name} ended with {self.popen.returncode}")
        if SANITIZER.search(self.log()):
            found.append(f"{self.name}: a sanitizer spoke up")
        return found


class Bed:
    def __init__(self, tap=None):
        self.tap = tap
        self.processes = []
        self.ports = set()
        self.scratch = pathlib.Path(tempfile.mkdtemp(prefix="acp-"))
        # As root the web servers run as www-data and pass through here.
        self.scratch.chmod(0o711)
        self.logs = self.scratch / "log"
        self.logs.mkdir()
        self.is_root = os.geteuid() == 0
        self.numbers = {}

    # --- the frame ----------------------------------------------------------

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        faults = self.close()
        if self.tap is not None:
            if kind is not None or faults:
                self.show_logs()
            self.tap.ok(not faults, "every program started here ended well",
                        *faults)
        self.remove_scratch()
        return False

    def close(self):
        """Ends what runs, last started first; returns a list of faults."""
        for process in reversed(self.processes):
            try:
                process.stop()
            except subprocess.TimeoutExpired:
                pass
        faults = [f for p in self.processes for f in p.faults()]
        self.processes = []
        return faults

    def remove_scratch(self):
        if os.environ.get("ACP_KEEP"):
            self.tap and self.tap.diag(f"scratch folder: {self.scratch}")
        else:
            shutil.rmtree(self.scratch, ignore_errors=True)

    def show_logs(self, most_lines=60):
        for path in self.log_files():
            lines = path.read_text("utf-8", "replace").splitlines()
            if lines and self.tap is not None:
                self.tap.diag(f"--- end of {path.name} ({len(lines)} lines)")
                self.tap.diag("\n".join(lines[-most_lines:]))

    def log_files(self):
        return sorted(p for p in self.logs.rglob("*") if p.is_file())

    def find_in_logs(self, secrets):
        """(file, secret) for each of the texts that some log holds."""
        found = []
        for path in self.log_files():
            text = path.read_bytes()
            found += [(path.name, s) for s in secrets if s.encode() in text]
        return found

    def free_port(self):
        """A loopback port that nobody uses and that is not given out twice."""
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            if port not in self.ports:
                self.ports.add(port)
                return port

    def path(self, name):
        """A new path in the scratch folder, numbered when it exists."""
        count = self.numbers.get(name, 0)
        self.numbers[name] = count + 1
        stem, dot, suffix = name.partition(".")
        return self.scratch / (f"{stem}-{count}{dot}{suffix}" if count
                               else name)

    def start(self, name, argv, env=None, **options):
        """Starts a program in a clean environment, output in logs/name."""
        full = {"PATH": SYSTEM_PATH, "LC_ALL": "C.UTF-8",
                "HOME": str(self.scratch)}
        for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if key in os.environ:
                full[key] = os.environ[key]
        full.update(env or {})
        log_path = self.logs / self.path(name + ".log").name
        process = Process(name, [str(a) for a in argv], full, log_path,
                          **options)
        self.processes.append(process)
        return process

    def wait_for(self, process, condition, what, seconds=None):
        def check():
            if not process.is_running():
                raise RuntimeError(f"{process.name} ended with "
                                   f"{process.popen.returncode} instead of "
                                   f"starting:\n{process.log()}")
            return condition()
        wait_until(check, what, seconds)

    # --- keys -----------------------------------------------------------------

    def make_key(self, bits=2048, path=None):
        """A private key file as the responder wants it; returns its path."""
        path = pathlib.Path(path or self.path("token-key.pem"))
        subprocess.run(
            ["openssl", "genrsa", "-traditional", "-out", path, str(bits)],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path.chmod(0o640)
        self.give_to_web_server(path)
        return path

    def give_to_web_server(self, path):
        """As root: the web server's group may read it."""
        if self.is_root:
            shutil.chown(path, group="www-data")

    def make_key_locally(self, bits=2048):
        """The same, made by our own program as quickstart does it."""
        path = self.path("token-key.pem")
        subprocess.run(
            [BUILDDIR / "ambient-cp-reconciler", "--local", "--key-file", path,
             "--key-bits", str(bits)], check=True, stdin=subprocess.DEVNULL,
            env={"PATH": SYSTEM_PATH}, stdout=subprocess.DEVNULL)
        return path

    @staticmethod
    def public_key(key_path):
        """PEM text of the public half."""
        return subprocess.run(
            ["openssl", "pkey", "-in", key_path, "-pubout"], check=True,
            capture_output=True, text=True).stdout

    # --- the responder --------------------------------------------------------

    def write_config(self, lines="", name="ambient-cp.conf"):
        path = self.path(name)
        path.write_text(lines)
        path.chmod(0o640)
        self.give_to_web_server(path)
        return path

    def responder_argv(self, *flags, config=None):
        """Its command line; an empty file keeps /etc out of the test."""
        return [*WRAPPER, BUILDDIR / "ambient-cp-token", "--config",
                config or self.write_config(), *flags]

    def start_responder(self, key, env=None, flags=(), config=None,
                        socket_path=None, is_waited_for=True):
        """On a socket of its own; .socket is its path."""
        path = socket_path or self.socket_path()
        flags = ["--socket", path, *flags]
        if self.is_root:
            flags += ["--socket-group", "www-data"]
        full = {"CP_TOKEN_KEY_FILE": str(key), "LOG_LEVEL": "debug",
                **(env or {})}
        process = self.start(
            "responder", self.responder_argv(*flags, config=config), full)
        process.socket = path
        if is_waited_for:
            self.wait_for(process, lambda: accepts(str(path)),
                          "the responder listens")
        return process

    def socket_path(self):
        folder = self.scratch / "run"
        folder.mkdir(exist_ok=True)
        folder.chmod(0o711)
        return folder / self.path("token.sock").name

    # --- web servers ----------------------------------------------------------

    @staticmethod
    def substitute(text, changes, where):
        """Puts ports and paths in; one that is not there is a defect."""
        for old, new in changes.items():
            if old not in text:
                raise RuntimeError(f"{where} has no {old!r} to replace")
            text = text.replace(old, str(new))
        return text

    def start_nginx(self, socket_path, tls_folder=None):
        """nginx before the responder's socket; returns the Process, its
        .port is plain HTTP, .tls_port (tls_folder given: tls.crt, tls.key)
        the other."""
        home = self.path("nginx")
        (home / "tmp").mkdir(parents=True)
        home.chmod(0o711)
        (home / "tmp").chmod(0o711)
        logs = self.logs / home.name
        logs.mkdir()
        port = self.free_port()
        shipped = SRCDIR / "nginx"
        self.fill_in(shipped / "nginx.conf", home / "nginx.conf", {
            "pid /run/nginx.pid;": f"pid {home}/nginx.pid;",
            "/var/log/nginx/": f"{logs}/",
            "/var/lib/nginx/": f"{home}/tmp/",
            "unix:/run/ambient-cp/token.sock;": f"unix:{socket_path};",
            "listen 8080 ": f"listen 127.0.0.1:{port} "})
        self.fill_in(shipped / "token-locations.conf",
                     home / "token-locations.conf",
                     {"/var/log/nginx/": f"{logs}/"})
        tls_port = None
        if tls_folder is not None:
            tls_port = self.free_port()
            (home / "tls.d").mkdir()
            self.fill_in(shipped / "token-tls.conf.example",
                         home / "tls.d" / "token-tls.conf",
                         {"listen 8443 ": f"listen 127.0.0.1:{tls_port} ",
                          "/etc/ambient-cp/tls/": f"{tls_folder}/"})
        process = self.start(home.name, [
            find_program("nginx"), "-p", home, "-c", home / "nginx.conf",
            "-e", logs / "start.log", "-g", "daemon off;"])
        process.port = port
        process.tls_port = tls_port
        process.stop_signal = signal.SIGQUIT
        self.wait_for(process, lambda: accepts(port), "nginx listens")
        return process

    def fill_in(self, source, target, changes):
        target.write_text(
            self.substitute(source.read_text(), changes, source.name))

    def start_lighttpd(self, kind, changes):
        """lighttpd with conf/lighttpd-<kind>.conf; changes are the paths to
        put in beside those that all kinds share."""
        home = self.path(f"lighttpd-{kind}")
        (home / "tmp").mkdir(parents=True)
        logs = self.logs / home.name
        logs.mkdir()
        if self.is_root:
            for folder in (home / "tmp", logs):
                shutil.chown(folder, "www-data", "www-data")
        port = self.free_port()
        conf = SRCDIR / "conf"
        self.fill_in(conf / f"lighttpd-{kind}.conf", home / "lighttpd.conf",
                     changes)
        self.fill_in(conf / "lighttpd-common.conf",
                     home / "lighttpd-common.conf", {
                         "server.port = 8080": f"server.port = {port}\n"
                                               'server.bind = "127.0.0.1"',
                         "/run/lighttpd.pid": f"{home}/lighttpd.pid",
                         "/var/log/lighttpd/": f"{logs}/",
                         "/var/cache/lighttpd/": f"{home}/tmp/",
                         "/usr/libexec/ambient-cp/lighttpd-log-filter":
                             shutil.copy(conf / "lighttpd-log-filter", home)})
        process = self.start(home.name, [
            find_program("lighttpd"), "-D", "-f", home / "lighttpd.conf"])
        process.port = port
        process.stop_signal = signal.SIGINT
        self.wait_for(process, lambda: accepts(port), "lighttpd listens")
        return process

    def start_lighttpd_fastcgi(self, socket_path):
        """lighttpd before a responder that listens by itself."""
        return self.start_lighttpd("fastcgi", {
            "/run/ambient-cp/token.sock": socket_path})

    def start_lighttpd_spawn(self, env, flags=()):
        """lighttpd that starts the responder itself, with a socket as its
        descriptor 0."""
        return self.start_lighttpd("spawn", {
            "/run/lighttpd/ambient-cp.sock": self.spawn_socket(),
            "/usr/sbin/ambient-cp-token": self.write_shim(
                "spawned", env, flags)})

    def spawn_socket(self):
        folder = self.path("spawn")
        folder.mkdir()
        if self.is_root:
            shutil.chown(folder, "www-data", "www-data")
        return folder / "token.sock"

    def start_lighttpd_cgi(self, env):
        """lighttpd that starts the responder anew for each request; all
        configuration is by environment, for CGI has no flags."""
        cache = self.path("cache")
        cache.mkdir(mode=0o700)
        if self.is_root:
            shutil.chown(cache, "www-data", "www-data")
        return self.start_lighttpd("cgi", {
            "/usr/sbin/ambient-cp-token": self.write_shim(
                "ambient-cp-token", {"CP_TOKEN_CACHE_DIR": cache, **env})})

    def write_shim(self, name, env, flags=()):
        """A script that stands for an installed and configured program: web
        servers pass no environment on, and as www-data cannot see into
        every build folder."""
        folder = self.path("bin")
        folder.mkdir()
        folder.chmod(0o755)
        path = folder / name
        program = shutil.copy(BUILDDIR / "ambient-cp-token",
                              folder / "program")
        words = [f"{key}={shlex.quote(str(value))} \\\n"
                 for key, value in env.items()]
        for key in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if key in os.environ:
                words.append(f"{key}={shlex.quote(os.environ[key])} \\\n")
        argv = [*WRAPPER, program, "--config", self.write_config(), *flags]
        command = shlex.join(str(a) for a in argv)
        path.write_text("#!/bin/sh\n" + "".join(words) + f"exec {command}\n")
        path.chmod(0o755)
        return path

    # --- other ----------------------------------------------------------------

    @staticmethod
    def open_descriptors(pid):
        return len(os.listdir(f"/proc/{pid}/fd"))

    @staticmethod
    def mode_of(path):
        return stat.S_IMODE(os.stat(path).st_mode)

    @staticmethod
    def pod(number):
        return pod_address(number)
