# SPDX-License-Identifier: Apache-2.0
# `make check`: unit tests, fuzz replay and guards. tests/run runs it and the
# system tests with real web servers and a real identity provider.
TEST_EXTENSIONS = .sh .py
LOG_DRIVER = $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_DRIVER = $(LOG_DRIVER)
PY_LOG_COMPILER = /usr/bin/python3
AM_TESTS_ENVIRONMENT = \
	ACP_SRCDIR='$(abs_top_srcdir)'; export ACP_SRCDIR; \
	ACP_BUILDDIR='$(abs_top_builddir)'; export ACP_BUILDDIR; \
	CC='$(CC)'; export CC;
EXTRA_DIST += tests/run .ci/run

include tests/unit/local.mk
include tests/fuzz/local.mk
include tests/guard/local.mk
include tests/support/local.mk
include tests/system/local.mk
include tests/bench/local.mk
