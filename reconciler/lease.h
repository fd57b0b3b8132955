/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Lease that makes one reconciler the writer. Held by renewing it from a
 * thread of its own; expired when its resourceVersion has not changed for as
 * long as it lasts by our own boot-time clock, for clocks of two machines are
 * never compared. Written by PUT with resourceVersion only. Also keeps the
 * notes that passes leave each other.
 */
#ifndef ACP_RECONCILER_LEASE_H
#define ACP_RECONCILER_LEASE_H

#include "lib/auto.h"
#include "lib/buffer.h"
#include "lib/error.h"
#include "reconciler/kube.h"

#include <stdbool.h>
#include <stdint.h>

#define ACP_LEASE_NAME "ambient-cp-reconciler"

#define ACP_LEASE_DURATION_MS 15000
#define ACP_LEASE_RENEW_MS 2000
/* No write begins so long after the last renewal that succeeded was sent … */
#define ACP_LEASE_WRITE_MS 10000
/* … and one lasts no longer than this: together less than the duration. */
#define ACP_LEASE_REQUEST_MS 4000
/* How long an asker waits for the holder to give the Lease up. */
#define ACP_LEASE_YIELD_MS 20000
/* How long a held set of deletions stays allowed. */
#define ACP_LEASE_ALLOWED_S (60 * 60)
/* A note from further ahead of the server's clock than this does not count. */
#define ACP_LEASE_AHEAD_S (5 * 60)

/* A digest of the mass-deletion gate and its NUL. */
#define ACP_LEASE_DIGEST_SIZE 17

struct acp_lease;

/*
 * kube must have no guard (the guard asks this lease) and outlives the lease,
 * as the texts do. identity NULL: host name, process id and a random part.
 */
struct acp_lease_settings {
	struct acp_kube *kube;
	const char *namespace;
	const char *instance;
	const char *identity;
};

/* No I/O, no thread yet. */
struct acp_lease *acp_lease_new(const struct acp_lease_settings *settings);

/*
 * Ends the thread, and releases the Lease when it is held: no write of ours
 * may be under way any more.
 */
void acp_lease_free(struct acp_lease **lease);

/* How a Lease that another holds is treated. */
enum acp_lease_way {
	ACP_LEASE_ONCE, /* given up when the other is seen alive */
	ACP_LEASE_ASK, /* the holder is asked to yield (--rotate-key) */
	ACP_LEASE__MAX
};

/*
 * Blocks until the Lease is held, and then keeps it renewed. ACP_RETRY_LATER
 * with a reason in why when another holds it (exit 75); it takes up to
 * ACP_LEASE_DURATION_MS to tell a dead holder from a live one. ACP_DENIED
 * without the permission or the namespace, ACP_FAULT when Kubernetes does not
 * answer (exit 1). A Lease that is lost afterwards is not taken again.
 */
ACP_MUST_CHECK enum acp_error acp_lease_acquire(struct acp_lease *lease,
	enum acp_lease_way way, struct acp_buffer *why);

/*
 * Starts to try for ever: takes the Lease when it is free or expired, keeps
 * it, gives it up when asked to, and tries again.
 */
void acp_lease_start(struct acp_lease *lease);

/* Makes a blocking acquire return ACP_RETRY_LATER soon. Any thread. */
void acp_lease_stop(struct acp_lease *lease);

/*
 * May a write begin now? Any thread; as acp_kube_guard and the API client ask
 * it, just before each write. A true answer stands for ACP_LEASE_REQUEST_MS:
 * the Lease is not given up before that has passed.
 */
bool acp_lease_may_write(struct acp_lease *lease);

/* acp_lease_may_write for the guards: context is the lease. */
bool acp_lease_guard(void *context);

/* True while held and not asked to yield: for metrics, and to begin a pass. */
bool acp_lease_is_held(struct acp_lease *lease);

/* Who we are in it; lives as the lease. */
const char *acp_lease_peek_identity(const struct acp_lease *lease);

/*
 * Reads the Lease and its notes without holding it (--dry-run). ACP_OK also
 * when there is none.
 */
ACP_MUST_CHECK enum acp_error acp_lease_look(
	struct acp_lease *lease, struct acp_buffer *why);

/*
 * Releases each set of deletions with that digest for ACP_LEASE_ALLOWED_S
 * from now by the server's clock; whoever holds the Lease. ACP_BAD_REQUEST
 * when digest is not 16 lower-case hex digits.
 */
ACP_MUST_CHECK enum acp_error acp_lease_allow_mass_delete(
	struct acp_lease *lease, const char *digest, struct acp_buffer *why);

/*
 * The digest that is allowed at now_s of the server's clock, or "", as last
 * seen (after an acquire or a look, or while the thread runs). Any thread.
 */
void acp_lease_read_allowed(struct acp_lease *lease, int64_t now_s,
	char digest[static ACP_LEASE_DIGEST_SIZE]);

/* When Secrets were last swept, 0: never; and notes that they now were. */
int64_t acp_lease_get_swept_s(struct acp_lease *lease);
ACP_MUST_CHECK enum acp_error acp_lease_set_swept_s(
	struct acp_lease *lease, int64_t swept_s, struct acp_buffer *why);

/*
 * One look at the Lease and what follows from it; the milliseconds to wait
 * before the next. The thread's work, here for the tests.
 */
int64_t acp_lease_step(struct acp_lease *lease);

ACP_AUTO_DEFINE(lease, struct acp_lease *, acp_lease_free)

#endif
