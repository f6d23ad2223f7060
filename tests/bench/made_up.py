#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""made_up.py DIRECTORY DEVICES BLOCKS STATE: a machine of any size, as a snapshot.

Four nodes have 512 GiB of RAM each; the dax devices belong in turn to four others, which
have none.  BLOCKS is how many of 128 MiB each device has.  STATE is "new": nothing of
it is taken in; "half": every other device is; or "taken": all are.
"""
import json
import os
import sys

BLOCK = 128 << 20
RAM = 4
PAGES = (512 << 30) // 4096
DAX = "sys/devices/platform/hmem.%d/dax%d.0"


def put(root, path, text):
    with open(os.path.join(root, path), "w") as f:
        f.write(text)


def zone(node, name, pages):
    return (f"Node {node}, zone   {name}\n  pages free     {pages}\n        boost    0\n"
            "        min      0\n        low      0\n        high     0\n"
            f"        spanned  {pages}\n        present  {pages}\n        managed  {pages}\n"
            "        cma      0\n        protection: (0, 0, 0, 0, 0)\n")


def machine(root):
    os.makedirs(os.path.join(root, "proc"))
    zones = "".join(zone(n, "Normal", PAGES) for n in range(RAM))
    put(root, "proc/zoneinfo", zones)
    put(root, "proc/buddyinfo", "".join(
        f"Node {n}, zone   Normal" + " 0" * 10 + f" {PAGES // 1024}\n" for n in range(RAM)))
    for node in range(2 * RAM):
        path = f"sys/devices/system/node/node{node}"
        os.makedirs(os.path.join(root, path))
        near = [10 if n == node else 14 if n % RAM == node % RAM else 21 for n in range(2 * RAM)]
        put(root, path + "/distance", " ".join(map(str, near)) + "\n")
        total = PAGES * 4 if node < RAM else 0
        put(root, path + "/meminfo", f"Node {node} MemTotal:       {total} kB\n")
    os.makedirs(os.path.join(root, "sys/devices/system/memory"))
    put(root, "sys/devices/system/memory/block_size_bytes", f"{BLOCK:x}\n")
    parameters = "sys/module/memory_hotplug/parameters"
    os.makedirs(os.path.join(root, parameters))
    put(root, parameters + "/memmap_on_memory", "Y\n")
    os.makedirs(os.path.join(root, "sys/bus/dax/devices"))
    os.makedirs(os.path.join(root, "sys/bus/dax/drivers/memmapd_kmem"))
    put(root, "sys/bus/dax/drivers/memmapd_kmem/module", "")


def device(root, number, first, blocks, taken):
    path = DAX % (number, number)
    os.makedirs(os.path.join(root, path + "/mapping0"))
    for name, value in (("size", blocks * BLOCK), ("target_node", RAM + number % RAM),
                        ("numa_node", number % RAM), ("resource", hex(first * BLOCK)),
                        ("mapping0/start", hex(first * BLOCK)), ("align", 2 << 20),
                        ("mapping0/end", hex((first + blocks) * BLOCK - 1))):
        put(root, f"{path}/{name}", f"{value}\n")
    os.symlink("../../../../" + path, os.path.join(root, f"sys/bus/dax/devices/dax{number}.0"))
    if not taken:
        return
    os.symlink("../../../../bus/dax/drivers/memmapd_kmem", os.path.join(root, path, "driver"))
    os.makedirs(os.path.join(root, path, "memmapd"))
    for name, value in (("blocks", blocks), ("block_size", BLOCK), ("memmap_size", BLOCK // 64),
                        ("map", "r" * blocks), ("memmap_on_memory_supported", 1)):
        put(root, f"{path}/memmapd/{name}", f"{value}\n")
    for block in range(first, first + blocks):
        memory = f"sys/devices/system/memory/memory{block}"
        os.makedirs(os.path.join(root, memory))
        put(root, memory + "/state", "online\n")
        put(root, memory + "/valid_zones", "Movable\n")


def make(root, devices, blocks, state):
    machine(root)
    for n in range(devices):
        device(root, n, (4 << 40) // BLOCK + n * blocks, blocks,
               state == "taken" or (state == "half" and n % 2 == 0))
    put(root, "snapshot.json", json.dumps(
        {"format": 1, "memmapd": "0.1.0", "kernel": "6.12.0", "machine": "x86_64",
         "page_size": 4096, "not_recorded": []}) + "\n")


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
