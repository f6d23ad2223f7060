# SPDX-License-Identifier: LGPL-2.1-or-later
"""The fake kernel itself, written to by other processes through the preload."""
import errno
import os
import re
import subprocess
import sys
import time
import unittest

from fakemachine import Dax, FakeMachine, GiB, MiB, built

FAKEKERNEL = built("FAKEKERNEL", "tests/integration/libfakekernel.so")
NEW_ID = "/sys/bus/dax/drivers/memmapd_kmem/new_id"
GROUP = "/sys/bus/dax/devices/dax0.0/memmapd"

# Says what a listener with libudev hears, until it has heard enough.
MONITOR = r"""
import ctypes, select, sys
u = ctypes.CDLL("libudev.so.1")
for f in ("udev_new", "udev_monitor_new_from_netlink", "udev_monitor_receive_device"):
    getattr(u, f).restype = ctypes.c_void_p
for f in ("udev_device_get_action", "udev_device_get_devpath"):
    getattr(u, f).restype = ctypes.c_char_p
m = ctypes.c_void_p(u.udev_monitor_new_from_netlink(ctypes.c_void_p(u.udev_new()), b"udev"))
u.udev_monitor_filter_add_match_subsystem_devtype(m, b"dax", None)
u.udev_monitor_enable_receiving(m)
print("ready", flush=True)
for _ in range(int(sys.argv[1])):
    if not select.select([u.udev_monitor_get_fd(m)], [], [], 5)[0]:
        break
    d = ctypes.c_void_p(u.udev_monitor_receive_device(m))
    print(u.udev_device_get_action(d).decode(), u.udev_device_get_devpath(d).decode(), flush=True)
"""


class FakeTest(unittest.TestCase):
    def machine(self, *args, **kw):
        m = FakeMachine(*args, **kw)
        self.addCleanup(m.close)
        return m

    def env(self, m):
        return dict(os.environ, FAKEKERNEL_ROOT=m.root, UMOCKDEV_DIR=m.root,
                    LD_PRELOAD=f"{FAKEKERNEL}:libumockdev-preload.so.0")

    def sh(self, m, script, **kw):
        return subprocess.run(["/bin/sh", "-c", f"cd {m.root}; {script}"], env=self.env(m),
                              capture_output=True, text=True, timeout=30, **kw)

    def plug_all(self, m, zone, name="dax0.0"):
        """Block by block; @zone says in which zone by index."""
        for i, number in enumerate(m.devices[name].numbers):
            m.write(f"/sys/bus/dax/devices/{name}/memmapd/plug", str(i))
            m.write(f"/sys/devices/system/memory/memory{number}/state", zone(i))

    def assertErrno(self, code, f, *args):
        with self.assertRaises(OSError) as c:
            f(*args)
        self.assertEqual(errno.errorcode[c.exception.errno], errno.errorcode[code])


class Preload(FakeTest):
    """What a program sees that is preloaded with the library."""

    def test_bind_plug_online(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        first = m.devices["dax0.0"].numbers[0]
        done = self.sh(m, f"""
            set -e
            echo dax0.0 > .{NEW_ID}
            readlink sys/bus/dax/devices/dax0.0/driver
            cat .{GROUP}/blocks .{GROUP}/map; echo
            (printf 2-0 > .{GROUP}/plug)
            cat .{GROUP}/map; echo
            echo online_movable > sys/devices/system/memory/memory{first}/state
            cat sys/devices/system/memory/memory{first}/state
            cat sys/devices/system/memory/memory{first}/valid_zones
            cat sys/devices/system/node/online""")
        self.assertEqual(done.stderr, "")
        self.assertEqual(done.stdout.split("\n")[1:], ["8", "........", "rrr.....", "online",
                                                      "Movable", "0-1", ""])
        self.assertTrue(done.stdout.startswith("../../../../bus/dax/drivers/memmapd_kmem\n"))
        self.assertEqual(m.log, ["new_id memmapd_kmem dax0.0", "bind dax0.0 memmapd_kmem",
                                 "plug dax0.0 2 r", "plug dax0.0 1 r", "plug dax0.0 0 r",
                                 f"online {first} movable"])

    def test_errors_reach_the_writer(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.write(NEW_ID, "dax0.0")
        m.faults.fail_plug(1, errno.ENOMEM, 1)
        script = f"""
import errno, os
for value in b"8", b"x", b"1", b"1", b"1":
    f = os.open("{m.root}{GROUP}/plug", os.O_WRONLY | os.O_TRUNC)
    try:
        print(os.write(f, value))
    except OSError as e:
        print(errno.errorcode[e.errno])
"""
        done = subprocess.run(["/usr/bin/python3", "-c", script], env=self.env(m), check=True,
                              stdout=subprocess.PIPE, text=True)
        self.assertEqual(done.stdout.split(), ["ERANGE", "EINVAL", "ENOMEM", "1", "EEXIST"])

    def test_other_files_are_files(self):
        m = self.machine()
        self.assertEqual(self.sh(m, "echo long > run/x; echo s > run/x; cat run/x").stdout, "s\n")
        self.assertEqual(m.log, [])

    def test_a_killed_writer_leaves_the_tree_whole(self):
        m = self.machine(devices=[Dax(size=8 * GiB)])
        m.write(NEW_ID, "dax0.0")
        m.faults.delay = 0.02
        p = subprocess.Popen(["/bin/sh", "-c", f"exec echo 0-63 > {m.root}{GROUP}/plug"],
                             env=self.env(m))
        time.sleep(0.3)
        p.kill()
        p.wait()
        time.sleep(0.1)
        with m.lock:
            plugged = m.devices["dax0.0"].map
            self.assertEqual(m.tree.get(f"{GROUP}/map"), plugged)
            self.assertEqual(len([b for b in os.listdir(m.root + "/sys/bus/memory/devices")]),
                             len(m.memory.boot_blocks) + plugged.count("r"))

    def test_uevents(self):
        m = self.machine()
        p = subprocess.Popen(["/usr/bin/python3", "-c", MONITOR, "4"], env=self.env(m),
                             stdout=subprocess.PIPE, text=True)
        self.assertEqual(p.stdout.readline(), "ready\n")
        d = m.add(Dax(size=1 * GiB))
        m.write(NEW_ID, "dax0.0")
        m.write(GROUP + "/plug", "0")           # of another subsystem: filtered
        m.remove("dax0.0")
        out, _ = p.communicate(timeout=20)
        self.assertEqual(out.split(), sum(([a, d.devpath] for a in
                                           ("add", "bind", "unbind", "remove")), []))


class Kernel(FakeTest):
    """Where memmaps go, and what that costs."""

    def test_in_ram(self):
        m = self.machine(ram=2 * GiB, devices=[Dax(size=8 * GiB)])
        before = m.nodes[0].kernel_free
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable")
        self.assertEqual(m.devices["dax0.0"].map, "r" * 64)
        self.assertEqual(m.states(), "m" * 64)
        self.assertEqual((before - m.nodes[0].kernel_free) * 4096, 128 * MiB)

    def test_on_the_block(self):
        m = self.machine(ram=768 * MiB, memmap_on_memory=True, devices=[Dax(size=8 * GiB)])
        before = m.nodes[0].kernel_free
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable")
        self.assertEqual(m.devices["dax0.0"].map, "d" * 64)
        self.assertEqual(before, m.nodes[0].kernel_free)
        self.assertIn(f"MemTotal:       {64 * 126 * 1024:>8} kB",
                      m.tree.get("/sys/devices/system/node/node1/meminfo"))
        zone = m.nodes[1].zone("Movable")
        self.assertEqual(zone.all_present - zone.all_managed, 64 * 512)

    def test_in_seeds(self):
        """As measured: 62 GiB, every 60th block in the kernel zone, one in RAM."""
        m = self.machine(ram=690 * MiB, devices=[Dax(size=62 * GiB)])
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable" if i % 60 else "online_kernel")
        self.assertEqual(m.devices["dax0.0"].map, "r" + "s" * 495)
        self.assertEqual(m.oom, [])

    def test_one_seed_holds_62_to_64(self):
        m = self.machine(ram=2 * GiB, devices=[Dax(size=16 * GiB)])
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable" if i else "online_kernel")
        self.assertIn(m.devices["dax0.0"].map.count("s"), (62, 63, 64))

    def test_a_seed_in_use_stays(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable" if i else "online_kernel")
        first = m.devices["dax0.0"].numbers[0]
        state = f"/sys/devices/system/memory/memory{first}/state"
        self.assertErrno(errno.EBUSY, m.write, state, "offline")
        self.assertErrno(errno.EBUSY, m.write, GROUP + "/unplug", "0")
        m.write(GROUP + "/unplug", "7-1")
        m.write(GROUP + "/unplug", "0")
        self.assertEqual(m.devices["dax0.0"].map, "........")
        self.assertEqual(m.tree.get("/sys/devices/system/node/online"), "0\n")

    def test_everything_comes_back(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        before = m.tree.snapshot("/sys/devices", "/proc")
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable" if i else "online_kernel")
        m.write(GROUP + "/unplug", "7-0")
        m.write("/sys/bus/dax/drivers/memmapd_kmem/unbind", "dax0.0")
        self.assertEqual(m.tree.snapshot("/sys/devices", "/proc"), before)

    def test_out_of_memory(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, reclaimable=50 * MiB,
                         devices=[Dax(size=64 * GiB)])
        m.write(NEW_ID, "dax0.0")
        self.assertErrno(errno.ENOMEM, self.plug_all, m, lambda i: "online_movable")
        self.assertEqual(len(m.oom), 1)
        self.assertTrue(os.path.exists(m.root + "/fake/oom"))
        self.assertGreater(m.devices["dax0.0"].map.count("r"), 165)
        self.assertLess(m.nodes[0].reclaimable, 512)

    def test_forced_into_ram(self):
        m = self.machine(memmap_on_memory=True, devices=[Dax(size=1 * GiB)])
        m.write(NEW_ID, "dax0.0")
        m.faults.force_ram = 2
        self.plug_all(m, lambda i: "online_movable")
        self.assertEqual(m.devices["dax0.0"].map, "rrdddddd")

    def test_of_another_device(self):
        m = self.machine(devices=[Dax(size=1 * GiB), Dax("dax1.0", size=1 * GiB)])
        for name in m.devices:
            m.write(NEW_ID, name)
        self.plug_all(m, lambda i: "online_kernel")
        self.plug_all(m, lambda i: "online_movable", "dax1.0")
        self.assertEqual(m.devices["dax1.0"].map, "r" * 8)
        self.assertEqual(m.nodes[0].lowest, (m.nodes[0].kernel_free) * 4096)


    def test_crumbs_are_no_room(self):
        m = self.machine(devices=[Dax(size=16 * GiB)])
        m.faults.crumbs = 10 * 512
        m.write(NEW_ID, "dax0.0")
        self.plug_all(m, lambda i: "online_movable" if i else "online_kernel")
        self.assertIn(m.devices["dax0.0"].map.count("s"), (53, 54))


class Procfs(FakeTest):
    """Two views of the same memory."""

    def free_pages(self, m):
        """{(node, zone): pages}, of zoneinfo and of buddyinfo."""
        zoneinfo = re.findall(r"Node (\d+), zone +(\w+)\n(?:  per-node stats\n(?: {6}.*\n)*)?"
                              r"  pages free +(\d+)", m.tree.get("/proc/zoneinfo"))
        buddyinfo = re.findall(r"Node (\d+), zone +(\w+) ((?: *\d+ ){11})\n",
                               m.tree.get("/proc/buddyinfo"))
        return ({(node, zone): int(free) for node, zone, free in zoneinfo if free != "0"},
                {(node, zone): sum(int(n) << order for order, n in enumerate(counts.split()))
                 for node, zone, counts in buddyinfo})

    def test_format(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB)
        lines = m.tree.get("/proc/buddyinfo").splitlines()
        self.assertEqual(lines, [
            "Node 0, zone      DMA " + "".join(f"{n:>6} " for n in [0] * 8 + [1, 1, 3]),
            "Node 0, zone    DMA32 " + "".join(f"{n:>6} " for n in [0] * 8 + [1, 0, 71])])

    def test_views_agree(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=16 * GiB)])
        m.faults.crumbs, m.faults.stray = 5 * 512 + 7, 3 * 512 + 5
        m.write(NEW_ID, "dax0.0")
        for steps in range(2):
            zoneinfo, buddyinfo = self.free_pages(m)
            self.assertEqual(buddyinfo, zoneinfo)
            self.assertEqual(("1", "Movable") in buddyinfo, steps > 0)
            if not steps:
                self.plug_all(m, lambda i: "online_movable" if i % 60 else "online_kernel")


class Drivers(FakeTest):
    def test_alignment(self):
        m = self.machine(devices=[Dax(ranges=[(0x140200000, 1 * GiB), (0x200000000, 1 * GiB)])])
        m.write(NEW_ID, "dax0.0")
        self.assertEqual(m.tree.get(GROUP + "/blocks"), "15\n")
        self.assertEqual(m.tree.get(GROUP + "/trimmed"), f"{128 * MiB}\n")
        self.assertEqual(m.devices["dax0.0"].numbers[0], 41)

    def test_bound_elsewhere(self):
        m = self.machine(devices=[Dax(size=1 * GiB, driver="device_dax")])
        m.write(NEW_ID, "dax0.0")
        self.assertEqual(m.devices["dax0.0"].driver, "device_dax")
        self.assertErrno(errno.EBUSY, m.write, "/sys/bus/dax/drivers/memmapd_kmem/bind", "dax0.0")
        m.write("/sys/bus/dax/drivers/device_dax/unbind", "dax0.0")
        m.write("/sys/bus/dax/drivers/memmapd_kmem/bind", "dax0.0")
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")

    def test_orphans_are_adopted(self):
        m = self.machine(devices=[Dax(size=1 * GiB, start=8 * GiB)])
        m.write(NEW_ID, "dax0.0")
        m.write(GROUP + "/plug", "0-3")
        m.write("/sys/devices/system/memory/memory65/state", "online_movable")
        m.remove("dax0.0")
        self.assertEqual(m.tree.get("/sys/bus/dax/drivers/memmapd_kmem/orphans"),
                         "0x208000000-0x20fffffff node 1 dax0.0\n")
        m.add(Dax(size=1 * GiB, start=8 * GiB))
        m.write(NEW_ID, "dax0.0")
        self.assertEqual(m.tree.get(GROUP + "/map"), ".r......")
        self.assertEqual(m.tree.get("/sys/bus/dax/drivers/memmapd_kmem/orphans"), "")

    def test_stock_kmem(self):
        m = self.machine(devices=[Dax(size=1 * GiB, driver="kmem")])
        self.assertEqual(m.states(), "-" * 8)
        m.write("/sys/bus/dax/drivers/kmem/unbind", "dax0.0")
        self.assertEqual(m.states(), "." * 8)

    def test_states(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.write(NEW_ID, "dax0.0")
        m.write(GROUP + "/plug", "0")
        state = f"/sys/devices/system/memory/memory{m.devices['dax0.0'].numbers[0]}/state"
        self.assertErrno(errno.EINVAL, m.write, state, "offline")
        m.write(state, "online")
        self.assertEqual(m.states(), "k.......")
        self.assertErrno(errno.EINVAL, m.write, state, "online_movable")
        self.assertErrno(errno.EOPNOTSUPP, m.write, GROUP + "/memmap_on_memory", "1")


if __name__ == "__main__":
    sys.exit(unittest.main())
