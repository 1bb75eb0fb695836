"""Docker workers at a real container engine that is stopped, killed and robbed of its containers.
With --long also what takes minutes."""
import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from docker_server import DockerServer, outcome_of
from engine import IMAGE, OTHER_IMAGE, Engine, obstacle
from reapi import execute_all, store_action
from server import BIN, until

LONG = "--long" in sys.argv
UNAVAILABLE, FAILED_PRECONDITION, RESOURCE_EXHAUSTED, INVALID_ARGUMENT = 14, 9, 8, 3


class DockerCase(unittest.TestCase):
    live_restore = True

    @classmethod
    def setUpClass(cls):
        if obstacle():
            raise unittest.SkipTest(obstacle())
        cls.engine = Engine(tempfile.mkdtemp(prefix="expbuild-engine-", dir="/var/tmp"), cls.live_restore).start()
        cls.engine.make_images()

    @classmethod
    def tearDownClass(cls):
        cls.engine.stop()

    def server(self, **options):
        return DockerServer(self.engine, **options)

    def assert_exit(self, outcome, code):
        self.assertEqual((outcome.code, outcome.exit_code), (0, code), outcome)


class Workers(DockerCase):
    def test_an_action_runs_where_its_platform_says(self):
        for isolation in ("fresh", "container"):
            with self.subTest(isolation), self.server(keys=f'isolation = "{isolation}"\n'
                                                            f'allowed_images = ["{IMAGE.split(":")[0]}:*"]') as server:
                self.assert_exit(server.in_docker("exec test ! -e /usr/bin/env -a $(pwd) = /build"), 0)
                self.assert_exit(server.in_docker("exec test -e /usr/bin/env", OSFamily="linux"), 0)
                self.assert_exit(server.in_docker("exec grep -q other /etc/marker", container_image=OTHER_IMAGE), 0)
                self.assert_exit(server.in_docker("exec test $PATH = /bin:/special", container_image=OTHER_IMAGE), 0)
                self.assert_exit(server.in_docker("exec test $PATH = /usr/local/bin:/usr/bin:/bin"), 0)
                self.assert_exit(server.in_docker("exec test ! -e /etc/marker",
                                                  container_image=f"docker://{IMAGE}"), 0)
                text = server.rectl("workers", check=True).stdout
                self.assertRegex(text, rf"docker-worker-1 +docker +idle +pid \d+ .*image {IMAGE}")
                log = server.log()
                self.assertIn(f"isolation: {isolation}", log)
                for line in ("Creating 2 docker workers", "Registered worker: docker-worker-2",
                             "Worker pool started with 3 workers"):
                    self.assertIn(line, log)

    def test_inputs_and_outputs_pass_through_a_container(self):
        for isolation in ("fresh", "container"):
            with self.subTest(isolation), self.server(keys=f'isolation = "{isolation}"') as server:
                folder = server.folder / "in"
                (folder / "sub").mkdir(parents=True)
                for i in range(300):
                    (folder / f"f{i}").write_text(f"{i}\n")
                (folder / "sub/run").write_text("#!/bin/sh\ncat f7 > out\nmkdir tree && echo x > tree/x\nchmod 000 out\n")
                (folder / "sub/run").chmod(0o755)
                for _ in range(2):
                    done = server.rectl("exec", "--skip-cache", "--input", folder, "--output", "out", "--output", "tree",
                                        "--platform", "container=docker", "--download", server.folder / "got", "--",
                                        "sub/run")
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertEqual((server.folder / "got/out").read_text(), "7\n")
                    self.assertEqual((server.folder / "got/tree/x").read_text(), "x\n")

    def test_what_goes_wrong_is_told_for_what_it_is(self):
        with self.server(keys="memory_limit = 67108864") as server:
            outcome = server.in_docker("head -c 200000000 /dev/zero | tail; exit 0")
            self.assertEqual(outcome.code, RESOURCE_EXHAUSTED, outcome)
            self.assertRegex(outcome.message, r"memory_limit = 67108864.*used up to \d+ bytes")
            for _ in range(2):  # no result that a cache could keep
                done = server.rectl("exec", "--platform", "container=docker", "--", "/bin/sh", "-c",
                                    "head -c 200000000 /dev/zero | tail; exit 0")
                self.assertIn("memory_limit = 67108864", done.stderr)
            self.assertEqual(int(server.status()["cachedActions"]), 0)
            self.assert_exit(server.in_docker("exit 137"), 137)
            self.assertEqual(server.in_docker("exec /usr/bin/gcc").exit_code, 127)
            done = server.rectl("exec", "--platform", "container=docker", "--", "/usr/bin/gcc")
            self.assertIn("cannot start /usr/bin/gcc: No such file or directory", done.stderr)
            self.assertNotIn("died", server.log())

    def test_an_image_that_is_nowhere_fails_the_actions_that_need_it_and_no_others(self):
        with self.server(image="localhost:1/none:1", waits=False) as server:
            for outcome in (server.in_docker("true"), server.in_docker("true", container_image="localhost:1/none:1")):
                self.assertEqual(outcome.code, FAILED_PRECONDITION, outcome)
                self.assertIn("image 'localhost:1/none:1' can not be had", outcome.message)
                self.assertIn("connection refused", outcome.message)
            self.assert_exit(server.in_docker("true", OSFamily="linux"), 0)
            self.assertIn("localhost:1/none:1", server.docker_workers()[0]["lastFailure"])

    def test_a_volume_that_holds_the_engines_socket_is_refused(self):
        server = self.server(keys=f'[[execution.pool.workers.volumes]]\nhost_path = "{self.engine.folder}"\n'
                                  'container_path = "/engine"\nread_only = true\n')
        done = subprocess.run([BIN / "re-server", "--config", server.config], capture_output=True, text=True)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("would give actions the container engine's socket", done.stderr)
        shutil.rmtree(server.folder)

    def test_a_container_that_is_removed_costs_no_action(self):
        for isolation in ("fresh", "container"):
            with self.subTest(isolation), self.server(docker=1, keys=f'isolation = "{isolation}"') as server:
                action = server.begin("sleep 5; exit 5")
                self.assertEqual(len(server.docker_workers()[0]["action"]), 64)
                for container in server.containers():
                    self.engine.api("DELETE", f"/containers/{container}?force=true")
                self.assert_exit(outcome_of(action), 5)
                self.assertGreaterEqual(server.metric("expbuild_worker_restarts_total"), 1)
                self.assertIn("queued again", server.log())

    def test_containers_of_a_server_that_was_killed_are_removed_by_the_next_one(self):
        server = self.server(docker=3).start()
        left = server.containers()
        self.assertEqual(len(left), 3)
        server.kill()
        self.assertEqual(server.containers(), left)
        server.config.write_text(server.config.read_text().replace("count = 3", "count = 1"))
        with server:  # fewer workers: nobody comes to the other slots
            until(lambda: len(server.containers()) == 1 and not set(server.containers()) & set(left), server.containers)
            self.assert_exit(server.in_docker("exit 3"), 3)
        shutil.rmtree(server.folder, ignore_errors=True)

    def test_a_server_that_is_no_root_runs_a_container_an_action(self):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="expbuild-nobody-"))
        server = DockerServer(self.engine, docker=1, workers=0, folder=folder)
        os.chmod(self.engine.folder, 0o711)
        os.chmod(self.engine.socket, 0o666)  # as if it were in the group docker
        subprocess.run(["chown", "-R", "65534:65534", folder], check=True)
        for program in ("re-server", "re-runner"):
            shutil.copy(BIN / program, folder / program)
        try:
            with open(server.log_path, "ab") as log:
                server.process = subprocess.Popen([folder / "re-server", "--config", server.config], stderr=log,
                                                  user=65534, group=65534, extra_groups=[])
            server.rectl("status", "--wait", "20", check=True)
            server.until_docker(("IDLE",))
            self.assert_exit(server.in_docker("mkdir -m 0500 locked; exit $(id -u | grep -c 65534)"), 1)
            self.assertIn("isolation: container", server.log())
            self.assertEqual(server.stop(), 0)
            server.check_nothing_is_left()
            server.config.write_text(server.config.read_text().replace("[docker]", 'isolation = "fresh"\n[docker]'))
            done = subprocess.run([folder / "re-server", "check-config", server.config], capture_output=True, text=True,
                                  user=65534, group=65534, extra_groups=[])
            self.assertEqual(done.returncode, 1)
            self.assertIn("needs a server that runs as root", done.stderr)
        finally:
            os.chmod(self.engine.socket, 0o660)
            shutil.rmtree(folder, ignore_errors=True)


class EngineThatDies(DockerCase):
    def restart_engine(self):
        self.engine.start()

    def test_an_engine_that_comes_later_is_waited_for(self):
        self.engine.kill(signal.SIGTERM)
        with self.server(waits=False) as server:
            server.until_docker(("BACKOFF",))
            self.assertIn("container engine", server.docker_workers()[0]["lastFailure"])
            thread = threading.Thread(target=lambda: setattr(thread, "outcome", server.in_docker("exit 4")))
            thread.start()
            self.assert_exit(server.in_docker("exit 6", OSFamily="linux"), 6)
            self.restart_engine()
            self.assert_exit(outcome_of(thread), 4)
            server.until_docker(("IDLE",))  # the other one is ready, too: it would leave what it tries at its start
            self.assertEqual([w.get("restarts", "0") for w in server.docker_workers()], ["0", "0"])

    def test_an_engine_that_is_killed_in_mid_action_costs_no_action(self):
        for isolation in ("fresh", "container"):
            with self.subTest(isolation), self.server(keys=f'isolation = "{isolation}"') as server:
                action = server.begin("sleep 3; exit 5")
                self.engine.kill()
                until(lambda: "is gone" in server.log(), "the end of the engine is not noticed")
                self.restart_engine()
                began = time.monotonic()
                self.assert_exit(outcome_of(action), 5)
                server.until_docker(("IDLE",))
                self.assertLess(time.monotonic() - began, 40)
                self.assert_exit(server.in_docker("exit 7"), 7)

    def test_an_engine_that_is_stopped_is_noticed_and_its_workers_come_back(self):
        with self.server() as server:
            self.engine.kill(signal.SIGSTOP)
            try:
                server.until_docker(("BACKOFF",))
                self.assert_exit(server.in_docker("exit 6", OSFamily="linux"), 6)
            finally:
                self.engine.kill(signal.SIGCONT)
            server.until_docker(("IDLE",))
            self.assert_exit(server.in_docker("exit 7"), 7)


class EngineOnASmallDisk(unittest.TestCase):
    @unittest.skipIf(obstacle(), obstacle())
    def test_a_full_disk_of_the_engine_stops_its_workers_and_no_others(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-engine-", dir="/var/tmp") as folder:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder], check=True)
            engine = Engine(folder).start()
            try:
                engine.make_images()
                filler = pathlib.Path(folder, "filler")
                with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                    while file.write(bytes(4096)):
                        pass
                with DockerServer(engine, waits=False) as server:
                    until(lambda: all("No space" in w["lastFailure"] or "no space" in w["lastFailure"]
                                      for w in server.docker_workers()), server.docker_workers)
                    self.assertEqual(server.in_docker("exit 6", OSFamily="linux").exit_code, 6)
                    filler.unlink()
                    server.until_docker(("IDLE",))
                    self.assertEqual(server.in_docker("exit 7").exit_code, 7)
            finally:
                engine.stop(keep_folder=True)
                subprocess.run(["umount", "-l", folder], check=True)


class EngineThatTakesItsContainersAlong(EngineThatDies):
    live_restore = False


class Storms(DockerCase):
    """Faults at random times: each action ends, once, with its own exit code."""

    def storm(self, count, faults, seed, isolation="fresh", kinds=("container", "container", "runner", "engine")):
        chance = random.Random(seed)
        keys = f'isolation = "{isolation}"'
        pool = "[execution.pool]\nmax_attempts = 50\n"
        with DockerServer(self.engine, docker=2, workers=1, keys=keys) as server:
            self.assertEqual(server.stop(), 0)
            server.config.write_text(server.config.read_text().replace("[[execution.pool.workers]]",
                                                                       pool + "[[execution.pool.workers]]", 1))
            server.start()
            requests = [store_action(server, f"sleep 0.0{i % 9}; exit {i % 100}", container="docker")
                        for i in range(count)]
            done = threading.Event()
            happened = []

            def trouble():
                for _ in range(faults):
                    if done.wait(chance.uniform(0.2, 1.2)):
                        return
                    kind = chance.choice(kinds)
                    happened.append(kind)
                    with contextlib.suppress(ProcessLookupError, ConnectionError, FileNotFoundError):
                        if kind == "engine":
                            self.engine.kill()
                            self.engine.start()
                        elif kind == "container":
                            for container in server.containers()[:chance.randint(1, 2)]:
                                self.engine.api("DELETE", f"/containers/{container}?force=true")
                        else:
                            self.kill_a_runner(server, chance)

            with ThreadPoolExecutor() as pool:
                maker = pool.submit(trouble)
                maker.add_done_callback(lambda _: self.engine.answers() or self.engine.start())
                outcomes = execute_all(server, requests, 6)
                done.set()
                maker.result()
            wrong = [(i, x) for i, x in enumerate(outcomes) if (x.code, x.exit_code) != (0, i % 100)]
            self.assertEqual(wrong[:5], [], happened)
            self.assertGreater(len(happened), 2)
            server.until_docker(("IDLE",))
            self.assert_exit(server.in_docker("exit 7"), 7)

    @staticmethod
    def kill_a_runner(server, chance):
        runners = [int(s.parent.name) for s in pathlib.Path("/proc").glob("[0-9]*/status")
                   if f"PPid:\t{server.process.pid}\n" in s.read_text()]
        if runners:
            os.kill(chance.choice(runners), signal.SIGKILL)

    def test_random_faults_during_200_actions_cost_none(self):
        self.storm(200, 12, seed=7)

    def test_random_faults_with_a_container_an_action_cost_none(self):
        self.storm(60, 6, seed=8, isolation="container")

    @unittest.skipUnless(LONG, "long")
    def test_1000_actions_with_random_kills_leave_nothing(self):
        self.storm(1000, 60, seed=9)
        self.storm(200, 20, seed=10, isolation="container")
        # A killed engine leaves groups and mounts of its own: what is ours to remove shows without.
        before = Traces(self.engine)
        self.storm(1000, 60, seed=11, kinds=("container", "runner"))
        self.storm(200, 20, seed=12, isolation="container", kinds=("container", "runner"))
        until(lambda: vars(Traces(self.engine)) == vars(before), lambda: (vars(Traces(self.engine)), vars(before)))


class Traces:
    """What containers leave on a machine."""

    def __init__(self, engine):
        self.containers = len(engine.containers())
        self.networks = len(engine.api("GET", "/networks")[1])
        self.volumes = len(engine.api("GET", "/volumes")[1]["Volumes"] or [])
        self.mounts = len([m for m in pathlib.Path("/proc/mounts").read_text().splitlines() if str(engine.folder) in m])
        self.groups = sum(len(inside) for path, inside, _ in os.walk("/sys/fs/cgroup") if path.endswith("/docker"))
        self.layers = len(list((engine.folder / "data/containers").iterdir()))


if __name__ == "__main__":
    unittest.main(argv=[x for x in sys.argv if x != "--long"])
