/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * daxrw write DEVICE TEXT | read DEVICE | hold DEVICE: text at the start of a
 * device node, through a mapping, the only way there is; or keep it open.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE (2UL << 20)

int main(int argc, char **argv)
{
	char *p;
	int fd;

	if (argc < 3)
		return 2;
	fd = open(argv[2], O_RDWR);
	if (fd < 0) {
		perror(argv[2]);
		return 1;
	}
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	if (!strcmp(argv[1], "write") && argc == 4)
		strcpy(p, argv[3]);
	else if (!strcmp(argv[1], "read"))
		puts(p);
	else if (!strcmp(argv[1], "hold")) {
		close(fd);	/* the mapping alone must count */
		pause();
	} else
		return 2;
	return 0;
}
