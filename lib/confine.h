/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process that holds private keys gives up before it reads them.
 */
#ifndef ACP_LIB_CONFINE_H
#define ACP_LIB_CONFINE_H

/*
 * No core dumps, no ptrace or /proc/PID/mem by others of the same user
 * (PR_SET_DUMPABLE 0), no new privileges. Logs and goes on when the kernel
 * refuses one.
 */
void acp_confine_process(void);

/*
 * /dev/null where standard input, output or error is closed, so that no file
 * and no connection gets such a number and what is printed; and a reader who
 * has gone (SIGPIPE) ends nothing.
 */
void acp_confine_streams(void);

/* Raises the soft limit of open files to the hard one. */
void acp_confine_raise_files(void);

#endif
