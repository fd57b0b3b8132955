/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue of requests and the thread that moves them. A caller builds and
 * reads its own transfer; only the thread touches the multi handle, which
 * others may but wake. Never logs.
 */
#include <config.h>

#include "reconciler/http_pool.h"

#include "lib/http_curl.h"
#include "lib/limits.h"
#include "lib/memory.h"
#include "reconciler/http_transfer.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

enum { POLL_MS = 1000, URGENT_SHARE = 4, LANE_SHARE = 4 };

/* One request: on the stack of its caller, who waits for is_done. */
struct job {
	struct acp_http_transfer transfer;
	struct job *next;
	pthread_cond_t done;
	bool is_done;
	enum acp_error error; /* of what was never sent */
	CURLcode result; /* of what was */
};

struct queue {
	struct job *first;
	struct job **last;
};

struct acp_http_pool {
	CURLM *multi;
	pthread_t thread;
	struct acp_http_pems pems;
	size_t places; /* in flight at most */
	size_t kept; /* of them for what is urgent */
	size_t lane_places; /* of them for one lane */
	/* the thread's own */
	size_t in_flight;
	struct job *flying;
	pthread_mutex_t lock; /* over what follows */
	struct queue urgent;
	struct queue patient;
	bool is_closed;
	bool is_ended;
};

static void
init_queue(struct queue *queue)
{
	queue->first = NULL;
	queue->last = &queue->first;
}

static void
push_job(struct queue *queue, struct job *job)
{
	job->next = NULL;
	*queue->last = job;
	queue->last = &job->next;
}

static bool
is_same_lane(
	const struct acp_http_call *left, const struct acp_http_call *right)
{
	return left->lane && right->lane &&
		left->lane_size == right->lane_size &&
		memcmp(left->lane, right->lane, left->lane_size) == 0;
}

static bool
has_lane_room(const struct acp_http_pool *pool, const struct job *job)
{
	const struct acp_http_call *call = job->transfer.call;
	size_t flying = 0;

	for (const struct job *other = pool->flying; other; other = other->next)
		flying += is_same_lane(other->transfer.call, call);
	return pool->is_closed || flying < pool->lane_places;
}

/* The first whose lane has room. */
static struct job *
pop_job(const struct acp_http_pool *pool, struct queue *queue)
{
	struct job **link = &queue->first;
	struct job *job;

	while ((job = *link) && !has_lane_room(pool, job))
		link = &job->next;
	if (!job)
		return NULL;
	*link = job->next;
	if (!*link)
		queue->last = link;
	return job;
}

static void
take_off(struct acp_http_pool *pool, struct job *job)
{
	job->next = pool->flying;
	pool->flying = job;
	pool->in_flight++;
}

static void
land(struct acp_http_pool *pool, const struct job *job)
{
	struct job **link = &pool->flying;

	while (*link != job)
		link = &(*link)->next;
	*link = job->next;
	pool->in_flight--;
}

/* The caller may be gone as soon as the lock is released. */
static void
end_job(struct acp_http_pool *pool, struct job *job, enum acp_error error,
	CURLcode result)
{
	pthread_mutex_lock(&pool->lock);
	job->error = error;
	job->result = result;
	job->is_done = true;
	pthread_cond_signal(&job->done);
	pthread_mutex_unlock(&pool->lock);
}

/* NULL when nothing waits that may begin now, or is refused. */
static struct job *
take_next_job(struct acp_http_pool *pool, bool *is_refused)
{
	struct job *job = NULL;

	pthread_mutex_lock(&pool->lock);
	if (pool->is_closed || pool->in_flight < pool->places)
		job = pop_job(pool, &pool->urgent);
	if (!job &&
		(pool->is_closed ||
			pool->in_flight < pool->places - pool->kept))
		job = pop_job(pool, &pool->patient);
	*is_refused =
		job && pool->is_closed && !job->transfer.call->is_of_ending;
	pthread_mutex_unlock(&pool->lock);
	return job;
}

static void
start_job(struct acp_http_pool *pool, struct job *job)
{
	const struct acp_http_call *call = job->transfer.call;
	int64_t time_ms =
		call->begin ? call->begin(call->context) : call->timeout_ms;

	if (time_ms <= 0) {
		end_job(pool, job, call->begin ? ACP_DENIED : ACP_RETRY_LATER,
			CURLE_OPERATION_TIMEDOUT);
	} else if (!acp_http_transfer_has_time(&job->transfer, time_ms) ||
		curl_multi_add_handle(pool->multi, job->transfer.easy)) {
		end_job(pool, job, ACP_FAULT, CURLE_FAILED_INIT);
	} else {
		take_off(pool, job);
	}
}

static void
start_jobs(struct acp_http_pool *pool)
{
	bool is_refused;
	struct job *job;

	while ((job = take_next_job(pool, &is_refused))) {
		if (is_refused)
			end_job(pool, job, ACP_RETRY_LATER,
				CURLE_ABORTED_BY_CALLBACK);
		else
			start_job(pool, job);
	}
}

static bool
has_finished_jobs(struct acp_http_pool *pool)
{
	bool has_finished = false;
	const CURLMsg *message;
	struct job *job;
	CURLcode result;
	CURL *easy;
	int queued;

	while ((message = curl_multi_info_read(pool->multi, &queued))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		/* the message goes away with its handle */
		easy = message->easy_handle;
		result = message->data.result;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&job);
		curl_multi_remove_handle(pool->multi, easy);
		land(pool, job);
		end_job(pool, job, ACP_OK, result);
		has_finished = true;
	}
	return has_finished;
}

static bool
is_over(struct acp_http_pool *pool)
{
	bool is_ended;

	pthread_mutex_lock(&pool->lock);
	is_ended = pool->is_ended;
	pthread_mutex_unlock(&pool->lock);
	return is_ended;
}

static void *
run_transfers(void *argument)
{
	struct acp_http_pool *pool = argument;
	int running;

	while (!is_over(pool)) {
		start_jobs(pool);
		curl_multi_perform(pool->multi, &running);
		if (!has_finished_jobs(pool))
			curl_multi_poll(pool->multi, NULL, 0, POLL_MS, NULL);
	}
	return NULL;
}

/* Signals are for the program's own threads. */
static void
start_thread(struct acp_http_pool *pool)
{
	sigset_t all;
	sigset_t old;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	error = pthread_create(&pool->thread, NULL, run_transfers, pool);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (error)
		acp_memory_exhausted();
}

struct acp_http_pool *
acp_http_pool_new(size_t in_flight)
{
	struct acp_http_pool *pool = acp_memory_new(1, sizeof(*pool));

	assert(in_flight > 0 && in_flight <= ACP_HTTP_IN_FLIGHT_MAX);
	acp_http_curl_init();
	acp_http_pems_init(&pool->pems);
	pthread_mutex_init(&pool->lock, NULL);
	init_queue(&pool->urgent);
	init_queue(&pool->patient);
	pool->places = in_flight;
	/* one of two or three, a quarter of more */
	pool->kept = in_flight > 1 && in_flight < URGENT_SHARE
		? 1
		: in_flight / URGENT_SHARE;
	pool->lane_places =
		in_flight < LANE_SHARE ? in_flight : in_flight / LANE_SHARE;
	pool->multi = curl_multi_init();
	if (!pool->multi)
		acp_memory_exhausted();
	curl_multi_setopt(
		pool->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
	curl_multi_setopt(pool->multi, CURLMOPT_MAXCONNECTS, (long)in_flight);
	start_thread(pool);
	return pool;
}

void
acp_http_pool_free(struct acp_http_pool **pool)
{
	struct acp_http_pool *ended = *pool;

	*pool = NULL;
	if (!ended)
		return;
	pthread_mutex_lock(&ended->lock);
	ended->is_ended = true;
	pthread_mutex_unlock(&ended->lock);
	curl_multi_wakeup(ended->multi);
	pthread_join(ended->thread, NULL);
	curl_multi_cleanup(ended->multi);
	acp_http_pems_clear(&ended->pems);
	pthread_mutex_destroy(&ended->lock);
	free(ended);
}

void
acp_http_pool_close(struct acp_http_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	pool->is_closed = true;
	pthread_mutex_unlock(&pool->lock);
	curl_multi_wakeup(pool->multi);
}

void
acp_http_answer_init(struct acp_http_answer *answer)
{
	*answer = (struct acp_http_answer){0};
}

void
acp_http_answer_clear(struct acp_http_answer *answer)
{
	acp_secret_clear(&answer->body);
	acp_http_answer_init(answer);
}

static void
wait_for_job(struct acp_http_pool *pool, struct job *job)
{
	bool is_urgent = job->transfer.call->is_urgent;

	pthread_mutex_lock(&pool->lock);
	push_job(is_urgent ? &pool->urgent : &pool->patient, job);
	curl_multi_wakeup(pool->multi);
	while (!job->is_done)
		pthread_cond_wait(&job->done, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
}

/* Words for what was never sent. */
static const char *
describe_refusal(const struct job *job)
{
	switch (job->error) {
	case ACP_DENIED:
		return "it must not be sent any more";
	case ACP_FAULT:
		return "curl did not take the request";
	default:
		break;
	}
	return job->result == CURLE_ABORTED_BY_CALLBACK
		? "the program is ending"
		: curl_easy_strerror(job->result);
}

enum acp_error
acp_http_pool_send(struct acp_http_pool *pool, const struct acp_http_call *call,
	struct acp_http_answer *answer, const char **why)
{
	struct job job = {0};
	enum acp_error error;

	error = acp_http_transfer_init(
		&job.transfer, call, answer, &pool->pems);
	*why = "curl lacks an option that is needed";
	if (!error &&
		curl_easy_setopt(job.transfer.easy, CURLOPT_PRIVATE, &job))
		error = ACP_FAULT;
	if (!error) {
		pthread_cond_init(&job.done, NULL);
		wait_for_job(pool, &job);
		pthread_cond_destroy(&job.done);
		error = job.error;
		*why = describe_refusal(&job);
		if (!error)
			error = acp_http_transfer_read(
				&job.transfer, job.result, why);
	}
	acp_http_transfer_clear(&job.transfer);
	return error;
}
