# SPDX-License-Identifier: Apache-2.0
# What the system tests and the one-command scripts stand on.
EXTRA_DIST += \
	%D%/ambient.py \
	%D%/ambient_api.py \
	%D%/ambient_control.py \
	%D%/ambient_faults.py \
	%D%/ambient_http.py \
	%D%/ambient_kinds.py \
	%D%/ambient_platform.py \
	%D%/ambient_routes.py \
	%D%/ambient_search.py \
	%D%/ambient_store.py \
	%D%/ambient_values.py \
	%D%/bad_requests.py \
	%D%/bed.py \
	%D%/binding.py \
	%D%/cluster \
	%D%/cluster.py \
	%D%/demo.py \
	%D%/faulty_idp.py \
	%D%/faulty_kube.py \
	%D%/fastcgi.py \
	%D%/fault_proxy.py \
	%D%/finder.py \
	%D%/herd.py \
	%D%/idp/idp.mjs \
	%D%/idp/package-lock.json \
	%D%/idp/package.json \
	%D%/install-idp \
	%D%/install-kube \
	%D%/kube.py \
	%D%/kubelet.py \
	%D%/load.py \
	%D%/metrics.py \
	%D%/packages \
	%D%/providers.py \
	%D%/raw_http.py \
	%D%/reconciler.py \
	%D%/run.py \
	%D%/service.py \
	%D%/sessions.py \
	%D%/stock_runner.py \
	%D%/tap.py \
	%D%/tap_reader.py \
	%D%/trixie

# the Kubernetes client by hand
check_PROGRAMS += tests/support/kube_drive
tests_support_kube_drive_LDADD = $(ACP_RECONCILER_LIBS)
