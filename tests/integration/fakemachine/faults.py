# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test makes go wrong."""
import time

from .stores import KernelError

ALWAYS = 1 << 30


class Faults:
    """
    delay = seconds   that a plug, an online, an offline or a bind takes
    hook = f(line)    called with each line of the log, the action not yet done
    force_ram = N     the next N memmaps land in RAM whatever was asked
    stray = pages     that other allocations take from each kernel block
    tunable = {path: value}   that it has after a write, whatever that was; a number: errno;
                      None: it was written, and cannot be read any more
    crumbs = pages    of each kernel block that are free in small pieces only
    """

    def __init__(self, record):
        self.record = record
        self.delay = 0
        self.hook = None
        self.force_ram = 0
        self.stray = 0
        self.crumbs = 0
        self.tunable = {}
        self.failing = {}               # (what, which) -> [errno, times]

    def fail_online(self, number, code, times=ALWAYS):
        self.failing["online", number] = [code, times]

    def fail_offline(self, number, code, times=ALWAYS):
        self.failing["offline", number] = [code, times]

    def fail_plug(self, index, code, times=ALWAYS, name="dax0.0"):
        self.failing["plug", (name, index)] = [code, times]

    def fail_offline(self, number, code, times=ALWAYS):
        self.failing["offline", number] = [code, times]

    def fail_bind(self, name, code, times=ALWAYS, driver="memmapd_kmem"):
        self.failing["bind", (name, driver)] = [code, times]

    # For the kernel

    def act(self, line):
        """An action starts: the test has its chance to interfere."""
        if self.hook:
            self.hook(line)
        if self.delay:
            time.sleep(self.delay)

    def check(self, what, which, line):
        """Raises where the test wants the action @line to fail."""
        left = self.failing.get((what, which))
        if not left or not left[1]:
            return
        left[1] -= 1
        error = KernelError(left[0])
        self.record(f"{line} {error.strerror}")
        raise error

    def memmap_is_forced_into_ram(self):
        forced = self.force_ram > 0
        if forced:
            self.force_ram -= 1
        return forced
