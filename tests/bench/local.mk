# SPDX-License-Identifier: Apache-2.0
# The programs of tests/bench/run; built on demand: make bench-programs
ACP_BENCHES = \
	tests/bench/herd \
	tests/bench/load \
	tests/bench/null \
	tests/bench/raw
EXTRA_PROGRAMS += $(ACP_BENCHES)
EXTRA_DIST += \
	%D%/figures.py \
	%D%/reconcile.py \
	%D%/rows.py \
	%D%/run \
	%D%/sessions.py \
	%D%/stub_kube.py \
	%D%/targets.py
CLEANFILES += $(ACP_BENCHES)

bench-programs: $(ACP_BENCHES) ambient-cp-token ambient-cp-reconciler
.PHONY: bench-programs

tests_bench_herd_SOURCES = %D%/herd.c %D%/ask.c %D%/ask.h
tests_bench_herd_LDADD = $(ACP_LIB) $(GNUTLS_LIBS) $(INIH_LIBS)
tests_bench_load_SOURCES = %D%/load.c %D%/ask.c %D%/ask.h
tests_bench_load_LDADD = $(ACP_LIB) $(GNUTLS_LIBS) $(INIH_LIBS)
tests_bench_null_LDADD = $(ACP_TOKEN_LIBS)
tests_bench_raw_LDADD = $(ACP_TOKEN_LIBS)
