#!/usr/bin/env python3
"""What is embedded is what the sources say, and small. Skipped (77) where tsc or esbuild is missing."""
import gzip
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

DASHBOARD = pathlib.Path(__file__).resolve().parents[2] / "services/dashboard"


class Dist(unittest.TestCase):
    def test_dist_is_what_the_sources_make(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([DASHBOARD / "build", folder], check=True)
            made = {p.name: p.read_bytes() for p in pathlib.Path(folder).iterdir()}
        kept = {p.name: p.read_bytes() for p in (DASHBOARD / "dist").iterdir()}
        self.assertEqual(sorted(made), sorted(kept))
        for name, data in made.items():
            self.assertEqual(data, kept[name], f"dist/{name} is not what the sources make: run ./dev dashboard, and commit dist/")

    def test_all_assets_together_are_below_60_kilobytes_compressed(self):
        total = sum(len(gzip.compress(p.read_bytes(), 9)) for p in (DASHBOARD / "dist").iterdir())
        self.assertLess(total, 60_000)

    def test_no_source_makes_html_of_text_or_reaches_elsewhere(self):
        forbidden = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|https?://(?!www\.w3\.org/2000/svg)")
        for path in [*DASHBOARD.rglob("src/**/*.ts"), DASHBOARD / "index.html", DASHBOARD / "style.css"]:
            for number, line in enumerate(path.read_text().splitlines(), 1):
                self.assertIsNone(forbidden.search(line), f"{path.name}:{number}: {line.strip()}")

    def test_sources_keep_to_the_house_sizes(self):
        for path in DASHBOARD.rglob("src/**/*.ts"):
            self.assertLessEqual(len(path.read_text().splitlines()), 300, path)


if __name__ == "__main__":
    missing = [tool for tool in ("tsc", "esbuild") if not shutil.which(tool)]
    if missing:
        print(f"skipped: {' and '.join(missing)} missing; ./dev dashboard installs them")
        sys.exit(77)
    unittest.main()
