# SPDX-License-Identifier: Apache-2.0
# One check program a module; its source is tests/unit/<name>.c. A test of a
# module in lib/ goes into LIB_TESTS, in fcgi/ into TOKEN_TESTS, and so on.
LIB_TESTS = \
	tests/unit/test_base64 \
	tests/unit/test_base64url \
	tests/unit/test_buffer \
	tests/unit/test_config \
	tests/unit/test_file \
	tests/unit/test_hash \
	tests/unit/test_hmac \
	tests/unit/test_http \
	tests/unit/test_jwt \
	tests/unit/test_key \
	tests/unit/test_keyfile \
	tests/unit/test_log \
	tests/unit/test_options \
	tests/unit/test_proof \
	tests/unit/test_session_id \
	tests/unit/test_token \
	tests/unit/test_token_reply \
	tests/unit/test_token_source_oidc \
	tests/unit/test_token_source_settings \
	tests/unit/test_token_source_static \
	tests/unit/test_utf8

TOKEN_TESTS = \
	tests/unit/test_bearer \
	tests/unit/test_binding \
	tests/unit/test_exchange \
	tests/unit/test_fairqueue \
	tests/unit/test_gate \
	tests/unit/test_handle \
	tests/unit/test_held \
	tests/unit/test_keystore \
	tests/unit/test_metrics \
	tests/unit/test_mint_schedule \
	tests/unit/test_minter \
	tests/unit/test_outcome \
	tests/unit/test_peers \
	tests/unit/test_processors \
	tests/unit/test_request \
	tests/unit/test_results \
	tests/unit/test_route \
	tests/unit/test_settings \
	tests/unit/test_token_cache \
	tests/unit/test_work

# these look over our shoulder with libcrypto, which nothing else links but
# the back end of that name
if HAVE_CRYPTO
TOKEN_TESTS += \
	tests/unit/test_keyset \
	tests/unit/test_oaep \
	tests/unit/test_unseal
endif

RECONCILER_TESTS = \
	tests/unit/test_conditions \
	tests/unit/test_claims \
	tests/unit/test_anchor \
	tests/unit/test_api \
	tests/unit/test_api_list \
	tests/unit/test_api_token \
	tests/unit/test_arena \
	tests/unit/test_backoff \
	tests/unit/test_credentials \
	tests/unit/test_desired \
	tests/unit/test_desired_session \
	tests/unit/test_findings \
	tests/unit/test_http_pool \
	tests/unit/test_key_secret \
	tests/unit/test_key_sync \
	tests/unit/test_kinds \
	tests/unit/test_kube \
	tests/unit/test_kube_access \
	tests/unit/test_kube_exec \
	tests/unit/test_kube_items \
	tests/unit/test_kubeconfig \
	tests/unit/test_lease \
	tests/unit/test_local \
	tests/unit/test_lock_file \
	tests/unit/test_observe_object \
	tests/unit/test_ownership \
	tests/unit/test_parallel \
	tests/unit/test_plan_accounts \
	tests/unit/test_plan_describe \
	tests/unit/test_plan_gate \
	tests/unit/test_plan_projects \
	tests/unit/test_plan_properties \
	tests/unit/test_plan_sessions \
	tests/unit/test_quantity \
	tests/unit/test_recheck \
	tests/unit/test_reconciler_options \
	tests/unit/test_reconciler_settings \
	tests/unit/test_rfc3339 \
	tests/unit/test_rotation \
	tests/unit/test_rows \
	tests/unit/test_runner_site \
	tests/unit/test_self_check \
	tests/unit/test_session_histories \
	tests/unit/test_session_name \
	tests/unit/test_session_row \
	tests/unit/test_session_status \
	tests/unit/test_summary \
	tests/unit/test_token_url \
	tests/unit/test_world

UNIT_TESTS = $(LIB_TESTS) $(TOKEN_TESTS) $(RECONCILER_TESTS)
EXTRA_DIST += %D%/chance.h %D%/four_keys.h %D%/json_peek.h %D%/unit.h

if HAVE_CHECK
check_PROGRAMS += $(UNIT_TESTS)
TESTS += $(UNIT_TESTS)
endif

ACP_UNIT_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
ACP_UNIT_LIBS = $(ACP_LIB) $(CHECK_LIBS) $(CURL_LIBS) $(JSONC_LIBS) \
	$(GNUTLS_LIBS) $(INIH_LIBS)
ACP_UNIT_TOKEN_LIBS = $(ACP_TOKEN_LIBS) $(CHECK_LIBS)

tests_unit_test_base64_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_base64_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_base64url_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_base64url_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_buffer_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_buffer_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_config_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_config_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_file_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_file_LDADD = $(ACP_UNIT_LIBS)
tests_unit_test_file_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=fchmod \
	-Wl,--wrap=fsync -Wl,--wrap=renameat -Wl,--wrap=write

tests_unit_test_log_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_log_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_hmac_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_hmac_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_key_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_key_LDADD = $(ACP_UNIT_LIBS)
EXTRA_DIST += tests/data/key-vector.pem tests/data/key-vector.txt \
	tests/data/make-key-vector.py

tests_unit_test_keyfile_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_keyfile_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_options_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_options_LDADD = $(ACP_UNIT_LIBS)

ACP_UNIT_VECTOR = tests/unit/vector_key.c tests/unit/vector_key.h
EXTRA_DIST += tests/data/make-handle-vector.py

tests_unit_test_proof_SOURCES = tests/unit/test_proof.c $(ACP_UNIT_VECTOR)
tests_unit_test_proof_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_proof_LDADD = $(ACP_UNIT_LIBS)
tests_unit_test_proof_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=acp_secret_is_same

tests_unit_test_binding_SOURCES = tests/unit/test_binding.c $(ACP_UNIT_VECTOR)
tests_unit_test_binding_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_binding_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_handle_SOURCES = tests/unit/test_handle.c $(ACP_UNIT_VECTOR)
tests_unit_test_handle_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_handle_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_anchor_SOURCES = tests/unit/test_anchor.c $(ACP_UNIT_VECTOR)
tests_unit_test_anchor_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_anchor_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_token_url_SOURCES = tests/unit/test_token_url.c \
	$(ACP_UNIT_VECTOR)
tests_unit_test_token_url_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_token_url_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

ACP_UNIT_CONFIG_LINES = tests/unit/config_lines.c tests/unit/config_lines.h

tests_unit_test_settings_SOURCES = tests/unit/test_settings.c \
	$(ACP_UNIT_CONFIG_LINES)
tests_unit_test_settings_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_settings_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_jwt_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_jwt_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_mint_schedule_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_mint_schedule_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_minter_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_minter_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_token_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_token_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_token_source_settings_SOURCES = \
	tests/unit/test_token_source_settings.c $(ACP_UNIT_CONFIG_LINES)
tests_unit_test_token_source_settings_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_token_source_settings_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_utf8_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_utf8_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_token_source_static_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_token_source_static_LDADD = $(ACP_UNIT_LIBS)

ACP_UNIT_POOL = tests/unit/fake_pool.c tests/unit/fake_pool.h

tests_unit_test_api_SOURCES = tests/unit/test_api.c $(ACP_UNIT_POOL)
tests_unit_test_api_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_api_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_api_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=acp_clock_now_ms \
	-Wl,--wrap=acp_http_pool_send -Wl,--wrap=clock_nanosleep

tests_unit_test_session_status_SOURCES = tests/unit/test_session_status.c \
	$(ACP_UNIT_POOL)
tests_unit_test_session_status_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_session_status_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_session_status_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=acp_clock_now_ms -Wl,--wrap=acp_http_pool_send \
	-Wl,--wrap=clock_nanosleep

tests_unit_test_api_list_SOURCES = tests/unit/test_api_list.c $(ACP_UNIT_POOL)
tests_unit_test_api_list_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_api_list_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_api_list_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=acp_http_pool_send

tests_unit_test_api_token_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_api_token_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_api_token_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=acp_clock_now_ms

tests_unit_test_arena_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_arena_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_rfc3339_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_rfc3339_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_rows_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_rows_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_local_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_local_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_reconciler_options_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_reconciler_options_LDADD = $(ACP_RECONCILER_LIBS) \
	$(CHECK_LIBS)

ACP_UNIT_FAULTY = tests/unit/faulty.c tests/unit/faulty.h
ACP_UNIT_FAULTY_CFLAGS = $(ACP_UNIT_CFLAGS) \
	-DACP_TEST_SRCDIR='"$(abs_top_srcdir)"'

tests_unit_test_http_SOURCES = tests/unit/test_http.c $(ACP_UNIT_FAULTY)
tests_unit_test_http_CFLAGS = $(ACP_UNIT_FAULTY_CFLAGS)
tests_unit_test_http_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_kinds_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_kinds_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_kubeconfig_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_kubeconfig_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_kube_items_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_kube_items_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_kube_exec_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_kube_exec_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_self_check_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_self_check_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_self_check_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=acp_kube_may

tests_unit_test_kube_access_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_kube_access_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_kube_access_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=acp_clock_now_ms

tests_unit_test_http_pool_SOURCES = tests/unit/test_http_pool.c \
	$(ACP_UNIT_FAULTY)
tests_unit_test_http_pool_CFLAGS = $(ACP_UNIT_FAULTY_CFLAGS)
tests_unit_test_http_pool_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_kube_SOURCES = tests/unit/test_kube.c $(ACP_UNIT_FAULTY)
tests_unit_test_kube_CFLAGS = $(ACP_UNIT_FAULTY_CFLAGS)
tests_unit_test_kube_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_token_reply_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_token_reply_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_token_source_oidc_SOURCES = \
	tests/unit/test_token_source_oidc.c $(ACP_UNIT_FAULTY)
tests_unit_test_token_source_oidc_CFLAGS = $(ACP_UNIT_FAULTY_CFLAGS)
tests_unit_test_token_source_oidc_LDADD = $(ACP_UNIT_LIBS)

ACP_CRYPTO_CFLAGS = $(ACP_UNIT_CFLAGS) $(CRYPTO_CFLAGS)
ACP_CRYPTO_LIBS = $(ACP_TOKEN_LIBS) $(CHECK_LIBS) $(CRYPTO_LIBS)

tests_unit_test_bearer_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_bearer_LDADD = $(ACP_TOKEN_LIBS) $(CHECK_LIBS)

tests_unit_test_session_id_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_session_id_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_keyset_CFLAGS = $(ACP_CRYPTO_CFLAGS)
tests_unit_test_keyset_LDADD = $(ACP_CRYPTO_LIBS)

tests_unit_test_oaep_SOURCES = %D%/test_oaep.c %D%/encoded.c %D%/encoded.h
if !UNSEAL_NETTLE
tests_unit_test_oaep_SOURCES += fcgi/oaep.c
endif
tests_unit_test_oaep_CFLAGS = $(ACP_CRYPTO_CFLAGS)
tests_unit_test_oaep_LDADD = $(ACP_CRYPTO_LIBS)

tests_unit_test_unseal_SOURCES = %D%/test_unseal.c %D%/encoded.c %D%/encoded.h
tests_unit_test_unseal_CFLAGS = $(ACP_CRYPTO_CFLAGS)
# libcrypto must not be judged by libcrypto: our own decoding is the other side
if UNSEAL_OPENSSL
tests_unit_test_unseal_SOURCES += fcgi/oaep.c
tests_unit_test_unseal_CFLAGS += -DACP_TEST_OWN_OAEP=1
endif
tests_unit_test_unseal_LDADD = $(ACP_CRYPTO_LIBS)

tests_unit_test_gate_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_gate_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_keystore_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_keystore_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_outcome_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_outcome_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_results_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_results_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_route_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_route_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_fairqueue_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_fairqueue_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_peers_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_peers_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_processors_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_processors_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_work_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_work_LDADD = $(ACP_UNIT_TOKEN_LIBS)
tests_unit_test_work_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=acp_clock_now_ms \
	-Wl,--wrap=acp_clock_now_us \
	-Wl,--wrap=acp_clock_thread_us \
	-Wl,--wrap=acp_keyset_free \
	-Wl,--wrap=acp_keyset_has_key \
	-Wl,--wrap=acp_keystore_dup_current \
	-Wl,--wrap=acp_unsealed_init \
	-Wl,--wrap=pthread_cond_broadcast
tests_unit_test_token_cache_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_token_cache_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_request_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_request_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_exchange_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_exchange_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_held_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_held_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_metrics_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_metrics_LDADD = $(ACP_UNIT_TOKEN_LIBS)

tests_unit_test_lock_file_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_lock_file_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

ACP_UNIT_MODEL = tests/unit/model_sessions.c tests/unit/model_world.c \
	tests/unit/model_world.h
ACP_UNIT_MODEL_LIBS = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_plan_projects_SOURCES = tests/unit/test_plan_projects.c \
	$(ACP_UNIT_MODEL)
tests_unit_test_plan_projects_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_plan_projects_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_key_secret_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_key_secret_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_rotation_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_rotation_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

ACP_UNIT_FAKE_KUBE = tests/unit/fake_kube.c tests/unit/fake_kube.h
ACP_UNIT_FAKE_KUBE_WRAPS = $(AM_LDFLAGS) -Wl,--wrap=acp_kube_get \
	-Wl,--wrap=acp_kube_get_metadata -Wl,--wrap=acp_kube_create \
	-Wl,--wrap=acp_kube_replace

tests_unit_test_key_sync_SOURCES = tests/unit/test_key_sync.c \
	$(ACP_UNIT_FAKE_KUBE)
tests_unit_test_key_sync_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_key_sync_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_key_sync_LDFLAGS = $(ACP_UNIT_FAKE_KUBE_WRAPS) \
	-Wl,--wrap=acp_file_replace -Wl,--wrap=acp_key_new

tests_unit_test_lease_SOURCES = tests/unit/test_lease.c $(ACP_UNIT_FAKE_KUBE)
tests_unit_test_lease_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_lease_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_lease_LDFLAGS = $(ACP_UNIT_FAKE_KUBE_WRAPS) \
	-Wl,--wrap=acp_clock_now_ms -Wl,--wrap=pthread_create \
	-Wl,--wrap=pthread_join -Wl,--wrap=pthread_cond_timedwait

tests_unit_test_findings_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_findings_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_recheck_SOURCES = tests/unit/test_recheck.c \
	$(ACP_UNIT_FAKE_KUBE)
tests_unit_test_recheck_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_recheck_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_recheck_LDFLAGS = $(ACP_UNIT_FAKE_KUBE_WRAPS) \
	-Wl,--wrap=acp_api_get

tests_unit_test_hash_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_hash_LDADD = $(ACP_UNIT_LIBS)

tests_unit_test_plan_gate_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_plan_gate_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_world_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_world_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_desired_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_desired_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_ownership_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_ownership_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_plan_properties_SOURCES = \
	tests/unit/test_plan_properties.c $(ACP_UNIT_MODEL)
tests_unit_test_plan_properties_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_plan_properties_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_plan_accounts_SOURCES = tests/unit/test_plan_accounts.c \
	$(ACP_UNIT_MODEL) $(ACP_UNIT_VECTOR)
tests_unit_test_plan_accounts_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_plan_accounts_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_plan_sessions_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_plan_sessions_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_session_histories_SOURCES = \
	tests/unit/test_session_histories.c $(ACP_UNIT_MODEL) \
	$(ACP_UNIT_VECTOR)
tests_unit_test_session_histories_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_session_histories_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_plan_describe_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_plan_describe_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_observe_object_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_observe_object_LDADD = $(ACP_UNIT_MODEL_LIBS)

tests_unit_test_quantity_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_quantity_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_session_name_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_session_name_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_runner_site_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_runner_site_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_session_row_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_session_row_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_backoff_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_backoff_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_parallel_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_parallel_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
tests_unit_test_parallel_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=pthread_create

tests_unit_test_summary_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_summary_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_reconciler_settings_SOURCES = \
	tests/unit/test_reconciler_settings.c $(ACP_UNIT_CONFIG_LINES)
tests_unit_test_reconciler_settings_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_reconciler_settings_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_desired_session_SOURCES = tests/unit/test_desired_session.c \
	$(ACP_UNIT_VECTOR)
tests_unit_test_desired_session_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_desired_session_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
EXTRA_DIST += \
	tests/data/session-authorities.json \
	tests/data/session-everything.json \
	tests/data/session-hostile.json \
	tests/data/session-mcp.json \
	tests/data/session-plain.json \
	tests/data/session-proxies.json \
	tests/data/session-pull-secret.json \
	tests/data/session-restricted.json \
	tests/data/session-resume.json \
	tests/data/session-row.json \
	tests/data/session-vertex.json

tests_unit_test_credentials_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_credentials_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_claims_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_claims_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)

tests_unit_test_conditions_CFLAGS = $(ACP_UNIT_CFLAGS)
tests_unit_test_conditions_LDADD = $(ACP_RECONCILER_LIBS) $(CHECK_LIBS)
