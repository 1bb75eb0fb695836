#!/usr/bin/env python3
"""A container engine for tests, on a socket and in a folder of its own, with one small image made here.

engine.py run FOLDER COMMAND...   starts it if it does not run, tells its socket in EXPBUILD_TEST_ENGINE, and in
                                  EXPBUILD_TEST_BRIDGE that it has a bridge (no other engine has one here)
engine.py down FOLDER             stops it and removes everything
Exit code 77: this machine can not have one; why is printed."""
import contextlib
import fcntl
import http.client
import io
import json
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tarfile
import time
import urllib.parse

IMAGE = "expbuild-test:1"  # busybox and nothing else
OTHER_IMAGE = "expbuild-test:2"  # the same with a file and a variable of its own
HOST_IMAGE = "expbuild-test:host"  # nothing: the programs are the host's, as volumes
HOST_VOLUMES = ("/usr", "/etc/alternatives")
BRIDGE = pathlib.Path("/sys/class/net/docker0")
BRIDGE_LOCK = "/var/tmp/expbuild-test-bridge.lock"
WAIT = 60


def obstacle():
    """Why there can be no engine here; None when there can."""
    if os.geteuid() != 0:
        return "only root can run a container engine"
    for program in ("dockerd", "containerd", "runc"):
        if not shutil.which(program):
            return f"{program} is not installed (docker.io)"
    if not pathlib.Path("/bin/busybox").exists():
        return "busybox is not installed (busybox-static)"
    return None


class Connection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("docker", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Engine:
    def __init__(self, folder, live_restore=True, bridge=False):
        self.folder = pathlib.Path(folder)
        self.socket = self.folder / "docker.sock"
        self.live_restore, self.bridge = live_restore, bridge
        self.process = None  # when it was started here
        self.lock = None  # an open file, which dockerd and all it starts inherit

    # ---- life --------------------------------------------------------------------------------

    def start(self):
        """Of a first life, or of another one after kill()."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        for pid_file in (self.folder / "pid", self.folder / "exec/containerd/containerd.pid"):
            if pid_file.exists() and not runs(pid_file):
                pid_file.unlink()  # else dockerd takes a zombie for a living process, and waits for it
        command = ["dockerd", "--host", f"unix://{self.socket}", "--data-root", self.folder / "data",
                   "--exec-root", self.folder / "exec", "--pidfile", self.folder / "pid", "--log-level", "warn",
                   "--storage-driver", self.storage_driver()]
        if self.live_restore:
            command.append("--live-restore")
        command.append("--iptables=false")
        if self.bridge and not self.has_bridge() and self.owns_bridge():
            (self.folder / "bridge").touch()
        if not self.has_bridge():
            command.append("--bridge=none")
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([str(x) for x in command], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True,
                                            pass_fds=[self.lock] if self.lock else [])
        self.until_it_answers()
        return self

    def until_it_answers(self):
        end = time.monotonic() + WAIT
        while not self.answers():
            if (self.process and self.process.poll() is not None) or time.monotonic() > end:
                print((self.folder / "log").read_text()[-3000:], file=sys.stderr)
                raise RuntimeError("dockerd did not start")
            time.sleep(0.05)

    def owns_bridge(self):
        """The machine has one: of the engine that comes first, for as long as anything of it lives."""
        lock = os.open(BRIDGE_LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            return False
        self.lock = lock
        return not BRIDGE.exists()  # it may be that of an engine which is nobody's test

    def has_bridge(self):
        return (self.folder / "bridge").exists()

    def storage_driver(self):
        """An overlay can not lie on an overlay."""
        kind = subprocess.run(["stat", "-f", "-c", "%T", self.folder], capture_output=True, text=True, check=True)
        return "vfs" if kind.stdout.strip() == "overlayfs" else "overlay2"

    def pid(self):
        """Of dockerd; 0 when it does not run."""
        return runs(self.folder / "pid")

    def kill(self, number=signal.SIGKILL):
        family = [pid for pid in (self.pid(), runs(self.folder / "exec/containerd/containerd.pid")) if pid]
        os.kill(family[0], number)
        if number in (signal.SIGKILL, signal.SIGTERM):
            for pid in family:  # containerd goes with dockerd, a moment later
                with contextlib.suppress(ProcessLookupError), os.fdopen(os.pidfd_open(pid)) as process:
                    assert select.select([process], [], [], WAIT)[0], "the engine does not end"
            if self.process:
                self.process.wait(WAIT)

    def stop(self, keep_folder=False):
        """Nothing of it stays: no container, no process, no file."""
        if self.pid():
            for container in self.containers():
                self.api("DELETE", f"/containers/{container['Id']}?force=true&v=true")
            self.kill(signal.SIGTERM)
        for shim in self.shims():  # of containers that it forgot when it was killed
            for pid in (*children(shim), shim):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for mount in reversed(pathlib.Path("/proc/mounts").read_text().splitlines()):
            at = mount.split()[1]
            if at.startswith(f"{self.folder}/"):
                subprocess.run(["umount", "-l", at], check=False)
        if self.has_bridge() and BRIDGE.exists():
            remove_bridge()
        if not keep_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def shims(self):
        for line in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if f"{self.folder}/exec/containerd".encode() in line.read_bytes():
                    yield int(line.parent.name)

    # ---- its API -----------------------------------------------------------------------------

    def api(self, method, target, body=None, kind="application/json", timeout=WAIT):
        """(status, answer)"""
        connection = Connection(self.socket, timeout)
        try:
            if body is not None and kind == "application/json":
                body = json.dumps(body)
            connection.request(method, "/v1.41" + target, body, {"Content-Type": kind} if body else {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        try:
            return answer.status, json.loads(text) if text else None
        except ValueError:
            return answer.status, text

    def answers(self):
        try:
            return self.api("GET", "/_ping", timeout=2)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def containers(self, label=None):
        filters = {"label": [label]} if label else {}
        return self.api("GET", "/containers/json?all=true&filters=" + urllib.parse.quote(json.dumps(filters)))[1]

    def make_images(self):
        for image, root, changes in ((IMAGE, root_tar(), ""), (HOST_IMAGE, host_tar(), ""),
                                     (OTHER_IMAGE, root_tar(marker="other"), "&changes=ENV%20FLAVOUR=other%20PATH=/bin:/special")):
            if self.api("GET", f"/images/{image}/json")[0] == 200:
                continue
            repository, tag = image.split(":")
            status, answer = self.api("POST", f"/images/create?fromSrc=-&repo={repository}&tag={tag}{changes}", root,
                                      "application/x-tar")
            assert status == 200, answer


def runs(pid_file):
    """The number in it when that is a dockerd or containerd that is no zombie; else 0."""
    try:
        pid = int(pid_file.read_text())
        name, state = re.search(r"\((.*)\) (\S)", pathlib.Path(f"/proc/{pid}/stat").read_text()).groups()
        return pid if name in ("dockerd", "containerd") and state not in "ZX" else 0
    except (OSError, ValueError):
        return 0


def children(pid):
    """Of every thread of a process."""
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            yield from map(int, task.read_text().split())


def remove_bridge():
    down, delete = 0x8914, 0x89a1  # SIOCSIFFLAGS, SIOCBRDELBR
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, down, struct.pack("16sh14x", b"docker0", 0))
        fcntl.ioctl(any_socket, delete, b"docker0\0")


class Root:
    """A root file system on its way to be a tar."""

    def __init__(self):
        self.bytes = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.bytes, mode="w")

    def add(self, name, kind, mode, content=b"", target=""):
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(content), target
        self.tar.addfile(entry, io.BytesIO(content))

    def finish(self):
        self.add("tmp", tarfile.DIRTYPE, 0o1777)
        self.add("etc/passwd", tarfile.REGTYPE, 0o644, b"root:x:0:0:root:/:/bin/sh\n")
        self.tar.close()
        return self.bytes.getvalue()


def root_tar(marker=None):
    """Busybox under all its names."""
    names = subprocess.run(["/bin/busybox", "--list"], capture_output=True, text=True, check=True).stdout.split()
    root = Root()
    root.add("bin", tarfile.DIRTYPE, 0o755)
    root.add("bin/busybox", tarfile.REGTYPE, 0o755, pathlib.Path("/bin/busybox").read_bytes())
    for name in names:
        if name != "busybox":
            root.add(f"bin/{name}", tarfile.SYMTYPE, 0o777, target="busybox")
    if marker:
        root.add("etc/marker", tarfile.REGTYPE, 0o644, marker.encode())
    return root.finish()


def host_tar():
    """Places for the host's programs."""
    root = Root()
    root.add("usr", tarfile.DIRTYPE, 0o755)
    for name in ("bin", "sbin", "lib", "lib64"):
        root.add(name, tarfile.SYMTYPE, 0o777, target=f"usr/{name}")
    return root.finish()


def main():
    verb, folder, *command = sys.argv[1:]
    why = obstacle()
    if why:
        print(f"skipped: {why}", flush=True)
        sys.exit(77)
    engine = Engine(folder, bridge=True)
    if verb == "down":
        engine.stop()
    elif verb == "run":
        if engine.pid():
            engine.until_it_answers()
        else:
            engine.start()
        engine.make_images()
        os.environ["EXPBUILD_TEST_ENGINE"] = str(engine.socket)
        if engine.has_bridge():
            os.environ["EXPBUILD_TEST_BRIDGE"] = "docker0"
        os.execvp(command[0], command)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
