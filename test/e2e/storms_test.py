"""Much at once, and what is left of it: no process, mount, file or descriptor, and every Execute has ended.
With --long also what takes minutes."""
import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from reapi import action, command, directory, execute_all, execute_request, store, store_action
from server import Server, groups, until

LONG = "--long" in sys.argv
RESOURCE_EXHAUSTED = 8


def descendants(pid):
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(child)]
    return found


@contextlib.contextmanager
def mounted(folder):
    """A disk of 16 MiB, reachable for the users of actions."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=0755", "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)  # nothing holds it any more


class Leftovers:
    """What a server, its runners and their folder hold; compared before and after."""

    def __init__(self, server):
        runners = server.runner_pids()
        self.descriptors = server.open_files()
        self.runner_descriptors = [len(os.listdir(f"/proc/{pid}/fd")) for pid in runners]
        self.processes = len(descendants(server.process.pid))
        self.mounts = len(pathlib.Path("/proc/self/mounts").read_text().splitlines())
        self.runner_mounts = [len(pathlib.Path(f"/proc/{pid}/mounts").read_text().splitlines()) for pid in runners]
        self.groups = len(groups(runners))
        self.temporary = len(list((server.folder / "cas/tmp").iterdir()))
        self.attempts = [x.name for slot in (server.folder / "work").iterdir()
                         for x in slot.glob("attempt-*")]


class Storms(unittest.TestCase):
    @contextlib.contextmanager
    def stormed(self, **options):
        """A server that has done some work already, which opens what it will keep open."""
        with Server(**options) as server:
            self.honest_and_gone(server)
            before = Leftovers(server)
            yield server
            self.honest_and_gone(server)
            self.maxDiff = None
            until(lambda: Leftovers(server).descriptors <= before.descriptors,
                  lambda: f"descriptors are left open: {server.what_is_open()}")
            self.assertEqual({**vars(Leftovers(server)), "descriptors": 0}, {**vars(before), "descriptors": 0})

    def honest(self, server):
        done = [execute_all(server, [store_action(server, f"echo served; : {i}") for i in range(20)], 4)]
        self.assertEqual([x.exit_code for x in done[0]], [0] * 20, done)

    def honest_and_gone(self, server):
        """An answer comes a moment before its folder is gone."""
        self.honest(server)
        until(lambda: not Leftovers(server).attempts,
              lambda: f"folders of attempts are left: {Leftovers(server).attempts}")

    def short_actions(self, server, count):
        program = command("/bin/true")
        blobs = [action(program, salt=b"%d" % i) for i in range(count)]
        store(server, program, *blobs)
        return [execute_request(x) for x in blobs]

    def assert_all_succeed(self, outcomes):
        self.assertEqual([x for x in outcomes if (x.code, x.exit_code) != (0, 0)][:5], [])

    # ---- many ------------------------------------------------------------------------------------

    def test_2000_actions_of_a_millisecond_leave_nothing(self):
        with self.stormed(workers=4) as server:
            self.assert_all_succeed(execute_all(server, self.short_actions(server, 2000), 16))

    @unittest.skipUnless(LONG, "long")
    def test_100000_actions_of_a_millisecond_leave_nothing_and_take_no_more_memory(self):
        with self.stormed(workers=4, extra="[execution.pool]\nresult_ttl_seconds = 5\n") as server:
            self.assert_all_succeed(execute_all(server, self.short_actions(server, 20_000), 16))
            settled = server.resident_mib()
            for _ in range(4):
                self.assert_all_succeed(execute_all(server, self.short_actions(server, 20_000), 16))
            self.assertLess(server.resident_mib(), settled + 30, f"MiB, {settled} after the first 20,000")

    # ---- programs that were just written ---------------------------------------------------------

    def test_programs_that_were_written_a_moment_ago_are_never_busy(self):
        true = pathlib.Path("/bin/true").read_bytes()
        with self.stormed(workers=8) as server:
            requests = []
            for i in range(150):
                tool = true + b"%d" % i  # a program of its own: staged for the first time, then run
                run = command("./tool")
                root = directory(tool=tool)
                blob = action(run, root)
                store(server, tool, run, root, blob)
                requests.append(execute_request(blob))
                requests.append(store_action(server, f"cp /bin/true x && ./x && cp x y && ./y; exit $?; : {i}"))
            self.assert_all_succeed(execute_all(server, requests, 32))

    # ---- workers that die ------------------------------------------------------------------------

    def test_runners_that_are_killed_and_stopped_all_the_time_cost_no_action(self):
        chance = random.Random(20)
        options = {"workers": 4, "extra": "[execution.pool]\nmax_attempts = 30\n"}
        with self.stormed(**options) as server:
            requests = [store_action(server, f"sleep 0.05; : {i}") for i in range(300)]
            done = threading.Event()

            def kill():  # at most ten a worker: more would be quarantine
                for _ in range(24):
                    if done.wait(0.15):
                        return
                    victim = chance.choice(server.runner_pids() or [0])
                    with contextlib.suppress(ProcessLookupError):
                        if victim and chance.random() < 0.3:
                            os.kill(victim, signal.SIGSTOP)  # for a while, or for good
                        if victim:
                            os.kill(victim, signal.SIGKILL)
            killer = threading.Thread(target=kill)
            killer.start()
            outcomes = execute_all(server, requests, 8)
            done.set()
            killer.join()
            self.assert_all_succeed(outcomes)
            self.assertGreater(server.metric("expbuild_worker_restarts_total"), 3)
            until(lambda: len(server.runner_pids()) == 4, "a worker has not come back")

    # ---- disks that are full ---------------------------------------------------------------------

    @unittest.skipIf(os.geteuid() != 0, "not root: no small disk can be mounted")
    def test_a_full_disk_under_work_dir_fails_actions_with_its_name_and_nothing_else(self):
        with tempfile.TemporaryDirectory(prefix="small-disk-") as small, mounted(small):
            server = Server(workers=2)
            server.config.write_text(server.config.read_text().replace(f"{server.folder}/work", f"{small}/work"))
            with server:
                self.honest(server)
                hogs = [store_action(server, f"head -c 64000000 /dev/zero > hog || exit 7; : {i}") for i in range(20)]
                for outcome in execute_all(server, hogs, 4):
                    self.assertTrue(outcome.exit_code == 7 or b"space" in outcome.message.encode() + outcome.stderr,
                                    outcome)
                self.honest(server)
                filler = pathlib.Path(small, "filler")
                with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass
                blob = os.urandom(500_000)
                root = directory(large=blob)
                run = command("/bin/true")
                wanted = action(run, root)
                store(server, blob, root, run, wanted)
                [outcome] = execute_all(server, [execute_request(wanted)], 1)
                self.assertEqual((outcome.code, outcome.exit_code), (RESOURCE_EXHAUSTED, None), outcome)
                self.assertIn("No space left on device", outcome.message)
                filler.unlink()
                self.honest(server)
                self.assert_all_succeed(execute_all(server, [execute_request(wanted)], 1))


if __name__ == "__main__":
    unittest.main(argv=[x for x in sys.argv if x != "--long"])
