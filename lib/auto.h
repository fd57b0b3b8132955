/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope cleanup: a variable declared ACP_AUTO(name) is released when its
 * scope ends. One line a type, in this file for the libraries' types and
 * beside each type of ours. A borrowed pointer never goes into one.
 */
#ifndef ACP_LIB_AUTO_H
#define ACP_LIB_AUTO_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ACP_AUTO(name) __attribute__((cleanup(acp_auto_##name)))

/* Defines acp_auto_NAME for a TYPE that call(&variable) releases. */
#define ACP_AUTO_DEFINE(name, type, call) \
	static inline void acp_auto_##name(type *variable) \
	{ \
		call(variable); \
	}

static inline void
acp_auto_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void
acp_auto_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
acp_auto_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

#endif
