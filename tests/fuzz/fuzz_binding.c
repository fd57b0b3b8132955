/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/binding.c: any text as a request target. What each mode says must fit
 * what the others say, and a proof can only be right by being sent.
 */
#include <config.h>

#include "fcgi/binding.h"

#include "lib/auto.h"
#include "lib/memory.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

/* Without keys no proof is right. */
static bool
is_accepted(enum acp_binding_mode mode, const char *uri)
{
	const struct acp_keyring ring = {.count = 0};
	struct acp_binding binding;

	if (acp_binding_read(mode, uri, &ring, &binding))
		return false;
	if (!acp_binding_is_well_formed(mode, uri) || binding.is_proved ||
		binding.session[0] || binding.key_id[0] ||
		binding.is_enforced != (mode != ACP_BINDING_OFF))
		abort();
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ACP_AUTO(free) char *uri = acp_memory_dup_bytes(data, size);
	bool has_pair = acp_binding_is_well_formed(ACP_BINDING_REQUIRED, uri);

	if (!is_accepted(ACP_BINDING_OFF, uri) ||
		is_accepted(ACP_BINDING_REQUIRED, uri))
		abort();
	if (has_pair &&
		(is_accepted(ACP_BINDING_OPTIONAL, uri) ||
			!acp_binding_is_well_formed(ACP_BINDING_OPTIONAL, uri)))
		abort();
	if (has_pair && (!strstr(uri, "s=") || !strstr(uri, "p=")))
		abort();
	return 0;
}
