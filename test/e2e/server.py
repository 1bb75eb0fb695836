"""A real re-server for one test: its own folder, its own ports, nothing left behind."""
import contextlib
import faulthandler
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

BIN = pathlib.Path(os.environ["EXPBUILD_BIN"])
WAIT = 60  # seconds for anything that must happen
NUMBERS = itertools.count(1)
faulthandler.dump_traceback_later(170, repeat=True)  # a test that hangs says where, before it is killed


def free_port():
    """Nobody else is given it: its socket stays bound until this process ends. It does not listen, so a server that
    sets SO_REUSEADDR can have the port, again and again."""
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    s.detach()
    return port


def processes():
    """pid -> command line, of everything that runs here."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            if line:
                found[int(entry.name)] = line
    return found


def unique_seconds():
    """For a sleep that can be told from every other on this machine."""
    return f"{next(NUMBERS)}{os.getpid():07}"


def groups(runners):
    """Control groups of these runners."""
    names = {f"expbuild-{pid}" for pid in runners}
    return [path for path, _, _ in os.walk("/sys/fs/cgroup") if os.path.basename(path) in names]


class ServedCase(unittest.TestCase):
    """Tests that share one server; each has a folder of its own."""
    options = {}

    @classmethod
    def setUpClass(cls):
        cls.context = Server(**cls.options)
        cls.server = cls.context.__enter__()

    @classmethod
    def tearDownClass(cls):
        cls.context.__exit__(None, None, None)

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(temporary.name)
        self.addCleanup(temporary.cleanup)


def until(holds, what, patience=WAIT):
    """For what another process does in its own time."""
    end = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < end, what() if callable(what) else what
        time.sleep(0.05)


class Server:
    """with Server() as s: ...   Stops it at the end and checks that it left nothing."""

    def __init__(self, workers=2, extra="", folder=None, server="", descriptors=None,
                 environment=None):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="expbuild-e2e-"))
        self.owns_folder = folder is None
        self.folder.chmod(0o711)  # actions run as another user
        self.port, self.http_port = free_port(), free_port()
        self.log_path = self.folder / "log"
        self.config = self.folder / "server.toml"
        self.config.write_text(f"""
[server]
address = "127.0.0.1:{self.port}"
{server}
[http]
address = "127.0.0.1:{self.http_port}"
[storage.cas]
root_dir = "{self.folder}/cas"
[storage.action_cache]
root_dir = "{self.folder}/action_cache"
{extra}
[[execution.pool.workers]]
type = "host"
count = {workers}
work_dir = "{self.folder}/work"
""")
        self.descriptors = descriptors  # its limit of open files
        self.environment = {**os.environ, **(environment or {})}
        self.process = None

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([BIN / "re-server", "--config", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment,
                                            preexec_fn=self.limit if self.descriptors else None)
        if self.rectl("status", "--wait", "20").returncode != 0:
            self.tell_all()
            raise AssertionError("the server does not answer")
        until(self.has_its_workers, self.log)  # which come after it answers
        return self

    def limit(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.descriptors, self.descriptors))

    def stop(self):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(WAIT)

    def kill(self):
        self.process.kill()
        self.process.wait(WAIT)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        if self.process.poll() is None:
            code = self.stop()
            assert code == 0, f"re-server ended with {code}"
        if kind:
            print("---- the server's log ----", self.log(), sep="\n")
        else:
            self.check_nothing_is_left()
        if self.owns_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def check_nothing_is_left(self):
        ours = [f"{pid} {line}" for pid, line in processes().items() if str(self.folder) in line]
        assert not ours, f"processes left behind: {ours}"
        mounts = [m for m in pathlib.Path("/proc/mounts").read_text().splitlines() if str(self.folder) in m]
        assert not mounts, f"mounts left behind: {mounts}"
        cas = pathlib.Path(re.search(r'cas\]\nroot_dir = "(.*)"', self.config.read_text())[1])
        left = list((cas / "tmp").iterdir())
        assert not left, f"temporary files left behind: {left}"
        for folder in re.findall('work_dir = "(.*)"', self.config.read_text()):
            for slot in (x for x in pathlib.Path(folder).iterdir() if x.name != "LOCK"):
                left = [x.name for x in slot.iterdir() if x.name not in ("stdout", "stderr") or x.stat().st_size]
                assert not left, f"{slot} is not empty: {left}"

    def log(self):
        return self.log_path.read_text()

    def arguments(self, *arguments):
        return [str(x) for x in (BIN / "rectl", "--server", f"127.0.0.1:{self.port}", *arguments)]

    def rectl(self, *arguments, check=False, **options):
        try:
            return subprocess.run(self.arguments(*arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=WAIT, check=check, **options)
        except subprocess.TimeoutExpired:
            self.tell_all()
            raise

    def tell_all(self):
        """What can be seen of a server that does not answer: its log, and where its processes wait."""
        print("---- the server's log ----", self.log(), "---- processes ----", sep="\n")
        for status in pathlib.Path("/proc").glob("[0-9]*/status"):
            with contextlib.suppress(OSError):
                text = status.read_text()
                parent = int(re.search(r"^PPid:\s*(\d+)", text, re.M)[1])
                if "re-runner" in text or parent == self.process.pid:
                    waits = [(status.parent / x).read_text().strip() for x in ("wchan", "syscall", "stack")]
                    print(status.parent.name, "of", parent, re.findall(r"^(?:Name|State):\s*(.*)", text, re.M), *waits)
        sys.stdout.flush()

    def status(self):
        return json.loads(self.rectl("--json", "status", check=True).stdout)

    def has_its_workers(self):
        return all(int(w["pid"]) for w in self.status()["workers"] if w["type"] == "host")

    def runner_pids(self):
        return [int(w["pid"]) for w in self.status()["workers"] if int(w["pid"])]

    def resident_mib(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(x for x in status.splitlines() if x.startswith("VmRSS")).split()[1]) // 1024

    def open_files(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def what_is_open(self):
        folder = pathlib.Path(f"/proc/{self.process.pid}/fd")
        return sorted(f"{x.name} {os.readlink(x)}" for x in folder.iterdir())

    def metric(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.http_port}/metrics", timeout=WAIT) as answer:
            lines = answer.read().decode().splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(name))
