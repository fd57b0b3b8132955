/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the metrics. Names and labels are a promise to dashboards.
 */
#include <config.h>

#include "reconciler/metrics_file.h"

#include "lib/file.h"
#include "lib/limits.h"
#include "lib/log.h"
#include "lib/secret.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 1024 * 1024, FILE_MODE = 0644, COUNTS_MAX = 64 };

#define PREFIX "ambient_cp_reconciler_"

void
acp_metrics_init(struct acp_pass_metrics *metrics)
{
	*metrics = (struct acp_pass_metrics){0};
	pthread_mutex_init(&metrics->lock, NULL);
}

void
acp_metrics_clear(struct acp_pass_metrics *metrics)
{
	pthread_mutex_destroy(&metrics->lock);
}

void
acp_metrics_add(
	struct acp_pass_metrics *metrics, const struct acp_summary *summary)
{
	pthread_mutex_lock(&metrics->lock);
	for (int kind = 0; kind < ACP_KIND__MAX; kind++)
		for (int verb = 0; verb < ACP_VERB__MAX; verb++)
			for (int i = 0; i < ACP_RESULT__MAX; i++)
				metrics->actions[kind][verb][i] +=
					summary->actions[kind][verb][i];
	metrics->provisions += summary->provisions;
	metrics->provision_ms += summary->provision_ms;
	pthread_mutex_unlock(&metrics->lock);
}

void
acp_metrics_note(struct acp_pass_metrics *metrics,
	const struct acp_summary *summary, int64_t wall_s)
{
	acp_metrics_add(metrics, summary);
	metrics->last = *summary;
	if (acp_summary_exit_code(summary) == ACP_EXIT_CONVERGED)
		metrics->success_s = wall_s;
}

static void
write_head(struct acp_buffer *text, const char *name, const char *type,
	const char *help)
{
	acp_buffer_printf(text,
		"# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help,
		name, type);
}

static void
write_gauge(struct acp_buffer *text, const char *name, const char *help,
	int64_t value)
{
	write_head(text, name, "gauge", help);
	acp_buffer_printf(text, PREFIX "%s %" PRId64 "\n", name, value);
}

static void
write_actions(struct acp_buffer *text, const struct acp_pass_metrics *metrics)
{
	write_head(text, "actions_total", "counter",
		"Actions of all passes by what became of them.");
	for (int kind = 0; kind < ACP_KIND__MAX; kind++)
		for (int verb = 0; verb < ACP_VERB__MAX; verb++)
			for (int i = 0; i < ACP_RESULT__MAX; i++)
				if (metrics->actions[kind][verb][i])
					acp_buffer_printf(text,
						PREFIX
						"actions_total{kind=\"%s\","
						"verb=\"%s\",result=\"%s\"} "
						"%" PRIu64 "\n",
						acp_kind_name(
							(enum acp_kind)kind),
						acp_verb_name(
							(enum acp_verb)verb),
						acp_result_name(
							(enum acp_result)i),
						metrics->actions[kind][verb]
								[i]);
}

static void
write_counts(struct acp_buffer *text, const char *target,
	const struct acp_http_count *counts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		acp_buffer_printf(text,
			PREFIX "api_requests_total{target=\"%s\",code=\"%ld\"} "
			       "%" PRIu64 "\n",
			target, counts[i].code, counts[i].requests);
}

static void
write_requests(struct acp_buffer *text, const struct acp_clients *clients)
{
	struct acp_http_count counts[COUNTS_MAX];

	write_head(text, "api_requests_total", "counter",
		"Requests by server and HTTP status, 0: no answer.");
	write_counts(text, "kubernetes", counts,
		acp_kube_get_counts(clients->kube, counts, COUNTS_MAX));
	if (clients->project_kube != clients->kube)
		write_counts(text, "kubernetes-projects", counts,
			acp_kube_get_counts(
				clients->project_kube, counts, COUNTS_MAX));
	write_counts(text, "lease", counts,
		acp_kube_get_counts(clients->lease_kube, counts, COUNTS_MAX));
	write_counts(text, "ambient", counts,
		acp_api_get_counts(clients->api, counts, COUNTS_MAX));
}

/* Rows that have a phase yet; an empty one waits for it. */
static void
write_sessions(struct acp_buffer *text, const struct acp_summary *last)
{
	write_head(text, "sessions", "gauge", "Sessions by their phase.");
	for (int i = ACP_PHASE_PENDING; i < ACP_PHASE_UNKNOWN; i++)
		acp_buffer_printf(text, PREFIX "sessions{phase=\"%s\"} %zu\n",
			acp_phase_name((enum acp_phase)i), last->sessions[i]);
}

static void
write_provisions(
	struct acp_buffer *text, const struct acp_pass_metrics *metrics)
{
	write_head(text, "provision_seconds", "summary",
		"How long it took to make a session's objects.");
	acp_buffer_printf(text,
		PREFIX "provision_seconds_sum %" PRId64 ".%03" PRId64 "\n",
		metrics->provision_ms / 1000, metrics->provision_ms % 1000);
	acp_buffer_printf(text, PREFIX "provision_seconds_count %" PRIu64 "\n",
		metrics->provisions);
}

void
acp_metrics_write(struct acp_pass_metrics *metrics,
	const struct acp_clients *clients, struct acp_buffer *text)
{
	const struct acp_summary *last = &metrics->last;

	write_gauge(text, "last_success_timestamp_seconds",
		"When a pass last converged.", metrics->success_s);
	write_head(text, "pass_duration_seconds", "gauge",
		"How long the last full pass took.");
	acp_buffer_printf(text,
		PREFIX "pass_duration_seconds %" PRId64 ".%03" PRId64 "\n",
		last->duration_ms / 1000, last->duration_ms % 1000);
	write_gauge(text, "unknown_lists",
		"Lists of the last pass that failed.", last->unknown_lists);
	write_gauge(text, "refused_projects", "Projects that are left alone.",
		(int64_t)last->refused);
	write_gauge(text, "held_deletions",
		"Actions that the mass-deletion gate holds.",
		(int64_t)acp_summary_count(last, ACP_RESULT_HELD));
	write_gauge(text, "foreign_objects",
		"Objects that carry our labels and are not ours.",
		(int64_t)last->foreign_objects);
	write_gauge(text, "stale_copies",
		"Copies of the Vertex secret that could not be renewed.",
		(int64_t)last->stale_copies);
	write_gauge(text, "keys", "Keys in the key Secret.",
		(int64_t)metrics->keys);
	write_gauge(text, "leader", "Whether this process holds the Lease.",
		metrics->is_leader);
	write_sessions(text, last);
	pthread_mutex_lock(&metrics->lock);
	write_provisions(text, metrics);
	write_actions(text, metrics);
	pthread_mutex_unlock(&metrics->lock);
	write_requests(text, clients);
}

/* What the file says of an earlier process, else 0. */
static int64_t
read_success(const char *path)
{
	static const char name[] =
		"\n" PREFIX "last_success_timestamp_seconds ";
	ACP_AUTO(secret) struct acp_secret content = {0};
	ACP_AUTO(buffer) struct acp_buffer why;
	int64_t success_s = 0;
	const char *line;

	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	if (acp_file_read(path, TEXT_MAX, &content, &why))
		return 0;
	line = strstr(acp_secret_peek(&content), name);
	if (!line ||
		sscanf(line + sizeof(name) - 1, "%12" SCNd64, &success_s) != 1)
		return 0;
	return success_s > 0 ? success_s : 0;
}

void
acp_metrics_save(struct acp_pass_metrics *metrics,
	const struct acp_clients *clients, const char *path)
{
	ACP_AUTO(buffer) struct acp_buffer text;
	ACP_AUTO(buffer) struct acp_buffer why;

	acp_buffer_init(&text, TEXT_MAX);
	acp_buffer_init(&why, ACP_LOG_MESSAGE_MAX);
	if (!path)
		return;
	if (!metrics->success_s)
		metrics->success_s = read_success(path);
	acp_metrics_write(metrics, clients, &text);
	if (acp_file_replace(
		    path, FILE_MODE, acp_buffer_peek(&text), text.size, &why))
		acp_log_message(ACP_LOG_ERROR, "metrics_failed", "%s",
			acp_buffer_peek(&why));
}
