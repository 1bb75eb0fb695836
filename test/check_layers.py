#!/usr/bin/env python3
"""Fails when a file includes what its layer must not know (the arrows of docs/architecture.md).

check_layers.py ROOT    checks the tree
check_layers.py --self  shows that an offence is found
"""
import pathlib
import re
import sys
import tempfile

# Layer -> what an #include there must not start with. The first layer that fits a file counts.
FORBIDDEN = [
    ("actors/worker/runner", r"caf/|grpc|boost/|absl/|spdlog/|storage/|services/|config/|actors/(?!worker/runner/)"),
    ("storage", r"caf/|grpcpp/|spdlog/|actors/|services/|config/|.*\.grpc\.pb\.h"),
    ("actors", r"grpcpp/|services/|config/|.*\.grpc\.pb\.h"),
    ("services/main", r"test/"),
    ("services", r"config/|services/main/|actors/(?!(messages|interfaces|job|operation_state|worker_status|reply|stream_sink|trace|metrics|log|log_ring|log_sink"
                 r"|action_loader|actor_counters|platform)\.hpp)"),
    ("config", r"caf/|grpcpp/|services/|actors/|.*\.pb\.h"),
]
INCLUDE = re.compile(r'\s*#\s*include\s*[<"]([^>"]+)')


def offences(root):
    paths = (p for top in ("storage", "actors", "services", "config") for p in (root / top).rglob("*.[ch]pp"))
    for path in sorted(paths):
        relative = path.relative_to(root).as_posix()
        layer, pattern = next(((l, p) for l, p in FORBIDDEN if relative.startswith(l + "/")), (None, None))
        if layer is None:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            found = INCLUDE.match(line)
            if found and re.match(pattern, found[1]):
                yield f"{relative}:{number}: {layer}/ must not include {found[1]}"


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / "storage").mkdir()
        (root / "storage/a.cpp").write_text('#include <vector>\n#include "actors/messages.hpp"\n')
        found = list(offences(root))
    assert found == ["storage/a.cpp:2: storage/ must not include actors/messages.hpp"], found


def main():
    if sys.argv[1] == "--self":
        self_test()
        return 0
    root = pathlib.Path(sys.argv[1])
    found = list(offences(root))
    print("\n".join(found) or "every include keeps to its layer")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
