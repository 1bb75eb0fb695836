"""What a server says of itself: to the service manager that started it, and when something stalls."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import unittest

from reapi import execute_all, store_action
from server import WAIT, Server, until


class Manager:
    """What systemd is to the server: a socket that hears it."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1))
        self.socket.settimeout(WAIT)
        self.heard = []

    def hear(self, line):
        """Listens until this line has come; returns what came before it."""
        before = []
        while True:
            lines = self.socket.recv(4096).decode().splitlines()
            self.heard += lines
            if line in lines:
                return before
            before += lines


class Notified(unittest.TestCase):
    def serve(self, address, **environment):
        manager = Manager(address)
        self.addCleanup(manager.socket.close)
        return manager, Server(environment={"NOTIFY_SOCKET": address, **environment})

    def addresses(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        return f"{folder.name}/notify", f"@expbuild-test-{os.getpid()}"

    def test_the_manager_hears_that_we_serve_and_live_and_stop(self):
        for address in self.addresses():
            with self.subTest(address):
                manager, server = self.serve(address, WATCHDOG_USEC="2000000")  # a busy machine may hold us up for one
                with server:
                    self.assertEqual(manager.hear("READY=1"), [])
                    for _ in range(2):
                        manager.hear("WATCHDOG=1")
                    manager.hear("STATUS=0 running, 0 queued, 2 workers")
                    self.assertNotIn("STOPPING=1", manager.heard)
                    server.process.send_signal(signal.SIGTERM)
                    manager.hear("STOPPING=1")
                    self.assertEqual(server.process.wait(WAIT), 0)
                    self.assertNotIn("hears nothing of us", server.log())

    def test_the_manager_hears_how_much_runs(self):
        manager, server = self.serve(self.addresses()[0], WATCHDOG_USEC="200000")
        with server, tempfile.TemporaryDirectory() as folder:
            exec_ = subprocess.Popen(server.arguments("exec", "--", "/bin/sleep", "1000"), cwd=folder,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            manager.hear("STATUS=1 running, 0 queued, 2 workers")
            name = server.rectl("operations", check=True).stdout.split()[0]
            server.rectl("cancel", name, check=True)
            exec_.wait(WAIT)
            manager.hear("STATUS=0 running, 0 queued, 2 workers")

    def test_without_a_watchdog_nobody_is_told_that_we_live(self):
        for environment in ({}, {"WATCHDOG_USEC": "100000", "WATCHDOG_PID": "1"}):
            manager, server = self.serve(self.addresses()[0], **environment)
            with server:
                manager.hear("READY=1")
                server.process.send_signal(signal.SIGTERM)
                manager.hear("STOPPING=1")
            self.assertNotIn("WATCHDOG=1", manager.heard)

    def test_what_actions_run_hears_nothing_of_the_manager(self):
        manager, server = self.serve(self.addresses()[0])
        with server:
            manager.hear("READY=1")
            for pid in server.runner_pids():
                self.assertNotIn(b"NOTIFY_SOCKET", pathlib.Path(f"/proc/{pid}/environ").read_bytes())

    def test_a_socket_that_is_not_there_is_told_and_does_no_harm(self):
        for address in ("/nowhere/notify", "nonsense"):
            with Server(environment={"NOTIFY_SOCKET": address}) as server:
                self.assertIn("service manager will not hear of us", server.log())


class Stalls(unittest.TestCase):
    """On a busy machine a step may take a second or two, and that is no fault."""
    watched = "[watchdog]\npatience_seconds = 5"

    def test_a_command_that_nobody_ends_is_an_alarm_until_it_ends(self):
        with Server(workers=1, extra=self.watched) as server:
            self.assertEqual(server.metric("expbuild_watchdog_alarms_total"), 0)
            runner, = server.runner_pids()
            exec_ = subprocess.Popen(server.arguments("exec", "--action-timeout", "3", "--", "/bin/sleep", "1000"),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            until(lambda: pathlib.Path(f"/proc/{runner}/task/{runner}/children").read_text(), "there is no command")
            os.kill(runner, signal.SIGSTOP)  # it ends nothing any more
            try:
                until(lambda: server.metric('expbuild_watchdog_alarms_total{kind="silent_action"}') == 1, server.log)
                said, = [x for x in server.log().splitlines() if " ERROR " in x]
                self.assertIn("beyond its timeout of 3 s", said)
                self.assertIn("scheduler -> worker host-worker-1 run_job", said)
                problem = server.status()["problems"][0]
                self.assertIn("beyond its timeout of 3 s", problem["what"])
                self.assertIn("rectl restart host-worker-1", problem["nextStep"])
            finally:
                os.kill(runner, signal.SIGCONT)
            self.assertNotEqual(exec_.wait(WAIT), 0)
            until(lambda: "over: action " in server.log(), server.log)
            self.assertFalse(server.status().get("problems"))
            self.assertEqual(server.metric("expbuild_watchdog_alarms_total"), 1)

    def test_work_as_usual_is_no_alarm(self):
        with Server(workers=2, extra=self.watched) as server:
            requests = [store_action(server, f"sleep 9; exit {i}") for i in range(2)]  # it is looked at every 2.5 s
            self.assertEqual([x.exit_code for x in execute_all(server, requests, 2)], [0, 1])
            self.assertEqual(server.metric("expbuild_watchdog_alarms_total"), 0)


if __name__ == "__main__":
    unittest.main()
