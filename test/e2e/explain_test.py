"""Finding out what became of an action: with rectl alone, and over HTTP alone."""
import json
import os
import select
import signal
import subprocess
import unittest
import urllib.error
import urllib.request

from server import WAIT, ServedCase, Server, until


def get(server, path, **headers):
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}/{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=WAIT) as answer:
        return answer.read().decode()


def api(server, path):
    return json.loads(get(server, f"api/v1/{path}"))


class Explanations(ServedCase):
    options = {"workers": 1}

    def run_one(self, target, script, *more):
        return self.server.rectl("exec", "--target", target, *more, "--", "/bin/sh", "-c", script)

    def explain(self, name):
        return json.loads(self.server.rectl("--json", "explain", name, check=True).stdout)

    def test_an_impossible_property_is_named_with_what_workers_offer(self):
        self.run_one("//x:impossible", "true", "--platform", "OSFamily=plan9")
        told = self.explain("//x:impossible")
        self.assertIn("OSFamily=plan9", " ".join(told["whyFailed"]))
        mismatch = told["mismatches"][0]
        self.assertEqual((mismatch["property"], mismatch["wanted"], mismatch["offered"]), ("OSFamily", "plan9", "linux"))
        self.assertIn("plan9", self.server.rectl("explain", "//x:impossible").stdout)

    def test_a_failing_test_is_told_with_its_exit_code_and_where_its_log_is(self):
        self.run_one("//x:failing", "echo it is broken >&2; exit 3")
        told = " ".join(self.explain("//x:failing")["whyFailed"])
        self.assertIn("exit code 3", told)
        log = told.split("rectl cat ")[1].split()[0]
        self.assertEqual(self.server.rectl("cat", log).stdout, "it is broken\n")
        listed = self.server.rectl("actions", "failed target=//x:failing").stdout
        self.assertIn("exit 3", listed)

    def test_a_killed_runner_is_told_as_the_reason_for_another_attempt(self):
        client = subprocess.Popen(self.server.arguments("exec", "--target", "//x:killed", "--", "/bin/sleep", "3"),
                                  stdin=subprocess.DEVNULL)
        until(lambda: any(w["state"] == "BUSY" for w in self.server.status()["workers"]), "a worker is busy")
        os.kill(self.server.runner_pids()[0], signal.SIGKILL)
        self.assertEqual(client.wait(WAIT), 0)
        shown = json.loads(self.server.rectl("--json", "show", "//x:killed", check=True).stdout)
        self.assertEqual(shown["action"]["attempts"], 2)
        self.assertIn("signal 9", shown["lostAttempts"][0]["why"])
        worker = self.server.status()["workers"][0]
        self.assertIn("signal 9", worker["history"][0]["why"])

    def test_a_cache_miss_names_the_input_that_has_changed(self):
        (self.folder / "in/sub").mkdir(parents=True)
        for text in ("one", "two"):
            (self.folder / "in/sub/changes").write_text(text)
            (self.folder / "in/stays").write_text("the same")
            self.run_one("//x:rebuilt", "cat sub/changes > out", "--input", self.folder / "in", "--output", "out",
                         "--download", self.folder / text)
        told = self.explain("//x:rebuilt")
        self.assertEqual([(d["what"], d["name"]) for d in told["differences"]], [("input", "sub/changes")])
        self.assertIn("sub/changes", " ".join(told["whyNotCached"]))

    def test_a_cache_miss_names_the_variable_that_has_changed(self):
        for value in ("1", "2"):
            self.run_one("//x:variable", "echo > out", "--env", f"PATH=/bin:/{value}", "--output", "out", "--download", self.folder)
        self.assertEqual([(d["what"], d["name"], d["before"], d["after"]) for d in self.explain("//x:variable")["differences"]],
                         [("environment", "PATH", "/bin:/1", "/bin:/2")])

    def test_a_trace_is_told_as_a_tree_a_sequence_and_for_perfetto(self):
        self.run_one("//x:traced", "true")
        self.assertIn("run_job", self.server.rectl("trace", "//x:traced").stdout)
        self.assertIn("--run_job-->", self.server.rectl("trace", "--format", "sequence", "//x:traced").stdout)
        events = json.loads(self.server.rectl("trace", "--format", "chrome", "//x:traced").stdout)["traceEvents"]
        self.assertTrue(any(e["name"] == "run_job" and e["ph"] == "X" for e in events))

    def test_the_script_that_is_given_out_reproduces_the_action(self):
        (self.folder / "in").mkdir()
        (self.folder / "in/data").write_text("from the input\n")
        self.run_one("//x:again", "cat data; echo it\\'s $GREETING", "--input", self.folder / "in", "--env", "GREETING=hi")
        script = get(self.server, "api/v1/reproduce/%2F%2Fx:again")
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=WAIT,
                              env={**os.environ, "PATH": f"{os.environ['EXPBUILD_BIN']}:{os.environ['PATH']}"})
        self.assertEqual(done.stdout, "from the input\nit's hi\n", done.stderr)

    def test_everything_is_told_over_http_as_well(self):
        self.run_one("//x:http", "exit 4")
        action = api(self.server, "actions?filter=target%3D//x:http")["actions"][0]
        self.assertEqual((action["outcome"], action["exitCode"]), ("nonzero", 4))
        details = api(self.server, "actions/" + action["operationName"])
        self.assertEqual(details["arguments"][:2], ["/bin/sh", "-c"])
        self.assertIn("exit code 4", details["explanation"]["summary"])
        self.assertTrue(any(e["message"] == "run_job" for e in api(self.server, "trace/" + action["operationName"])["events"]))
        self.assertTrue(any(a["name"] == "scheduler" for a in api(self.server, "actors")["actors"]))
        with self.assertRaises(urllib.error.HTTPError) as refused:
            get(self.server, "api/v1/status", Host="evil.example")
        self.assertEqual(refused.exception.code, 403)
        refused.exception.close()

    def test_the_dashboard_is_there_and_loads_nothing_from_elsewhere(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.server.http_port}/", timeout=WAIT) as answer:
            self.assertTrue(answer.url.endswith("/ui/"))
            self.assertIn("default-src 'self'", answer.headers["Content-Security-Policy"])
            self.assertIn("ExpBuild", answer.read().decode())


class Waiting(unittest.TestCase):
    def test_a_drained_worker_is_told_as_the_reason_until_it_is_undrained(self):
        with Server(workers=1) as server:
            server.rectl("drain", "host-worker-1", check=True)
            client = subprocess.Popen(server.arguments("exec", "--target", "//x:waits", "--", "/bin/true"), stdin=subprocess.DEVNULL)
            until(lambda: server.status()["queuedActions"] == "1", "it waits")
            self.assertIn("drained", server.rectl("explain", "//x:waits").stdout)
            problems = " ".join(p["what"] for p in server.status()["problems"])
            self.assertIn("drained", problems)
            self.assertIn("1 action waits", problems)
            server.rectl("undrain", "host-*", check=True)
            self.assertEqual(client.wait(WAIT), 0)

    def test_a_restarted_worker_gives_its_action_back(self):
        with Server(workers=1) as server:
            client = subprocess.Popen(server.arguments("exec", "--target", "//x:again", "--", "/bin/sleep", "2"), stdin=subprocess.DEVNULL)
            until(lambda: server.status()["runningActions"] == "1", "it runs")
            self.assertEqual(server.rectl("restart", "host-worker-1", check=True).stdout, "host-worker-1\n")
            self.assertEqual(client.wait(WAIT), 0)
            shown = json.loads(server.rectl("--json", "show", "//x:again", check=True).stdout)
            self.assertEqual(shown["action"]["attempts"], 2)
            self.assertIn("operator", shown["lostAttempts"][0]["why"])

    def test_whoever_follows_is_told_of_each_end(self):
        with Server(workers=1) as server:
            watcher = subprocess.Popen(server.arguments("actions", "--follow"), stdout=subprocess.PIPE, text=True)

            def is_told():  # of one action or another: the first may end before the server hears of the watcher
                server.rectl("exec", "--skip-cache", "--target", "//x:seen", "--", "/bin/true", check=True)
                return select.select([watcher.stdout], [], [], 0)[0]

            until(is_told, "the watcher is told of no end")
            seen = watcher.stdout.readline()
            watcher.terminate()
            watcher.wait(WAIT)
            watcher.stdout.close()
            self.assertIn("//x:seen", seen)


if __name__ == "__main__":
    unittest.main()
