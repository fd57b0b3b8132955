/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads requests and writes answers; decides nothing but what the request
 * itself shows. Shared by the FastCGI service and the CGI program.
 */
#include <config.h>

#include "fcgi/exchange.h"

#include "fcgi/logid.h"
#include "lib/buffer.h"
#include "lib/clock.h"
#include "lib/memory.h"
#include "lib/random.h"

#include <stdio.h>
#include <string.h>

enum { OWN_ID_BYTES = 16, HEAD_MAX = 1024, TRACEPARENT_SIZE = 55 };

#define ID_CHARACTERS \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static void
make_id(char *id)
{
	uint8_t bytes[OWN_ID_BYTES];

	acp_random_fill(bytes, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

static bool
is_request_id(const char *id)
{
	size_t size = id ? strlen(id) : 0;

	return size > 0 && size < ACP_EXCHANGE_ID_SIZE &&
		strspn(id, ID_CHARACTERS) == size;
}

struct acp_exchange *
acp_exchange_new(struct acp_request *take_request)
{
	struct acp_exchange *exchange = acp_memory_new(1, sizeof(*exchange));
	const char *id = acp_request_peek(take_request, "REQUEST_ID");

	exchange->request = take_request;
	exchange->started_us = acp_clock_now_us();
	exchange->epoll_fd = -1;
	exchange->route =
		acp_route_find(acp_request_peek(take_request, "REQUEST_URI"));
	if (is_request_id(id))
		memcpy(exchange->id, id, strlen(id) + 1);
	else
		make_id(exchange->id);
	return exchange;
}

void
acp_exchange_free(struct acp_exchange **exchange)
{
	if (!*exchange)
		return;
	acp_request_free(&(*exchange)->request);
	acp_secret_wipe(*exchange, sizeof(**exchange));
	free(*exchange);
	*exchange = NULL;
}

static bool
has_method(const struct acp_exchange *exchange, const char *method)
{
	const char *given =
		acp_request_peek(exchange->request, "REQUEST_METHOD");

	return given && strcmp(given, method) == 0;
}

/* What can be said of steps 4 and 5 without a key. */
static bool
is_well_formed(enum acp_binding_mode mode, const char *uri, const char *word,
	struct acp_ciphertext *ciphertext)
{
	if (!acp_binding_is_well_formed(mode, uri))
		return false;
	if (acp_handle_is_claimed(word))
		return acp_handle_is_well_formed(word);
	return !acp_bearer_decode(word, ciphertext);
}

/* Step 5 for a ciphertext. */
static enum acp_outcome
read_ciphertext(const struct acp_exchange *exchange,
	const struct acp_keyset *keyset, const char *word,
	struct acp_ciphertext *ciphertext)
{
	if (acp_bearer_decode(word, ciphertext) ||
		!acp_keyset_may_open(
			keyset, ciphertext->bytes, ciphertext->size))
		return ACP_OUTCOME_UNAUTHORIZED;
	memcpy(ciphertext->proof_key_id, exchange->binding.key_id,
		sizeof(ciphertext->proof_key_id));
	return ACP_OUTCOME_TOKEN;
}

/* Steps 5 to 7 for a handle, which replaces the ciphertext. */
static enum acp_outcome
read_handle(struct acp_exchange *exchange, const struct acp_keyring *ring,
	const struct acp_rules *rules, const char *word)
{
	struct acp_unsealed *unsealed = &exchange->unsealed;
	const struct acp_key *key = NULL;
	enum acp_error error =
		acp_handle_read(ring, word, &exchange->handle, &key);

	if (error)
		return error == ACP_BAD_REQUEST ? ACP_OUTCOME_FORBIDDEN
						: ACP_OUTCOME_UNAUTHORIZED;
	exchange->is_over = acp_handle_is_over(&exchange->handle,
		acp_clock_wall_ms(), rules->renewal_max_age_ms);
	if (exchange->is_over)
		return ACP_OUTCOME_UNAUTHORIZED;
	unsealed->verdict = ACP_UNSEALED_SESSION;
	memcpy(unsealed->session, exchange->handle.session,
		sizeof(unsealed->session));
	memcpy(unsealed->key_id, acp_key_peek_id(key),
		sizeof(unsealed->key_id));
	return ACP_OUTCOME_TOKEN;
}

enum acp_outcome
acp_exchange_read_credential(struct acp_exchange *exchange,
	const struct acp_keyset *keyset, const struct acp_rules *rules,
	struct acp_ciphertext *ciphertext)
{
	const char *uri = acp_request_peek(exchange->request, "REQUEST_URI");
	const struct acp_keyring *ring;
	const char *word;

	if (!has_method(exchange, "GET"))
		return ACP_OUTCOME_METHOD;
	word = acp_bearer_find(
		acp_request_peek(exchange->request, "HTTP_AUTHORIZATION"));
	exchange->is_renewal = word && acp_handle_is_claimed(word);
	if (!word)
		return ACP_OUTCOME_UNAUTHORIZED;
	if (!keyset)
		return is_well_formed(rules->binding, uri, word, ciphertext)
			? ACP_OUTCOME_NO_KEY
			: ACP_OUTCOME_UNAUTHORIZED;
	ring = acp_keyset_peek_ring(keyset);
	/* before the word is decoded: what a stranger sends costs no more */
	if (acp_binding_read(rules->binding, uri, ring, &exchange->binding))
		return ACP_OUTCOME_UNAUTHORIZED;
	if (exchange->is_renewal)
		return read_handle(exchange, ring, rules, word);
	return read_ciphertext(exchange, keyset, word, ciphertext);
}

enum acp_outcome
acp_exchange_judge(const struct acp_exchange *exchange)
{
	switch (exchange->unsealed.verdict) {
	case ACP_UNSEALED_SESSION:
		return acp_binding_may_serve(&exchange->binding,
			       exchange->unsealed.session,
			       exchange->handle.is_bound)
			? ACP_OUTCOME_TOKEN
			: ACP_OUTCOME_UNAUTHORIZED;
	case ACP_UNSEALED_FORBIDDEN:
		return ACP_OUTCOME_FORBIDDEN;
	case ACP_UNSEALED_DENIED:
	case ACP_UNSEALED_VERDICT__MAX:
		break;
	}
	return ACP_OUTCOME_UNAUTHORIZED;
}

/* The next handle of a chain, or the first one of a new chain. */
static void
append_renewal(const struct acp_exchange *exchange, const struct acp_key *key,
	const struct acp_rules *rules, struct acp_secret *body)
{
	static const char start[] = ",\"renewal\":\"";
	const struct acp_binding *binding = &exchange->binding;
	struct acp_handle handle = exchange->handle;
	char text[ACP_HANDLE_TEXT_SIZE];
	int64_t now_ms = acp_clock_wall_ms();

	if (!exchange->is_renewal) {
		memcpy(handle.session, exchange->unsealed.session,
			sizeof(handle.session));
		handle.issued_ms = now_ms;
	}
	handle.is_bound =
		handle.is_bound || (binding->is_enforced && binding->is_proved);
	acp_handle_extend(&handle, now_ms, rules->renewal_ttl_ms,
		rules->renewal_max_age_ms);
	acp_handle_write(key, &handle, text);
	acp_secret_append(body, start, strlen(start));
	acp_secret_append(body, text, strlen(text));
	acp_secret_append(body, "\"", 1);
	acp_secret_wipe(text, sizeof(text));
}

void
acp_exchange_write_reply(const struct acp_exchange *exchange,
	const struct acp_keyset *keyset, const struct acp_rules *rules,
	const struct acp_token *token, struct acp_secret *body)
{
	const struct acp_key *key = keyset
		? acp_keyset_peek_key(keyset, exchange->unsealed.key_id)
		: NULL;
	const char *json;
	size_t size;

	json = acp_token_peek_json(token, &size);
	acp_secret_append(body, json, size);
	if (key)
		append_renewal(exchange, key, rules, body);
	acp_secret_append(body, "}\n", 2);
}

/* W3C Trace Context level 1 §3.2, version 00; NULL for anything else. */
static const char *
peek_traceparent(const struct acp_exchange *exchange)
{
	static const char form[] =
		"00-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
	const char *text =
		acp_request_peek(exchange->request, "HTTP_TRACEPARENT");

	if (!text || strlen(text) != TRACEPARENT_SIZE)
		return NULL;
	for (size_t i = 0; i < TRACEPARENT_SIZE; i++)
		if (form[i] == 'x' ? !strchr("0123456789abcdef", text[i])
				   : text[i] != form[i])
			return NULL;
	return text;
}

static void
log_answer(const struct acp_exchange *exchange,
	const struct acp_outcome_words *words, const struct acp_keyset *keyset,
	int64_t duration_us)
{
	char session[ACP_LOGID_SIZE] = "";

	if (!acp_log_is_on(words->level))
		return;
	if (keyset && exchange->unsealed.session[0])
		acp_logid_write(acp_keyset_peek_ring(keyset)->keys[0],
			exchange->unsealed.session, session);
	acp_log(words->level, "request", ACP_F_TEXT("request_id", exchange->id),
		ACP_F_TEXT("remote",
			acp_request_peek(exchange->request, "REMOTE_ADDR")),
		ACP_F_TEXT("path", acp_route_name(exchange->route)),
		ACP_F_INT("status", words->status),
		ACP_F_TEXT("outcome", words->label),
		ACP_F_SECONDS("duration", duration_us),
		ACP_F_TEXT("session", session[0] ? session : NULL),
		ACP_F_TEXT("traceparent", peek_traceparent(exchange)));
}

static void
count_answer(struct acp_metrics *metrics, const struct acp_exchange *exchange,
	enum acp_outcome outcome)
{
	if (exchange->is_renewal && outcome == ACP_OUTCOME_TOKEN)
		acp_metrics_count_renewal(metrics, ACP_RENEWAL_GIVEN);
	else if (exchange->is_over)
		acp_metrics_count_renewal(metrics, ACP_RENEWAL_EXPIRED);
	else if (exchange->is_renewal &&
		(outcome == ACP_OUTCOME_UNAUTHORIZED ||
			outcome == ACP_OUTCOME_FORBIDDEN))
		acp_metrics_count_renewal(metrics, ACP_RENEWAL_DENIED);
	if (outcome == ACP_OUTCOME_TOKEN && !exchange->binding.is_proved)
		acp_metrics_count_unbound(metrics);
}

static void
write_head(struct acp_buffer *head, const struct acp_exchange *exchange,
	const struct acp_answer *answer, const struct acp_outcome_words *words)
{
	acp_buffer_printf(
		head, "Status: %d %s\r\n", words->status, words->reason);
	acp_buffer_printf(head, "Content-Type: %s\r\nContent-Length: %zu\r\n",
		answer->content_type ? answer->content_type
				     : "text/plain; charset=utf-8",
		answer->body_size);
	acp_buffer_printf(head,
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n"
		"X-Request-Id: %s\r\n%s",
		exchange->id, words->headers);
	if (answer->retry_after_s)
		acp_buffer_printf(
			head, "Retry-After: %u\r\n", answer->retry_after_s);
	acp_buffer_append(head, "\r\n");
}

void
acp_exchange_answer(struct acp_exchange *exchange,
	const struct acp_answer *answer, const struct acp_keyset *keyset,
	struct acp_metrics *metrics)
{
	const struct acp_outcome_words *words =
		acp_outcome_describe(answer->outcome);
	ACP_AUTO(buffer) struct acp_buffer head;
	struct acp_answer whole = *answer;
	int64_t duration_us;

	if (words->body) {
		whole.body = words->body;
		whole.body_size = strlen(words->body);
	}
	acp_buffer_init(&head, HEAD_MAX);
	write_head(&head, exchange, &whole, words);
	if (!acp_request_send(exchange->request, head.text, head.size,
		    whole.body,
		    has_method(exchange, "HEAD") ? 0 : whole.body_size))
		acp_log(ACP_LOG_DEBUG, "caller_gone",
			ACP_F_TEXT("request_id", exchange->id));
	duration_us = acp_clock_now_us() - exchange->started_us;
	if (metrics) {
		acp_metrics_count_request(
			metrics, exchange->route, words->status, duration_us);
		count_answer(metrics, exchange, answer->outcome);
	}
	log_answer(exchange, words, keyset, duration_us);
}
