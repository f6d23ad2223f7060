# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files that follow from the state of memory: of the nodes, and in /proc."""
from . import procfs

DIRECTORY = "/sys/devices/system/node"


def ranges_of(numbers):
    """As the kernel prints a bitmap: "0-2,4"."""
    out = []
    for n in sorted(numbers):
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


class NodeFiles:
    def __init__(self, tree, nodes):
        self.tree = tree
        self.nodes = nodes
        self.shown = {}                 # path -> text, as last written

    def refresh(self):
        for node in self.nodes:
            if node.online:
                self._write(node)
            elif self.tree.exists(f"{DIRECTORY}/node{node.id}"):
                self._remove(node)
        self._write_masks()
        self._show("/proc/zoneinfo", procfs.zoneinfo(self.nodes))
        self._show("/proc/buddyinfo", procfs.buddyinfo(self.nodes))
        self._show("/proc/meminfo", procfs.meminfo(self.nodes))

    def _show(self, path, text):
        if self.shown.get(path) != text:
            self.shown[path] = text
            self.tree.put(path, text)

    def _write_masks(self):
        online = [n for n in self.nodes if n.online]
        for name, nodes in (
                ("possible", self.nodes), ("online", online),
                ("has_cpu", [n for n in online if n.cpus]),
                ("has_normal_memory", [n for n in online if n.kernel_zones]),
                ("has_memory", [n for n in online if any(z.all_managed for z in n.zones)])):
            self._show(f"{DIRECTORY}/{name}", ranges_of(n.id for n in nodes) + "\n")

    def _write(self, node):
        t, d = self.tree, f"{DIRECTORY}/node{node.id}"
        distances = ["10" if n is node else "20" for n in self.nodes if n.online]
        self._show(f"{d}/meminfo", procfs.node_meminfo(node))
        self._show(f"{d}/distance", " ".join(distances) + "\n")
        if t.exists(f"{d}/cpulist"):
            return
        t.line(f"{d}/cpulist", ranges_of(node.cpus))
        t.line(f"{d}/cpumap", f"{sum(1 << c for c in node.cpus):x}")
        t.put(f"{d}/uevent", mode=0o644)
        t.link(f"{d}/subsystem", "/sys/bus/node")
        t.link(f"/sys/bus/node/devices/node{node.id}", d)

    def _remove(self, node):
        d = f"{DIRECTORY}/node{node.id}"
        self.tree.unlink(f"/sys/bus/node/devices/node{node.id}")
        self.tree.remove(d)
        self.shown = {p: s for p, s in self.shown.items() if not p.startswith(d + "/")}
