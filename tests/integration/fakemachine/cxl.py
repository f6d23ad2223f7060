# SPDX-License-Identifier: LGPL-2.1-or-later
"""CXL: host bridges with windows of addresses, expanders, and regions made of them."""
import contextlib
import errno
import re

from .dax import Dax
from .stores import KernelError
from .units import GiB, MiB

ROOT = "/sys/devices/platform/ACPI0017:00/root0"
BUS = "/sys/bus/cxl/devices"
DRIVERS = "/sys/bus/cxl/drivers"
UNIT = 256 * MiB


class Expander:
    """@bridge: the host bridge that it is below.  @pmem: bytes that persist."""

    def __init__(self, number, size=1 * GiB, bridge=0, pmem=0, serial=0x1000, enabled=True,
                 node=0, firmware="FAKE 1"):
        self.number, self.size, self.bridge, self.pmem = number, size, bridge, pmem
        self.node, self.firmware = node, firmware
        self.serial = serial + number
        self.name = f"mem{number}"
        self.endpoint = number + 20
        self.enabled = enabled
        self.decoder = f"decoder{self.endpoint}.0"
        self.dpa = 0
        self.mode = "none"
        self.region = None
        self.locked = 0                 # by the firmware

    @property
    def path(self):
        return f"/sys/devices/pci0000:{self.bridge + 12:02x}/0000:0d:{self.number:02x}.0/{self.name}"


class Region:
    def __init__(self, name):
        self.name = name
        self.ways, self.granularity, self.size, self.commit = 1, 256, 0, 0
        self.targets = {}
        self.enabled = False


class Cxl:
    """@bridges: how many; the one window goes over all of them if @interleaved, else the first."""

    ROUTES = {
        r"/sys/bus/cxl/flush": "store_flush",
        r"/sys/.*/decoder0\.0/(create_ram_region|delete_region)": "store_root",
        r"/sys/.*/(decoder\d+\.0)/(dpa_size|mode)": "store_decoder",
        r"/sys/.*/(region\d+)/(size|interleave_ways|interleave_granularity|commit|target\d+)":
            "store_region",
        r"/sys/bus/cxl/drivers/(\w+)/(bind|unbind)": "store_driver",
    }

    def __init__(self, machine, bridges=1, interleaved=False, extent=64 * GiB, can_create=True):
        self.machine, self.tree, self.faults = machine, machine.tree, machine.faults
        self.bridges, self.extent = bridges, extent
        self.ways = bridges if interleaved else 1
        self.expanders, self.regions = {}, {}
        self.next = 0
        self._build(can_create)
        machine.parts += (self,)

    def _build(self, can_create):
        t, d = self.tree, f"{ROOT}/decoder0.0"
        t.link(f"{ROOT}/uport", "/sys/devices/platform/ACPI0017:00")
        t.link(f"{BUS}/root0", ROOT)
        t.link(f"{BUS}/decoder0.0", d)
        t.put("/sys/bus/cxl/flush", mode=0o200)
        for name, value in {"start": "0x1000000000", "size": f"{self.extent:#x}", "cap_type3": 1,
                            "cap_ram": 1, "cap_pmem": 1, "interleave_ways": self.ways,
                            "interleave_granularity": 256, "locked": 0,
                            "target_list": ",".join(map(str, range(12, 12 + self.ways)))}.items():
            t.line(f"{d}/{name}", value)
        if can_create:
            t.line(f"{d}/create_ram_region", "region0", 0o644)
        t.put(f"{d}/delete_region", mode=0o200)
        for i in range(self.bridges):
            t.dir(f"/sys/devices/pci0000:{i + 12:02x}")
            t.link(f"{ROOT}/dport{i + 12}/physical_node", f"/sys/devices/pci0000:{i + 12:02x}")
            t.link(f"{ROOT}/port{i + 1}/uport", f"/sys/devices/pci0000:{i + 12:02x}")
            t.link(f"{ROOT}/port{i + 1}/driver", f"{DRIVERS}/cxl_port")
        for driver in ("cxl_mem", "cxl_port", "cxl_region"):
            for attr in ("bind", "unbind"):
                t.put(f"{DRIVERS}/{driver}/{attr}", mode=0o200)

    # Expanders

    def plug(self, expander):
        t, e = self.tree, expander
        self.expanders[e.name] = e
        for name, value in {"pmem/size": f"{e.pmem:#x}", "ram/size": f"{e.size:#x}",
                            "payload_max": 512, "label_storage_size": 0,
                            "serial": f"{e.serial:#x}", "numa_node": e.node,
                            "firmware_version": e.firmware}.items():
            t.line(f"{e.path}/{name}", value)
        t.put(f"/dev/cxl/{e.name}", mode=0o600)
        t.link(f"{BUS}/{e.name}", e.path)
        if e.enabled:
            self._enable(e)
        self.machine.uevent("add", e.path[4:], "cxl")
        return e

    def pull(self, name):
        e = self.expanders.pop(name)
        self._disable(e)
        self.tree.unlink(f"{BUS}/{name}")
        self.tree.unlink(f"/dev/cxl/{name}")
        self.tree.remove(e.path)
        self.machine.uevent("remove", e.path[4:], "cxl")

    def _enable(self, e):
        d = f"{ROOT}/port{e.bridge + 1}/endpoint{e.endpoint}"
        self.tree.link(f"{d}/uport", e.path)
        self.tree.link(f"{d}/driver", f"{DRIVERS}/cxl_port")
        self.tree.link(f"{BUS}/endpoint{e.endpoint}", d)
        self.tree.link(f"{BUS}/{e.decoder}", f"{d}/{e.decoder}")
        self.tree.link(f"{e.path}/driver", f"{DRIVERS}/cxl_mem")
        e.enabled = True
        self._show_decoder(e)

    def _disable(self, e):
        e.enabled = False
        for path in (f"{e.path}/driver", f"{BUS}/endpoint{e.endpoint}", f"{BUS}/{e.decoder}"):
            self.tree.unlink(path)
        self.tree.remove(f"{ROOT}/port{e.bridge + 1}/endpoint{e.endpoint}")

    def _show_decoder(self, e):
        d = f"{ROOT}/port{e.bridge + 1}/endpoint{e.endpoint}/{e.decoder}"
        committed = e.region and e.region.commit
        for name, value in {"start": "0x0", "size": f"{e.dpa if committed else 0:#x}",
                            "dpa_size": f"{e.dpa:#x}", "dpa_resource": "0x0", "mode": e.mode,
                            "interleave_ways": 1, "interleave_granularity": 256, "locked": e.locked,
                            "target_type": "expander",
                            "region": e.region.name if e.region else ""}.items():
            self.tree.line(f"{d}/{name}", value, 0o644)

    # Regions

    def _show_region(self, r):
        d = f"{ROOT}/decoder0.0/{r.name}"
        for name, value in {"size": f"{r.size:#x}", "interleave_ways": r.ways, "uuid": "",
                            "interleave_granularity": r.granularity, "commit": r.commit,
                            "mode": "ram", "resource": "0x1000000000" if r.size else f"{-1 % 2**64:#x}",
                            **{f"target{i}": r.targets[i].decoder if i in r.targets else ""
                               for i in range(r.ways)}}.items():
            self.tree.line(f"{d}/{name}", value, 0o644)
        for e in self.expanders.values():
            if e.enabled:
                self._show_decoder(e)

    def _act(self, line):
        self.faults.act(line)
        self.faults.check("cxl", line.split()[0], line)
        self.machine.record("cxl " + line)

    def store_flush(self, text):
        pass

    def store_root(self, attr, text):
        name = text.strip("\0\n ")
        if attr == "delete_region":
            self._delete(name)
            return
        if name != f"region{self.next}":
            raise KernelError(errno.EBUSY)
        self._act(f"create {name}")
        self.next += 1
        self.regions[name] = Region(name)
        self.tree.line(f"{ROOT}/decoder0.0/create_ram_region", f"region{self.next}", 0o644)
        self._show_region(self.regions[name])
        self.tree.link(f"{BUS}/{name}", f"{ROOT}/decoder0.0/{name}")

    def _delete(self, name):
        if name not in self.regions:
            raise KernelError(errno.ENODEV)
        self._act(f"delete {name}")
        r = self.regions.pop(name)
        self._unbind(r)
        for e in r.targets.values():
            e.region = None
            self._show_decoder(e)
        self.tree.unlink(f"{BUS}/{name}")
        self.tree.remove(f"{ROOT}/decoder0.0/{name}")

    def store_decoder(self, name, attr, text):
        e = next(e for e in self.expanders.values() if e.decoder == name)
        text = text.strip("\0\n ")
        self._act(f"{attr} {name} {text}")
        if e.region:
            raise KernelError(errno.EBUSY)
        if attr == "mode":
            e.mode = text
        else:
            if int(text, 0) and e.mode != "ram":
                raise KernelError(errno.EINVAL)
            e.dpa = int(text, 0)
        self._show_decoder(e)

    def store_region(self, name, attr, text):
        r, text = self.regions[name], text.strip("\0\n ")
        self._act(f"{attr} {name} {text}")
        if attr.startswith("target"):
            self._set_target(r, int(attr[6:]), text)
        elif attr == "commit":
            self._commit(r, int(text))
        else:
            if r.commit:
                raise KernelError(errno.EBUSY)
            setattr(r, {"interleave_ways": "ways", "interleave_granularity": "granularity"}
                    .get(attr, attr), int(text, 0))
            if r.size % (UNIT * r.ways) or r.size > self.extent:
                r.size = 0
                raise KernelError(errno.EINVAL)
        self._show_region(r)

    def _set_target(self, r, position, decoder):
        old = r.targets.pop(position, None)
        if old:
            old.region = None
        if not decoder:
            return
        e = next(e for e in self.expanders.values() if e.decoder == decoder)
        if e.bridge != position % self.ways or e.dpa * r.ways != r.size or e.region:
            raise KernelError(errno.ENXIO)
        e.region = r
        r.targets[position] = e

    def _commit(self, r, value):
        if value and len(r.targets) != r.ways:
            raise KernelError(errno.ENXIO)
        if not value:
            self._unbind(r)
        r.commit = value

    # Drivers

    def store_driver(self, driver, attr, text):
        name = text.strip("\0\n ")
        if driver == "cxl_region" and name in self.regions:
            r = self.regions[name]
            self._act(f"{attr} {name}")
            if attr == "unbind":
                self._unbind(r)
            elif r.commit:
                self._bind(r)
            else:
                raise KernelError(errno.ENXIO)
        elif driver == "cxl_mem" and name in self.expanders:
            self._act(f"{attr} {name}")
            (self._enable if attr == "bind" else self._disable)(self.expanders[name])
            self.machine.uevent(attr, self.expanders[name].path[4:], "cxl")
        else:
            raise KernelError(errno.ENODEV)

    def _bind(self, r):
        r.enabled = True
        self.tree.link(f"{ROOT}/decoder0.0/{r.name}/driver", f"{DRIVERS}/cxl_region")
        number = re.sub(r"\D", "", r.name)
        self.machine.add(Dax(f"dax{number}.0", backing="cxl", size=r.size, target_node=1))

    def _unbind(self, r):
        if not r.enabled:
            return
        r.enabled = False
        self.tree.unlink(f"{ROOT}/decoder0.0/{r.name}/driver")
        with contextlib.suppress(KeyError):
            self.machine.bus.remove("dax" + re.sub(r"\D", "", r.name) + ".0")
