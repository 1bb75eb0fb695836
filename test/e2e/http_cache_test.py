"""The HTTP cache protocol as its users speak it: curl, ccache, and Debian's Bazel, against a real server."""
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from bazel_test import Bazel, BuildCase
from server import WAIT, ServedCase, Server


class HttpBazel(Bazel):
    """A Bazel that builds on its own machine and keeps its results by HTTP."""

    def __init__(self, root, name, url):
        super().__init__(root, name)
        self.remote = [f"--remote_cache={url}", "--spawn_strategy=local", "--remote_timeout=60"]


@unittest.skipUnless(shutil.which("curl"), "there is no curl")
class Curl(ServedCase):
    options = {"server": 'instance_name = "main"'}

    def curl(self, path, *arguments):
        """(status, body)"""
        body = self.folder / "body"
        body.unlink(missing_ok=True)
        done = subprocess.run(["curl", "-sS", "-o", body, "-w", "%{http_code}", *arguments,
                               f"http://127.0.0.1:{self.server.http_port}{path}"],
                              stdin=subprocess.PIPE, capture_output=True, text=True, timeout=WAIT)
        self.assertEqual(done.returncode, 0, done.stderr)
        return int(done.stdout), body.read_bytes() if body.exists() else b""

    def put(self, data, prefix="", *arguments):
        (self.folder / "data").write_bytes(data)
        return self.curl(f"{prefix}/cas/{hashlib.sha256(data).hexdigest()}", "-T", self.folder / "data", *arguments)

    def test_blobs_go_there_and_come_back_whatever_their_size(self):
        for size in (0, 5, 1 << 20, (1 << 20) + 1, 30_000_000):  # curl asks before it sends a large one
            data = os.urandom(size)
            for _ in range(2):  # the second time it is there already
                self.assertEqual(self.put(data)[0], 200)
            self.assertEqual(self.curl(f"/cas/{hashlib.sha256(data).hexdigest()}"), (200, data))

    def test_a_blob_is_the_same_by_http_and_by_grpc(self):
        data = os.urandom(3_000_000)
        self.assertEqual(self.put(data, "/main")[0], 200)
        digest = f"{hashlib.sha256(data).hexdigest()}/{len(data)}"
        back = self.folder / "back"
        self.server.rectl("download", digest, "-o", back, check=True)
        self.assertEqual(back.read_bytes(), data)
        (self.folder / "other").write_bytes(b"by gRPC")
        self.server.rectl("upload", self.folder / "other", check=True)
        self.assertEqual(self.curl(f"/cas/{hashlib.sha256(b'by gRPC').hexdigest()}"), (200, b"by gRPC"))

    def test_what_is_wrong_is_told(self):
        data, name = os.urandom(2_000_000), hashlib.sha256(b"something else").hexdigest()
        (self.folder / "data").write_bytes(data)
        for expect in ("Expect: 100-continue", "Expect:"):
            status, text = self.curl(f"/cas/{name}", "-H", expect, "-T", self.folder / "data")
            self.assertEqual(status, 400)
            self.assertIn(name, text.decode())
        self.assertEqual(self.curl(f"/cas/{name}")[0], 404)
        self.assertEqual(self.put(data, "/other")[0], 404)
        self.assertEqual(self.curl(f"/cas/{name}", "-H", "Transfer-Encoding: chunked", "-T", self.folder / "data")[0],
                         411)
        status, text = self.curl(f"/ac/{name}", "-H", "Expect:", "-T", self.folder / "data")
        self.assertEqual(status, 400)
        self.assertIn("ActionResult", text.decode())

    def test_a_download_that_broke_off_goes_on(self):
        data = os.urandom(5_000_000)
        self.put(data)
        part = self.folder / "part"
        part.write_bytes(data[:1_234_567])
        subprocess.run(["curl", "-sS", "-C", "-", "-o", part,
                        f"http://127.0.0.1:{self.server.http_port}/cas/{hashlib.sha256(data).hexdigest()}"],
                       stdin=subprocess.DEVNULL, timeout=WAIT, check=True)
        self.assertEqual(part.read_bytes(), data)

    def test_nothing_is_left_when_a_client_is_killed(self):
        data = os.urandom(40_000_000)
        (self.folder / "data").write_bytes(data)
        path = f"/cas/{hashlib.sha256(data).hexdigest()}"
        with self.assertRaises(AssertionError):  # curl gives up after a second, with more than half to send
            self.curl(path, "--limit-rate", "10M", "--max-time", "1", "-T", self.folder / "data")
        self.assertEqual(self.curl(path)[0], 404)
        self.assertEqual(self.put(data)[0], 200)
        self.assertEqual(self.curl(path), (200, data))

    def test_clients_that_take_nothing_and_send_nothing_cost_little(self):
        data = os.urandom(64 << 20)
        self.put(data)
        path = f"/cas/{hashlib.sha256(data).hexdigest()}"
        before = self.server.resident_mib()
        lazy = []
        for number in range(300):
            client = socket.create_connection(("127.0.0.1", self.server.http_port), WAIT)
            self.addCleanup(client.close)
            lazy.append(client)
            if number % 3 == 0:
                client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            else:
                name, kind = hashlib.sha256(str(number).encode()).hexdigest(), ("ac", "cas")[number % 2]
                client.sendall(f"PUT /{kind}/{name} HTTP/1.1\r\nHost: localhost\r\n"
                               "Content-Length: 16000000\r\n\r\nx".encode())
        self.assertEqual(self.curl("/healthz")[0], 200)
        self.assertEqual(self.curl(path), (200, data))
        self.assertLess(self.server.resident_mib() - before, 150)

    def test_it_is_counted(self):
        self.put(b"counted")
        self.assertGreater(self.server.metric('grpc_server_handled_total{grpc_code="OK",grpc_method="PUT cas"'), 0)


@unittest.skipUnless(shutil.which("ccache") and shutil.which("gcc"), "there is no ccache")
class CompilerCache(unittest.TestCase):
    def test_ccache_keeps_its_values_there(self):
        with Server() as server, tempfile.TemporaryDirectory() as folder:
            server.stop()
            server.config.write_text(server.config.read_text().replace("[http]", "[http]\nany_value = true"))
            server.start()
            source = pathlib.Path(folder) / "a.c"
            source.write_text("int answer(void) { return 42; }\n")

            def compile_in(name):
                environment = {"PATH": "/usr/bin:/bin", "CCACHE_DIR": f"{folder}/{name}", "CCACHE_CONFIGPATH": "/dev/null",
                               "CCACHE_REMOTE_STORAGE": f"http://127.0.0.1:{server.http_port}|layout=bazel"}
                subprocess.run(["ccache", "gcc", "-c", source, "-o", f"{folder}/{name}.o"], env=environment, check=True,
                               stdin=subprocess.DEVNULL, timeout=WAIT)
                statistics = subprocess.run(["ccache", "--print-stats"], env=environment, check=True, timeout=WAIT,
                                            capture_output=True, text=True).stdout
                return dict(line.split("\t") for line in statistics.splitlines()), pathlib.Path(f"{folder}/{name}.o").read_bytes()

            first, made = compile_in("first")
            second, found = compile_in("second")
            self.assertEqual(first["remote_storage_error"], "0", first)
            self.assertEqual(first["cache_miss"], "1", first)
            self.assertEqual(second["remote_storage_hit"], "1", second)
            self.assertEqual(made, found)


class HttpCachedBuild(BuildCase):
    def test_the_second_build_comes_from_the_cache(self):
        with Server() as server:
            url = f"http://127.0.0.1:{server.http_port}"
            outcomes = []
            for name in ("first", "second"):  # the second one has a clean output base
                bazel = HttpBazel(self.root, name, url)
                self.bazels.append(bazel)
                log = self.succeed(bazel("build", "//...", "--", "-//trouble/..."))
                self.assertNotIn("WARNING: Writing to Remote Cache", log)
                self.assertNotIn("WARNING: Reading from Remote Cache", log)
                outcomes.append((re.search(r"INFO: \d+ processes?: (.*)\.", log)[1], bazel.artefacts()))
            self.assertNotIn("remote cache hit", outcomes[0][0])
            self.assertIn("remote cache hit", outcomes[1][0])
            self.assertNotIn("local", outcomes[1][0])
            self.assertGreater(len(outcomes[0][1]), 50)
            self.assertEqual(outcomes[0][1], outcomes[1][1])


if __name__ == "__main__":
    unittest.main()
