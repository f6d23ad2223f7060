# SPDX-License-Identifier: LGPL-2.1-or-later
"""Memory blocks: they come with a device, go online and offline, and go."""
import errno

from .memory import Block, Zone
from .stores import KernelError
from .units import PAGE

DIRECTORY = "/sys/devices/system/memory"


class Hotplug:
    ROUTES = {
        r"/sys/devices/system/memory/memory(\d+)/state": "store_state",
        r"/sys/devices/system/memory/memory(\d+)/online": "store_online",
    }

    def __init__(self, machine):
        self.machine = machine
        self.tree = machine.tree
        self.faults = machine.faults
        self.memory = machine.memory
        self.blocks = {}                # number -> Block
        self.pages = self.memory.block_size // PAGE
        self.memmap_size = self.pages * 64

    # Files

    def build(self, auto_online, memmap_on_memory):
        t = self.tree
        t.dir("/sys/bus/memory/devices")
        t.line(f"{DIRECTORY}/block_size_bytes", f"{self.memory.block_size:x}")
        t.line(f"{DIRECTORY}/auto_online_blocks", auto_online, 0o644)
        t.put(f"{DIRECTORY}/probe", mode=0o200)
        parameters = "/sys/module/memory_hotplug/parameters"
        t.line(f"{parameters}/memmap_on_memory", memmap_on_memory)
        t.line(f"{parameters}/online_policy", "contig-zones", 0o644)
        t.line(f"{parameters}/auto_movable_ratio", 301, 0o644)
        for number, node in self.memory.boot_blocks.items():
            self._build(number, node.id, "online", self._boot_zones(number))

    def _build(self, number, node, state, zones):
        t, d = self.tree, f"{DIRECTORY}/memory{number}"
        t.dir(d)
        t.line(f"{d}/phys_index", f"{number:08x}")
        t.line(f"{d}/phys_device", 0)
        t.line(f"{d}/removable", 1)
        t.line(f"{d}/valid_zones", zones)
        t.put(f"{d}/uevent", mode=0o644)
        t.line(f"{d}/online", int(state == "online"), 0o644)
        t.line(f"{d}/state", state, 0o644)
        t.link(f"{d}/subsystem", "/sys/bus/memory")
        t.link(f"/sys/bus/memory/devices/memory{number}", d)
        nd = f"/sys/devices/system/node/node{node}"
        t.link(f"{d}/node{node}", nd)
        t.link(f"{nd}/memory{number}", d)

    def _remove(self, block):
        n, node = block.number, block.dax.target_node
        self.tree.unlink(f"/sys/bus/memory/devices/memory{n}")
        self.tree.unlink(f"/sys/devices/system/node/node{node}/memory{n}")
        self.tree.remove(f"{DIRECTORY}/memory{n}")

    def _write(self, block):
        t, d = self.tree, f"{DIRECTORY}/memory{block.number}"
        t.line(f"{d}/valid_zones",
               block.zone.name if block.zone else self._zones_when_offline(block))
        t.line(f"{d}/online", int(block.state == "online"), 0o644)
        t.line(f"{d}/state", block.state, 0o644)

    def _boot_zones(self, number):
        size = self.memory.block_size
        start, end = number * size, (number + 1) * size
        if start < Zone.LIMITS["DMA"] < end:
            return "none"
        return "DMA32" if end <= Zone.LIMITS["DMA32"] else "Normal"

    def _zones_when_offline(self, block):
        """The zone that "online" would take comes first."""
        if self._default_zone(block).name == "Movable":
            return "Movable Normal"
        return "Normal Movable"

    def _default_zone(self, block):
        node = self._node(block.dax)
        movable, normal = node.zone("Movable"), node.zone("Normal")
        return movable if movable.blocks and not normal.all_present else normal

    def _node(self, dax):
        return self.memory.nodes[dax.target_node]

    def _uevent(self, action, block):
        self.machine.uevent(action, f"/devices/system/memory/memory{block.number}", "memory")

    # Plug

    def plug(self, dax, i, on_memory):
        """Block @i of @dax comes, its memmap on itself if @on_memory."""
        line = f"plug {dax.name} {i}"
        self.faults.act(line)
        if i in dax.blocks:
            raise KernelError(errno.EEXIST)
        if dax.name not in self.machine.devices:
            raise KernelError(errno.ENODEV)
        self.faults.check("plug", (dax.name, i), line)
        block = Block(dax, i, dax.numbers[i], self.pages)
        self._give_memmap(block, on_memory, line)
        dax.blocks[i] = self.blocks[block.number] = block
        node = self._node(dax)
        node.online = True
        self.machine.refresh()
        self._build(block.number, node.id, "offline", self._zones_when_offline(block))
        self.machine.module.write_map(dax)
        self.machine.record(f"{line} {block.place}")
        self._uevent("add", block)

    def _give_memmap(self, block, on_memory, line):
        pages = self.memmap_size // PAGE
        forced = self.faults.memmap_is_forced_into_ram()
        if on_memory and not forced:
            block.place, block.own = "d", pages
            return
        taken = self.memory.allocate_memmap(block.dax.target_node, pages, forced)
        if taken is None:
            self.machine.out_of_memory(line)
            raise KernelError(errno.ENOMEM)
        block.owner = taken
        own = all(host and host.dax is block.dax for _, host, _ in taken)
        block.place = "s" if own else "r"

    def unplug(self, dax, i):
        block = dax.blocks.pop(i)
        del self.blocks[block.number]
        self.memory.release(block.owner)
        self._remove(block)
        node = self._node(dax)
        if not any(b.dax.target_node == node.id for b in self.blocks.values()) and \
           node not in self.memory.boot_blocks.values():
            node.online = bool(node.cpus)
        self.machine.refresh()
        self.machine.module.write_map(dax)
        self.machine.record(f"unplug {dax.name} {i}")
        self._uevent("remove", block)

    # Online

    def store_state(self, number, text):
        number = int(number)
        if text not in ("online", "online_kernel", "online_movable", "offline"):
            raise KernelError(errno.EINVAL)
        block = self.blocks.get(number)
        if not block:
            self.machine.record(f"boot block {number} {text}")
            raise KernelError(errno.EINVAL if text != "offline" else errno.EBUSY)
        if text == "offline":
            if block.state == "offline":
                raise KernelError(errno.EINVAL)
            self.offline(block)
            return
        if block.state == "online":
            raise KernelError(errno.EINVAL)
        self._online(block, {"online": self._default_zone(block).name,
                             "online_kernel": "Normal",
                             "online_movable": "Movable"}[text])

    def auto_online(self, dax):
        """What the kernel does by itself with blocks that it has just added."""
        with open(self.tree.path(f"{DIRECTORY}/auto_online_blocks"), encoding="ascii") as f:
            how = f.read().strip()
        for i in range(len(dax.numbers) if how != "offline" else 0):
            self.store_state(dax.numbers[i], how)

    def store_online(self, number, text):
        self.store_state(number, "online" if text == "1" else "offline")

    def _online(self, block, name):
        line = f"online {block.number} {'movable' if name == 'Movable' else 'kernel'}"
        self.faults.act(line)
        if block.state == "online":     # somebody else was faster
            raise KernelError(errno.EINVAL)
        self.faults.check("online", block.number, line)
        block.zone = self._node(block.dax).zone(name)
        if name == "Normal":
            block.stray, block.crumbs = self.faults.stray, self.faults.crumbs
        block.zone.add_block(block)
        self._changed(block, "online", line)

    def offline(self, block):
        line = f"offline {block.number}"
        self.faults.act(line)
        self.faults.check("offline", block.number, line)
        if block.guests:
            self.machine.record(f"{line} EBUSY")
            raise KernelError(errno.EBUSY)
        block.zone.remove_block(block)
        block.zone, block.stray, block.crumbs = None, 0, 0
        self._changed(block, "offline", line)

    def _changed(self, block, state, line):
        block.state = state
        self.machine.refresh()
        self._write(block)
        self.machine.record(line)
        self._uevent(state, block)
