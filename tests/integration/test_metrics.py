# SPDX-License-Identifier: LGPL-2.1-or-later
"""memmapctl metrics, and what is made of it: alerts and a dashboard."""
import calendar
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from fakemachine import Dax, GiB, MiB, built, policy
from harness import BAD_POLICY, MemmapdTest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "contrib/monitoring"
NAME = re.compile(r"\bmemmapd_[a-z_]+")


def promtool(*args, text=None):
    return subprocess.run(["promtool", *args], input=text, capture_output=True, text=True,
                          timeout=60, check=False)


class Metrics(MemmapdTest):
    def metrics(self, daemon):
        """Name -> what is said of each: labels and a value."""
        text = daemon.ctl("metrics", check=0).stdout
        return {family.name: [(s.labels, s.value) for s in family.samples]
                for family in text_string_to_metric_families(text)}

    def two(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB,
                         devices=[Dax(size=24 * GiB), Dax("dax1.0", "pmem", size=1 * GiB)])
        d = self.daemon(m)
        d.wait_state("dax0.0", "online")
        return d

    def of(self, metrics, name, device="dax0.0", **labels):
        values = [value for have, value in metrics[name]
                  if {**have, "device": device, **labels} == have]
        self.assertEqual(len(values), 1, f"{name} {labels}: {metrics[name]}")
        return values[0]

    def test_both_formats(self):
        """Prometheus' own parser is of the older one, Python's of OpenMetrics."""
        for d in self.two(), self.daemon(self.machine(), start=False):
            text = d.ctl("metrics", check=0).stdout
            done = promtool("check", "metrics", text=text)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
            self.assertTrue(text.endswith("\n# EOF\n"))
            for family in text_string_to_metric_families(text):
                self.assertEqual(family.type, "gauge")
                self.assertTrue(family.documentation, family.name)
                self.assertEqual(family.unit or "", next(
                    (u for u in ("bytes", "seconds") if family.name.endswith("_" + u)), ""))

    def test_numbers(self):
        d = self.two()
        shown, got = d.device(), self.metrics(d)
        blocks, block = shown["blocks"], 128 * MiB
        self.assertEqual(got["memmapd_up"], [({}, 1)])
        self.assertEqual(got["memmapd_policy_valid"], [({}, 1)])
        self.assertAlmostEqual(got["memmapd_collected_timestamp_seconds"][0][1], time.time(),
                               delta=60)
        self.assertEqual(got["memmapd_block_size_bytes"], [({}, block)])
        for name, value in (("size", 24 * GiB), ("plugged", 24 * GiB), ("wanted", 24 * GiB),
                            ("trimmed", 0), ("ram_budget", shown["budget"]["total"])):
            self.assertEqual(self.of(got, f"memmapd_device_{name}_bytes"), value, name)
        for zone in "kernel", "movable":
            self.assertEqual(self.of(got, "memmapd_device_online_bytes", zone=zone),
                             blocks[zone] * block)
            self.assertGreater(blocks[zone], 0)
        for place in "ram", "device", "seed":
            self.assertEqual(self.of(got, "memmapd_device_memmap_bytes", place=place),
                             shown["memmap"][place] * 2 * MiB)
        self.assertGreater(shown["memmap"]["seed"], 0)
        labels, _ = got["memmapd_device_size_bytes"][0]
        self.assertEqual(labels, {"device": "dax0.0", "node": "1", "region": shown["region"]})

    def test_states(self):
        d = self.two()
        states = [(labels["device"], labels["state"]) for labels, value in
                  self.metrics(d)["memmapd_device_state"] if value == 1]
        self.assertEqual(states, [("dax0.0", "online"), ("dax1.0", "ignored")])

    def test_all_states(self):
        """Those that memmapd has are those that are told."""
        words = re.findall(r'\[STATE_\w+\] = "([a-z-]+)"',
                           (ROOT / "daemon/record.c").read_text(encoding="ascii"))
        d = self.two()
        told = [labels["state"] for labels, _ in self.metrics(d)["memmapd_device_state"]
                if labels["device"] == "dax0.0"]
        self.assertEqual(sorted(told), sorted(words))

    def test_at_work_and_held(self):
        m = self.machine(devices=[Dax(size=2 * GiB)])
        m.faults.delay = 0.3
        d = self.daemon(m)
        d.wait(lambda: (d.device()["progress"] or {}).get("done"), "it is at work")
        got = self.metrics(d)
        total, done = (self.of(got, f"memmapd_device_plan_{x}steps") for x in ("", "done_"))
        self.assertTrue(0 < done < total, (done, total))
        m.faults.delay = 0
        d.wait_state("dax0.0", "online")
        d.ctl("hold", "dax0.0", check=0)
        got = self.metrics(d)
        self.assertEqual(self.of(got, "memmapd_device_plan_steps"), 0)
        self.assertEqual(self.of(got, "memmapd_device_held"), 1)

    def test_what_is_wrong(self):
        m = self.machine(devices=[Dax(size=1 * GiB)])
        m.faults.fail_plug(3, 5)
        d = self.daemon(m, policy(on_failure="keep"))
        d.wait_state("dax0.0", "degraded")
        d.set_policy(BAD_POLICY)
        d.ctl("reload", check=1)
        got = self.metrics(d)
        self.assertEqual(self.of(got, "memmapd_device_failed_blocks"), 1)
        self.assertEqual(got["memmapd_policy_valid"], [({}, 0)])

    def test_not_running(self):
        d = self.two()
        d.stop()
        done = d.ctl("metrics", check=0)
        self.assertEqual(done.stderr, "")
        self.assertIn("\nmemmapd_up 0\n", done.stdout)
        self.assertNotIn("memmapd_device", done.stdout)


class File(MemmapdTest):
    def test_file(self):
        d = self.daemon(self.machine(devices=[Dax(size=1 * GiB)]))
        d.wait_state("dax0.0", "online")
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "memmapd.prom")
            path.write_text("before", encoding="ascii")
            reader = os.open(path, os.O_RDONLY)
            done = d.ctl("metrics", "-o", str(path), check=0)
            self.assertEqual((done.stdout, done.stderr), ("", ""))
            # It is another file: who has the one before open goes on with that.
            self.assertEqual(os.read(reader, 100), b"before")
            os.close(reader)
            self.assertTrue(path.read_text(encoding="utf-8").endswith("# EOF\n"))
            self.assertEqual(path.stat().st_mode & 0o777, 0o644)
            self.assertEqual(os.listdir(directory), ["memmapd.prom"])

    def test_trouble(self):
        d = self.daemon(self.machine())
        self.assertIn("/nonexistent/x", d.ctl("metrics", "--output", "/nonexistent/x",
                                              check=1).stderr)
        with tempfile.TemporaryDirectory() as directory:
            target = Path(directory, "is-a-directory")
            target.mkdir()
            self.assertIn("directory", d.ctl("metrics", "-o", str(target), check=1).stderr)
            self.assertEqual(os.listdir(directory), ["is-a-directory"])
        d.ctl("status", "-o", "/tmp/x", check=2)
        d.ctl("metrics", "--json", check=2)


class Labels(MemmapdTest):
    """For node-feature-discovery, by what Kubernetes lets a label be."""

    NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")

    def labels(self, daemon):
        first, *lines = daemon.ctl("metrics", "--format", "nfd", check=0).stdout.splitlines()
        at = re.fullmatch(r"# \+expiry-time=(\S+Z)", first)[1]
        left = calendar.timegm(time.strptime(at, "%Y-%m-%dT%H:%M:%SZ")) - time.time()
        self.assertTrue(540 < left <= 601, left)
        found = {}
        for line in lines:
            name, _, value = line.partition("=")
            for part in name, value:
                self.assertRegex(part, f"^{self.NAME.pattern}$")
            self.assertNotIn(name, found)
            found[name.removeprefix("memmapd.")] = value
        return found

    def test_labels(self):
        m = self.machine(ram=768 * MiB, free=300 * MiB,
                         devices=[Dax(size=24 * GiB), Dax("dax1.0", "pmem", size=1 * GiB)])
        d = self.daemon(m)
        blocks = d.wait_state("dax0.0", "online")["blocks"]
        found = self.labels(d)
        self.assertEqual(found, {
            "running": "true", "version": d.describe()["daemon"]["version"], "policy-valid": "true",
            "module": "true", "devices": "2", "devices-need-attention": "0", "online-gib": "24",
            "movable-gib": str(blocks["movable"] // 8), "memmap": found["memmap"]})
        self.assertIn(found["memmap"], ("seed", "mixed"))
        d.set_policy(BAD_POLICY)
        d.ctl("reload", check=1)
        self.assertEqual(self.labels(d)["policy-valid"], "false")

    def test_something_is_wrong(self):
        d = self.daemon(self.machine(ram=768 * MiB, free=300 * MiB, devices=[Dax(size=64 * GiB)]),
                        policy(memmap="ram"))
        d.wait_state("dax0.0", "refused")
        found = self.labels(d)
        self.assertEqual((found["devices-need-attention"], found["online-gib"], found["memmap"]),
                         ("1", "0", "none"))

    def test_not_running(self):
        d = self.daemon(self.machine(), start=False)
        self.assertEqual(self.labels(d), {"running": "false"})

    def test_nobody_reads_half_of_it(self):
        """All files there are read, but those that are hidden: so it is, until it is whole."""
        d = self.daemon(self.machine())
        with tempfile.TemporaryDirectory() as directory:
            trace = subprocess.run(
                ["strace", "-f", "-e", "trace=openat,rename", built("MEMMAPCTL", "ctl/memmapctl"), "metrics",
                 "--format", "nfd", "--output", f"{directory}/memmapd"], text=True, timeout=60,
                capture_output=True, check=True, env=d.environment(built("MEMMAPCTL", "ctl/memmapctl")))
            made = re.findall(rf'"{directory}/([^"]*)", O_[^)]*O_CREAT', trace.stderr)
            self.assertRegex(" ".join(made), r"^\.memmapd\.\w{6}$")
            self.assertEqual(os.listdir(directory), ["memmapd"])

    def test_what_the_readme_says(self):
        """The names in contrib/kubernetes are some that there are."""
        d = self.daemon(self.machine(devices=[Dax(size=1 * GiB)]))
        d.wait_state("dax0.0", "online")
        found = set(self.labels(d))
        for path in (ROOT / "contrib/kubernetes").iterdir():
            named = set(re.findall(r"(?:^|[/ ])memmapd\.([a-z-]+)(?=[:=]|\n)", path.read_text("utf-8")))
            self.assertLessEqual(named - {"service"}, found, path)
            if path.suffix in (".md", ".yaml"):
                self.assertTrue(named, path)


class Monitoring(MemmapdTest):
    """The metrics that others name are some that there are."""

    def printed(self):
        d = self.daemon(self.machine(devices=[Dax(size=1 * GiB)]))
        d.wait_state("dax0.0", "online")
        return set(re.findall(r"(?m)^# TYPE (\S+)", d.ctl("metrics", check=0).stdout))

    def dashboard(self):
        return json.loads((MONITORING / "memmapd-dashboard.json").read_text(encoding="utf-8"))

    def expressions(self):
        return [t["expr"] for panel in self.dashboard()["panels"] for t in panel["targets"]]

    def test_names(self):
        there = self.printed()
        rules = (MONITORING / "memmapd.rules.yml").read_text(encoding="utf-8")
        tests = (MONITORING / "memmapd.rules-test.yml").read_text(encoding="utf-8")
        queries = [v["query"] for v in self.dashboard()["templating"]["list"]]
        named = set(NAME.findall(" ".join([rules, tests, *self.expressions(), *queries])))
        self.assertGreater(len(named), 10)
        self.assertEqual(named - there, set())

    def test_rules(self):
        for what in ("check", "memmapd.rules.yml"), ("test", "memmapd.rules-test.yml"):
            done = promtool(what[0], "rules", str(MONITORING / what[1]))
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rules_are_tested(self):
        rules = (MONITORING / "memmapd.rules.yml").read_text(encoding="utf-8")
        tests = (MONITORING / "memmapd.rules-test.yml").read_text(encoding="utf-8")
        alerts = re.findall(r"- alert: (\w+)", rules)
        self.assertGreater(len(alerts), 5)
        for alert in alerts:
            self.assertRegex(tests, rf"alertname: {alert}\n +exp_alerts:\n")

    def test_dashboard(self):
        panels = self.dashboard()["panels"]
        self.assertEqual(len({p["id"] for p in panels}), len(panels))
        taken = [(x, y) for p in panels for x in range(p["gridPos"]["x"],
                                                       p["gridPos"]["x"] + p["gridPos"]["w"])
                 for y in range(p["gridPos"]["y"], p["gridPos"]["y"] + p["gridPos"]["h"])]
        self.assertEqual(len(taken), len(set(taken)), "panels lie on each other")
        rules = "groups:\n  - name: dashboard\n    rules:\n" + "".join(
            f"      - record: x:y{i}\n        expr: {json.dumps(e)}\n"
            for i, e in enumerate(self.expressions()))
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            f.write(rules)
            f.flush()
            done = promtool("check", "rules", f.name)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
