# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a test brings into its machine: a cpio archive behind the base image.

Everything lies below /payload there, at its final path; the guest's init
copies it over the root of whichever image is booted.
"""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
# pylint: disable=wrong-import-position
import texts  # noqa: E402

MODULES = "usr/lib/modules"


class Cpio:
    """An archive in the kernel's "newc" format, all owned by root."""

    def __init__(self):
        self.data = bytearray()
        self.seen = set()

    def _entry(self, name, mode, content):
        # Inode numbers must differ, or the kernel takes files for hard links.
        fields = [len(self.seen) + 1, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0,
                  len(name) + 1, 0]
        self.data += b"070701" + b"".join(b"%08X" % f for f in fields)
        self.data += name.encode() + b"\0"
        self.data += b"\0" * (-len(self.data) % 4)
        self.data += content
        self.data += b"\0" * (-len(self.data) % 4)

    def _add(self, name, mode, content):
        parent = os.path.dirname(name)
        if parent and parent not in self.seen:
            self._add(parent, stat.S_IFDIR | 0o755, b"")
        if name not in self.seen:
            self.seen.add(name)
            self._entry(name, mode, content)

    def file(self, name, content, mode=0o644):
        self._add("payload/" + name.strip("/"), stat.S_IFREG | mode, content)

    def copy(self, name, path):
        path = Path(path)
        if path.is_symlink():
            self._add("payload/" + name.strip("/"), stat.S_IFLNK | 0o777,
                      os.readlink(path).encode())
        else:
            self.file(name, path.read_bytes(), stat.S_IMODE(path.stat().st_mode))

    def tree(self, root, name=""):
        root = Path(root)
        for path in sorted(root.rglob("*")):
            if path.is_symlink() or path.is_file():
                self.copy(merged(os.path.join(name, path.relative_to(root))), path)

    def finish(self):
        self._add("TRAILER!!!", 0, b"")
        # The kernel wants each archive of an initramfs to begin aligned.
        self.data += b"\0" * (-len(self.data) % 512)
        return bytes(self.data)


def merged(name):
    """/lib and /bin are links to those in /usr: a directory would hide them."""
    top = name.split("/", 1)[0]
    return "usr/" + name if top in ("bin", "sbin", "lib", "lib64") else name


def images(here, build, kernel="6.1", dkms=False):
    """Builds what machines boot from, if need be; returns the kernel's version."""
    if subprocess.run([here / "image", "--build", build, "--kernel", kernel,
                       *["--dkms"] * dkms], check=False).returncode:
        raise RuntimeError("tests/vm/image failed")
    name = "kver" if kernel == "6.1" else f"kver-{kernel}"
    return (build / "vm" / name).read_text().strip()


def install(build, kver, root):
    """Puts what the build made into the empty directory root, as a tree.

    Raises RuntimeError if there is nothing to install.
    """
    if not (build / "build.ninja").exists():
        raise RuntimeError(f"{build} has no build to test")
    done = subprocess.run(
        ["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", root],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError("meson install: " + (done.stdout.strip().splitlines() or ["failed"])[-1])
    # The module is built per kernel, and installed by dkms rather than by us.
    modules = (list(build.glob(f"vm/kmod-{kver}/memmapd_kmem.ko")) or
               sorted(build.glob("kmod/**/memmapd_kmem.ko"), key=lambda p: p.stat().st_mtime))
    if modules and not list(root.rglob("memmapd_kmem.ko")):
        target = root / MODULES / kver / "extra"
        target.mkdir(parents=True)
        (target / "memmapd_kmem.ko").write_bytes(modules[-1].read_bytes())
    sanitizers(root)


def sanitizers(root):
    """Adds the libraries of a build with sanitizers: no image has them."""
    programs = [p for name in ("bin/*", "sbin/*", "libexec/*/*") for p in root.glob(f"usr/{name}")]
    for program in programs:
        said = subprocess.run(["ldd", program], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True, check=False).stdout
        for path in re.findall(r"=> (/\S*/lib(?:asan|ubsan|gcc_s|stdc\+\+)\.so\S*)", said):
            target = root / merged(path.strip("/"))
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(path).read_bytes())
            target.chmod(0o755)


def archive(spec, here, build, kver, root):
    """The archive for one test; root is the tree of the program, or None."""
    cpio = Cpio()
    if spec.path:
        cpio.copy("test/test.sh", spec.path)
    cpio.copy("test/guest.sh", here / "guest.sh")
    cpio.copy("test/wrap", here / "wrap")
    test, _, variant = spec.name.partition("@")
    cpio.file("test/env", f"TEST={test}\nVARIANT={variant}\n".encode())
    for helper in sorted((build / "vm/bin").iterdir()):
        cpio.copy("usr/local/bin/" + helper.name, helper)
    for tool in spec.tools:
        tree = build / f"vm/tools-{tool}-{kver}"
        if not tree.exists():
            raise RuntimeError(f"there is no {tool} for kernel {kver}")
        cpio.tree(tree)
    for source, target in spec.files:
        near = here / source
        path = near if near.exists() else build / source
        if path.is_dir():
            cpio.tree(path, target.strip("/"))
        else:
            cpio.copy(merged(target.strip("/")), path)
    for source, target in spec.texts:
        for name, content in texts.files(here / source):
            cpio.file(f"{target}/{name}", content.encode())
    if root and spec.payload:
        cpio.tree(root)
    return cpio.finish()
