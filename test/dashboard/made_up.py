"""A made-up daemon at work: what a dashboard could meet, the same on every run but for the time of day."""
import datetime
import hashlib
import json
import random

SECOND = 1_000_000_000  # all times are integers in nanoseconds


def stamp(ns):
    whole = datetime.datetime.fromtimestamp(ns // SECOND, datetime.timezone.utc)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{ns % SECOND:09d}Z"


def span(ns):
    return f"{ns // SECOND}.{ns % SECOND:09d}s"


def ms(x):
    return int(x * 1_000_000)


class Store:
    """Blobs by hash; folders are JSON of the REAPI's Directory, which is all that the dashboard sees."""

    def __init__(self):
        self.blobs = {}

    def put(self, data):
        data = data if isinstance(data, bytes) else data.encode()
        digest = hashlib.sha256(data).hexdigest()
        self.blobs[digest] = data
        return f"{digest}/{len(data)}"

    def folder(self, tree):
        """{"name": text | nested dict | ("link", target)} -> digest."""
        files, folders, links = [], [], []
        for name, inside in sorted(tree.items()):
            if isinstance(inside, tuple):
                links.append({"name": name, "target": inside[1]})
                continue
            digest = self.folder(inside) if isinstance(inside, dict) else self.put(inside)
            there = {"name": name, "digest": dict(zip(("hash", "sizeBytes"), digest.split("/")))}
            if isinstance(inside, dict):
                folders.append(there)
            else:
                files.append({**there, "isExecutable": name.endswith(".sh") or "clang" in name})
        return self.put(json.dumps({"files": files, "directories": folders, "symlinks": links}))


TARGETS = [("CppCompile", "//net/http:request_parser"), ("CppCompile", "//net/http:router"), ("CppLink", "//server:aurora"),
           ("Javac", "//java/com/example/search:index"), ("GenProto", "//proto:events_proto"), ("TestRunner", "//net/http:router_test"),
           ("CppCompile", "//storage/lsm:compaction"), ("TypeScriptCompile", "//web/console:app"),
           ("TestRunner", "//storage/lsm:compaction_stress_test"), ("Genrule", "//tools/version:stamp"),
           ("RustcLink", "//agents/collector:collector"),
           ("CppArchive", "//third_party/an/uncommonly/deep/package/name/that/goes/on:lib_with_a_very_long_name_indeed")]
CLANG_ERROR = ("\x1b[1mnet/http/router.cc:218:17: \x1b[0m\x1b[0;1;31merror: \x1b[0m\x1b[1mno member named 'match_prefix' in "
               "'aurora::http::route_table'; did you mean 'match_path'?\x1b[0m\n"
               "    return table_.match_prefix(request.path());\n\x1b[0;1;32m                  ^~~~~~~~~~~~\x1b[0m\n"
               "\x1b[0;32m                  match_path\n\x1b[0m1 error generated.\n"
               "<script>alert('printed by a command, never run')</script>\n")


class World:
    def __init__(self, now, control=True):
        self.random = random.Random(8980)
        self.now, self.control = now, control
        self.store, self.traces, self.details, self.actions = Store(), {}, {}, []
        self.started = now - 93 * 3600 * SECOND
        self.workers = self.make_workers()
        self.root = self.make_root()
        for i in range(170):
            self.make_done(i)
        self.running = [self.make_running(i) for i in range(6)]
        self.queued = [self.make_queued(i) for i in range(17)]
        self.retried = self.make_retried()
        self.actions.sort(key=lambda a: a["beganAt"], reverse=True)
        self.log = self.make_log()

    # --- workers

    def make_workers(self):
        out = []
        for i in range(1, 9):
            out.append(self.worker(f"host-worker-{i}", "host", "", [("Arch", "x86_64"), ("OSFamily", "linux")]))
        for i in range(1, 5):
            out.append(self.worker(f"docker-worker-{i}", "docker", "registry.example/toolchain:2026-11",
                                   [("Arch", "x86_64"), ("OSFamily", "linux"), ("container-image", "registry.example/toolchain:2026-11")]))
        for name, state, why in (("host-worker-3", "BACKOFF", "its runner was killed by signal 9"),
                                 ("host-worker-7", "DRAINING", ""), ("host-worker-8", "QUARANTINED", "5 restarts within 60 s: /work is read-only")):
            worker = next(w for w in out if w["name"] == name)
            worker.update(state=state, lastFailure=why, pid="0" if why else worker["pid"])
            if why:
                worker["restarts"] = "2" if state == "BACKOFF" else "5"
                worker["history"] = [{"at": stamp(self.now - (40 + 31 * k) * SECOND), "why": why} for k in range(2 if state == "BACKOFF" else 5)]
        return out

    def worker(self, name, kind, image, platform):
        return {"name": name, "type": kind, "state": "IDLE", "restarts": "0", "lastFailure": "", "action": "",
                "pid": str(self.random.randint(3000, 60000)), "image": image,
                "platform": [{"name": n, "value": v} for n, v in platform],
                "since": stamp(self.now - self.random.randint(3, 4000) * SECOND), "history": []}

    # --- actions

    def make_root(self):
        many = {f"part_{i:03}.h": f"#pragma once\nint part_{i}();\n" for i in range(320)}
        return self.store.folder({"external": {"toolchain": {"bin": {"clang++": "\x7fELF", "cc": ("link", "clang++")}}},
                                  "net": {"http": {"router.cc": "#include \"net/http/router.h\"\n" * 20, "router.h": "#pragma once\n"}},
                                  "generated": many, "run.sh": "#!/bin/sh\nexec true\n"})

    def make_action(self, i, age, **more):
        mnemonic, target = TARGETS[i % len(TARGETS)]
        operation = "%08x-%04x-4%03x-a%03x-%012x" % tuple(self.random.getrandbits(b) for b in (32, 16, 12, 12, 48))
        action = {"operationName": operation, "actionDigest": self.store.put(f"action {i} {target} {age}"),
                  "stage": "completed", "outcome": "success", "exitCode": 0, "status": "OK", "message": "", "targetId": target,
                  "actionMnemonic": mnemonic, "invocationId": f"7d0c{i // 40:04x}-55aa-4c1b-9f00-2b64f3c0d9e1",
                  "toolName": ["bazel", "buck2", "bazel", "recc"][i // 45 % 4], "worker": "", "attempts": 0,
                  "beganAt": stamp(self.now - age), "waitingFor": "", **more}
        self.actions.append(action)
        return action

    def make_done(self, i):
        took = int(self.random.lognormvariate(7.2, 1.1)) + 40
        age = (i * 23 + 30 + self.random.randint(0, 20)) * SECOND + ms(took)
        outcome = {4: "nonzero", 9: "cache_hit", 13: "cache_hit", 22: "timeout", 28: "cache_hit", 31: "infra_error", 37: "cancelled", 41: "rejected"}.get(i % 45, "success")
        action = self.make_action(i, age)
        action["outcome"] = outcome
        begin = self.now - age
        if outcome == "cache_hit":
            action["endedAt"] = stamp(begin + ms(4.2))
            return self.describe(action, i)
        if outcome in ("rejected",):
            action.update(endedAt=stamp(begin + ms(2)), status="FAILED_PRECONDITION", message="no worker offers OSFamily=windows")
            return self.describe(action, i)
        codes = {"nonzero": (1, "OK", ""), "timeout": (0, "DEADLINE_EXCEEDED", "the command ran longer than 60 s"),
                 "infra_error": (0, "UNAVAILABLE", "3 workers died while they ran it"), "cancelled": (0, "CANCELLED", "its client went away")}
        code, status, message = codes.get(outcome, (0, "OK", ""))
        action.update(exitCode=code, status=status, message=message, attempts=1, worker=f"host-worker-{1 + i % 6}")
        took = 60000 if outcome == "timeout" else took
        self.stages(action, begin, took)
        action["endedAt"] = stamp(begin + ms(took * 1.02) + ms(14))
        self.describe(action, i)

    def stages(self, action, begin, took):
        at = begin + ms(3.9)
        for name, share in (("queued", 0.06), ("fetched", 0.11), ("executed", 0.76), ("uploaded", 0.07)):
            action[name] = {"from": stamp(at), "to": stamp(at + ms(took * share))}
            at += ms(took * share) + ms(0.3)

    def make_running(self, i):
        age = self.random.randint(2, 45) * SECOND
        worker = self.workers[[0, 1, 3, 6, 8, 9][i]]
        action = self.make_action(i * 5 + 2, age, stage="executing", outcome="", status="", attempts=1, worker=worker["name"])
        begin = self.now - age
        action.update(queued={"from": stamp(begin + ms(4)), "to": stamp(begin + ms(9))}, fetched={"from": stamp(begin + ms(10)), "to": stamp(begin + ms(120))},
                      executed={"from": stamp(begin + ms(121))})
        if worker["state"] == "IDLE":
            worker["state"] = "BUSY"
        worker.update(action=action["actionDigest"].split("/")[0], since=stamp(begin))
        self.describe(action, i)
        return action

    def make_queued(self, i):
        age = (5 + i * 7) * SECOND
        gpu = i % 17 < 9
        why = "no worker offers gpu=yes" if gpu else "all 6 workers that fit are busy"
        action = self.make_action(i * 3 + 5, age, stage="queued", outcome="", status="", waitingFor=why, queued={"from": stamp(self.now - age + ms(4))})
        details = self.describe(action, i)
        details["explanation"].update(summary=f"It waits: {why}.", whyWaiting=[
            "No worker offers gpu=yes: add one to execution.pool.workers, or remove the property from the target's exec_properties." if gpu
            else "All workers that fit are busy; it is next but two. More workers would shorten the wait."], whyFailed=[], mismatches=[
            {"workers": "host-worker-1 .. host-worker-8", "property": "gpu" if gpu else "", "wanted": "yes" if gpu else "", "offered": "", "state": "6 busy, 1 in backoff for 4 s, 1 quarantined"},
            {"workers": "docker-worker-1 .. docker-worker-4", "property": "gpu" if gpu else "container-image", "wanted": "yes" if gpu else "debian:12",
             "offered": "" if gpu else "registry.example/toolchain:2026-11", "state": "2 busy, 2 idle"}])
        if gpu:
            details["platform"].append({"name": "gpu", "value": "yes"})
        return action

    def make_retried(self):
        """The one that shows everything: a lost attempt, an exit code, what it printed, a long trace."""
        action = self.make_action(1, 95 * SECOND, outcome="nonzero", exitCode=1, attempts=2, worker="host-worker-2")
        begin = self.now - 95 * SECOND
        action.update(queued={"from": stamp(begin + ms(1912)), "to": stamp(begin + ms(1960))}, fetched={"from": stamp(begin + ms(1960)), "to": stamp(begin + ms(2110))},
                      executed={"from": stamp(begin + ms(2111)), "to": stamp(begin + ms(6450))}, uploaded={"from": stamp(begin + ms(6451)), "to": stamp(begin + ms(6600))},
                      endedAt=stamp(begin + ms(6640)))
        details = self.describe(action, 1, retried=True)
        details["lostAttempts"] = [{"at": stamp(begin + ms(1900)), "worker": "host-worker-3", "why": "its runner was killed by signal 9 (out of memory?)"}]
        return action

    # --- details

    def describe(self, action, i, retried=False):
        failed = action["outcome"] not in ("", "success", "cache_hit")
        before = next((a for a in self.actions if a["targetId"] == action["targetId"] and a is not action), None)
        arguments = ["external/toolchain/bin/clang++", "-std=c++20", "-O2", "-Wall", "-Wextra", "-fno-omit-frame-pointer", "-DBUILD_USER=it's me",
                     "-iquote", ".", "-isystem", "external/abseil/include", "-MD", "-MF", "bazel-out/k8-opt/bin/net/http/_objs/router/router.d",
                     "-c", "net/http/router.cc", "-o", "bazel-out/k8-opt/bin/net/http/_objs/router/router.o"]
        ran = action["executed"]["to"] if "to" in action.get("executed", {}) else None
        made = action["outcome"] in ("success", "cache_hit")
        summary = {"success": "It succeeded.", "cache_hit": "It was answered from the action cache.", "nonzero": "Its command ended with exit code 1.",
                   "timeout": "Its command was killed after 60 s, its timeout.", "cancelled": "It was cancelled: its client went away.",
                   "infra_error": "It was given up after 3 lost attempts.", "rejected": "No worker can ever take it.", "": "It runs."}[action["outcome"]]
        output = lambda path, **x: {"path": path, "kind": "file", "digest": "" if not made else self.store.put(path * 90), "target": "", "executable": False, "missing": not made, **x}
        explanation = {
            "operationName": action["operationName"], "actionDigest": action["actionDigest"], "summary": summary, "whyWaiting": [],
            "whyFailed": [{"nonzero": "clang++ ended with exit code 1; what it wrote to stderr says why. 1 of 2 attempts was lost to a worker, which is not the cause." if retried
                           else "The command ended with exit code 1: read its stderr below.", "timeout": "The command needed more than 60 s. Raise its timeout, or execution.timeout_seconds.",
                           "cancelled": "Every client that wanted it went away.", "infra_error": "3 workers died while they ran it: look at their last failures.",
                           "rejected": "OSFamily=windows is wanted; every worker offers linux."}[action["outcome"]]] if failed else [],
            "whyNotCached": [] if action["outcome"] in ("", "cache_hit") else ["Its input net/http/router.cc differs from that of the last run."],
            "comparedWith": before["actionDigest"] if before and action["stage"] == "completed" else "", "mismatches": [],
            "differences": [{"what": "input", "name": "net/http/router.cc", "before": "9c0f3a21be77d1/4821", "after": "17ab44e0c3d90f/4877"},
                            {"what": "argument", "name": "12", "before": "-O1", "after": "-O2"},
                            {"what": "environment", "name": "SOURCE_DATE_EPOCH", "before": "", "after": "1764178695"}] if before and action["stage"] == "completed" else []}
        details = {"action": action, "operationNames": [action["operationName"]], "arguments": arguments,
                   "environment": [{"name": "PATH", "value": "/usr/local/bin:/usr/bin:/bin"}, {"name": "LANG", "value": "C.UTF-8"}, {"name": "SOURCE_DATE_EPOCH", "value": "1764178695"}],
                   "platform": [{"name": "OSFamily", "value": "linux"}, {"name": "Arch", "value": "x86_64"}], "workingDirectory": "", "timeout": "60s", "doNotCache": False,
                   "commandDigest": self.store.put(json.dumps(arguments)), "inputRootDigest": self.root,
                   "outputs": [output("bazel-out/k8-opt/bin/net/http/_objs/router/router.o"), output("bazel-out/k8-opt/bin/net/http/_objs/router/router.d")]
                   + ([output("bazel-out/k8-opt/bin/latest", kind="symlink", target="router.o", digest="")] if made else []),
                   "stdoutDigest": self.store.put("compiling\n" * 9000) if retried else "", "stderrDigest": self.store.put(CLANG_ERROR) if action["outcome"] == "nonzero" else "",
                   "lostAttempts": [], "explanation": explanation, "peakMemoryBytes": "318767104" if ran else "0", "notes": []}
        if ran:
            details.update(userTime="3.914s", systemTime="0.221s")
        self.details[action["operationName"]] = details
        self.traces[action["operationName"]] = self.make_trace(action, retried)
        return details

    # --- traces

    def make_trace(self, action, retried):
        worker, events = f"worker {action['worker'] or 'host-worker-1'}", []
        begin = datetime.datetime.fromisoformat(action["beganAt"][:26]).replace(tzinfo=datetime.timezone.utc)
        clock = [int(begin.timestamp() * 1e6) * 1000]

        def add(parent, sender, to, message, wait=0.02, took=0.015, after=0.01, outcome="handled"):
            clock[0] += ms(after)
            events.append({"span": str(100 + len(events)), "parentSpan": parent, "from": sender, "to": to, "message": message, "outcome": outcome,
                           "sentAt": stamp(clock[0]), "queuedFor": span(ms(wait)), "handledIn": span(ms(took))})
            clock[0] += ms(wait + took)
            return events[-1]["span"]

        execute = add("0", "outside", "dispatcher", "execute", 0.018, 0.118)
        attach = add(execute, "dispatcher", "operation", "attach", 0.05)
        add(execute, "dispatcher", "recorder", "name_trace", 0.067, 0.005)
        asked = add(attach, "operation", "action_cache", "get_result")
        checked = add(asked, "action_cache", "operation", "result_checked", 0.4, 0.24, 3)
        if action["outcome"] == "cache_hit":
            add(checked, "operation", "result_reaper", "retire")
            return self.trace(action, events)
        submit = add(checked, "operation", "scheduler", "submit", 0.238)
        add(submit, "scheduler", "operation", "stage_reached")
        if action["stage"] == "queued":
            for _ in range(5):
                add(submit, "scheduler", "scheduler", "tick", 0.3, 0.02, 1000)
            return self.trace(action, events)
        if retried:
            lost = add(submit, "scheduler", "worker host-worker-3", "run_job")
            staged = add(lost, "worker host-worker-3", "worker host-worker-3", "inputs_staged", 0.3, 0.045, 151)
            for _ in range(6):
                add(staged, "worker host-worker-3", "scheduler", "heartbeat", 0.01, 0.004, 280)
                add(staged, "scheduler", "worker host-worker-3", "heartbeat_seen", 0.012, 0.004, 0.05)
            add(staged, "", "worker host-worker-3", "exited: its runner was killed by signal 9", 0, 0, 12, "event")
            add(lost, "scheduler", "worker host-worker-3", "check_health", 0, 0, 0.2, "dropped")
            down = add(lost, "worker host-worker-3", "supervisor", "down", 0.03, 0.2)
            add(down, "supervisor", "scheduler", "worker_gone", 7.4, 0.06)
            submit = add(down, "scheduler", "operation", "stage_reached")
        job = add(submit, "scheduler", worker, "run_job")
        staged = add(job, worker, worker, "inputs_staged", 0.301, 0.045, 148)
        if action["stage"] == "executing":
            return self.trace(action, events)
        finished = add(staged, worker, worker, "command_finished", 0.05, 0.139, 4340)
        collected = add(finished, worker, worker, "outputs_collected", 0.4, 0.015, 1)
        stored = add(collected, worker, "cas", "blobs_stored")
        published = add(stored, "cas", worker, "outputs_published", 0.005, 0.037)
        if retried:
            add(stored, "cas", "cas", "space_measured", 0.02, 0.4, 0.1, "threw")
        done = add(published, worker, "scheduler", "job_done")
        add(published, worker, "scheduler", "worker_ready", 0.02, 0.002)
        told = add(done, "scheduler", "operation", "job_done")
        put = add(told, "operation", "action_cache", "put_result")
        found = add(put, "action_cache", "cas", "find_missing", 5.5, 0.025)
        result = add(found, "cas", "operation", "result_stored", 0.277, 0.299)
        add(result, "operation", "result_reaper", "retire")
        over = add(result, "operation", "dispatcher", "operation_finished", 0.033)
        add(over, "dispatcher", "operation", "release")
        return self.trace(action, events)

    def trace(self, action, events):
        return {"operationName": action["operationName"], "actionDigest": action["actionDigest"], "events": events, "toolName": action["toolName"],
                "toolVersion": "7.4.1", "actionId": action["actionDigest"].split("/")[0], "invocationId": action["invocationId"], "correlatedInvocationsId": "",
                "targetId": action["targetId"], "actionMnemonic": action["actionMnemonic"], "configurationId": "k8-opt"}

    # --- what the API answers

    def status(self):
        live = lambda stage: sum(a["stage"] == stage for a in self.actions)
        return {"version": "0.2.0", "instanceName": "main", "startedAt": stamp(self.started), "queuedActions": str(live("queued")), "runningActions": str(live("executing")),
                "completedActions": "184223", "failedActions": "31", "cachedActions": "902117", "storedBlobs": "2613407", "workers": self.workers, "problems": self.problems()}

    def problems(self):
        gpu = sum(a["waitingFor"] == "no worker offers gpu=yes" for a in self.actions)
        out = []
        if gpu:
            out.append({"severity": "ERROR", "what": f"{gpu} actions wait for a worker with gpu=yes, and there is none", "nextStep": "add such a worker to execution.pool.workers, or take the property out of the build"})
        if any(w["state"] == "QUARANTINED" for w in self.workers):
            out.append({"severity": "WARNING", "what": "host-worker-8 is quarantined after 5 restarts within 60 s: /work is read-only", "nextStep": "make its work_dir writable, then restart it"})
            out.append({"severity": "NOTICE", "what": "The store is 81 % full", "nextStep": "nothing yet: the oldest blobs go when it is full"})
        return out

    def actors(self):
        def actor(name, parent, handled, mailbox=0, peak=4, wait=0.8, took=0.02, **x):
            return {"name": name, "parent": parent, "mailbox": str(mailbox), "mailboxPeak": str(peak), "handled": str(handled), "longestWait": span(ms(wait)),
                    "handling": span(ms(handled * took)), "busyFor": "0s", "restarts": "0", "state": "running", "lastExit": "", "count": "1", **x}
        out = [actor("supervisor", "", 5120), actor("dispatcher", "supervisor", 4417203, 3, 212, 4.1), actor("operation", "dispatcher", 18204417, 2, 9, 2.2, count="23"),
               actor("scheduler", "supervisor", 2210034, 14, 1630, 148, 0.011), actor("cas", "supervisor", 9917234, 1204, 4096, 1310, 0.009, busyFor="1.2s"),
               actor("action_cache", "supervisor", 2103311, 0, 71), actor("result_reaper", "supervisor", 1088231), actor("recorder", "supervisor", 3310, 0, 2)]
        return {"actors": out + [actor(f"worker {w['name']}", "supervisor", 40211, state=w["state"].lower(), restarts=w["restarts"], lastExit=w["lastFailure"]) for w in self.workers]}

    def make_log(self):
        out, modules = [], ["scheduler", "operation", "storage", "pool", "server"]
        for i in range(160):
            action = self.actions[i % len(self.actions)]
            text = {0: f"action {action['actionDigest']} ended: exit_code={action['exitCode']} worker=host-worker-2 queued=5ms staged=148ms ran=4339ms total=4.7s tool=bazel",
                    1: f"operation {action['operationName']} joined action {action['actionDigest'].split('/')[0]}",
                    2: "queue length 17, idle workers 2, busy workers 6, completed 184223, failed 31",
                    3: "worker host-worker-3 restarts in 3.2 s: its runner was killed by signal 9", 4: "could not write a segment: disk is slow (212 ms for one sync)"}[i % 5]
            level = {3: "warn", 4: "error" if i % 20 == 4 else "debug"}.get(i % 5, "info")
            out.append({"at": stamp(self.now - (160 - i) * SECOND), "level": level, "module": modules[i % 5], "message": text})
        return out

    def find(self, query):
        """The newest action that an operation, a digest, an invocation, a target or a worker names."""
        if len(query) < 6:
            return None
        worker = next((w for w in self.workers if w["name"] == query), None)
        for action in self.actions:
            names = (action["operationName"], action["actionDigest"], action["invocationId"], action["targetId"])
            if any(name.startswith(query) for name in names) or (worker and action["worker"] == query):
                return action
        return None

    def fits(self, action, filter_text):
        for term in filter_text.replace(" AND ", " ").split():
            name, equals, value = term.partition("=")
            took = (self.seconds(action.get("endedAt")) or self.now / SECOND) - self.seconds(action["beganAt"])
            tests = {"state": lambda: (action["stage"] == "completed") == (value == "done"), "outcome": lambda: action["outcome"] == value, "slow": lambda: took > float(value),
                     "target": lambda: action["targetId"] == value, "mnemonic": lambda: action["actionMnemonic"] == value, "invocation": lambda: action["invocationId"] == value,
                     "worker": lambda: action["worker"] == value, "tool": lambda: action["toolName"] == value, "digest": lambda: action["actionDigest"].startswith(value)}
            if equals and name not in tests:
                raise ValueError(f"'{name}' is no field to filter by; there are {', '.join(sorted(tests))}")
            fit = tests[name]() if equals else action["outcome"] not in ("", "success", "cache_hit") if term == "failed" else any(
                term in action[f] for f in ("targetId", "actionMnemonic", "actionDigest", "operationName", "invocationId"))
            if not fit:
                return False
        return True

    @staticmethod
    def seconds(text):
        return datetime.datetime.fromisoformat(text[:26]).replace(tzinfo=datetime.timezone.utc).timestamp() if text else None
