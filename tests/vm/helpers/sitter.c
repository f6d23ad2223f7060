/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sitter NODE MIB: takes so much memory, of that node as far as there is any, says
 * "ready", and once in a while reads all of it back.  The memory may be moved meanwhile; it
 * ends with 1 when it does not find what it wrote, and with 0 on SIGTERM.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MPOL_PREFERRED 1
#define PAGE_SIZE 4096UL
#define STEP (PAGE_SIZE / sizeof(uint64_t))

static volatile sig_atomic_t over;

static void on_term(int sig)
{
	(void)sig;
	over = 1;
}

int main(int argc, char **argv)
{
	unsigned long node, nodes[16] = {};
	uint64_t *memory;
	size_t pages;

	if (argc != 3)
		return 2;
	node = strtoul(argv[1], NULL, 0);
	pages = strtoul(argv[2], NULL, 0) * 1024 * 1024 / PAGE_SIZE;
	if (node >= 8 * sizeof(nodes))
		return 2;
	nodes[node / (8 * sizeof(*nodes))] = 1UL << node % (8 * sizeof(*nodes));
	memory = mmap(NULL, pages * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		      -1, 0);
	if (memory == MAP_FAILED ||
	    syscall(SYS_mbind, memory, pages * PAGE_SIZE, MPOL_PREFERRED, nodes, 8 * sizeof(nodes), 0)) {
		perror("sitter");
		return 2;
	}
	signal(SIGTERM, on_term);
	for (size_t i = 0; i < pages; i++)
		memory[i * STEP] = i + 1;
	puts("ready");
	fflush(stdout);
	while (!over) {
		for (size_t i = 0; i < pages; i++)
			if (memory[i * STEP] != i + 1) {
				fprintf(stderr, "sitter: page %zu is not what it was\n", i);
				return 1;
			}
		usleep(500000);
	}
	return 0;
}
