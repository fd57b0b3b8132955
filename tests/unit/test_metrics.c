/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fcgi/metrics.c: the exposition is read line by line as a scraper does it
 * (Prometheus text format 0.0.4).
 */
#include <config.h>

#include "fcgi/metrics.h"

#include "tests/unit/unit.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 65536, NAME_MAX_SIZE = 128 };
#define PREFIX "ambient_cp_token_"

static struct acp_metrics *metrics;
static struct acp_metrics_gauges gauges;
static struct acp_buffer text;

static void
set_up(void)
{
	metrics = acp_metrics_new();
	memset(&gauges, 0, sizeof(gauges));
	acp_buffer_init(&text, TEXT_MAX);
}

static void
tear_down(void)
{
	acp_buffer_clear(&text);
	acp_metrics_free(&metrics);
	ck_assert_ptr_null(metrics);
}

static const char *
write_text(void)
{
	acp_buffer_clear(&text);
	acp_metrics_write(metrics, &gauges, &text);
	return acp_buffer_peek(&text);
}

/* One of everything, so that every line is there. */
static void
count_all(void)
{
	for (int route = 0; route < ACP_ROUTE__MAX; route++)
		for (int status = 200; status < 600; status++)
			acp_metrics_count_request(metrics,
				(enum acp_route)route, status, status * 10);
	for (int result = 0; result < ACP_UNSEAL_RESULT__MAX; result++)
		acp_metrics_count_unseal(
			metrics, (enum acp_unseal_result)result, 12000);
	for (int hit = 0; hit < ACP_CACHE_HIT__MAX; hit++)
		acp_metrics_count_hit(metrics, (enum acp_cache_hit)hit);
	acp_metrics_count_refused_connection(metrics);
}

/* The value of a sample, which must be there once. */
static double
get(const char *sample)
{
	const char *all = write_text();
	const char *found = NULL;
	size_t size = strlen(sample);

	for (const char *line = all; *line; line = strchr(line, '\n') + 1)
		if (strncmp(line, PREFIX, strlen(PREFIX)) == 0 &&
			strncmp(line + strlen(PREFIX), sample, size) == 0 &&
			line[strlen(PREFIX) + size] == ' ') {
			ck_assert_ptr_null(found);
			found = line + strlen(PREFIX) + size + 1;
		}
	ck_assert_msg(found, "no sample %s", sample);
	return strtod(found, NULL);
}

/* What HELP and TYPE announced last. */
struct family {
	char help[NAME_MAX_SIZE];
	char name[NAME_MAX_SIZE];
	char type[NAME_MAX_SIZE];
};

static bool
is_suffix_of(const struct family *family, const char *suffix)
{
	if (strcmp(family->type, "histogram") == 0)
		return strcmp(suffix, "_bucket") == 0 ||
			strcmp(suffix, "_sum") == 0 ||
			strcmp(suffix, "_count") == 0;
	if (strcmp(family->type, "summary") == 0)
		return strcmp(suffix, "_sum") == 0 ||
			strcmp(suffix, "_count") == 0;
	return !*suffix;
}

/* {name="value",...}; gives what follows. */
static const char *
skip_labels(const char *at)
{
	if (*at != '{')
		return at;
	do {
		at++;
		ck_assert(islower((unsigned char)*at));
		while (islower((unsigned char)*at) || *at == '_')
			at++;
		ck_assert_int_eq(*at++, '=');
		ck_assert_int_eq(*at++, '"');
		at = strpbrk(at, "\"\\\n");
		ck_assert(at && *at == '"');
		at++;
	} while (*at == ',');
	ck_assert_int_eq(*at, '}');
	return at + 1;
}

static void
ck_sample(const struct family *family, const char *line)
{
	size_t size = strcspn(line, "{ ");
	size_t known = strlen(family->name);
	char name[NAME_MAX_SIZE];
	char *end;

	ck_assert_uint_lt(size, sizeof(name));
	snprintf(name, sizeof(name), "%.*s", (int)size, line);
	ck_assert(strncmp(name, PREFIX, strlen(PREFIX)) == 0);
	ck_assert_msg(known > 0 && strncmp(name, family->name, known) == 0 &&
			is_suffix_of(family, name + known),
		"%s comes after the TYPE of %s", name, family->name);
	line = skip_labels(line + size);
	ck_assert_int_eq(*line, ' ');
	(void)strtod(line + 1, &end);
	ck_assert(end > line + 1);
	ck_assert_int_eq(*end, '\n');
}

static void
take_type(struct family *family, const char *line)
{
	ck_assert_int_eq(
		sscanf(line, "# TYPE %127s %127s", family->name, family->type),
		2);
	ck_assert_str_eq(family->name, family->help);
	ck_assert(strcmp(family->type, "counter") == 0 ||
		strcmp(family->type, "gauge") == 0 ||
		strcmp(family->type, "summary") == 0 ||
		strcmp(family->type, "histogram") == 0);
	/* counters say so in their names */
	ck_assert_int_eq(strcmp(family->type, "counter") == 0,
		strstr(family->name, "_total") != NULL);
}

static void
ck_well_formed(const char *all)
{
	struct family family = {.name = ""};
	char again[NAME_MAX_SIZE + 16];
	size_t samples = 0;

	for (const char *line = all; *line; line = strchr(line, '\n') + 1) {
		ck_assert_ptr_nonnull(strchr(line, '\n'));
		if (strncmp(line, "# HELP ", 7) == 0) {
			ck_assert_int_eq(
				sscanf(line, "# HELP %127s", family.help), 1);
			snprintf(again, sizeof(again), "# HELP %s ",
				family.help);
			ck_assert_ptr_eq(strstr(all, again), line);
		} else if (line[0] == '#') {
			take_type(&family, line);
		} else {
			ck_sample(&family, line);
			samples++;
		}
	}
	ck_assert_uint_gt(samples, 20);
}

START_TEST(the_exposition_is_well_formed_before_anything_happened)
{
	ck_well_formed(write_text());
}
END_TEST

START_TEST(the_exposition_is_well_formed_when_all_is_counted)
{
	count_all();
	gauges = (struct acp_metrics_gauges){.queue_length = SIZE_MAX,
		.keys_loaded = 4,
		.key_loaded_wall_ms = 1795000000123,
		.key_reload_failures = UINT64_MAX,
		.mint = {.has_token = true,
			.successes = UINT64_MAX / 2,
			.failures = 1,
			.duration_us = 1,
			.expiry_wall_ms = 1795000000123}};
	ck_well_formed(write_text());
	ck_assert_uint_lt(text.size, TEXT_MAX / 2);
}
END_TEST

static const char *const histograms[] = {
	"request_duration_seconds", "unseal_duration_seconds"};

START_TEST(a_histogram_is_cumulative)
{
	const char *name = histograms[_i];
	char start[NAME_MAX_SIZE];
	char sample[NAME_MAX_SIZE];
	double last_bound = 0, last_count = 0, bound, count;
	const char *line;
	int buckets = 0;

	count_all();
	snprintf(start, sizeof(start), "\n" PREFIX "%s_bucket{le=\"", name);
	for (line = strstr(write_text(), start); line;
		line = strstr(line + 1, start)) {
		bound = strtod(line + strlen(start), NULL);
		count = strtod(strchr(line + 1, ' '), NULL);
		ck_assert(bound > last_bound);
		ck_assert(count >= last_count);
		last_bound = bound;
		last_count = count;
		buckets++;
	}
	ck_assert_int_gt(buckets, 5);
	/* the last is +Inf, which strtod reads */
	ck_assert(last_bound > 1e300);
	ck_assert(last_count > 0);
	snprintf(sample, sizeof(sample), "%s_count", name);
	ck_assert_double_eq(get(sample), last_count);
}
END_TEST

/* a duration and the first bucket that holds it */
static const struct {
	int64_t us;
	const char *inside;
	const char *outside;
} durations[] = {
	{0, "le=\"0.0005\"", NULL},
	{-1, "le=\"0.0005\"", NULL},
	{500, "le=\"0.0005\"", NULL},
	{501, "le=\"0.001\"", "le=\"0.0005\""},
	{30000000, "le=\"30\"", "le=\"10\""},
	{30000001, "le=\"+Inf\"", "le=\"30\""},
};

START_TEST(a_duration_falls_into_its_bucket)
{
	char sample[NAME_MAX_SIZE];

	acp_metrics_count_request(
		metrics, ACP_ROUTE_TOKEN, 200, durations[_i].us);
	snprintf(sample, sizeof(sample), "request_duration_seconds_bucket{%s}",
		durations[_i].inside);
	ck_assert_double_eq(get(sample), 1);
	if (durations[_i].outside) {
		snprintf(sample, sizeof(sample),
			"request_duration_seconds_bucket{%s}",
			durations[_i].outside);
		ck_assert_double_eq(get(sample), 0);
	}
}
END_TEST

START_TEST(requests_are_counted_by_path_and_status)
{
	acp_metrics_count_request(metrics, ACP_ROUTE_TOKEN, 200, 1);
	acp_metrics_count_request(metrics, ACP_ROUTE_TOKEN, 200, 1);
	acp_metrics_count_request(metrics, ACP_ROUTE_TOKEN, 503, 1);
	acp_metrics_count_request(metrics, ACP_ROUTE_HEALTHZ, 200, 1);
	acp_metrics_count_request(metrics, ACP_ROUTE_HEALTHZ, 418, 1);
	ck_assert_double_eq(
		get("requests_total{path=\"/token\",code=\"200\"}"), 2);
	ck_assert_double_eq(
		get("requests_total{path=\"/token\",code=\"503\"}"), 1);
	ck_assert_double_eq(
		get("requests_total{path=\"/healthz\",code=\"200\"}"), 1);
	ck_assert_double_eq(get("request_duration_seconds_count"), 5);
}
END_TEST

START_TEST(processor_time_of_openings_is_summed)
{
	ck_assert_double_eq(get("unseal_cpu_seconds_total"), 0);
	acp_metrics_count_unseal_cpu(metrics, 12000);
	acp_metrics_count_unseal_cpu(metrics, -1);
	acp_metrics_count_unseal_cpu(metrics, 500);
	ck_assert_double_eq_tol(get("unseal_cpu_seconds_total"), 0.0125, 1e-9);
}
END_TEST

START_TEST(dropped_ciphertexts_took_no_time)
{
	acp_metrics_count_unseal(metrics, ACP_UNSEAL_DROPPED, 0);
	acp_metrics_count_unseal(metrics, ACP_UNSEAL_OPENED, 12000);
	ck_assert_double_eq(get("unseal_total{result=\"dropped\"}"), 1);
	ck_assert_double_eq(get("unseal_total{result=\"opened\"}"), 1);
	ck_assert_double_eq(get("unseal_duration_seconds_count"), 1);
	ck_assert_double_eq_tol(
		get("unseal_duration_seconds_sum"), 0.012, 1e-9);
}
END_TEST

START_TEST(gauges_are_those_of_the_moment)
{
	gauges.queue_length = 17;
	gauges.held = 19;
	gauges.held_bytes = 1 << 20;
	gauges.keys_loaded = 3;
	gauges.key_loaded_wall_ms = 1500;
	gauges.key_reload_failures = 2;
	gauges.mint.has_token = true;
	gauges.mint.successes = 5;
	gauges.mint.failures = 4;
	gauges.mint.expiry_wall_ms = 2500;
	ck_assert_double_eq(get("unseal_queue_length"), 17);
	ck_assert_double_eq(get("held_requests"), 19);
	ck_assert_double_eq(get("held_bytes"), 1 << 20);
	ck_assert_double_eq(get("keys_loaded"), 3);
	ck_assert_double_eq(get("key_loaded_timestamp_seconds"), 1.5);
	ck_assert_double_eq(get("key_reload_failures_total"), 2);
	ck_assert_double_eq(get("token_usable"), 1);
	ck_assert_double_eq(get("mint_total{result=\"ok\"}"), 5);
	ck_assert_double_eq(get("mint_total{result=\"failed\"}"), 4);
	ck_assert_double_eq(get("mint_duration_seconds_count"), 9);
	ck_assert_double_eq(get("token_expiry_timestamp_seconds"), 2.5);
}
END_TEST

START_TEST(refusals_for_want_of_room_are_counted_by_reason)
{
	acp_metrics_count_busy(metrics, ACP_BUSY_MEMORY);
	acp_metrics_count_busy(metrics, ACP_BUSY_WAIT);
	acp_metrics_count_busy(metrics, ACP_BUSY_WAIT);
	ck_assert_double_eq(get("busy_total{reason=\"length\"}"), 0);
	ck_assert_double_eq(get("busy_total{reason=\"memory\"}"), 1);
	ck_assert_double_eq(get("busy_total{reason=\"address\"}"), 0);
	ck_assert_double_eq(get("busy_total{reason=\"wait\"}"), 2);
}
END_TEST

enum { THREADS = 4, TURNS = 5000 };

static void *
count_much(void *argument)
{
	for (int i = 0; i < TURNS; i++) {
		acp_metrics_count_request(metrics, ACP_ROUTE_TOKEN, 200, 1);
		acp_metrics_count_hit(metrics, ACP_CACHE_HIT_JOINED);
	}
	return argument;
}

START_TEST(no_count_of_many_threads_is_lost)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(
			pthread_create(&threads[i], NULL, count_much, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_double_eq(
		get("request_duration_seconds_count"), (double)THREADS * TURNS);
	ck_assert_double_eq(get("cache_hits_total{kind=\"joined\"}"),
		(double)THREADS * TURNS);
}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *
metrics_suite(void)
{
	Suite *suite = suite_create("metrics");
	TCase *cases = tcase_create("metrics");

	tcase_add_checked_fixture(cases, set_up, tear_down);
	tcase_add_test(
		cases, the_exposition_is_well_formed_before_anything_happened);
	tcase_add_test(
		cases, the_exposition_is_well_formed_when_all_is_counted);
	tcase_add_loop_test(
		cases, a_histogram_is_cumulative, 0, COUNT(histograms));
	tcase_add_loop_test(
		cases, a_duration_falls_into_its_bucket, 0, COUNT(durations));
	tcase_add_test(cases, requests_are_counted_by_path_and_status);
	tcase_add_test(cases, processor_time_of_openings_is_summed);
	tcase_add_test(cases, dropped_ciphertexts_took_no_time);
	tcase_add_test(cases, gauges_are_those_of_the_moment);
	tcase_add_test(cases, refusals_for_want_of_room_are_counted_by_reason);
	tcase_add_test(cases, no_count_of_many_threads_is_lost);
	suite_add_tcase(suite, cases);
	return suite;
}

ACP_UNIT_MAIN(metrics_suite)
