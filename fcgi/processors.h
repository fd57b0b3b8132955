/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many processors this process may use, for the default number of
 * workers: what it may run on, and the quotas of its control groups.
 */
#ifndef ACP_FCGI_PROCESSORS_H
#define ACP_FCGI_PROCESSORS_H

#include <stddef.h>

/* At least 1. Reads the affinity, /proc/self/cgroup and /sys/fs/cgroup. */
size_t acp_processors_count(void);

/*
 * The processors that a cpu.max file grants ("QUOTA PERIOD", cgroup v2),
 * rounded up; SIZE_MAX for "max" and for what cannot be understood.
 */
size_t acp_processors_parse_quota(const char *text);

/*
 * The least that is granted by the cgroup v2 that the file list names (as
 * /proc/self/cgroup does) and by those above it, which lie below the folder
 * root; SIZE_MAX when none of them has a quota.
 */
size_t acp_processors_find_quota(const char *list, const char *root);

#endif
