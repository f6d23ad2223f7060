# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapd and memmapctl as they are installed, on machines that are not there."""
import contextlib
import errno
import json
import os
import signal
import sys
import threading
import time
import unittest

import dbus.exceptions

from fake import GiB, KiB, MiB, Daemon, Dax, FakeMachine, built, policy

PARAMETER = "memory_hotplug.memmap_on_memory=1"
EHWPOISON = 133                         # not known to python


def rule(name="rule", match=None, **settings):
    return {"name": name, "match": match or {}, **settings}


class MemmapdTest(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        if not os.access(built("MEMMAPD", "daemon/memmapd"), os.X_OK):
            self.skipTest("memmapd is not built")

    def machine(self, *args, **kw):
        m = FakeMachine(*args, **kw)
        self.addCleanup(m.close)
        return m

    def daemon(self, machine, policy=None, *options, **kw):
        d = Daemon(machine, policy, *options, **kw)
        d.__enter__()
        self.addCleanup(d.close)
        return d

    def taken(self, machine, policy=None, state="online", name="dax0.0"):
        """Run until the device has come to @state.  Returns its description."""
        d = self.daemon(machine, policy)
        return d.wait_state(name, state)

    def assertHealthy(self, machine, reserve=0):
        """Memory never ran out, nor did what was to be left of it."""
        self.assertEqual(machine.oom, [])
        self.assertGreaterEqual(machine.nodes[0].lowest, reserve)
        self.assertEqual([line for line in machine.log
                          if line.startswith(("unexpected", "broken", "boot block", "config"))], [])

    def assertAllBack(self, machine, name="dax0.0"):
        """Every block is online, in whatever zone."""
        self.assertRegex(machine.states(name), "^[km]*$")

    def assertAllOnline(self, machine, zone="m", name="dax0.0"):
        self.assertEqual(machine.states(name), zone * len(machine.devices[name].numbers))

    def codes(self, device):
        return [r["code"] for r in device["reasons"]]


class Placement(MemmapdTest):
    """Where the memmaps go."""

    def test_fits_in_ram(self):
        m = self.machine(ram=2 * GiB, devices=[Dax(size=8 * GiB)])
        d = self.taken(m, policy())
        self.assertEqual(m.devices["dax0.0"].map, "r" * 64)
        self.assertAllOnline(m)
        self.assertHealthy(m)
        self.assertEqual(d["map"], "r" * 64)
        self.assertEqual(d["blocks"], {"total": 64, "wanted": 64, "plugged": 64, "online": 64,
                                       "failed": 0, "kernel": 0, "movable": 64})
        self.assertEqual((d["verdict"], d["backend"], d["driver"], d["backing"]),
                         ("take", "chunked", "memmapd_kmem", "hmem"))
        self.assertIn("fits", self.codes(d))

    def test_each_block_is_online_before_the_next_is_plugged(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        self.taken(m)
        kinds = [w[0] for w in m.actions("plug", "online")]
        self.assertEqual(kinds, ["plug", "online"] * 16)

    def test_does_not_fit_but_the_kernel_can(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        free = m.nodes[0].kernel_free
        d = self.taken(m)
        self.assertEqual(m.devices["dax0.0"].map, "d" * 512)
        self.assertAllOnline(m)
        self.assertEqual(m.nodes[0].kernel_free, free)
        self.assertEqual(d["memmap"]["device"], 512)
        self.assertIn("exceeds", self.codes(d))

    def test_does_not_fit_and_the_kernel_cannot(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.taken(m)
        placed = m.devices["dax0.0"].map
        self.assertEqual((placed.count("r"), placed.count("s")), (1, 511))
        self.assertHealthy(m, 290 * MiB)
        self.assertEqual(m.states().count("k") + m.states().count("m"), 512)
        # 511 memmaps, at most 64 a seed
        self.assertIn(m.states().count("k"), (8, 9))
        self.assertEqual(d["blocks"]["kernel"], m.states().count("k"))

    def test_seeds_where_other_allocations_stray_into_them(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        m.stray = 5 * 512               # five memmaps fewer fit than planned
        self.taken(m)
        self.assertHealthy(m, 270 * MiB)
        self.assertLess(m.devices["dax0.0"].map.count("r"), 10)
        self.assertNotIn("-", m.states())

    def test_seeds_whose_room_is_in_pieces_too_small(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        m.crumbs = 10 * 512
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        self.assertHealthy(m, 270 * MiB)
        self.assertLess(m.devices["dax0.0"].map.count("r"), 12)
        self.assertNotIn("-", m.states())
        # noticed each time before the kernel puts one into RAM
        self.assertTrue(d.message("DIVERGED"))
        for message in d.message("DIVERGED"):
            self.assertIn("full before their time", message["MESSAGE"])

    def test_seeds_carry_their_own_memmap_where_the_kernel_can(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=16 * GiB)])
        self.taken(m, policy(memmap="seed"))
        placed = m.devices["dax0.0"].map
        self.assertEqual(placed.count("r"), 0)
        self.assertEqual(placed.count("d"), m.states().count("k"))
        self.assertEqual(placed.count("s"), 128 - placed.count("d"))

    def test_seeds_forbidden(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        before = m.tree.snapshot()
        d = self.daemon(m, policy(allow_seeds=False))
        device = d.wait_state("dax0.0", "refused")
        self.assertIn(PARAMETER, device["message"])
        self.assertIn("help-parameter", self.codes(device))
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)
        self.assertEqual(m.log, [])
        self.assertEqual(len(d.message("REFUSED")), 1)

    def test_device_asked_for_and_impossible(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.taken(m, policy(memmap="device"), "refused")
        self.assertIn(PARAMETER, d["message"])
        self.assertEqual(m.log, [])

    def reserve_for(self, budget):
        """The "ram_reserve" that leaves @budget bytes of 768 MiB of which 300 are free."""
        with FakeMachine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)]) as m, \
                Daemon(m, policy(), "--dry-run") as d:
            total = d.wait_state("dax0.0", "planned")["budget"]["total"]
        return f"{(total - budget) // KiB}K"

    def test_not_even_one_seed_fits(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.taken(m, policy(ram_reserve="60%"), "refused")
        self.assertIn("no-allowance", self.codes(d))
        self.assertEqual(m.log, [])

    def test_a_seed_fits_but_no_memmap_that_strays(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        reserve = self.reserve_for(4 * MiB - 4 * KiB)
        d = self.taken(m, policy(ram_reserve=reserve), "refused")
        self.assertEqual(d["budget"]["total"], 4 * MiB - 4 * KiB)
        self.assertIn("no-allowance", self.codes(d))
        self.assertIn("help-bytes", self.codes(d))
        self.assertEqual(m.log, [])

    def test_a_seed_fits_and_a_memmap_that_strays(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        reserve = self.reserve_for(4 * MiB)
        d = self.taken(m, policy(ram_reserve=reserve))
        self.assertEqual(d["budget"]["total"], 4 * MiB)
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        self.assertHealthy(m, d["budget"]["reserve"])
        self.assertAllBack(m)

    def test_mixed(self):
        for altmap, other in ((True, "d"), (False, "s")):
            with self.subTest(altmap=altmap):
                m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=altmap,
                                 devices=[Dax(size=64 * GiB)])
                reserve = m.nodes[0].kernel_managed * 4096 // 10
                d = self.daemon(m, policy(memmap="mixed", ram_reserve="10%"))
                d.wait_state("dax0.0", "online")
                placed = m.devices["dax0.0"].map
                self.assertGreater(placed.count("r"), 80)
                # all that fit; with seeds, room for one that strays is left
                fit = d.device()["budget"]["total"] // (2 * MiB)
                self.assertEqual(placed.count("r"), fit if altmap else fit - 1)
                # exactly as decided, and at the first attempt
                self.assertEqual(len(d.message("DECIDED")), 1)
                self.assertEqual(d.message("DIVERGED"), [])
                self.assertIn(f" {placed.count('r')} in RAM", d.message("DECIDED")[0]["MESSAGE"])
                self.assertEqual(placed.count("r") + placed.count(other), 512)
                self.assertHealthy(m, reserve)
                self.assertNotIn("-", m.states())

    def test_ram_asked_for(self):
        m = self.machine(memmap_on_memory=True, devices=[Dax(size=8 * GiB)])
        self.taken(m, policy(memmap="ram"))
        self.assertEqual(m.devices["dax0.0"].map, "r" * 64)
        self.assertAllOnline(m)

    def test_ram_asked_for_and_too_little(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        d = self.taken(m, policy(memmap="ram"), "refused")
        self.assertIn("help-bytes", self.codes(d))
        self.assertEqual(m.log, [])

    def test_page_cache_counts(self):
        """128 MiB of memmap, 60 MiB free, 300 MiB that can be reclaimed."""
        m = self.machine(ram=768 * MiB, free=60 * MiB, reclaimable=300 * MiB,
                         devices=[Dax(size=8 * GiB)])
        self.taken(m, policy(memmap="ram"))
        self.assertAllOnline(m)
        self.assertHealthy(m)

    def test_reserve(self):
        """As above, and the reserve is what does not fit."""
        m = self.machine(ram=768 * MiB, free=250 * MiB, devices=[Dax(size=8 * GiB)])
        self.taken(m, policy(memmap="ram", ram_reserve="200M"), "refused")

    def test_large_blocks(self):
        m = self.machine(ram=4 * GiB, free=500 * MiB, block_size=2 * GiB,
                         devices=[Dax(size=64 * GiB)])
        self.taken(m)
        self.assertHealthy(m)
        self.assertNotIn("-", m.states())

    def test_several_ranges(self):
        m = self.machine(devices=[Dax(ranges=[(0x140200000, 1 * GiB), (0x200000000, 1 * GiB)])])
        d = self.taken(m)
        self.assertEqual(d["blocks"]["total"], 15)
        self.assertAllOnline(m)

    def test_kernel_zone(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.taken(m, policy(zone="kernel"))
        self.assertAllOnline(m, "k")
        self.assertEqual(d["blocks"]["kernel"], 16)


class Rules(MemmapdTest):
    """What is done with which device."""

    def test_plug_only(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.taken(m, policy(action="plug"), "plugged")
        self.assertEqual(m.states(), "-" * 16)
        self.assertEqual(d["blocks"]["plugged"], 16)

    def test_ignore(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        before = m.tree.snapshot()
        d = self.daemon(m, policy(rule(match={"device": "dax0.*"}, action="ignore")))
        d.wait_state("dax0.0", "ignored")
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)

    def test_ignored_goes_to_its_driver(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.tree.line("/sys/bus/dax/drivers_autoprobe", 0, 0o644)
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        d.wait(lambda: m.devices["dax0.0"].driver == "device_dax", "it has its driver")

    def test_pmem_is_left_alone(self):
        m = self.machine(devices=[Dax(size=2 * GiB, backing="pmem")])
        before = m.tree.snapshot()
        d = self.daemon(m, policy(rule(match={"target_node": 1})))
        device = d.wait_state("dax0.0", "ignored", "refused")
        self.assertEqual(device["backing"], "pmem")
        self.assertIn("pmem", self.codes(device))
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)

    def test_pmem_that_a_rule_names(self):
        m = self.machine(devices=[Dax(size=2 * GiB, backing="pmem", driver="device_dax")])
        d = self.taken(m, policy(rule("mine", {"backing": "pmem"})))
        self.assertEqual(d["rule"], "mine")
        self.assertAllOnline(m)

    def test_first_rule_wins(self):
        m = self.machine(memmap_on_memory=True, possible=4,
                         devices=[Dax("dax0.0", "cxl", 1 * GiB, target_node=2),
                                  Dax("dax1.0", "hmem", 1 * GiB, target_node=3)])
        d = self.daemon(m, policy(rule("two", {"target_node": 2}, memmap="device"),
                                  rule("cxl", {"backing": "cxl"}, memmap="ram"),
                                  rule("rest", {}, memmap="ram")))
        self.assertEqual(d.wait_state("dax0.0", "online")["rule"], "two")
        self.assertEqual(d.wait_state("dax1.0", "online")["rule"], "rest")
        self.assertEqual(m.devices["dax0.0"].map, "d" * 8)
        self.assertEqual(m.devices["dax1.0"].map, "r" * 8)
        self.assertEqual(d.device("dax0.0")["backing"], "cxl")

    def test_device_node_in_use(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="device_dax")])
        m.open_node("dax0.0")
        before, log = m.tree.snapshot(), list(m.log)
        d = self.daemon(m)
        device = d.wait_state("dax0.0", "refused")
        self.assertIn("node-open", self.codes(device))
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)
        self.assertEqual(m.log, log)
        m.close_node()
        d.reload()
        d.wait_state("dax0.0", "online")

    def test_taken_over_from_device_dax(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="device_dax")])
        self.taken(m)
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")

    def test_taken_over_from_kmem(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="kmem")])
        self.taken(m)
        self.assertEqual(m.devices["dax0.0"].driver, "memmapd_kmem")
        self.assertAllOnline(m)

    def test_in_use_by_kmem(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="kmem")])
        number = m.devices["dax0.0"].numbers[3]
        m.write(f"/sys/devices/system/memory/memory{number}/state", "online_movable")
        log = list(m.log)
        d = self.daemon(m)
        self.assertIn("held", self.codes(d.wait_state("dax0.0", "refused")))
        d.settle()
        self.assertEqual(m.log, log)

    def test_without_the_module(self):
        m = self.machine(module=False, devices=[Dax(size=2 * GiB)])
        d = self.taken(m, None, "refused")
        self.assertIn("no-module", self.codes(d))
        self.assertEqual(m.log, [])

    def test_no_target_node(self):
        m = self.machine(devices=[Dax(size=2 * GiB, target_node=-1)])
        self.taken(m, None, "refused")
        self.assertEqual(m.log, [])


class Order(MemmapdTest):
    def order(self, name, **kw):
        m = self.machine(devices=[Dax(size=2 * GiB)], **kw)
        self.taken(m, policy(order=name))
        return m.online_order("movable")

    def test_ascending(self):
        self.assertEqual(self.order("ascending"), list(range(16)))

    def test_descending(self):
        self.assertEqual(self.order("descending"), list(range(15, -1, -1)))

    def test_fast(self):
        """The second block is the gap that ends the kernel's search."""
        self.assertEqual(self.order("fast"), [0, *range(2, 16), 1])

    def test_fast_above_what_is_online(self):
        m = self.machine(devices=[Dax("dax0.0", size=1 * GiB), Dax("dax1.0", size=1 * GiB)])
        ignore = rule(match={"device": "dax1.0"}, action="ignore")
        d = self.daemon(m, policy(ignore))
        d.wait_state("dax0.0", "online")
        d.set_policy(policy())
        d.reload()
        d.wait_state("dax1.0", "online")
        self.assertEqual(m.online_order("movable", "dax1.0"), [*range(1, 8), 0])


class Failures(MemmapdTest):
    def number(self, m, index):
        return m.devices["dax0.0"].numbers[index]

    def test_transient_online(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.fail_online(self.number(m, 5), errno.EAGAIN, 2)
        self.taken(m)
        self.assertAllOnline(m)
        tries = [w for w in m.actions("online") if w[1] == str(self.number(m, 5))]
        self.assertEqual([w[3:] for w in tries], [["EAGAIN"], ["EAGAIN"], []])

    def test_transient_plug(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.fail_plug(5, errno.EBUSY, 1)
        self.taken(m)
        self.assertAllOnline(m)

    def test_permanent_online_costs_one_block(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.fail_online(self.number(m, 5), EHWPOISON)
        d = self.daemon(m)
        device = d.wait_state("dax0.0", "degraded")
        self.assertEqual(device["blocks"]["failed"], 1)
        self.assertEqual(device["blocks"]["online"], 15)
        self.assertEqual(m.states().replace("-", "."), "mmmmm.mmmmmmmmmm")
        d.settle()
        tries = [w for w in m.actions("online") if w[1] == str(self.number(m, 5))]
        self.assertLessEqual(len(tries), 2)
        self.assertEqual([e["MEMMAPD_BLOCK"] for e in d.message("STEP_FAILED")],
                         [f"memory{self.number(m, 5)}"])

    def test_permanent_plug_costs_one_block(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.fail_plug(5, errno.EEXIST)
        device = self.taken(m, None, "degraded")
        self.assertEqual(device["blocks"]["failed"], 1)
        self.assertEqual(m.states(), "mmmmm.mmmmmmmmmm")

    def test_a_seed_fails(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=32 * GiB)])
        m.fail_online(self.number(m, 0), EHWPOISON)
        self.taken(m, policy(memmap="seed"), "degraded")
        self.assertHealthy(m, 280 * MiB)
        self.assertEqual(m.states().count("m") + m.states().count("k"), 255)

    def test_everything_fails(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        for i in range(16):
            m.fail_online(self.number(m, i), errno.EIO)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded")
        d.settle(1)
        self.assertLessEqual(len(m.actions("online")), 40)
        self.assertTrue(d.running)

    def test_bind_fails(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.fail_bind("dax0.0", errno.EBUSY)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded", "refused")
        d.settle(1)
        self.assertLessEqual(len(m.actions("new_id")), 4)
        m.fail_bind("dax0.0", errno.EBUSY, 0)
        d.reload()
        d.wait_state("dax0.0", "online")

    def test_the_old_driver_gets_it_back(self):
        m = self.machine(devices=[Dax(size=2 * GiB, driver="device_dax")])
        m.fail_bind("dax0.0", errno.EBUSY)
        d = self.daemon(m)
        d.wait_state("dax0.0", "degraded", "refused")
        d.settle()
        self.assertEqual(m.devices["dax0.0"].driver, "device_dax")

    def test_out_of_memory_in_the_kernel_is_decided_anew(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.fail_plug(5, errno.ENOMEM, 1)
        self.taken(m)
        self.assertAllOnline(m)

    def test_device_goes_in_the_middle(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m, start=False)

        def go(line):
            if line == "plug dax0.0 6":
                m.hook = None
                m.remove("dax0.0")
        m.hook = go
        d.start()
        d.wait(lambda: "dax0.0" not in m.devices, "the device is gone")
        d.wait(lambda: d.device("dax0.0") is None, "it is forgotten")
        d.settle()
        self.assertEqual(len(d.message("GONE")), 1)
        # and comes back, its memory still there
        m.add(Dax(size=2 * GiB, start=4 * GiB))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)


class Divergence(MemmapdTest):
    """The kernel puts a memmap elsewhere than asked."""

    def test_once(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, start=False)
        m.force_ram = 1
        d.start()
        d.wait_state("dax0.0", "online")
        self.assertEqual(len(d.message("DIVERGED")), 1)
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        self.assertEqual(m.devices["dax0.0"].map.count("d"), 511)
        self.assertNotIn("-", m.states())

    def test_always(self):
        """Not a block more than fits, whatever the kernel does."""
        m = self.machine(ram=768 * MiB, free=100 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        reserve = m.nodes[0].kernel_managed * 4096 // 20
        d = self.daemon(m, policy(ram_reserve="5%"), start=False)
        m.force_ram = 1 << 30
        d.start()
        d.wait_state("dax0.0", "degraded", "refused")
        d.settle(1)
        self.assertHealthy(m, reserve)
        self.assertEqual(m.devices["dax0.0"].map.count("d"), 0)
        self.assertNotIn("-", m.states())
        self.assertTrue(d.message("DIVERGED"))

    def test_always_in_seeds(self):
        m = self.machine(ram=768 * MiB, free=100 * MiB, devices=[Dax(size=64 * GiB)])
        reserve = m.nodes[0].kernel_managed * 4096 // 20
        d = self.daemon(m, policy(ram_reserve="5%"), start=False)
        m.force_ram = 1 << 30
        d.start()
        d.wait_state("dax0.0", "degraded")
        d.settle(1)
        self.assertHealthy(m, reserve)
        self.assertEqual(m.devices["dax0.0"].map.count("s"), 0)
        self.assertNotIn("-", m.states())
        self.assertTrue(d.message("DIVERGED"))

    def test_once_is_remembered(self):
        """After a stray, adds on the device need RAM that could bear another."""
        m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=True,
                         devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(memmap="device", ram_reserve="200M"), start=False)

        def take(line):
            if line == "plug dax0.0 40":
                m.hook = None
                m.force_ram = 1
                m.take_ram(100 * MiB)
        m.hook = take
        d.start()
        device = d.wait_state("dax0.0", "degraded")
        d.settle()
        self.assertIn("no-allowance", self.codes(device))
        self.assertEqual(len(d.message("DIVERGED")), 1)
        self.assertEqual(m.oom, [])
        self.assertNotIn("-", m.states())
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        # and with RAM to bear it, all goes on
        m.take_ram(-50 * MiB)
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
        self.assertAllBack(m)

    def test_in_the_middle_of_seeds(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])

        def force(line):
            if line == "plug dax0.0 300":
                m.hook = None
                m.force_ram = 3
        m.hook = force
        self.taken(m)
        self.assertEqual(m.devices["dax0.0"].map.count("r"), 4)
        self.assertHealthy(m, 280 * MiB)
        self.assertNotIn("-", m.states())

    def test_memory_is_taken_by_others_meanwhile(self):
        m = self.machine(ram=2 * GiB, free=400 * MiB, devices=[Dax(size=16 * GiB)])

        def take(line):
            if line == "plug dax0.0 40":
                m.hook = None
                m.take_ram(200 * MiB)
        m.hook = take
        d = self.daemon(m, policy(ram_reserve="1%"))
        d.wait_state("dax0.0", "online", "degraded", "refused")
        d.settle()
        self.assertHealthy(m, m.nodes[0].kernel_managed * 4096 // 100)
        self.assertTrue(d.message("DIVERGED"))
        self.assertNotIn("-", m.states())
        self.assertGreater(m.states().count("m"), 40)


class Crash(MemmapdTest):
    """Killed at any moment and started again, it ends in the same state."""

    SETUPS = {
        "ram": dict(ram=2 * GiB),
        "device": dict(ram=768 * MiB, free=150 * MiB, memmap_on_memory=True),
        "seed": dict(ram=768 * MiB, free=150 * MiB),
    }
    POLICIES = {"ram": policy(), "device": policy(memmap="device"), "seed": policy(memmap="seed")}

    def setup_machine(self, name):
        return FakeMachine(devices=[Dax(size=2 * GiB)], **self.SETUPS[name])

    def end_state(self, m):
        """How many of each kind, and the whole of it where it is determined."""
        return sorted(zip(m.devices["dax0.0"].map, m.states()))

    def kill_at(self, m, d, actions, group):
        """Once so many actions have begun, and before the kernel's part of the last."""
        killed = threading.Event()

        def hook(line):
            nonlocal actions
            actions -= 1
            if actions == 0:
                m.hook = None
                with contextlib.suppress(ProcessLookupError):
                    (os.killpg if group else os.kill)(d.process.pid, signal.SIGKILL)
                killed.set()
        m.hook = hook
        d.start_unwaited()
        return killed.wait(10)

    def run_killed(self, name, points, group):
        with self.setup_machine(name) as m, Daemon(m, self.POLICIES[name]) as d:
            d.wait_state("dax0.0", "online")
            expected, total = self.end_state(m), len(m.actions("bind", "plug", "online"))
        for point in points(total):
            with self.subTest(memmap=name, killed_at=point, group=group), \
                    self.setup_machine(name) as m, \
                    Daemon(m, self.POLICIES[name], start=False) as d:
                self.assertTrue(self.kill_at(m, d, point, group))
                d.sigkill()
                d.start()
                d.wait_state("dax0.0", "online")
                self.assertEqual(self.end_state(m), expected)
                self.assertHealthy(m)

    def test_everywhere(self):
        for name in self.SETUPS:
            self.run_killed(name, lambda total: range(1, total + 1, 3), True)

    def test_the_daemon_alone(self):
        self.run_killed("seed", lambda total: range(2, total, 7), False)

    def test_again_and_again(self):
        with self.setup_machine("seed") as m, \
                Daemon(m, self.POLICIES["seed"], start=False) as d:
            for _ in range(40):
                if not self.kill_at(m, d, 3, True):
                    break
                d.sigkill()
                if m.states().count(".") + m.states().count("-") == 0:
                    break
            m.hook = None
            if not d.running:
                d.start()
            d.wait_state("dax0.0", "online")
            self.assertHealthy(m)
            self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)

    def test_stop_leaves_what_is_online(self):
        m = self.machine(devices=[Dax(size=8 * GiB)])
        m.delay = 0.01
        d = self.daemon(m)
        d.wait(lambda: "m" in m.states(), "something is online")
        self.assertEqual(d.stop(), 0)
        time.sleep(0.2)
        log = len(m.log)
        online = m.states().count("m")
        time.sleep(0.2)
        self.assertEqual(len(m.log), log)
        self.assertEqual(m.states().count("m"), online)
        self.assertGreater(online, 0)
        m.delay = 0
        d.start()
        d.wait_state("dax0.0", "online")

    def test_worker_killed(self):
        m = self.machine(devices=[Dax(size=8 * GiB)])
        m.delay = 0.01
        d = self.daemon(m)
        d.wait(lambda: "m" in m.states(), "something is online")
        with open(f"/proc/{d.process.pid}/task/{d.process.pid}/children") as f:
            os.kill(int(f.read().split()[0]), signal.SIGKILL)
        d.wait_state("dax0.0", "online")
        self.assertTrue(d.message("WORKER_LOST"))
        self.assertAllOnline(m)

    def test_settled_device_is_not_touched_by_a_restart(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        log = len(m.log)
        d.stop()
        d.start()
        device = d.wait_state("dax0.0", "online")
        self.assertIn("fits", self.codes(device))       # the why is kept
        self.assertEqual(len(m.log), log)


class Others(MemmapdTest):
    """Somebody else works on the same memory."""

    def test_taken_offline_by_hand_stays(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        number = m.devices["dax0.0"].numbers[7]
        m.write(f"/sys/devices/system/memory/memory{number}/state", "offline")
        d.wait(lambda: d.device()["blocks"]["online"] == 15, "it is noticed")
        m.write("/sys/bus/dax/devices/dax0.0/memmapd/unplug", "9")
        d.wait(lambda: d.device()["blocks"]["plugged"] == 15, "it is noticed")
        d.settle()
        self.assertEqual(m.states(), "mmmmmmm-m.mmmmmm")
        self.assertTrue(d.message("FOREIGN"))
        d.stop()
        d.start()
        d.settle()
        self.assertEqual(d.device()["blocks"]["online"], 14)
        self.assertEqual(m.states(), "mmmmmmm-m.mmmmmm")
        d.reload()
        d.settle()
        self.assertEqual(m.states(), "mmmmmmm-m.mmmmmm")

    def test_race_lost(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        number = m.devices["dax0.0"].numbers[5]

        def hook(line):
            if line == f"online {number} movable":
                m.hook = None
                m.write(f"/sys/devices/system/memory/memory{number}/state", "online_movable")
        m.hook = hook
        d = self.taken(m)
        self.assertEqual(d["blocks"]["failed"], 0)
        self.assertAllOnline(m)

    def test_race_lost_to_another_zone(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        number = m.devices["dax0.0"].numbers[5]

        def hook(line):
            if line == f"online {number} movable":
                m.hook = None
                m.write(f"/sys/devices/system/memory/memory{number}/state", "online_kernel")
        m.hook = hook
        self.taken(m)
        self.assertEqual(m.states(), "mmmmmkmmmmmmmmmm")

    def test_unbound_by_hand(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        m.write("/sys/bus/dax/drivers/memmapd_kmem/unbind", "dax0.0")
        d.settle()
        self.assertTrue(d.running)
        self.assertIsNone(m.devices["dax0.0"].driver)


class Hotplug(MemmapdTest):
    def test_device_appears(self):
        m = self.machine()
        d = self.daemon(m)
        self.assertEqual(d.describe()["devices"], [])
        m.add(Dax(size=2 * GiB, backing="cxl"))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def test_device_goes_and_another_comes(self):
        m = self.machine(devices=[Dax(size=1 * GiB, start=8 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        m.write("/sys/bus/dax/devices/dax0.0/memmapd/unplug", "7-0")
        d.wait(lambda: d.device()["blocks"]["plugged"] == 0, "all is unplugged")
        d.settle()
        self.assertEqual(m.states(), "........")
        m.remove("dax0.0")
        d.wait(lambda: d.device() is None, "it is gone")
        m.add(Dax(size=1 * GiB, start=8 * GiB))
        d.wait_state("dax0.0", "online")
        self.assertAllOnline(m)

    def two(self, how, settings, **kw):
        """Two devices of 128 MiB of memmap each, on a machine that can carry one."""
        m = self.machine(ram=768 * MiB, free=220 * MiB, **kw)
        m.delay = 0.002
        devices = [Dax("dax0.0", size=8 * GiB), Dax("dax1.0", size=8 * GiB, target_node=2)]
        if how == "cold":
            for x in devices:
                m.add(x, event=False)
            d = self.daemon(m, policy(ram_reserve="1%", **settings))
        else:
            d = self.daemon(m, policy(ram_reserve="1%", **settings))
            for x in devices:
                m.add(x)
        done = "online", "refused", "degraded"
        d.wait(lambda: all((d.device(x.name) or {}).get("state") in done for x in devices),
               "both are done with", 60)
        d.settle()
        self.assertHealthy(m, m.nodes[0].kernel_managed * 4096 // 100)
        return m, d

    def test_two_at_once_never_overspend(self):
        for how in "cold", "hot":
            with self.subTest(how=how):
                m, d = self.two(how, {"memmap": "ram"}, possible=3)
                states = sorted(x["state"] for x in d.describe()["devices"])
                self.assertEqual(states, ["online", "refused"])

    def test_two_at_once_mixed(self):
        for altmap in True, False:
            with self.subTest(altmap=altmap):
                m, d = self.two("hot", {"memmap": "mixed"}, possible=3, memmap_on_memory=altmap)
                self.assertEqual({x["state"] for x in d.describe()["devices"]}, {"online"})

    def test_two_on_one_node(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB)
        d = self.daemon(m, policy(memmap="seed"))
        m.add(Dax("dax0.0", size=16 * GiB))
        m.add(Dax("dax1.0", size=16 * GiB))
        for name in m.devices:
            d.wait_state(name, "online", "degraded")
        d.settle()
        self.assertHealthy(m, 250 * MiB)
        for name in m.devices:
            self.assertNotIn("-", m.states(name))
            self.assertNotIn(".", m.states(name))


class Policy(MemmapdTest):
    BAD = '{\n  "version": 1,\n  "defaults": { "memmapp": "ram" }\n}\n'

    def test_bad_at_start(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        before = m.tree.snapshot()
        d = self.daemon(m, self.BAD)
        device = d.wait_state("dax0.0", "unknown")
        self.assertIn(d.policy_path, device["message"])
        d.settle()
        self.assertEqual(m.tree.snapshot(), before)
        bad = d.message("POLICY_BAD")[0]["MESSAGE"]
        for part in (f"{d.policy_path}:3", "memmapp", "memmap"):
            self.assertIn(part, bad)
        self.assertIn("memmapp", d.describe()["daemon"]["policy_error"])
        d.set_policy(policy())
        d.reload()
        d.wait_state("dax0.0", "online")
        self.assertIsNone(d.describe()["daemon"]["policy_error"])

    def test_missing_at_start(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, start=False)
        os.unlink(d.policy_path)
        d.start_unwaited()
        self.assertNotEqual(d.process.wait(10), 0)
        self.assertIn("policy.json", d.log)
        self.assertEqual(m.log, [])

    def test_bad_at_reload(self):
        m = self.machine(devices=[Dax(size=1 * GiB)], memmap_on_memory=True)
        d = self.daemon(m, policy(memmap="device"))
        d.wait_state("dax0.0", "online")
        d.set_policy(self.BAD)
        with self.assertRaises(dbus.exceptions.DBusException) as c:
            d.reload()
        self.assertIn("memmapp", str(c.exception))
        m.add(Dax("dax1.0", size=1 * GiB))
        d.wait_state("dax1.0", "online")
        self.assertEqual(m.devices["dax1.0"].map, "d" * 8)

    def test_reload_reconsiders_what_was_refused(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(allow_seeds=False))
        d.wait_state("dax0.0", "refused")
        d.set_policy(policy())
        d.reload()
        d.wait_state("dax0.0", "online")

    def test_reload_by_sighup(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        d.set_policy(policy())
        d.process.send_signal(signal.SIGHUP)
        d.wait_state("dax0.0", "online")

    def test_dry_run(self):
        m = self.machine(devices=[Dax(size=1 * GiB, driver="device_dax")])
        before, log = m.tree.snapshot("/sys", "/proc", "/dev", "/run"), list(m.log)
        d = self.daemon(m, policy(), "--dry-run")
        device = d.wait_state("dax0.0", "planned")
        self.assertEqual(device["verdict"], "take")
        m.add(Dax("dax1.0", size=1 * GiB))
        d.wait_state("dax1.0", "planned")
        m.remove("dax1.0")
        d.wait(lambda: d.device("dax1.0") is None, "it is gone")
        self.assertTrue(d.describe()["daemon"]["dry_run"])
        d.settle()
        self.assertEqual(m.log, log)
        after = m.tree.snapshot("/sys", "/proc", "/dev", "/run")
        self.assertEqual({p: s for p, s in after.items() if p in before}, before)


class Interface(MemmapdTest):
    def test_describe_while_a_worker_is_slow(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.delay = 0.4
        d = self.daemon(m)
        d.wait_state("dax0.0", "working")
        slowest, seen = 0, set()
        for _ in range(20):
            start = time.monotonic()
            device = d.device()
            slowest = max(slowest, time.monotonic() - start)
            if device["progress"]:
                seen.add(device["progress"]["done"])
            time.sleep(0.1)
        self.assertLess(slowest, 1)
        self.assertGreater(len(seen), 2)
        m.delay = 0
        d.wait_state("dax0.0", "online")
        self.assertIsNone(d.device()["progress"])

    def test_describe(self):
        m = self.machine(memmap_on_memory=True, devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        all_of_it = d.describe()
        self.assertEqual(all_of_it["format"], 1)
        self.assertEqual(all_of_it["kernel"], {"block_size": 128 * MiB, "memmap_on_memory": True,
                                               "memmap_on_memory_why": None, "module": True})
        device = all_of_it["devices"][0]
        self.assertEqual({k: device[k] for k in ("name", "backing", "target_node", "size",
                                                 "memmap_mode", "zone", "order", "rule",
                                                 "action")},
                         {"name": "dax0.0", "backing": "hmem", "target_node": 1, "size": GiB,
                          "memmap_mode": "auto", "zone": "movable", "order": "fast",
                          "rule": None, "action": "online"})
        self.assertEqual(device["budget"]["node"], 0)
        self.assertEqual(set(device["reasons"][0]), {"code", "text", "a", "b", "node"})

    def test_messages(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        d.settle()
        for name in ("POLICY_LOADED", "DECIDED", "FIRST_BLOCK", "DONE"):
            self.assertEqual(len(d.message(name)), 1, name)
        self.assertEqual(d.message("DONE")[0]["MEMMAPD_DEVICE"], "dax0.0")


class Ctl(MemmapdTest):
    def setUp(self):
        super().setUp()
        if not os.access(built("MEMMAPCTL", "ctl/memmapctl"), os.X_OK):
            self.skipTest("memmapctl is not built")

    def test_status(self):
        m = self.machine(devices=[Dax(size=1 * GiB), Dax("dax1.0", "pmem", size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        table = d.ctl("status", check=0).stdout
        self.assertRegex(table, r"(?m)^dax0\.0 .*online")
        self.assertRegex(table, r"(?m)^dax1\.0 .*ignored")
        self.assertIn("dax0.0", d.ctl(check=0).stdout)
        shown = json.loads(d.ctl("status", "--json", check=0).stdout)
        self.assertEqual([x["name"] for x in shown["devices"]], ["dax0.0", "dax1.0"])
        self.assertEqual(d.ctl("status", "dax7.0").returncode, 4)

    def test_explain(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        d = self.daemon(m, policy(allow_seeds=False))
        d.wait_state("dax0.0", "refused")
        self.assertIn(PARAMETER, d.ctl("explain", "dax0.0", check=0).stdout)
        json.loads(d.ctl("explain", "dax0.0", "--json=short", check=0).stdout)

    def test_check_and_reload(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        d = self.daemon(m, policy(action="ignore"))
        d.wait_state("dax0.0", "ignored")
        d.ctl("check", d.policy_path, check=0)
        d.set_policy(Policy.BAD)
        self.assertIn(f"{d.policy_path}:3", d.ctl("check", d.policy_path, check=1).stderr)
        self.assertIn("memmapp", d.ctl("reload", check=1).stderr)
        d.set_policy(policy())
        d.ctl("reload", check=0)
        d.wait_state("dax0.0", "online")

    def test_not_running(self):
        m = self.machine()
        d = self.daemon(m, start=False)
        self.assertEqual(d.ctl("status").returncode, 3)


if __name__ == "__main__":
    sys.exit(unittest.main())
