"""What an operator does when a Bazel build went wrong: one impossible property, one failing test, one killed runner.

Each cause is found three times: with rectl alone, over HTTP alone (what the dashboard shows), from /metrics alone."""
import json
import os
import signal
import threading
import time
import unittest
import urllib.request

import bazel_project
from bazel_test import BUDGET, BuildCase
from server import WAIT, Server, until

BUILD = """
genrule(
    name = "impossible",
    outs = ["impossible.txt"],
    cmd = "echo built > $@",
    exec_properties = {"OSFamily": "plan9"},
)

genrule(
    name = "killed",
    outs = ["killed.txt"],
    cmd = "sleep 3; echo built > $@",
)

sh_test(
    name = "failing",
    srcs = ["failing.sh"],
)
"""
IMPOSSIBLE, KILLED, FAILING = "//causes:impossible", "//causes:killed", "//causes:failing"


class Causes(BuildCase):
    def setUp(self):
        super().setUp()
        folder = self.root / "project/causes"
        folder.mkdir()
        (folder / "BUILD").write_text(BUILD)
        script = folder / "failing.sh"
        script.write_text("#!/bin/sh\necho 'expected 4, got 5' >&2\nexit 7\n")
        script.chmod(0o755)
        self.server = self.enterContext(Server(workers=2))
        self.build()

    def build(self):
        killer = threading.Thread(target=self.kill_the_runner)
        killer.start()
        code, log = self.bazel("causes", self.server)("test", "--keep_going", "//causes:all")
        killer.join()
        self.assertNotEqual(code, 0)
        self.log = log

    def kill_the_runner(self):
        def runs_it():
            live = self.actions(f"state=live target={KILLED}")
            return [a["worker"] for a in live if a["stage"] == "executing"]

        until(runs_it, "the sleeping action runs", BUDGET)
        time.sleep(0.2)  # it is in its sleep
        worker = runs_it()[0]
        pid = next(int(w["pid"]) for w in self.server.status()["workers"] if w["name"] == worker)
        os.kill(pid, signal.SIGKILL)

    def rectl(self, *arguments):
        return json.loads(self.server.rectl("--json", *arguments, check=True).stdout)

    def actions(self, filter):
        return self.rectl("actions", filter).get("actions", [])

    def get(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.http_port}/{path}", timeout=WAIT) as answer:
            return answer.read().decode()

    def test_each_cause_is_found_with_rectl_over_http_and_from_metrics(self):
        began = time.monotonic()
        self.find_with_rectl()
        self.find_over_http()
        self.find_from_metrics()
        self.assertLess(time.monotonic() - began, 60)
        self.assertIn("OSFamily=plan9; on offer", self.log)  # the refusal is told to the build itself

    def find_with_rectl(self):
        failed = {a["targetId"]: a for a in self.actions("failed")}
        self.assertEqual(failed[IMPOSSIBLE]["outcome"], "rejected")
        self.assertEqual((failed[FAILING]["outcome"], failed[FAILING]["actionMnemonic"]), ("nonzero", "TestRunner"))
        self.assertEqual(self.rectl("explain", IMPOSSIBLE)["mismatches"][0]["wanted"], "plan9")
        self.assertIn("exit code 7", " ".join(self.rectl("explain", failed[FAILING]["operationName"])["whyFailed"]))
        killed = self.rectl("show", self.actions(f"target={KILLED}")[0]["operationName"])
        self.assertEqual(killed["action"]["outcome"], "success")
        self.assertIn("signal 9", killed["lostAttempts"][0]["why"])
        dead = [w for w in self.rectl("workers")["workers"] if int(w["restarts"])]
        self.assertIn("signal 9", dead[0]["lastFailure"])

    def find_over_http(self):
        failed = {a["targetId"]: a for a in json.loads(self.get("api/v1/actions?filter=failed"))["actions"]}
        impossible = json.loads(self.get("api/v1/actions/" + failed[IMPOSSIBLE]["operationName"]))
        self.assertEqual(impossible["explanation"]["mismatches"][0]["property"], "OSFamily")
        failing = json.loads(self.get("api/v1/actions/" + failed[FAILING]["operationName"]))
        printed = self.get("api/v1/blob/sha256/" + (failing["stdoutDigest"] or failing["stderrDigest"]))
        self.assertIn("expected 4, got 5", printed)
        workers = json.loads(self.get("api/v1/workers"))["workers"]
        self.assertTrue(any("signal 9" in r["why"] for w in workers for r in w["history"]))

    def find_from_metrics(self):
        self.assertGreaterEqual(self.server.metric('expbuild_actions_total{result="rejected"}'), 1)
        self.assertGreaterEqual(self.server.metric('expbuild_actions_total{result="nonzero"}'), 1)
        self.assertEqual(self.server.metric("expbuild_worker_restarts_total"), 1)
        self.assertEqual(self.server.metric("expbuild_action_retries_total"), 1)


if __name__ == "__main__":
    unittest.main()
