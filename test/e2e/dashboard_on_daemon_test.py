"""The dashboard in a browser, in front of a real daemon that runs real actions."""
import os
import pathlib
import signal
import subprocess
import sys
import unittest

from server import Server, until

SUITE = pathlib.Path(__file__).parent.parent / "dashboard/dashboard_test.py"
SKIPPED = 77


class OnTheDaemon(unittest.TestCase):
    def test_every_page_shows_what_really_happened(self):
        with Server(workers=2) as server:
            waiting = self.live(server)
            try:
                done = subprocess.run([sys.executable, "-B", SUITE, "-v"], capture_output=True, text=True,
                                      env={**os.environ, "EXPBUILD_DASHBOARD": f"http://127.0.0.1:{server.http_port}"})
            finally:
                for each in waiting:
                    each.send_signal(signal.SIGINT)
                    each.wait()
            if done.returncode == SKIPPED:
                self.skipTest(done.stdout)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def live(self, server):
        """A success, a failure, a refusal, a lost attempt; what runs on is answered."""
        def command(target, script, *more):
            return server.arguments("exec", "--target", target, "--mnemonic", "Genrule", *more, "--", "/bin/sh", "-c", script)

        for target, script, *more in (("//a:good", "echo well"), ("//a:bad", "echo broken >&2; exit 3"),
                                      ("//a:impossible", "true", "--platform", "OSFamily=plan9")):
            subprocess.run(command(target, script, *more), stdin=subprocess.DEVNULL, capture_output=True)
        lost = subprocess.Popen(command("//a:lost", "sleep 3"), stdin=subprocess.DEVNULL)
        busy = []
        until(lambda: busy.extend(int(w["pid"]) for w in server.status()["workers"] if w["action"]) or busy, "it runs")
        os.kill(busy[0], signal.SIGKILL)
        lost.wait()
        return [subprocess.Popen(command(f"//a:long{i}", f"sleep 30{i}"), stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                for i in range(3)]


if __name__ == "__main__":
    unittest.main()
