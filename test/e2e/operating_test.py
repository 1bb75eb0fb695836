"""What whoever runs a server does with rectl: doctor, top, bazelrc, completion."""
import os
import pty
import signal
import subprocess
import unittest

from server import BIN, WAIT, Server, ServedCase, free_port


class Doctor(ServedCase):
    options = {"workers": 1}

    def test_a_well_server_is_told_to_be_well_after_an_action_went_there_and_back(self):
        done = self.server.rectl("doctor")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for line in ("answers at", "the server sees nothing wrong", "went there and back", "the clocks agree"):
            self.assertIn(line, done.stdout)

    def test_what_is_wrong_is_told_with_the_next_step(self):
        worker = self.server.status()["workers"][0]["name"]
        self.server.rectl("drain", worker, check=True)
        self.addCleanup(self.server.rectl, "undrain", worker)
        done = self.server.rectl("--timeout", "2", "doctor")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("drained", done.stdout)
        self.assertIn("rectl undrain", done.stdout)
        self.assertIn("not done after 2 s", done.stdout)
        self.assertEqual(int(self.server.status().get("queuedActions", 0)), 0)  # it took back what it asked for

    def test_a_server_that_is_not_there_is_told(self):
        done = subprocess.run([BIN / "rectl", "--server", f"127.0.0.1:{free_port()}", "doctor"], capture_output=True,
                              text=True, timeout=WAIT)
        self.assertEqual(done.returncode, 3, done.stdout + done.stderr)


class Bazelrc(ServedCase):
    def test_the_lines_name_this_server_as_the_executor(self):
        lines = self.server.rectl("bazelrc", check=True).stdout.splitlines()
        self.assertIn(f"build:remote --remote_executor=grpc://127.0.0.1:{self.server.port}", lines)
        self.assertTrue(all(x.startswith(("#", "build:remote --")) for x in lines), lines)

    def test_a_cache_is_named_as_a_cache(self):
        with Server(extra="[capabilities]\nexec_enabled = false\n") as cache:
            lines = cache.rectl("bazelrc", check=True).stdout
            self.assertIn(f"--remote_cache=grpc://127.0.0.1:{cache.port}", lines)
            self.assertNotIn("--remote_executor", lines)


class Completion(unittest.TestCase):
    def complete(self, *words):
        script = subprocess.run([BIN / "rectl", "completion", "bash"], capture_output=True, text=True, check=True)
        asked = f'COMP_WORDS=({" ".join(words)}); COMP_CWORD={len(words) - 1}; _rectl; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(["bash", "-c", script.stdout + asked], capture_output=True, text=True, check=True)
        return done.stdout.split()

    def test_bash_completes_verbs_and_their_options(self):
        self.assertEqual(self.complete("rectl", "expl"), ["explain"])
        self.assertEqual(self.complete("rectl", "trace", "--form"), ["--format"])
        self.assertIn("undrain", self.complete("rectl", "''"))

    def test_every_shell_is_told_every_verb(self):
        helped = subprocess.run([BIN / "rectl", "--help"], capture_output=True, text=True, check=True).stdout
        self.assertIn("explain", helped)
        for shell in ("bash", "zsh", "fish"):
            script = subprocess.run([BIN / "rectl", "completion", shell], capture_output=True, text=True, check=True)
            for verb in ("exec", "explain", "trace", "top", "doctor"):
                self.assertIn(verb, script.stdout, shell)


class Top(ServedCase):
    options = {"workers": 1}

    def test_the_screen_shows_workers_and_actions_until_ctrl_c_and_is_given_back(self):
        ours, its = pty.openpty()
        top = subprocess.Popen(self.server.arguments("top"), stdin=its, stdout=its, stderr=its)
        os.close(its)
        self.addCleanup(os.close, ours)
        self.addCleanup(top.kill)
        shown = b""

        def read_until(text):
            nonlocal shown
            while text not in shown:
                shown += os.read(ours, 65536)  # ends with an error when the program is gone

        read_until(b"restarts")
        self.assertTrue(shown.startswith(b"\x1b[?1049h"), shown[:40])
        self.server.rectl("exec", "--skip-cache", "--target", "//:topped", "--", "/bin/true", check=True)
        read_until(b"//:topped")
        top.send_signal(signal.SIGINT)
        read_until(b"\x1b[?1049l")
        self.assertEqual(top.wait(WAIT), 0)

    def test_without_a_terminal_it_names_what_scripts_take(self):
        done = self.server.rectl("top")
        self.assertEqual(done.returncode, 2)
        self.assertIn("actions --follow", done.stderr)


if __name__ == "__main__":
    unittest.main()
