# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapd_kmem: what the module does for a device, and its attributes."""
import errno
import re

from .stores import KernelError

DRIVER = "/sys/bus/dax/drivers/memmapd_kmem"


class Module:
    ROUTES = {
        r"/sys/bus/dax/drivers/memmapd_kmem/reclaim": "store_reclaim",
        r"/sys/.*/(dax\d+\.\d+)/memmapd/memmap_on_memory": "store_memmap_on_memory",
        r"/sys/.*/(dax\d+\.\d+)/memmapd/plug": "store_plug",
        r"/sys/.*/(dax\d+\.\d+)/memmapd/unplug": "store_unplug",
    }

    def __init__(self, machine):
        self.machine = machine
        self.tree = machine.tree
        self.hotplug = machine.hotplug
        self.loaded = False

    def load(self):
        self.machine.bus.add_driver("memmapd_kmem")
        self.tree.put(f"{DRIVER}/orphans")
        self.tree.put(f"{DRIVER}/reclaim", mode=0o200)
        self.loaded = True

    # Devices

    def probe(self, dax):
        if dax.target_node < 0:
            raise KernelError(errno.EINVAL)
        if not dax.numbers:
            raise KernelError(errno.ENOSPC)
        self._adopt(dax)
        possible = self.machine.memmap_on_memory
        dax.memmap_on_memory = possible
        t, d = self.tree, f"{dax.syspath}/memmapd"
        t.line(f"{d}/block_size", self.machine.memory.block_size)
        t.line(f"{d}/blocks", len(dax.numbers))
        t.line(f"{d}/trimmed", dax.trimmed)
        t.line(f"{d}/memmap_size", self.hotplug.memmap_size)
        t.line(f"{d}/memmap_on_memory", int(possible), 0o644)
        t.line(f"{d}/memmap_on_memory_supported", "1" if possible else
               "0 the kernel was booted without memory_hotplug.memmap_on_memory=1")
        t.put(f"{d}/plug", mode=0o200)
        t.put(f"{d}/unplug", mode=0o200)

    def _adopt(self, dax):
        """What an earlier binding, perhaps of an earlier device, left plugged."""
        for i, number in enumerate(dax.numbers):
            block = self.hotplug.blocks.get(number)
            if not block:
                continue
            if block.dax.driver and block.dax is not dax:
                raise KernelError(errno.EBUSY)
            block.dax, block.index = dax, i
            dax.blocks[i] = block

    def write_map(self, dax):
        if dax.driver == "memmapd_kmem":
            self.tree.put(f"{dax.syspath}/memmapd/map", dax.map)

    # Blocks whose device has gone

    def write_orphans(self):
        if not self.loaded:
            return
        size = self.machine.memory.block_size
        lines = [f"{b.number * size:#x}-{(b.number + 1) * size - 1:#x} "
                 f"node {b.dax.target_node} {b.dax.name}\n"
                 for b in self.hotplug.blocks.values()
                 if b.dax.driver is None and b.dax.blocks.get(b.index) is b]
        self.tree.put(f"{DRIVER}/orphans", "".join(lines))

    def store_reclaim(self, _):
        self.machine.record("reclaim")
        for block in list(self.hotplug.blocks.values()):
            if not block.dax.driver and block.state == "offline":
                self.hotplug.unplug(block.dax, block.index)
        self.write_orphans()

    # Attributes of a device

    def _device(self, name):
        dax = self.machine.bus.device(name)
        if dax.driver != "memmapd_kmem":
            raise KernelError(errno.ENODEV)
        return dax

    def store_memmap_on_memory(self, name, text):
        dax = self._device(name)
        if text not in ("0", "1"):
            raise KernelError(errno.EINVAL)
        self.machine.record(f"place {name} {text}")
        if text == "1" and not self.machine.memmap_on_memory:
            raise KernelError(errno.EOPNOTSUPP)
        dax.memmap_on_memory = text == "1"
        self.tree.line(f"{dax.syspath}/memmapd/memmap_on_memory", text, 0o644)

    @staticmethod
    def _indices(dax, text):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
        if not match:
            raise KernelError(errno.EINVAL)
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if max(first, last) >= len(dax.numbers):
            raise KernelError(errno.ERANGE)
        return range(first, last + 1) if first <= last else range(first, last - 1, -1)

    def store_plug(self, name, text):
        dax = self._device(name)
        for i in self._indices(dax, text):
            if i in dax.blocks:
                raise KernelError(errno.EEXIST)
            self.hotplug.plug(dax, i, dax.memmap_on_memory)

    def store_unplug(self, name, text):
        dax = self._device(name)
        for i in self._indices(dax, text):
            block = dax.blocks.get(i)
            if not block:
                raise KernelError(errno.ENOENT)
            if block.guests:
                raise KernelError(errno.EBUSY)
            if block.state == "online":
                self.hotplug.offline(block)
            self.hotplug.unplug(dax, i)
