# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine as a whole."""
import errno
import os
import re
import shutil
import tempfile
import threading

from .daxbus import DaxBus
from .faults import Faults
from .hotplug import Hotplug
from .journal import Journal
from .memory import Memory
from .module import Module
from .nodes import NodeFiles
from .stores import KernelError, Server
from .tree import Tree
from .uevents import Uevents
from .units import PAGE, GiB, MiB

# A tree of thousands of files changes with every step: memory is ten times faster.
TMP = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def by_node(value):
    return value if isinstance(value, dict) else {0: value}


class FakeMachine:
    """
    @ram: bytes of node 0, or {node: bytes}; @free: the same, of which free;
    @reclaimable: bytes of page cache on top of that, on node 0.

    What goes wrong is up to the test: see Faults.
    """

    ROUTES = {
        r"/sys/(bus/dax/drivers_autoprobe)": "store_config",
        r"/sys/(devices/system/memory/auto_online_blocks)": "store_config",
        r"/sys/(module/memory_hotplug/parameters/(?:online_policy|auto_movable_ratio))":
            "store_config",
        r"(/sys/kernel/mm/(?:numa/demotion_enabled|mempolicy/weighted_interleave/\w+))":
            "store_tunable",
    }

    def __init__(self, ram=2 * GiB, devices=(), memmap_on_memory=False, free=None,
                 reclaimable=0, block_size=128 * MiB, auto_online="offline",
                 module=True, kmem=True, online_nodes=(), possible=2, param="N", uevents=True):
        self.root = os.path.realpath(tempfile.mkdtemp(prefix="memmapd-fake.", dir=TMP))
        self.tree = Tree(self.root)
        self.memmap_on_memory = memmap_on_memory
        self.lock = threading.RLock()
        self.log_lock = threading.Lock()
        self.log = []
        self.oom = []
        self.faults = Faults(self.record)
        self.uevents = Uevents(self.root) if uevents else None
        self.journal = Journal(self.root + "/fake/journal")
        self.memory = Memory(possible, block_size, by_node(ram), by_node(free), reclaimable)
        for n in online_nodes:
            self.nodes[n].online = True
        self.node_files = NodeFiles(self.tree, self.nodes)
        self.hotplug = Hotplug(self)
        self.bus = DaxBus(self)
        self.module = Module(self)
        self.parts = (self, self.hotplug, self.bus, self.module)
        self.next_start = max(4 * GiB, -(-self.memory.boot_end // GiB) * GiB)
        self.bus.build(("kmem", "device_dax") if kmem else ("device_dax",))
        self._build(auto_online, "Y" if memmap_on_memory else param)
        if module:
            self.module.load()
        self.server = Server(self.root + "/fake/kernel", self.store)
        for d in devices:
            self.add(d, event=False)

    def close(self):
        self.server.stop()
        if self.uevents:
            self.uevents.stop()
        if not os.environ.get("KEEP"):
            shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _build(self, auto_online, param):
        t = self.tree
        for d in ("/run", "/dev", "/sys/bus/cxl/devices", "/sys/bus/nd/devices",
                  "/sys/bus/node/devices", "/sys/devices/platform"):
            t.dir(d)
        self.hotplug.build(auto_online, param)
        t.line("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never", 0o644)
        t.line("/proc/version", "Linux version 6.1.0-56-amd64 (fake)")
        t.line("/proc/sys/kernel/osrelease", "6.1.0-56-amd64")
        t.line("/proc/cmdline", "root=fake")
        t.put("/proc/pressure/memory",
              "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
              "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n")
        self.refresh()

    # For its parts

    def record(self, line):
        with self.log_lock:
            self.log.append(line)
            with open(self.root + "/fake/log", "a") as f:
                f.write(line + "\n")

    def out_of_memory(self, line):
        self.oom.append(line)
        self.record(f"{line} OOM")
        self.tree.put("/fake/oom", "".join(o + "\n" for o in self.oom))

    def uevent(self, action, devpath, subsystem, **more):
        if self.uevents:
            self.uevents.send(action, devpath, subsystem, **more)

    def refresh(self):
        """Memory has changed."""
        self.memory.update()
        self.node_files.refresh()

    # Stores

    def write(self, path, text):
        """What somebody else writes to the tree.  Raises OSError."""
        path = os.path.realpath(self.tree.path(path))[len(self.root):]
        code = self.store(path, text)
        if code:
            raise KernelError(code)

    def _route(self, path):
        for part in self.parts:
            for pattern, method in part.ROUTES.items():
                match = re.fullmatch(pattern, path)
                if match:
                    return getattr(part, method), match.groups()
        return None, ()

    def store(self, path, text):
        method, args = self._route(path)
        if not method:
            self.record(f"unexpected {path}")
            return errno.EIO
        try:
            with self.lock:
                method(*args, text.strip())
        except KernelError as e:
            return e.errno
        except Exception as e:          # shown to the test, not swallowed
            self.record(f"broken {path}: {e!r}")
            raise
        return 0

    def store_config(self, attr, text):
        self.record(f"config {attr} {text}")
        self.tree.line(f"/sys/{attr}", text, 0o644)

    def store_tunable(self, path, text):
        value = self.faults.tunable.get(path, text)
        if isinstance(value, int):
            raise KernelError(value)
        self.record(f"tune {path} {text if value is None else value}")
        if value is None:
            self.tree.unlink(path)
            self.tree.dir(path)
        else:
            self.tree.line(path, value, 0o644)

    # For tests

    @property
    def nodes(self):
        return self.memory.nodes

    @property
    def devices(self):
        return self.bus.devices

    def add(self, dax, event=True):
        """A device appears."""
        with self.lock:
            self.next_start = dax.place(self.next_start, self.memory.block_size)
            self.bus.add(dax, event)
        return dax

    def remove(self, name):
        """A device goes; what is online of it stays."""
        with self.lock:
            self.bus.remove(name)

    def load_module(self):
        with self.lock:
            self.module.load()
            self.uevent("add", "/module/memmapd_kmem", "module")

    def open_node(self, name, pid=4242):
        """A process that holds the device node open."""
        self.tree.line(f"/proc/{pid}/comm", "holder")
        self.tree.dir(f"/proc/{pid}/fd")
        os.symlink("/dev/null", self.tree.path(f"/proc/{pid}/fd/0"))
        os.symlink(f"/dev/{name}", self.tree.path(f"/proc/{pid}/fd/3"))

    def close_node(self, pid=4242):
        self.tree.remove(f"/proc/{pid}")

    def take_ram(self, amount):
        """Somebody else takes so many bytes that node 0 can spare, or gives them back."""
        with self.lock:
            pages = amount // PAGE
            for zone in reversed(self.nodes[0].kernel_zones):
                part = min(pages, max(0, zone.free - zone.kept_back()))
                zone.free -= part
                pages -= part
            self.refresh()

    def spare(self, node=0):
        """Free bytes of a node above what the kernel keeps back."""
        with self.lock:
            return sum(max(0, z.all_free - z.kept_back())
                       for z in self.nodes[node].kernel_zones) * PAGE

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
        return self.devices[name].states
