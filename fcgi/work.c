/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of ciphertexts and the threads that open them. Called by the
 * acceptors; releases waiters on its own threads. One lock guards queue,
 * waiters and memory, and is never held during a private key operation or
 * while an answer is written.
 */
#include <config.h>

#include "fcgi/work.h"

#include "fcgi/fairqueue.h"
#include "fcgi/results.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/memory.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
	WORKERS_MAX = 256,
	WORKER_NICE = 5, /* more than the rest of the process has */
	JOB_BUCKETS = 4096,
	GUESS_US = 10000, /* of an opening, before the first one is over */
	STRETCH_PARTS = 1024, /* one opening's part of the average */
	STRETCH_MOST = 64, /* of one: a suspended machine says nothing */
	KEPT_LEAST = 64, /* for a retry, of one address */
	KEPT_PARTS = 8
};

/* What a burst of callers takes from the workers for a moment. */
static const double stretch_of_bursts = 2;

enum job_state {
	JOB_QUEUED,
	JOB_ABANDONED, /* nobody waits for it any more */
	JOB_OPENING
};

/* One ciphertext that is queued or being opened. */
struct acp_job {
	struct acp_fairqueue_place place; /* first: the place is the job */
	enum job_state state;
	struct acp_job *chain; /* next in its bucket */
	struct acp_result_key key;
	struct acp_ciphertext *ciphertext;
	struct acp_peer *peer; /* in whose line it is; a reference */
	struct acp_work_waiter *waiters;
	/* while it is abandoned */
	struct acp_job *next;
	struct acp_job *previous;
	int64_t abandoned_ms;
	int64_t away_ms; /* before that, since it has its place */
};

struct acp_work {
	struct acp_keystore *keystore;
	struct acp_metrics *metrics;
	struct acp_peers *peers;
	pthread_t threads[WORKERS_MAX];
	size_t thread_count;

	pthread_mutex_t lock;
	pthread_cond_t has_job;
	struct acp_work_limits limits;
	struct acp_results *results;
	struct acp_job *buckets[JOB_BUCKETS];
	struct acp_fairqueue queue; /* of those that somebody waits for */
	struct {
		struct acp_job *first;
		struct acp_job *last;
		size_t count;
	} abandoned; /* in the order of time */
	size_t held;
	int64_t average_us; /* processor time of one; 0 before the first */
	double stretch; /* how many times that an opening lasts */
	bool is_stopping;
};

size_t
acp_work_get_job_memory(void)
{
	return sizeof(struct acp_job) + sizeof(struct acp_ciphertext);
}

static struct acp_job **
find_job(struct acp_work *work, const struct acp_result_key *key)
{
	uint32_t index;
	struct acp_job **link;

	memcpy(&index, key->bytes, sizeof(index));
	link = &work->buckets[index % JOB_BUCKETS];
	while (*link && memcmp(&(*link)->key, key, sizeof(*key)) != 0)
		link = &(*link)->chain;
	return link;
}

static enum acp_fairqueue_class
classify(const struct acp_ciphertext *ciphertext)
{
	return ciphertext->proof_key_id[0] ? ACP_FAIRQUEUE_FIRST
					   : ACP_FAIRQUEUE_SECOND;
}

/* Gives the job a place at the end of a peer's line. */
static void
enqueue(struct acp_work *work, struct acp_job *job, struct acp_peer *peer)
{
	enum acp_fairqueue_class class = classify(job->ciphertext);

	job->peer = acp_peers_dup(work->peers, peer, acp_work_get_job_memory());
	acp_fairqueue_push(
		&work->queue, class, &peer->lines[class], &job->place);
	job->state = JOB_QUEUED;
	job->away_ms = 0;
	pthread_cond_signal(&work->has_job);
}

/* A new place in that line instead of the one it had. */
static void
change_line(struct acp_work *work, struct acp_job *job, struct acp_peer *peer)
{
	struct acp_peer *before = job->peer;

	enqueue(work, job, peer);
	acp_peers_drop(work->peers, before, acp_work_get_job_memory());
}

/* Behind all that somebody waits for. */
static void
push_abandoned(struct acp_work *work, struct acp_job *job)
{
	job->state = JOB_ABANDONED;
	job->abandoned_ms = acp_clock_now_ms();
	job->next = NULL;
	job->previous = work->abandoned.last;
	if (job->previous)
		job->previous->next = job;
	else
		work->abandoned.first = job;
	work->abandoned.last = job;
	work->abandoned.count++;
	job->peer->kept++;
}

static void
pull_abandoned(struct acp_work *work, struct acp_job *job)
{
	if (job->previous)
		job->previous->next = job->next;
	else
		work->abandoned.first = job->next;
	if (job->next)
		job->next->previous = job->previous;
	else
		work->abandoned.last = job->previous;
	work->abandoned.count--;
	job->peer->kept--;
}

static struct acp_job *
dequeue(struct acp_work *work)
{
	struct acp_job *job = (struct acp_job *)acp_fairqueue_pop(&work->queue);

	if (!job && work->abandoned.first) {
		job = work->abandoned.first;
		pull_abandoned(work, job);
	}
	if (job)
		job->state = JOB_OPENING;
	return job;
}

/* Takes the job out of the table; what is left are its waiters. */
static struct acp_work_waiter *
end_job(struct acp_work *work, struct acp_job *job)
{
	struct acp_work_waiter *waiters = job->waiters;

	*find_job(work, &job->key) = job->chain;
	for (struct acp_work_waiter *w = waiters; w; w = w->next) {
		w->job = NULL;
		work->held--;
	}
	acp_peers_drop(work->peers, job->peer, acp_work_get_job_memory());
	free(job->ciphertext);
	free(job);
	return waiters;
}

/* True when the retry has not come in time, or there is no room for it. */
static bool
is_deserted(const struct acp_work *work, const struct acp_job *job)
{
	return acp_clock_now_ms() - job->abandoned_ms > ACP_ABANDONED_KEEP_MS ||
		work->abandoned.count + work->queue.places >
		work->limits.most_queued;
}

/* Unopened. */
static void
drop_job(struct acp_work *work, struct acp_job *job)
{
	end_job(work, job);
	acp_metrics_count_unseal(work->metrics, ACP_UNSEAL_DROPPED, 0);
}

static void
drop_deserted(struct acp_work *work)
{
	struct acp_job *job;

	while ((job = work->abandoned.first) && is_deserted(work, job)) {
		pull_abandoned(work, job);
		drop_job(work, job);
	}
}

static void
release_all(
	struct acp_work_waiter *waiters, const struct acp_unsealed *unsealed)
{
	struct acp_work_waiter *next;

	for (; waiters; waiters = next) {
		next = waiters->next;
		waiters->release(waiters, unsealed);
	}
}

static enum acp_unseal_result
name_result(const struct acp_unsealed *unsealed)
{
	switch (unsealed->verdict) {
	case ACP_UNSEALED_SESSION:
		return ACP_UNSEAL_OPENED;
	case ACP_UNSEALED_FORBIDDEN:
		return ACP_UNSEAL_FORBIDDEN;
	case ACP_UNSEALED_DENIED:
	case ACP_UNSEALED_VERDICT__MAX:
		break;
	}
	return ACP_UNSEAL_DENIED;
}

/*
 * By processor time: in the first burst of a herd the web server and the
 * callers take half of the machine, and what operations last then says little
 * of the time to come. Where they last longer for long, as under a quota, that
 * is known by the slower average.
 */
static void
note_duration(struct acp_work *work, int64_t used_us, int64_t lasted_us)
{
	double stretch = used_us > 0 ? (double)lasted_us / (double)used_us : 1;

	if (stretch > STRETCH_MOST)
		stretch = STRETCH_MOST;
	work->stretch += (stretch - work->stretch) / STRETCH_PARTS;
	if (work->average_us == 0)
		work->average_us = used_us;
	else
		work->average_us += (used_us - work->average_us) / 16;
}

/*
 * One private key operation, with the lock free meanwhile. False when the
 * keys were replaced during it: then it counts for nothing.
 */
static bool
open_job(struct acp_work *work, const struct acp_job *job,
	struct acp_unsealed *unsealed)
{
	ACP_AUTO(keyset)
	struct acp_keyset *keyset = acp_keystore_dup_current(work->keystore);
	ACP_AUTO(keyset) struct acp_keyset *present = NULL;
	int64_t lasted_us = acp_clock_now_us();
	int64_t used_us = acp_clock_thread_us();

	pthread_mutex_unlock(&work->lock);
	acp_unsealed_init(unsealed, keyset, job->ciphertext);
	used_us = acp_clock_thread_us() - used_us;
	lasted_us = acp_clock_now_us() - lasted_us;
	acp_metrics_count_unseal(
		work->metrics, name_result(unsealed), lasted_us);
	acp_metrics_count_unseal_cpu(work->metrics, used_us);
	pthread_mutex_lock(&work->lock);
	note_duration(work, used_us, lasted_us);
	/* looked at under the lock, so that acp_work_forget comes after it */
	present = acp_keystore_dup_current(work->keystore);
	return present == keyset;
}

/* One turn of a worker: called and left with the lock held. */
static void
do_job(struct acp_work *work, struct acp_job *job)
{
	struct acp_unsealed unsealed;
	struct acp_work_waiter *waiters;

	while (!open_job(work, job, &unsealed))
		continue;
	acp_results_add(
		work->results, &job->key, &unsealed, acp_clock_now_ms());
	waiters = end_job(work, job);
	pthread_mutex_unlock(&work->lock);
	release_all(waiters, &unsealed);
	acp_secret_wipe(&unsealed, sizeof(unsealed));
	pthread_mutex_lock(&work->lock);
}

/* On Linux a thread has a nice value of its own. */
static void
lower_priority(void)
{
	int before;

	errno = 0;
	before = getpriority(PRIO_PROCESS, (id_t)gettid());
	if (errno ||
		setpriority(PRIO_PROCESS, (id_t)gettid(), before + WORKER_NICE))
		acp_log(ACP_LOG_WARN, "worker_priority_not_lowered",
			ACP_F_TEXT("reason", strerror(errno)));
}

static void *
run_worker(void *argument)
{
	struct acp_work *work = argument;
	struct acp_job *job;

	lower_priority();
	pthread_mutex_lock(&work->lock);
	while (!work->is_stopping) {
		drop_deserted(work);
		job = dequeue(work);
		if (job)
			do_job(work, job);
		else
			pthread_cond_wait(&work->has_job, &work->lock);
	}
	pthread_mutex_unlock(&work->lock);
	return NULL;
}

enum acp_error
acp_work_new(struct acp_keystore *keystore, struct acp_metrics *metrics,
	struct acp_peers *peers, size_t workers,
	const struct acp_work_limits *limits, struct acp_work **result)
{
	struct acp_work *work = acp_memory_new(1, sizeof(*work));

	work->keystore = keystore;
	work->metrics = metrics;
	work->peers = peers;
	work->stretch = 1;
	work->limits = *limits;
	work->results =
		acp_results_new(limits->cache_entries, limits->cache_ttl_ms);
	pthread_mutex_init(&work->lock, NULL);
	pthread_cond_init(&work->has_job, NULL);
	while (work->thread_count < workers &&
		work->thread_count < WORKERS_MAX) {
		if (pthread_create(&work->threads[work->thread_count], NULL,
			    run_worker, work))
			break;
		work->thread_count++;
	}
	if (work->thread_count == 0) {
		acp_work_free(&work);
		return ACP_FAULT;
	}
	*result = work;
	return ACP_OK;
}

void
acp_work_stop(struct acp_work *work)
{
	struct acp_work_waiter *waiters;
	struct acp_job *job;

	pthread_mutex_lock(&work->lock);
	work->is_stopping = true;
	pthread_cond_broadcast(&work->has_job);
	pthread_mutex_unlock(&work->lock);
	while (work->thread_count > 0)
		pthread_join(work->threads[--work->thread_count], NULL);

	pthread_mutex_lock(&work->lock);
	while ((job = dequeue(work))) {
		waiters = end_job(work, job);
		pthread_mutex_unlock(&work->lock);
		release_all(waiters, NULL);
		pthread_mutex_lock(&work->lock);
	}
	pthread_mutex_unlock(&work->lock);
}

void
acp_work_free(struct acp_work **work)
{
	if (!*work)
		return;
	assert((*work)->thread_count == 0 && !(*work)->abandoned.first);
	acp_fairqueue_clear(&(*work)->queue);
	acp_results_free(&(*work)->results);
	pthread_cond_destroy(&(*work)->has_job);
	pthread_mutex_destroy(&(*work)->lock);
	free(*work);
	*work = NULL;
}

void
acp_work_set_limits(struct acp_work *work, const struct acp_work_limits *limits)
{
	pthread_mutex_lock(&work->lock);
	work->limits = *limits;
	acp_results_resize(
		work->results, limits->cache_entries, limits->cache_ttl_ms);
	pthread_mutex_unlock(&work->lock);
}

void
acp_work_forget(struct acp_work *work, const struct acp_keyset *keyset)
{
	pthread_mutex_lock(&work->lock);
	acp_results_keep_keys(work->results, keyset);
	pthread_mutex_unlock(&work->lock);
}

/* With the lock held: the remembered result, copied out. */
static bool
recall(struct acp_work *work, const struct acp_result_key *key,
	struct acp_unsealed *unsealed)
{
	const struct acp_unsealed *known =
		acp_results_find(work->results, key, acp_clock_now_ms());

	if (!known)
		return false;
	*unsealed = *known;
	acp_metrics_count_hit(work->metrics,
		known->verdict == ACP_UNSEALED_SESSION ? ACP_CACHE_HIT_RESULT
						       : ACP_CACHE_HIT_FAILURE);
	return true;
}

enum acp_work_answer
acp_work_recall(struct acp_work *work, const struct acp_ciphertext *ciphertext,
	struct acp_unsealed *unsealed)
{
	struct acp_result_key key;
	bool is_known;

	acp_results_name(work->results, ciphertext, &key);
	pthread_mutex_lock(&work->lock);
	is_known = recall(work, &key, unsealed);
	pthread_mutex_unlock(&work->lock);
	return is_known ? ACP_WORK_KNOWN : ACP_WORK_UNKNOWN;
}

/* Milliseconds until so many turns are over. */
static int64_t
expect_ms(const struct acp_work *work, size_t turns)
{
	int64_t each_us = work->average_us ? work->average_us : GUESS_US;

	if (work->stretch > stretch_of_bursts)
		each_us = (int64_t)((double)each_us * work->stretch);
	return (int64_t)(turns / work->thread_count) * each_us / 1000;
}

/* Half of a wait in whole seconds, rounded up. */
static unsigned int
halve(int64_t wait_ms)
{
	return (unsigned int)(wait_ms / 2000) + 1;
}

static bool
has_time(const struct acp_work *work, enum acp_fairqueue_class class,
	const struct acp_peer *peer, unsigned int *retry_after_s)
{
	int64_t wait_ms = expect_ms(work,
		acp_fairqueue_get_ahead(
			&work->queue, class, &peer->lines[class]));

	if (wait_ms <= work->limits.queue_wait_ms)
		return true;
	acp_metrics_count_busy(work->metrics, ACP_BUSY_WAIT);
	*retry_after_s = halve(wait_ms);
	return false;
}

unsigned int
acp_work_get_retry_after_s(struct acp_work *work)
{
	unsigned int retry_after_s;

	pthread_mutex_lock(&work->lock);
	retry_after_s = halve(expect_ms(work, work->queue.places));
	pthread_mutex_unlock(&work->lock);
	return retry_after_s;
}

static struct acp_job *
add_job(struct acp_work *work, const struct acp_result_key *key,
	const struct acp_ciphertext *ciphertext, struct acp_peer *peer)
{
	struct acp_job *job = acp_memory_new(1, sizeof(*job));

	job->key = *key;
	job->ciphertext = acp_memory_new(1, sizeof(*ciphertext));
	*job->ciphertext = *ciphertext;
	/* the end of its bucket, for it was not found there */
	*find_job(work, key) = job;
	enqueue(work, job, peer);
	drop_deserted(work);
	return job;
}

/*
 * To the place that it had, unless it was away for too long in all: or who
 * leaves and comes back again and again would save up turns.
 */
static void
return_job(struct acp_work *work, struct acp_job *job, struct acp_peer *peer)
{
	pull_abandoned(work, job);
	job->away_ms += acp_clock_now_ms() - job->abandoned_ms;
	if (job->away_ms > ACP_ABANDONED_KEEP_MS) {
		change_line(work, job, peer);
		return;
	}
	acp_fairqueue_restore(&work->queue, &job->place);
	job->state = JOB_QUEUED;
}

/* One that brings a ciphertext again: it is the better of both places. */
static void
join_job(struct acp_work *work, struct acp_job *job,
	const struct acp_ciphertext *ciphertext, struct acp_peer *peer)
{
	enum acp_fairqueue_class class = classify(ciphertext);

	acp_metrics_count_hit(work->metrics, ACP_CACHE_HIT_JOINED);
	if (job->state == JOB_OPENING)
		return;
	if (job->state == JOB_ABANDONED)
		return_job(work, job, peer);
	if (!acp_fairqueue_is_later(
		    &work->queue, &job->place, class, &peer->lines[class]))
		return;
	acp_fairqueue_remove(&work->queue, &job->place);
	*job->ciphertext = *ciphertext;
	change_line(work, job, peer);
}

static void
add_waiter(struct acp_work *work, struct acp_job *job,
	struct acp_work_waiter *waiter)
{
	waiter->job = job;
	waiter->previous = NULL;
	waiter->next = job->waiters;
	if (waiter->next)
		waiter->next->previous = waiter;
	job->waiters = waiter;
	work->held++;
}

enum acp_work_answer
acp_work_submit(struct acp_work *work, const struct acp_ciphertext *ciphertext,
	struct acp_work_waiter *waiter, struct acp_unsealed *unsealed,
	unsigned int *retry_after_s)
{
	enum acp_work_answer answer = ACP_WORK_HELD;
	struct acp_result_key key;
	struct acp_job *job;

	acp_results_name(work->results, ciphertext, &key);
	*retry_after_s = 1;
	pthread_mutex_lock(&work->lock);
	drop_deserted(work);
	job = *find_job(work, &key);
	if (!job && recall(work, &key, unsealed))
		answer = ACP_WORK_KNOWN;
	else if (work->is_stopping)
		answer = ACP_WORK_FULL;
	else if (job)
		join_job(work, job, ciphertext, waiter->peer);
	else if (has_time(work, classify(ciphertext), waiter->peer,
			 retry_after_s))
		job = add_job(work, &key, ciphertext, waiter->peer);
	else
		answer = ACP_WORK_FULL;
	if (answer == ACP_WORK_HELD)
		add_waiter(work, job, waiter);
	pthread_mutex_unlock(&work->lock);
	return answer;
}

static void
remove_waiter(struct acp_job *job, struct acp_work_waiter *waiter)
{
	if (waiter->previous)
		waiter->previous->next = waiter->next;
	else
		job->waiters = waiter->next;
	if (waiter->next)
		waiter->next->previous = waiter->previous;
	waiter->job = NULL;
}

/* One address must not push out what is kept of the others. */
static bool
has_share_kept(const struct acp_work *work, const struct acp_peer *peer)
{
	size_t used = work->abandoned.count + work->queue.places;
	size_t most = work->limits.most_queued;

	return peer->kept >= KEPT_LEAST &&
		(used >= most || peer->kept >= (most - used) / KEPT_PARTS);
}

/* Nobody waits for it any more. */
static void
abandon_job(struct acp_work *work, struct acp_job *job)
{
	if (job->state != JOB_QUEUED)
		return;
	acp_fairqueue_remove(&work->queue, &job->place);
	if (has_share_kept(work, job->peer))
		drop_job(work, job);
	else
		push_abandoned(work, job);
	drop_deserted(work);
}

bool
acp_work_abandon(struct acp_work *work, struct acp_work_waiter *waiter)
{
	struct acp_job *job;
	bool is_out = false;

	pthread_mutex_lock(&work->lock);
	job = waiter->job;
	if (job) {
		remove_waiter(job, waiter);
		if (!job->waiters)
			abandon_job(work, job);
		work->held--;
		is_out = true;
	}
	pthread_mutex_unlock(&work->lock);
	return is_out;
}

size_t
acp_work_get_held(struct acp_work *work)
{
	size_t held;

	pthread_mutex_lock(&work->lock);
	held = work->held;
	pthread_mutex_unlock(&work->lock);
	return held;
}
