import {actionPath} from "../api";
import {LogLine} from "../contract";
import {append, Child, clear, h, island} from "../dom";
import {plural, timeOf} from "../format";
import {Page, Shell} from "../page";
import {clock} from "../parts";

const kept = 2000;
const names = /\b(?:[0-9a-f]{64}(?:\/\d+)?|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b/g;

export interface LogFilter { level: string; module: string; contains: string }

export const logPath = (x: LogFilter) => {
  const query = new URLSearchParams(Object.entries(x).filter(([, value]) => value !== ""));
  return query.toString() ? `/ui/log?${query}` : "/ui/log";
};

// The daemon's log as it is written. It has a connection of its own, which ends with the page.
export class LogPage extends Page {
  private source: EventSource | undefined;
  private place: HTMLElement | undefined;
  private held: LogLine[] = []; // while paused
  private fresh: LogLine[] = []; // for the next drawing
  private paused = false;
  private broken = false;
  private count = 0;

  constructor(shell: Shell, private readonly filter: LogFilter) { super(shell); }

  title() { return "Log"; }

  override start() {
    this.source?.close();
    this.fresh = [];
    this.held = [];
    this.count = 0;
    if (this.place) clear(this.place);
    const query = new URLSearchParams({last: "200", follow: "1", ...this.filter});
    this.source = new EventSource(`/api/v1/log?${query}`);
    this.source.onopen = () => this.broke(false);
    this.source.onerror = () => this.broke(true);
    this.source.addEventListener("line", event => this.take(JSON.parse((event as MessageEvent<string>).data) as LogLine));
  }

  override suspend() { this.source?.close(); }

  override stop() {
    super.stop();
    this.suspend();
  }

  private broke(broken: boolean) {
    if (broken) this.source?.close(); // the frame's connection tells when to begin again: onResync
    this.broken = broken;
    this.shell.update();
  }

  private take(line: LogLine) {
    const list = this.paused ? this.held : this.fresh;
    list.push(line);
    if (list.length > kept) list.shift();
    if (this.paused || list.length === 1) this.shell.update();
  }

  render() {
    this.draw();
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Log"), this.form(),
      this.broken ? h("div", {class: "notice warn", role: "alert"}, h("div", null, h("p", null, "The log is not connected."),
        h("button", {type: "button", onclick: () => this.start()}, "Connect again"))) : null,
      island("lines", into => {
        this.place = into;
        into.className = "log";
        into.tabIndex = 0;
        into.setAttribute("role", "log");
        into.setAttribute("aria-live", "off");
        into.setAttribute("aria-label", "Log lines");
        this.draw();
      }),
      this.count || this.broken ? null : h("p", {class: "empty"}, "No line fits yet."));
  }

  private form(): HTMLElement {
    const {level, module, contains} = this.filter;
    const go = (change: Partial<LogFilter>) => this.shell.navigate(logPath({...this.filter, ...change}), true);
    const read = (e: Event) => (e.target as HTMLInputElement).value.trim();
    return h("form", {class: "log-form", "aria-label": "Log filter", onsubmit: (e: Event) => e.preventDefault()},
      h("p", null, h("label", {for: "level"}, "Level"), h("select", {id: "level", value: level, onchange: (e: Event) => go({level: read(e)})},
        [["debug", "debug"], ["", "info"], ["warn", "warnings"], ["error", "errors"]].map(([value, label]) =>
          h("option", {value: value!, selected: value === level}, label!, value === "error" ? "" : " and above")))),
      h("p", null, h("label", {for: "module"}, "Module"), h("input", {id: "module", type: "text", value: module, placeholder: "all", spellcheck: "false",
        autocomplete: "off", onchange: (e: Event) => go({module: read(e)})})),
      h("p", null, h("label", {for: "contains"}, "Contains"), h("input", {id: "contains", type: "text", value: contains, placeholder: "a digest, an operation, a word",
        spellcheck: "false", autocomplete: "off", onchange: (e: Event) => go({contains: read(e)})})),
      h("button", {type: "button", class: "primary", "aria-pressed": String(this.paused), onclick: () => this.pause()},
        this.paused ? `Go on${this.held.length ? ` (${plural(this.held.length, "new line")})` : ""}` : "Pause"));
  }

  private pause() {
    this.paused = !this.paused;
    if (!this.paused) this.fresh.push(...this.held.splice(0));
    this.shell.announce(this.paused ? "paused" : "following");
    this.shell.update();
  }

  // Adds the new lines; stays at the end if it was there.
  private draw() {
    const place = this.place;
    if (!place || !this.fresh.length) return;
    const atEnd = place.scrollHeight - place.scrollTop - place.clientHeight < 40;
    this.count += this.fresh.length;
    append(place, this.fresh.splice(0).map(showLine));
    while (place.childElementCount > kept) place.firstElementChild!.remove();
    if (atEnd) place.scrollTop = place.scrollHeight;
  }
}

function showLine(line: LogLine): HTMLElement {
  return h("div", {class: `line ${line.level}`}, clock(timeOf(line.at)), " ", h("span", {class: "level"}, line.level.toUpperCase()), " ",
    h("span", {class: "module"}, line.module), " ", h("span", {class: "message"}, linked(line.message)));
}

// Digests and operations lead to their action.
export function linked(text: string): Child[] {
  const out: Child[] = [];
  let at = 0;
  for (const match of text.matchAll(names)) {
    out.push(text.slice(at, match.index), h("a", {href: actionPath(match[0]!.split("/")[0]!), title: match[0]!}, match[0]!));
    at = match.index! + match[0]!.length;
  }
  out.push(text.slice(at));
  return out;
}
