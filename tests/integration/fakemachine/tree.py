# SPDX-License-Identifier: LGPL-2.1-or-later
"""Plain files below a directory that look like sysfs and procfs."""
import contextlib
import os
import shutil


class Tree:
    """A file changes at once or not at all."""

    def __init__(self, root):
        self.root = root
        self.serial = 0
        os.makedirs(root + "/fake")

    def path(self, path):
        return self.root + path

    def put(self, path, text="", mode=0o444):
        self.serial += 1
        new = f"{self.root}/fake/.new{self.serial}"
        with open(new, "w") as f:
            f.write(text)
        os.chmod(new, mode)
        try:
            os.rename(new, self.path(path))
        except FileNotFoundError:
            os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
            os.rename(new, self.path(path))

    def line(self, path, value, mode=0o444):
        self.put(path, f"{value}\n", mode)

    def dir(self, path):
        os.makedirs(self.path(path), exist_ok=True)

    def link(self, path, target):
        """A symbolic link at @path to @target, both below the root, made relative."""
        self.dir(os.path.dirname(path))
        self.unlink(path)
        os.symlink(os.path.relpath(target, os.path.dirname(path)), self.path(path))

    def unlink(self, path):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path(path))

    def remove(self, path):
        shutil.rmtree(self.path(path), ignore_errors=True)

    def get(self, path):
        with open(self.path(path)) as f:
            return f.read()

    def exists(self, path):
        return os.path.exists(self.path(path))

    def snapshot(self, *tops):
        """Everything below @tops, to compare."""
        seen = {}
        for top in tops or ("/sys", "/proc", "/dev"):
            for where, dirs, files in os.walk(self.path(top)):
                for name in dirs + files:
                    p = os.path.join(where, name)
                    if os.path.islink(p):
                        seen[p] = os.readlink(p)
                    elif os.path.isfile(p):
                        with open(p) as f:
                            seen[p] = f.read()
        return seen
