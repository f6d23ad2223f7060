# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine with dax devices that is not there, and memmapd running on it.

FakeMachine is a tree of plain files that looks like /sys, /proc and /dev, with
a kernel behind it: what a program preloaded with libfakekernel.so writes to the
tree comes here through a socket, takes effect before its write() returns, and
fails where the kernel would let it fail.  Memmaps are allocated as the kernel
does it: from the block itself, else from the kernel zones of the target node,
else from the next node, down to the watermarks; beyond that, out of memory.

Daemon is the real memmapd on such a machine, with a bus of its own.

    with FakeMachine(ram=2 * GiB) as m:
        m.add(Dax(size=8 * GiB))
        with Daemon(m, policy()) as d:
            d.wait_state("dax0.0", "online")
"""
import contextlib
import errno
import glob
import json
import math
import os
import queue
import re
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import tempfile
import threading
import time
from collections import Counter

KiB, MiB, GiB = 1 << 10, 1 << 20, 1 << 30
PAGE = 4096
HUGE = 512                              # pages the kernel allocates a memmap by
ORDERS = 11                             # MAX_ORDER of 6.1: pieces of 1 to 1024 pages
SMALL = 9                               # orders of pieces smaller than HUGE

BUS_NAME = "org.memmapd1"
BUS_PATH = "/org/memmapd1"
BUS_MANAGER = "org.memmapd1.Manager"

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get("BUILD", os.path.join(HERE, "../../build"))


# A tree of thousands of files changes with every step: memory is ten times faster.
TMP = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def built(variable, default):
    return os.path.realpath(os.environ.get(variable) or os.path.join(BUILD, default))


def message_ids():
    with open(os.path.join(HERE, "../../common/names.h")) as f:
        return dict(re.findall(r'#define MESSAGE_(\w+) "(\w+)"', f.read()))


MESSAGE_IDS = message_ids()


# --- uevents -----------------------------------------------------------------

def murmur2(data):
    """MurmurHash2, by which libudev's monitors filter on subsystems."""
    m, mask = 0x5bd1e995, 0xffffffff
    h = len(data)
    whole = len(data) & ~3
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    if data[whole:]:
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


def udev_message(properties):
    """What udevd sends to its listeners."""
    body = b"".join(f"{k}={v}\0".encode() for k, v in properties.items())
    return (b"libudev\0" + struct.pack(">I", 0xfeedcafe) +
            struct.pack("=III", 40, 40, len(body)) +
            struct.pack(">IIII", murmur2(properties["SUBSYSTEM"].encode()), 0, 0, 0) + body)


class Uevents(threading.Thread):
    """Sends events to every monitor that umockdev opened in the tree.

    umockdev's own sender asks sysfs about the device, so it knows no "remove" of
    what is gone, and needs the preload in this process too.
    """

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root = root
        self.queue = queue.Queue()
        self.seqnum = 0
        self.start()

    def send(self, action, devpath, subsystem, **more):
        self.seqnum += 1
        self.queue.put({"ACTION": action, "DEVPATH": devpath, "SUBSYSTEM": subsystem,
                        "SEQNUM": self.seqnum, "USEC_INITIALIZED": 1, **more})

    def stop(self):
        self.queue.put(None)
        self.join()

    def run(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            while (properties := self.queue.get()) is not None:
                for monitor in glob.glob(self.root + "/event*"):
                    self.send_to(s, monitor, udev_message(properties))

    @staticmethod
    def send_to(s, monitor, message):
        for _ in range(2000):
            try:
                s.sendto(message, socket.MSG_DONTWAIT, monitor)
                return
            except BlockingIOError:
                time.sleep(0.001)       # its queue is full
            except OSError:
                return                  # its owner is gone


# --- memory ------------------------------------------------------------------

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

    def measure(self, block_size):
        for start, size in self.ranges:
            first = -(-start // block_size)
            last = (start + size) // block_size
            self.numbers += range(first, last)
            self.trimmed += size - max(0, last - first) * block_size


class KernelError(OSError):
    def __init__(self, code):
        super().__init__(code, errno.errorcode.get(code, str(code)))


# --- the tree ----------------------------------------------------------------

class Tree:
    """Plain files below a directory.  A file changes at once or not at all."""

    def __init__(self, root):
        self.root = root
        self.serial = 0
        os.makedirs(root + "/fake")

    def path(self, path):
        return self.root + path

    def put(self, path, text="", mode=0o444):
        self.serial += 1
        new = f"{self.root}/fake/.new{self.serial}"
        with open(new, "w") as f:
            f.write(text)
        os.chmod(new, mode)
        try:
            os.rename(new, self.path(path))
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
            os.rename(new, self.path(path))

    def line(self, path, value, mode=0o444):
        self.put(path, f"{value}\n", mode)

    def dir(self, path):
        os.makedirs(self.path(path), exist_ok=True)

    def link(self, path, target):
        """A symbolic link at @path to @target, both below the root, made relative."""
        self.dir(os.path.dirname(path))
        self.unlink(path)
        os.symlink(os.path.relpath(target, os.path.dirname(path)), self.path(path))

    def unlink(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(path))

    def remove(self, path):
        shutil.rmtree(self.path(path), ignore_errors=True)

    def get(self, path):
        with open(self.path(path)) as f:
            return f.read()

    def snapshot(self, *tops):
        """Everything below @tops, to compare."""
        seen = {}
        for top in tops or ("/sys", "/proc", "/dev"):
            for where, dirs, files in os.walk(self.path(top)):
                for name in dirs + files:
                    p = os.path.join(where, name)
                    if os.path.islink(p):
                        seen[p] = os.readlink(p)
                    elif os.path.isfile(p):
                        with open(p) as f:
                            seen[p] = f.read()
        return seen


def ranges_of(numbers):
    """As the kernel prints a bitmap: "0-2,4"."""
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


# --- the kernel --------------------------------------------------------------

class Handler(socketserver.BaseRequestHandler):
    """One store to an attribute: path, NUL, data.  Answers with an errno."""

    def handle(self):
        message = self.request.recv(65536)
        if not message:
            return
        path, _, data = message.partition(b"\0")
        code = self.server.machine.store(path.decode(), data.decode())
        with contextlib.suppress(OSError):      # it was killed in between
            self.request.send(struct.pack("=i", code), socket.MSG_NOSIGNAL)


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    socket_type = socket.SOCK_SEQPACKET
    daemon_threads = True
    request_queue_size = 64


class Journal(threading.Thread):
    """What is sent to the journal, as a list of dictionaries."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.entries = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.start()

    @staticmethod
    def parse(data):
        entry = {}
        while data:
            head, _, rest = data.partition(b"\n")
            name, equals, value = head.partition(b"=")
            if not equals:
                size = int.from_bytes(rest[:8], "little")
                value, rest = rest[8:8 + size], rest[9 + size:]
            entry[name.decode()] = value.decode(errors="replace")
            data = rest
        return entry

    def run(self):
        while data := self.socket.recv(1 << 18):
            self.entries.append(self.parse(data))


class FakeMachine:
    """The tree, and the kernel behind it.

    @ram: bytes of node 0, or {node: bytes}; @free: the same, of which free;
    @reclaimable: bytes of page cache on top of that, on node 0.

    To inject:
      fail_online(number, errno, times), fail_plug(index, errno, times, name)
      force_ram = N     the next N memmaps land in RAM whatever was asked
      delay = seconds   that a plug, an online or an offline takes
      hook = f(line)    called with each line of the log, the action not yet done
      stray = pages     that other allocations take from each kernel block
      crumbs = pages    of each kernel block that are free in small pieces only
    """

    def __init__(self, ram=2 * GiB, devices=(), memmap_on_memory=False, free=None,
                 reclaimable=0, block_size=128 * MiB, auto_online="offline",
                 module=True, online_nodes=(), possible=2, param="N", uevents=True):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="memmapd-fake.", dir=TMP))
        self.tree = Tree(self.root)
        self.block_size = block_size
        self.pages = block_size // PAGE
        self.memmap_size = self.pages * 64
        self.memmap_on_memory = memmap_on_memory
        self.param = "Y" if memmap_on_memory else param
        self.auto_online = auto_online
        self.module = module
        self.lock = threading.RLock()
        self.log_lock = threading.Lock()
        self.log = []
        self.oom = []
        self.force_ram = 0
        self.delay = 0
        self.hook = None
        self.stray = 0
        self.crumbs = 0
        self.failing = {}
        self.ids = {"memmapd_kmem": set(), "kmem": set(), "device_dax": set()}
        self.devices = {}
        self.hotplugged = {}            # number -> Block
        self.shown = {}                 # path -> text, of what refresh() wrote
        self.uevents = Uevents(self.root) if uevents else None
        self.journal = Journal(self.root + "/fake/journal")
        self.nodes = [Node(i, [0, 1] if i == 0 else []) for i in range(possible)]
        self.boot_blocks = {}
        ram = ram if isinstance(ram, dict) else {0: ram}
        free = free if isinstance(free, dict) else {0: free}
        self._boot_memory(ram)
        for n, bytes_free in free.items():
            self._use_up(self.nodes[n], bytes_free, reclaimable if n == 0 else 0)
        for n in online_nodes:
            self.nodes[n].online = True
        self._build()
        self._start()
        for d in devices:
            self.add(d, event=False)

    # Life

    def _start(self):
        self.server = Server(self.root + "/fake/kernel", Handler)
        self.server.machine = self
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        if self.uevents:
            self.uevents.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Boot

    def _boot_memory(self, ram):
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
        self.next_start = max(4 * GiB, -(-at // GiB) * GiB)

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

    def _build(self):
        t = self.tree
        for d in ("/run", "/dev", "/sys/bus/dax/devices", "/sys/bus/cxl/devices",
                  "/sys/bus/nd/devices", "/sys/bus/memory/devices", "/sys/bus/node/devices",
                  "/sys/devices/platform", "/sys/kernel/mm"):
            t.dir(d)
        t.line("/sys/bus/dax/drivers_autoprobe", 1, 0o644)
        t.put("/sys/bus/dax/drivers_probe", mode=0o200)
        for name in self.ids:
            if self.module or name != "memmapd_kmem":
                self._build_driver(name)
        mem = "/sys/devices/system/memory"
        t.line(f"{mem}/block_size_bytes", f"{self.block_size:x}")
        t.line(f"{mem}/auto_online_blocks", self.auto_online, 0o644)
        t.put(f"{mem}/probe", mode=0o200)
        t.line("/sys/module/memory_hotplug/parameters/memmap_on_memory", self.param)
        t.line("/sys/module/memory_hotplug/parameters/online_policy", "contig-zones", 0o644)
        t.line("/sys/module/memory_hotplug/parameters/auto_movable_ratio", 301, 0o644)
        t.line("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", 0o644)
        for number, node in self.boot_blocks.items():
            self._build_memory(number, node.id, "online", self._boot_zones(number))
        t.line("/proc/version", "Linux version 6.1.0-56-amd64 (fake)")
        t.line("/proc/sys/kernel/osrelease", "6.1.0-56-amd64")
        t.line("/proc/cmdline", "root=fake")
        t.put("/proc/pressure/memory",
              "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
              "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        self.refresh()

    def _build_driver(self, name):
        t, d = self.tree, f"/sys/bus/dax/drivers/{name}"
        for attr in ("new_id", "remove_id", "bind", "unbind", "uevent"):
            t.put(f"{d}/{attr}", mode=0o200)
        t.line(f"/sys/module/{name}/initstate", "live")
        t.line(f"/sys/module/{name}/refcnt", 0)
        t.link(f"{d}/module", f"/sys/module/{name}")
        t.link(f"/sys/module/{name}/drivers/dax:{name}", d)
        if name == "memmapd_kmem":
            t.put(f"{d}/orphans")
            t.put(f"{d}/reclaim", mode=0o200)

    def _boot_zones(self, number):
        start, end = number * self.block_size, (number + 1) * self.block_size
        if start < Zone.LIMITS["DMA"] < end:
            return "none"
        return "DMA32" if end <= Zone.LIMITS["DMA32"] else "Normal"

    # Files that follow from the state

    def _build_memory(self, number, node, state, zones):
        t, d = self.tree, f"/sys/devices/system/memory/memory{number}"
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

    def _remove_memory(self, block):
        n, node = block.number, block.dax.target_node
        self.tree.unlink(f"/sys/bus/memory/devices/memory{n}")
        self.tree.unlink(f"/sys/devices/system/node/node{node}/memory{n}")
        self.tree.remove(f"/sys/devices/system/memory/memory{n}")

    def _zones_when_offline(self, block):
        """The zone that "online" would take comes first."""
        if self._default_zone(block).name == "Movable":
            return "Movable Normal"
        return "Normal Movable"

    def _default_zone(self, block):
        node = self.nodes[block.dax.target_node]
        movable, normal = node.zone("Movable"), node.zone("Normal")
        return movable if movable.blocks and not normal.all_present else normal

    def _write_block(self, block):
        t, d = self.tree, f"/sys/devices/system/memory/memory{block.number}"
        t.line(f"{d}/valid_zones",
               block.zone.name if block.zone else self._zones_when_offline(block))
        t.line(f"{d}/online", int(block.state == "online"), 0o644)
        t.line(f"{d}/state", block.state, 0o644)

    def _write_map(self, dax):
        if dax.driver == "memmapd_kmem":
            self.tree.put(f"{dax.syspath}/memmapd/map", dax.map)

    def _show(self, path, text):
        if self.shown.get(path) != text:
            self.shown[path] = text
            self.tree.put(path, text)

    def _write_node(self, node):
        t, d = self.tree, f"/sys/devices/system/node/node{node.id}"
        online = [n for n in self.nodes if n.online]
        self._show(f"{d}/meminfo", self.node_meminfo(node))
        self._show(f"{d}/distance", " ".join("10" if n is node else "20" for n in online) + "\n")
        if os.path.exists(t.path(f"{d}/cpulist")):
            return
        t.line(f"{d}/cpulist", ranges_of(node.cpus))
        t.line(f"{d}/cpumap", f"{sum(1 << c for c in node.cpus):x}")
        t.put(f"{d}/uevent", mode=0o644)
        t.link(f"{d}/subsystem", "/sys/bus/node")
        t.link(f"/sys/bus/node/devices/node{node.id}", d)

    def refresh(self):
        """/proc/zoneinfo, /proc/buddyinfo, /proc/meminfo, the nodes."""
        self._set_watermarks()
        t, d = self.tree, "/sys/devices/system/node"
        for node in self.nodes:
            now = (node.kernel_free + node.reclaimable) * PAGE
            node.lowest = now if node.lowest is None else min(node.lowest, now)
            if node.online:
                self._write_node(node)
            elif os.path.exists(t.path(f"{d}/node{node.id}")):
                self._remove_node(node)
        online = [n for n in self.nodes if n.online]
        for name, nodes in (
                ("possible", self.nodes), ("online", online),
                ("has_cpu", [n for n in online if n.cpus]),
                ("has_normal_memory", [n for n in online if n.kernel_zones]),
                ("has_memory", [n for n in online if any(z.all_managed for z in n.zones)])):
            self._show(f"{d}/{name}", ranges_of(n.id for n in nodes) + "\n")
        self._show("/proc/zoneinfo", self.zoneinfo())
        self._show("/proc/buddyinfo", self.buddyinfo())
        self._show("/proc/meminfo", self.meminfo())

    def _remove_node(self, node):
        d = f"/sys/devices/system/node/node{node.id}"
        self.tree.unlink(f"/sys/bus/node/devices/node{node.id}")
        self.tree.remove(d)
        self.shown = {p: s for p, s in self.shown.items() if not p.startswith(d + "/")}

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

    def zoneinfo(self):
        """/proc/zoneinfo of 6.1."""
        return "".join(self._zoneinfo_of(n, z) for n in self.nodes if n.online for z in n.zones)

    @staticmethod
    def _zoneinfo_of(node, z):
        out = [f"Node {node.id}, zone {z.name:>8}"]
        first = next((x for x in node.zones if x.all_present), None)
        if z is first:
            out.append("  per-node stats")
            for name, value in node_stats(node):
                out.append(f"      {name:<12} {value}")
        present = z.all_present
        out += [f"  pages free     {z.all_free}", "        boost    0",
                f"        min      {z.min}", f"        low      {z.low}",
                f"        high     {z.high}", f"        spanned  {present}",
                f"        present  {present}", f"        managed  {z.all_managed}",
                "        cma      0",
                f"        protection: ({', '.join(map(str, z.protection))})"]
        if not present:
            return "\n".join(out) + "\n"
        out.append(f"      {'nr_free_pages':<12} {z.all_free}")
        for name in ("nr_zone_inactive_anon", "nr_zone_active_anon"):
            out.append(f"      {name:<12} 0")
        out.append(f"      {'nr_zone_inactive_file':<12} {z.file}")
        for name in ("nr_zone_active_file", "nr_zone_unevictable", "nr_zone_write_pending",
                     "nr_mlock", "nr_bounce", "nr_zspages", "nr_free_cma", "numa_hit",
                     "numa_miss", "numa_foreign", "numa_interleave", "numa_local",
                     "numa_other"):
            out.append(f"      {name:<12} 0")
        out.append("  pagesets")
        for cpu in (0, 1):
            out += [f"    cpu: {cpu}", "              count: 0", "              high:  378",
                    "              batch: 63", "  vm stats threshold: 24"]
        out += ["  node_unreclaimable:  0", f"  start_pfn:           {z.start_pfn}"]
        return "\n".join(out) + "\n"

    def buddyinfo(self):
        """/proc/buddyinfo of 6.1: the zones that have memory."""
        return "".join(f"Node {n.id}, zone {z.name:>8} " +
                       "".join(f"{count:>6} " for count in z.free_pieces()) + "\n"
                       for n in self.nodes if n.online for z in n.zones if z.all_present)

    def node_meminfo(self, node):
        values = meminfo_values(node)
        return "".join(f"Node {node.id} {name + ':':<15} {kb:>8} kB\n"
                       for name, kb in values.items())

    def meminfo(self):
        total = {}
        for node in self.nodes:
            for name, kb in meminfo_values(node).items():
                total[name] = total.get(name, 0) + kb
        total["MemAvailable"] = total["MemFree"] + total["FilePages"] + total["SReclaimable"]
        total["Cached"] = total.pop("FilePages")
        total.pop("MemUsed")
        order = ["MemTotal", "MemFree", "MemAvailable", "Cached"]
        order += [n for n in total if n not in order]
        return "".join(f"{name + ':':<15} {total[name]:>8} kB\n" for name in order)

    # Devices

    def add(self, dax, event=True):
        """A device appears."""
        with self.lock:
            self._place(dax)
            self.devices[dax.name] = dax
            self._build_region(dax)
            self._build_dax(dax)
            if event:
                self.uevent("add", dax.devpath, "dax", DEVNAME=f"/dev/{dax.name}")
            if dax.first_driver:
                self._attach(dax, dax.first_driver)
        return dax

    def _place(self, dax):
        if not dax.ranges:
            start = self.next_start if dax.start is None else dax.start
            dax.ranges = [(start, dax.wanted)]
        end = max(s + n for s, n in dax.ranges)
        self.next_start = max(self.next_start, -(-end // GiB) * GiB + GiB)
        dax.measure(self.block_size)

    def _build_region(self, dax):
        t, parent = self.tree, f"/sys{dax.parent}"
        t.line(f"{parent}/dax_region/id", dax.minor // 16)
        t.line(f"{parent}/dax_region/size", dax.size)
        t.line(f"{parent}/dax_region/align", 2 * MiB)
        t.line(f"{parent}/dax_region/available_size", 0)
        t.put(f"{parent}/uevent", mode=0o644)
        bus = {"hmem": "platform", "pmem": "nd", "cxl": "cxl"}[dax.backing]
        t.link(f"{parent}/subsystem", f"/sys/bus/{bus}")
        if dax.backing == "hmem":
            return
        region = f"/sys{dax.region}"
        t.put(f"{region}/uevent", mode=0o644)
        t.line(f"{region}/size", f"{dax.size:#x}" if bus == "cxl" else dax.size)
        t.line(f"{region}/mode" if bus == "cxl" else f"{region}/nstype", "ram"
               if bus == "cxl" else "2")
        t.line(f"{region}/resource", f"{dax.ranges[0][0]:#x}", 0o400)
        t.link(f"{region}/subsystem", f"/sys/bus/{bus}")
        for d in (region, parent):
            t.link(f"/sys/bus/{bus}/devices/{os.path.basename(d)}", d)

    def _build_dax(self, dax):
        t, d = self.tree, dax.syspath
        t.line(f"{d}/size", dax.size, 0o644)
        t.line(f"{d}/align", 2 * MiB, 0o644)
        t.line(f"{d}/target_node", dax.target_node)
        t.line(f"{d}/numa_node", dax.numa_node)
        t.line(f"{d}/modalias", "dax:t0")
        t.line(f"{d}/resource", f"{dax.ranges[0][0]:#x}", 0o400)
        t.line(f"{d}/dev", f"252:{dax.minor}")
        if dax.native:
            t.line(f"{d}/memmap_on_memory", dax.native_memmap, 0o644)
        t.put(f"{d}/uevent", f"MAJOR=252\nMINOR={dax.minor}\nDEVNAME={dax.name}\n"
              "MODALIAS=dax:t0\n", 0o644)
        t.link(f"{d}/subsystem", "/sys/bus/dax")
        offset = 0
        for i, (start, size) in enumerate(dax.ranges):
            t.line(f"{d}/mapping{i}/start", f"{start:#x}", 0o400)
            t.line(f"{d}/mapping{i}/end", f"{start + size - 1:#x}", 0o400)
            t.line(f"{d}/mapping{i}/page_offset", f"{offset:#x}", 0o400)
            offset += size // PAGE
        t.put(f"/dev/{dax.name}", mode=0o600)
        t.link(f"/sys/bus/dax/devices/{dax.name}", d)

    def remove(self, name):
        """A device goes; what is online of it stays."""
        with self.lock:
            dax = self.devices[name]
            if dax.driver:
                self._detach(dax)
            del self.devices[name]
            self.tree.unlink(f"/sys/bus/dax/devices/{name}")
            self.tree.unlink(f"/dev/{name}")
            self.tree.remove("/sys" + dax.parent)
            self.uevent("remove", dax.devpath, "dax", DEVNAME=f"/dev/{name}")

    def open_node(self, name, pid=4242):
        """A process that holds the device node open."""
        self.tree.line(f"/proc/{pid}/comm", "holder")
        self.tree.dir(f"/proc/{pid}/fd")
        os.symlink("/dev/null", self.tree.path(f"/proc/{pid}/fd/0"))
        os.symlink(f"/dev/{name}", self.tree.path(f"/proc/{pid}/fd/3"))

    def close_node(self, pid=4242):
        self.tree.remove(f"/proc/{pid}")

    def uevent(self, action, devpath, subsystem, **more):
        if self.uevents:
            self.uevents.send(action, devpath, subsystem, **more)

    def memory_uevent(self, action, number):
        self.uevent(action, f"/devices/system/memory/memory{number}", "memory")

    # Stores

    def write(self, path, text):
        """What somebody else writes to the tree.  Raises OSError."""
        path = os.path.realpath(self.tree.path(path))[len(self.root):]
        code = self.store(path, text)
        if code:
            raise KernelError(code)

    def store(self, path, text):
        for pattern, method in STORES:
            match = re.fullmatch(pattern, path)
            if match:
                break
        else:
            self.record(f"unexpected {path}")
            return errno.EIO
        try:
            with self.lock:
                method(self, *match.groups(), text.strip())
        except KernelError as e:
            return e.errno
        except Exception as e:          # shown to the test, not swallowed
            self.record(f"broken {path}: {e!r}")
            raise
        return 0

    def record(self, line):
        with self.log_lock:
            self.log.append(line)
            with open(self.root + "/fake/log", "a") as f:
                f.write(line + "\n")

    def act(self, line):
        """An action starts: give the test its chance to interfere."""
        if self.hook:
            self.hook(line)
        if self.delay:
            time.sleep(self.delay)

    def store_config(self, attr, text):
        self.record(f"config {attr} {text}")
        self.tree.line(f"/sys/{attr}", text, 0o644)
        if attr.endswith("auto_online_blocks"):
            self.auto_online = text

    # Drivers

    def _dax(self, text):
        if text not in self.devices:
            raise KernelError(errno.ENODEV)
        return self.devices[text]

    def _matches(self, driver, dax):
        return driver == "device_dax" or dax.name in self.ids[driver]

    def store_new_id(self, driver, text):
        if not re.fullmatch(r"dax\d+\.\d+", text):
            raise KernelError(errno.EINVAL)
        self.record(f"new_id {driver} {text}")
        self.ids[driver].add(text)
        dax = self.devices.get(text)
        if dax and not dax.driver:
            with contextlib.suppress(KernelError):      # the kernel does not tell
                self._attach(dax, driver)

    def store_remove_id(self, driver, text):
        if text not in self.ids[driver]:
            raise KernelError(errno.EINVAL)
        self.record(f"remove_id {driver} {text}")
        self.ids[driver].discard(text)

    def store_bind(self, driver, text):
        dax = self._dax(text)
        if not self._matches(driver, dax):
            raise KernelError(errno.ENODEV)
        if dax.driver:
            raise KernelError(errno.EBUSY)
        self._attach(dax, driver)

    def store_unbind(self, driver, text):
        dax = self._dax(text)
        if dax.driver != driver:
            raise KernelError(errno.ENODEV)
        self._detach(dax)

    def store_probe(self, text):
        dax = self._dax(text)
        for driver in ("memmapd_kmem", "kmem", "device_dax"):
            if not dax.driver and self._matches(driver, dax):
                self._attach(dax, driver)

    def _attach(self, dax, driver):
        line = f"bind {dax.name} {driver}"
        self.act(line)
        self._fail("bind", (dax.name, driver), line)
        self.record(line)
        if driver == "memmapd_kmem":
            self._probe_memmapd(dax)
        elif driver == "kmem":
            self._probe_kmem(dax)
        dax.driver = driver
        d = f"/sys/bus/dax/drivers/{driver}"
        self.tree.link(f"{dax.syspath}/driver", d)
        self.tree.link(f"{d}/{dax.name}", dax.syspath)
        self._write_map(dax)
        self._write_orphans()
        self.uevent("bind", dax.devpath, "dax", DRIVER=driver)

    def _probe_memmapd(self, dax):
        if dax.target_node < 0:
            raise KernelError(errno.EINVAL)
        if not dax.numbers:
            raise KernelError(errno.ENOSPC)
        self._adopt(dax)
        dax.memmap_on_memory = self.memmap_on_memory
        t, d = self.tree, f"{dax.syspath}/memmapd"
        t.line(f"{d}/block_size", self.block_size)
        t.line(f"{d}/blocks", len(dax.numbers))
        t.line(f"{d}/trimmed", dax.trimmed)
        t.line(f"{d}/memmap_size", self.memmap_size)
        t.line(f"{d}/memmap_on_memory", int(dax.memmap_on_memory), 0o644)
        t.line(f"{d}/memmap_on_memory_supported", "1" if self.memmap_on_memory else
               "0 the kernel was booted without memory_hotplug.memmap_on_memory=1")
        t.put(f"{d}/plug", mode=0o200)
        t.put(f"{d}/unplug", mode=0o200)

    def _adopt(self, dax):
        """What an earlier binding, perhaps of an earlier device, left plugged."""
        for i, number in enumerate(dax.numbers):
            block = self.hotplugged.get(number)
            if not block:
                continue
            if block.dax.driver and block.dax is not dax:
                raise KernelError(errno.EBUSY)
            block.dax, block.index = dax, i
            dax.blocks[i] = block

    def _probe_kmem(self, dax):
        """Stock kmem: all at once, in ascending order."""
        if any(n in self.hotplugged for n in dax.numbers):
            raise KernelError(errno.EBUSY)
        for i in range(len(dax.numbers)):
            self._plug(dax, i, dax.native and dax.native_memmap)

    def _detach(self, dax):
        driver = dax.driver
        self.record(f"unbind {dax.name} {driver}")
        if driver == "kmem" and any(b.state == "online" for b in dax.blocks.values()):
            pass                        # "cannot be hotremoved until the next reboot"
        elif driver != "device_dax":
            for i, block in sorted(dax.blocks.items()):
                if block.state == "offline":
                    self._unplug(dax, i)
        dax.driver = None
        self.tree.unlink(f"{dax.syspath}/driver")
        self.tree.unlink(f"/sys/bus/dax/drivers/{driver}/{dax.name}")
        self.tree.remove(f"{dax.syspath}/memmapd")
        self._write_orphans()
        self.uevent("unbind", dax.devpath, "dax")

    def _write_orphans(self):
        if not self.module:
            return
        lines = [f"{b.number * self.block_size:#x}-{(b.number + 1) * self.block_size - 1:#x} "
                 f"node {b.dax.target_node} {b.dax.name}\n"
                 for b in self.hotplugged.values()
                 if b.dax.driver is None and b.dax.blocks.get(b.index) is b]
        self.tree.put("/sys/bus/dax/drivers/memmapd_kmem/orphans", "".join(lines))

    def store_reclaim(self, text):
        self.record("reclaim")
        for block in list(self.hotplugged.values()):
            if not block.dax.driver and block.state == "offline":
                self._unplug(block.dax, block.index)
        self._write_orphans()

    # Plug

    def _module_dax(self, name):
        dax = self._dax(name)
        if dax.driver != "memmapd_kmem":
            raise KernelError(errno.ENODEV)
        return dax

    def store_memmap_on_memory(self, name, text):
        dax = self._module_dax(name)
        if text not in ("0", "1"):
            raise KernelError(errno.EINVAL)
        self.record(f"place {name} {text}")
        if text == "1" and not self.memmap_on_memory:
            raise KernelError(errno.EOPNOTSUPP)
        dax.memmap_on_memory = text == "1"
        self.tree.line(f"{dax.syspath}/memmapd/memmap_on_memory", text, 0o644)

    def store_native_memmap(self, name, text):
        dax = self._dax(name)
        if not dax.native:
            raise KernelError(errno.EIO)
        if text == "1" and not self.memmap_on_memory:
            raise KernelError(errno.EOPNOTSUPP)
        if dax.driver == "kmem":
            raise KernelError(errno.EBUSY)
        self.record(f"place {name} {text}")
        dax.native_memmap = int(text)
        self.tree.line(f"{dax.syspath}/memmap_on_memory", text, 0o644)

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
        dax = self._module_dax(name)
        for i in self._indices(dax, text):
            if i in dax.blocks:
                raise KernelError(errno.EEXIST)
            self._plug(dax, i, dax.memmap_on_memory)

    def store_unplug(self, name, text):
        dax = self._module_dax(name)
        for i in self._indices(dax, text):
            block = dax.blocks.get(i)
            if not block:
                raise KernelError(errno.ENOENT)
            if block.guests:
                raise KernelError(errno.EBUSY)
            if block.state == "online":
                self._offline(block)
            self._unplug(dax, i)

    def _fail(self, what, which, line):
        """Fail as a test wants it."""
        left = self.failing.get((what, which))
        if not left or not left[1]:
            return
        left[1] -= 1
        error = KernelError(left[0])
        self.record(f"{line} {error.strerror}")
        raise error

    def fail_online(self, number, code, times=1 << 30):
        self.failing["online", number] = [code, times]

    def fail_plug(self, index, code, times=1 << 30, name="dax0.0"):
        self.failing["plug", (name, index)] = [code, times]

    def fail_bind(self, name, code, times=1 << 30, driver="memmapd_kmem"):
        self.failing["bind", (name, driver)] = [code, times]

    def _plug(self, dax, i, on_memory):
        line = f"plug {dax.name} {i}"
        self.act(line)
        if i in dax.blocks:
            raise KernelError(errno.EEXIST)
        if dax.name not in self.devices:
            raise KernelError(errno.ENODEV)
        self._fail("plug", (dax.name, i), line)
        block = Block(dax, i, dax.numbers[i], self.pages)
        self._allocate_memmap(block, on_memory, line)
        dax.blocks[i] = self.hotplugged[block.number] = block
        node = self.nodes[dax.target_node]
        node.online = True
        self.refresh()
        self._build_memory(block.number, node.id, "offline", self._zones_when_offline(block))
        self._write_map(dax)
        self.record(f"{line} {block.place}")
        self.memory_uevent("add", block.number)

    def _unplug(self, dax, i):
        block = dax.blocks.pop(i)
        del self.hotplugged[block.number]
        self._release(block.owner)
        self._remove_memory(block)
        node = self.nodes[dax.target_node]
        if not any(b.dax.target_node == node.id for b in self.hotplugged.values()) and \
           node not in self.boot_blocks.values():
            node.online = bool(node.cpus)
        self.refresh()
        self._write_map(dax)
        self.record(f"unplug {dax.name} {i}")
        self.memory_uevent("remove", block.number)

    # Memmaps

    def _allocate_memmap(self, block, on_memory, line):
        pages = self.memmap_size // PAGE
        forced = self.force_ram > 0
        if forced:
            self.force_ram -= 1
        if on_memory and self.memmap_on_memory and not forced:
            block.place, block.own = "d", pages
            return
        taken = []
        for at in range(0, pages, HUGE):
            owner = self._allocate(block.dax, min(HUGE, pages - at), forced)
            if not owner:
                self._release(taken)
                self.oom.append(line)
                self.record(f"{line} OOM")
                self.tree.put("/fake/oom", "".join(o + "\n" for o in self.oom))
                raise KernelError(errno.ENOMEM)
            zone, host = owner
            zone.give(host, min(HUGE, pages - at))
            taken.append((zone, host, min(HUGE, pages - at)))
        block.owner = taken
        own = all(host and host.dax is block.dax for _, host, _ in taken)
        block.place = "s" if own else "r"

    @staticmethod
    def _release(taken):
        for zone, host, pages in taken:
            zone.give(host, -pages)

    def _zonelist(self, target):
        """Kernel zones by distance, as for GFP_KERNEL."""
        nodes = sorted(self.nodes, key=lambda n: (n.id != target, n.id))
        return [z for n in nodes for z in reversed(n.kernel_zones)]

    def _allocate(self, dax, pages, boot_only):
        """A zone, and the hot-added block in it, that have @pages to give away."""
        zones = self._zonelist(dax.target_node)
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

    # Online

    def store_state(self, number, text):
        number = int(number)
        if text not in ("online", "online_kernel", "online_movable", "offline"):
            raise KernelError(errno.EINVAL)
        block = self.hotplugged.get(number)
        if not block:
            self.record(f"boot block {number} {text}")
            raise KernelError(errno.EINVAL if text != "offline" else errno.EBUSY)
        if text == "offline":
            if block.state == "offline":
                raise KernelError(errno.EINVAL)
            self._offline(block)
            return
        if block.state == "online":
            raise KernelError(errno.EINVAL)
        self._online(block, {"online": self._default_zone(block).name,
                             "online_kernel": "Normal",
                             "online_movable": "Movable"}[text])

    def store_online(self, number, text):
        self.store_state(number, "online" if text == "1" else "offline")

    def _online(self, block, name):
        line = f"online {block.number} {'movable' if name == 'Movable' else 'kernel'}"
        self.act(line)
        if block.state == "online":     # somebody else was faster
            raise KernelError(errno.EINVAL)
        self._fail("online", block.number, line)
        block.zone = self.nodes[block.dax.target_node].zone(name)
        block.stray, block.crumbs = (self.stray, self.crumbs) if name == "Normal" else (0, 0)
        block.zone.add_block(block)
        block.state = "online"
        self.refresh()
        self._write_block(block)
        self.record(line)
        self.memory_uevent("online", block.number)

    def _offline(self, block):
        line = f"offline {block.number}"
        self.act(line)
        self._fail("offline", block.number, line)
        if block.guests:
            self.record(f"{line} EBUSY")
            raise KernelError(errno.EBUSY)
        block.zone.remove_block(block)
        block.zone, block.state, block.stray, block.crumbs = None, "offline", 0, 0
        self.refresh()
        self._write_block(block)
        self.record(line)
        self.memory_uevent("offline", block.number)

    # For tests

    def take_ram(self, amount):
        """Somebody else takes so many bytes of node 0, or gives them back."""
        with self.lock:
            for zone in reversed(self.nodes[0].kernel_zones):
                part = min(amount // PAGE, zone.free)
                zone.free -= part
                amount -= part * PAGE
            self.refresh()

    def actions(self, *kinds):
        """Lines of the log that begin with one of @kinds, split into words."""
        with self.log_lock:
            lines = [line.split() for line in self.log]
        return [w for w in lines if not kinds or w[0] in kinds]

    def online_order(self, zone=None, name="dax0.0"):
        """Indices of blocks in the order in which they came online."""
        numbers = self.devices[name].numbers
        return [numbers.index(int(w[1])) for w in self.actions("online")
                if len(w) == 3 and int(w[1]) in numbers and zone in (None, w[2])]

    def states(self, name="dax0.0"):
        """One letter a block: . absent, - offline, k kernel, m movable."""
        d = self.devices[name]
        out = ""
        for i in range(len(d.numbers)):
            b = d.blocks.get(i)
            out += "." if not b else "-" if b.state != "online" else \
                "m" if b.zone.name == "Movable" else "k"
        return out


STORES = [
    (r"/sys/bus/dax/drivers/(\w+)/new_id", FakeMachine.store_new_id),
    (r"/sys/bus/dax/drivers/(\w+)/remove_id", FakeMachine.store_remove_id),
    (r"/sys/bus/dax/drivers/(\w+)/bind", FakeMachine.store_bind),
    (r"/sys/bus/dax/drivers/(\w+)/unbind", FakeMachine.store_unbind),
    (r"/sys/bus/dax/drivers/memmapd_kmem/reclaim", FakeMachine.store_reclaim),
    (r"/sys/bus/dax/drivers_probe", FakeMachine.store_probe),
    (r"/sys/(bus/dax/drivers_autoprobe)", FakeMachine.store_config),
    (r"/sys/(devices/system/memory/auto_online_blocks)", FakeMachine.store_config),
    (r"/sys/(module/memory_hotplug/parameters/(?:online_policy|auto_movable_ratio))",
     FakeMachine.store_config),
    (r"/sys/.*/(dax\d+\.\d+)/memmapd/memmap_on_memory", FakeMachine.store_memmap_on_memory),
    (r"/sys/.*/(dax\d+\.\d+)/memmapd/plug", FakeMachine.store_plug),
    (r"/sys/.*/(dax\d+\.\d+)/memmapd/unplug", FakeMachine.store_unplug),
    (r"/sys/.*/(dax\d+\.\d+)/memmap_on_memory", FakeMachine.store_native_memmap),
    (r"/sys/devices/system/memory/memory(\d+)/state", FakeMachine.store_state),
    (r"/sys/devices/system/memory/memory(\d+)/online", FakeMachine.store_online),
]


def node_stats(node):
    """The lines below "per-node stats", in the order of 6.1."""
    stats = dict.fromkeys(
        """nr_inactive_anon nr_active_anon nr_inactive_file nr_active_file nr_unevictable
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
        pgpromote_candidate""".split(), 0)
    stats["nr_inactive_file"] = node.file
    stats["nr_slab_reclaimable"] = node.slab
    stats["nr_file_pages"] = node.file
    return stats.items()


def meminfo_values(node):
    """Of /sys/devices/system/node/nodeN/meminfo, in kB."""
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


# --- the daemon --------------------------------------------------------------

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""


class Bus:
    """A bus of its own."""

    def __init__(self, directory):
        import dbus.bus
        config = os.path.join(directory, "bus.conf")
        self.address = f"unix:path={directory}/bus"
        with open(config, "w") as f:
            f.write(BUS_CONFIG.format(path=f"{directory}/bus"))
        with open(os.path.join(directory, "bus.log"), "w") as log:
            self.process = subprocess.Popen(
                ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile",
                 "--print-address"], stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout.readline(), "no bus"
        self.connection = dbus.bus.BusConnection(self.address)

    def has(self, name):
        return self.connection.name_has_owner(name)

    def call(self, method, signature="", args=(), timeout=20):
        return self.connection.call_blocking(BUS_NAME, BUS_PATH, BUS_MANAGER, method,
                                             signature, args, timeout=timeout)

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def policy(*rules, **defaults):
    """A policy as it is in the file."""
    return {"version": 1, "defaults": {"ram_reserve": "0%", **defaults}, "rules": list(rules)}


def preload(program, *libraries):
    """LD_PRELOAD for @program; a sanitizer's runtime has to come first."""
    first = []
    with contextlib.suppress(FileNotFoundError):
        ldd = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        first = re.findall(r"=> (\S*/lib(?:asan|tsan)\S*)", ldd)
    return ":".join(first + list(libraries))


class Daemon:
    """memmapd on a machine.  Starts with the block, or by start()."""

    def __init__(self, machine, policy=None, *options, start=True):
        self.machine = machine
        self.dir = tempfile.mkdtemp(prefix="memmapd-test.", dir=TMP)
        self.policy_path = os.path.join(self.dir, "policy.json")
        self.log_path = os.path.join(self.dir, "log")
        self.options = options
        self.process = None
        self.auto = start
        self.bus = Bus(self.dir)
        self.set_policy(policy if policy is not None else globals()["policy"]())

    def __enter__(self):
        if self.auto:
            try:
                self.start()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.stop()
        finally:
            self.bus.close()
            if not os.environ.get("KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)

    def set_policy(self, policy):
        """@policy: what is in the file, or its text."""
        new = self.policy_path + ".new"
        with open(new, "w") as f:
            f.write(policy if isinstance(policy, str) else json.dumps(policy, indent=2) + "\n")
        os.rename(new, self.policy_path)

    def environment(self, program):
        env = dict(os.environ)
        env.update(DBUS_SYSTEM_BUS_ADDRESS=self.bus.address,
                   UMOCKDEV_DIR=self.machine.root, FAKEKERNEL_ROOT=self.machine.root,
                   LD_PRELOAD=preload(program, built("FAKEKERNEL", "tests/libfakekernel.so"),
                                      "libumockdev-preload.so.0"))
        env.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        env.pop("NOTIFY_SOCKET", None)
        env.pop("JOURNAL_STREAM", None)
        return env

    def start_unwaited(self):
        program = built("MEMMAPD", "daemon/memmapd")
        env = self.environment(program)
        with open(self.log_path, "a") as log:
            # As systemd says that stderr is the journal: then messages have fields.
            st = os.fstat(log.fileno())
            env["JOURNAL_STREAM"] = f"{st.st_dev}:{st.st_ino}"
            self.process = subprocess.Popen(
                [program, "--sysroot", self.machine.root, "--policy", self.policy_path,
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env, start_new_session=True)

    def start(self):
        self.start_unwaited()
        self.wait(lambda: self.bus.has(BUS_NAME), "it is on the bus")
        return self

    @property
    def messages(self):
        """What went to the journal in this machine's life, a dictionary each."""
        return list(self.machine.journal.entries)

    def message(self, name):
        """The messages of one kind: @name of MESSAGE_@name in common/names.h."""
        return [m for m in self.messages if m.get("MESSAGE_ID") == MESSAGE_IDS[name]]

    @property
    def log(self):
        """All it said, as text."""
        with open(self.log_path) as f:
            return f.read() + "".join(m.get("MESSAGE", "") + "\n" for m in self.messages)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def explain(self):
        log = self.machine.log
        return ("\n--- memmapd\n" + self.log[-4000:] +
                f"\n--- kernel, last of {len(log)}\n" + "\n".join(log[-30:]))

    def wait(self, condition, what, timeout=20, alive=True):
        """Until @condition() is true.  Returns what it returned."""
        end = time.monotonic() + timeout
        while True:
            if alive and not self.running:
                raise AssertionError(f"memmapd is gone ({self.process.poll()}), waiting until "
                                     f"{what}{self.explain()}")
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout} s until {what}{self.explain()}")
            time.sleep(0.01)

    def call(self, method, *args, **kw):
        return self.bus.call(method, *args, **kw)

    def describe(self, timeout=20):
        return json.loads(self.call("Describe", timeout=timeout))

    def device(self, name="dax0.0"):
        """The device's part of Describe(), or None."""
        for d in self.describe()["devices"]:
            if d["name"] == name:
                return d
        return None

    def wait_state(self, name, *states, timeout=30):
        last = None

        def reached():
            nonlocal last
            last = self.device(name)
            return last if last and last["state"] in states else None
        try:
            return self.wait(reached, f"{name} is {' or '.join(states)}", timeout)
        except AssertionError as e:
            raise AssertionError(f"{e}\n--- {name}\n{json.dumps(last, indent=1)[:3000]}") from None

    def settle(self, quiet=0.3, timeout=30):
        """Until nothing has been written for a while."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            n = len(self.machine.log)
            time.sleep(quiet)
            if n == len(self.machine.log):
                return
        raise AssertionError("memmapd does not come to rest" + self.explain())

    def reload(self):
        return self.call("Reload")

    def _ended(self):
        self.process.wait(timeout=20)
        # Nobody listens there any more.
        for monitor in glob.glob(self.machine.root + "/event*"):
            os.unlink(monitor)

    def sigkill(self, group=True):
        """As systemd would: the worker too, unless not @group."""
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self._ended()
        if self.bus.process.poll() is None:
            end = time.monotonic() + 5
            while self.bus.has(BUS_NAME) and time.monotonic() < end:
                time.sleep(0.005)

    def stop(self):
        """Returns the exit status, None if it did not run."""
        if not self.running:
            return None
        self.process.terminate()
        try:
            self._ended()
        except subprocess.TimeoutExpired:
            self.sigkill()
            raise AssertionError("memmapd does not end on SIGTERM" + self.explain()) from None
        return self.process.returncode

    def ctl(self, *args, check=None):
        """Run memmapctl.  @check: the exit status it should have."""
        program = built("MEMMAPCTL", "ctl/memmapctl")
        env = self.environment(program)
        del env["LD_PRELOAD"]
        done = subprocess.run([program, *args], env=env, capture_output=True, text=True,
                              timeout=30)
        if check is not None and done.returncode != check:
            raise AssertionError(f"memmapctl {' '.join(args)}: {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}{self.explain()}")
        return done
