"""Every rule of the protocol, asked of the real server."""
import json
import subprocess
import unittest

from server import BIN, Server

TIME_LIMIT = 240  # seconds: a run takes 50 where nothing else runs


def conformance(server, *arguments):
    return subprocess.run([BIN / "rectl", "--json", "conformance", f"grpc://127.0.0.1:{server.port}", *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIME_LIMIT)


class Conformance(unittest.TestCase):
    maxDiff = None

    def test_every_rule_that_is_offered_is_kept(self):
        with Server(workers=2) as server:
            done = conformance(server)
            told = json.loads(done.stdout)
            broken = [f"{x['check']}: {x['detail']}" for x in told["checks"] if x["verdict"] == "FAIL"]
            self.assertEqual(broken, [], "\n".join(broken))
            self.assertEqual(done.returncode, 0)
            self.assertGreater(told["passed"], 250)

    def test_a_server_without_execution_is_asked_for_its_cache_only(self):
        with Server(workers=1, extra="[capabilities]\nexec_enabled = false\n") as server:
            told = json.loads(conformance(server, "--filter", r"^(execution|read)\.").stdout)
            self.assertEqual({x["check"].split(".")[0] for x in told["checks"] if x["verdict"] == "not offered"},
                             {"execution"})
            self.assertTrue(all(x["verdict"] == "pass" for x in told["checks"] if x["check"].startswith("read.")))

    def test_a_broken_rule_is_told_and_fails_the_run(self):
        # The least limit that can be configured is one that the rules call tiny.
        with Server(workers=1, extra="[capabilities]\nmax_batch_total_size_bytes = 65536\n") as server:
            done = conformance(server, "--filter", "neither_zero_nor_tiny")
            self.assertEqual(done.returncode, 1)
            self.assertIn("came 61440", json.loads(done.stdout)["checks"][0]["detail"])

    def test_names_are_unique_and_listed_with_their_rules(self):
        done = subprocess.run([BIN / "rectl", "conformance", "--list", "--markdown"], capture_output=True, text=True)
        names = [line.split("|")[1] for line in done.stdout.splitlines()[2:]]
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 250)


if __name__ == "__main__":
    unittest.main()
