"""A build that makes a server do everything that it counts, and the metrics that it shows on the way."""
import contextlib
import hashlib
import http.client
import os
import pathlib
import re
import signal
import socket
import subprocess
import urllib.error
import urllib.request

from reapi import find_missing, read, store
from server import WAIT, processes, unique_seconds, until

SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$')
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def parse(text):
    """(name, frozenset of labels) -> value, of Prometheus' text format."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = SAMPLE.match(line).groups()
            found[name, frozenset(LABEL.findall(labels or ""))] = float(value)
    return found


class Watched:
    """A server, and every value that its metrics had when they were looked at."""

    def __init__(self, server):
        self.server = server
        self.values = {}  # (name, labels) -> set of values
        self.text = ""

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.server.http_port}{path}", timeout=WAIT) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()

    def look(self):
        self.text = self.get("/metrics")[1].decode()
        now = parse(self.text)
        for series, value in now.items():
            self.values.setdefault(series, set()).add(value)
        return now

    def value(self, name, **labels):
        """The sum of those series that have these labels."""
        return sum(value for (is_named, has), value in self.look().items()
                   if is_named == name and set(labels.items()) <= has)

    def until(self, holds, name, **labels):
        until(lambda: holds(self.value(name, **labels)), f"{name} {labels} does not move")

    def has_moved(self, name, **labels):
        """Whether a series with these labels had more than one value, or came after the first look."""
        return any(len(values) > 1 for (is_named, has), values in self.values.items()
                   if is_named == name and set(labels.items()) <= has)

    def exec(self, *arguments, script="true"):
        return self.server.rectl("exec", *arguments, "--", "/bin/sh", "-c", script)

    def begin(self, *arguments, script):
        return subprocess.Popen(self.server.arguments("exec", *arguments, "--", "/bin/sh", "-c", script),
                                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run_actions(watched, folder):
    """Every way in which an action can end."""
    (folder / "in").mkdir()
    (folder / "in/data").write_bytes(os.urandom(50_000))
    made = ("--input", folder / "in", "--output", "o", "--download", folder / "out", "--mnemonic", "Copy")
    for _ in range(2):  # it runs, it is cached
        done = watched.exec(*made, script="cat data data > o; echo done")
        assert done.returncode == 0, done.stderr
        watched.look()
    assert watched.exec(script="exit 7").returncode == 7
    assert watched.exec("--action-timeout", "1", script="sleep 60").returncode != 0
    assert watched.exec("--platform", "OSFamily=windows").returncode != 0
    watched.look()


def run_many(watched):
    """More than there is room for: they join, wait, are refused and are cancelled."""
    sleep = f"sleep {unique_seconds()}"
    first = watched.begin(script=f"{sleep}; echo the same")
    watched.until(lambda x: x == 1, "expbuild_workers", state="busy")
    same = watched.begin(script=f"{sleep}; echo the same")
    watched.until(lambda x: x >= 1, "expbuild_execute_requests_total", outcome="merged")
    until(lambda: sleep in processes().values(), "they do not run")
    os.kill(next(pid for pid, line in processes().items() if line == sleep), signal.SIGKILL)  # the shell goes on
    assert (first.wait(WAIT), same.wait(WAIT)) == (0, 0)
    waiting = [watched.begin("--skip-cache", script=f"sleep 300 # {n}") for n in range(4)]
    watched.until(lambda x: x == 2, "expbuild_queue_actions")
    watched.until(lambda x: x > 0, "expbuild_queue_oldest_age_seconds")
    watched.until(lambda x: x == 4, "expbuild_execute_waiters")
    refused = watched.begin("--skip-cache", script="true # one too many")
    watched.until(lambda x: x >= 1, "expbuild_queue_rejected_total", reason="full")
    for each in (refused, *waiting):
        each.send_signal(signal.SIGINT)
    for each in (refused, *waiting):
        each.wait(WAIT)
    watched.until(lambda x: x >= 4, "expbuild_actions_total", result="cancelled")
    watched.until(lambda x: x == 2, "expbuild_workers", state="idle")


def lose_workers(watched):
    """One dies under its action, one is restarted by its operator, all are drained."""
    client = watched.begin("--skip-cache", script="sleep 3")
    watched.until(lambda x: x == 1, "expbuild_workers", state="busy")
    busy = next(w for w in watched.server.status()["workers"] if w["state"] == "BUSY")
    os.kill(int(busy["pid"]), signal.SIGKILL)
    watched.until(lambda x: x == 1, "expbuild_worker_restarts_total", reason="crash")
    assert client.wait(WAIT) == 0
    watched.server.rectl("restart", "host-worker-2", check=True)
    watched.until(lambda x: x == 1, "expbuild_worker_restarts_total", reason="operator")
    watched.until(lambda x: x == 2, "expbuild_workers", state="idle")
    watched.server.rectl("drain", "host-*", check=True)
    client = watched.begin("--skip-cache", script="true")
    watched.until(lambda x: x == 1, "expbuild_unschedulable_actions")
    watched.until(lambda x: x == 2, "expbuild_workers", state="drained")
    watched.server.rectl("undrain", "host-*", check=True)
    assert client.wait(WAIT) == 0


def move_blobs(watched, folder):
    """Up, down, and over HTTP; one upload and one download that are seen while they last."""
    port, data = watched.server.http_port, os.urandom(12_000_000)
    path = f"/cas/{hashlib.sha256(data).hexdigest()}"
    (folder / "blob").write_bytes(data)
    watched.server.rectl("upload", folder / "blob", check=True)
    watched.server.rectl("download", f"{path[5:]}/{len(data)}", "-o", folder / "back", check=True)
    assert read(watched.server, b"nowhere") == [None]
    find_missing(watched.server, data, b"nowhere")
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT)) as client:
        client.putrequest("PUT", "/cas/" + hashlib.sha256(data[1:]).hexdigest())
        client.putheader("Content-Length", str(len(data) - 1))
        client.endheaders()
        client.send(data[1:5_000_000])
        watched.until(lambda x: x == 1, "expbuild_cas_open_writes")
        client.send(data[5_000_000:])
        assert client.getresponse().status == 200
    with contextlib.closing(socket.create_connection(("127.0.0.1", port), WAIT)) as lazy:
        lazy.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        watched.until(lambda x: x > 0, "expbuild_client_memory_bytes", what="pieces")
    for page in ("/ui/", "/", "/status", "/healthz", "/readyz", "/nothing", "/api/v1/status", "/api/v1/nothing", path):
        watched.get(page)
    watched.look()


def fill(watched):
    """Until something goes, and some more."""
    def goes():
        with contextlib.suppress(AssertionError):  # there is no room just now
            store(watched.server, *(os.urandom(20_000) for _ in range(50)))
        return watched.value("expbuild_cas_last_eviction_age_seconds") > 0
    until(goes, "nothing is evicted")


def purge(watched):
    watched.exec("--mnemonic", "Purged", script="echo purged")
    watched.server.rectl("purge", "--all", "--yes", check=True)
    watched.look()


def build(server, folder):
    """On a server with two workers, a queue of two, a lease of a second and a store of 32 MB."""
    watched, folder = Watched(server), pathlib.Path(folder)
    watched.look()
    run_actions(watched, folder)
    run_many(watched)
    lose_workers(watched)
    move_blobs(watched, folder)
    fill(watched)
    purge(watched)
    return watched


def be_full(watched):
    """On a server with a small store and the usual lease: it refuses; and then its disk forgets."""
    watched.look()
    with contextlib.suppress(AssertionError):
        for _ in range(40):
            store(watched.server, *(os.urandom(20_000) for _ in range(50)))
    assert watched.value("expbuild_cas_writes_refused_total") > 0
    return watched


def lose_a_blob(watched, folder):
    data, folder = os.urandom(100_000), pathlib.Path(folder)
    store(watched.server, data)
    until(lambda: any((folder / "cas/blobs").rglob("*-100000")), "it is not where it is for good")
    [file] = (folder / "cas/blobs").rglob("*-100000")
    file.write_bytes(bytes(100_000))
    assert read(watched.server, data) == [None]
    watched.look()
