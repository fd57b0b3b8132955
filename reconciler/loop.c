/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Four things go on side by side: this thread waits for signals and tells the
 * supervisor how the others are, one keeps the key file in step; while we are
 * the leader (whose Lease has a thread of its own) one passes, and some take
 * turns at fast passes.
 */
#include <config.h>

#include "reconciler/loop.h"

#include "lib/clock.h"
#include "lib/log.h"
#include "reconciler/fast_pass.h"
#include "reconciler/notify.h"
#include "reconciler/pass.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum {
	TICK_MS = 200,
	KEYS_MS = 10000, /* between two looks at the key Secret */
	KEYS_LATE_MS = 60000, /* no look for so long: not well */
	BEAT_MS = 5000,
	MS_PER_S = 1000,
	NS_PER_MS = 1000000,
	FAST_THREADS = 8,
	THREADS = 2 + FAST_THREADS
};

struct loop {
	struct acp_controller *controller;
	pthread_t threads[THREADS];
	size_t started;
	_Atomic int64_t keys_ms; /* last look at the key Secret */
	_Atomic int64_t pass_ms; /* start of the pass under way, 0: none */
	_Atomic int64_t fast_ms; /* when the next fast pass is due */
};

static void
list_signals(sigset_t *signals)
{
	struct sigaction hangup;

	sigemptyset(signals);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGINT);
	/* of a terminal that went away, unless nohup(1) took care of it */
	if (sigaction(SIGHUP, NULL, &hangup) == 0 &&
		hangup.sa_handler != SIG_IGN)
		sigaddset(signals, SIGHUP);
}

void
acp_loop_block_signals(void)
{
	sigset_t signals;

	list_signals(&signals);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static bool
is_stopped(const struct loop *loop)
{
	return atomic_load(&loop->controller->is_stopped);
}

static void
sleep_ms(int64_t pause_ms)
{
	const struct timespec pause = {.tv_sec = pause_ms / MS_PER_S,
		.tv_nsec = pause_ms % MS_PER_S * NS_PER_MS};

	nanosleep(&pause, NULL);
}

/* Waits for a time of acp_clock_now_ms, or for the end. */
static void
wait_until(const struct loop *loop, int64_t due_ms)
{
	while (!is_stopped(loop) && acp_clock_now_ms() < due_ms)
		sleep_ms(TICK_MS);
}

static void *
keep_keys(void *argument)
{
	struct loop *loop = argument;

	while (!is_stopped(loop)) {
		acp_controller_keep_keys(loop->controller);
		atomic_store(&loop->keys_ms, acp_clock_now_ms());
		wait_until(loop, acp_clock_now_ms() + KEYS_MS);
	}
	return NULL;
}

static void
pass_once(struct loop *loop)
{
	ACP_AUTO(pass) struct acp_pass pass;

	acp_pass_init(&pass);
	atomic_store(&loop->pass_ms, acp_clock_now_ms());
	acp_pass_run(loop->controller, &pass);
	atomic_store(&loop->pass_ms, 0);
}

static void *
pass_over(void *argument)
{
	struct loop *loop = argument;
	struct acp_controller *controller = loop->controller;

	while (!is_stopped(loop)) {
		int64_t start_ms = acp_clock_now_ms();

		if (acp_lease_is_held(controller->clients.lease)) {
			pass_once(loop);
			wait_until(loop,
				start_ms + controller->settings.resync_ms);
		} else {
			sleep_ms(TICK_MS);
		}
	}
	return NULL;
}

/* True when it is our turn to begin the next fast pass. */
static bool
take_turn(struct loop *loop)
{
	const struct acp_controller *controller = loop->controller;
	int64_t due_ms = atomic_load(&loop->fast_ms);
	int64_t now_ms = acp_clock_now_ms();

	return now_ms >= due_ms &&
		acp_lease_is_held(controller->clients.lease) &&
		atomic_compare_exchange_strong(&loop->fast_ms, &due_ms,
			now_ms + controller->settings.interval_ms);
}

/*
 * Beside the full passes, so that none of them delays a new session; several
 * threads, so that neither does a fast pass that hangs.
 */
static void *
pass_fast(void *argument)
{
	struct loop *loop = argument;

	while (!is_stopped(loop))
		if (take_turn(loop))
			acp_fast_pass_run(loop->controller);
		else
			sleep_ms(TICK_MS);
	return NULL;
}

/* A pass may take its time-out and one request more. */
static bool
is_well(const struct loop *loop, int64_t now_ms)
{
	int64_t pass_ms = atomic_load(&loop->pass_ms);

	return now_ms - atomic_load(&loop->keys_ms) < KEYS_LATE_MS &&
		(!pass_ms ||
			now_ms - pass_ms <
				loop->controller->settings.pass_timeout_ms +
					KEYS_LATE_MS);
}

static void
beat(const struct loop *loop)
{
	if (!is_well(loop, acp_clock_now_ms())) {
		acp_log(ACP_LOG_ERROR, "not_well",
			ACP_F_TEXT("message",
				"a pass or the key's keeper does not end"));
		return;
	}
	acp_notify_send("WATCHDOG=1");
	acp_notify_touch(loop->controller->settings.heartbeat_file);
}

/* Returns at a signal. */
static void
watch(const struct loop *loop)
{
	const struct timespec pause = {.tv_sec = BEAT_MS / MS_PER_S};
	sigset_t signals;

	list_signals(&signals);
	acp_notify_send("READY=1");
	do {
		beat(loop);
	} while (sigtimedwait(&signals, NULL, &pause) < 0);
}

static bool
start_thread(struct loop *loop, void *(*run)(void *))
{
	if (pthread_create(&loop->threads[loop->started], NULL, run, loop))
		return false;
	loop->started++;
	return true;
}

static void
stop_threads(struct loop *loop)
{
	acp_controller_stop(loop->controller);
	while (loop->started > 0)
		pthread_join(loop->threads[--loop->started], NULL);
}

static bool
start_threads(struct loop *loop)
{
	bool are_started =
		start_thread(loop, keep_keys) && start_thread(loop, pass_over);

	for (int i = 0; i < FAST_THREADS && are_started; i++)
		are_started = start_thread(loop, pass_fast);
	return are_started;
}

enum acp_exit_code
acp_loop_run(struct acp_controller *controller)
{
	struct loop loop = {
		.controller = controller, .keys_ms = acp_clock_now_ms()};

	acp_controller_open_loop(controller);
	acp_lease_start(controller->clients.lease);
	if (!start_threads(&loop)) {
		acp_log(ACP_LOG_ERROR, "thread_failed");
		stop_threads(&loop);
		return ACP_EXIT_NOTHING_DONE;
	}
	acp_log(ACP_LOG_INFO, "started",
		ACP_F_TEXT("identity",
			acp_lease_peek_identity(controller->clients.lease)));
	watch(&loop);
	acp_notify_send("STOPPING=1");
	stop_threads(&loop);
	acp_log(ACP_LOG_INFO, "stopped");
	return ACP_EXIT_CONVERGED;
}
