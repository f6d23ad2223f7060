# SPDX-License-Identifier: LGPL-2.1-or-later
"""UEFI with Secure Boot, for machines that ask for it.

The firmware is that of Debian's package ovmf, whose variables "snakeoil" have Secure
Boot on and trust a key that is in the package for that purpose; kernels are signed
with it.  The certificate of a machine's owner (MOK) is put where shim would put it
for the kernel to find, into the variable MokListRT: shim itself is not run.
"""

import shutil
import struct
import subprocess
import uuid
from pathlib import Path

OVMF = Path("/usr/share/OVMF")
SNAKEOIL = Path("/usr/share/ovmf/PkKek-1-snakeoil")
SHIM = uuid.UUID("605dab50-e046-4300-abb6-3dd810dd8b23")
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
OWNER = uuid.UUID("3b053091-6c9f-04cc-b1ac-e2a51e3be5f5")

# The store: behind the header of its volume, one of its own; then the variables.
STORE, STORE_HEADER = 0x48, 28
VARIABLE = struct.Struct("<HBBIQ16sIII16s")
START, ADDED = 0x55aa, 0x3f
RUNTIME = 0x7       # kept, and to be seen by the firmware and by the system


def align(number):
    return (number + 3) & ~3


def free_place(data):
    """Where the variables of a store end."""
    at = STORE + STORE_HEADER
    while struct.unpack_from("<H", data, at)[0] == START:
        fields = VARIABLE.unpack_from(data, at)
        at = align(at + VARIABLE.size + fields[7] + fields[8])
    return at


def add_variable(data, name, guid, content):
    """Adds one to the store in the bytearray data."""
    name = name.encode("utf-16-le") + b"\0\0"
    at = free_place(data)
    variable = VARIABLE.pack(START, ADDED, 0, RUNTIME, 0, bytes(16), 0, len(name),
                             len(content), guid.bytes_le) + name + content
    if data[at:at + len(variable)].strip(b"\xff"):
        raise OSError("the firmware's variables are not laid out as expected")
    data[at:at + len(variable)] = variable


def signature_list(certificate):
    """The list of certificates, with this one (DER)."""
    size = 16 + len(certificate)
    return X509.bytes_le + struct.pack("<III", 28 + size, 0, size) + OWNER.bytes_le + certificate


def make_key(directory):
    """A key and its certificate as dkms makes them, kept in directory; returns the latter."""
    key, certificate = directory / "mok.key", directory / "mok.pub"
    if not certificate.exists():
        directory.mkdir(parents=True, exist_ok=True)
        subprocess.run(["openssl", "req", "-new", "-x509", "-nodes", "-days", "36500",
                        "-subj", "/CN=DKMS module signing key", "-newkey", "rsa:2048",
                        "-keyout", key, "-outform", "DER", "-out", certificate],
                       check=True, capture_output=True)
    return certificate


def signed(kernel, target):
    """The kernel, signed with the key that the firmware trusts."""
    if not target.exists():
        key = target.with_suffix(".key")
        subprocess.run(["openssl", "rsa", "-passin", "pass:snakeoil", "-in",
                        SNAKEOIL.with_suffix(".key"), "-out", key],
                       check=True, capture_output=True)
        subprocess.run(["sbsign", "--key", key, "--cert", SNAKEOIL.with_suffix(".pem"),
                        "--output", target, kernel], check=True, capture_output=True)
        key.unlink()
    return target


def options(vm_dir, kver, tmp):
    """Options of QEMU for a machine with Secure Boot, and the kernel to boot in it."""
    variables = Path(tmp) / "variables"
    shutil.copy(OVMF / "OVMF_VARS_4M.snakeoil.fd", variables)
    data = bytearray(variables.read_bytes())
    certificate = make_key(Path(vm_dir) / "mok").read_bytes()
    add_variable(data, "MokListRT", SHIM, signature_list(certificate))
    variables.write_bytes(data)
    boot = Path(vm_dir) / f"kernel-{kver}/boot"
    return ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={OVMF}/OVMF_CODE_4M.fd",
            "-drive", f"if=pflash,format=raw,unit=1,file={variables}"], \
        signed(boot / f"vmlinuz-{kver}", boot / f"vmlinuz-{kver}.signed")
