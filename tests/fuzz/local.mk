# SPDX-License-Identifier: Apache-2.0
# One target a parser of foreign bytes. `make check` replays the corpora with
# mutations; with --enable-fuzzing (clang) the same programs search for new
# inputs: tests/fuzz/fuzz_bearer -max_total_time=60 FOLDER CORPUS
FUZZ_TARGETS = \
	tests/fuzz/fuzz_bearer \
	tests/fuzz/fuzz_binding \
	tests/fuzz/fuzz_buffer \
	tests/fuzz/fuzz_config \
	tests/fuzz/fuzz_gate \
	tests/fuzz/fuzz_handle \
	tests/fuzz/fuzz_json \
	tests/fuzz/fuzz_jwt \
	tests/fuzz/fuzz_key \
	tests/fuzz/fuzz_kube_items \
	tests/fuzz/fuzz_kubeconfig \
	tests/fuzz/fuzz_rfc3339 \
	tests/fuzz/fuzz_route \
	tests/fuzz/fuzz_rows \
	tests/fuzz/fuzz_session_row \
	tests/fuzz/fuzz_token_reply

check_LIBRARIES += %D%/libreplay.a
%C%_libreplay_a_SOURCES = %D%/replay.c %D%/fuzz.h
EXTRA_DIST += %D%/corpus

check_PROGRAMS += $(FUZZ_TARGETS)
if ENABLE_FUZZING
ACP_FUZZ_MAIN =
else
ACP_FUZZ_MAIN = tests/fuzz/libreplay.a
TESTS += $(FUZZ_TARGETS)
endif

ACP_FUZZ_LINK = $(AM_LDFLAGS) $(ACP_FUZZ_LDFLAGS)
ACP_FUZZ_LIB_LIBS = $(ACP_FUZZ_MAIN) $(ACP_LIB) $(GNUTLS_LIBS) $(INIH_LIBS)
ACP_FUZZ_TOKEN_LIBS = $(ACP_FUZZ_MAIN) $(ACP_TOKEN_LIBS)
ACP_FUZZ_RECONCILER_LIBS = $(ACP_FUZZ_MAIN) $(ACP_RECONCILER_LIBS)

tests_fuzz_fuzz_buffer_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_buffer_LDADD = $(ACP_FUZZ_LIB_LIBS) $(JSONC_LIBS)

tests_fuzz_fuzz_config_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_config_LDADD = $(ACP_FUZZ_LIB_LIBS)

tests_fuzz_fuzz_json_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_json_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_jwt_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_jwt_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_token_reply_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_token_reply_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_bearer_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_bearer_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_key_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_key_LDADD = $(ACP_FUZZ_LIB_LIBS)

tests_fuzz_fuzz_gate_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_gate_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_binding_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_binding_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_handle_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_handle_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_route_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_route_LDADD = $(ACP_FUZZ_TOKEN_LIBS)

tests_fuzz_fuzz_rfc3339_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_rfc3339_LDADD = $(ACP_FUZZ_RECONCILER_LIBS)

tests_fuzz_fuzz_rows_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_rows_LDADD = $(ACP_FUZZ_RECONCILER_LIBS)

tests_fuzz_fuzz_kube_items_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_kube_items_LDADD = $(ACP_FUZZ_RECONCILER_LIBS)

tests_fuzz_fuzz_kubeconfig_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_kubeconfig_LDADD = $(ACP_FUZZ_RECONCILER_LIBS)

tests_fuzz_fuzz_session_row_LDFLAGS = $(ACP_FUZZ_LINK)
tests_fuzz_fuzz_session_row_LDADD = $(ACP_FUZZ_RECONCILER_LIBS)
