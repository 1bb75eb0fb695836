"""Debian's real Bazel builds a real C project through a real server."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import unittest

import bazel_project
from docker_server import DockerServer
from engine import HOST_IMAGE, HOST_VOLUMES, Engine, obstacle
from server import Server, until

BUDGET = 300  # seconds for one Bazel invocation


class Bazel:
    """One output root; its server is shut down at the end. Output goes to a file, never a pipe."""

    def __init__(self, root, name, server=None, properties=()):
        self.project = root / "project"
        self.output_root = root / name
        self.log = root / (name + ".log")
        self.before, self.after = bazel_project.command(root, self.output_root)
        self.symlinks = f"--symlink_prefix={root}/{name}-"
        self.remote = [] if server is None else [
            f"--remote_executor=grpc://127.0.0.1:{server.port}", "--spawn_strategy=remote",
            "--strategy=Genrule=remote", "--remote_timeout=60",
            *(f"--remote_default_exec_properties={x}" for x in properties)]

    def __call__(self, verb, *arguments):
        flags = [] if verb in ("shutdown", "clean") else [*self.after, self.symlinks, *self.remote]
        environment = {"PATH": "/usr/bin:/bin", "CC": "/usr/bin/gcc", "HOME": str(self.output_root)}
        with open(self.log, "wb") as log:
            done = subprocess.run([*self.before, verb, *flags, *arguments], cwd=self.project, env=environment,
                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=BUDGET)
        return done.returncode, self.log.read_text(errors="replace")

    def artefacts(self):
        """Relative path -> content of everything that was built."""
        top = pathlib.Path(os.path.realpath(f"{self.symlinks.split('=')[1]}bin"))
        wanted = [p for p in top.rglob("*") if p.suffix in (".o", ".a", ".txt") or p.name in ("main", "test", "x")]
        return {str(p.relative_to(top)): p.read_bytes() for p in wanted if p.is_file()}


class BuildCase(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="expbuild-bazel-"))
        bazel_project.write_project(self.root)
        self.bazels = []

    def tearDown(self):
        for bazel in self.bazels:
            bazel("shutdown")
        subprocess.run(["chmod", "-R", "u+w", self.root], check=False)
        shutil.rmtree(self.root, ignore_errors=True)

    def bazel(self, name, server=None, properties=()):
        self.bazels.append(Bazel(self.root, name, server, properties))
        return self.bazels[-1]

    def succeed(self, outcome):
        self.assertEqual(outcome[0], 0, outcome[1])
        return outcome[1]


class RealBuild(BuildCase):
    def test_a_project_is_built_and_cached_and_equal_to_a_local_build(self):
        with Server() as server:
            first = self.bazel("first", server)
            log = self.succeed(first("test", "//...", "--", "-//trouble/..."))
            self.assertRegex(log, r"\d+ remote")
            self.assertEqual(log.count("PASSED"), bazel_project.LIBRARIES + 1, log)
            # A clean output base: everything comes from the cache.
            second = self.bazel("second", server)
            log = self.succeed(second("test", "//...", "--", "-//trouble/..."))
            summary = re.search(r"INFO: \d+ processes: (.*)\.", log)[1]
            self.assertIn("remote cache hit", summary)
            self.assertNotRegex(summary, r"\d+ remote(,|$)")
            local = self.bazel("local")
            self.succeed(local("build", "//...", "--", "-//trouble/..."))
            expected = local.artefacts()
            self.assertGreater(len(expected), 50)
            built = second.artefacts()
            for path, content in expected.items():
                self.assertEqual(built.get(path), content, path)

    def test_a_failing_and_a_loud_and_an_endless_action(self):
        with Server() as server:
            bazel = self.bazel("trouble", server)
            code, log = bazel("build", "//trouble:fails")
            self.assertEqual(code, 1, log)
            self.assertIn("it is broken", log)
            self.assertIn("Exit 42", log)
            log = self.succeed(bazel("build", "//trouble:loud", "--experimental_ui_max_stdouterr_bytes=-1"))
            self.assertGreater(log.count("x"), 5_000_000 // 2)
            code, log = bazel("test", "//trouble:slow", "--test_timeout=2", "--test_output=errors")
            self.assertEqual(code, 3, log)
            self.assertIn("TIMEOUT", log)
            self.assertIn("partial log", log)

    def test_runners_are_killed_in_mid_build_and_the_build_succeeds(self):
        with Server() as server:
            bazel = self.bazel("killed", server)
            stop = threading.Event()
            killed = []

            def kill_runners():
                while not stop.wait(0.7):
                    for pid in server.runner_pids()[:1]:
                        os.kill(pid, signal.SIGKILL)
                        killed.append(pid)
                    if len(killed) >= 3:
                        return

            killer = threading.Thread(target=kill_runners)
            killer.start()
            outcome = bazel("test", "//...", "--", "-//trouble/...")
            stop.set()
            killer.join()
            self.succeed(outcome)
            self.assertGreater(len(killed), 0)
            self.assertEqual(server.metric("expbuild_worker_restarts_total"), len(killed))
            self.assertIn("was killed by signal 9", server.log())


@unittest.skipIf(obstacle(), obstacle())
class BuildInContainers(BuildCase):
    """The toolchain is the host's, as volumes: then what comes out is what comes out on the host."""

    def setUp(self):
        super().setUp()
        self.engine = Engine(tempfile.mkdtemp(prefix="expbuild-engine-", dir="/var/tmp")).start()
        self.addCleanup(self.engine.stop)
        self.engine.make_images()
        self.volumes = "".join(f'[[execution.pool.workers.volumes]]\nhost_path = "{x}"\ncontainer_path = "{x}"\n'
                               "read_only = true\n" for x in HOST_VOLUMES)

    def test_the_same_project_is_built_in_containers_while_the_engine_is_killed(self):
        with DockerServer(self.engine, image=HOST_IMAGE, keys=self.volumes) as server:
            bazel = self.bazel("docker", server, ["container=docker"])
            killed = []

            def kill_engine():
                until(lambda: server.metric("expbuild_actions_total") > 20, "the build does not begin", BUDGET)
                self.engine.kill()
                killed.append(server.metric("expbuild_actions_total"))
                until(lambda: "is gone" in server.log(), "the end of the engine is not noticed")
                self.engine.start()

            killer = threading.Thread(target=kill_engine)
            killer.start()
            outcome = bazel("test", "//...", "--", "-//trouble/...")
            killer.join()
            self.succeed(outcome)
            self.assertEqual(len(killed), 1)
            self.assertIn("container engine", server.log())
            self.assertNotIn("worker=host-worker", server.log())
            anywhere = self.bazel("anywhere", server)
            self.succeed(anywhere("test", "//...", "--", "-//trouble/..."))
            self.assertIn("worker=host-worker", server.log())
            expected, built = anywhere.artefacts(), bazel.artefacts()
            self.assertGreater(len(expected), 50)
            for path, content in expected.items():
                self.assertEqual(built.get(path), content, path)


if __name__ == "__main__":
    unittest.main()
