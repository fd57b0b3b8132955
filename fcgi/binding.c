/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds s and p in a query and checks the proof. Called by the acceptors and
 * the CGI program before anything that costs. A parser of foreign bytes; must
 * never decode, so that there is one way to write each of them.
 */
#include <config.h>

#include "fcgi/binding.h"

#include "lib/proof.h"
#include "lib/session_id.h"

#include <stdio.h>
#include <string.h>

struct parameter {
	const char *value;
	size_t size;
	unsigned int count;
};

/* The parameter's value starts behind its name and "=", or is empty. */
static void
note_parameter(struct parameter *parameter, const char *text, size_t size)
{
	size_t skipped = size > 1 ? 2 : 1;

	parameter->value = text + skipped;
	parameter->size = size - skipped;
	parameter->count++;
}

static bool
has_name(const char *text, size_t size, char name)
{
	return size > 0 && text[0] == name && (size == 1 || text[1] == '=');
}

static void
find_parameters(const char *uri, struct parameter *s, struct parameter *p)
{
	const char *at = uri ? strchr(uri, '?') : NULL;
	size_t size;

	while (at) {
		at++; /* ? or & */
		size = strcspn(at, "&");
		if (has_name(at, size, 's'))
			note_parameter(s, at, size);
		else if (has_name(at, size, 'p'))
			note_parameter(p, at, size);
		at = at[size] ? at + size : NULL;
	}
}

enum presence { ABSENT, MALFORMED, PRESENT };

/* PRESENT: s and p are there once each, and might belong together. */
static enum presence
find_pair(const char *uri, struct parameter *s, struct parameter *p)
{
	find_parameters(uri, s, p);
	if (s->count == 0 && p->count == 0)
		return ABSENT;
	if (s->count != 1 || p->count != 1 || p->size != ACP_PROOF_SIZE - 1 ||
		!acp_session_id_is_legal(s->value, s->size))
		return MALFORMED;
	return PRESENT;
}

static bool
may_pass(enum acp_binding_mode mode, enum presence presence)
{
	switch (presence) {
	case ABSENT:
		return mode != ACP_BINDING_REQUIRED;
	case MALFORMED:
		return mode == ACP_BINDING_OFF;
	case PRESENT:
		break;
	}
	return true;
}

bool
acp_binding_is_well_formed(enum acp_binding_mode mode, const char *uri)
{
	struct parameter s = {0}, p = {0};

	return may_pass(mode, find_pair(uri, &s, &p));
}

/* Fills the binding when p is the proof for s. */
static void
check_proof(const struct parameter *s, const struct parameter *p,
	const struct acp_keyring *ring, struct acp_binding *binding)
{
	char session[ACP_SESSION_ID_MAX + 1] = "";
	const struct acp_key *key;

	memcpy(session, s->value, s->size);
	key = acp_proof_find_key(ring, session, p->value, p->size);
	if (!key)
		return;
	binding->is_proved = true;
	memcpy(binding->session, session, sizeof(session));
	snprintf(binding->key_id, sizeof(binding->key_id), "%s",
		acp_key_peek_id(key));
}

enum acp_error
acp_binding_read(enum acp_binding_mode mode, const char *uri,
	const struct acp_keyring *ring, struct acp_binding *binding)
{
	struct acp_binding found = {.is_enforced = mode != ACP_BINDING_OFF};
	struct parameter s = {0}, p = {0};
	enum presence presence = find_pair(uri, &s, &p);

	if (!may_pass(mode, presence))
		return ACP_DENIED;
	if (presence == PRESENT)
		check_proof(&s, &p, ring, &found);
	if (presence == PRESENT && !found.is_proved && found.is_enforced)
		return ACP_DENIED;
	*binding = found;
	return ACP_OK;
}

bool
acp_binding_may_serve(const struct acp_binding *binding, const char *session,
	bool needs_proof)
{
	if (!binding->is_proved)
		return !needs_proof;
	/* both are known to the caller: no need for constant time */
	return (!binding->is_enforced && !needs_proof) ||
		strcmp(binding->session, session) == 0;
}
