# SPDX-License-Identifier: LGPL-2.1-or-later
"""The bus that dax devices are on, and which driver has which device."""
import contextlib
import errno
import re

from .stores import KernelError

DRIVERS = "/sys/bus/dax/drivers"


class DaxBus:
    ROUTES = {
        r"/sys/bus/dax/drivers/(\w+)/new_id": "store_new_id",
        r"/sys/bus/dax/drivers/(\w+)/remove_id": "store_remove_id",
        r"/sys/bus/dax/drivers/(\w+)/bind": "store_bind",
        r"/sys/bus/dax/drivers/(\w+)/unbind": "store_unbind",
        r"/sys/bus/dax/drivers_probe": "store_probe",
        r"/sys/.*/(dax\d+\.\d+)/memmap_on_memory": "store_memmap_on_memory",
    }

    def __init__(self, machine):
        self.machine = machine
        self.tree = machine.tree
        self.faults = machine.faults
        self.devices = {}
        self.ids = {}                   # driver -> the devices it was told to take

    def build(self, drivers):
        t = self.tree
        t.dir("/sys/bus/dax/devices")
        t.line("/sys/bus/dax/drivers_autoprobe", 1, 0o644)
        t.put("/sys/bus/dax/drivers_probe", mode=0o200)
        for name in drivers:
            self.add_driver(name)

    def add_driver(self, name):
        self.ids[name] = set()
        t, d = self.tree, f"{DRIVERS}/{name}"
        for attr in ("new_id", "remove_id", "bind", "unbind", "uevent"):
            t.put(f"{d}/{attr}", mode=0o200)
        t.line(f"/sys/module/{name}/initstate", "live")
        t.line(f"/sys/module/{name}/refcnt", 0)
        t.link(f"{d}/module", f"/sys/module/{name}")
        t.link(f"/sys/module/{name}/drivers/dax:{name}", d)

    # Devices

    def add(self, dax, event):
        self.devices[dax.name] = dax
        dax.build(self.tree)
        if event:
            self._uevent("add", dax, DEVNAME=f"/dev/{dax.name}")
        if dax.first_driver:
            self._attach(dax, dax.first_driver)

    def remove(self, name):
        dax = self.devices[name]
        if dax.driver:
            self._detach(dax)
        del self.devices[name]
        dax.remove(self.tree)
        self._uevent("remove", dax, DEVNAME=f"/dev/{name}")

    def _uevent(self, action, dax, **more):
        self.machine.uevent(action, dax.devpath, "dax", **more)

    def device(self, name):
        if name not in self.devices:
            raise KernelError(errno.ENODEV)
        return self.devices[name]

    # Drivers

    def _matches(self, driver, dax):
        return (driver == "device_dax" or dax.name in self.ids.get(driver, ()) or
                (driver == "kmem" and dax.native))

    def store_new_id(self, driver, text):
        if not re.fullmatch(r"dax\d+\.\d+", text):
            raise KernelError(errno.EINVAL)
        self.machine.record(f"new_id {driver} {text}")
        self.ids[driver].add(text)
        # As do_id_store() does: not only the one that was named.
        for dax in self.devices.values():
            if not dax.driver and self._matches(driver, dax):
                with contextlib.suppress(KernelError):  # the kernel does not tell
                    self._attach(dax, driver)

    def store_remove_id(self, driver, text):
        if text not in self.ids[driver]:
            raise KernelError(errno.EINVAL)
        self.machine.record(f"remove_id {driver} {text}")
        self.ids[driver].discard(text)

    def store_bind(self, driver, text):
        dax = self.device(text)
        if not self._matches(driver, dax):
            raise KernelError(errno.ENODEV)
        if dax.driver:
            raise KernelError(errno.EBUSY)
        self._attach(dax, driver)

    def store_unbind(self, driver, text):
        dax = self.device(text)
        if dax.driver != driver:
            raise KernelError(errno.ENODEV)
        self._detach(dax)

    def store_probe(self, text):
        dax = self.device(text)
        for driver in ("memmapd_kmem", "kmem", "device_dax"):
            if not dax.driver and self._matches(driver, dax):
                self._attach(dax, driver)

    def _attach(self, dax, driver):
        line = f"bind {dax.name} {driver}"
        self.faults.act(line)
        self.faults.check("bind", (dax.name, driver), line)
        self.machine.record(line)
        if driver == "memmapd_kmem":
            self.machine.module.probe(dax)
        elif driver == "kmem":
            self._probe_kmem(dax)
        dax.driver = driver
        d = f"{DRIVERS}/{driver}"
        self.tree.link(f"{dax.syspath}/driver", d)
        self.tree.link(f"{d}/{dax.name}", dax.syspath)
        self.machine.module.write_map(dax)
        self.machine.module.write_orphans()
        self._uevent("bind", dax, DRIVER=driver)

    def _detach(self, dax):
        driver = dax.driver
        self.machine.record(f"unbind {dax.name} {driver}")
        if driver == "kmem" and any(b.state == "online" for b in dax.blocks.values()):
            pass                        # "cannot be hotremoved until the next reboot"
        elif driver != "device_dax":
            for i, block in sorted(dax.blocks.items()):
                if block.state == "offline":
                    self.machine.hotplug.unplug(dax, i)
        dax.driver = None
        self.tree.unlink(f"{dax.syspath}/driver")
        self.tree.unlink(f"{DRIVERS}/{driver}/{dax.name}")
        self.tree.remove(f"{dax.syspath}/memmapd")
        self.machine.module.write_orphans()
        self._uevent("unbind", dax)

    # The kernel's own kmem: all at once, in ascending order

    def _probe_kmem(self, dax):
        if any(n in self.machine.hotplug.blocks for n in dax.numbers):
            raise KernelError(errno.EBUSY)
        for i in range(len(dax.numbers)):
            self.machine.hotplug.plug(dax, i, dax.native and dax.native_memmap)
        self.machine.hotplug.auto_online(dax)

    def store_memmap_on_memory(self, name, text):
        dax = self.device(name)
        if not dax.native:
            raise KernelError(errno.EIO)
        if text == "1" and not self.machine.memmap_on_memory:
            raise KernelError(errno.EOPNOTSUPP)
        if dax.driver == "kmem":
            raise KernelError(errno.EBUSY)
        self.machine.record(f"place {name} {text}")
        dax.native_memmap = int(text)
        self.tree.line(f"{dax.syspath}/memmap_on_memory", text, 0o644)
