# SPDX-License-Identifier: Apache-2.0
# Web server configurations and units are examples; the log filter that the
# lighttpd ones name is a program.
confexamplesdir = $(docdir)/examples
dist_confexamples_DATA = \
	%D%/ambient-cp.conf \
	%D%/lighttpd-cgi.conf \
	%D%/lighttpd-common.conf \
	%D%/lighttpd-fastcgi.conf \
	%D%/lighttpd-spawn.conf

systemdexamplesdir = $(docdir)/examples/systemd
dist_systemdexamples_DATA = \
	%D%/systemd/ambient-cp-reconciler.service \
	%D%/systemd/ambient-cp-reconciler-once.service \
	%D%/systemd/ambient-cp-reconciler-once.timer \
	%D%/systemd/ambient-cp-token.service \
	%D%/systemd/ambient-cp-token.socket

kubernetesexamplesdir = $(docdir)/examples/kubernetes
dist_kubernetesexamples_DATA = \
	%D%/kubernetes/config.yaml \
	%D%/kubernetes/cronjob.yaml \
	%D%/kubernetes/deployment.yaml \
	%D%/kubernetes/rbac.yaml \
	%D%/kubernetes/rbac-mpp.yaml

dist_pkglibexec_SCRIPTS = %D%/lighttpd-log-filter
