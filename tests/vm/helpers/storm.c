/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * storm N: waits for an event that udev sends about a memory block, and sends the same
 * to udev's listeners N more times.  udev itself takes ten milliseconds for each here.
 */
#define _GNU_SOURCE
#include <linux/netlink.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of those that listen to udev, not to the kernel. */
#define GROUP 2
#define PATIENCE_MS 60000

static int is_about_memory(const char *text, size_t size)
{
	static const char wanted[] = "SUBSYSTEM=memory";

	return memmem(text, size, wanted, sizeof(wanted)) != NULL;
}

int main(int argc, char **argv)
{
	struct sockaddr_nl here = { .nl_family = AF_NETLINK, .nl_groups = GROUP };
	long left = argc == 2 ? atol(argv[1]) : 0;
	static char event[16384];
	struct pollfd p;
	ssize_t n;

	if (left <= 0)
		return 2;
	p.fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
	p.events = POLLIN;
	if (p.fd < 0 || bind(p.fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		return 1;
	puts("listening");
	fflush(stdout);
	do {
		if (poll(&p, 1, PATIENCE_MS) <= 0)
			return 1;
		n = recv(p.fd, event, sizeof(event), 0);
	} while (n > 0 && !is_about_memory(event, n));
	if (n <= 0)
		return 1;
	/* To the group, and not to itself. */
	for (here.nl_pid = 0; left > 0; left--)
		if (sendto(p.fd, event, n, 0, (struct sockaddr *)&here, sizeof(here)) != n)
			return 1;
	printf("sent, of %zd bytes each\n", n);
	return 0;
}
