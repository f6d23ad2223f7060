# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the memmaps go, and in which order blocks come online."""
import sys
import unittest

from fakemachine import PAGE, Dax, GiB, KiB, MiB, policy
from harness import PARAMETER, MemmapdTest, rule


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
        m.faults.stray = 5 * 512               # five memmaps fewer fit than planned
        self.taken(m)
        self.assertHealthy(m, 270 * MiB)
        self.assertLess(m.devices["dax0.0"].map.count("r"), 10)
        self.assertNotIn("-", m.states())

    def test_seeds_whose_room_is_in_pieces_too_small(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
        m.faults.crumbs = 10 * 512
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

    def test_a_seed_must_not_cost_the_reserve(self):
        """Its own memmap is planned to be in RAM; one that strays need not be planned for."""
        for budget, state in ((2 * MiB, "online"), (2 * MiB - 4 * KiB, "refused")):
            with self.subTest(budget=budget):
                m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
                reserve = (m.spare() - budget) // KiB
                d = self.taken(m, policy(ram_reserve=f"{reserve}K"), state)
                self.assertEqual(d["budget"]["total"], budget)
                self.assertHealthy(m, reserve * KiB)
                if state == "refused":
                    self.assertIn("seeds-no-room", self.codes(d))
                    self.assertIn("help-bytes", self.codes(d))
                    self.assertEqual(m.log, [])
                else:
                    self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
                    self.assertAllBack(m)

    def test_seeds_need_ram_for_a_memmap_that_strays(self):
        for spare, state in ((4 * MiB, "online"), (4 * MiB - 4 * KiB, "refused")):
            with self.subTest(spare=spare):
                m = self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)])
                m.take_ram(m.spare() - spare)
                d = self.taken(m, policy(), state)
                self.assertEqual(d["budget"]["total"], spare)
                self.assertHealthy(m)
                if state == "refused":
                    self.assertIn("no-allowance", self.codes(d))
                    self.assertIn("help-bytes", self.codes(d))
                    self.assertEqual(m.log, [])
                else:
                    self.assertEqual(m.devices["dax0.0"].map.count("r"), 1)
                    self.assertAllBack(m)

    def test_mixed(self):
        """All that fit are in RAM; with seeds, there is room left for one that strays."""
        for altmap, reserve, left in ((True, 0, 0), (True, 10, 0), (False, 0, 1), (False, 10, 0)):
            with self.subTest(altmap=altmap, reserve=reserve):
                m = self.machine(ram=768 * MiB, free=300 * MiB, memmap_on_memory=altmap,
                                 devices=[Dax(size=64 * GiB)])
                kept = m.nodes[0].kernel_managed * PAGE * reserve // 100
                d = self.daemon(m, policy(memmap="mixed", ram_reserve=f"{reserve}%"))
                budget = d.wait_state("dax0.0", "online")["budget"]["total"]
                placed = m.devices["dax0.0"].map
                self.assertEqual(placed.count("r"), budget // (2 * MiB) - left)
                self.assertEqual(placed.count("r") + placed.count("d" if altmap else "s"), 512)
                # exactly as decided, and at the first attempt
                self.assertEqual(len(d.message("DECIDED")), 1)
                self.assertEqual(d.message("DIVERGED"), [])
                self.assertIn(f" {placed.count('r')} in RAM", d.message("DECIDED")[0]["MESSAGE"])
                self.assertHealthy(m, kept)
                self.assertAllBack(m)

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


class Zones(MemmapdTest):
    """Where the policy leaves it open."""

    def test_little_is_movable(self):
        m = self.machine(ram=2 * GiB, devices=[Dax(size=4 * GiB)])
        d = self.taken(m, policy(zone="auto"))
        self.assertAllOnline(m)
        self.assertIn("ratio", self.codes(d))

    def test_much_is_not(self):
        m = self.machine(ram=2 * GiB, devices=[Dax(size=16 * GiB)])
        d = self.taken(m, policy(zone="auto", movable_ratio=3))
        self.assertRegex(m.states(), "^k+m+$")
        # 2 GiB less 256 MiB of memmaps, and n kernel blocks: 3 times that is movable.
        self.assertIn(m.states().count("k"), range(21, 24))
        self.assertIn("zones", self.codes(d))
        self.assertEqual(d["memmap"]["ram"], 128)

    def test_two_at_once_do_not_both_spend_it(self):
        m = self.machine(ram=2 * GiB, possible=3, devices=[
            Dax("dax0.0", size=4 * GiB), Dax("dax1.0", size=4 * GiB, target_node=2)])
        m.faults.delay = 0.002
        d = self.daemon(m, policy(zone="auto", movable_ratio=3))
        for name in ("dax0.0", "dax1.0"):
            d.wait_state(name, "online", timeout=30)
        kernel = (m.states("dax0.0") + m.states("dax1.0")).count("k")
        # 8 GiB movable at most to 3 times 2 GiB less 128 MiB, and those that are not.
        self.assertIn(kernel, range(5, 8))

    def test_asked_for_is_warned_of(self):
        m = self.machine(ram=2 * GiB, devices=[Dax(size=16 * GiB)])
        d = self.daemon(m, policy(zone="movable"))
        self.assertIn("ratio-high", self.codes(d.wait_state("dax0.0", "online")))
        self.assertEqual(len(d.message("RATIO_HIGH")), 1)


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


if __name__ == "__main__":
    sys.exit(unittest.main())
