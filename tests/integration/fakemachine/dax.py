# SPDX-License-Identifier: LGPL-2.1-or-later
"""A dax device, and what sysfs shows of it."""
import os
import re

from .units import PAGE, GiB, MiB

BUSES = {"hmem": "platform", "pmem": "nd", "cxl": "cxl"}


class Dax:
    """A dax device.  @ranges: (start, size); made up if not given."""

    def __init__(self, name="dax0.0", backing="hmem", size=8 * GiB, target_node=1,
                 numa_node=0, driver=None, start=None, ranges=None, native=False):
        self.name = name
        self.backing = backing
        self.target_node = target_node
        self.numa_node = numa_node
        self.driver = None
        self.first_driver = driver
        self.ranges = ranges
        self.start = start
        self.wanted = size
        self.native = native            # has an attribute memmap_on_memory (6.8)
        self.native_memmap = 0
        self.memmap_on_memory = False   # of the module
        self.numbers = []               # of its memory blocks
        self.blocks = {}                # index -> Block
        self.trimmed = 0
        a, b = re.fullmatch(r"dax(\d+)\.(\d+)", name).groups()
        self.minor = int(a) * 16 + int(b)
        self.parent = {
            "hmem": f"/devices/platform/hmem.{a}",
            "pmem": f"/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region{a}/dax{a}.1",
            "cxl": f"/devices/platform/ACPI0017:00/root0/decoder0.0/region{a}/dax_region{a}",
        }[backing]
        self.region = os.path.dirname(self.parent) if backing != "hmem" else self.parent

    @property
    def size(self):
        return sum(size for _, size in self.ranges)

    @property
    def devpath(self):
        return f"{self.parent}/{self.name}"

    @property
    def syspath(self):
        return "/sys" + self.devpath

    @property
    def map(self):
        return "".join(self.blocks[i].place if i in self.blocks else "."
                       for i in range(len(self.numbers)))

    @property
    def states(self):
        """One letter a block: . absent, - offline, k kernel, m movable."""
        out = ""
        for i in range(len(self.numbers)):
            b = self.blocks.get(i)
            out += "." if not b else "-" if b.state != "online" else \
                "m" if b.zone.name == "Movable" else "k"
        return out

    def place(self, next_start, block_size):
        """Where it is.  Returns where another may start."""
        if not self.ranges:
            self.ranges = [(next_start if self.start is None else self.start, self.wanted)]
        for start, size in self.ranges:
            first = -(-start // block_size)
            last = (start + size) // block_size
            self.numbers += range(first, last)
            self.trimmed += size - max(0, last - first) * block_size
        end = max(start + size for start, size in self.ranges)
        return max(next_start, -(-end // GiB) * GiB + GiB)

    # Files

    def build(self, t):
        self._build_parent(t)
        if self.backing != "hmem":
            self._build_region(t)
        self._build_device(t)
        self._build_mappings(t)
        t.put(f"/dev/{self.name}", mode=0o600)
        t.link(f"/sys/bus/dax/devices/{self.name}", self.syspath)

    def remove(self, t):
        t.unlink(f"/sys/bus/dax/devices/{self.name}")
        t.unlink(f"/dev/{self.name}")
        t.remove("/sys" + self.parent)

    def _build_parent(self, t):
        parent = f"/sys{self.parent}"
        t.line(f"{parent}/dax_region/id", self.minor // 16)
        t.line(f"{parent}/dax_region/size", self.size)
        t.line(f"{parent}/dax_region/align", 2 * MiB)
        t.line(f"{parent}/dax_region/available_size", 0)
        t.put(f"{parent}/uevent", mode=0o644)
        t.link(f"{parent}/subsystem", f"/sys/bus/{BUSES[self.backing]}")

    def _build_region(self, t):
        region, bus = f"/sys{self.region}", BUSES[self.backing]
        t.put(f"{region}/uevent", mode=0o644)
        t.line(f"{region}/resource", f"{self.ranges[0][0]:#x}", 0o400)
        if self.backing == "cxl":
            t.line(f"{region}/size", f"{self.size:#x}")
            t.line(f"{region}/mode", "ram")
        else:
            t.line(f"{region}/size", self.size)
            t.line(f"{region}/nstype", 2)
        t.link(f"{region}/subsystem", f"/sys/bus/{bus}")
        for d in (region, f"/sys{self.parent}"):
            t.link(f"/sys/bus/{bus}/devices/{os.path.basename(d)}", d)

    def _build_device(self, t):
        d = self.syspath
        t.line(f"{d}/size", self.size, 0o644)
        t.line(f"{d}/align", 2 * MiB, 0o644)
        t.line(f"{d}/target_node", self.target_node)
        t.line(f"{d}/numa_node", self.numa_node)
        t.line(f"{d}/modalias", "dax:t0")
        t.line(f"{d}/resource", f"{self.ranges[0][0]:#x}", 0o400)
        t.line(f"{d}/dev", f"252:{self.minor}")
        if self.native:
            t.line(f"{d}/memmap_on_memory", self.native_memmap, 0o644)
        t.put(f"{d}/uevent", f"MAJOR=252\nMINOR={self.minor}\nDEVNAME={self.name}\n"
              "MODALIAS=dax:t0\n", 0o644)
        t.link(f"{d}/subsystem", "/sys/bus/dax")

    def _build_mappings(self, t):
        offset = 0
        for i, (start, size) in enumerate(self.ranges):
            d = f"{self.syspath}/mapping{i}"
            t.line(f"{d}/start", f"{start:#x}", 0o400)
            t.line(f"{d}/end", f"{start + size - 1:#x}", 0o400)
            t.line(f"{d}/page_offset", f"{offset:#x}", 0o400)
            offset += size // PAGE
