"""Real builds on a store that is short of room, whose server is killed, whose disk is full."""
import contextlib
import os
import pathlib
import re
import shutil
import sys
import tempfile
import threading
import unittest

import storage_test
from bazel_test import BUDGET, BuildCase
from reapi import find_missing, store
from server import until
from storage_test import LONG, check_all, loop_disk, needs_root, on

EVERYTHING = ("//...", "--", "-//trouble/...")
WITHOUT_BYTES = ("--remote_download_minimal", *EVERYTHING, "-//main:folder")  # Bazel 4 can not do that one
PATIENT = "--remote_retries=40"  # at most five seconds apart: longer than any restart
RUBBISH = 500_000


class Filler(threading.Thread):
    """Another client: uploads `count` blobs of rubbish (None: until it is stopped)."""

    def __init__(self, server, count=None, pause=0.2):
        super().__init__()
        self.server, self.count, self.pause = server, count, pause
        self.stored, self.refused, self.over = 0, 0, threading.Event()
        self.start()

    def run(self):
        while not self.over.is_set() and (self.count is None or self.stored < self.count):
            with contextlib.suppress(OSError, EOFError):  # a server that is being restarted
                try:
                    store(self.server, os.urandom(RUBBISH))
                    self.stored += 1
                except AssertionError:
                    self.refused += 1
            self.over.wait(self.pause)

    def stop(self):
        self.over.set()
        self.join()


def executed(log):
    """How many actions the workers did for a build."""
    summary = re.search(r"INFO: \d+ process(?:es)?: (.*)\.", log)[1]
    found = re.search(r"(\d+) remote(?:,|$)", summary)
    return int(found[1]) if found else 0


class Eviction(BuildCase):
    """One store of 40 MB; the build takes some 3 MB of it."""

    def setUp(self):
        super().setUp()
        temporary = tempfile.TemporaryDirectory(prefix="expbuild-store-")
        self.addCleanup(temporary.cleanup)
        self.disk = temporary.name
        self.server = on(self.disk, extra="max_size_bytes = 40000000\nlease_seconds = 1")

    def restart(self, lease):
        """The promises that were given until now have run out."""
        if self.server.process:
            self.assertEqual(self.server.stop(), 0)
        shutil.rmtree(pathlib.Path(self.disk, "cas/promises"), ignore_errors=True)
        text = re.sub(r"lease_seconds = \d+", f"lease_seconds = {lease}", self.server.config.read_text())
        self.server.config.write_text(text)
        self.server.start()

    def fill(self):
        """Rubbish that nobody was promised, but everybody asks for, in place of everything else."""
        self.restart(lease=1)

        def is_full_of_it():
            blobs = [os.urandom(RUBBISH) for _ in range(20)]
            with contextlib.suppress(AssertionError):  # no room just now
                store(self.server, *blobs)
                for _ in range(4):
                    find_missing(self.server, *blobs)
            return self.server.metric("expbuild_cas_evicted_total") > 100 and self.has_none_of_the_project()

        until(is_full_of_it, "nothing is evicted")
        self.restart(lease=600)

    def has_none_of_the_project(self):
        sources = [x.read_bytes() for x in self.root.rglob("*.[ch]")]
        return len(find_missing(self.server, *sources)) == len(sources)

    def test_a_build_without_the_bytes_keeps_what_it_was_promised_while_others_fill_the_store(self):
        self.fill()
        bazel = self.bazel("minimal", self.server)
        filler = Filler(self.server, 45)  # with the build, that is less than there is room for
        log = self.succeed(bazel("test", *WITHOUT_BYTES))
        self.assertGreater(executed(log), 100)
        filler.stop()
        self.assertEqual(filler.refused, 0)
        self.assertGreater(self.server.metric("expbuild_cas_evicted_total"), 0)
        self.succeed(bazel("build", "//main:said"))  # what it has not downloaded it can have now
        # Between two builds everything goes, but the results that name it.
        self.fill()
        other = self.bazel("other", self.server)
        self.assertGreater(executed(self.succeed(other("test", *EVERYTHING))), 100)
        # The first client does not know. Its Bazel may give up once, if it says why.
        main = self.root / "project/main/main.c"
        main.write_text(main.read_text() + "int more;\n")
        code, log = bazel("build", "//main")
        if code != 0:
            self.assertIn("Missing digest", log)
            self.succeed(bazel("clean"))
            self.succeed(bazel("build", "//main"))
        self.assertEqual(self.server.stop(), 0)

    @unittest.skipUnless(LONG, "long")
    def test_builds_go_on_while_others_push_their_blobs_out_as_soon_as_they_may(self):
        self.restart(lease=2)
        filler = Filler(self.server, pause=0.02)
        for number in range(3):
            bazel = self.bazel(f"pressed-{number}", self.server)
            self.succeed(bazel("test", PATIENT, *EVERYTHING))
        filler.stop()
        self.assertGreater(filler.stored, 200)
        self.assertEqual(self.server.stop(), 0)


class KillNine(BuildCase):
    def test_a_build_survives_kill_9_of_the_server_and_what_was_built_is_built(self):
        times = 8 if LONG else 3
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk, on(disk) as server:
            bazel = self.bazel("killed", server)
            kills = []

            def kill_and_start():
                for _ in range(times):
                    until(lambda: server.metric("expbuild_actions_total") > 8, "the build does not go on", BUDGET)
                    server.kill()
                    kills.append(server.start())

            killer = threading.Thread(target=kill_and_start)
            killer.start()
            outcome = bazel("test", PATIENT, *EVERYTHING)
            killer.join()
            self.succeed(outcome)
            self.assertEqual(len(kills), times)
            self.assertEqual(server.log().count("the last server on this store was killed"), times)
            again = self.bazel("again", server)
            log = self.succeed(again("test", *EVERYTHING))
            self.assertEqual(executed(log), 0, log)
            self.assertEqual(server.metric("expbuild_cas_lost_total"), 0)
            built, expected = again.artefacts(), bazel.artefacts()
            self.assertGreater(len(expected), 50)
            self.assertEqual(built, expected)


@needs_root
class FullDisk(BuildCase):
    """A disk of 64 MB with the CAS and the results on it; somebody else's files take most of it."""

    def build_on(self, options, ballast):
        with loop_disk(64, *options) as (_, mount):
            mount.chmod(0o755)
            others = mount / "others"
            others.mkdir()
            ballast(others)
            server = on(mount, extra="lease_seconds = 3600\nmin_free_bytes = 0")
            server.config.write_text(server.config.read_text().replace(f"{server.folder}/action_cache",
                                                                       f"{mount}/action_cache"))
            with server:
                taken = storage_test.FullDisks.fill(self, server)
                bazel = self.bazel("full", server)
                code, log = bazel("test", "--remote_retries=1", "--verbose_failures", *EVERYTHING)
                self.assertNotEqual(code, 0, log)
                self.assertIn("RESOURCE_EXHAUSTED", log)
                self.assertRegex(log, "the disk of the store is full|No space left")
                check_all(self, server, taken)
                self.assertEqual(server.rectl("status").returncode, 0)
                shutil.rmtree(others)
                self.succeed(bazel("test", *EVERYTHING))
                check_all(self, server, taken)

    def test_a_build_on_a_full_disk_fails_and_says_why_and_succeeds_once_there_is_room(self):
        self.build_on((), lambda folder: (folder / "large").write_bytes(bytes(30 << 20)))

    def test_a_build_on_a_disk_without_inodes_fails_and_says_why_and_succeeds_once_there_are_some(self):
        def many_files(folder):
            for number in range(700):
                (folder / str(number)).touch()

        self.build_on(("-N", "1024"), many_files)


if __name__ == "__main__":
    unittest.main(argv=[x for x in sys.argv if x != "--long"])
