"""What a user does with rectl's blobs, operations and workers, against a real server."""
import hashlib
import json
import os
import pty
import resource
import subprocess
import time
import unittest

from server import WAIT, ServedCase


def digest_of(data):
    return f"{hashlib.sha256(data).hexdigest()}/{len(data)}"


class Transfer(ServedCase):
    def make_folder(self):
        top = self.folder / "in"
        (top / "sub/deeper").mkdir(parents=True)
        (top / "sub/deeper/large").write_bytes(os.urandom(5 << 20))
        (top / "tool").write_text("#!/bin/sh\n")
        (top / "tool").chmod(0o755)
        (top / "empty").touch()
        (top / "link").symlink_to("sub/deeper")
        return top

    def check_same(self, found, made):
        self.assertEqual((found / "sub/deeper/large").read_bytes(), (made / "sub/deeper/large").read_bytes())
        self.assertTrue(os.access(found / "tool", os.X_OK))
        self.assertEqual((found / "empty").stat().st_size, 0)
        self.assertEqual(os.readlink(found / "link"), "sub/deeper")

    def test_files_go_there_and_come_back(self):
        for data in (b"", b"small", os.urandom(3 << 20)):
            path, back = self.folder / "file", self.folder / "back"
            path.write_bytes(data)
            printed = self.server.rectl("upload", path, check=True).stdout
            self.assertEqual(printed.split(), [digest_of(data), str(path)])
            self.server.rectl("download", digest_of(data), "-o", back, check=True)
            self.assertEqual(back.read_bytes(), data)
            shown = subprocess.run(self.server.arguments("cat", "sha256/" + digest_of(data)), capture_output=True,
                                   stdin=subprocess.DEVNULL, timeout=WAIT, check=True)
            self.assertEqual(shown.stdout, data)

    def test_a_folder_goes_there_and_comes_back_by_its_directory_digest(self):
        made = self.make_folder()
        found = json.loads(self.server.rectl("--json", "upload", made, made / "tool", check=True).stdout)["uploaded"]
        self.assertEqual([x["type"] for x in found], ["directory", "file"])
        digest = f"{found[0]['hash']}/{found[0]['sizeBytes']}"
        for _ in range(2):  # also over what is there
            self.server.rectl("download", "--tree", digest, "-o", self.folder / "out", check=True)
            self.check_same(self.folder / "out", made)

    def test_an_output_directory_comes_back_by_its_tree_digest(self):
        made = self.make_folder()
        self.server.rectl("exec", "--input", made, "--output", "t", "--download", self.folder / "first", "--",
                          "/bin/sh", "-c", "mkdir t; cp -a sub tool empty link t", check=True)
        listed = json.loads(self.server.rectl("--json", "operations", "--filter", "done=true", check=True).stdout)
        tree = listed["operations"][-1]["response"]["result"]["outputDirectories"][0]["treeDigest"]
        self.server.rectl("download", "--tree", f"{tree['hash']}/{tree['sizeBytes']}", "-o", self.folder / "out",
                          check=True)
        self.check_same(self.folder / "out", made)

    def test_what_is_not_there_and_what_is_no_digest_have_codes_of_their_own(self):
        for verb in (("cat",), ("download", "-o", self.folder / "out"), ("download", "--tree", "-o", self.folder)):
            absent = self.server.rectl(*verb, digest_of(b"nobody uploaded this"))
            self.assertEqual(absent.returncode, 5, absent.stderr)
            wrong = self.server.rectl(*verb, "1234/5")
            self.assertEqual(wrong.returncode, 2, wrong.stderr)
            self.assertIn("HASH/SIZE", wrong.stderr)
        self.assertFalse((self.folder / "out").exists())
        self.assertEqual(self.server.rectl("download", digest_of(b""), "-o", self.folder).returncode, 2)

    def test_a_path_that_the_system_refuses_is_told_with_its_reason(self):
        name = "n" * 5000
        for asked in (("upload", name), ("upload", self.folder / "none"), ("download", digest_of(b""), "-o", name)):
            told = self.server.rectl(*asked)
            self.assertIn(told.returncode, (1, 2, 5), told.stderr)
            self.assertRegex(told.stderr, "File name too long|No such file|does not exist")

    def test_a_download_that_is_killed_leaves_no_file(self):
        data = os.urandom(4 << 20)
        (self.folder / "file").write_bytes(data)
        self.server.rectl("upload", self.folder / "file", check=True)
        target = self.folder / "target"
        target.mkdir()
        (target / "old").write_text("as it was")

        def limit():  # the write beyond it kills the process
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        for name in ("old", "new"):
            done = self.server.rectl("download", digest_of(data), "-o", target / name, preexec_fn=limit)
            self.assertNotEqual(done.returncode, 0)
        self.assertEqual((target / "old").read_text(), "as it was")
        self.assertEqual([x.name for x in target.iterdir()], ["old"])

    def test_progress_is_shown_on_a_terminal_only(self):
        (self.folder / "file").write_bytes(os.urandom(2 << 20))
        arguments = self.server.arguments("upload", self.folder / "file")
        ours, theirs = pty.openpty()
        with subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
                              env=dict(os.environ, TERM="xterm")) as client:
            os.close(theirs)
            shown = b""
            try:
                while piece := os.read(ours, 4096):
                    shown += piece
            except OSError:
                pass  # the terminal's end
            os.close(ours)
            self.assertIn(b"file", client.stdout.read())
        self.assertIn(b"uploading", shown)
        self.assertIn(b"of 2.0 MiB", shown)
        self.assertEqual(self.server.rectl("upload", self.folder / "file", check=True).stderr, "")

    def test_operations_are_listed_and_cancelled(self):
        command = self.server.arguments("exec", "-v", "--do-not-cache", "--", "/bin/sleep", "6543")
        client = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        name = client.stderr.readline().split()[1]
        deadline = time.monotonic() + WAIT
        while name not in self.server.rectl("operations", "--filter", "stage=EXECUTING", check=True).stdout:
            self.assertLess(time.monotonic(), deadline)
        self.assertNotIn(name, self.server.rectl("operations", "--filter", "done=true", check=True).stdout)
        self.server.rectl("cancel", name, check=True)
        self.assertEqual(client.wait(WAIT), 1)
        client.stderr.close()
        lines = [x for x in self.server.rectl("operations", check=True).stdout.splitlines() if name in x]
        self.assertEqual(len(lines), 1)
        self.assertIn("completed", lines[0])
        self.assertIn("CANCELLED", lines[0])
        self.assertEqual(self.server.rectl("cancel", "nobody").returncode, 5)
        wrong = self.server.rectl("operations", "--filter", "colour=red")
        self.assertEqual(wrong.returncode, 1)
        self.assertIn("colour=red", wrong.stderr)

    def test_workers_are_listed(self):
        found = json.loads(self.server.rectl("--json", "workers", check=True).stdout)["workers"]
        self.assertEqual(sorted(x["name"] for x in found), ["host-worker-1", "host-worker-2"])
        self.assertIn("host-worker-1", self.server.rectl("workers", check=True).stdout)

    def test_a_finished_action_has_a_line_in_the_log(self):
        self.server.rectl("exec", "--do-not-cache", "--", "/bin/sh", "-c", "exit 5")
        lines = [x for x in self.server.log().splitlines() if " ended: " in x and "exit_code=5" in x]
        self.assertEqual(len(lines), 1)
        for part in (" INFO operation: action ", "worker=host-worker-", "ran=", "tool=rectl"):
            self.assertIn(part, lines[0])


if __name__ == "__main__":
    unittest.main()
