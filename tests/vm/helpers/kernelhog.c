/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * kernelhog NODE MIB: take kernel memory of a node, or with "any" of the machine, and
 * keep it.  The buffers of pipes are neither movable nor given back, so they are taken from the node's
 * kernel zone, as a memmap is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MPOL_BIND 2
#define PIPE (1 << 20)

int main(int argc, char **argv)
{
	static const struct rlimit files = { 1 << 19, 1 << 19 };
	static char buf[PIPE];
	unsigned long mask;
	int i;

	if (argc != 3)
		return 2;
	mask = 1UL << atoi(argv[1]);
	if (strcmp(argv[1], "any") && syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL)) {
		perror("set_mempolicy");
		return 1;
	}
	if (setrlimit(RLIMIT_NOFILE, &files)) {
		perror("setrlimit");
		return 1;
	}
	for (i = 0; i < atoi(argv[2]); i++) {
		int fds[2];

		if (pipe2(fds, O_NONBLOCK) || fcntl(fds[1], F_SETPIPE_SZ, PIPE) < 0 ||
		    write(fds[1], buf, PIPE) <= 0)
			break;
	}
	printf("hog: %d MiB of node %s\n", i, argv[1]);
	fflush(stdout);
	pause();
	return 0;
}
