/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an operator decides about who gets a token and how it is renewed.
 * Plain values; a copy goes to whoever needs one.
 */
#ifndef ACP_FCGI_RULES_H
#define ACP_FCGI_RULES_H

#include <stdint.h>

/* In the order of the words of the key "binding". */
enum acp_binding_mode {
	ACP_BINDING_OFF, /* proofs are not looked at */
	ACP_BINDING_OPTIONAL, /* none is accepted, a wrong one is not */
	ACP_BINDING_REQUIRED
};

struct acp_rules {
	enum acp_binding_mode binding;
	int64_t renewal_ttl_ms; /* life of one handle */
	int64_t renewal_max_age_ms; /* of a chain of them, from its start */
};

#endif
