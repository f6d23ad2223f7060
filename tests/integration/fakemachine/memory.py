# SPDX-License-Identifier: LGPL-2.1-or-later
"""Nodes, zones and blocks of memory, and where the kernel takes a memmap from."""
import math
from collections import Counter

from .units import PAGE, GiB, KiB, MiB

HUGE = 512                              # pages the kernel allocates a memmap by
ORDERS = 11                             # MAX_ORDER of 6.1: pieces of 1 to 1024 pages
SMALL = 9                               # orders of pieces smaller than HUGE


def split(pages, orders, times, counts):
    """Into as few pieces of @orders as can be, counted."""
    for order in reversed(orders):
        counts[order] += times * (pages >> order)
        pages &= (1 << order) - 1


class Zone:
    NAMES = ("DMA", "DMA32", "Normal", "Movable", "Device")
    LIMITS = {"DMA": 16 * MiB, "DMA32": 4 * GiB}
    RATIO = {"DMA": 256, "DMA32": 256, "Normal": 32, "Movable": 0, "Device": 0}

    def __init__(self, name):
        self.name = name
        self.start_pfn = 0
        self.present = self.managed = self.free = 0     # of boot memory, in pages
        self.blocks = []                                # online, hot-added; their sums:
        self.hot_present = self.hot_managed = self.hot_free = 0
        self.file = self.slab = 0                       # pages that can be reclaimed
        self.min = self.low = self.high = 0
        self.protection = [0] * 5

    def add_boot(self, start, end, kept_back):
        pages = (end - start) // PAGE
        if not self.present:
            self.start_pfn = start // PAGE
        self.present += pages
        self.managed += pages - kept_back
        self.free += pages - kept_back

    def add_block(self, block):
        if not self.all_present:
            self.start_pfn = block.number * block.pages
        self.blocks.append(block)
        self._count(block, 1)

    def remove_block(self, block):
        self.blocks.remove(block)
        self._count(block, -1)

    def _count(self, block, sign):
        self.hot_present += sign * block.pages
        self.hot_managed += sign * block.managed
        self.hot_free += sign * block.free

    def give(self, host, pages):
        """@pages to a memmap, from boot memory or from the block @host."""
        if host:
            host.guests += pages
            self.hot_free -= pages
        else:
            self.free -= pages

    def free_pieces(self):
        """How many free pieces of each order, as the buddy allocator would keep them."""
        counts = [0] * ORDERS
        wholes = Counter(b.room for b in self.blocks)
        wholes[self.free] += 1
        for pages, times in wholes.items():
            split(pages, range(ORDERS), times, counts)
        split(sum(b.free - b.room for b in self.blocks), range(SMALL), 1, counts)
        return counts

    @property
    def all_present(self):
        return self.present + self.hot_present

    @property
    def all_managed(self):
        return self.managed + self.hot_managed

    @property
    def all_free(self):
        return self.free + self.hot_free

    def kept_back(self):
        """Pages that the kernel does not hand out before it has reclaimed some."""
        return self.high + self.protection[Zone.NAMES.index("Normal")]

    def reclaim(self, pages):
        """What the page cache and the slab give up."""
        part = min(pages, self.file)
        self.file -= part
        self.slab -= pages - part
        self.free += pages

    def set_watermarks(self, pages_min, lowmem):
        self.min = pages_min * self.all_managed // lowmem
        step = max(self.min >> 2, self.all_managed * 10 // 10000)
        self.low = self.min + step
        self.high = self.low + step


class Node:
    def __init__(self, ident, cpus):
        self.id = ident
        self.cpus = cpus
        self.online = False
        self.zones = [Zone(name) for name in Zone.NAMES]
        self.lowest = None      # least ever of what was free or reclaimable

    def zone(self, name):
        return self.zones[Zone.NAMES.index(name)]

    @property
    def kernel_zones(self):
        return [z for z in self.zones[:3] if z.all_managed]

    @property
    def file(self):
        return sum(z.file for z in self.zones)

    @property
    def slab(self):
        return sum(z.slab for z in self.zones)

    @property
    def reclaimable(self):
        return self.file + self.slab

    @property
    def kernel_free(self):
        return sum(z.all_free for z in self.kernel_zones)

    @property
    def kernel_managed(self):
        return sum(z.all_managed for z in self.kernel_zones)


class Block:
    """A plugged memory block of a dax device."""

    def __init__(self, dax, index, number, pages):
        self.dax = dax
        self.index = index
        self.number = number
        self.pages = pages
        self.state = "offline"
        self.zone = None        # Zone, if online
        self.place = "r"
        self.own = 0            # pages of the block that hold its own memmap
        self.owner = []         # else: (Zone, Block or None for boot memory, pages)
        self.guests = 0         # pages of memmaps of other blocks in this one
        self.stray = 0          # pages of anything else of the kernel's
        self.crumbs = 0         # free pages in pieces too small for a memmap

    @property
    def managed(self):
        return self.pages - self.own

    @property
    def free(self):
        return self.managed - self.guests - self.stray

    @property
    def room(self):
        """Free pages that a memmap can have."""
        return max(0, self.free - self.crumbs)


class Memory:
    """All of it.  @ram, @free: {node: bytes}, see FakeMachine."""

    def __init__(self, possible, block_size, ram, free, reclaimable):
        self.nodes = [Node(i, [0, 1] if i == 0 else []) for i in range(possible)]
        self.block_size = block_size
        self.boot_blocks = {}           # number -> Node
        self.boot_end = 0
        self._boot(ram)
        for n, bytes_free in free.items():
            self._use_up(self.nodes[n], bytes_free, reclaimable if n == 0 else 0)

    def _boot(self, ram):
        """Node by node from 0 up, with a hole from 3 to 4 GiB."""
        at = 0
        for n, left in ram.items():
            node = self.nodes[n]
            node.online = True
            while left:
                if 3 * GiB <= at < 4 * GiB:
                    at = 4 * GiB
                end = min(at + left, 3 * GiB) if at < 3 * GiB else at + left
                self._boot_range(node, at, end)
                left -= end - at
                at = end
        self.boot_end = at

    def _boot_range(self, node, start, end):
        for number in range(start // self.block_size, -(-end // self.block_size)):
            self.boot_blocks[number] = node
        at = start
        for name in ("DMA", "DMA32", "Normal"):
            limit = min(end, Zone.LIMITS.get(name, end))
            if at >= limit:
                continue
            kept_back = (limit - at) // PAGE // 64 if name != "DMA" else 256
            node.zone(name).add_boot(at, limit, kept_back)
            at = limit

    @staticmethod
    def _use_up(node, free, reclaimable):
        """Leave @free bytes: whole zones are used up from the highest down."""
        total = node.kernel_free
        free = total * 3 // 4 if free is None else free // PAGE
        used = total - free
        assert used >= reclaimable // PAGE, "not that much RAM"
        for zone in reversed(node.kernel_zones):
            part = min(used, zone.free)
            zone.free -= part
            used -= part
        left = reclaimable // PAGE
        for zone in reversed(node.kernel_zones):
            zone.file = min(left, zone.managed - zone.free)
            left -= zone.file

    def update(self):
        """What follows from a change."""
        self._set_watermarks()
        for node in self.nodes:
            now = (node.kernel_free + node.reclaimable) * PAGE
            node.lowest = now if node.lowest is None else min(node.lowest, now)

    def _set_watermarks(self):
        """As init_per_zone_wmark_min() and setup_per_zone_lowmem_reserve()."""
        zones = [z for n in self.nodes for z in n.zones]
        kernel = sum(n.kernel_managed for n in self.nodes)
        lowmem = sum(z.all_managed for z in zones)
        pages_min = max(128, math.isqrt(kernel * (PAGE // KiB) * 16)) // (PAGE // KiB)
        for z in zones:
            z.set_watermarks(pages_min, lowmem)
        for node in self.nodes:
            for i, z in enumerate(node.zones):
                above = 0
                for j in range(i + 1, 5):
                    above += node.zones[j].all_managed
                    ratio = Zone.RATIO[z.name]
                    z.protection[j] = above // ratio if ratio and z.all_managed else 0

    # Memmaps

    def allocate_memmap(self, target, pages, boot_only):
        """For a block of node @target: a list as Block.owner.  None: out of memory."""
        taken = []
        for at in range(0, pages, HUGE):
            part = min(HUGE, pages - at)
            found = self._allocate(target, part, boot_only)
            if not found:
                self.release(taken)
                return None
            zone, host = found
            zone.give(host, part)
            taken.append((zone, host, part))
        return taken

    @staticmethod
    def release(taken):
        for zone, host, pages in taken:
            zone.give(host, -pages)

    def _zonelist(self, target):
        """Kernel zones by distance, as for GFP_KERNEL."""
        nodes = sorted(self.nodes, key=lambda n: (n.id != target, n.id))
        return [z for n in nodes for z in reversed(n.kernel_zones)]

    def _allocate(self, target, pages, boot_only):
        """A zone, and the hot-added block in it, that have @pages to give away."""
        zones = self._zonelist(target)
        for mark in ("low", "min"):
            for zone in zones:
                room = zone.all_free - pages - getattr(zone, mark) - zone.protection[2]
                if room >= 0 and (owner := self._host(zone, pages, boot_only)):
                    return owner
        for zone in zones:
            short = zone.min + zone.protection[2] + pages - zone.free
            if zone.managed and 0 < short <= zone.file + zone.slab:
                zone.reclaim(short)
                return zone, None
        return None

    @staticmethod
    def _host(zone, pages, boot_only):
        if zone.free >= pages:
            return zone, None
        if not boot_only:
            for b in sorted(zone.blocks, key=lambda b: b.number):
                if b.room >= pages:
                    return zone, b
        return None
