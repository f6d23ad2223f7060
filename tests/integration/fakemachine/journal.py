# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where messages for the journal arrive."""
import socket
import threading


class Journal(threading.Thread):
    """What is sent to the journal, as a list of dictionaries."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.entries = []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.start()

    @staticmethod
    def parse(data):
        entry = {}
        while data:
            head, _, rest = data.partition(b"\n")
            name, equals, value = head.partition(b"=")
            if not equals:
                size = int.from_bytes(rest[:8], "little")
                value, rest = rest[8:8 + size], rest[9 + size:]
            entry[name.decode()] = value.decode(errors="replace")
            data = rest
        return entry

    def run(self):
        while data := self.socket.recv(1 << 18):
            self.entries.append(self.parse(data))
