/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes the record of the token cache, for fcgi/token_cache.c. It
 * lies in a folder that only our user may enter, yet is read as foreign:
 * anything odd means that there is no record. Never logs what it read.
 */
#include <config.h>

#include "fcgi/token_cache_file.h"

#include "lib/clock.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/limits.h"
#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

static const char record_name[] = "token";
static const char lock_name[] = "lock";

void
acp_cache_record_clear(struct acp_cache_record *record)
{
	acp_token_free(&record->token);
	*record = (struct acp_cache_record){0};
}

static void
log_fault(const char *what, const char *path, const char *reason)
{
	acp_log(ACP_LOG_ERROR, "token_cache_fault", ACP_F_TEXT("what", what),
		ACP_F_TEXT("path", path), ACP_F_TEXT("reason", reason));
}

static bool
is_ours_alone(const struct stat *status)
{
	return status->st_uid == geteuid() && !(status->st_mode & 077);
}

enum acp_error
acp_cache_folder_open(const char *path, int *fd)
{
	ACP_AUTO(fd) int folder = -1;
	struct stat status;

	if (mkdir(path, 0700) && errno != EEXIST) {
		log_fault("cache_dir cannot be made", path, strerror(errno));
		return ACP_FAULT;
	}
	folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0 || fstat(folder, &status)) {
		log_fault("cache_dir cannot be used", path, strerror(errno));
		return ACP_FAULT;
	}
	if (!is_ours_alone(&status)) {
		log_fault("cache_dir is refused", path,
			"it must belong to the user that the CGI program runs "
			"as and have mode 0700");
		return ACP_FAULT;
	}
	*fd = folder;
	folder = -1;
	return ACP_OK;
}

/* Reading */

static bool
has_read(int folder, struct acp_secret *content, struct acp_buffer *why)
{
	ACP_AUTO(fd)
	int fd = openat(folder, record_name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat status;

	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0 || fstat(fd, &status)) {
		acp_buffer_append(why, strerror(errno));
		return false;
	}
	if (!is_ours_alone(&status)) {
		acp_buffer_append(why, "owner or mode is not ours");
		return false;
	}
	return !acp_file_read_fd(
		fd, record_name, ACP_TOKEN_CACHE_FILE_MAX, content, why);
}

static bool
has_text(const struct json_object *object, const char *name, const char *text)
{
	size_t size = 0;
	const char *found = acp_json_peek_text(object, name, &size);

	return found && size == strlen(text) && !strcmp(found, text);
}

static struct acp_token *
read_token(const struct json_object *object, int64_t now_ms)
{
	size_t size = 0;
	const char *value = acp_json_peek_text(object, "token", &size);
	int64_t asked_ms = INT64_MAX;
	int64_t life_ms = 0;

	if (!value || !acp_token_is_legal(value, size) ||
		!acp_json_has_number(object, "asked_ms", &asked_ms) ||
		!acp_json_has_number(object, "life_ms", &life_ms))
		return NULL;
	/* no time that could not have been written */
	if (asked_ms > now_ms || life_ms <= 0 ||
		life_ms > ACP_TOKEN_LIFE_MAX_S * 1000)
		return NULL;
	return acp_token_new(value, size, asked_ms, life_ms);
}

static void
read_schedule(const struct json_object *object, int64_t now_ms,
	struct acp_mint_schedule *schedule)
{
	int64_t most_ms = now_ms + ACP_TOKEN_LIFE_MAX_S * 1000;

	acp_mint_schedule_init(schedule, now_ms);
	if (acp_json_has_number(object, "next_ms", &schedule->next_ms) &&
		schedule->next_ms > most_ms)
		schedule->next_ms = now_ms;
	if (acp_json_has_number(object, "pause_ms", &schedule->pause_ms) &&
		(schedule->pause_ms < 0 ||
			schedule->pause_ms > ACP_MINT_PAUSE_MAX_MS))
		schedule->pause_ms = 0;
}

void
acp_cache_record_read(
	int folder, const char *binding, struct acp_cache_record *record)
{
	ACP_AUTO(secret) struct acp_secret content = {0};
	ACP_AUTO(buffer) struct acp_buffer why;
	ACP_AUTO(json) struct json_object *object = NULL;
	int64_t now_ms = acp_clock_now_ms();
	size_t size = 0;

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	acp_cache_record_clear(record);
	acp_mint_schedule_init(&record->schedule, now_ms);
	if (has_read(folder, &content, &why)) {
		object = acp_json_new(acp_secret_peek(&content), content.size);
		if (!object)
			acp_buffer_append(&why, "it is damaged");
	}
	if (why.size)
		acp_log(ACP_LOG_WARN, "token_cache_ignored",
			ACP_F_TEXT("reason", acp_buffer_peek(&why)));
	if (!object || !has_text(object, "binding", binding))
		return;
	record->token = read_token(object, now_ms);
	/* who damaged the token may have damaged the times */
	if (record->token || !acp_json_peek_text(object, "token", &size))
		read_schedule(object, now_ms, &record->schedule);
	acp_json_wipe_text(object, "token");
}

/* Writing */

/* The token's own start of an object, then the times. */
static void
build_record(const struct acp_cache_record *record, const char *binding,
	struct acp_secret *content)
{
	ACP_AUTO(buffer) struct acp_buffer rest;
	int64_t now_ms = acp_clock_now_ms();
	int64_t life_ms;
	const char *start;
	size_t size = 0;

	acp_buffer_init(&rest, ACP_TOKEN_CACHE_FILE_MAX);
	if (record->token) {
		start = acp_token_peek_json(record->token, &size);
		acp_secret_set(content, start, size);
		life_ms = acp_token_get_life_ms(record->token);
		acp_buffer_printf(&rest, ",\"asked_ms\":%lld,\"life_ms\":%lld",
			(long long)(acp_token_get_left_ms(
					    record->token, now_ms) +
				now_ms - life_ms),
			(long long)life_ms);
	} else {
		acp_secret_set(content, "{\"token\":null", 13);
	}
	acp_buffer_printf(&rest,
		",\"next_ms\":%lld,\"pause_ms\":%lld,\"binding\":\"%s\"}\n",
		(long long)record->schedule.next_ms,
		(long long)record->schedule.pause_ms, binding);
	acp_secret_append(content, rest.text, rest.size);
}

void
acp_cache_record_write(const char *path, const char *binding,
	const struct acp_cache_record *record)
{
	ACP_AUTO(secret) struct acp_secret content = {0};
	ACP_AUTO(buffer) struct acp_buffer why;
	char name[PATH_MAX];
	int size = snprintf(name, sizeof(name), "%s/%s", path, record_name);

	acp_buffer_init(&why, ACP_LOG_VALUE_MAX);
	build_record(record, binding, &content);
	if (size < 0 || (size_t)size >= sizeof(name))
		acp_buffer_append(&why, "the path is too long");
	else if (!acp_file_replace(
			 name, 0600, content.bytes, content.size, &why))
		return;
	log_fault("the token cannot be kept", path, acp_buffer_peek(&why));
}

/* Locking */

/* flock has no time limit of its own. */
static bool
has_locked(int fd, int64_t deadline_ms)
{
	static const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

	while (flock(fd, LOCK_EX | LOCK_NB)) {
		if ((errno != EWOULDBLOCK && errno != EINTR) ||
			acp_clock_now_ms() >= deadline_ms)
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

enum acp_error
acp_cache_lock_open(int folder, int64_t deadline_ms, int *fd)
{
	ACP_AUTO(fd)
	int lock = openat(folder, lock_name,
		O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

	if (lock < 0) {
		log_fault("the lock cannot be opened", lock_name,
			strerror(errno));
		return ACP_FAULT;
	}
	if (!has_locked(lock, deadline_ms))
		return ACP_RETRY_LATER;
	*fd = lock;
	lock = -1;
	return ACP_OK;
}
