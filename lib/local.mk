# SPDX-License-Identifier: Apache-2.0
# What two or more programs use. One file a line, in alphabetical order.
ACP_LIB = lib/libacp.a
noinst_LIBRARIES += %D%/libacp.a
%C%_libacp_a_SOURCES = \
	%D%/auto.h \
	%D%/base64url.c \
	%D%/base64url.h \
	%D%/buffer.c \
	%D%/buffer.h \
	%D%/clock.c \
	%D%/clock.h \
	%D%/config.c \
	%D%/config.h \
	%D%/config_describe.c \
	%D%/config_file.c \
	%D%/config_keys.h \
	%D%/config_store.h \
	%D%/config_table.c \
	%D%/config_table.h \
	%D%/confine.c \
	%D%/confine.h \
	%D%/error.c \
	%D%/error.h \
	%D%/file.c \
	%D%/file.h \
	%D%/hmac.c \
	%D%/hmac.h \
	%D%/http.c \
	%D%/http.h \
	%D%/json.c \
	%D%/json.h \
	%D%/jwt.c \
	%D%/jwt.h \
	%D%/key.c \
	%D%/key.h \
	%D%/keyfile.c \
	%D%/keyfile.h \
	%D%/limits.h \
	%D%/log.c \
	%D%/log.h \
	%D%/mask.h \
	%D%/memory.c \
	%D%/memory.h \
	%D%/options.c \
	%D%/options.h \
	%D%/proof.c \
	%D%/proof.h \
	%D%/random.c \
	%D%/random.h \
	%D%/secret.c \
	%D%/secret.h \
	%D%/session_id.c \
	%D%/session_id.h \
	%D%/token.c \
	%D%/token.h \
	%D%/token_reply.c \
	%D%/token_reply.h \
	%D%/token_source.c \
	%D%/token_source.h \
	%D%/token_source_backend.h \
	%D%/token_source_new.c \
	%D%/token_source_oidc.c \
	%D%/token_source_settings.c \
	%D%/token_source_settings.h \
	%D%/token_source_static.c \
	%D%/url.c \
	%D%/url.h
