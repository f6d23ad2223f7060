# SPDX-License-Identifier: LGPL-2.1-or-later
"""A journal on disk, made of messages that somebody sent."""
import os
import subprocess

REMOTE = "/lib/systemd/systemd-journal-remote"
BOOT = "0123456789abcdef0123456789abcdef"
SECOND = 1000000


class JournalFile:
    """Messages may come later, too; each is a second younger than the one before."""

    def __init__(self, directory, start=1767268800):
        """@start: seconds since 1970 of the first message."""
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self.usec = start * SECOND
        # Not in a with: it writes as long as this is there.
        # pylint: disable-next=consider-using-with
        self.process = subprocess.Popen(
            [REMOTE, "-o", os.path.join(directory, "test.journal"), "-"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def add(self, entries, uid=0):
        """@entries: dictionaries of fields, as memmapd sends them."""
        for entry in entries:
            fields = {"__REALTIME_TIMESTAMP": self.usec,
                      "__MONOTONIC_TIMESTAMP": self.usec % (1000 * SECOND),
                      "_BOOT_ID": BOOT, "_UID": uid, **entry}
            text = "".join(f"{name}={value}\n" for name, value in fields.items())
            self.process.stdin.write(text.encode() + b"\n")
            self.usec += SECOND
        self.process.stdin.flush()
        return self

    def close(self):
        """Until all is written."""
        if self.process.stdin.closed:
            return
        self.process.stdin.close()
        complaints = self.process.stderr.read().decode()
        self.process.stderr.close()
        assert self.process.wait() == 0, complaints
