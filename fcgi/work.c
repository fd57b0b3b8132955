/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of ciphertexts and the threads that open them. Called by the
 * acceptors; releases waiters on its own threads. One lock guards queue,
 * waiters and memory, and is never held during a private key operation or
 * while an answer is written.
 */
#include <config.h>

#include "fcgi/work.h"

#include "fcgi/results.h"
#include "lib/clock.h"
#include "lib/limits.h"
#include "lib/memory.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

enum { WORKERS_MAX = 256, JOB_BUCKETS = 4096 };

/* One ciphertext that is queued or being opened. */
struct acp_job {
	struct acp_job *chain; /* next in its bucket */
	struct acp_job *after; /* next in the queue */
	struct acp_result_key key;
	struct acp_ciphertext *ciphertext;
	struct acp_work_waiter *waiters;
	int64_t abandoned_ms; /* when the last waiter left */
};

/* First in, first out. */
struct queue {
	struct acp_job *first;
	struct acp_job **last;
	size_t count;
};

struct acp_work {
	struct acp_keystore *keystore;
	struct acp_metrics *metrics;
	pthread_t threads[WORKERS_MAX];
	size_t thread_count;

	pthread_mutex_t lock;
	pthread_cond_t has_job;
	struct acp_work_limits limits;
	struct acp_results *results;
	struct acp_job *buckets[JOB_BUCKETS];
	struct queue proved; /* emptied before the other */
	struct queue unproved;
	size_t held;
	int64_t average_us; /* of one opening; 0 before the first */
	bool is_stopping;
};

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

static bool
is_proved(const struct acp_ciphertext *ciphertext)
{
	return ciphertext->proof_key_id[0] != '\0';
}

static void
enqueue(struct acp_work *work, struct acp_job *job)
{
	struct queue *queue =
		is_proved(job->ciphertext) ? &work->proved : &work->unproved;

	job->after = NULL;
	*queue->last = job;
	queue->last = &job->after;
	queue->count++;
	pthread_cond_signal(&work->has_job);
}

static struct acp_job *
dequeue(struct acp_work *work)
{
	struct queue *queue =
		work->proved.first ? &work->proved : &work->unproved;
	struct acp_job *job = queue->first;

	if (!job)
		return NULL;
	queue->first = job->after;
	if (!queue->first)
		queue->last = &queue->first;
	queue->count--;
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
	free(job->ciphertext);
	free(job);
	return waiters;
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
classify(const struct acp_unsealed *unsealed)
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

static void
note_duration(struct acp_work *work, int64_t duration_us)
{
	if (work->average_us == 0)
		work->average_us = duration_us;
	else
		work->average_us += (duration_us - work->average_us) / 16;
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
	int64_t start_us = acp_clock_now_us();
	int64_t duration_us;

	pthread_mutex_unlock(&work->lock);
	acp_unsealed_init(unsealed, keyset, job->ciphertext);
	duration_us = acp_clock_now_us() - start_us;
	acp_metrics_count_unseal(
		work->metrics, classify(unsealed), duration_us);
	pthread_mutex_lock(&work->lock);
	note_duration(work, duration_us);
	/* looked at under the lock, so that acp_work_forget comes after it */
	present = acp_keystore_dup_current(work->keystore);
	return present == keyset;
}

/* True when nobody waits any more and the retry has not come in time. */
static bool
is_deserted(const struct acp_job *job, int64_t now_ms)
{
	return !job->waiters &&
		now_ms - job->abandoned_ms > ACP_ABANDONED_KEEP_MS;
}

/* One turn of a worker: called and left with the lock held. */
static void
do_job(struct acp_work *work, struct acp_job *job)
{
	struct acp_unsealed unsealed;
	struct acp_work_waiter *waiters;

	if (is_deserted(job, acp_clock_now_ms())) {
		end_job(work, job);
		acp_metrics_count_unseal(work->metrics, ACP_UNSEAL_DROPPED, 0);
		return;
	}
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

static void *
run_worker(void *argument)
{
	struct acp_work *work = argument;
	struct acp_job *job;

	pthread_mutex_lock(&work->lock);
	while (!work->is_stopping) {
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
	size_t workers, const struct acp_work_limits *limits,
	struct acp_work **result)
{
	struct acp_work *work = acp_memory_new(1, sizeof(*work));

	work->keystore = keystore;
	work->metrics = metrics;
	work->limits = *limits;
	work->results =
		acp_results_new(limits->cache_entries, limits->cache_ttl_ms);
	work->proved.last = &work->proved.first;
	work->unproved.last = &work->unproved.first;
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
	assert((*work)->thread_count == 0 && !(*work)->proved.first &&
		!(*work)->unproved.first);
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

/* Milliseconds until a job queued now would be opened. */
static int64_t
expect_wait_ms(const struct acp_work *work, bool has_proof)
{
	size_t ahead =
		work->proved.count + (has_proof ? 0 : work->unproved.count);
	int64_t turns = (int64_t)(ahead / work->thread_count);

	return turns * work->average_us / 1000;
}

static bool
is_full(const struct acp_work *work, bool has_proof,
	unsigned int *retry_after_s)
{
	int64_t wait_ms = expect_wait_ms(work, has_proof);

	if (work->held < work->limits.most_held &&
		wait_ms <= work->limits.queue_wait_ms)
		return false;
	/* half of the queue will have gone by then */
	*retry_after_s = (unsigned int)(wait_ms / 2000) + 1;
	return true;
}

static struct acp_job *
add_job(struct acp_work *work, const struct acp_result_key *key,
	const struct acp_ciphertext *ciphertext)
{
	struct acp_job *job = acp_memory_new(1, sizeof(*job));

	job->key = *key;
	job->ciphertext = acp_memory_new(1, sizeof(*ciphertext));
	*job->ciphertext = *ciphertext;
	/* the end of its bucket, for it was not found there */
	*find_job(work, key) = job;
	enqueue(work, job);
	return job;
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
	pthread_mutex_lock(&work->lock);
	job = *find_job(work, &key);
	if (!job && recall(work, &key, unsealed)) {
		answer = ACP_WORK_KNOWN;
	} else if (work->is_stopping ||
		is_full(work, is_proved(ciphertext), retry_after_s)) {
		answer = ACP_WORK_FULL;
	} else {
		if (job)
			acp_metrics_count_hit(
				work->metrics, ACP_CACHE_HIT_JOINED);
		else
			job = add_job(work, &key, ciphertext);
		waiter->job = job;
		waiter->next = job->waiters;
		job->waiters = waiter;
		work->held++;
	}
	pthread_mutex_unlock(&work->lock);
	return answer;
}

bool
acp_work_abandon(struct acp_work *work, struct acp_work_waiter *waiter)
{
	struct acp_work_waiter **link;
	bool is_out = false;

	pthread_mutex_lock(&work->lock);
	if (waiter->job) {
		link = &waiter->job->waiters;
		while (*link != waiter)
			link = &(*link)->next;
		*link = waiter->next;
		if (!waiter->job->waiters)
			waiter->job->abandoned_ms = acp_clock_now_ms();
		waiter->job = NULL;
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
