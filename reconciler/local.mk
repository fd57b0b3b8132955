# SPDX-License-Identifier: Apache-2.0
# The reconciler: never links libfcgi.
ACP_RECONCILER_LIBS = reconciler/libreconciler.a $(ACP_LIB) \
	$(JSONC_LIBS) $(GNUTLS_LIBS) $(INIH_LIBS)
