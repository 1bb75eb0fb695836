"""docs/metrics.md, the alerts and the dashboard, against a real server and a real Prometheus."""
import datetime
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

import scripted_build
from server import WAIT, Server, free_port, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT, RULES = ROOT / "docs/metrics.md", ROOT / "config/prometheus/alerts.yml"
DASHBOARD = ROOT / "config/grafana/expbuild.json"
JOB = "expbuild"

# Documented, and not to be seen moving here.
CONSTANT = {  # must be there, and not 0
    "expbuild_build_info", "process_start_time_seconds", "process_max_fds", "expbuild_cas_max_bytes",
    "expbuild_trace_capacity_events", "expbuild_disk_total_bytes"}
RARE = {
    "expbuild_worker_quarantines_total": "ten deaths of one worker within a minute; actors.supervisor has them",
    "expbuild_actor_mailbox_messages": "no message waits for as long as it takes to look",
    "expbuild_actor_busy_seconds": "no handler runs for as long as it takes to look",
    "expbuild_watchdog_alarms_total": "something must stand still for minutes; actors.sentinel has them",
    "expbuild_dead_letters_total": "whether a message is late is chance; actors.trace has one",
    "expbuild_store_errors_total": "wants a disk that fails; storage.disk_fault has one",
    "expbuild_host_pressure_ratio": "of the whole machine, and not there where the kernel does not measure it"}
# Beside a movement of the metric as a whole.
MUST_MOVE = [
    *(("expbuild_actions_total", "result", x) for x in ("success", "nonzero", "timeout", "cancelled", "cache_hit", "rejected")),
    *(("expbuild_execute_requests_total", "outcome", x) for x in ("cache_hit", "merged", "queued")),
    *(("expbuild_queue_rejected_total", "reason", x) for x in ("full", "no_worker")),
    *(("expbuild_workers", "state", x) for x in ("idle", "busy", "drained")),
    *(("expbuild_worker_restarts_total", "reason", x) for x in ("crash", "operator")),
    *(("expbuild_action_stage_seconds_count", "stage", x) for x in ("queue", "fetch", "exec", "upload")),
    *(("expbuild_ac_lookups_total", "result", x) for x in ("hit", "miss")),
    *(("expbuild_cas_bytes_total", "dir", x) for x in ("in", "out")),
    *(("expbuild_disk_free_bytes", "store", x) for x in ("cas", "action_cache")),
    *(("expbuild_http_requests_total", "route", x) for x in ("cache", "api", "ui", "metrics", "status", "health", "other")),
    *(("expbuild_http_requests_total", "code", x) for x in ("2xx", "3xx", "4xx")),
    *(("expbuild_actor_messages_total", "actor", x) for x in ("operation", "worker", "scheduler", "cas", "supervisor"))]

# Queries whose answer may be empty: they ask for what should not be.
MAY_BE_EMPTY = ("ALERTS{", 'grpc_code!="OK"', "infra_error:ratio")


def documented():
    """name -> (type, {label: its values, or None where they are open})"""
    found = {}
    for line in DOCUMENT.read_text().splitlines():
        row = re.fullmatch(r"\| `(\w+)` \| (counter|gauge|histogram) \| (.*?) ?\| .+ \|", line)
        if row:
            labels = re.findall(r"`(\w+)`(?: = ([\w, ]+))?", row[3])
            found[row[1]] = row[2], {name: set(values.split(", ")) if values else None for name, values in labels}
    return found


def small_store(server, lease, size):
    text = server.config.read_text()
    server.config.write_text(text.replace("[storage.action_cache]", f"max_size_bytes = {size}\nlease_seconds = {lease}\n[storage.action_cache]"))
    return server


class Prometheus:
    """Debian's, with our rules, looking at one server every two seconds. It has as long for each look: after one that
    takes longer there are no values."""

    def __init__(self, folder, target):
        self.folder, self.port = pathlib.Path(folder), free_port()
        (self.folder / "prometheus.yml").write_text(f"""
global: {{scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 500ms}}
rule_files: ["{RULES}"]
scrape_configs:
  - job_name: {JOB}
    static_configs: [{{targets: ["127.0.0.1:{target}"]}}]
""")
        self.log = open(self.folder / "prometheus.log", "w+")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data",
             f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def is_looking(self):
        assert self.process.poll() is None, self.said()
        try:
            return bool(self.ask("query", query="up == 1")["result"])
        except (OSError, ValueError):  # it does not listen, or has not read what it had
            return False

    def looked(self):
        """When it looked last, if there was something to see."""
        found = self.ask("query", query="timestamp(up) and up == 1")["result"]
        return float(found[0]["value"][1]) if found else 0

    def evaluated(self):
        """Since when it has evaluated every rule."""
        groups = self.ask("rules")["groups"]
        return min(datetime.datetime.fromisoformat(x["lastEvaluation"]).timestamp() for x in groups)

    def later(self, event, then):
        """When it was, once that is later."""
        times = []
        until(lambda: times.append(event()) or times[-1] > then, self.said)
        return times[-1]

    def see_all(self):
        """Waits until it has seen what is there now, and evaluated it; answers the time of a look after that. Whoever
        asks for what was known then is told all of it: a look that fails comes later."""
        return self.later(self.looked, self.later(self.evaluated, self.later(self.looked, time.time())))

    def said(self):
        return (self.folder / "prometheus.log").read_text()

    def ask(self, what, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{what}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=WAIT) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as refusal:
            body = json.load(refusal)
        assert body["status"] == "success", f"{parameters}: {body['error']}"
        return body["data"]

    def stop(self):
        self.process.terminate()
        self.process.wait(WAIT)
        self.log.close()


class Metrics(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        server = small_store(Server(workers=2, extra="[trace]\nmemory = 65536\n[execution.pool]\nmax_queue_size = 2\nmax_attempts = 2"),
                             lease=1, size=40_000_000)
        cls.enterClassContext(server)
        cls.prometheus = None
        if shutil.which("prometheus"):
            (cls.folder / "prometheus").mkdir()
            cls.prometheus = Prometheus(cls.folder / "prometheus", server.http_port)
            cls.addClassCleanup(cls.prometheus.stop)
            until(cls.prometheus.is_looking, cls.prometheus.said)
        cls.watched = scripted_build.build(server, cls.folder)
        cls.seen_at = cls.prometheus.see_all() if cls.prometheus else None
        cls.full = cls.on_a_full_store()

    @classmethod
    def on_a_full_store(cls):
        with small_store(Server(workers=1), lease=3600, size=18_000_000) as server:
            watched = scripted_build.Watched(server)
            watched.look()
            scripted_build.lose_a_blob(watched, server.folder)
            return scripted_build.be_full(watched)

    def test_every_documented_metric_is_there_with_its_type_and_labels(self):
        exposed = dict(re.findall(r"^# TYPE (\w+) (\w+)$", self.watched.text, re.M))
        document = documented()
        self.assertGreater(len(document), 50)
        optional = {"expbuild_host_pressure_ratio"} if not pathlib.Path("/proc/pressure/cpu").exists() else set()
        self.assertEqual(exposed, {name: kind for name, (kind, labels) in document.items() if name not in optional})
        for (name, has), values in self.watched.values.items():
            base = name if name in document else re.sub(r"_(bucket|sum|count)$", "", name)
            labels = {key: value for key, value in has if key != "le"}
            with self.subTest(name):
                self.assertEqual(set(labels), set(document[base][1]))
                for key, value in labels.items():
                    allowed = document[base][1][key]
                    self.assertTrue(allowed is None or value in allowed, f"{key}={value}")

    def test_every_listed_value_of_a_label_is_there_from_the_start(self):
        for name, (kind, labels) in documented().items():
            series = [dict(has) for (is_named, has) in self.watched.values
                      if is_named == name + ("_count" if kind == "histogram" else "")]
            for label, values in labels.items():
                if values and name not in ("expbuild_host_pressure_ratio", "expbuild_cas_requests_total"):
                    with self.subTest(name, label=label):
                        self.assertEqual({x[label] for x in series}, values)

    def test_every_documented_metric_moves(self):
        for name, (kind, _) in documented().items():
            with self.subTest(name):
                if name in CONSTANT:
                    self.assertGreater(max(max(v) for (n, _), v in self.watched.values.items() if n == name), 0)
                elif name not in RARE:
                    seen = name + ("_count" if kind == "histogram" else "")
                    self.assertTrue(self.watched.has_moved(seen) or self.full.has_moved(seen))
        for name, label, value in MUST_MOVE:
            with self.subTest(name, value=value):
                self.assertTrue(self.watched.has_moved(name, **{label: value}))

    def test_the_exceptions_are_documented_metrics(self):
        self.assertEqual((CONSTANT | set(RARE)) - set(documented()), set())

    def test_the_states_of_a_pool_add_up_to_its_slots(self):
        self.assertEqual(self.watched.value("expbuild_workers", pool="host"), 2)

    @unittest.skipUnless(shutil.which("promtool"), "there is no promtool")
    def test_promtool_finds_nothing_to_complain_about(self):
        done = subprocess.run(["promtool", "check", "metrics"], input=self.watched.text, capture_output=True, text=True, timeout=WAIT)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    # ---- rules and dashboard ----

    @staticmethod
    def promtool(*arguments):
        done = subprocess.run(["promtool", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=WAIT)
        assert done.returncode == 0, done.stdout + done.stderr

    @unittest.skipUnless(shutil.which("promtool"), "there is no promtool")
    def test_the_rules_pass_their_tests(self):
        self.promtool("check", "rules", RULES)
        self.promtool("test", "rules", RULES.with_name("alerts_test.yml"))

    def rules(self):
        groups = self.prometheus.ask("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def test_every_alert_has_a_test_and_says_what_to_do(self):
        alerts = re.findall(r"alert: (\w+)", RULES.read_text())
        tests = RULES.with_name("alerts_test.yml").read_text()
        self.assertGreater(len(alerts), 10)
        for name in alerts:
            self.assertIn(f'alertname="{name}"', tests)
        for field in (r" summary: \S", r" action: \S", r"\{severity: (?:page|ticket)\}"):
            self.assertEqual(len(re.findall(field, RULES.read_text())), len(alerts), field)

    @unittest.skipUnless(shutil.which("prometheus"), "there is no prometheus")
    def test_a_real_prometheus_evaluates_every_rule(self):
        for rule in self.rules():
            with self.subTest(rule["name"]):
                self.assertEqual((rule["health"], rule.get("lastError", "")), ("ok", ""))
                answer = self.ask(rule["query"])
                if rule["type"] == "recording":
                    self.assertTrue(answer)
                    self.assertTrue(self.ask(rule["name"]))
                self.check_names(rule["query"])

    @unittest.skipUnless(shutil.which("prometheus"), "there is no prometheus")
    def test_a_real_prometheus_answers_every_query_of_the_dashboard(self):
        dashboard = json.loads(DASHBOARD.read_text())
        queries = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]
        queries += [x["expr"] for x in dashboard["annotations"]["list"]]
        self.assertGreater(len(queries), 40)
        for query in queries:
            with self.subTest(query):
                asked = query.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$pool", ".*")
                self.assertNotIn("$", asked)
                answer = self.ask(asked)
                self.assertTrue(answer or any(x in query for x in MAY_BE_EMPTY))
                self.check_names(query)
        for variable in dashboard["templating"]["list"]:
            metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()
            self.assertTrue(self.prometheus.ask(f"label/{label}/values", **{"match[]": metric}))

    def ask(self, query):
        return self.prometheus.ask("query", query=query, time=self.seen_at)["result"]

    def check_names(self, query):
        """Nothing is asked for that is not there: an empty answer would not tell."""
        records = set(re.findall(r"record: (\S+)", RULES.read_text())) | {"up", "ALERTS"}
        names = {name for name, _ in self.watched.values} | records
        for name in re.findall(r"\b(?:expbuild|grpc_server|process)[_:][\w:]+", query):
            self.assertIn(name, names)


if __name__ == "__main__":
    unittest.main()
