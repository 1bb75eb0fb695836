"""A real server with Docker workers at a real container engine."""
import pathlib
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "docker"))
from engine import IMAGE
from reapi import execute_all, store_action
from server import Server, until


class DockerServer(Server):
    """With Docker workers at this engine, and hosts' beside them."""

    def __init__(self, engine, docker=2, workers=1, image=IMAGE, keys="", waits=True, **options):
        super().__init__(workers, **options)
        self.engine, self.waits = engine, waits  # for its Docker workers, at the start
        self.slots = self.folder / "docker"
        text = self.config.read_text()
        self.config.write_text(f"""{text}
[[execution.pool.workers]]
type = "docker"
count = {docker}
work_dir = "{self.slots}"
image = "{image}"
{keys}
[docker]
socket = "{engine.socket}"
""")

    def start(self):
        super().start()
        if self.waits:
            self.until_docker(("IDLE", "BUSY"))
        return self

    def docker_workers(self):
        return [w for w in self.status()["workers"] if w["type"] == "docker"]

    def until_docker(self, states):
        until(lambda: all(w["state"] in states for w in self.docker_workers()), self.docker_workers)

    def containers(self):
        return [x["Id"] for x in self.engine.containers(f"expbuild.pool={self.slots}")]

    def in_docker(self, script, **platform):
        [outcome] = execute_all(self, [store_action(self, script, **(platform or {"container": "docker"}))], 1)
        return outcome

    def begin(self, script):
        """A thread that runs it in Docker; .outcome afterwards. Returns once it runs."""
        def run():
            thread.outcome = self.in_docker(script)
        thread = threading.Thread(target=run)
        thread.start()
        until(lambda: any(w["state"] == "BUSY" for w in self.docker_workers()), "nothing runs")
        return thread

    def check_nothing_is_left(self):
        super().check_nothing_is_left()
        if self.engine.answers():
            assert not self.containers(), "containers left behind"


def outcome_of(thread):
    thread.join(60)
    return thread.outcome
