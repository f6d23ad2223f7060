# SPDX-License-Identifier: LGPL-2.1-or-later
"""The journal: what to do is told for each message, and none fills it."""
import errno
import re
import unittest
from collections import Counter
from pathlib import Path

from fakemachine import MESSAGE_IDS, Dax, GiB, policy
from harness import MemmapdTest

SOURCE = Path(__file__).resolve().parents[2]
CATALOG = SOURCE / "systemd/memmapd.catalog"


def entries():
    """{MESSAGE_ID: (headers, text)}, and how many there are."""
    parts = re.split(r"(?m)^-- ([0-9a-f]{32})$", CATALOG.read_text(encoding="utf-8"))[1:]
    pairs = list(zip(parts[::2], parts[1::2]))
    return {i: text.strip().split("\n\n", 1) for i, text in pairs}, len(pairs)


class Catalog(unittest.TestCase):
    def test_each_has_an_entry(self):
        """With what it means and what is to be done about it."""
        known, n = entries()
        self.assertEqual(n, len(known), "an id is there twice")
        self.assertEqual(set(known), set(MESSAGE_IDS.values()))
        self.assertEqual(len(set(MESSAGE_IDS.values())), len(MESSAGE_IDS))
        for name, i in MESSAGE_IDS.items():
            with self.subTest(name):
                head, text = known[i]
                for field in "Subject: ", "Defined-By: memmapd", "Documentation: man:":
                    self.assertRegex(head, f"(?m)^{field}")
                # The cause, and what is to be done: at least that nothing is.
                cause, _, remedy = text.partition("\n\n")
                self.assertGreater(len(cause), 60)
                self.assertRegex(remedy, r"memmapctl|modprobe|othing needs to be done|psi=0"
                                 r"|Do not pull|/sys/")

    def test_each_is_said(self):
        """An id that nobody uses any more would have an entry for ever."""
        code = "".join(p.read_text(encoding="utf-8") for p in (SOURCE / "daemon").glob("*.c"))
        for name in MESSAGE_IDS:
            self.assertIn(f"MESSAGE_{name}", code)


class Limit(MemmapdTest):
    """What memmapd meets again and again, it tells once."""

    def things(self, daemon):
        """How often each was said: about what, in which words."""
        return Counter((m.get("MESSAGE_ID"), m.get("MEMMAPD_DEVICE"), m.get("MEMMAPD_BLOCK"),
                        m.get("MEMMAPD_STEP"), re.sub(r"[0-9.]+", "0", m["MESSAGE"]))
                       for m in daemon.messages)

    def assertOnce(self, daemon):
        again = {thing: n for thing, n in self.things(daemon).items() if n > 1}
        self.assertEqual(again, {})

    def given_up(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.fail_bind("dax0.0", errno.EBUSY)
        d = self.daemon(m)
        d.wait(lambda: "nothing forward" in d.log, "it is given up")
        return m, d

    def test_a_step_that_fails_each_time(self):
        m, d = self.given_up()
        self.assertGreater(len(m.actions("new_id")), 1, "it was to be tried again")
        self.assertEqual(len([x for x in d.message("STEP_FAILED") if x.get("MEMMAPD_STEP")]), 1)
        self.assertOnce(d)

    def test_an_order_is_something_new(self):
        _, d = self.given_up()
        d.reload()
        d.wait(lambda: len([x for x in d.message("STEP_FAILED") if x.get("MEMMAPD_STEP")]) == 2,
               "it is told again")

    def test_blocks_of_others(self):
        """Somebody takes a block offline and online all the time."""
        m = self.machine(devices=[Dax(size=2 * GiB)])
        d = self.daemon(m, policy())
        d.wait_state("dax0.0", "online")
        number = m.devices["dax0.0"].numbers[3]
        for i in range(6):
            state = "online" if i % 2 else "offline"
            m.write(f"/sys/devices/system/memory/memory{number}/state",
                    "online_movable" if i % 2 else state)
            d.wait_state("dax0.0", "online" if i % 2 else "degraded")
        self.assertEqual(len(d.message("FOREIGN")), 1)
        self.assertOnce(d)


if __name__ == "__main__":
    unittest.main()
