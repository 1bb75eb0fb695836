"""What actions find, and what is left when everything is killed."""
import os
import select
import signal
import subprocess
import unittest

from server import BIN, WAIT, Server, groups, processes, unique_seconds, until


def wait_gone(pids):
    """Until none of these processes is there."""
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        assert poll.poll(WAIT * 1000), f"process {pid} is still there"
        os.close(handle)


def with_keys(server, *keys):
    """The server's configuration with more keys in its table of workers."""
    server.config.write_text(server.config.read_text() + "\n".join(keys) + "\n")
    return server


class Sandbox(unittest.TestCase):
    def test_when_server_and_runners_are_killed_nothing_is_left(self):
        for victims in ("server", "server beside a stopped runner", "both"):
            with self.subTest(victims):
                server = Server(workers=1).start()
                sleep = f"sleep {unique_seconds()}"
                client = subprocess.Popen(server.arguments("exec", "-v", "--", "/bin/sh", "-c", f"setsid {sleep}"),
                                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                client.stderr.readline()
                until(lambda: client.poll() is not None or sleep in processes().values(), "the action does not run")
                self.assertIsNone(client.poll())
                runners = server.runner_pids()
                actions = [pid for pid, line in processes().items() if sleep in line and "rectl" not in line]
                if victims != "server":
                    os.kill(runners[0], signal.SIGSTOP)
                if victims == "both":
                    os.kill(runners[0], signal.SIGKILL)
                server.kill()
                wait_gone(runners + actions)
                client.kill()  # it would go on asking for its server
                client.communicate(timeout=WAIT)
                with server:  # the next life starts, and sweeps
                    self.assertEqual(groups(runners), [])

    def test_an_action_finds_its_own_world(self):
        with with_keys(Server(workers=1), 'isolation = "namespaces"', "max_processes = 100") as server:
            done = server.rectl("exec", "--", "/bin/sh", "-c", "uname -n; ls /; ls -A /tmp; cat /proc/sys/kernel/pid_max "
                                "> /dev/null && ls -d /proc/[0-9]* | wc -l")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("localhost\nbin\nbuild\ndev\netc\n", done.stdout)
            self.assertNotIn("\nroot\n", done.stdout)
            self.assertIn("isolation: namespaces, network: none", server.log())

    def test_a_hog_of_memory_is_told_and_never_cached(self):
        with with_keys(Server(workers=1), 'max_memory_bytes = 67108864') as server:
            for _ in range(2):
                done = server.rectl("exec", "--", "/usr/bin/perl", "-e", "print 'so far'; $| = 1; $x = 'x' x 200_000_000")
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("max_memory_bytes", done.stderr)
            self.assertEqual(int(server.status()["cachedActions"]), 0)

    def test_100_mb_of_output_come_back_whole_and_take_no_space_afterwards(self):
        with Server(workers=1) as server:  # which looks at its end whether the log is empty
            before = server.resident_mib()
            done = server.rectl("exec", "--do-not-cache", "--", "/bin/sh", "-c", "yes 123456789 | head -c 100000000")
            self.assertEqual((done.returncode, len(done.stdout)), (0, 100_000_000), done.stderr)
            self.assertEqual(done.stdout[-20:], "123456789\n" * 2)
            self.assertLess(server.resident_mib(), before + 60)
            self.assertEqual((server.folder / "work/host-worker-1/stdout").stat().st_size, 0)

    def test_what_the_system_does_not_give_stops_the_start_only_when_demanded(self):
        without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
        if os.geteuid() != 0:
            self.skipTest("not root")
        server = with_keys(Server(workers=1), 'isolation = "namespaces"')
        done = subprocess.run([*without, BIN / "re-server", "--config", server.config], capture_output=True, text=True,
                              timeout=WAIT)
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stderr, "asks for 'isolation'.*Operation not permitted")
        server.config.write_text(server.config.read_text().replace('isolation = "namespaces"', ""))
        with open(server.log_path, "ab") as log:
            server.process = subprocess.Popen([*without, BIN / "re-server", "--config", server.config], stderr=log)
        server.rectl("status", "--wait", "20", check=True)
        done = server.rectl("exec", "--", "/bin/echo", "works")
        self.assertEqual(done.stdout, "works\n", done.stderr)
        self.assertRegex(server.log(), "WARN pool: isolation can not be had here .*: actions see the host's files")
        server.__exit__(None)

    def test_a_tool_outside_of_the_system_is_readable_on_request(self):
        with with_keys(Server(workers=1), 'readable_paths = ["/var/lib/dpkg"]') as server:
            done = server.rectl("exec", "--", "/usr/bin/head", "-c", "7", "/var/lib/dpkg/status")
            self.assertEqual(done.stdout, "Package", done.stderr)


if __name__ == "__main__":
    unittest.main()
