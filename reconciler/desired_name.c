/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that are derived from what callers of the API wrote: namespaces and
 * bindings. Distinct inputs must never end up with one name unnoticed, and no
 * name of somebody else's may be taken.
 */
#include <config.h>

#include "reconciler/desired.h"

#include "lib/hash.h"

#include <string.h>

static const char mpp_prefix[] = "ambient-code--";

enum {
	HASH_BYTES = 8, /* of the hash in a binding's name */
	ID_SHOWN = 80 /* characters of an id in a message */
};

/* Letters of ASCII only: other bytes stay and are refused later. */
static char
lower(char character)
{
	if (character >= 'A' && character <= 'Z')
		return (char)(character - 'A' + 'a');
	return character;
}

static bool
is_label_character(char character)
{
	return (character >= 'a' && character <= 'z') ||
		(character >= '0' && character <= '9') || character == '-';
}

/* RFC 1123 label, as Kubernetes wants it of a namespace. */
static bool
is_dns_label(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < size; i++)
		if (!is_label_character(name[i]))
			return false;
	return size && name[0] != '-' && name[size - 1] != '-';
}

static bool
is_same(const char *name, const char *reserved)
{
	return reserved && strcmp(name, reserved) == 0;
}

/* Namespaces of the cluster, of the platform and of our own. */
static bool
is_reserved(const struct acp_site *site, const char *name)
{
	return is_same(name, "default") || strncmp(name, "kube-", 5) == 0 ||
		strncmp(name, "openshift", 9) == 0 ||
		is_same(name, site->runtime_namespace) ||
		is_same(name, site->config_namespace) ||
		is_same(name, site->image_namespace) ||
		is_same(name, site->vertex_namespace) ||
		is_same(name, "ambient-code--config") ||
		is_same(name, "ambient-code--runtime-int");
}

enum acp_error
acp_desired_namespace_name(const struct acp_site *site, const char *project_id,
	char name[static ACP_NAME_SIZE], struct acp_buffer *why)
{
	const char *prefix =
		site->platform == ACP_PLATFORM_MPP ? mpp_prefix : "";
	size_t start = strlen(prefix), size = strlen(project_id);
	char text[ACP_NAME_SIZE];

	if (start + size > ACP_NAME_MAX) {
		acp_buffer_printf(why,
			"its namespace %s%.*s… would have %zu characters, and "
			"%d are possible: use a shorter project name",
			prefix, ID_SHOWN, project_id, start + size,
			ACP_NAME_MAX);
		return ACP_BAD_REQUEST;
	}
	memcpy(text, prefix, start);
	for (size_t i = 0; i <= size; i++)
		text[start + i] = lower(project_id[i]);
	if (!size || !is_dns_label(text)) {
		acp_buffer_printf(why,
			"\"%s\" is no name for a namespace: use a project "
			"name of a-z, 0-9 and \"-\"",
			text);
		return ACP_BAD_REQUEST;
	}
	if (is_reserved(site, text)) {
		acp_buffer_printf(why,
			"the namespace %s is reserved: use another project "
			"name",
			text);
		return ACP_BAD_REQUEST;
	}
	memcpy(name, text, start + size + 1);
	return ACP_OK;
}

const char *
acp_desired_tenant_name(const struct acp_site *site, const char *namespace)
{
	if (site->platform != ACP_PLATFORM_MPP)
		return namespace;
	if (strncmp(namespace, mpp_prefix, sizeof(mpp_prefix) - 1) != 0)
		return NULL;
	return namespace + sizeof(mpp_prefix) - 1;
}

/* What a name may have of text: no "-" at either end, nor two in a row. */
static size_t
write_slug(const char *text, char *slug, size_t room)
{
	size_t size = 0;

	for (; *text && size < room; text++) {
		char character = lower(*text);

		if (character == '-' || !is_label_character(character))
			character = '-';
		if (character != '-' || (size && slug[size - 1] != '-'))
			slug[size++] = character;
	}
	while (size && slug[size - 1] == '-')
		size--;
	slug[size] = '\0';
	return size;
}

void
acp_desired_binding_name(
	const char *prefix, const char *text, char name[static ACP_NAME_SIZE])
{
	const size_t behind = 1 + 2 * HASH_BYTES;
	struct acp_hash state;
	/* prefixes are our own, and short */
	size_t size = strnlen(prefix, ACP_NAME_MAX / 2);

	memcpy(name, prefix, size);
	name[size++] = '-';
	size += write_slug(text, name + size, ACP_NAME_MAX - behind - size);
	if (name[size - 1] != '-')
		name[size++] = '-';
	acp_hash_init(&state);
	acp_hash_add_text(&state, text);
	acp_hash_finish_hex(&state, HASH_BYTES, name + size);
}
