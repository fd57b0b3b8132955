/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the supervisor how the loop is: sd_notify(3)'s protocol on the socket
 * in NOTIFY_SOCKET, and a file whose age a probe can look at.
 */
#ifndef ACP_RECONCILER_NOTIFY_H
#define ACP_RECONCILER_NOTIFY_H

/* Sends "READY=1" and the like; does nothing where nobody listens. */
void acp_notify_send(const char *state);

/* Makes the file or sets its time to now; NULL: none. Failures are logged. */
void acp_notify_touch(const char *path);

#endif
