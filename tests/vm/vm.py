# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs one virtual machine and judges how it ended.

The machine has two serial ports.  The kernel's console is the first and only
read.  The test talks over the second, where no kernel message can land amid a
line: a line "@RESULT ..." is the verdict, "@NOTE ..." what to show beside it,
"@HMP ..." a command for QEMU's monitor, answered with "@HMP" and what the monitor
said, which is nothing when a command succeeds; anything else goes to the log.
"""

import json
import os
import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import uefi

GIB = 1 << 30
MIB = 1 << 20

# A kernel line with one of these fails a test, whatever the test itself says.
FAULT = re.compile(
    r"WARNING:|BUG:|Oops|Call Trace|possible recursive locking|circular locking"
    r"|inconsistent lock state|INFO: task .* blocked|general protection"
    r"|kmemleak: (?!Kernel memory leak detector initialized)"
    r"|kernel BUG at|list_(add|del) corruption|FAULT_INJECTION"
    r"|UBSAN|KASAN|suspicious RCU usage|refcount_t:|Kernel panic")
KERNEL_LINE = re.compile(r"\[ *\d+\.\d{6}\]")
VERSION = re.compile(r"Linux version .* Debian (\d[\d.]*)")
ESCAPES = re.compile(r"\x1b[\[\]][0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f]")


def ram_options(spec):
    """A node for each socket, with its part of the RAM and the CPUs."""
    qemu, cpus = [], spec.cpus // spec.sockets
    for node in range(spec.sockets):
        qemu += ["-object", f"memory-backend-ram,id=ram{node},size={spec.ram // spec.sockets}"
                 ",reserve=off",
                 "-numa", f"node,nodeid={node},cpus={node * cpus}-{node * cpus + cpus - 1}"
                 f",memdev=ram{node}"]
    return qemu


def distance_options(sockets, nodes):
    """With more sockets than one, each device is near to one of them, in turn."""
    qemu = []
    for a in range(nodes if sockets > 1 else 0):
        for b in range(a + 1, nodes):
            near = b >= sockets and a == b % sockets
            value = 14 if near else 21 if b < sockets else 24
            qemu += ["-numa", f"dist,src={a},dst={b},val={value}"]
    return qemu


def hmem_options(spec, first):
    """Devices made of soft-reserved memory: (QEMU options, kernel parameters).

    The kernel merges adjacent ranges of one type, so devices are kept apart by
    a reserved gap of one memory block.
    """
    qemu, kernel, start = [], [], first
    for number, devices in enumerate(spec.hmem, spec.sockets):
        gap, length = 128 * MIB, spec.skew
        if spec.skew:
            kernel.append(f"memmap={spec.skew}${start}")
        for i, device in enumerate(devices):
            if i or (number > spec.sockets and not spec.skew):
                kernel.append(f"memmap={gap}${start + length}")
                length += gap
            # All of it is RAM (type 1) to the firmware; 0xefffffff is the
            # kernel's number for soft-reserved.
            kernel.append(f"memmap={device}%{start + length}-1+0xefffffff")
            length += device
        qemu += ["-object", f"memory-backend-ram,id=hmem{number},size={length},reserve=off",
                 "-numa", f"node,nodeid={number},memdev=hmem{number}"]
        start += length
    return qemu, kernel, start - first


def cxl_options(spec):
    """CXL expanders of volatile memory: (QEMU options, options of the machine).

    A window has room for twice what is there, and for what is inserted later.
    """
    options, machine, port = [], "", 0
    for number, sizes in enumerate(spec.cxl):
        window = (2 * sum(sizes) + 4 * GIB) // GIB
        machine += (f",cxl-fmw.{number}.targets.0=cxl.{number}"
                    f",cxl-fmw.{number}.size={window}G")
        options += ["-device", f"pxb-cxl,bus_nr={12 + 20 * number},bus=pcie.0,id=cxl.{number}"
                               ",numa_node=0"]
        for i, bytes_ in enumerate(sizes):
            options += ["-device", f"cxl-rp,port={i},bus=cxl.{number},id=port{port},"
                                   f"chassis={number},slot={2 + i}"]
            if bytes_:
                options += ["-object", f"memory-backend-ram,id=mem-cxl{port},share=on,"
                                       f"reserve=off,size={bytes_}",
                            "-device", f"cxl-type3,bus=port{port},volatile-memdev=mem-cxl{port},"
                                       f"id=cxl{port},sn={port + 1}"]
            port += 1
    return options, ",cxl=on" + machine if spec.cxl else ""


def image(vm_dir, kver, name, suffix):
    """The file of an image: what is not for Debian 12's kernel has its version in it."""
    own = Path(vm_dir) / f"{name}-{kver}.{suffix}"
    return own if own.exists() else Path(vm_dir) / f"{name}.{suffix}"


def qemu(vm_dir, kver):
    """The command and environment of QEMU: the host's, or for a newer kernel that of
    the newer Debian in vm_dir, which runs with the libraries it came with."""
    tree, env = Path(vm_dir) / "trixie", dict(os.environ)
    if "QEMU" in env or not (Path(vm_dir) / f"base-{kver}.cpio").exists():
        return [env.get("QEMU", "qemu-system-x86_64")], env
    lib = tree / "usr/lib/x86_64-linux-gnu"
    env["QEMU_MODULE_DIR"] = str(lib / "qemu")
    return [str(tree / "usr/lib64/ld-linux-x86-64.so.2"), "--library-path", str(lib),
            str(tree / "usr/bin/qemu-system-x86_64"),
            "-L", str(tree / "usr/share/qemu"), "-L", str(tree / "usr/share/seabios")], env


def initrd(path, vm_dir, archive, kver=""):
    """The small image with the archive of a test behind it."""
    with open(path, "wb") as out:
        with open(image(vm_dir, kver, "base", "cpio"), "rb") as base:
            shutil.copyfileobj(base, out)
        out.write(b"\0" * (-out.tell() % 512))
        out.write(archive)
    return path


def command(spec, vm_dir, kver, payload, sockets):
    """The command line of QEMU."""
    # Node 0 ends where the PCI hole begins, so that all of node 1 lies at 4 GiB
    # and above, in one piece.
    low = min(spec.ram, 2 * GIB)
    hmem_qemu, hmem_kernel, hmem_size = hmem_options(spec, 4 * GIB + spec.ram - low)
    machine = f"q35,max-ram-below-4g={low}"
    memory = f"size={spec.ram + hmem_size}B"
    node = spec.sockets + len(spec.hmem)
    nvdimm = []
    cxl, windows = cxl_options(spec)
    machine += windows
    if spec.nvdimm or spec.hotplug:
        machine += ",nvdimm=on"
        room = spec.ram + hmem_size + sum(spec.nvdimm) + 300 * GIB
        memory += f",slots=8,maxmem={room // GIB * GIB}B"
    for i, bytes_ in enumerate(spec.nvdimm):
        nvdimm += ["-numa", f"node,nodeid={node}",
                   "-object", f"memory-backend-ram,id=nv{i},size={bytes_},reserve=off",
                   "-device", f"nvdimm,id=nvdimm{i},memdev=nv{i},node={node}"]
        node += 1
    if spec.hotplug:
        nvdimm += ["-numa", f"node,nodeid={node}"]
        node += 1

    # A busy host makes the guest look stuck: its watchdogs get more patience.
    # Without nokaslr the kernel may land inside a soft-reserved range.
    # It may also miss a tick of the timer while it tests that.
    cmdline = ["console=ttyS0", "loglevel=7", "panic=-1", "nokaslr", "printk.time=1",
               "no_timer_check", "rcupdate.rcu_cpu_stall_timeout=200",
               "sysctl.kernel.watchdog_thresh=60"]
    cmdline += hmem_kernel
    if spec.mom:
        cmdline.append("memory_hotplug.memmap_on_memory=1")
    disk = []
    if spec.image != "base":
        cmdline += ["vm.root=/dev/vda", "systemd.show_status=0", "random.trust_cpu=on"]
        path = image(vm_dir, kver, spec.image, "ext4")
        disk = ["-drive", f"file={path},format=raw,if={'none' if spec.cxl else 'virtio'},"
                          "id=disk,snapshot=on"]
        # Left to itself, QEMU would try to put it on a CXL host bridge.
        disk += ["-device", "virtio-blk-pci,drive=disk,bus=pcie.0"] if spec.cxl else []
    cmdline += spec.cmdline.split()

    # A kernel that sees a hypervisor does not trust the processor to forget what it
    # cached of memory that is about to change, and so commits no CXL region.
    cpu = "max,la57=off" + (",-hypervisor" if spec.cxl else "")

    # The uncompressed kernel is entered directly (PVH), if there is one.
    boot = Path(vm_dir) / f"kernel-{kver}/boot"
    kernel = boot / f"vmlinux-{kver}"
    if not kernel.exists():
        kernel = boot / f"vmlinuz-{kver}"
    firmware = []
    if spec.uefi:
        firmware, kernel = uefi.options(vm_dir, kver, sockets)

    return [
        # Never outlive the runner.
        "setpriv", "--pdeathsig", "KILL",
        *qemu(vm_dir, kver)[0],
        "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
        "-accel", "tcg,thread=multi,tb-size=256", "-cpu", cpu,
        "-machine", machine, "-smp", f"{spec.cpus},sockets={spec.sockets}", "-m", memory,
        *ram_options(spec), *hmem_qemu, *nvdimm, *cxl, *distance_options(spec.sockets, node), *disk,
        *firmware,
        "-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
        "-chardev", f"socket,id=test,path={sockets}/test", "-serial", "chardev:test",
        "-chardev", f"socket,id=qmp,path={sockets}/qmp", "-mon", "chardev=qmp,mode=control",
        "-kernel", str(kernel), "-initrd", str(payload), "-append", " ".join(cmdline),
    ]


def log_path(vm_dir, spec):
    """Where the log of a test goes; of each kernel, into a directory of its own."""
    return Path(vm_dir) / "logs" / spec.kernel / (spec.name + ".log")


class Monitor:
    """QEMU's monitor, as far as a test needs it."""

    def __init__(self, sock):
        sock.settimeout(30)
        self.file = sock.makefile("rw")
        self.file.readline()
        self.call("qmp_capabilities")

    def call(self, name, **arguments):
        print(json.dumps({"execute": name, "arguments": arguments}), file=self.file, flush=True)
        while True:
            line = self.file.readline()
            if not line:
                raise OSError("monitor closed")
            reply = json.loads(line)
            if "event" not in reply:
                return reply

    def human(self, text):
        """The answer to a command of the human monitor; empty is success."""
        reply = self.call("human-monitor-command", **{"command-line": text})
        return reply.get("return", reply.get("error", {}).get("desc", "")).strip()


class Machine:
    """One run.  After run(): ok, why, seconds."""

    def __init__(self, spec, vm_dir, kver, archive, echo=None):
        self.spec, self.vm_dir, self.kver, self.archive = spec, Path(vm_dir), kver, archive
        self.echo = echo
        self.log_path = log_path(vm_dir, spec)
        self.result = None       # what the test said: (word, why)
        self.note = ""           # and what it wants to be known
        self.faults = []         # kernel lines nobody allowed
        self.missing = list(spec.expect)
        self.version = ""        # of Debian's kernel
        self.panic = False
        self.timed_out = False
        self.stopped = False
        self.ok, self.why, self.seconds = False, "", 0.0

    def log(self, kind, text):
        line = f"{time.monotonic() - self.start:8.2f} {kind}| {text}"
        print(line, file=self.log_file, flush=True)
        if self.echo:
            self.echo(f"{self.spec.name}: {line}")

    def console_line(self, text):
        self.log("k", text)
        if not KERNEL_LINE.search(text):
            return
        expected = [r for r in self.spec.expect if r.search(text)]
        self.missing = [r for r in self.missing if r not in expected]
        if not self.version and (version := VERSION.search(text)):
            self.version = version[1]
        if "Kernel panic" in text:
            self.panic = True
        if FAULT.search(text) and not expected and not any(
                r.search(text) for r in self.spec.allow):
            self.faults.append(text)

    def test_line(self, text):
        self.log("t", text)
        if text.startswith("@RESULT "):
            word, _, why = text[len("@RESULT "):].partition(" ")
            if self.result is None:
                self.result = (word, why)
            # It should be off in no time.
            self.deadline = min(self.deadline, time.monotonic() + 30)
        elif text.startswith("@NOTE "):
            self.note = text[len("@NOTE "):]
        elif text.startswith("@HMP "):
            answer = "@HMP " + " ".join(self.monitor.human(text[len("@HMP "):]).split())
            self.log("h", answer)
            self.test_socket.sendall(answer.encode() + b"\n")

    def run(self):
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.start = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="memmapd-vm-") as tmp, \
                open(self.log_path, "w", encoding="utf-8") as self.log_file:
            try:
                self.run_in(Path(tmp))
            except OSError as e:
                self.why = f"cannot run: {e}"
                self.log("h", self.why)
                return
            finally:
                self.seconds = time.monotonic() - self.start
            self.ok, self.why = self.verdict()
            self.log("h", f"{'ok' if self.ok else 'FAIL'} {self.why}")

    def run_in(self, tmp):
        first = initrd(tmp / "initrd", self.vm_dir, self.archive, self.kver)
        args = command(self.spec, self.vm_dir, self.kver, first, tmp)
        self.log("h", " ".join(args))

        listeners = []
        for name in ("test", "qmp"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(tmp / name))
            listener.listen(1)
            listeners.append(listener)
        self.deadline = self.start + self.spec.timeout
        with subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              env=qemu(self.vm_dir, self.kver)[1]) as self.process:
            try:
                try:
                    self.test_socket = self.accept(listeners[0])
                    self.monitor = Monitor(self.accept(listeners[1]))
                except OSError as e:
                    self.process.kill()
                    said = self.process.stdout.read().decode(errors="replace").strip()
                    raise OSError(f"QEMU: {said or e}") from e
                self.watch()
            finally:
                self.process.kill()
                for listener in listeners:
                    listener.close()

    def accept(self, listener):
        listener.settimeout(0.5)
        while self.process.poll() is None and time.monotonic() < self.deadline:
            try:
                return listener.accept()[0]
            except socket.timeout:
                pass
        raise OSError("does not start")

    def watch(self):
        """Reads both ports until the machine is off, or has to be."""
        selector = selectors.DefaultSelector()
        for fd, handler in ((self.process.stdout, self.console_line),
                            (self.test_socket, self.test_line)):
            selector.register(fd, selectors.EVENT_READ, [handler, b""])
        while selector.get_map():
            if self.stopped or time.monotonic() > self.deadline:
                self.timed_out = True
                self.log("h", "stopped by the runner")
                break
            for key, _ in selector.select(0.5):
                handler, rest = key.data
                data = os.read(key.fd, 65536)
                *lines, key.data[1] = (rest + data).split(b"\n")
                if not data:
                    selector.unregister(key.fileobj)
                    if key.data[1]:
                        lines.append(key.data[1])
                for line in lines:
                    handler(ESCAPES.sub("", line.decode(errors="replace")))

    def verdict(self):
        if self.stopped:
            return False, "interrupted"
        word, why = self.result or ("", "")
        if word == "fail":
            return False, why or "the test says so"
        if self.faults:
            return False, "kernel: " + self.faults[0]
        if self.missing:
            return False, "no kernel line matches " + self.missing[0].pattern
        if self.panic:
            ended = "kernel panic"
        elif word == "lost":
            ended = why
        elif self.timed_out:
            ended = "did not power off" if word else f"no result after {self.spec.timeout:.0f} s"
        elif word != "pass":
            ended = "the machine ended without a result"
        else:
            return True, ""
        return self.spec.may_die, ended
