/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A Kubernetes API server of a few objects inside the test: what reads and
 * writes one object by acp_kube_* is linked with these instead (see the
 * --wrap flags in local.mk). Keeps resourceVersions as the real one does.
 */
#ifndef ACP_TESTS_UNIT_FAKE_KUBE_H
#define ACP_TESTS_UNIT_FAKE_KUBE_H

#include "reconciler/kube.h"

#include <json-c/json_object.h>
#include <stdbool.h>
#include <stdint.h>

struct fake_kube {
	int64_t now_s; /* its clock */
	unsigned int reads;
	unsigned int writes; /* that were done */
	/* the next request fails for this reason, 0: none */
	enum acp_kube_reason fault;
	bool is_fault_for_writes; /* reads go on before it */
	bool is_done_first; /* the write is done, its answer is lost */
	/* called once, before the next write: another client's turn */
	void (*before_write)(void);
	bool is_read_only; /* the guard says no */
};

extern struct fake_kube fake_kube;

/* Empty, at a time in 2026. */
void fake_kube_start(void);
void fake_kube_stop(void);

/* The object of that kind and name, borrowed; NULL: there is none. */
struct json_object *fake_kube_peek(enum acp_kind kind, const char *name);

/* Makes or replaces an object as another client does; takes it. */
void fake_kube_put(
	enum acp_kind kind, const char *name, struct json_object *object);
void fake_kube_delete(enum acp_kind kind, const char *name);

#endif
