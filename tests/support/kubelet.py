# SPDX-License-Identifier: Apache-2.0
"""What a kubelet makes of a pod's spec.

    kubelet.environment(cluster, pod)      # of its first container
"""
import base64
import re

REFERENCE = re.compile(r"\$(\$|\(([^)]*)\))")


def expand(text, known):
    """References to variables, as Kubernetes expands them: $(NAME) where
    that is known, $$ is a $, and all else stays."""
    return REFERENCE.sub(
        lambda found: "$" if found[1] == "$"
        else known.get(found[2], found[0]), text)


def resolve(cluster, namespace, entry, known):
    """The value of one variable; that of a Secret is never expanded."""
    if "valueFrom" not in entry:
        return expand(entry.get("value", ""), known)
    wanted = entry["valueFrom"]["secretKeyRef"]
    secret = cluster.read("Secret", namespace, wanted["name"])
    return base64.b64decode(secret["data"][wanted["key"]]).decode()


def environment(cluster, pod):
    """Of the first container, all that the kubelet would give it."""
    known = {}
    for entry in pod["spec"]["containers"][0]["env"]:
        known[entry["name"]] = resolve(
            cluster, pod["metadata"]["namespace"], entry, known)
    return known
