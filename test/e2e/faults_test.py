"""kill -9, stops, and second servers."""
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import unittest

from reapi import action, command, directory, execute_all, execute_request, store
from server import BIN, WAIT, Server, processes, unique_seconds, until


class Faults(unittest.TestCase):
    def test_a_killed_runner_costs_no_action_and_comes_back(self):
        with Server(workers=1) as server:
            command = server.arguments("exec", "-v", "--output", "o", "--download", server.folder / "out", "--",
                                       "/bin/sh", "-c", "sleep 1; echo made > o; echo done")
            client = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            client.stderr.readline()
            killed = server.runner_pids()[0]
            os.kill(killed, signal.SIGKILL)
            out, err = client.communicate(timeout=WAIT)
            self.assertEqual((out, client.returncode), ("done\n", 0), err)
            self.assertEqual(server.metric("expbuild_worker_restarts_total"), 1)
            self.assertIn("was killed by signal 9", server.log())
            self.assertNotEqual(server.runner_pids(), [killed])

    def test_a_runner_that_can_not_start_backs_off_and_does_not_spin(self):
        with tempfile.TemporaryDirectory() as folder:
            binary = pathlib.Path(folder, "re-server")
            binary.write_bytes((BIN / "re-server").read_bytes())  # no re-runner beside it
            binary.chmod(0o755)
            server = Server(workers=1)
            with open(server.log_path, "ab") as log:
                server.process = subprocess.Popen([binary, "--config", server.config], stderr=log)
            server.rectl("status", "--wait", "20", check=True)
            status = server.status()["workers"][0]
            self.assertIn("cannot start runner", server.log())
            self.assertIn(status["state"], ("BACKOFF", "STARTING", "QUARANTINED"))
            self.assertLess(server.log().count("cannot start runner"), 15)
            self.assertEqual(server.stop(), 0)
            shutil.rmtree(server.folder)

    def test_what_was_acknowledged_survives_kill_9_in_mid_upload(self):
        with tempfile.TemporaryDirectory() as folder:
            for i in range(300):
                pathlib.Path(folder, f"f{i}").write_bytes(os.urandom(40_000))
            server = Server(workers=1).start()
            stored = server.rectl("exec", "--output", "copy", "--download", server.folder / "out", "--",
                                  "/bin/sh", "-c", "echo kept > copy")
            self.assertEqual(stored.returncode, 0, stored.stderr)
            upload = subprocess.Popen(server.arguments("exec", "--input", folder, "--", "/bin/true"),
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while not any((server.folder / "cas/pending").glob("*-40000")):
                self.assertIsNone(upload.poll())
            server.kill()
            upload.kill()  # once it has sent everything it waits for its server for ever
            upload.wait(WAIT)
            for where in ("blobs", "pending"):
                for path in (server.folder / "cas" / where).rglob("*-40000"):
                    self.assertEqual(path.stat().st_size, 40_000, path)
            with server:  # the same store
                again = server.rectl("exec", "--output", "copy", "--download", server.folder / "out2", "--",
                                     "/bin/sh", "-c", "echo kept > copy")
                self.assertEqual(again.returncode, 0, again.stderr)
                self.assertEqual((server.folder / "out2/copy").read_text(), "kept\n")
                self.assertEqual(int(server.status()["cachedActions"]), 1)
                full = server.rectl("exec", "--input", folder, "--", "/bin/sh", "-c", "ls | wc -l")
                self.assertEqual(full.stdout, "300\n", full.stderr)

    def test_a_blob_that_vanished_from_the_disk_can_be_uploaded_again(self):
        with Server() as server:
            large = os.urandom(100_000)
            root, run = directory(large=large), command("/bin/sh", "-c", "wc -c < large")
            blobs = (large, root, run, action(run, root))
            store(server, *blobs)
            request = execute_request(blobs[-1])
            self.assertEqual(execute_all(server, [request], 1)[0].exit_code, 0)
            until(lambda: any((server.folder / "cas/blobs").rglob("*-100000")), "it is not where it is for good")
            [file] = (server.folder / "cas/blobs").rglob("*-100000")
            file.unlink()
            [outcome] = execute_all(server, [request], 1)
            self.assertEqual(outcome.code, 9, outcome)  # FAILED_PRECONDITION: it is missing
            store(server, *blobs)
            self.assertEqual(execute_all(server, [request], 1)[0].exit_code, 0)

    def test_a_stop_lets_running_actions_end(self):
        server = Server()
        with server:
            client = subprocess.Popen(server.arguments("exec", "-v", "--", "/bin/sh", "-c", "sleep 1; echo ended"),
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            client.stderr.readline()
            self.assertEqual(server.stop(), 0)
            out, err = client.communicate(timeout=WAIT)
            self.assertEqual(out, "ended\n", err)

    def test_a_stop_answers_what_lasts_longer_than_it_waits(self):
        seconds = unique_seconds()
        with Server(extra="[execution.pool]\ndrain_timeout_seconds = 1\n") as server:
            client = subprocess.Popen(server.arguments("exec", "-v", "--", "/bin/sleep", seconds),
                                      stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            client.stderr.readline()
            self.assertEqual(server.stop(), 0)
            _, err = client.communicate(timeout=WAIT)
            self.assertIn("shutting down", err)
            self.assertNotIn(f"/bin/sleep {seconds}", processes().values())

    def test_a_second_server_on_the_same_store_is_refused(self):
        with Server() as server:
            text = server.config.read_text().replace(str(server.port), "0").replace(str(server.http_port), "0")
            other = server.folder / "other.toml"
            other.write_text(text)
            done = subprocess.run([BIN / "re-server", "--config", other], capture_output=True, text=True, timeout=WAIT)
            self.assertEqual(done.returncode, 3)
            self.assertIn(f"in use by process {server.process.pid}", done.stderr)

    def test_a_second_server_on_the_same_port_is_refused(self):
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            text = server.config.read_text().replace(str(server.folder), folder)
            other = pathlib.Path(folder, "other.toml")
            for taken, free in ((server.port, server.http_port), (server.http_port, server.port)):
                other.write_text(text.replace(f":{free}", ":0"))
                done = subprocess.run([BIN / "re-server", "--config", other], capture_output=True, text=True,
                                      timeout=WAIT)
                self.assertEqual(done.returncode, 3)
                self.assertIn(f"cannot listen on 127.0.0.1:{taken}", done.stderr)

    def test_a_bad_configuration_is_told_whole_and_stops_the_start(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder, "bad.toml")
            bad.write_text('[server]\naddres = "x"\n[execution.pool]\nmax_queue_size = -1\n')
            for arguments in (["check-config", bad], ["--config", bad]):
                done = subprocess.run([BIN / "re-server", *arguments], capture_output=True, text=True, timeout=WAIT)
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"{bad}:2:1: error: unknown key 'addres' in [server] (did you mean 'address'?)",
                              done.stderr)
                self.assertIn(f"{bad}:4:18: error:", done.stderr)


if __name__ == "__main__":
    unittest.main()
