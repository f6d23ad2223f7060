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
from .cxl import Cxl, Expander
from .daemon import MESSAGE_IDS, Daemon, built, policy
from .dax import Dax
from .journalfile import JournalFile
from .machine import FakeMachine
from .units import PAGE, GiB, KiB, MiB

__all__ = ["Cxl", "Daemon", "Dax", "Expander", "FakeMachine", "GiB", "JournalFile", "KiB",
           "MESSAGE_IDS", "MiB", "PAGE", "built", "policy"]
