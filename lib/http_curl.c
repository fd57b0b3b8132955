/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starts libcurl with an allocator that wipes. Called by lib/http.c and by
 * the reconciler's pool; must run before either makes a handle.
 */
#include <config.h>

#include "lib/http_curl.h"

#include "lib/memory.h"
#include "lib/secret.h"

#include <curl/curl.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>

static void
wipe_and_free(void *memory)
{
	if (memory)
		acp_secret_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static void *
resize_and_wipe(void *memory, size_t size)
{
	size_t kept = memory ? malloc_usable_size(memory) : 0;
	void *resized = acp_memory_new(size, 1);

	if (kept)
		memcpy(resized, memory, kept < size ? kept : size);
	wipe_and_free(memory);
	return resized;
}

static void
init_curl(void)
{
	if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_and_free,
		    resize_and_wipe, strdup, calloc))
		acp_memory_exhausted();
}

void
acp_http_curl_init(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, init_curl);
}
