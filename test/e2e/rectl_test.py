"""What a user does with rectl, against a real server."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from server import BIN, WAIT, ServedCase, free_port, processes, unique_seconds, until


class Rectl(ServedCase):
    def test_output_and_exit_code_are_the_commands_own(self):
        done = self.server.rectl("exec", "--", "/bin/sh", "-c", "echo out; echo err >&2; exit 7")
        self.assertEqual((done.stdout, done.stderr, done.returncode), ("out\n", "err\n", 7))

    def test_inputs_go_there_and_outputs_come_back(self):
        with tempfile.TemporaryDirectory() as folder:
            inputs, outputs = pathlib.Path(folder, "in"), pathlib.Path(folder, "out")
            (inputs / "sub").mkdir(parents=True)
            (inputs / "sub/data").write_text("data")
            (inputs / "big").write_bytes(os.urandom(3 << 20))
            (inputs / "link").symlink_to("sub/data")
            script = "mkdir -p t/u; cp big t/u/copy; cat link > o; chmod +x o; ln -s o l"
            done = self.server.rectl("exec", "--input", inputs, "--output", "o", "--output", "t", "--output", "l",
                                     "--download", outputs, "--", "/bin/sh", "-c", script)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual((outputs / "o").read_text(), "data")
            self.assertTrue(os.access(outputs / "o", os.X_OK))
            self.assertEqual((outputs / "t/u/copy").read_bytes(), (inputs / "big").read_bytes())
            self.assertEqual(os.readlink(outputs / "l"), "o")

    def test_a_second_run_comes_from_the_cache(self):
        before = int(self.server.status()["cachedActions"])
        first = self.server.rectl("exec", "--", "/bin/sh", "-c", "date +%s%N")
        second = self.server.rectl("exec", "--", "/bin/sh", "-c", "date +%s%N")
        self.assertEqual(first.stdout, second.stdout)
        self.assertEqual(int(self.server.status()["cachedActions"]), before + 1)
        third = self.server.rectl("exec", "--skip-cache", "--", "/bin/sh", "-c", "date +%s%N")
        self.assertNotEqual(first.stdout, third.stdout)

    def test_a_timeout_keeps_the_output_so_far(self):
        sleep = f"sleep {unique_seconds()}"
        done = self.server.rectl("exec", "--action-timeout", "3", "--", "/bin/sh", "-c", f"echo so far; {sleep}")
        self.assertEqual((done.stdout, done.returncode), ("so far\n", 124))
        self.assertNotIn(sleep, processes().values())

    def test_a_program_that_is_not_there_is_named(self):
        done = self.server.rectl("exec", "--", "no-such-program")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot start no-such-program: No such file or directory", done.stderr)

    def test_a_platform_that_nobody_offers_is_named_with_what_is_on_offer(self):
        done = self.server.rectl("exec", "--platform", "OSFamily=plan9", "--", "/bin/true")
        self.assertIn("OSFamily=plan9", done.stderr)
        self.assertIn("OSFamily=linux", done.stderr)

    def test_an_unknown_instance_is_refused_in_words(self):
        done = self.server.rectl("--instance", "other", "exec", "--", "/bin/true")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("other", done.stderr)

    def test_status_shows_the_stores_room(self):
        cas = self.server.status()["cas"]
        for key in ("usedBytes", "maxBytes", "promisedBytes", "blobs", "evictedBlobs"):
            self.assertGreaterEqual(int(cas[key]), 0, key)
        self.assertGreater(int(cas["maxBytes"]), int(cas["usedBytes"]))
        self.assertRegex(self.server.rectl("status", check=True).stdout,
                         r"storage +[0-9.]+ [KMGT]?i?B of [0-9.]+ [KMGT]?i?B used, [0-9.]+ [KMGT]?i?B promised")

    def test_the_trace_tells_the_story_of_an_operation(self):
        done = self.server.rectl("exec", "-v", "--do-not-cache", "--", "/bin/true")
        name = done.stderr.split()[1]
        tree = self.server.rectl("trace", name, check=True).stdout
        for message in ("execute", "submit", "run_job", "inputs_staged", "command_finished", "job_done", "retire"):
            self.assertIn(message, tree)
        events = json.loads(self.server.rectl("--json", "trace", name[:8], check=True).stdout)["events"]
        spans = {e["span"] for e in events}
        self.assertTrue(any(e["parentSpan"] in spans for e in events))
        self.assertEqual(self.server.rectl("trace", "nothing-like-it").returncode, 5)

    def test_capabilities_are_honest(self):
        found = json.loads(self.server.rectl("--json", "capabilities", check=True).stdout)
        self.assertEqual(found["lowApiVersion"]["major"], 2)
        for key in ("supportedCompressors", "supportedBatchUpdateCompressors"):
            self.assertEqual(found["cacheCapabilities"][key], ["ZSTD", "DEFLATE"])
        self.assertTrue(found["executionCapabilities"]["execEnabled"])

    def test_a_server_that_is_not_there_is_told_with_the_next_step(self):
        done = subprocess.run([BIN / "rectl", "--server", "127.0.0.1:1", "status", "--wait", "1"],
                              capture_output=True, text=True, timeout=WAIT)
        self.assertEqual(done.returncode, 3)
        self.assertIn("./dev run", done.stderr)

    def test_a_large_input_root_is_shared_and_nobody_notices(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder, "source")
            (source / "in").mkdir(parents=True)
            for i in range(100):
                (source / "in" / f"f{i}").write_text(f"{i}\n")
            script = "cat in/* | sort -n | tail -1; rm -f in/f1 in/f2; echo changed > in/f2; echo new > in/new"
            for run in ("first", "second"):
                there = pathlib.Path(folder, run)
                done = self.server.rectl("exec", "--skip-cache", "--input", source, "--output", "in",
                                         "--download", there, "--", "/bin/sh", "-c", script)
                self.assertEqual((done.returncode, done.stdout), (0, "99\n"), done.stderr)
                made = {x.name: x.read_text() for x in (there / "in").iterdir()}
                self.assertEqual(len(made), 100)
                self.assertEqual((made["f0"], made["f2"], made["new"]), ("0\n", "changed\n", "new\n"))
                self.assertNotIn("f1", made)

    def test_a_server_without_workers_serves_from_memory_as_a_cache_only(self):
        with tempfile.TemporaryDirectory() as folder:
            port, config = free_port(), pathlib.Path(folder, "server.toml")
            config.write_text(f"""
[server]
address = "127.0.0.1:{port}"
[http]
address = ""
[storage.cas]
backend = "memory"
[storage.action_cache]
backend = "memory"
[[execution.pool.workers]]
type = "host"
count = 0
""")
            server = subprocess.Popen([BIN / "re-server", "--config", config], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            status = subprocess.run([BIN / "rectl", "--server", f"127.0.0.1:{port}", "status", "--wait", "20"],
                                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT)
            server.send_signal(signal.SIGTERM)
            log = server.communicate(timeout=WAIT)[1]
            self.assertEqual((status.returncode, server.returncode), (0, 0), log)
            self.assertIn("cache only", log)

    def test_every_stage_of_an_action_is_measured(self):
        self.server.rectl("exec", "--skip-cache", "--", "/bin/true", check=True)
        for stage in ("queue", "fetch", "exec", "upload"):
            name = f'expbuild_action_stage_seconds_count{{pool="host",stage="{stage}"}}'
            self.assertGreater(self.server.metric(name), 0, name)

    def test_log_lines_are_as_the_guide_says(self):
        log = self.server.log()
        for line in log.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (DEBUG|INFO|WARN|ERROR) [a-z_]+: ")
        for text in ("Configuration loaded from", "Storage initialised", "Creating 2 host workers",
                     "Registered worker: host-worker-1", "Worker pool started with 2 workers", "Serving gRPC on"):
            self.assertIn(text, log)


class Purge(ServedCase):
    options = {"workers": 1}

    def exec(self, command, mnemonic=""):
        """Its output: the same again only while its result is cached."""
        told = ("--mnemonic", mnemonic, "--target", "//:" + mnemonic) if mnemonic else ()
        return self.server.rectl("exec", *told, "--", "/bin/sh", "-c", f"{command}; date +%s%N", check=True).stdout

    def purge(self, *conditions):
        return json.loads(self.server.rectl("--json", "purge", *conditions, check=True).stdout)

    def setUp(self):
        super().setUp()
        self.purge("--all", "--yes")

    def test_by_mnemonic_after_a_dry_run(self):
        compiled, linked = self.exec(": compile", "CppCompile"), self.exec(": link", "CppLink")
        dry = self.purge("--mnemonic", "CppCompile", "--dry-run")
        self.assertEqual((dry["lookedAtResults"], dry["matchedResults"], dry["removedResults"]), ("2", "1", "0"))
        self.assertGreater(int(dry["matchedBytes"]), 0)
        sample, = dry["samples"]
        self.assertEqual((sample["worker"], sample["mnemonic"], sample["targetId"]),
                         ("host-worker-1", "CppCompile", "//:CppCompile"))
        self.assertEqual(self.exec(": compile", "CppCompile"), compiled)
        done = self.purge("--mnemonic", "CppCompile", "--yes")
        self.assertEqual((done["removedResults"], done["removedBytes"]), ("1", dry["matchedBytes"]))
        self.assertNotEqual(self.exec(": compile", "CppCompile"), compiled)
        self.assertEqual(self.exec(": link", "CppLink"), linked)

    def test_by_worker(self):
        before = self.exec(": work")
        self.assertEqual(self.purge("--worker", "host-worker-2", "--yes")["removedResults"], "0")
        self.assertEqual(self.exec(": work"), before)
        text = self.server.rectl("purge", "--worker", "host-worker-1", "--dry-run", check=True).stdout
        self.assertRegex(text, r"would remove 1 result, [0-9.]+ K?i?B \(looked at 1\)")
        text = self.server.rectl("purge", "--worker", "host-worker-1", "--yes", check=True).stdout
        self.assertIn("removed 1 result, ", text)
        self.assertNotEqual(self.exec(": work"), before)

    def test_by_time(self):
        before = self.exec(": time")
        self.assertEqual(self.purge("--older-than", "1h", "--yes")["matchedResults"], "0")
        self.assertEqual(self.exec(": time"), before)
        self.assertEqual(self.purge("--newer-than", "1h", "--dry-run")["matchedResults"], "1")
        self.assertEqual(self.purge("--newer-than", "1h", "--yes")["removedResults"], "1")
        self.assertNotEqual(self.exec(": time"), before)

    def test_what_was_purged_stays_away_after_a_crash_and_the_rest_is_still_known(self):
        gone, kept = self.exec(": gone", "Gone"), self.exec(": kept", "Kept")
        self.purge("--mnemonic", "Gone", "--yes")
        self.server.kill()
        self.server.start()
        self.assertEqual(self.exec(": kept", "Kept"), kept)
        self.assertEqual(self.purge("--mnemonic", "Kept", "--dry-run")["matchedResults"], "1")
        self.assertNotEqual(self.exec(": gone", "Gone"), gone)

    def test_nothing_goes_unless_somebody_said_what_and_that_it_is_meant(self):
        before = self.exec(": stays")
        for arguments, why in (((), "--all"), (("--all", "--worker", "w"), "--all alone"),
                               (("--all",), "--dry-run shows what would go, --yes removes it"),
                               (("--older-than", "soon", "--yes"), "'soon' is no time span"),
                               (("--json", "--worker", "host-worker-1"), "--yes")):
            done = self.server.rectl("purge", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn(why, done.stderr)
        self.assertEqual(self.exec(": stays"), before)

    def test_a_terminal_is_asked(self):
        before = self.exec(": asked")
        for answer, code in ((b"n\n", 1), (b"y\n", 0)):
            ours, its = os.openpty()
            os.write(ours, answer)
            done = subprocess.run(self.server.arguments("purge", "--all"), stdin=its, capture_output=True, text=True,
                                  timeout=WAIT)
            os.close(its)
            os.close(ours)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertIn("would remove 1 result", done.stdout)
            self.assertIn("Remove them?", done.stderr)
            if code:
                self.assertIn("nothing was removed", done.stderr)
                self.assertEqual(self.exec(": asked"), before)
        self.assertNotEqual(self.exec(": asked"), before)


class Interrupted(ServedCase):
    options = {"workers": 1}

    def test_ctrl_c_cancels_on_the_server(self):
        seconds = unique_seconds()
        command = self.server.arguments("exec", "-v", "--", "/bin/sleep", seconds)
        client = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.assertIn("operation", client.stderr.readline())
        until(lambda: f"/bin/sleep {seconds}" in processes().values(), "it does not run")
        client.send_signal(signal.SIGINT)
        self.assertEqual(client.wait(WAIT), 130)
        client.stderr.close()
        done = self.server.rectl("exec", "--skip-cache", "--", "/bin/true")  # once the worker is done with the other
        self.assertEqual(done.returncode, 0)
        self.assertNotIn(f"/bin/sleep {seconds}", processes().values())


class TimeToLive(ServedCase):
    options = {"workers": 1, "extra": "ttl_seconds = 1"}

    def test_a_result_is_used_until_its_time_is_over_however_often_it_is_asked_for(self):
        def run():
            return self.server.rectl("exec", "--", "/bin/sh", "-c", "date +%s%N", check=True).stdout
        first = run()
        until(lambda: run() != first, "a result outlives its time when it is asked for all the while")


if __name__ == "__main__":
    unittest.main()
