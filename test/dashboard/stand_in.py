#!/usr/bin/env python3
"""Speaks the daemon's JSON API with made-up data, for the dashboard.

stand_in.py [PORT]   serves on 127.0.0.1:PORT (default 8999), and something happens all the time
"""
import contextlib
import copy
import http.server
import json
import pathlib
import queue
import random
import re
import sys
import threading
import time
import urllib.parse

from made_up import World, stamp

ROOT = pathlib.Path(__file__).resolve().parents[2]
DASHBOARD = ROOT / "services/dashboard"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
SCRIPT = """#!/bin/sh
# Fetches the inputs of {digest} and runs its command here.
set -eu
rectl download --tree {root} -o inputs
cd inputs
exec external/toolchain/bin/clang++ -std=c++20 -O2 -c net/http/router.cc
"""


def policy():
    """The content security policy that the daemon sends: the header is the one place where it stands."""
    text = (DASHBOARD / "assets.hpp").read_text()
    found = re.search(r'content_security_policy\s*=\s*((?:"[^"]*"\s*)+);', text)
    return "".join(re.findall(r'"([^"]*)"', found[1]))


class Refused(Exception):
    def __init__(self, status, code, message):
        super().__init__(message)
        self.status, self.code = status, code


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # with the 5 of the library a browser's connections are dropped, and tried again for a minute


class StandIn:
    """with StandIn() as s: browse s.url; s.emit("action", {...}) tells everyone who watches."""

    def __init__(self, port=0, control=True, delay=0):
        self.world, self.lock = World(time.time_ns(), control), threading.Lock()
        self.watchers, self.loggers = set(), set()
        self.delay, self.open, self.asked = delay, True, []
        self.beat = 1  # seconds between statuses; None: there are none
        stand_in = self

        class Bound(Handler):
            owner = stand_in

        self.server = Listener(("127.0.0.1", port), Bound)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.hang_up()
        self.server.shutdown()
        self.server.server_close()

    def hang_up(self):
        """Ends every stream, as a daemon that stops does."""
        with self.lock:
            for each in self.watchers | self.loggers:
                each.put(None)

    def emit(self, name, message):
        with self.lock:
            for each in self.loggers if name == "line" else self.watchers:
                each.put((name, copy.deepcopy(message)))

    def status(self):
        self.emit("status", self.world.status())


class Handler(http.server.BaseHTTPRequestHandler):
    owner: StandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(self.get)

    def do_POST(self):
        self.answer(self.post)

    def answer(self, act):
        url = urllib.parse.urlsplit(self.path)
        options = dict(urllib.parse.parse_qsl(url.query))
        is_open = self.owner.open  # whoever sees it among those that were asked may change that for the next one only
        self.owner.asked.append((self.command, self.path))
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            try:
                if not is_open:
                    raise Refused(503, "UNAVAILABLE", "not serving: starting or stopping")
                act(url.path, options)
            except Refused as error:
                self.json({"error": {"code": error.code, "message": str(error)}}, error.status)

    def send(self, body, content_type, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Type": content_type, "Content-Length": len(body), "X-Content-Type-Options": "nosniff", **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def json(self, message, status=200):
        self.send(json.dumps(message).encode(), "application/json", status)

    def get(self, path, options):
        world = self.owner.world
        parts = [urllib.parse.unquote(p) for p in path.split("/")[3:]]
        if path == "/":
            return self.send(b"", "text/plain", 302, Location="/ui/")
        if path.startswith("/ui/") or path == "/ui":
            return self.asset(path)
        if not path.startswith("/api/v1/"):
            raise Refused(404, "NOT_FOUND", f"there is no page {path} here")
        time.sleep(self.owner.delay)
        match parts:
            case ["features"]: self.json({"control": world.control, "version": "0.2.0"})
            case ["status"]: self.json(world.status())
            case ["workers"]: self.json({"workers": world.workers})
            case ["actors"]: self.json(world.actors())
            case ["actions"]: self.actions(options)
            case ["actions", query]: self.json(world.details[self.find(query)])
            case ["explain", query]: self.json(world.details[self.find(query)]["explanation"])
            case ["trace", query]: self.trace(query, options)
            case ["reproduce", query]: self.reproduce(query)
            case ["diff"]: self.diff(options)
            case ["directory", _, hash_, _]: self.send(self.blob(hash_), "application/json")
            case ["blob", _, hash_, _]: self.send(self.blob(hash_)[:int(options.get("limit", 65536))], "text/plain; charset=utf-8", Content_Security_Policy="sandbox")
            case ["watch"]: self.watch()
            case ["log"]: self.log(options)
            case _: raise Refused(404, "NOT_FOUND", f"there is nothing at {path}")

    def post(self, path, _):
        world = self.owner.world
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if not world.control or self.headers.get("X-Expbuild-Control") != "1":
            raise Refused(403, "PERMISSION_DENIED", "workers may not be controlled over HTTP here: see http.control in docs/configuration.md")
        name, verb = [urllib.parse.unquote(p) for p in path.split("/")[4:]]
        worker = next((w for w in world.workers if w["name"] == name), None)
        if not worker:
            return self.json({"workers": []})
        worker.update(state={"drain": "DRAINING", "undrain": "IDLE", "restart": "STARTING"}[verb], since=stamp(time.time_ns()))
        self.owner.emit("worker", worker)
        self.json({"workers": [name]})

    def asset(self, path):
        file = DASHBOARD / "dist" / path.removeprefix("/ui/").replace("/", "_")
        file = file if file.is_file() else DASHBOARD / "dist/index.html"
        self.send(file.read_bytes(), TYPES[file.suffix], Content_Security_Policy=policy(), Cache_Control="no-cache")

    def find(self, query):
        action = self.owner.world.find(query)
        if not action:
            raise Refused(404, "NOT_FOUND", f"no action is known by '{query}'; those that ended long ago are forgotten")
        return action["operationName"]

    def blob(self, hash_):
        if hash_ not in self.owner.world.store.blobs:
            raise Refused(404, "NOT_FOUND", f"blob {hash_} is not stored any more: it was evicted")
        return self.owner.world.store.blobs[hash_]

    def actions(self, options):
        world = self.owner.world
        try:
            fitting = [a for a in world.actions if world.fits(a, options.get("filter", ""))]
        except ValueError as error:
            raise Refused(400, "INVALID_ARGUMENT", str(error)) from error
        size, token = int(options.get("page_size", 50)), options.get("page_token", "")
        names = [a["operationName"] for a in fitting]
        start = names.index(token) + 1 if token in names else 0
        page = fitting[start:start + size]
        more = start + size < len(fitting)
        self.json({"actions": page, "nextPageToken": page[-1]["operationName"] if more else "", "total": str(len(fitting))})

    def trace(self, query, options):
        trace = self.owner.world.traces[self.find(query)]
        if options.get("format") == "chrome":
            return self.json({"traceEvents": [{"name": e["message"], "ph": "X", "ts": 0, "dur": 1, "pid": 1, "tid": 1} for e in trace["events"]]})
        return self.json(trace)

    def reproduce(self, query):
        details = self.owner.world.details[self.find(query)]
        self.send(SCRIPT.format(digest=details["action"]["actionDigest"], root=details["inputRootDigest"]).encode(), "text/x-shellscript")

    def diff(self, options):
        details = [self.owner.world.details[self.find(options.get(x, ""))] for x in "ab"]
        same = details[0] is details[1]
        explanation = copy.deepcopy(details[1]["explanation"])
        explanation.update(summary="They do not differ." if same else "They differ in an input, an argument and the environment.", comparedWith=details[0]["action"]["actionDigest"])
        if same:
            explanation["differences"] = []
        self.json(explanation)

    # --- streams

    def next(self, mine, beats):
        while True:
            try:
                return mine.get(timeout=self.owner.beat or 0.2)
            except queue.Empty:
                if beats and self.owner.beat:
                    return "status", self.owner.world.status()

    def stream(self, followers, first, beats=False):
        mine = queue.SimpleQueue()
        with self.owner.lock:
            followers.add(mine)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        try:
            for name, message in first:
                self.event(name, message)
            while (item := self.next(mine, beats)) is not None:
                self.event(*item)
        finally:
            with self.owner.lock:
                followers.discard(mine)

    def event(self, name, message):
        self.wfile.write(f"event: {name}\ndata: {json.dumps(message)}\n\n".encode())
        self.wfile.flush()

    def watch(self):
        self.stream(self.owner.watchers, [("status", self.owner.world.status())], beats=True)

    def log(self, options):
        levels = ["debug", "info", "warn", "error"]
        lowest = levels.index(options.get("level") or "info")
        fits = lambda x: levels.index(x["level"]) >= lowest and options.get("module", "") in ("", x["module"]) and options.get("contains", "") in x["message"]
        self.stream(self.owner.loggers, [("line", x) for x in self.owner.world.log if fits(x)][-int(options.get("last", 100)):])


def live(stand_in):
    """Something happens: actions come, run and end; a status every second."""
    world, dice = stand_in.world, random.Random()
    while True:
        time.sleep(0.5)
        world.now = time.time_ns()
        for action in list(world.running):
            if dice.random() < 0.06:
                bad = dice.random() < 0.1
                action.update(stage="completed", outcome="nonzero" if bad else "success", exitCode=int(bad), status="OK", endedAt=stamp(world.now))
                action["executed"]["to"] = stamp(world.now)
                world.running.remove(action)
                stand_in.emit("action", action)
                stand_in.emit("line", {"at": stamp(world.now), "level": "info", "module": "operation", "message": f"action {action['actionDigest']} ended: exit_code=0 worker={action['worker']}"})
        if dice.random() < 0.4:
            action = world.make_action(dice.randrange(40), 0, stage="executing", outcome="", status="", worker=dice.choice(world.workers)["name"], attempts=1,
                                       executed={"from": stamp(world.now)})
            world.actions.insert(0, world.actions.pop())
            world.describe(action, 3)
            world.running.append(action)
            stand_in.emit("action", action)


if __name__ == "__main__":
    with StandIn(int(sys.argv[1]) if len(sys.argv) > 1 else 8999) as served:
        print(f"{served.url}/ui/", flush=True)
        live(served)
