# SPDX-License-Identifier: Apache-2.0
# The responder: everything but main.c is a library that the tests link.
ACP_TOKEN_LIBS = fcgi/libtoken.a $(ACP_LIB) \
	$(FCGI_LIBS) $(CURL_LIBS) $(JSONC_LIBS) $(NETTLE_LIBS) $(OPENSSL_LIBS) \
	$(GNUTLS_LIBS) $(INIH_LIBS)
noinst_LIBRARIES += %D%/libtoken.a
%C%_libtoken_a_SOURCES = \
	%D%/acceptor.c \
	%D%/acceptor.h \
	%D%/aead.c \
	%D%/aead.h \
	%D%/bearer.c \
	%D%/bearer.h \
	%D%/binding.c \
	%D%/binding.h \
	%D%/cgi.c \
	%D%/cgi.h \
	%D%/check.c \
	%D%/check.h \
	%D%/exchange.c \
	%D%/exchange.h \
	%D%/fairqueue.c \
	%D%/fairqueue.h \
	%D%/gate.c \
	%D%/gate.h \
	%D%/handle.c \
	%D%/handle.h \
	%D%/held.c \
	%D%/held.h \
	%D%/keyset.c \
	%D%/keyset.h \
	%D%/keystore.c \
	%D%/keystore.h \
	%D%/listener.c \
	%D%/listener.h \
	%D%/logid.c \
	%D%/logid.h \
	%D%/metrics.c \
	%D%/metrics.h \
	%D%/mint_schedule.c \
	%D%/mint_schedule.h \
	%D%/minter.c \
	%D%/minter.h \
	%D%/oaep.h \
	%D%/outcome.c \
	%D%/outcome.h \
	%D%/peers.c \
	%D%/peers.h \
	%D%/processors.c \
	%D%/processors.h \
	%D%/request.c \
	%D%/request.h \
	%D%/responder.c \
	%D%/responder.h \
	%D%/results.c \
	%D%/results.h \
	%D%/route.c \
	%D%/route.h \
	%D%/rules.h \
	%D%/service.c \
	%D%/service.h \
	%D%/settings.c \
	%D%/settings.h \
	%D%/token_cache.c \
	%D%/token_cache.h \
	%D%/token_cache_file.c \
	%D%/token_cache_file.h \
	%D%/unseal.h \
	%D%/unsealed.c \
	%D%/unsealed.h \
	%D%/work.c \
	%D%/work.h

# one back end for fcgi/unseal.h
if UNSEAL_GNUTLS
%C%_libtoken_a_SOURCES += %D%/unseal_gnutls.c
endif
if UNSEAL_OPENSSL
%C%_libtoken_a_SOURCES += %D%/unseal_openssl.c
endif
if UNSEAL_NETTLE
%C%_libtoken_a_SOURCES += %D%/oaep.c %D%/unseal_nettle.c
endif

sbin_PROGRAMS += ambient-cp-token
ambient_cp_token_SOURCES = %D%/main.c
ambient_cp_token_LDADD = $(ACP_TOKEN_LIBS)
