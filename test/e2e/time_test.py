"""A server whose clock jumps, that is suspended, or whose files say that they are of another age."""
import os
import pathlib
import signal
import sys
import tempfile
import threading
import time
import unittest

import storage_test
from reapi import execute_all, find_missing, read, store, store_action
from server import Server, until
from storage_test import on

LONG = "--long" in sys.argv
FAKER = next(pathlib.Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)
LATER, EARLIER, AT_THE_BEGINNING = "+1h", "-1h", "@1970-01-02 00:00:00"
CACHED = ("exec", "--", "/bin/sh", "-c", "echo $$ $(cat /proc/uptime)")


@unittest.skipUnless(FAKER, "needs libfaketime")
class Clocks(unittest.TestCase):
    """Only the wall clock is faked: timers keep running, as they do when somebody sets the clock."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="expbuild-store-")
        self.addCleanup(temporary.cleanup)
        self.disk = pathlib.Path(temporary.name)
        self.clock = self.disk / "clock"
        self.set_clock("+0")

    def set_clock(self, what):
        new = self.clock.with_suffix(".new")
        new.write_text(what + "\n")
        new.replace(self.clock)

    def server(self):
        server = on(self.disk, extra="max_size_bytes = 20000000\nlease_seconds = 10800",
                    environment={"LD_PRELOAD": str(FAKER), "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                                 "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
        server.config.write_text(server.config.read_text().replace(f"{server.folder}/action_cache",
                                                                   f"{self.disk}/action_cache"))
        return server

    def check_promises(self, server, taken):
        """The store is full of them, and they hold."""
        self.assertFalse(storage_test.FullDisks.stored(server, [os.urandom(200_000) for _ in range(40)]))
        self.assertEqual(find_missing(server, *taken), [])

    def run_cached(self, server):
        done = server.rectl(*CACHED)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_a_jump_of_the_clock_ends_no_lease_and_no_result_and_no_action(self):
        with self.server() as server:
            said = self.run_cached(server)
            slow = store_action(server, "sleep 0.1")
            taken = storage_test.FullDisks.fill(self, server)
            for when in (LATER, EARLIER, AT_THE_BEGINNING, "+0"):
                self.set_clock(when)
                self.assertEqual(self.run_cached(server), said)
                self.assertEqual([x.exit_code for x in execute_all(server, [slow] * 2, 2)], [0, 0])
                self.check_promises(server, taken)
            self.assertIn("\n1970-01-0", server.log())  # it did believe us
            self.assertEqual(server.metric("expbuild_worker_restarts_total"), 0)

    def test_a_jump_of_the_clock_between_two_runs_ends_no_lease_and_no_result(self):
        with self.server() as server:
            said = self.run_cached(server)
            taken = storage_test.FullDisks.fill(self, server)
        for when in (LATER, EARLIER, AT_THE_BEGINNING):
            self.set_clock(when)
            with self.server() as server:
                self.assertEqual(self.run_cached(server), said)
                self.check_promises(server, taken)


class Suspended(unittest.TestCase):
    def test_a_server_that_is_suspended_goes_on_where_it_was(self):
        with Server(workers=2) as server:
            requests = [store_action(server, f"sleep 0.5; echo {number}") for number in range(12)]
            outcomes = []
            builder = threading.Thread(target=lambda: outcomes.extend(execute_all(server, requests, 8)))
            builder.start()
            for pause in (60 if LONG else 3, 1):
                before = server.metric("expbuild_actions_total")
                until(lambda count=before: server.metric("expbuild_actions_total") > count, "nothing goes on")
                os.kill(server.process.pid, signal.SIGSTOP)
                time.sleep(pause)
                os.kill(server.process.pid, signal.SIGCONT)
            builder.join()
            self.assertEqual([x.exit_code for x in outcomes], [0] * 12, outcomes)
            self.assertEqual(server.metric("expbuild_actions_total"), 12)
            self.assertEqual(server.metric("expbuild_action_retries_total"), 0)
            self.assertEqual(server.metric("expbuild_worker_restarts_total"), 0)
            self.assertNotRegex(server.log(), " (WARN|ERROR) ")


class Ages(unittest.TestCase):
    def test_files_from_the_year_2100_change_nothing(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            server = on(disk)
            server.config.write_text(server.config.read_text().replace(f"{server.folder}/action_cache",
                                                                       f"{disk}/action_cache"))
            server.start()
            said = server.rectl(*CACHED, check=True).stdout
            blobs = [os.urandom(size) for size in (100, 5000, 20_000, 100_000)]
            store(server, *blobs)

            def check():
                self.assertEqual(find_missing(server, *blobs), [])
                for blob in blobs:
                    self.assertEqual(read(server, blob), [blob])
                self.assertEqual(server.rectl(*CACHED, check=True).stdout, said)
                self.assertEqual(server.metric("expbuild_cas_lost_total"), 0)

            until(lambda: not os.listdir(f"{disk}/cas/pending"), "a file is not where it is for good")
            self.age(disk)
            check()
            self.assertEqual(server.stop(), 0)
            self.age(disk)
            with server:
                check()

    @staticmethod
    def age(disk):
        then = time.mktime((2100, 1, 1, 0, 0, 0, 0, 0, 0))
        for path in pathlib.Path(disk).rglob("*"):
            os.utime(path, (then, then))


if __name__ == "__main__":
    unittest.main(argv=[x for x in sys.argv if x != "--long"])
