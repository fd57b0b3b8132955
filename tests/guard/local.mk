# SPDX-License-Identifier: Apache-2.0
# What the sources must look like and the programs must be linked to.
# selftest.py shows that each guard fails on a broken tree.
GUARDS = \
	%D%/banned_calls.py \
	%D%/config_docs.py \
	%D%/format.py \
	%D%/function_size.py \
	%D%/headers_alone.py \
	%D%/include_graph.py \
	%D%/linkage.py \
	%D%/selftest.py \
	%D%/shellcheck.py \
	%D%/source_form.py \
	%D%/text_form.py

TESTS += $(GUARDS)
EXTRA_DIST += $(GUARDS) \
	%D%/guard.py

# the sources may be read-only: no compiled Python beside them
PY_LOG_FLAGS = -B
AM_TESTS_ENVIRONMENT += \
	ACP_COMPILE='$(COMPILE) $(CHECK_CFLAGS)'; export ACP_COMPILE; \
	ACP_PROGRAMS='$(sbin_PROGRAMS)'; export ACP_PROGRAMS;
