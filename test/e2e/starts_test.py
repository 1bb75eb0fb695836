"""Starts that must be refused, and those after an end at a bad moment."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

from reapi import find_missing, read, store
from server import BIN, WAIT, Server, until
from storage_test import loop_disk, needs_root, on

NOBODY = 65534


class Refused(unittest.TestCase):
    def setUp(self):
        self.server = Server(workers=1)
        self.addCleanup(shutil.rmtree, self.server.folder, ignore_errors=True)
        self.cas = self.server.folder / "cas"

    def refuse(self, code, *words, cas=None, **options):
        """The server ends with this code, says all these words, and has never listened."""
        if cas:
            self.server.config.write_text(self.server.config.read_text().replace(str(self.cas), str(cas)))
        done = subprocess.run([BIN / "re-server", "--config", self.server.config], capture_output=True, text=True,
                              timeout=WAIT, check=False, **options)
        log = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, log)
        for word in words:
            self.assertIn(str(word), log)
        self.assertNotIn("Serving", log)

    def test_a_store_in_place_of_which_lies_a_file_is_refused(self):
        self.cas.write_text("no folder")
        self.refuse(2, self.cas, "Not a directory")

    def test_a_store_below_a_place_that_is_not_there_and_can_not_be_made_is_refused(self):
        self.refuse(2, "/proc/no/cas", "No such file or directory", cas="/proc/no/cas")

    @needs_root
    def test_a_store_on_a_disk_that_can_only_be_read_is_refused(self):
        with loop_disk(16) as (_, mount):
            subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
            self.refuse(2, mount / "cas", "Read-only file system", cas=mount / "cas")

    @needs_root
    def test_a_store_that_was_made_before_its_disk_could_only_be_read_is_refused(self):
        with loop_disk(16) as (_, mount):
            with on(mount) as server:
                store(server, b"hello")
            subprocess.run(["mount", "-o", "remount,ro", mount], check=True)
            self.refuse(2, mount / "cas/LOCK", "Read-only file system", cas=mount / "cas")

    @needs_root
    def test_a_store_of_somebody_else_is_refused(self):
        self.server.folder.chmod(0o755)
        for mode in (0o700, 0o755):
            shutil.rmtree(self.cas, ignore_errors=True)
            self.cas.mkdir()
            self.cas.chmod(mode)
            self.refuse(2, self.cas, "Permission denied", user=NOBODY, group=NOBODY, extra_groups=[])

    @needs_root
    def test_a_store_of_which_a_part_is_somebody_elses_is_refused(self):
        self.server.folder.chmod(0o755)
        (self.cas / "segments").mkdir(parents=True)
        (self.cas / "segments").chmod(0o700)
        os.chown(self.cas, NOBODY, NOBODY)
        self.refuse(2, self.cas / "segments", "Permission denied", user=NOBODY, group=NOBODY, extra_groups=[])

    def test_a_store_of_a_newer_format_is_refused_and_left_as_it_is(self):
        with self.server:
            store(self.server, b"hello")
            self.server.owns_folder = False
        for root in (self.cas, self.server.folder / "action_cache"):
            form = root / "FORMAT"
            form.write_text("expbuild-store 3\n")
            before = {x: x.stat().st_mtime_ns for x in root.rglob("*") if x.name != "LOCK"}
            self.refuse(4, form, "expbuild-store 3", "expbuild-store 2", "use the version that wrote it")
            self.assertEqual({x: x.stat().st_mtime_ns for x in root.rglob("*") if x.name != "LOCK"}, before)
            form.write_text("expbuild-store 2\n")

    def test_a_store_that_another_server_works_on_is_refused(self):
        self.server.start()
        self.addCleanup(self.server.stop)
        self.refuse(3, f"in use by process {self.server.process.pid}")

    def test_a_work_dir_that_another_server_works_in_is_refused_and_left_as_it_is(self):
        with Server(workers=1) as other:
            work = other.folder / "work"
            running = work / "host-worker-1/attempt-of-the-other"
            running.mkdir()
            text = self.server.config.read_text()
            self.server.config.write_text(text.replace(str(self.server.folder / "work"), str(work)))
            self.refuse(3, f"the work_dir at {work} is in use by process {other.process.pid}", "a work_dir of its own")
            self.assertTrue(running.exists())
            running.rmdir()
        self.server.start()  # it has gone
        self.assertEqual(self.server.stop(), 0)


@unittest.skipUnless(shutil.which("strace") and os.geteuid() == 0, "needs strace, and root to attach it")
class KilledAtACall(unittest.TestCase):
    """kill -9 exactly where a result is about to be written, or about to be synced."""
    @contextlib.contextmanager
    def killed_at(self, call, server):
        segment = max(pathlib.Path(server.folder, "action_cache/segments").glob("*.seg"))
        with tempfile.TemporaryFile() as log:
            tracer = subprocess.Popen(["strace", "-f", "-p", str(server.process.pid), "-P", segment, "-e", f"trace={call}",
                                       "-e", f"inject={call}:signal=SIGKILL:when=1"], stderr=log)
            try:
                def is_attached():
                    log.seek(0)
                    return b"attached" in log.read()
                until(is_attached, "strace does not attach")
                yield
                server.process.wait(WAIT)
            finally:
                tracer.kill()
                tracer.wait()

    def survive(self, call):
        """Answers how many actions the next server had to run."""
        server = Server(workers=1, extra='[storage.action_cache]\ndurability = "strict"')
        text = server.config.read_text().replace('[storage.action_cache]\ndurability', "durability")
        server.config.write_text(text)
        with server:
            arguments = ("exec", "--output", "out", "--download", server.folder, "--", "/bin/sh", "-c", "seq 20000 > out; cat out")
            said = "".join(f"{x}\n" for x in range(1, 20001))
            server.rectl("exec", "--", "/bin/echo", "first", check=True)
            with self.killed_at(call, server):
                client = subprocess.Popen(server.arguments(*arguments), stdin=subprocess.DEVNULL,
                                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            self.assertEqual(server.process.returncode, -9)
            server.start()
            client.communicate(timeout=WAIT)
            self.assertEqual(find_missing(server, said.encode()), [])
            for _ in range(2):
                done = server.rectl(*arguments)
                self.assertEqual((done.returncode, done.stdout), (0, said), done.stderr)
            return server.metric("expbuild_ac_writes_total")

    def test_killed_between_blobs_and_their_result_there_is_no_result_and_it_is_run_again(self):
        self.assertEqual(self.survive("pwrite64"), 1)

    def test_killed_between_a_result_and_its_answer_the_result_is_whole(self):
        self.assertLessEqual(self.survive("fsync"), 1)


if __name__ == "__main__":
    unittest.main()
