/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reconciler's exit status says to cron, a timer or a Job.
 */
#ifndef ACP_RECONCILER_EXIT_CODE_H
#define ACP_RECONCILER_EXIT_CODE_H

enum acp_exit_code {
	ACP_EXIT_CONVERGED = 0, /* or nothing was to be done */
	ACP_EXIT_NOTHING_DONE = 1, /* nothing could be observed or done */
	ACP_EXIT_USAGE = 2, /* the command line or configuration is wrong */
	ACP_EXIT_PARTIAL = 3, /* part of it failed, the rest was applied */
	ACP_EXIT_LOCKED = 75 /* another pass is at it (EX_TEMPFAIL) */
};

#endif
