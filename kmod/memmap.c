// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the memmap of a block is.
 *
 * The kernel falls back without a word when it cannot put a memmap where it was
 * asked to, so nothing is remembered here: the page tables behind the struct
 * pages are looked at.
 */
#include <linux/memory.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>

#include "memmapd.h"

u64 memmapd_memmap_size(void)
{
	return (u64)PHYS_PFN(memory_block_size_bytes()) * sizeof(struct page);
}

#ifdef CONFIG_X86_64
/* Physical address behind @addr in vmemmap; @left: bytes up to the next entry. */
static bool vmemmap_phys(unsigned long addr, u64 *phys, unsigned long *left)
{
	unsigned int level;
	unsigned long size;
	pte_t *pte;
	u64 base;

again:
	pte = lookup_address(addr, &level);
	if (!pte)
		return false;
	/*
	 * Each entry is read once: it may be split under us into a table of
	 * smaller ones (mm/hugetlb_vmemmap.c).
	 */
	if (level == PG_LEVEL_1G) {
		pud_t pud = READ_ONCE(*(pud_t *)pte);

		if (!pud_present(pud))
			return false;
		base = PFN_PHYS(pud_pfn(pud));
		size = PUD_SIZE;
	} else if (level == PG_LEVEL_2M) {
		pmd_t pmd = READ_ONCE(*(pmd_t *)pte);

		if (!pmd_present(pmd))
			return false;
		if (!(pmd_val(pmd) & _PAGE_PSE))
			goto again;
		base = PFN_PHYS(pmd_pfn(pmd));
		size = PMD_SIZE;
	} else {
		pte_t entry = READ_ONCE(*pte);

		if (!pte_present(entry))
			return false;
		base = PFN_PHYS(pte_pfn(entry));
		size = PAGE_SIZE;
	}
	*phys = base + (addr & (size - 1));
	*left = size - (addr & (size - 1));
	return true;
}
#else
static bool vmemmap_phys(unsigned long addr, u64 *phys, unsigned long *left)
{
	*phys = PFN_PHYS(vmalloc_to_pfn((void *)addr)) + offset_in_page(addr);
	*left = PAGE_SIZE - offset_in_page(addr);
	return true;
}
#endif

/**
 * memmapd_memmap_place() - where the memmap of a plugged block is
 * @claim: the device, its map_lock held
 * @index: the block, plugged
 *
 * A memmap may be made of single pages from several places.  The answer is the
 * place with the worst consequence: one page in RAM makes it 'r'.
 *
 * Return: 'd' on the block itself, 's' in another block of the device, 'r'
 * anywhere else.
 */
char memmapd_memmap_place(const struct memmapd_claim *claim,
			  unsigned long index)
{
	unsigned long pfn = PHYS_PFN(memmapd_claim_start(claim, index));
	unsigned long addr = (unsigned long)pfn_to_page(pfn);
	unsigned long end = addr + memmapd_memmap_size();
	unsigned long left, owner;
	char place = 'd';
	u64 phys;

	for (; addr < end; addr += left) {
		if (!vmemmap_phys(addr, &phys, &left))
			return 'r';
		if (!memmapd_claim_find(claim, phys, &owner))
			return 'r';
		if (owner != index)
			place = 's';
	}
	return place;
}
