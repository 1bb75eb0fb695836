"""The daemon's log, as an operator reads it: on stderr, through rectl, in a browser."""
import json
import pathlib
import re
import signal
import subprocess
import unittest
import urllib.request

from http2 import REAPI, ask, field
from server import WAIT, ServedCase, Server, until

SOURCES = pathlib.Path(__file__).resolve().parents[2]
ACCOUNT = r"action [0-9a-f]{64}/\d+ ended: "


class Logs(ServedCase):
    options = {"workers": 1}

    def logs(self, *arguments):
        return self.server.rectl("logs", *arguments, check=True).stdout.splitlines()

    def run_action(self, *options, mark="x"):
        return self.server.rectl("exec", "--skip-cache", *options, "--", "/bin/sh", "-c", f": {mark}; date +%N")

    def test_rectl_shows_the_lines_that_stderr_has(self):
        self.run_action("--target", "//:shown")
        shown = self.logs("--last", "10000")
        written = self.server.log().splitlines()  # afterwards: it has whatever was shown, a line is written there first
        self.assertEqual(shown[-3:], [x for x in written if x in shown][-3:])
        self.assertIn("Configuration loaded from", shown[0])
        self.assertEqual(len(self.logs("--last", "2")), 2)
        self.assertEqual({x.split()[2] for x in self.logs("--module", "operation")}, {"operation:"})
        found, = self.logs("//:shown")
        self.assertRegex(found, ACCOUNT)
        self.assertFalse(self.logs("--level", "error"))
        self.assertEqual(self.server.rectl("logs", "--level", "loud").returncode, 1)

    def test_an_action_is_one_line_that_names_digest_and_trace(self):
        self.run_action("--target", "//:one_line")
        lines = [x for x in self.server.log().splitlines() if "//:one_line" in x]
        self.assertEqual(len(lines), 1, lines)
        self.assertRegex(lines[0], rf"^\S+Z INFO operation: {ACCOUNT}exit_code=0 target=//:one_line worker=.* trace=[0-9a-f]{{16}}$")
        digest = re.search(r"[0-9a-f]{64}/\d+", lines[0])[0]
        found = json.loads(self.server.rectl("--json", "logs", "--last", "1", digest, check=True).stdout)
        self.assertEqual((found["level"], found["module"], found["actionDigest"]), ("info", "operation", digest))
        self.assertTrue(found["operation"])
        self.assertTrue(lines[0].endswith(found["traceId"]))
        traced = json.loads(self.server.rectl("trace", found["traceId"], "--format", "json", check=True).stdout)
        self.assertEqual(traced["operationName"], found["operation"])

    def test_what_a_client_says_stays_one_line(self):
        self.run_action("--target", "//:a\n2025-11-30T12:00:00Z ERROR server: forged\x1b[2J")
        line, = self.logs("//:a")
        self.assertIn("//:a?2025-11-30T12:00:00Z ERROR server: forged?[2J", line)

    def test_strings_that_are_no_utf8_are_told_like_all_else_and_not_without_end(self):
        for _ in range(100):
            status, _ = ask(self.server.port, REAPI + "Capabilities/GetCapabilities", field(1, b"\xff\xfe"))
            self.assertNotEqual(status, 0)
        lines = [x for x in self.server.log().splitlines() if "UTF-8" in x]
        self.assertTrue(lines)
        self.assertLess(len(lines), 50)
        for line in lines:
            self.assertRegex(line, r"^\S+Z WARN grpc: protobuf: .*GetCapabilitiesRequest.instance_name")
        until(lambda: "WARN grpc: ... repeated" in self.server.log(), "the others to be counted, when it is over")

    def follow(self, *arguments):
        following = subprocess.Popen(self.server.arguments(*arguments), stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True)
        self.addCleanup(following.communicate)
        self.addCleanup(following.kill)
        return following

    def test_following_shows_what_comes_until_ctrl_c(self):
        following = self.follow("logs", "-f", "--last", "1", "ended")
        self.run_action("--target", "//:followed")
        until(lambda: "//:followed" in following.stdout.readline(), "the line never comes")
        following.send_signal(signal.SIGINT)
        self.assertEqual(following.wait(WAIT), 130)

    def test_levels_change_while_it_runs(self):
        def levels(*settings):
            return dict(x.split() for x in self.server.rectl("log-level", *settings, check=True).stdout.splitlines())
        self.assertEqual(set(levels().values()), {"info"})
        self.run_action(mark="quiet")
        self.assertFalse(self.logs("--level", "debug", "is queued"))
        self.assertEqual(levels("operation=debug", "cas=warn")["operation"], "debug")
        self.run_action(mark="talkative")
        self.assertRegex(self.logs("--level", "debug", "is queued")[-1], "DEBUG operation: action [0-9a-f]{64}/")
        self.assertEqual(set(levels("info").values()), {"info"})
        for wrong in ("operatoin=debug", "operation=loud", "=debug", "operation="):
            done = self.server.rectl("log-level", wrong)
            self.assertEqual(done.returncode, 2, wrong)
        self.assertIn("operation, pool, scheduler", self.server.rectl("log-level", "operatoin=debug").stderr)

    def test_every_module_of_the_sources_can_be_set(self):
        used = {name for top in ("actors", "services") for path in (SOURCES / top).rglob("*.cpp")
                for name in re.findall(r'log_of\("(\w+)"\)', path.read_text())}
        known = json.loads(self.server.rectl("--json", "log-level", check=True).stdout)["levels"]
        self.assertEqual(used - set(known), set(), "to be added to the list in actors/log.cpp")

    def test_over_http(self):
        self.run_action("--target", "//:http")
        url = f"http://127.0.0.1:{self.server.http_port}/api/v1/log?contains=//:http"
        with urllib.request.urlopen(url, timeout=WAIT) as answer:
            line, = answer.read().splitlines()
        self.assertRegex(json.loads(line)["message"], ACCOUNT)
        with urllib.request.urlopen(url + "&follow=1", timeout=WAIT) as events:
            until(lambda: events.readline() == b"event: line\n", "no event")
            self.assertRegex(json.loads(events.readline().removeprefix(b"data: "))["message"], ACCOUNT)


class Formats(unittest.TestCase):
    def test_json_is_one_object_a_line(self):
        with Server(workers=1, environment={"EXPBUILD_LOG_FORMAT": "json"}) as server:
            server.rectl("exec", "--target", '//:"q"', "--", "/bin/true", check=True)
            lines = [json.loads(x) for x in server.log().splitlines()]
        self.assertGreater(len(lines), 5)
        for line in lines:
            self.assertLessEqual({"ts", "level", "module", "msg"}, set(line))
            self.assertRegex(line["ts"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        account, = [x for x in lines if " ended: " in x["msg"]]
        self.assertIn('target=//:"q"', account["msg"])
        self.assertIn(account["action_digest"], account["msg"])
        self.assertTrue(account["operation"] and account["trace_id"])

    def test_whoever_follows_does_not_hold_up_the_end(self):
        with Server(workers=1) as server:
            following = subprocess.Popen(server.arguments("logs", "-f"), stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, text=True)
            self.addCleanup(following.communicate)
            following.stdout.readline()
            self.assertEqual(server.stop(), 0)
            self.assertEqual(following.wait(WAIT), 3)


class Secrets(unittest.TestCase):
    def test_nothing_of_an_actions_environment_is_in_the_most_talkative_log(self):
        secret = "hunter2-swordfish"
        with Server(workers=1, environment={"EXPBUILD_LOG": "trace"}) as server:
            def run(*options, command=("/bin/sh", "-c", "echo $TOKEN")):
                return server.rectl("exec", "--env", f"TOKEN={secret}", *options, "--", *command)
            self.assertIn(secret, run().stdout)  # it was there
            run()
            run("--skip-cache", command=("/bin/sh", "-c", "exit 3"))
            run("--action-timeout", "0.3", command=("/bin/sleep", "4321"))
            run(command=("no-such-program",))
            run("--platform", "OSFamily=plan9")
            run("--output", f"../../{'x' * 5}")
            run("--env", f"TOKEN={secret}2")
            server.rectl("explain", "host-worker-1")
            log = server.log()
            self.assertIn("DEBUG", log)
            self.assertNotIn(secret, log)
            self.assertNotIn(secret, server.rectl("logs", "--level", "trace", "--last", "10000").stdout)


if __name__ == "__main__":
    unittest.main()
