/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * fill NODE MIB: takes so much memory of a node, writes something else to each page,
 * reads all of it back, and prints the numbers of the memory blocks that it was in.
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MPOL_BIND 2
#define PAGE_SIZE 4096UL
#define PAGE_PRESENT (UINT64_C(1) << 63)
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

static void write_and_read(uint64_t *memory, size_t pages)
{
	const size_t step = PAGE_SIZE / sizeof(*memory);

	for (size_t i = 0; i < pages; i++)
		memory[i * step] = ~i;
	for (size_t i = 0; i < pages; i++)
		if (memory[i * step] != ~i) {
			fprintf(stderr, "fill: page %zu lost what was in it\n", i);
			exit(1);
		}
}

static void print_blocks(const uint64_t *memory, size_t pages)
{
	static bool seen[MAX_BLOCKS];
	unsigned long size = block_size();
	FILE *f = fopen("/proc/self/pagemap", "re");
	uint64_t entry;

	if (!f || fseek(f, (long)((uintptr_t)memory / PAGE_SIZE * sizeof(entry)), SEEK_SET))
		fail("pagemap");
	for (size_t i = 0; i < pages; i++) {
		if (fread(&entry, sizeof(entry), 1, f) != 1 || !(entry & PAGE_PRESENT) ||
		    PFN(entry) * PAGE_SIZE / size >= MAX_BLOCKS)
			fail("a page of it");
		seen[PFN(entry) * PAGE_SIZE / size] = true;
	}
	fclose(f);
	for (size_t i = 0, n = 0; i < MAX_BLOCKS; i++)
		if (seen[i])
			printf("%s%zu", n++ ? " " : "", i);
	puts("");
}

int main(int argc, char **argv)
{
	unsigned long mask;
	uint64_t *memory;
	size_t size;

	if (argc != 3)
		return 2;
	mask = 1UL << atoi(argv[1]);
	size = strtoul(argv[2], NULL, 0) << 20;
	if (syscall(SYS_set_mempolicy, MPOL_BIND, &mask, 64UL))
		fail("set_mempolicy");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		fail("memory");
	write_and_read(memory, size / PAGE_SIZE);
	print_blocks(memory, size / PAGE_SIZE);
	return 0;
}
