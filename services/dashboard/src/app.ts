import {actionPath, actionsPath, getJson} from "./api";
import {Action, Features, Status, Worker} from "./contract";
import {clear, h, morph} from "./dom";
import {showClock, showCount} from "./format";
import {Keyboard} from "./keyboard";
import {Page, Sample, Shell} from "./page";
import {pageFor, placeOf, places} from "./router";
import {Connection, Listener, Stream} from "./stream";

// The frame around every page: menu, search, connection; it routes, and draws again what changed.

const kept = 15 * 60, drawEvery = 200, saved = "expbuild.samples";
const whole = /^(?:[0-9a-f]{64}(?:\/\d+)?|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/;

class App implements Shell, Listener {
  status: Status | undefined;
  features: Features | undefined;
  samples: Sample[] = recallSamples();
  private page: Page | undefined;
  private state: Connection = "connecting";
  private drawing = 0;
  private drawn = 0;
  private hashDone = ""; // the address whose #part has been scrolled to
  private readonly main = h("main", {id: "main", tabindex: "-1"});
  private readonly bar = h("header", {class: "bar"});
  private readonly offline = h("div", {role: "alert"});
  private readonly spoken = h("div", {class: "unseen", role: "status"});
  private readonly stream = new Stream(this);
  private readonly keyboard = new Keyboard(path => this.navigate(path), () => document.getElementById("search")?.focus());

  start() {
    document.body.append(h("a", {class: "skip", href: "#main", onclick: (e: Event) => { e.preventDefault(); this.main.focus(); }}, "Skip to the content"),
      this.bar, this.main, this.offline, this.spoken);
    document.addEventListener("click", event => this.click(event));
    window.addEventListener("popstate", () => this.route(false));
    window.addEventListener("pagehide", () => {
      this.page?.suspend();
      keepSamples(this.samples);
    });
    window.setInterval(() => { if (!document.hidden) this.update(); }, 1000);
    void this.loadFeatures();
    this.route(false);
    this.stream.start();
  }

  private async loadFeatures() {
    try {
      this.features = await getJson<Features>("/api/v1/features");
    } catch {
      this.features = undefined; // asked again when the connection is back
    }
    this.update();
  }

  navigate(path: string, replace = false) {
    if (path === location.pathname + location.search) return this.route(false);
    history[replace ? "replaceState" : "pushState"](null, "", path);
    this.route(!replace);
  }

  private click(event: MouseEvent) {
    const link = (event.target as Element).closest?.("a");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.getAttribute("href") ?? "", location.href);
    if (url.origin !== location.origin || !url.pathname.startsWith("/ui/") || link.hasAttribute("download")) return;
    if (url.hash && url.pathname + url.search === location.pathname + location.search) return; // within the page
    event.preventDefault();
    history.pushState(null, "", url);
    this.route(true);
  }

  private route(moved: boolean) {
    this.page?.stop();
    this.hashDone = "";
    this.page = pageFor(this, new URL(location.href));
    clear(this.main);
    if (this.page) {
      if (this.status) this.page.onStatus(this.status);
      this.page.start();
    }
    this.draw();
    if (!moved) return;
    window.scrollTo(0, 0);
    this.main.querySelector<HTMLElement>("h1")?.focus({preventScroll: true});
  }

  update() {
    if (this.drawing) return;
    const wait = Math.max(0, drawEvery - (performance.now() - this.drawn));
    this.drawing = window.setTimeout(() => requestAnimationFrame(() => this.draw()), wait);
  }

  private draw() {
    clearTimeout(this.drawing);
    this.drawing = 0;
    this.drawn = performance.now();
    const instance = this.status?.instanceName;
    document.title = `${this.page?.title() ?? "No such page"} – ExpBuild${instance ? ` ${instance}` : ""}`;
    morph(this.bar, h("header", {class: "bar"}, this.barContent()));
    morph(this.main, h("main", {id: "main", tabindex: "-1"}, this.page?.render() ?? h("div", {class: "page"},
      h("h1", {tabindex: "-1"}, "There is no such page"), h("p", null, h("a", {href: "/ui/"}, "Overview")))));
    this.scrollToHash();
  }

  // Once, when what the address names has come.
  private scrollToHash() {
    const here = location.pathname + location.hash;
    if (!location.hash || this.hashDone === here) return;
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    this.hashDone = here;
    target.scrollIntoView();
  }

  private barContent() {
    const at = placeOf(location.pathname), queued = Number(this.status?.queuedActions ?? 0);
    const worst = this.status?.problems?.[0]?.severity;
    const words = {live: "live", connecting: "connecting …", lost: "not connected"}[this.state];
    return [
      h("a", {class: "brand", href: "/ui/"}, h("img", {src: "/ui/icon.svg", alt: "", width: "24", height: "24"}), "ExpBuild",
        this.status?.instanceName ? h("span", {class: "instance"}, this.status.instanceName) : null),
      h("nav", {class: "menu", "aria-label": "Pages"}, places.map(x => h("a", {href: x.path, "aria-current": x.path === at ? "page" : null}, x.name,
        x.path === "/ui/queue" && queued ? h("span", {class: "count"}, showCount(queued), h("span", {class: "unseen"}, " waiting")) : null,
        x.path === "/ui/" && (worst === "ERROR" || worst === "WARNING") ? h("span", {class: `mark ${worst.toLowerCase()}`, role: "img", "aria-label": "something is wrong"}) : null))),
      h("form", {class: "search", role: "search", "aria-label": "Find an action", onsubmit: (e: Event) => this.search(e)},
        h("input", {id: "search", type: "search", "aria-label": "Find an action", placeholder: "digest, target, filter …", autocomplete: "off", spellcheck: "false", "aria-keyshortcuts": "/"}),
        h("kbd", {"aria-hidden": "true"}, "/")),
      h("button", {type: "button", class: "keys-button", "aria-label": "Keys", title: "Keys (?)", onclick: () => this.keyboard.help()}, "?"),
      h("p", {class: `connection ${this.state}`, role: "status"}, h("span", {class: "light", "aria-hidden": "true"}), words),
    ];
  }

  private search(event: Event) {
    event.preventDefault();
    const field = document.getElementById("search") as HTMLInputElement, text = field.value.trim();
    if (!text) return;
    field.value = "";
    field.blur();
    this.navigate(whole.test(text) ? actionPath(text) : actionsPath(text));
  }

  announce(text: string) { this.spoken.textContent = text; }

  actionCame(action: Action) {
    this.page?.onAction(action);
    this.update();
  }

  workerCame(worker: Worker) {
    const list = this.status?.workers, at = list?.findIndex(x => x.name === worker.name) ?? -1;
    this.page?.onWorker(worker);
    if (list && at >= 0) list[at] = worker;
    this.update();
  }

  statusCame(status: Status) {
    this.status = status;
    this.samples.push({at: Date.now(), queued: Number(status.queuedActions), running: Number(status.runningActions),
                       ended: Number(status.completedActions) + Number(status.failedActions) + Number(status.cachedActions)});
    if (this.samples.length > kept) this.samples.splice(0, this.samples.length - kept);
    this.page?.onStatus(status);
    this.update();
  }

  resync() {
    if (!this.features) void this.loadFeatures();
    this.page?.onResync();
    this.update();
  }

  connectionIs(state: Connection) {
    this.state = state;
    const last = this.samples[this.samples.length - 1];
    clear(this.offline, state === "lost" ? h("p", {class: "offline"}, last ? `Not connected. This is how it was at ${showClock(last.at)}.` : "Not connected.",
      h("button", {type: "button", class: "small", onclick: () => this.stream.reconnectNow()}, "Try now")) : null);
    this.update();
  }
}

function recallSamples(): Sample[] {
  try {
    const list = JSON.parse(sessionStorage.getItem(saved) ?? "[]") as Sample[];
    return list.filter(x => x.at > Date.now() - kept * 1000);
  } catch {
    return [];
  }
}

function keepSamples(samples: Sample[]) {
  try {
    sessionStorage.setItem(saved, JSON.stringify(samples));
  } catch {
    // a browser that keeps nothing
  }
}

new App().start();
