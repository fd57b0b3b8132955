/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Lease: looked at, taken, renewed, given up. One mutex (io) lets one
 * request at a time be under way; the other (lock) guards what any thread may
 * ask, and is never held while a request is. Must never judge a time that
 * another machine wrote.
 */
#include <config.h>

#include "reconciler/lease.h"

#include "lib/clock.h"
#include "lib/json.h"
#include "lib/log.h"
#include "lib/memory.h"
#include "lib/random.h"
#include "reconciler/lease_record.h"
#include "reconciler/lease_seen.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	IDENTITY_SIZE = 320,
	NOTE_SIZE = 64,
	TEXT_MAX = 2048,
	TRIES = 4, /* when another writer was first */
	ASK_PAUSE_MS = 500, /* between two looks of an asker */
};

struct acp_lease {
	struct acp_lease_settings settings;
	char identity[IDENTITY_SIZE];

	pthread_mutex_t io; /* of this: one request at a time */
	struct acp_lease_seen seen;

	pthread_mutex_t lock; /* of these */
	pthread_cond_t wake;
	bool is_stopping;
	bool is_candidate; /* takes the Lease again and again */
	bool is_held;
	bool is_yielding; /* held, but asked for by another */
	int64_t renewed_ms; /* when the last renewal that succeeded was sent */
	int64_t allowed_ms; /* when a write was last allowed to begin; or 0 */
	char allowed[NOTE_SIZE]; /* the notes as last seen */
	char swept[NOTE_SIZE];

	bool has_thread;
	pthread_t thread;
};

static void
make_identity(const struct acp_lease_settings *settings, char *identity)
{
	char host[256] = "";
	uint64_t number;

	if (settings->identity) {
		snprintf(identity, IDENTITY_SIZE, "%s", settings->identity);
		return;
	}
	acp_random_fill(&number, sizeof(number));
	gethostname(host, sizeof(host) - 1);
	snprintf(identity, IDENTITY_SIZE, "%s_%ld_%016llx", host,
		(long)getpid(), (unsigned long long)number);
}

struct acp_lease *
acp_lease_new(const struct acp_lease_settings *settings)
{
	struct acp_lease *lease = acp_memory_new(1, sizeof(*lease));
	pthread_condattr_t attributes;

	lease->settings = *settings;
	make_identity(settings, lease->identity);
	lease->seen = (struct acp_lease_seen){
		.settings = &lease->settings, .identity = lease->identity};
	pthread_mutex_init(&lease->io, NULL);
	pthread_mutex_init(&lease->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&lease->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	return lease;
}

const char *
acp_lease_peek_identity(const struct acp_lease *lease)
{
	return lease->identity;
}

static bool
is_held(struct acp_lease *lease)
{
	bool held;

	pthread_mutex_lock(&lease->lock);
	held = lease->is_held;
	pthread_mutex_unlock(&lease->lock);
	return held;
}

bool
acp_lease_is_held(struct acp_lease *lease)
{
	bool held;

	pthread_mutex_lock(&lease->lock);
	held = lease->is_held && !lease->is_yielding;
	pthread_mutex_unlock(&lease->lock);
	return held;
}

bool
acp_lease_may_write(struct acp_lease *lease)
{
	int64_t now_ms;
	bool may;

	pthread_mutex_lock(&lease->lock);
	now_ms = acp_clock_now_ms();
	may = lease->is_held && !lease->is_yielding &&
		now_ms - lease->renewed_ms < ACP_LEASE_WRITE_MS;
	if (may)
		lease->allowed_ms = now_ms;
	pthread_mutex_unlock(&lease->lock);
	return may;
}

bool
acp_lease_guard(void *context)
{
	return acp_lease_may_write(context);
}

/* Milliseconds until the last write that was allowed has surely ended. */
static int64_t
count_in_flight_ms(struct acp_lease *lease)
{
	int64_t left_ms = 0;

	pthread_mutex_lock(&lease->lock);
	if (lease->allowed_ms > 0)
		left_ms = lease->allowed_ms + ACP_LEASE_REQUEST_MS -
			acp_clock_now_ms();
	pthread_mutex_unlock(&lease->lock);
	return left_ms > 0 ? left_ms : 0;
}

/* Remembers the notes for those who read them without a request. */
static enum acp_error
remember_notes(struct acp_lease *lease, enum acp_error error)
{
	const char *allowed =
		acp_lease_seen_peek_note(&lease->seen, ACP_LEASE_ALLOWED);
	const char *swept =
		acp_lease_seen_peek_note(&lease->seen, ACP_LEASE_SWEPT);

	if (error)
		return error;
	pthread_mutex_lock(&lease->lock);
	snprintf(lease->allowed, sizeof(lease->allowed), "%s", allowed);
	snprintf(lease->swept, sizeof(lease->swept), "%s", swept);
	pthread_mutex_unlock(&lease->lock);
	return ACP_OK;
}

static enum acp_error
look(struct acp_lease *lease, struct acp_buffer *why)
{
	return remember_notes(lease, acp_lease_seen_look(&lease->seen, why));
}

/* *is_late when another writer was first. */
static enum acp_error
write_record(struct acp_lease *lease, struct json_object *record, bool *is_late,
	struct acp_buffer *why)
{
	return remember_notes(lease,
		acp_lease_seen_write(&lease->seen, record, is_late, why));
}

static void
set_held(struct acp_lease *lease, bool held, int64_t sent_ms)
{
	pthread_mutex_lock(&lease->lock);
	if (held != lease->is_held)
		lease->allowed_ms = 0;
	lease->is_held = held;
	lease->is_yielding = false;
	if (held)
		lease->renewed_ms = sent_ms;
	pthread_mutex_unlock(&lease->lock);
}

static void
lose(struct acp_lease *lease, const char *reason)
{
	set_held(lease, false, 0);
	acp_log(ACP_LOG_WARN, "lease_lost",
		ACP_F_TEXT("identity", lease->identity),
		ACP_F_TEXT("reason", reason));
}

/* ACP_RETRY_LATER is for a Lease that another holds, not for silence. */
static enum acp_error
name_failure(enum acp_error error)
{
	return error == ACP_RETRY_LATER ? ACP_FAULT : error;
}

/* Enters ourselves; what is seen was looked at just now, and is not taken. */
static enum acp_error
enter(struct acp_lease *lease, struct acp_buffer *why)
{
	ACP_AUTO(json)
	struct json_object *record = acp_lease_seen_dup_record(&lease->seen);
	ACP_AUTO(free)
	char *before =
		acp_memory_dup_text(acp_lease_seen_peek_holder(&lease->seen));
	int64_t sent_ms = acp_clock_now_ms();
	bool is_late;
	enum acp_error error;

	acp_lease_record_hold(record, lease->identity,
		acp_lease_seen_get_server_s(&lease->seen),
		ACP_LEASE_DURATION_MS / 1000);
	acp_lease_record_note(record, ACP_LEASE_YIELD_TO, NULL);
	error = write_record(lease, record, &is_late, why);
	if (is_late)
		return ACP_RETRY_LATER;
	if (error)
		return name_failure(error);
	set_held(lease, true, sent_ms);
	acp_log(ACP_LOG_INFO, "lease_acquired",
		ACP_F_TEXT("identity", lease->identity),
		ACP_F_TEXT("from", *before ? before : NULL));
	return ACP_OK;
}

/* Looks, and takes the Lease when it may be; ACP_RETRY_LATER when not. */
static enum acp_error
try_to_enter(struct acp_lease *lease, struct acp_buffer *why)
{
	enum acp_error error = look(lease, why);

	if (error && error != ACP_GONE)
		return name_failure(error);
	acp_buffer_clear(why);
	if (acp_lease_seen_is_taken(&lease->seen)) {
		acp_buffer_printf(why, "%s holds the Lease %s/%s",
			*acp_lease_seen_peek_holder(&lease->seen)
				? acp_lease_seen_peek_holder(&lease->seen)
				: acp_lease_seen_peek_asker(&lease->seen),
			lease->settings.namespace, ACP_LEASE_NAME);
		return ACP_RETRY_LATER;
	}
	return enter(lease, why);
}

/* Gives the Lease up, when it is still ours. */
static void
release(struct acp_lease *lease, const char *event)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error = ACP_RETRY_LATER;
	bool is_late = true;

	set_held(lease, false, 0);
	acp_buffer_init(&why, TEXT_MAX);
	for (int i = 0;
		i < TRIES && is_late && acp_lease_seen_is_ours(&lease->seen);
		i++) {
		ACP_AUTO(json)
		struct json_object *record =
			acp_lease_seen_dup_record(&lease->seen);

		acp_buffer_clear(&why);
		acp_lease_record_release(record);
		error = write_record(lease, record, &is_late, &why);
		if (is_late && look(lease, &why))
			break;
	}
	if (!error)
		acp_log(ACP_LOG_INFO, event,
			ACP_F_TEXT("identity", lease->identity));
	else
		acp_log_message(ACP_LOG_WARN, "lease_release_failed",
			"the Lease stays until it expires: %s",
			acp_buffer_peek(&why));
}

/* Writes the renewal once; *is_late when another wrote since we looked. */
static enum acp_error
write_renewal(struct acp_lease *lease, bool *is_late, struct acp_buffer *why)
{
	ACP_AUTO(json)
	struct json_object *record = acp_lease_seen_dup_record(&lease->seen);
	int64_t sent_ms = acp_clock_now_ms();
	enum acp_error error;

	acp_lease_record_renew(
		record, acp_lease_seen_get_server_s(&lease->seen));
	error = write_record(lease, record, is_late, why);
	if (!error) {
		pthread_mutex_lock(&lease->lock);
		lease->renewed_ms = sent_ms;
		pthread_mutex_unlock(&lease->lock);
	}
	return error;
}

/* Renews; false when the Lease is seen not to be ours any more. */
static bool
renew(struct acp_lease *lease)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error = ACP_RETRY_LATER;
	bool is_late = true;

	acp_buffer_init(&why, TEXT_MAX);
	for (int i = 0;
		i < TRIES && is_late && acp_lease_seen_is_ours(&lease->seen);
		i++) {
		acp_buffer_clear(&why);
		error = write_renewal(lease, &is_late, &why);
		if (is_late && look(lease, &why))
			break;
	}
	if (error)
		acp_log_message(ACP_LOG_WARN, "lease_renewal_failed", "%s",
			acp_buffer_peek(&why));
	return acp_lease_seen_is_ours(&lease->seen);
}

/* Has the Lease not been renewed for its whole life? */
static bool
is_outlived(struct acp_lease *lease)
{
	int64_t renewed_ms;

	pthread_mutex_lock(&lease->lock);
	renewed_ms = lease->renewed_ms;
	pthread_mutex_unlock(&lease->lock);
	return acp_clock_now_ms() - renewed_ms >= ACP_LEASE_DURATION_MS;
}

static void
set_yielding(struct acp_lease *lease, bool is_yielding)
{
	pthread_mutex_lock(&lease->lock);
	lease->is_yielding = is_yielding;
	pthread_mutex_unlock(&lease->lock);
}

/* The holder's turn. */
static int64_t
hold(struct acp_lease *lease)
{
	int64_t wait_ms;

	if (!renew(lease)) {
		lose(lease,
			lease->seen.record
				? acp_lease_seen_peek_holder(&lease->seen)
				: "it was deleted");
		return 0;
	}
	if (is_outlived(lease)) {
		lose(lease, "it could not be renewed");
		return ACP_LEASE_RENEW_MS;
	}
	set_yielding(lease, *acp_lease_seen_peek_asker(&lease->seen) != '\0');
	if (*acp_lease_seen_peek_asker(&lease->seen) == '\0')
		return ACP_LEASE_RENEW_MS;
	wait_ms = count_in_flight_ms(lease);
	if (wait_ms == 0)
		release(lease, "lease_yielded");
	return wait_ms > 0 && wait_ms < ACP_LEASE_RENEW_MS ? wait_ms
							   : ACP_LEASE_RENEW_MS;
}

/* The turn of one who would hold it. */
static int64_t
stand_by(struct acp_lease *lease)
{
	ACP_AUTO(buffer) struct acp_buffer why;
	enum acp_error error;
	int64_t life_ms;

	acp_buffer_init(&why, TEXT_MAX);
	error = try_to_enter(lease, &why);
	if (!error)
		return ACP_LEASE_RENEW_MS;
	if (error != ACP_RETRY_LATER)
		acp_log_message(ACP_LOG_WARN, "lease_failed", "%s",
			acp_buffer_peek(&why));
	else
		acp_log_message(ACP_LOG_DEBUG, "lease_waited_for", "%s",
			acp_buffer_peek(&why));
	life_ms = acp_lease_seen_count_life_ms(&lease->seen);
	return life_ms > 0 && life_ms < ACP_LEASE_RENEW_MS ? life_ms
							   : ACP_LEASE_RENEW_MS;
}

int64_t
acp_lease_step(struct acp_lease *lease)
{
	int64_t wait_ms = ACP_LEASE_RENEW_MS;

	pthread_mutex_lock(&lease->io);
	if (is_held(lease))
		wait_ms = hold(lease);
	else if (lease->is_candidate)
		wait_ms = stand_by(lease);
	pthread_mutex_unlock(&lease->io);
	return wait_ms;
}

/* False when the lease is being stopped. */
static bool
pause_for(struct acp_lease *lease, int64_t wait_ms)
{
	struct timespec until;
	bool is_stopping;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(wait_ms / 1000);
	until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&lease->lock);
	while (!lease->is_stopping &&
		pthread_cond_timedwait(&lease->wake, &lease->lock, &until) == 0)
		continue;
	is_stopping = lease->is_stopping;
	pthread_mutex_unlock(&lease->lock);
	return !is_stopping;
}

static void *
run(void *context)
{
	struct acp_lease *lease = context;

	while (pause_for(lease, acp_lease_step(lease)))
		continue;
	return NULL;
}

static void
start_thread(struct acp_lease *lease)
{
	assert(!lease->has_thread);
	if (pthread_create(&lease->thread, NULL, run, lease))
		acp_memory_exhausted();
	lease->has_thread = true;
}

void
acp_lease_start(struct acp_lease *lease)
{
	lease->is_candidate = true;
	start_thread(lease);
}

void
acp_lease_stop(struct acp_lease *lease)
{
	pthread_mutex_lock(&lease->lock);
	lease->is_stopping = true;
	pthread_cond_broadcast(&lease->wake);
	pthread_mutex_unlock(&lease->lock);
}

void
acp_lease_free(struct acp_lease **lease)
{
	struct acp_lease *old = *lease;

	if (!old)
		return;
	acp_lease_stop(old);
	if (old->has_thread)
		pthread_join(old->thread, NULL);
	if (old->is_held)
		release(old, "lease_released");
	acp_lease_seen_clear(&old->seen);
	pthread_cond_destroy(&old->wake);
	pthread_mutex_destroy(&old->lock);
	pthread_mutex_destroy(&old->io);
	free(old);
	*lease = NULL;
}

/* Changes one note; whoever holds the Lease. io is held. */
static enum acp_error
write_note(struct acp_lease *lease, const char *name, const char *value,
	struct acp_buffer *why)
{
	enum acp_error error = ACP_RETRY_LATER;
	bool is_late = true;

	for (int i = 0; i < TRIES && is_late; i++) {
		ACP_AUTO(json) struct json_object *record = NULL;

		acp_buffer_clear(why);
		error = look(lease, why);
		if (error && error != ACP_GONE)
			return error;
		acp_buffer_clear(why);
		record = acp_lease_seen_dup_record(&lease->seen);
		acp_lease_record_note(record, name, value);
		error = write_record(lease, record, &is_late, why);
	}
	return error;
}

static enum acp_error
set_note(struct acp_lease *lease, const char *name, const char *value,
	struct acp_buffer *why)
{
	enum acp_error error;

	pthread_mutex_lock(&lease->io);
	error = write_note(lease, name, value, why);
	pthread_mutex_unlock(&lease->io);
	return error;
}

/* Asks the holder to yield, unless it, or another asker's, is there. */
static enum acp_error
ask(struct acp_lease *lease, struct acp_buffer *why)
{
	ACP_AUTO(json) struct json_object *record = NULL;
	bool is_late;
	enum acp_error error;

	if (!lease->seen.record ||
		*acp_lease_seen_peek_note(&lease->seen, ACP_LEASE_YIELD_TO))
		return ACP_OK;
	record = acp_lease_seen_dup_record(&lease->seen);
	acp_lease_record_note(record, ACP_LEASE_YIELD_TO, lease->identity);
	error = write_record(lease, record, &is_late, why);
	return error == ACP_RETRY_LATER ? ACP_OK : error;
}

/* Takes our question back, so that the holder need not yield to nobody. */
static void
take_back(struct acp_lease *lease)
{
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&why, TEXT_MAX);
	if (strcmp(acp_lease_seen_peek_note(&lease->seen, ACP_LEASE_YIELD_TO),
		    lease->identity) != 0)
		return;
	if (write_note(lease, ACP_LEASE_YIELD_TO, NULL, &why))
		acp_log_message(ACP_LOG_WARN, "lease_note_failed", "%s",
			acp_buffer_peek(&why));
}

/* One attempt of a blocking acquire; *is_over when no other will follow. */
static enum acp_error
attempt(struct acp_lease *lease, enum acp_lease_way way, bool *is_over,
	struct acp_buffer *why)
{
	ACP_AUTO(free) char *before = acp_memory_dup_text(lease->seen.version);
	bool was_looked = *before != '\0';
	enum acp_error error;

	acp_buffer_clear(why);
	error = try_to_enter(lease, why);
	*is_over = error != ACP_RETRY_LATER;
	if (*is_over || !acp_lease_seen_is_taken(&lease->seen))
		return error;
	if (way == ACP_LEASE_ONCE) {
		*is_over =
			was_looked && strcmp(before, lease->seen.version) != 0;
		return error;
	}
	error = ask(lease, why);
	*is_over = error != ACP_OK;
	return error ? error : ACP_RETRY_LATER;
}

/* The pause before the next attempt. */
static int64_t
count_pause_ms(const struct acp_lease *lease, enum acp_lease_way way)
{
	int64_t pause_ms =
		way == ACP_LEASE_ASK ? ASK_PAUSE_MS : ACP_LEASE_RENEW_MS;
	int64_t life_ms = acp_lease_seen_count_life_ms(&lease->seen);

	return life_ms > 0 && life_ms < pause_ms ? life_ms : pause_ms;
}

enum acp_error
acp_lease_acquire(
	struct acp_lease *lease, enum acp_lease_way way, struct acp_buffer *why)
{
	int64_t until_ms = acp_clock_now_ms() + ACP_LEASE_YIELD_MS;
	bool is_over = false;
	enum acp_error error;

	do {
		pthread_mutex_lock(&lease->io);
		error = attempt(lease, way, &is_over, why);
		pthread_mutex_unlock(&lease->io);
	} while (!is_over && acp_clock_now_ms() < until_ms &&
		pause_for(lease, count_pause_ms(lease, way)));
	if (!error) {
		start_thread(lease);
		return ACP_OK;
	}
	pthread_mutex_lock(&lease->io);
	take_back(lease);
	pthread_mutex_unlock(&lease->io);
	return error;
}

enum acp_error
acp_lease_look(struct acp_lease *lease, struct acp_buffer *why)
{
	enum acp_error error;

	pthread_mutex_lock(&lease->io);
	error = look(lease, why);
	pthread_mutex_unlock(&lease->io);
	return error == ACP_GONE ? ACP_OK : error;
}

enum acp_error
acp_lease_allow_mass_delete(
	struct acp_lease *lease, const char *digest, struct acp_buffer *why)
{
	char time[ACP_CLOCK_TEXT_SIZE];
	char note[NOTE_SIZE];
	enum acp_error error;

	if (strlen(digest) != ACP_LEASE_DIGEST_SIZE - 1 ||
		strspn(digest, "0123456789abcdef") !=
			ACP_LEASE_DIGEST_SIZE - 1) {
		acp_buffer_append(why,
			"this is no digest: give the 16 digits that a held "
			"plan is printed with");
		return ACP_BAD_REQUEST;
	}
	pthread_mutex_lock(&lease->io);
	error = look(lease, why);
	if ((!error || error == ACP_GONE) &&
		acp_lease_seen_get_server_s(&lease->seen) > 0) {
		acp_clock_format(
			acp_lease_seen_get_server_s(&lease->seen) * 1000, 0,
			time);
		snprintf(note, sizeof(note), "%s %s", digest, time);
		error = write_note(lease, ACP_LEASE_ALLOWED, note, why);
	} else if (!error || error == ACP_GONE) {
		acp_buffer_append(
			why, "the Kubernetes API server did not tell its time");
		error = ACP_RETRY_LATER;
	}
	pthread_mutex_unlock(&lease->io);
	return error;
}

void
acp_lease_read_allowed(struct acp_lease *lease, int64_t now_s,
	char digest[static ACP_LEASE_DIGEST_SIZE])
{
	char note[NOTE_SIZE];
	int64_t since_s;
	size_t size;

	pthread_mutex_lock(&lease->lock);
	memcpy(note, lease->allowed, sizeof(note));
	pthread_mutex_unlock(&lease->lock);
	digest[0] = '\0';
	size = strcspn(note, " ");
	if (size != ACP_LEASE_DIGEST_SIZE - 1 || note[size] == '\0')
		return;
	since_s = acp_lease_record_read_time(note + size + 1);
	if (since_s > 0 && now_s - since_s < ACP_LEASE_ALLOWED_S &&
		since_s - now_s < ACP_LEASE_AHEAD_S)
		snprintf(
			digest, ACP_LEASE_DIGEST_SIZE, "%.*s", (int)size, note);
}

int64_t
acp_lease_get_swept_s(struct acp_lease *lease)
{
	int64_t swept_s;

	pthread_mutex_lock(&lease->lock);
	swept_s = acp_lease_record_read_time(lease->swept);
	pthread_mutex_unlock(&lease->lock);
	return swept_s;
}

enum acp_error
acp_lease_set_swept_s(
	struct acp_lease *lease, int64_t swept_s, struct acp_buffer *why)
{
	char time[ACP_CLOCK_TEXT_SIZE];

	acp_clock_format(swept_s * 1000, 0, time);
	return set_note(lease, ACP_LEASE_SWEPT, time, why);
}
