# SPDX-License-Identifier: Apache-2.0
# The reconciler: never links libfcgi.
ACP_RECONCILER_LIBS = reconciler/libreconciler.a $(ACP_LIB) \
	$(CURL_LIBS) $(JSONC_LIBS) $(GNUTLS_LIBS) $(INIH_LIBS) $(YAML_LIBS)
noinst_LIBRARIES += %D%/libreconciler.a
%C%_libreconciler_a_SOURCES = \
	%D%/api.c \
	%D%/api.h \
	%D%/api_list.c \
	%D%/api_reply.c \
	%D%/api_request.h \
	%D%/api_token.c \
	%D%/api_token.h \
	%D%/arena.c \
	%D%/arena.h \
	%D%/desired.c \
	%D%/desired.h \
	%D%/desired_build.h \
	%D%/desired_content.c \
	%D%/desired_event.c \
	%D%/desired_name.c \
	%D%/desired_namespace.c \
	%D%/desired_people.c \
	%D%/desired_policy.c \
	%D%/desired_project.c \
	%D%/desired_rbac.c \
	%D%/exit_code.h \
	%D%/http_pem.c \
	%D%/http_pem.h \
	%D%/http_pool.c \
	%D%/http_pool.h \
	%D%/http_transfer.c \
	%D%/http_transfer.h \
	%D%/key_file_lock.c \
	%D%/key_file_lock.h \
	%D%/key_secret.c \
	%D%/key_secret.h \
	%D%/key_sync.c \
	%D%/key_sync.h \
	%D%/kinds.c \
	%D%/kinds.h \
	%D%/kube.c \
	%D%/kube.h \
	%D%/kube_access.c \
	%D%/kube_access.h \
	%D%/kube_exec.c \
	%D%/kube_exec.h \
	%D%/kube_list.c \
	%D%/kube_request.c \
	%D%/kube_request.h \
	%D%/kube_status.c \
	%D%/kube_status.h \
	%D%/kubeconfig.c \
	%D%/kubeconfig.h \
	%D%/lease.c \
	%D%/lease.h \
	%D%/lease_record.c \
	%D%/lease_record.h \
	%D%/local.c \
	%D%/local.h \
	%D%/lock_file.c \
	%D%/lock_file.h \
	%D%/observe_object.c \
	%D%/observe_object.h \
	%D%/options.c \
	%D%/options.h \
	%D%/ownership.c \
	%D%/ownership.h \
	%D%/plan.c \
	%D%/plan.h \
	%D%/plan_describe.c \
	%D%/plan_gate.c \
	%D%/plan_gone.c \
	%D%/plan_objects.c \
	%D%/plan_people.c \
	%D%/plan_projects.c \
	%D%/plan_step.c \
	%D%/plan_step.h \
	%D%/quantity.c \
	%D%/quantity.h \
	%D%/rfc3339.c \
	%D%/rfc3339.h \
	%D%/rotation.c \
	%D%/rotation.h \
	%D%/row_reader.c \
	%D%/row_reader.h \
	%D%/rows.c \
	%D%/rows.h \
	%D%/run.c \
	%D%/run.h \
	%D%/runner_site.c \
	%D%/runner_site.h \
	%D%/self_check.c \
	%D%/self_check.h \
	%D%/session_name.c \
	%D%/session_name.h \
	%D%/session_row.c \
	%D%/session_row.h \
	%D%/site.h \
	%D%/token_url.c \
	%D%/token_url.h \
	%D%/world.c \
	%D%/world.h

sbin_PROGRAMS += ambient-cp-reconciler
ambient_cp_reconciler_SOURCES = %D%/main.c
ambient_cp_reconciler_LDADD = $(ACP_RECONCILER_LIBS)
