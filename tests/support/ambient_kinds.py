# SPDX-License-Identifier: Apache-2.0
"""The kinds of rows that the Ambient API serves: columns, which of them a
client may write, and what must be there."""
import ambient_values

COMMON = {"id": "text", "created_at": "time", "updated_at": "time",
          "deleted_at": "time"}
PHASES = ("Pending", "Creating", "Running", "Stopping", "Stopped",
          "Completed", "Failed")
STATUS_COLUMNS = (
    "phase", "start_time", "completion_time", "sdk_session_id",
    "sdk_restart_count", "conditions", "reconciled_repos",
    "reconciled_workflow", "kube_cr_uid", "kube_namespace")


def texts(*names):
    return dict.fromkeys(names, "text")


class Kind:
    """name: in JSON; columns: of the table; writable: by POST; fixed: not by
    PATCH; hidden: never shown; unique: sets of columns, is_name_kept: also
    against rows that were deleted; parent: the column that the path gives."""

    def __init__(self, name, columns, required=(), read_only=(), fixed=(),
                 hidden=(), unique=(), is_name_kept=True, defaults=None,
                 parent=None):
        self.name = name
        self.columns = {**COMMON, **columns}
        self.required = required
        self.writable = [c for c in columns if c not in read_only]
        self.patchable = [c for c in self.writable if c not in fixed]
        self.hidden = {"deleted_at", *hidden}
        self.unique = unique
        self.is_name_kept = is_name_kept
        self.defaults = defaults or {}
        self.parent = parent

    def shown(self, values, href):
        """The row as the API presents it; what is absent is left out."""
        row = {"id": values["id"], "kind": self.name,
               "href": f"{href}/{values['id']}"}
        for column, kind in self.columns.items():
            value = values[column]
            if value is not None and column not in self.hidden:
                row[column] = ambient_values.to_json(value, kind)
        return row

    def read(self, given, names):
        """The columns among names that a request's body sets; ValueError.
        null is as good as absent, and what is unknown is ignored."""
        return {name: ambient_values.from_json(given[name],
                                               self.columns[name])
                for name in names if given.get(name) is not None}


SESSION = Kind("Session", {
    **texts("name", "project_id", "agent_id", "prompt", "repo_url", "repos",
            "llm_model"),
    "llm_temperature": "number", "llm_max_tokens": "int", "timeout": "int",
    **texts("environment_variables", "resource_overrides", "labels",
            "annotations", "workflow_id", "parent_session_id",
            "bot_account_name", "assigned_user_id", "created_by_user_id",
            "triggered_by_user_id", "phase"),
    "start_time": "time", "completion_time": "time",
    **texts("conditions", "reconciled_repos", "reconciled_workflow",
            "sdk_session_id"),
    "sdk_restart_count": "int",
    **texts("kube_cr_name", "kube_cr_uid", "kube_namespace")},
    required=("name",), fixed=("project_id", "agent_id"),
    read_only=(*STATUS_COLUMNS, "created_by_user_id", "triggered_by_user_id",
               "kube_cr_name"),
    defaults={"llm_model": "sonnet", "llm_temperature": 0.7,
              "llm_max_tokens": 4000})

KINDS = {
    "projects": Kind(
        "Project", texts("name", "description", "labels", "annotations",
                         "prompt", "status"),
        required=("name",), unique=(("name",),)),
    "project_settings": Kind(
        "ProjectSettings", texts("project_id", "group_access",
                                 "repositories"),
        required=("project_id",), unique=(("project_id",),)),
    "sessions": SESSION,
    "agents": Kind(
        "Agent", texts("project_id", "name", "prompt", "current_session_id",
                       "labels", "annotations"),
        required=("name",), fixed=("project_id",), parent="project_id",
        read_only=("current_session_id",)),
    "inbox": Kind(
        "InboxMessage", {**texts("agent_id", "body", "from_agent_id",
                                 "from_name"), "read": "bool"},
        required=("body",), fixed=("agent_id", "body", "from_agent_id",
                                   "from_name"), parent="agent_id"),
    "credentials": Kind(
        "Credential", texts("name", "provider", "description", "url", "email",
                            "labels", "annotations", "token"),
        required=("name", "provider"), hidden=("token",)),
    "roles": Kind(
        "Role", {**texts("name", "display_name", "description",
                         "permissions"), "built_in": "bool"},
        required=("name",), unique=(("name",),)),
    "role_bindings": Kind(
        "RoleBinding", texts("user_id", "role_id", "scope", "scope_id",
                             "project_id", "agent_id", "session_id",
                             "credential_id"),
        required=("role_id", "scope"), is_name_kept=False,
        unique=(("role_id", "user_id", "scope", "scope_id", "project_id",
                 "agent_id", "session_id", "credential_id"),)),
}
# name: permissions; what the server makes when it first starts
BUILT_IN_ROLES = {
    "platform:admin": ["*:*"], "platform:viewer": ["*:read"],
    "project:owner": ["project:*"], "project:editor": ["session:*"],
    "project:viewer": ["project:read"], "agent:operator": ["agent:*"],
    "agent:observer": ["agent:read"], "agent:runner": ["session:read"],
    "credential:reader": ["credential:read"],
    "credential:token-reader": ["credential:token"],
    "credential:owner": ["credential:*"],
}
