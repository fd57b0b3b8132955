# SPDX-License-Identifier: Apache-2.0
# What tests/run runs in order, with the built programs and real servers.
EXTRA_DIST += \
	%D%/010-tap-reader.py \
	%D%/100-local-key.py \
	%D%/200-stock-runner.py \
	%D%/205-command-line.py \
	%D%/210-nginx.py \
	%D%/210-provider.py \
	%D%/211-provider-minute.py \
	%D%/212-faulty-provider.py \
	%D%/214-cgi-token-cache.py \
	%D%/216-cgi-by-hand.py \
	%D%/220-key-replacement.py \
	%D%/220-lighttpd.py \
	%D%/230-bad-input.py \
	%D%/240-no-secrets-in-logs.py \
	%D%/250-silent-peers.py \
	%D%/260-crash-and-drain.py \
	%D%/265-early-signals.py \
	%D%/270-sockets.py \
	%D%/300-renewal-and-binding.py \
	%D%/310-bench.py \
	%D%/310-fair-admission.py \
	%D%/400-cluster.py \
	%D%/405-ambient-api.py \
	%D%/406-ambient-api-faults.py \
	%D%/410-kube-client.py \
	%D%/420-projects.py \
	%D%/421-project-pages.py \
	%D%/422-refused-projects.py \
	%D%/424-project-deletion.py \
	%D%/426-crash-at-any-write.py \
	%D%/428-reconciler-faults.py \
	%D%/429-mpp.py \
	%D%/430-key-and-lease.py \
	%D%/432-clocks-apart.py \
	%D%/435-hostile-surroundings.py \
	%D%/440-manifests.py \
	%D%/441-systemd-units.py \
	%D%/442-readme-cluster.py \
	%D%/510-session-objects.py \
	%D%/520-session-phases.py \
	%D%/526-session-crash-at-any-write.py \
	%D%/530-hostile-sessions.py \
	%D%/540-sessions-and-tenants.py \
	%D%/550-session-end-to-end.py \
	%D%/560-quickstart-cluster.py
