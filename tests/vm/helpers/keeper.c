/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * keeper NODE MIB LOG [pin]: has so much memory, of a node if it can, with something else
 * in each page, and until it is killed says on SIGUSR1 whether all of it is still there.
 * With "pin", all of it is in a pipe as well: then the kernel cannot move it.
 *
 * In LOG are the memory blocks that it is in: at the start, and after each SIGUSR1 behind
 * the word "intact".
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MPOL_PREFERRED 1
#define PAGE_SIZE 4096UL
#define PIPE (1UL << 20)
#define PFN(entry) ((entry) & ((UINT64_C(1) << 55) - 1))
#define MAX_BLOCKS (1UL << 20)

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static unsigned long block_size(void)
{
	FILE *f = fopen("/sys/devices/system/memory/block_size_bytes", "re");
	unsigned long size;

	if (!f || fscanf(f, "%lx", &size) != 1)
		fail("block size");
	fclose(f);
	return size;
}

static void print_blocks(FILE *log, const uint64_t *memory, size_t pages)
{
	static bool seen[MAX_BLOCKS];
	FILE *f = fopen("/proc/self/pagemap", "re");
	unsigned long size = block_size();
	uint64_t entry;

	memset(seen, 0, sizeof(seen));
	if (!f || fseek(f, (long)((uintptr_t)memory / PAGE_SIZE * sizeof(entry)), SEEK_SET))
		fail("pagemap");
	for (size_t i = 0; i < pages; i++) {
		if (fread(&entry, sizeof(entry), 1, f) != 1 ||
		    PFN(entry) * PAGE_SIZE / size >= MAX_BLOCKS)
			fail("a page of it");
		seen[PFN(entry) * PAGE_SIZE / size] = true;
	}
	fclose(f);
	for (size_t i = 0; i < MAX_BLOCKS; i++)
		if (seen[i])
			fprintf(log, " %zu", i);
	fputc('\n', log);
	fflush(log);
}

static bool is_intact(const uint64_t *memory, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		if (memory[i * PAGE_SIZE / sizeof(*memory)] != ~i)
			return false;
	return true;
}

/* What is in a pipe is held by it, not copied. */
static void pin(char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += PIPE) {
		struct iovec v = { memory + at, PIPE };
		int fds[2];

		if (pipe(fds) || fcntl(fds[1], F_SETPIPE_SZ, PIPE) < 0 ||
		    vmsplice(fds[1], &v, 1, 0) != (ssize_t)PIPE)
			fail("pin");
	}
}

int main(int argc, char **argv)
{
	unsigned long mask;
	uint64_t *memory;
	size_t size;
	sigset_t set;
	FILE *log;
	int sig;

	if (argc < 4)
		return 2;
	mask = 1UL << atoi(argv[1]);
	size = strtoul(argv[2], NULL, 0) << 20;
	log = fopen(argv[3], "we");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!log || memory == MAP_FAILED || madvise(memory, size, MADV_NOHUGEPAGE) ||
	    syscall(SYS_mbind, memory, size, MPOL_PREFERRED, &mask, 64UL, 0))
		fail("memory");
	for (size_t i = 0; i < size / PAGE_SIZE; i++)
		memory[i * PAGE_SIZE / sizeof(*memory)] = ~i;
	if (argc > 4)
		pin((char *)memory, size);
	fprintf(log, "in");
	print_blocks(log, memory, size / PAGE_SIZE);
	while (!sigwait(&set, &sig)) {
		fputs(is_intact(memory, size / PAGE_SIZE) ? "intact" : "lost", log);
		print_blocks(log, memory, size / PAGE_SIZE);
	}
	return 1;
}
