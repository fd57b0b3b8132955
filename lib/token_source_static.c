/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The token source for a token that an operator gives: a value, or a file
 * that is read again when it changes (also when a symlink on its path
 * swaps, as in a Secret volume). Refuses the control plane's own cluster
 * identity. Never writes, never logs what it read.
 */
#include <config.h>

#include "lib/token_source_backend.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/jwt.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* What tells one state of a file from another; all zero: not there. */
struct file_state {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

struct static_source {
	struct acp_token_source base;
	const struct acp_source_settings *settings;
	struct file_state read_state;
	struct acp_token *token; /* the last good one */
};

static struct file_state
pick_state(const struct stat *status)
{
	return (struct file_state){
		.device = status->st_dev,
		.inode = status->st_ino,
		.size = status->st_size,
		.modified = status->st_mtim,
	};
}

static bool
is_same_state(const struct file_state *left, const struct file_state *right)
{
	return left->device == right->device && left->inode == right->inode &&
		left->size == right->size &&
		left->modified.tv_sec == right->modified.tv_sec &&
		left->modified.tv_nsec == right->modified.tv_nsec;
}

static void
log_refusal(const char *message)
{
	acp_log_message(ACP_LOG_ERROR, "static_token_refused", "%s", message);
}

static enum acp_error
read_file(struct static_source *source, struct acp_secret *content)
{
	const char *path = source->settings->api_token_file;
	ACP_AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ACP_AUTO(buffer) struct acp_buffer why;
	struct stat status;
	enum acp_error error;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	source->read_state = (struct file_state){0};
	if (fd < 0 || fstat(fd, &status)) {
		acp_log(ACP_LOG_ERROR, "static_token_unread",
			ACP_F_TEXT("path", path),
			ACP_F_TEXT("reason", strerror(errno)));
		return ACP_RETRY_LATER;
	}
	/* taken before reading: a change while we read is then seen later */
	source->read_state = pick_state(&status);
	error = acp_file_read_fd(fd, path, ACP_SECRET_FILE_MAX, content, &why);
	if (error)
		acp_log(ACP_LOG_ERROR, "static_token_unread",
			ACP_F_TEXT("reason", acp_buffer_peek(&why)));
	return error ? ACP_RETRY_LATER : ACP_OK;
}

static enum acp_error
read_value(struct static_source *source, struct acp_secret *value)
{
	const struct acp_secret *given = source->settings->api_token;
	enum acp_error error;

	if (source->settings->api_token_file) {
		error = read_file(source, value);
		if (error)
			return error;
	} else {
		acp_secret_set(value, acp_secret_peek(given), given->size);
	}
	while (value->size && strchr("\r\n", value->bytes[value->size - 1]))
		acp_secret_cut(value, value->size - 1);
	return ACP_OK;
}

/* Reads the life and applies our rules to a token. */
static enum acp_error
judge_value(const struct static_source *source, const struct acp_secret *value,
	int64_t *life_ms)
{
	struct acp_jwt jwt;

	*life_ms = ACP_TOKEN_LIFE_UNKNOWN;
	if (!acp_token_is_legal(acp_secret_peek(value), value->size)) {
		log_refusal("the API token is empty, too long, or has "
			    "characters that no header may carry: give the "
			    "token alone, on one line");
		return ACP_DENIED;
	}
	if (!acp_jwt_has_claims(value->bytes, value->size, &jwt))
		return ACP_OK;
	if (acp_jwt_is_cluster_identity(&jwt) &&
		!source->settings->may_use_cluster_token) {
		log_refusal("the API token is a Kubernetes service account's: "
			    "runners would get the control plane's cluster "
			    "rights. Give another token, or set "
			    "allow_cluster_token");
		return ACP_DENIED;
	}
	if (!jwt.has_expiry)
		return ACP_OK;
	*life_ms = acp_jwt_get_left_ms(&jwt, acp_clock_wall_ms());
	if (*life_ms > 0)
		return ACP_OK;
	log_refusal("the API token has expired: give a fresh one");
	return ACP_DENIED;
}

static bool
is_known_value(
	const struct static_source *source, const struct acp_secret *value)
{
	const char *known =
		source->token ? acp_token_peek_value(source->token) : "";

	return acp_secret_is_equal(value, known, strlen(known));
}

static enum acp_error
fetch_static(struct acp_token_source *base, struct acp_token **token,
	int64_t *retry_after_ms)
{
	struct static_source *source = (struct static_source *)base;
	ACP_AUTO(secret) struct acp_secret value;
	int64_t life_ms;
	enum acp_error error;

	(void)retry_after_ms;
	acp_secret_init(&value);
	error = read_value(source, &value);
	if (!error)
		error = judge_value(source, &value, &life_ms);
	if (error)
		return error;
	/* the same value keeps the life that it had when it was first seen */
	if (!is_known_value(source, &value)) {
		acp_token_free(&source->token);
		source->token = acp_token_new(
			value.bytes, value.size, acp_clock_now_ms(), life_ms);
	}
	*token = acp_token_dup(source->token);
	return ACP_OK;
}

static bool
has_changed_static(struct acp_token_source *base)
{
	struct static_source *source = (struct static_source *)base;
	const char *path = source->settings->api_token_file;
	struct file_state state = {0};
	struct stat status;

	if (!path)
		return false;
	if (!stat(path, &status))
		state = pick_state(&status);
	return !is_same_state(&state, &source->read_state);
}

static void
cancel_static(struct acp_token_source *base)
{
	(void)base; /* reading a file takes no time */
}

static void
free_static(struct acp_token_source *base)
{
	struct static_source *source = (struct static_source *)base;

	acp_token_free(&source->token);
	free(source);
}

static const struct acp_token_source_ops static_ops = {
	.fetch = fetch_static,
	.has_changed = has_changed_static,
	.cancel = cancel_static,
	.free = free_static,
};

struct acp_token_source *
acp_token_source_new_static(const struct acp_source_settings *settings)
{
	struct static_source *source = acp_memory_new(1, sizeof(*source));

	source->base.ops = &static_ops;
	source->settings = settings;
	return &source->base;
}
