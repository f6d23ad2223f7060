/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* put TEXT FILE: writes it at once, and prints the name of the error, or "ok". */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int fd;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_WRONLY);
	if (fd >= 0 && write(fd, argv[1], strlen(argv[1])) >= 0)
		puts("ok");
	else
		puts(strerrorname_np(errno));
	return 0;
}
