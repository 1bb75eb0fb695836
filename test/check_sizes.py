#!/usr/bin/env python3
"""Fails when a source file of ours is longer than 400 lines; names those above 300.

check_sizes.py ROOT
"""
import pathlib
import sys

LIMIT, NOTICE = 400, 300


def main():
    root = pathlib.Path(sys.argv[1])
    tops = ("storage", "actors", "services", "config", "test")
    sizes = {p: len(p.read_text().splitlines()) for t in tops for p in (root / t).rglob("*.[ch]pp")}
    for path, lines in sorted(sizes.items(), key=lambda x: -x[1]):
        if lines > NOTICE:
            print(f"{path.relative_to(root)}: {lines} lines" + (" (too long)" if lines > LIMIT else ""))
    return 1 if any(lines > LIMIT for lines in sizes.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
