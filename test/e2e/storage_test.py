"""What the store promises, with real disks, real kill -9 and real power cuts."""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import random
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

from http2 import ask, field, only
from reapi import CAS, digest, directory, execute_all, find_missing, name_of, read, store, store_action
from server import BIN, WAIT, Server, free_port, until

LONG = "--long" in sys.argv
SHUTDOWN, WITHOUT_FLUSHING = 0x8004587D, 2  # ioctl of ext4: from now on nothing reaches the disk


@contextlib.contextmanager
def loop_disk(megabytes, *options):
    """An ext4 of that size in a file, mounted; (image, folder). What becomes of it is up to the test."""
    with tempfile.TemporaryDirectory(prefix="expbuild-disk-") as folder:
        image, mount = pathlib.Path(folder, "image"), pathlib.Path(folder, "mount")
        mount.mkdir()
        with open(image, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run(["mkfs.ext4", "-q", *options, image], check=True)
        subprocess.run(["mount", "-o", "loop", image, mount], check=True)
        try:
            yield image, mount
        finally:  # a server that a failed test has left may still be on it
            subprocess.run(["umount", "--lazy", mount], check=False)


def on(mount, level="grouped", extra="", **options):
    """A server whose CAS lies on that disk."""
    server = Server(workers=1, **options)
    text = server.config.read_text().replace(f'root_dir = "{server.folder}/cas"',
                                             f'root_dir = "{mount}/cas"\ndurability = "{level}"\n{extra}')
    server.config.write_text(text)
    return server


def some_blobs(count, random_bytes=os.urandom):
    """Mostly small ones, as builds have."""
    return [random_bytes(random.choice((100, 500, 1000, 5000, 16_000, 30_000, 200_000))) for _ in range(count)]


class Uploader(threading.Thread):
    """Uploads until the server is gone; knows what was acknowledged."""

    def __init__(self, server):
        super().__init__()
        self.server, self.acknowledged, self.trouble = server, [], None
        self.start()

    def run(self):
        while True:
            blobs = some_blobs(8)
            try:
                store(self.server, *blobs)
            except (OSError, EOFError, AssertionError) as gone:
                self.trouble = gone
                return
            self.acknowledged += blobs


def check_all(test, server, blobs):
    """All of them are there, and are what they were."""
    for i in range(0, len(blobs), 100):
        some = blobs[i:i + 100]
        missing = [len(x) for x in find_missing(server, *some)]
        test.assertFalse(missing, f"of these sizes are missing, from {i} of {len(blobs)} on")
    for blob in random.sample(blobs, min(len(blobs), 60)):
        test.assertEqual(read(server, blob), [blob])


def wait_for_syncs(mount):
    """Until everything that was acknowledged before lies on the disk, while others go on writing. One round of syncs
    after the other takes the files that wait for it, then the segments: so when files of two rounds are gone from
    there, the segments of the first are synced, too."""
    waiting = lambda: set(os.listdir(f"{mount}/cas/pending"))
    for _ in range(2):
        some = set()
        until(lambda: some.update(waiting()) or some, "nobody writes files")
        until(lambda: not some & waiting(), lambda: f"{len(some & waiting())} of {len(some)} files are not synced")


def needs_root(test):
    return unittest.skipUnless(os.geteuid() == 0, "needs root, to mount a disk of its own")(test)


class Crashes(unittest.TestCase):
    def test_what_was_acknowledged_survives_kill_9_again_and_again(self):
        for level in ("grouped", "strict"):
            with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
                server, acknowledged = on(disk, level), []
                for _ in range(250 if LONG else 6):
                    server.start()
                    check_all(self, server, acknowledged[-400:])
                    uploaders = [Uploader(server) for _ in range(2)]
                    time.sleep(random.uniform(0.005, 0.5))  # anywhere in what it does
                    server.kill()
                    for each in uploaders:
                        each.join()
                        acknowledged += each.acknowledged
                server.start()
                check_all(self, server, acknowledged)
                self.assertEqual(server.stop(), 0)

    @needs_root
    def test_a_power_cut_takes_nothing_that_was_promised_to_survive_it(self):
        for level in ("strict", "grouped"):
            with loop_disk(8000 if LONG else 1500) as (image, mount):  # sparse; all of the rounds must have room
                safe = []
                for _ in range(20 if LONG else 2):
                    server = on(mount, level).start()
                    check_all(self, server, safe)
                    uploaders = [Uploader(server) for _ in range(2)]
                    time.sleep(random.uniform(0.3, 1))
                    long_ago = [len(x.acknowledged) for x in uploaders]
                    if level == "grouped":
                        wait_for_syncs(mount)  # 200 ms, where the disk is as fast as the writes: here it is not
                    self.cut(mount)
                    server.kill()
                    for count, each in zip(long_ago, uploaders):
                        each.join()
                        safe += each.acknowledged if level == "strict" else each.acknowledged[:count]
                    subprocess.run(["umount", mount], check=True)
                    # Whoever makes a mount namespace just now holds the dead disk, too: it would be mounted again.
                    until(lambda: not self.devices(image), lambda: self.devices(image))
                    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
                server = on(mount, level).start()
                check_all(self, server, safe)
                self.assertEqual(server.stop(), 0)

    @staticmethod
    def devices(image):
        return subprocess.run(["losetup", "-j", image], capture_output=True, text=True, check=True).stdout

    @staticmethod
    def cut(mount):
        folder = os.open(mount, os.O_RDONLY)
        fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", WITHOUT_FLUSHING))
        os.close(folder)


class FullDisks(unittest.TestCase):
    def fill(self, server):
        """Uploads until the server refuses; answers what it took."""
        taken = []
        for _ in range(2000):
            blobs = [os.urandom(20_000) for _ in range(20)]
            try:
                store(server, *blobs)
            except AssertionError:
                return taken
            taken += blobs
        self.fail("nothing was ever refused")

    @needs_root
    def test_a_full_disk_refuses_writes_and_serves_the_rest(self):
        for options in ((), ("-N", "1024")):  # bytes run out, or inodes
            with loop_disk(64, *options) as (_, mount), on(mount, extra="lease_seconds = 3600") as server:
                taken = self.fill(server)
                self.assertGreater(len(taken), 300)
                check_all(self, server, taken)
                self.assertEqual(server.rectl("status").returncode, 0)

                def refuses():  # the disk may have been the first to say so; then the store looks how full it is
                    self.stored(server, [os.urandom(20_000)])
                    return server.metric("expbuild_cas_writes_refused_total") > 0

                until(refuses, "the store refuses nothing by itself")

    @needs_root
    def test_a_full_disk_makes_room_once_nothing_is_promised_any_more(self):
        with loop_disk(64) as (_, mount), on(mount, extra="lease_seconds = 1") as server:
            for _ in range(30):
                blobs = [os.urandom(20_000) for _ in range(100)]
                until(lambda batch=blobs: self.stored(server, batch), "no room was made")
                check_all(self, server, blobs)
            self.assertGreater(server.metric("expbuild_cas_evicted_total"), 0)

    @staticmethod
    def stored(server, blobs):
        try:
            store(server, *blobs)
        except AssertionError:
            return False
        return True


class Eviction(unittest.TestCase):
    def test_a_store_stays_within_its_size_and_keeps_what_it_promised(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            with on(disk, extra="max_size_bytes = 30000000\nlease_seconds = 6") as server:
                for _ in range(60):
                    blobs = some_blobs(20)
                    until(lambda batch=blobs: FullDisks.stored(server, batch), "no room was made")
                    check_all(self, server, blobs)  # they were promised a moment ago
                until(lambda: self.size(disk) < 36_000_000, lambda: f"{self.size(disk)} bytes")

    @staticmethod
    def size(folder):
        total = 0
        for place, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(FileNotFoundError):  # it has gone since it was listed
                    total += os.stat(os.path.join(place, name)).st_blocks * 512
        return total

    def test_a_store_full_of_promises_refuses_and_breaks_none(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            with on(disk, extra="max_size_bytes = 20000000") as server:
                taken = FullDisks.fill(self, server)
                check_all(self, server, taken)
                self.assertIn("blobs that clients were promised", server.log())


class Damage(unittest.TestCase):
    def test_what_rots_on_the_disk_is_never_served_and_can_be_uploaded_again(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            server = on(disk).start()
            blobs = [os.urandom(size) for size in (100, 5000, 20_000, 100_000)]
            store(server, *blobs)
            self.assertEqual(server.stop(), 0)
            for path in pathlib.Path(disk).rglob("*"):
                if path.is_file() and path.stat().st_size > 50 and path.suffix != ".idx" and "promises" not in str(path):
                    self.rot(path, blobs)
            with server:
                self.assertEqual(read(server, *blobs), [None] * 4)
                self.assertEqual(find_missing(server, *blobs), blobs)
                self.assertEqual(server.metric("expbuild_cas_lost_total"), 4)
                store(server, *blobs)
                check_all(self, server, blobs)

    @staticmethod
    def rot(path, blobs):
        """One byte of every blob in the file."""
        data = bytearray(path.read_bytes())
        for blob in blobs:
            at = data.find(blob)
            if at >= 0:
                data[at + len(blob) // 2] ^= 1
        path.chmod(0o600)
        path.write_bytes(data)

    def test_a_second_server_on_a_store_names_the_first(self):
        with Server(workers=1) as server:
            second = subprocess.run([BIN / "re-server", "--config", server.config], capture_output=True, text=True,
                                    timeout=WAIT, check=False)
            self.assertNotEqual(second.returncode, 0)
            self.assertIn(f"in use by process {server.process.pid}", second.stderr)

    def test_foreign_files_in_the_store_are_left_alone(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            server = on(disk)
            for name in ("cas/blobs/lost+found/x", "cas/blobs/SHA256/ab/junk", "cas/segments/junk", "cas/.DS_Store"):
                path = pathlib.Path(disk, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("foreign")
            with server:
                store(server, b"hello")
                self.assertEqual(read(server, b"hello"), [b"hello"])
            self.assertEqual(sum(x.read_text() == "foreign" for x in pathlib.Path(disk).rglob("*") if x.is_file()
                                 and x.stat().st_size == 7), 4)


class Compression(unittest.TestCase):
    ZSTD = 'compression = "zstd"'
    TABLE = b"\x5b\x2a\x4d\x18"  # how the frame with the table begins, after all others

    @staticmethod
    def text(size):
        """What shrinks well."""
        return "\n".join(f"# line {random.randrange(size)}" for _ in range(size // 8)).encode()[:size]

    @staticmethod
    def files(disk):
        """What lies there compressed."""
        return sorted(pathlib.Path(disk, "cas/blobs").rglob("*.zst"))

    @staticmethod
    def range(server, name, offset=0, limit=0):
        status, responses = ask(server.port, "/google.bytestream.ByteStream/Read",
                                field(1, name) + field(2, offset) + field(3, limit))
        assert status == 0, status
        return b"".join(only(x, 10) or b"" for x in responses)

    def check_ranges(self, server, blob):
        for offset, limit in ((0, 0), (0, 1), (1, 99_999), (262_143, 2), (262_144, 262_144), (len(blob) - 1, 0)):
            if offset < len(blob):
                end = offset + limit if limit else len(blob)
                self.assertEqual(self.range(server, name_of(blob), offset, limit), blob[offset:end])

    def test_a_compressed_store_gives_back_what_it_was_given_with_any_setting(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            texts = [self.text(size) for size in (20_000, 262_144, 262_145, 1_048_577, 2_500_000)]
            blobs = [*texts, os.urandom(300_000), b"small"]
            for extra in (self.ZSTD, self.ZSTD, "", self.ZSTD):  # each a start
                with on(disk, extra=extra) as server:
                    store(server, *blobs)
                    check_all(self, server, blobs)
                    for blob in texts:
                        self.check_ranges(server, blob)
                        packed = self.range(server, "compressed-" + name_of(blob).replace("/", "/zstd/", 1))
                        until(lambda: len(self.files(disk)) == len(texts), lambda: f"{self.files(disk)}")
                        path = next(x for x in self.files(disk) if x.name.startswith(hashlib.sha256(blob).hexdigest()))
                        self.assertLess(path.stat().st_size, len(blob) / 2)
                        self.assertTrue(path.read_bytes().startswith(packed + self.TABLE))  # sent as it lies there

    def test_an_action_sees_compressed_inputs_as_plain_files(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            with on(disk, extra=self.ZSTD) as server:
                tool = b"#!/bin/sh\ntest $# = 1\nexit\n" + self.text(700_000)
                root = directory(tool=tool)
                store(server, tool, root)
                sha = hashlib.sha256(tool).hexdigest()
                script = f'./tool x && test "$(sha256sum tool)" = "{sha}  tool"'
                for number in range(2):  # made, then linked
                    outcome, = execute_all(server, [store_action(server, f"{script} # {number}", root)], 1)
                    self.assertEqual((outcome.code, outcome.exit_code), (0, 0), outcome)
                until(lambda: len(self.files(disk)) == 1, lambda: f"{self.files(disk)}")

    def test_what_rots_in_a_compressed_file_is_never_served(self):
        with tempfile.TemporaryDirectory(prefix="expbuild-store-") as disk:
            blobs = [self.text(300_000 + i) for i in range(4)]
            with on(disk, extra=self.ZSTD) as server:
                store(server, *blobs)
            for number, path in enumerate(self.files(disk)):
                data = bytearray(path.read_bytes())
                data[(100, len(data) // 2, -50, -1)[number]] ^= 1
                path.chmod(0o600)
                path.write_bytes(data)
            with on(disk, extra=self.ZSTD) as server:
                self.assertEqual(read(server, *blobs), [None] * 4)
                self.assertEqual(find_missing(server, *blobs), blobs)
                self.assertEqual(server.metric("expbuild_cas_lost_total"), 4)
                store(server, *blobs)
                check_all(self, server, blobs)


if __name__ == "__main__":
    unittest.main(argv=[x for x in sys.argv if x != "--long"])
