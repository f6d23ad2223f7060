# SPDX-License-Identifier: LGPL-2.1-or-later
"""What Linux 6.1 says of memory in /proc, and in meminfo of a node."""
from .units import PAGE, KiB

NODE_STATS = """nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable
    nr_slab_reclaimable nr_slab_unreclaimable nr_isolated_anon nr_isolated_file
    workingset_nodes workingset_refault_anon workingset_refault_file
    workingset_activate_anon workingset_activate_file workingset_restore_anon
    workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped
    nr_file_pages nr_dirty nr_writeback nr_writeback_temp nr_shmem
    nr_shmem_hugepages nr_shmem_pmdmapped nr_file_hugepages nr_file_pmdmapped
    nr_anon_transparent_hugepages nr_vmscan_write nr_vmscan_immediate_reclaim
    nr_dirtied nr_written nr_throttled_written nr_kernel_misc_reclaimable
    nr_foll_pin_acquired nr_foll_pin_released nr_kernel_stack nr_page_table_pages
    nr_sec_page_table_pages nr_swapcached pgpromote_success
    pgpromote_candidate""".split()

ZONE_STATS_BEFORE = ("nr_zone_inactive_anon", "nr_zone_active_anon")
ZONE_STATS_AFTER = (
    "nr_zone_active_file", "nr_zone_unevictable", "nr_zone_write_pending", "nr_mlock",
    "nr_bounce", "nr_zspages", "nr_free_cma", "numa_hit", "numa_miss", "numa_foreign",
    "numa_interleave", "numa_local", "numa_other")


def zoneinfo(nodes):
    return "".join("\n".join(zone_lines(n, z)) + "\n"
                   for n in nodes if n.online for z in n.zones)


def zone_lines(node, z):
    yield f"Node {node.id}, zone {z.name:>8}"
    if z is next((x for x in node.zones if x.all_present), None):
        yield "  per-node stats"
        yield from (f"      {name:<12} {value}" for name, value in node_stats(node).items())
    present = z.all_present
    yield f"  pages free     {z.all_free}"
    yield "        boost    0"
    yield f"        min      {z.min}"
    yield f"        low      {z.low}"
    yield f"        high     {z.high}"
    yield f"        spanned  {present}"
    yield f"        present  {present}"
    yield f"        managed  {z.all_managed}"
    yield "        cma      0"
    yield f"        protection: ({', '.join(map(str, z.protection))})"
    if not present:
        return
    yield f"      {'nr_free_pages':<12} {z.all_free}"
    yield from (f"      {name:<12} 0" for name in ZONE_STATS_BEFORE)
    yield f"      {'nr_zone_inactive_file':<12} {z.file}"
    yield from (f"      {name:<12} 0" for name in ZONE_STATS_AFTER)
    yield "  pagesets"
    for cpu in (0, 1):
        yield f"    cpu: {cpu}"
        yield "              count: 0"
        yield "              high:  378"
        yield "              batch: 63"
        yield "  vm stats threshold: 24"
    yield "  node_unreclaimable:  0"
    yield f"  start_pfn:           {z.start_pfn}"


def node_stats(node):
    stats = dict.fromkeys(NODE_STATS, 0)
    stats["nr_inactive_file"] = node.file
    stats["nr_slab_reclaimable"] = node.slab
    stats["nr_file_pages"] = node.file
    return stats


def buddyinfo(nodes):
    """Of the zones that have memory."""
    return "".join(f"Node {n.id}, zone {z.name:>8} " +
                   "".join(f"{count:>6} " for count in z.free_pieces()) + "\n"
                   for n in nodes if n.online for z in n.zones if z.all_present)


def node_values(node):
    """In kB."""
    kb = PAGE // KiB
    total = sum(z.all_managed for z in node.zones) * kb
    free = sum(z.all_free for z in node.zones) * kb
    return {
        "MemTotal": total, "MemFree": free, "MemUsed": total - free,
        "Active": 0, "Inactive": node.file * kb,
        "Active(anon)": 0, "Inactive(anon)": 0,
        "Active(file)": 0, "Inactive(file)": node.file * kb,
        "Unevictable": 0, "Mlocked": 0, "Dirty": 0, "Writeback": 0,
        "FilePages": node.file * kb,
        "Mapped": 0, "AnonPages": 0, "Shmem": 0, "KernelStack": 0, "PageTables": 0,
        "Bounce": 0, "KReclaimable": node.slab * kb, "Slab": node.slab * kb,
        "SReclaimable": node.slab * kb, "SUnreclaim": 0,
    }


def node_meminfo(node):
    return "".join(f"Node {node.id} {name + ':':<15} {kb:>8} kB\n"
                   for name, kb in node_values(node).items())


def meminfo(nodes):
    total = {}
    for node in nodes:
        for name, kb in node_values(node).items():
            total[name] = total.get(name, 0) + kb
    total["MemAvailable"] = total["MemFree"] + total["FilePages"] + total["SReclaimable"]
    total["Cached"] = total.pop("FilePages")
    total.pop("MemUsed")
    order = ["MemTotal", "MemFree", "MemAvailable", "Cached"]
    order += [n for n in total if n not in order]
    return "".join(f"{name + ':':<15} {total[name]:>8} kB\n" for name in order)
