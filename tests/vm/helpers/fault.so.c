/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Loaded into a program, makes the kernel fail one of its writes: that to the file
 * whose path ends as /run/fault says.  There,
 *
 *	memory/memory35/state MEM_GOING_ONLINE -5
 *
 * has the kernel's own error injection say EIO to every block that comes online while
 * the write lasts.  A number behind it is how many times at most, for each process.
 * Without the file, nothing fails.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define ACTIONS "/sys/kernel/debug/notifier-error-inject/memory/actions/"

struct fault {
	char path[128], action[32], error[16];
	unsigned int times;
};

static ssize_t real_write(int fd, const void *buf, size_t size)
{
	ssize_t (*next)(int, const void *, size_t);

	*(void **)&next = dlsym(RTLD_NEXT, "write");
	return next(fd, buf, size);
}

static bool is_meant(const struct fault *fault, int fd)
{
	char link[64], path[4096];
	size_t end = strlen(fault->path);
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	return n > (ssize_t)end && n < (ssize_t)sizeof(path) &&
	       memcmp(path + n - end, fault->path, end) == 0;
}

static bool read_fault(struct fault *fault)
{
	FILE *f = fopen("/run/fault", "re");
	int n;

	if (!f)
		return false;
	n = fscanf(f, "%127s %31s %15s %u", fault->path, fault->action, fault->error,
		   &fault->times);
	fclose(f);
	if (n == 3)
		fault->times = ~0U;
	return n >= 3;
}

static void inject(const struct fault *fault, const char *error)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), ACTIONS "%s/error", fault->action);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || real_write(fd, error, strlen(error)) < 0)
		perror("fault.so");
	close(fd);
}

ssize_t write(int fd, const void *buf, size_t size)
{
	static unsigned int times;
	struct fault fault;
	int saved = errno, error;
	ssize_t n;

	if (!read_fault(&fault) || !is_meant(&fault, fd) || times >= fault.times) {
		errno = saved;
		return real_write(fd, buf, size);
	}
	times++;
	inject(&fault, fault.error);
	n = real_write(fd, buf, size);
	error = errno;
	inject(&fault, "0");
	errno = error;
	return n;
}
