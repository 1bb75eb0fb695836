"""A headless Chromium for one test: sizes, themes, and everything that went wrong in it."""
import atexit
import base64
import contextlib
import os
import pathlib
import shutil
import sys
import time

WAIT = 20  # seconds for anything that must happen

# Debian's selenium belongs to Debian's python; chromium without its driver is of no use.
try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ModuleNotFoundError:
    if sys.executable != "/usr/bin/python3" and os.path.exists("/usr/bin/python3"):
        os.execv("/usr/bin/python3", ["/usr/bin/python3", "-B", *sys.argv])
    print("skipped: python3-selenium is missing; ./dev deps installs it")
    sys.exit(77)
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    print("skipped: chromium or chromium-driver is missing; ./dev deps installs them")
    sys.exit(77)

WATCH = """
  window.__wrong = [];
  addEventListener("error", e => __wrong.push("error: " + e.message));
  addEventListener("unhandledrejection", e => __wrong.push("rejection: " + (e.reason && e.reason.stack || e.reason)));
  addEventListener("securitypolicyviolation", e => __wrong.push("policy: " + e.violatedDirective + " " + e.blockedURI + " " + e.sample));
"""

# Text whose contrast with what is behind it is too low, of everything that is shown.
CONTRAST = """
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith("color(srgb") ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1]; };
  const light = c => { const f = c.slice(0, 3).map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126*f[0] + 0.7152*f[1] + 0.0722*f[2]; };
  const over = (a, b) => [0, 1, 2].map(i => a[i]*a[3] + b[i]*(1 - a[3])).concat(1);
  const ground = e => { const all = []; for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3]) all.push(c); if (c[3] === 1) break; }
                        return all.reverse().reduce((under, c) => over(c, under), parse(getComputedStyle(document.body).backgroundColor)); };
  const low = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n; n = walker.nextNode();) {
    const e = n.parentElement;
    if (!n.nodeValue.trim() || !e.offsetParent || e.closest("svg, .unseen, noscript, option")) continue;
    const style = getComputedStyle(e), back = ground(e), text = over(parse(style.color), back);
    const [a, b] = [light(text), light(back)].sort((x, y) => y - x), ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) low.push(`${ratio.toFixed(2)} '${n.nodeValue.trim().slice(0, 40)}' ${e.className || e.tagName} ${style.color} on ${back}`);
  }
  return [...new Set(low)];
"""

# What a screen reader would stumble over.
NAMES = """
  const wrong = [];
  const name = e => (e.getAttribute("aria-label") || e.labels && e.labels.length && e.labels[0].textContent || e.textContent || e.alt || "").trim();
  for (const e of document.querySelectorAll("a, button, input, select, summary, [role=button]")) if (!name(e)) wrong.push("no name: " + e.outerHTML.slice(0, 120));
  for (const e of document.querySelectorAll("table")) {
    if (!e.caption || !e.caption.textContent) wrong.push("table without caption");
    if (!e.querySelector("th[scope=col]")) wrong.push("table without heads");
  }
  for (const e of document.querySelectorAll("img:not([alt]), svg:not([aria-hidden]):not([role])")) wrong.push("picture: " + e.outerHTML.slice(0, 120));
  const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
  for (const id of new Set(ids)) if (ids.filter(x => x === id).length > 1) wrong.push("twice: #" + id);
  if (document.querySelectorAll("main").length !== 1) wrong.push("not one main");
  if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
  if (!document.querySelector("header nav")) wrong.push("no menu");
  return wrong;
"""


class Browser:
    """One for all tests: with browser.at(url) as b: b.go("/ui/")   Fails at the end if anything went wrong in the page."""

    def __init__(self):
        self.url, self.allowed = "", []
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,1000"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)
        self.driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
        atexit.register(self.driver.quit)

    @contextlib.contextmanager
    def at(self, url):
        self.url, self.allowed = url, []
        self.look()
        try:
            yield self
            wrong = self.wrong()
            assert not wrong, wrong
        finally:
            self.driver.get("about:blank")
            self.driver.get_log("browser")

    def look(self, width=1280, height=1000, dark=False):
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500})
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [theme, {"name": "prefers-reduced-motion", "value": "reduce"}]})

    def go(self, path):
        """Loads a page and waits until it has what it shows, and hears of what happens from then on."""
        wrong = self.wrong()
        assert not wrong, wrong
        self.driver.get(self.url + path)
        self.ready()

    def ready(self):
        self.until(lambda: self.js("const has = x => !!document.querySelector(x);"
                                   "return has('h1') && has('.connection.live') && !has('[aria-busy]')"),
                   "the page is live and nothing is loading any more")

    def js(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector, containing=""):
        """The first that is there, or comes in time."""
        found = []

        def look():
            found[:] = [e for e in self.all(selector) if containing in self.words(e)]
            return found
        self.until(look, f"there is a {selector} with '{containing}'")
        return found[0]

    def words(self, element):
        try:
            return element.get_attribute("textContent")
        except Exception:  # replaced meanwhile
            return ""

    def text(self, selector="main"):
        return self.js("return (document.querySelector(arguments[0]) || {}).textContent || ''", selector)

    def says(self, text, selector="main"):
        self.until(lambda: text in self.text(selector), f"{selector} says '{text}'; it says: {self.text(selector)[:400]}")

    def press(self, *keys):
        self.driver.switch_to.active_element.send_keys(*keys)

    def focus(self):
        return self.driver.switch_to.active_element

    def path(self):
        return self.js("return location.pathname + location.search")

    def until(self, holds, what):
        end = time.monotonic() + WAIT
        while not holds():
            assert time.monotonic() < end, f"not in time: {what}"
            time.sleep(0.05)

    def allow(self, text):
        """Messages on the console with this text are what the test is about."""
        self.allowed.append(text)

    def wrong(self):
        console = [m["message"] for m in self.driver.get_log("browser") if m["level"] in ("SEVERE", "WARNING")]
        return [m for m in console + (self.js("return window.__wrong || []") or []) if not any(a in m for a in self.allowed)]

    def low_contrast(self):
        return self.js(CONTRAST)

    def unnamed(self):
        return self.js(NAMES)

    def too_wide(self):
        """Names what must be scrolled sideways to be seen; only output and the diagram may."""
        return self.js("""
          const w = document.documentElement.clientWidth;
          const inside = [...document.querySelectorAll("main *")].filter(e => e.scrollWidth > e.clientWidth + 1 && !["visible", "hidden", "clip"].includes(getComputedStyle(e).overflowX));
          const scrolling = inside.filter(e => !e.matches("pre, .sequence, .log"));
          if (document.documentElement.scrollWidth <= w) return scrolling.map(e => "scrolls: " + e.className);
          return [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > w + 1).slice(-5).map(e => e.tagName + "." + (e.className.baseVal ?? e.className));""")

    def picture(self, name):
        """Where EXPBUILD_PICTURES names a folder, the whole page as a PNG."""
        folder = os.environ.get("EXPBUILD_PICTURES")
        if not folder:
            return
        size = self.js("return [document.documentElement.clientWidth, Math.min(document.documentElement.scrollHeight, 6000)]")
        shot = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": {"x": 0, "y": 0, "width": size[0], "height": size[1], "scale": 1}})
        pathlib.Path(folder, f"{name}.png").write_bytes(base64.b64decode(shot["data"]))
