/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives up core dumps, foreign eyes and new privileges. Called first thing
 * by every program that reads a private key.
 */
#include <config.h>

#include "lib/confine.h"

#include "lib/log.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static void
warn_refused(const char *what)
{
	acp_log_message(ACP_LOG_WARN, "confine_refused", "%s: %s", what,
		strerror(errno));
}

void
acp_confine_process(void)
{
	const struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none))
		warn_refused("RLIMIT_CORE 0");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		warn_refused("PR_SET_DUMPABLE 0");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		warn_refused("PR_SET_NO_NEW_PRIVS");
}

void
acp_confine_streams(void)
{
	int fd;

	signal(SIGPIPE, SIG_IGN);
	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

void
acp_confine_raise_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 &&
		files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files))
			warn_refused("RLIMIT_NOFILE");
	}
}
