# SPDX-License-Identifier: LGPL-2.1-or-later
"""The description of a test, read from the head of its script.

    # vm: ram=768M hmem=62G         the machine, see Spec
    # variant: NAME ram=1G          one more test NAME@variant, other values
    # matrix: ram=1G/2G hmem=4G/64G one variant for each combination, and a table
    # cmdline: ...                  added to the kernel's
    # timeout: 240                  seconds on an idle host, with room; a busy
                                    one gets PATIENCE times as much
    # image: systemd                default: the small one; or dkms, a Debian of the
                                    kernel's time in which packages can be installed
    # payload: none                 works without a build of the program
    # file: SOURCE TARGET           put into the machine; SOURCE relative to
                                    tests/vm, or else to the build directory, and
                                    maybe a directory
    # texts: SOURCE TARGET          put the commands and policies that this text shows,
                                    relative to tests/vm, into that directory: see
                                    files() in tests/texts.py
    # expect-kernel: REGEX          a kernel line that must come
    # allow-kernel: REGEX           a kernel fault that may come
    # may-die: WHY                  the machine may be lost
    # group: NAME                   run only by name or with --group NAME
    # kernel: 6.12 7: WHY           only on kernels of these series, and why
    # tools: cxl                    put these into the machine, see kernels
"""

import copy
import itertools
import re
from dataclasses import dataclass, field
from pathlib import Path

UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
GIB = UNITS["G"]
PATIENCE = 3


def size(text):
    """Bytes of a size such as 768M."""
    match = re.fullmatch(r"(\d+)([KMGT]?)", text)
    if not match:
        raise ValueError(f"not a size: {text}")
    return int(match[1]) * UNITS[match[2]]


@dataclass
class Spec:
    name: str
    path: Path
    # The keys of "# vm:".  Each device of hmem and nvdimm has a node of its own,
    # behind those of RAM: "4G,2G"; for hmem, "4G+2G" are two devices on one node.
    # CXL is for newer kernels only.  Each host bridge has a window of addresses, and
    # so a node, of its own; "1G+512M" are two expanders below one bridge, and a size
    # of 0 is a root port that has none yet: see plug_cxl in guest.sh.
    ram: int = GIB
    sockets: int = 1                            # RAM and CPUs are on so many nodes
    hmem: list = field(default_factory=list)    # nodes, each a list of sizes
    skew: int = 0                               # hmem begins so much later
    nvdimm: list = field(default_factory=list)  # sizes
    cxl: list = field(default_factory=list)     # host bridges, each a list of sizes
    hotplug: bool = False                       # NVDIMMs come later, on a node
    mom: bool = False                           # memmap_on_memory enabled at boot
    uefi: bool = False                          # with Secure Boot; see uefi.py
    cpus: int = 2
    cost: int = 0                               # of host memory, if not as guessed
    # The other lines.
    cmdline: str = ""
    timeout: float = 120 * PATIENCE
    image: str = "base"
    payload: bool = True
    files: list = field(default_factory=list)
    texts: list = field(default_factory=list)
    expect: list = field(default_factory=list)
    allow: list = field(default_factory=list)
    may_die: bool = False
    group: str = ""
    kernels: list = field(default_factory=list) # the only ones it is for
    only: str = ""                              # and why
    tools: list = field(default_factory=list)
    kernel: str = ""                            # what it runs on, unless the host's
    point: dict = field(default_factory=dict)   # where it is in its matrix

    def set(self, key, value):
        """Sets a key of the machine from its text."""
        if key in ("ram", "skew", "cost"):
            setattr(self, key, size(value))
        elif key in ("hmem", "cxl"):
            setattr(self, key, [[size(s) for s in node.split("+")] for node in value.split(",")])
        elif key == "nvdimm":
            self.nvdimm = [size(s) for s in value.split(",")]
        elif key in ("hotplug", "mom", "uefi"):
            setattr(self, key, value in ("1", "yes"))
        elif key in ("cpus", "sockets"):
            setattr(self, key, int(value))
        else:
            raise ValueError(f"unknown key {key}")

    def set_all(self, text):
        for word in text.split():
            key, _, value = word.partition("=")
            self.set(key, value)

    def is_for(self, kernel):
        """Whether it makes sense on a kernel of this series: 6.12, 7.2, 7.x."""
        return not self.kernels or any(
            kernel == series or kernel.startswith(series + ".") for series in self.kernels)

    def memory(self):
        """Bytes of host memory the machine may touch, roughly.

        Its RAM, QEMU itself, and of a device the memmap, if that goes there.
        """
        device = (sum(map(sum, self.hmem)) + sum(self.nvdimm) + sum(map(sum, self.cxl))
                  + 64 * GIB * self.hotplug)
        return self.cost or self.ram + device // 64 + GIB // 2


def header(spec, key, value):
    """One header line; variants are left to the caller."""
    if key == "vm":
        spec.set_all(value)
    elif key == "cmdline":
        spec.cmdline += " " + value
    elif key == "timeout":
        spec.timeout = float(value) * PATIENCE
    elif key == "image":
        if value not in ("base", "systemd", "dkms"):
            raise ValueError(f"unknown image {value}")
        spec.image = value
    elif key == "payload":
        spec.payload = value != "none"
    elif key in ("file", "texts"):
        source, target = value.split()
        (spec.files if key == "file" else spec.texts).append((source, target))
    elif key in ("expect-kernel", "allow-kernel"):
        (spec.expect if key[0] == "e" else spec.allow).append(re.compile(value))
    elif key == "may-die":
        spec.may_die = True
    elif key == "group":
        spec.group = value
    elif key == "kernel":
        series, _, why = value.partition(": ")
        if not series or not why:
            raise ValueError("a kernel line needs kernels and a reason")
        spec.kernels, spec.only = series.split(), why
    elif key == "tools":
        spec.tools = value.split()


KEYS = ("vm", "variant", "matrix", "cmdline", "timeout", "image", "payload", "file",
        "texts", "expect-kernel", "allow-kernel", "may-die", "group", "kernel", "tools")


def matrix(text):
    """(name, settings) of each combination of "ram=1G/2G hmem=4G/64G"."""
    axes = []
    for word in text.split():
        key, _, values = word.partition("=")
        axes.append([(key, value) for value in values.split("/")])
    for point in itertools.product(*axes):
        name = "-".join(key + value if value in "01" else value for key, value in point)
        yield name, " ".join(f"{key}={value}" for key, value in point)


def read(path):
    """The tests in a script: itself, or its variants."""
    path = Path(path)
    spec = Spec(path.stem, path)
    variants, of_matrix = [], set()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            break
        match = re.fullmatch(r"# ([a-z-]+): *(.*)", line)
        # A line of prose may look like a header; none of ours has such a name.
        if not match or match[1] not in KEYS:
            continue
        try:
            if match[1] == "variant":
                name, _, settings = match[2].partition(" ")
                variants.append((name, settings))
            elif match[1] == "matrix":
                points = list(matrix(match[2]))
                variants += points
                of_matrix.update(name for name, _ in points)
            else:
                header(spec, match[1], match[2].strip())
        except (ValueError, re.error) as e:
            raise ValueError(f"{path}:{number}: {e}") from e
    specs = []
    for name, settings in variants or [("", "")]:
        one = copy.deepcopy(spec)
        if name:
            one.name += "@" + name
        if name in of_matrix:
            one.point = dict(word.split("=") for word in settings.split())
        one.set_all(settings)
        specs.append(one)
    return specs
