# SPDX-License-Identifier: Apache-2.0
"""A cluster to try the reconciler on, until Ctrl-C; for tests/support/cluster.

    tests/support/cluster [FOLDER]

Starts a real Kubernetes API server (etcd, controllers; built at first use) and
a stand-in for the Ambient API server on loopback, makes one project, and
prints what to type in another terminal. FOLDER (try) is made and gone at the
end; its file env sets what the reconciler needs. There is no kubelet: nothing
runs in this cluster.
"""
import os
import pathlib
import shutil
import signal
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import ambient
import bed
import kube

PROGRAM = "ambient-cp-reconciler"
NAMESPACE = "ambient-code"
ACCOUNT = "ambient-control-plane"
PROJECT = "demo"
DAY_S = 24 * 60 * 60
GUIDE = """
ready. In another terminal, in this folder:

    . {name}/env
    ambient-cp-reconciler --check
    ambient-cp-reconciler --dry-run
    ambient-cp-reconciler --once

what is there then, for whoever has no kubectl:

    curl -s -H @{name}/admin $KUBE_URL/api/v1/namespaces | grep '"name"'

{name}/admin-kubeconfig may do everything; the reconciler has the rights of
conf/kubernetes/rbac.yaml and no others. Ctrl-C ends it all.
"""


def say(text):
    print(f"cluster: {text}", flush=True)


def fail(text):
    print(f"cluster: {text}", file=sys.stderr)
    sys.exit(1)


def find_build():
    """The folder of the program, where it was built."""
    root = HERE.parent.parent
    places = [os.environ.get("ACP_BUILDDIR"), root, root / "build",
              root / "build-quickstart"]
    for place in places:
        if place and (pathlib.Path(place) / PROGRAM).is_file():
            return pathlib.Path(place).resolve()
    return fail("the programs are not built: './quickstart --once' builds them")


def write(path, text):
    path.touch(0o600)
    path.write_text(text)


def write_env(folder, build, cluster, api):
    settings = {
        "KUBECONFIG": folder / "kubeconfig",
        "AMBIENT_API_SERVER_URL": api.url,
        "AMBIENT_API_TOKEN_FILE": folder / "api-token",
        "CP_TOKEN_KEY_FILE": folder / "token-key.pem",
        "CP_LOCK_FILE": folder / "reconciler.lock",
        "CURL_CA_BUNDLE": cluster.ca,
        "KUBE_URL": cluster.url,
    }
    lines = [f"export {name}='{value}'" for name, value in settings.items()]
    write(folder / "env",
          "\n".join([*lines, f"PATH='{build}':$PATH"]) + "\n")


def make_account(cluster):
    """The account of the shipped manifest; a token for it."""
    cluster.apply_manifest(
        HERE.parent.parent / "conf" / "kubernetes" / "rbac.yaml")
    return cluster.request_token(NAMESPACE, ACCOUNT, DAY_S)


def fill(folder, build, cluster, api):
    write(folder / "api-token", api.token + "\n")
    write(folder / "admin",
          f"Authorization: Bearer {cluster.tokens['admin']}\n")
    cluster.write_kubeconfig(folder / "admin-kubeconfig", "admin")
    cluster.write_kubeconfig(
        folder / "kubeconfig", ACCOUNT,
        user_extras={"token": make_account(cluster)},
        context_extras={"namespace": NAMESPACE})
    cluster.create_project_settings_crd()
    api.create_project(PROJECT)
    api.create_settings(PROJECT, [("developers", "edit")])
    write_env(folder, build, cluster, api)


def stay(b):
    while True:
        time.sleep(1)
        for process in b.processes:
            if not process.is_running():
                fail(f"{process.name} has ended:\n{process.log()[-2000:]}")


def run(name, build):
    folder = pathlib.Path(name).absolute()
    try:
        folder.mkdir(0o700)
    except FileExistsError:
        fail(f"{name} is there already; name another folder")
    try:
        with bed.Bed() as b:
            say("starting etcd, kube-apiserver and the controllers")
            cluster = kube.start(b)
            say("starting the stand-in for the Ambient API server")
            fill(folder, build, cluster, ambient.start(b))
            print(GUIDE.format(name=name), flush=True)
            stay(b)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        say("ended; nothing is left")


def main():
    words = sys.argv[1:]
    if len(words) > 1 or words[:1] and words[0].startswith("-"):
        print(__doc__.strip())
        sys.exit(0 if words[0] in ("-h", "--help") else 2)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(0))
    build = find_build()
    run(words[0] if words else "try", build)


if __name__ == "__main__":
    main()
