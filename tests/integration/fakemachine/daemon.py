# SPDX-License-Identifier: LGPL-2.1-or-later
"""The real memmapd and memmapctl on a machine that is not there."""
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time

from .machine import TMP

BUS_NAME = "org.memmapd1"
BUS_PATH = "/org/memmapd1"
BUS_MANAGER = "org.memmapd1.Manager"

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
BUILD = os.environ.get("BUILD", os.path.join(SOURCE, "build"))


def built(variable, default):
    """The path in the environment @variable, else @default in the build directory."""
    return os.path.realpath(os.environ.get(variable) or os.path.join(BUILD, default))


def message_ids():
    with open(os.path.join(SOURCE, "common/names.h")) as f:
        return dict(re.findall(r'#define MESSAGE_(\w+) "(\w+)"', f.read()))


MESSAGE_IDS = message_ids()

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
    <allow user="*"/>
  </policy>
</busconfig>
"""


class Bus:
    """A bus of its own."""

    def __init__(self, directory):
        import dbus.bus
        config = os.path.join(directory, "bus.conf")
        self.address = f"unix:path={directory}/bus"
        with open(config, "w") as f:
            f.write(BUS_CONFIG.format(path=f"{directory}/bus"))
        with open(os.path.join(directory, "bus.log"), "w") as log:
            self.process = subprocess.Popen(
                ["dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile",
                 "--print-address"], stdout=subprocess.PIPE, stderr=log, text=True)
        assert self.process.stdout.readline(), "no bus"
        self.connection = dbus.bus.BusConnection(self.address)

    def has(self, name):
        return self.connection.name_has_owner(name)

    def call(self, method, signature="", args=(), timeout=20):
        return self.connection.call_blocking(BUS_NAME, BUS_PATH, BUS_MANAGER, method,
                                             signature, args, timeout=timeout)

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def policy(*rules, **defaults):
    """A policy as it is in the file, with defaults by which sums come out even."""
    return {"version": 1, "defaults": {"ram_reserve": "0%", "zone": "movable", **defaults},
            "rules": list(rules)}


def preload(program, *libraries):
    """LD_PRELOAD for @program; a sanitizer's runtime has to come first."""
    first = []
    with contextlib.suppress(FileNotFoundError):
        ldd = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        first = re.findall(r"=> (\S*/lib(?:asan|tsan)\S*)", ldd)
    return ":".join(first + list(libraries))


class Daemon:
    """
    memmapd on a machine.  Starts with the block, or by start().

    @installed: it finds its policy by itself, in the machine's /etc and /usr;
    else it is told where the policy is.
    """

    def __init__(self, machine, policy=None, *options, start=True, installed=False):
        self.machine = machine
        self.dir = tempfile.mkdtemp(prefix="memmapd-test.", dir=TMP)
        self.installed = installed
        where = machine.root + "/etc/memmapd" if installed else self.dir
        self.policy_path = where + "/policy.json"
        self.log_path = os.path.join(self.dir, "log")
        self.options = options
        self.process = None
        self.auto = start
        self.bus = Bus(self.dir)
        if policy is not None or not installed:
            self.set_policy(policy if policy is not None else globals()["policy"]())

    def __enter__(self):
        if self.auto:
            try:
                self.start()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.stop()
        finally:
            self.bus.close()
            if not os.environ.get("KEEP"):
                shutil.rmtree(self.dir, ignore_errors=True)

    def set_policy(self, policy):
        self.put(self.policy_path, policy)

    @staticmethod
    def put(path, policy, mode=0o644):
        """@policy: what is in the file, or its text."""
        new = path + ".new"
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        with open(new, "w") as f:
            f.write(policy if isinstance(policy, str) else json.dumps(policy, indent=2) + "\n")
        os.chmod(new, mode)
        os.rename(new, path)

    def drop_in(self, name, policy=None, where="/etc/memmapd", **kw):
        """Installs a drop-in.  Returns its path."""
        path = f"{self.machine.root}{where}/policy.d/{name}"
        if policy is not None:
            self.put(path, policy, **kw)
        return path

    def environment(self, program):
        env = dict(os.environ)
        env.update(DBUS_SYSTEM_BUS_ADDRESS=self.bus.address,
                   UMOCKDEV_DIR=self.machine.root, FAKEKERNEL_ROOT=self.machine.root,
                   LD_PRELOAD=preload(program, built("FAKEKERNEL", "tests/integration/libfakekernel.so"),
                                      "libumockdev-preload.so.0"))
        env.setdefault("ASAN_OPTIONS", "detect_leaks=0")
        env.pop("NOTIFY_SOCKET", None)
        env.pop("JOURNAL_STREAM", None)
        return env

    def start_unwaited(self):
        program = built("MEMMAPD", "daemon/memmapd")
        env = self.environment(program)
        with open(self.log_path, "a") as log:
            # As systemd says that stderr is the journal: then messages have fields.
            st = os.fstat(log.fileno())
            env["JOURNAL_STREAM"] = f"{st.st_dev}:{st.st_ino}"
            self.process = subprocess.Popen(
                [program, "--sysroot", self.machine.root,
                 *([] if self.installed else ["--policy", self.policy_path]), *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=env, start_new_session=True)

    def start(self):
        self.start_unwaited()
        self.wait(lambda: self.bus.has(BUS_NAME), "it is on the bus")
        return self

    @property
    def messages(self):
        """What went to the journal in this machine's life, a dictionary each."""
        return list(self.machine.journal.entries)

    def message(self, name):
        """The messages of one kind: @name of MESSAGE_@name in common/names.h."""
        return [m for m in self.messages if m.get("MESSAGE_ID") == MESSAGE_IDS[name]]

    def wait_message(self, name, n=1):
        """Until there are @n of that kind, as they take their time.  Returns the last of them."""
        return self.wait(lambda: self.message(name)[n - 1:], f"message {n} of {name} is there")[0]

    @property
    def log(self):
        """All it said, as text."""
        with open(self.log_path) as f:
            return f.read() + "".join(m.get("MESSAGE", "") + "\n" for m in self.messages)

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def explain(self):
        log = self.machine.log
        return ("\n--- memmapd\n" + self.log[-4000:] +
                f"\n--- kernel, last of {len(log)}\n" + "\n".join(log[-30:]))

    def wait(self, condition, what, timeout=20, alive=True):
        """Until @condition() is true.  Returns what it returned."""
        end = time.monotonic() + timeout
        while True:
            if alive and not self.running:
                raise AssertionError(f"memmapd is gone ({self.process.poll()}), waiting until "
                                     f"{what}{self.explain()}")
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"waited {timeout} s until {what}{self.explain()}")
            time.sleep(0.01)

    def call(self, method, *args, **kw):
        return self.bus.call(method, *args, **kw)

    def describe(self, timeout=20):
        return json.loads(self.call("Describe", timeout=timeout))

    def device(self, name="dax0.0"):
        """The device's part of Describe(), or None."""
        for d in self.describe()["devices"]:
            if d["name"] == name:
                return d
        return None

    def wait_state(self, name, *states, timeout=30):
        last = None

        def reached():
            nonlocal last
            last = self.device(name)
            return last if last and last["state"] in states else None
        try:
            return self.wait(reached, f"{name} is {' or '.join(states)}", timeout)
        except AssertionError as e:
            raise AssertionError(f"{e}\n--- {name}\n{json.dumps(last, indent=1)[:3000]}") from None

    def settle(self, quiet=0.3, timeout=30):
        """Until nothing has been written for a while."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            n = len(self.machine.log)
            time.sleep(quiet)
            if n == len(self.machine.log):
                return
        raise AssertionError("memmapd does not come to rest" + self.explain())

    def reload(self):
        return self.call("Reload")

    def _ended(self):
        self.process.wait(timeout=20)
        # Nobody listens there any more.
        for monitor in glob.glob(self.machine.root + "/event*"):
            os.unlink(monitor)
        # The bus takes its time to see it.
        end = time.monotonic() + 5
        while self.bus.process.poll() is None and self.bus.has(BUS_NAME) and \
                time.monotonic() < end:
            time.sleep(0.005)

    def sigkill(self, group=True):
        """As systemd would: the worker too, unless not @group."""
        with contextlib.suppress(ProcessLookupError):
            if group:
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self._ended()

    def stop(self):
        """Returns the exit status, None if it did not run."""
        if not self.running:
            return None
        self.process.terminate()
        try:
            self._ended()
        except subprocess.TimeoutExpired:
            self.sigkill()
            raise AssertionError("memmapd does not end on SIGTERM" + self.explain()) from None
        return self.process.returncode

    def ctl(self, *args, check=None):
        """Run memmapctl.  @check: the exit status it should have."""
        program = built("MEMMAPCTL", "ctl/memmapctl")
        env = self.environment(program)
        del env["LD_PRELOAD"]
        done = subprocess.run([program, *args], env=env, capture_output=True, text=True,
                              timeout=30)
        if check is not None and done.returncode != check:
            raise AssertionError(f"memmapctl {' '.join(args)}: {done.returncode}\n"
                                 f"{done.stdout}{done.stderr}{self.explain()}")
        return done
