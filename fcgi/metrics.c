/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts with relaxed atomics and writes them out. Called from every thread
 * of the responder; knows nothing of how requests are served.
 */
#include <config.h>

#include "fcgi/metrics.h"

#include "lib/memory.h"

#include <stdatomic.h>

/* Statuses that the responder gives; the last one stands for any other. */
static const int statuses[] = {200, 401, 403, 404, 405, 503, 0};
enum { STATUS_COUNT = sizeof(statuses) / sizeof(statuses[0]) };

/* Upper bounds in microseconds. */
static const int64_t bounds[] = {500, 1000, 2500, 5000, 10000, 25000, 50000,
	100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000, 30000000};
enum { BOUND_COUNT = sizeof(bounds) / sizeof(bounds[0]) };

struct histogram {
	_Atomic uint64_t buckets[BOUND_COUNT + 1]; /* not cumulative */
	_Atomic uint64_t sum_us;
};

struct acp_metrics {
	_Atomic uint64_t requests[ACP_ROUTE__MAX][STATUS_COUNT];
	struct histogram request_duration;
	_Atomic uint64_t unseals[ACP_UNSEAL_RESULT__MAX];
	struct histogram unseal_duration;
	_Atomic uint64_t unseal_cpu_us;
	_Atomic uint64_t hits[ACP_CACHE_HIT__MAX];
	_Atomic uint64_t renewals[ACP_RENEWAL_RESULT__MAX];
	_Atomic uint64_t unbound_requests;
	_Atomic uint64_t busy[ACP_BUSY__MAX];
	_Atomic uint64_t refused_connections;
};

struct acp_metrics *
acp_metrics_new(void)
{
	return acp_memory_new(1, sizeof(struct acp_metrics));
}

void
acp_metrics_free(struct acp_metrics **metrics)
{
	free(*metrics);
	*metrics = NULL;
}

static void
add(_Atomic uint64_t *counter, uint64_t amount)
{
	atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static uint64_t
read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void
observe(struct histogram *histogram, int64_t duration_us)
{
	size_t i = 0;

	while (i < BOUND_COUNT && duration_us > bounds[i])
		i++;
	add(&histogram->buckets[i], 1);
	add(&histogram->sum_us, (uint64_t)(duration_us > 0 ? duration_us : 0));
}

void
acp_metrics_count_request(struct acp_metrics *metrics, enum acp_route route,
	int status, int64_t duration_us)
{
	size_t i = 0;

	while (i < STATUS_COUNT - 1 && statuses[i] != status)
		i++;
	add(&metrics->requests[route][i], 1);
	observe(&metrics->request_duration, duration_us);
}

void
acp_metrics_count_unseal(struct acp_metrics *metrics,
	enum acp_unseal_result result, int64_t duration_us)
{
	add(&metrics->unseals[result], 1);
	if (result != ACP_UNSEAL_DROPPED)
		observe(&metrics->unseal_duration, duration_us);
}

void
acp_metrics_count_unseal_cpu(struct acp_metrics *metrics, int64_t used_us)
{
	add(&metrics->unseal_cpu_us, (uint64_t)(used_us > 0 ? used_us : 0));
}

void
acp_metrics_count_hit(struct acp_metrics *metrics, enum acp_cache_hit hit)
{
	add(&metrics->hits[hit], 1);
}

void
acp_metrics_count_renewal(
	struct acp_metrics *metrics, enum acp_renewal_result result)
{
	add(&metrics->renewals[result], 1);
}

void
acp_metrics_count_unbound(struct acp_metrics *metrics)
{
	add(&metrics->unbound_requests, 1);
}

void
acp_metrics_count_busy(struct acp_metrics *metrics, enum acp_busy reason)
{
	add(&metrics->busy[reason], 1);
}

void
acp_metrics_count_refused_connection(struct acp_metrics *metrics)
{
	add(&metrics->refused_connections, 1);
}

#define PREFIX "ambient_cp_token_"

static void
write_head(struct acp_buffer *text, const char *name, const char *type,
	const char *help)
{
	acp_buffer_printf(text,
		"# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
		name, type);
}

static void
write_value(struct acp_buffer *text, const char *name, const char *labels,
	uint64_t value)
{
	acp_buffer_printf(text, PREFIX "%s%s %llu\n", name, labels,
		(unsigned long long)value);
}

static void
write_seconds(struct acp_buffer *text, const char *name, int64_t wall_ms)
{
	acp_buffer_printf(
		text, PREFIX "%s %.3f\n", name, (double)wall_ms / 1e3);
}

static void
write_histogram(struct acp_buffer *text, const char *name, const char *help,
	const struct histogram *histogram)
{
	uint64_t count = 0;

	write_head(text, name, "histogram", help);
	for (size_t i = 0; i < BOUND_COUNT; i++) {
		count += read_counter(&histogram->buckets[i]);
		acp_buffer_printf(text, PREFIX "%s_bucket{le=\"%g\"} %llu\n",
			name, (double)bounds[i] / 1e6,
			(unsigned long long)count);
	}
	count += read_counter(&histogram->buckets[BOUND_COUNT]);
	acp_buffer_printf(text,
		PREFIX "%s_bucket{le=\"+Inf\"} %llu\n" PREFIX
		       "%s_sum %.6f\n" PREFIX "%s_count %llu\n",
		name, (unsigned long long)count, name,
		(double)read_counter(&histogram->sum_us) / 1e6, name,
		(unsigned long long)count);
}

static void
write_requests(const struct acp_metrics *metrics, struct acp_buffer *text)
{
	uint64_t count;

	write_head(text, "requests_total", "counter",
		"Requests answered, by path and status.");
	for (size_t route = 0; route < ACP_ROUTE__MAX; route++)
		for (size_t i = 0; i < STATUS_COUNT; i++) {
			count = read_counter(&metrics->requests[route][i]);
			if (count == 0)
				continue;
			acp_buffer_printf(text,
				PREFIX
				"requests_total{path=\"%s\",code=\"%d\"} %llu\n",
				acp_route_name((enum acp_route)route),
				statuses[i], (unsigned long long)count);
		}
	write_histogram(text, "request_duration_seconds",
		"From the accepted connection to the answer.",
		&metrics->request_duration);
}

static void
write_unseals(const struct acp_metrics *metrics, struct acp_buffer *text)
{
	static const char *const results[] = {
		[ACP_UNSEAL_OPENED] = "{result=\"opened\"}",
		[ACP_UNSEAL_DENIED] = "{result=\"denied\"}",
		[ACP_UNSEAL_FORBIDDEN] = "{result=\"forbidden\"}",
		[ACP_UNSEAL_DROPPED] = "{result=\"dropped\"}",
	};
	static const char *const hits[] = {
		[ACP_CACHE_HIT_RESULT] = "{kind=\"result\"}",
		[ACP_CACHE_HIT_FAILURE] = "{kind=\"failure\"}",
		[ACP_CACHE_HIT_JOINED] = "{kind=\"joined\"}",
	};

	write_head(text, "unseal_total", "counter",
		"Ciphertexts taken from the queue, by what came out.");
	for (size_t i = 0; i < ACP_UNSEAL_RESULT__MAX; i++)
		write_value(text, "unseal_total", results[i],
			read_counter(&metrics->unseals[i]));
	write_histogram(text, "unseal_duration_seconds",
		"Time to open one ciphertext.", &metrics->unseal_duration);
	write_head(text, "unseal_cpu_seconds_total", "counter",
		"Processor time of private key operations.");
	acp_buffer_printf(text, PREFIX "unseal_cpu_seconds_total %.6f\n",
		(double)read_counter(&metrics->unseal_cpu_us) / 1e6);
	write_head(text, "cache_hits_total", "counter",
		"Requests that needed no private key operation of their own.");
	for (size_t i = 0; i < ACP_CACHE_HIT__MAX; i++)
		write_value(text, "cache_hits_total", hits[i],
			read_counter(&metrics->hits[i]));
}

static void
write_held(const struct acp_metrics *metrics,
	const struct acp_metrics_gauges *gauges, struct acp_buffer *text)
{
	static const char *const reasons[] = {
		[ACP_BUSY_LENGTH] = "{reason=\"length\"}",
		[ACP_BUSY_MEMORY] = "{reason=\"memory\"}",
		[ACP_BUSY_ADDRESS] = "{reason=\"address\"}",
		[ACP_BUSY_WAIT] = "{reason=\"wait\"}",
	};

	write_head(text, "unseal_queue_length", "gauge",
		"Requests held for a private key operation.");
	write_value(text, "unseal_queue_length", "", gauges->queue_length);
	write_head(text, "held_requests", "gauge",
		"Requests held for an operation or for a token.");
	write_value(text, "held_requests", "", gauges->held);
	write_head(text, "held_bytes", "gauge",
		"Memory of held requests and queued ciphertexts.");
	write_value(text, "held_bytes", "", gauges->held_bytes);
	write_head(text, "busy_total", "counter",
		"Requests answered 503 for want of room, by what was full.");
	for (size_t i = 0; i < ACP_BUSY__MAX; i++)
		write_value(text, "busy_total", reasons[i],
			read_counter(&metrics->busy[i]));
}

static void
write_renewals(const struct acp_metrics *metrics, struct acp_buffer *text)
{
	static const char *const results[] = {
		[ACP_RENEWAL_GIVEN] = "{result=\"given\"}",
		[ACP_RENEWAL_EXPIRED] = "{result=\"expired\"}",
		[ACP_RENEWAL_DENIED] = "{result=\"denied\"}",
	};

	write_head(text, "renewals_total", "counter",
		"Requests with a renewal handle, by what became of them.");
	for (size_t i = 0; i < ACP_RENEWAL_RESULT__MAX; i++)
		write_value(text, "renewals_total", results[i],
			read_counter(&metrics->renewals[i]));
	write_head(text, "unbound_requests_total", "counter",
		"Tokens given to callers without a binding proof.");
	write_value(text, "unbound_requests_total", "",
		read_counter(&metrics->unbound_requests));
}

static void
write_mints(const struct acp_mint_status *mint, struct acp_buffer *text)
{
	write_head(text, "mint_total", "counter",
		"Requests to the token source, by result.");
	write_value(text, "mint_total", "{result=\"ok\"}", mint->successes);
	write_value(text, "mint_total", "{result=\"failed\"}", mint->failures);
	write_head(text, "mint_duration_seconds", "summary",
		"Time spent in requests to the token source.");
	acp_buffer_printf(text,
		PREFIX "mint_duration_seconds_sum %.6f\n" PREFIX
		       "mint_duration_seconds_count %llu\n",
		(double)mint->duration_us / 1e6,
		(unsigned long long)(mint->successes + mint->failures));
	write_head(text, "token_expiry_timestamp_seconds", "gauge",
		"End of the token in hand; 0 when unknown or none.");
	write_seconds(
		text, "token_expiry_timestamp_seconds", mint->expiry_wall_ms);
	write_head(text, "token_usable", "gauge",
		"1 while a token can be given out.");
	write_value(text, "token_usable", "", mint->has_token);
}

static void
write_keys(const struct acp_metrics_gauges *gauges, struct acp_buffer *text)
{
	write_head(text, "keys_loaded", "gauge", "Private keys in use.");
	write_value(text, "keys_loaded", "", gauges->keys_loaded);
	write_head(text, "key_loaded_timestamp_seconds", "gauge",
		"When the keys in use were read; 0: never.");
	write_seconds(text, "key_loaded_timestamp_seconds",
		gauges->key_loaded_wall_ms);
	write_head(text, "key_reload_failures_total", "counter",
		"Attempts to read the key files that gave no keys.");
	write_value(text, "key_reload_failures_total", "",
		gauges->key_reload_failures);
}

void
acp_metrics_write(const struct acp_metrics *metrics,
	const struct acp_metrics_gauges *gauges, struct acp_buffer *text)
{
	write_requests(metrics, text);
	write_unseals(metrics, text);
	write_held(metrics, gauges, text);
	write_renewals(metrics, text);
	write_mints(&gauges->mint, text);
	write_keys(gauges, text);
	write_head(text, "refused_connections_total", "counter",
		"Connections closed because no whole request came.");
	write_value(text, "refused_connections_total", "",
		read_counter(&metrics->refused_connections));
	write_head(text, "build_info", "gauge", "What is running.");
	write_value(text, "build_info",
		"{version=\"" PACKAGE_VERSION "\",unseal=\"" ACP_UNSEAL_BACKEND
		"\"}",
		1);
}
