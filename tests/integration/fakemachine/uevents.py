# SPDX-License-Identifier: LGPL-2.1-or-later
"""Events, as udevd sends them to its listeners."""
import glob
import queue
import socket
import struct
import threading
import time


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
