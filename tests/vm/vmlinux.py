#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""vmlinux.py VMLINUZ VMLINUX: unpacks a kernel; fails if it does not know how."""

import lzma
import shutil
import subprocess
import sys
import zlib


class Zstd:
    """Python has it from 3.14 on; before, the program does it, if it is there."""

    def decompress(self, data):
        if not shutil.which("zstd"):
            return b""
        # It complains of what follows the kernel, and has written it by then.
        return subprocess.run(["zstd", "-dqc"], input=data, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False).stdout


FORMATS = ((b"\xfd7zXZ\0", lzma.LZMADecompressor),
           (b"\x1f\x8b\x08", lambda: zlib.decompressobj(31)),
           (b"\x28\xb5\x2f\xfd", Zstd))


def unpack(data):
    for magic, decompressor in FORMATS:
        at = data.find(magic)
        while at >= 0:
            try:
                kernel = decompressor().decompress(data[at:])
                if kernel.startswith(b"\x7fELF"):
                    return kernel
            except (lzma.LZMAError, zlib.error):
                pass
            at = data.find(magic, at + 1)
    return None


def main():
    with open(sys.argv[1], "rb") as source:
        kernel = unpack(source.read())
    if not kernel:
        sys.exit(f"{sys.argv[1]}: unknown compression")
    with open(sys.argv[2], "wb") as target:
        target.write(kernel)


if __name__ == "__main__":
    main()
