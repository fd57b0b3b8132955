/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files without a name for the certificates and keys of a pool. A path is
 * not given to other bytes while a connection made with it may live.
 */
#include <config.h>

#include "reconciler/http_pem.h"

#include "lib/auto.h"

#include <string.h>
#include <sys/mman.h>

void
acp_http_pems_init(struct acp_http_pems *pems)
{
	*pems = (struct acp_http_pems){0};
	pthread_mutex_init(&pems->lock, NULL);
	for (size_t i = 0; i < ACP_HTTP_PEMS_MAX; i++)
		pems->items[i].fd = -1;
}

static void
clear_item(struct acp_http_pem *item)
{
	acp_auto_fd(&item->fd);
	acp_secret_clear(&item->text);
	*item = (struct acp_http_pem){.fd = -1};
}

void
acp_http_pems_clear(struct acp_http_pems *pems)
{
	for (size_t i = 0; i < ACP_HTTP_PEMS_MAX; i++)
		clear_item(&pems->items[i]);
	pthread_mutex_destroy(&pems->lock);
}

static struct acp_http_pem *
find_same(struct acp_http_pems *pems, const struct acp_secret *text)
{
	for (size_t i = 0; i < ACP_HTTP_PEMS_MAX; i++)
		if (pems->items[i].fd >= 0 &&
			acp_secret_is_equal(
				&pems->items[i].text, text->bytes, text->size))
			return &pems->items[i];
	return NULL;
}

/* One that nobody uses: the one that was used longest ago. */
static struct acp_http_pem *
find_place(struct acp_http_pems *pems)
{
	struct acp_http_pem *place = NULL;
	struct acp_http_pem *item;

	for (size_t i = 0; i < ACP_HTTP_PEMS_MAX; i++) {
		item = &pems->items[i];
		if (!item->users && (!place || item->used < place->used))
			place = item;
	}
	return place;
}

static bool
has_written(int fd, const struct acp_secret *text)
{
	size_t done = 0;
	ssize_t size = 0;

	while (done < text->size && size >= 0) {
		size = write(fd, text->bytes + done, text->size - done);
		done += size > 0 ? (size_t)size : 0;
	}
	return done == text->size;
}

/* Slashes that mean nothing tell paths of one descriptor's number apart. */
static enum acp_error
fill_item(
	struct acp_http_pem *item, const struct acp_secret *text, uint64_t turn)
{
	char slashes[ACP_HTTP_PEM_TURNS + 1];
	size_t count = 1 + turn % ACP_HTTP_PEM_TURNS;

	clear_item(item);
	item->fd = memfd_create("ambient-cp-pem", MFD_CLOEXEC);
	if (item->fd < 0)
		return ACP_FAULT;
	if (!has_written(item->fd, text)) {
		clear_item(item);
		return ACP_FAULT;
	}
	memset(slashes, '/', sizeof(slashes));
	slashes[count] = '\0';
	acp_secret_set(&item->text, text->bytes, text->size);
	snprintf(item->path, sizeof(item->path), "/proc/self/fd%s%d", slashes,
		item->fd);
	return ACP_OK;
}

enum acp_error
acp_http_pems_take(struct acp_http_pems *pems, const struct acp_secret *text,
	struct acp_http_pem **pem)
{
	enum acp_error error = ACP_OK;
	struct acp_http_pem *item;

	pthread_mutex_lock(&pems->lock);
	pems->turn++;
	item = find_same(pems, text);
	if (!item) {
		item = find_place(pems);
		error = item ? fill_item(item, text, pems->turn) : ACP_FAULT;
	}
	if (!error) {
		item->users++;
		item->used = pems->turn;
		*pem = item;
	}
	pthread_mutex_unlock(&pems->lock);
	return error;
}

void
acp_http_pems_give(struct acp_http_pems *pems, struct acp_http_pem **pem)
{
	if (!*pem)
		return;
	pthread_mutex_lock(&pems->lock);
	(*pem)->users--;
	pthread_mutex_unlock(&pems->lock);
	*pem = NULL;
}
