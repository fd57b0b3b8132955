/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of kinds, and paths built from it. Pure; called by whatever
 * speaks of Kubernetes objects.
 */
#include <config.h>

#include "reconciler/kinds.h"

#include <assert.h>
#include <string.h>

struct kind {
	const char *name;
	const char *api_version;
	const char *plural;
	bool is_namespaced;
};

static const struct kind kinds[] = {
#define ACP_KIND_ROW(symbol, kind, version, plural, is_namespaced) \
	[ACP_KIND_##symbol] = {kind, version, plural, is_namespaced},
	ACP_KINDS(ACP_KIND_ROW)
#undef ACP_KIND_ROW
};

static const struct kind *
peek_kind(enum acp_kind kind)
{
	assert(kind < ACP_KIND__MAX);
	return &kinds[kind];
}

const char *
acp_kind_name(enum acp_kind kind)
{
	return peek_kind(kind)->name;
}

const char *
acp_kind_api_version(enum acp_kind kind)
{
	return peek_kind(kind)->api_version;
}

const char *
acp_kind_plural(enum acp_kind kind)
{
	return peek_kind(kind)->plural;
}

bool
acp_kind_is_namespaced(enum acp_kind kind)
{
	return peek_kind(kind)->is_namespaced;
}

/* The part of "GROUP/VERSION" before the slash, of which there are few. */
const char *
acp_kind_group(enum acp_kind kind)
{
	static const char *const groups[] = {
		"apps",
		"authorization.k8s.io",
		"coordination.k8s.io",
		"networking.k8s.io",
		"rbac.authorization.k8s.io",
		"tenant.paas.redhat.com",
		"vteam.ambient-code",
	};
	const char *version = peek_kind(kind)->api_version;
	const char *slash = strchr(version, '/');
	size_t size = slash ? (size_t)(slash - version) : 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (size == strlen(groups[i]) &&
			memcmp(groups[i], version, size) == 0)
			return groups[i];
	assert(!slash);
	return "";
}

static bool
is_unreserved(char letter)
{
	return letter &&
		strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		       "0123456789-._~",
			letter);
}

/* "." and ".." would be taken for steps in the path. */
static bool
is_step(const char *text)
{
	return strcmp(text, ".") == 0 || strcmp(text, "..") == 0;
}

static void
write_segment(const char *text, struct acp_buffer *path)
{
	bool is_hidden = is_step(text);

	acp_buffer_append(path, "/");
	for (; *text; text++)
		if (is_unreserved(*text) && !is_hidden)
			acp_buffer_append_bytes(path, text, 1);
		else
			acp_buffer_printf(path, "%%%02X",
				(unsigned int)(unsigned char)*text);
}

void
acp_ref_write_path(const struct acp_ref *ref, struct acp_buffer *path)
{
	const struct kind *kind = peek_kind(ref->kind);
	bool is_core = !strchr(kind->api_version, '/');

	acp_buffer_printf(
		path, "/%s/%s", is_core ? "api" : "apis", kind->api_version);
	if (kind->is_namespaced && ref->namespace) {
		acp_buffer_append(path, "/namespaces");
		write_segment(ref->namespace, path);
	}
	acp_buffer_printf(path, "/%s", kind->plural);
	if (ref->name)
		write_segment(ref->name, path);
}

void
acp_ref_describe(const struct acp_ref *ref, struct acp_buffer *text)
{
	acp_buffer_append(text, acp_kind_name(ref->kind));
	acp_buffer_append(text, " ");
	if (acp_kind_is_namespaced(ref->kind) && ref->namespace)
		acp_buffer_printf(text, "%s/", ref->namespace);
	acp_buffer_append(text, ref->name ? ref->name : "*");
}
