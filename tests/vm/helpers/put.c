/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * put TEXT FILE [TEXT FILE]...: writes each text at once, and prints the name of the
 * error, or "ok", for each.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *put(const char *text, const char *path)
{
	int fd = open(path, O_WRONLY);
	const char *result = "ok";

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		result = strerrorname_np(errno);
	if (fd >= 0)
		close(fd);
	return result;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc % 2 == 0)
		return 2;
	for (int i = 1; i < argc; i += 2)
		puts(put(argv[i], argv[i + 1]));
	return 0;
}
