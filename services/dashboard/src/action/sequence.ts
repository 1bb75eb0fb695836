import {Trace} from "../contract";
import {Child, clear, h, s} from "../dom";
import {plural, showDuration} from "../format";
import {dataTable} from "../parts";
import {fold, Fold, lifelines, Message, prepare, related, Row} from "./messages";

// The message trace as a sequence diagram: a lifeline for each actor, an arrow for each message, a bar as
// long as its handling (on a logarithmic scale), a note where time passed. Arrow keys walk along messages,
// left to the cause, right to the first effect. Beneath stands the same as a table.

const lane = 140, margin = 84, rowHeight = 42, foldHeight = 34, headHeight = 46, most = 400, slowWait = 5;
const tones: Record<string, string> = {handled: "ok", dropped: "dropped", threw: "threw", event: "event"};

interface Placed { row: Row; y: number; gap: number; at: string }

export class Sequence {
  private messages: Message[] = [];
  private open = new Set<string>();
  private folding = true;
  private zoom = 0; // not chosen yet
  private shown = most;
  private chosen = -1; // index of a message

  constructor(private readonly place: HTMLElement) {}

  show(trace: Trace) {
    const before = this.messages.length;
    this.messages = prepare(trace.events ?? []);
    if (before !== this.messages.length || !before) this.draw();
  }

  private draw(refocus = false) {
    const scroll = this.place.querySelector(".sequence");
    const left = scroll?.scrollLeft ?? 0, top = scroll?.scrollTop ?? 0;
    if (!this.messages.length) return clear(this.place, h("p", {class: "empty"}, "The trace holds no message of it."));
    if (!this.zoom) this.zoom = Math.min(1, Math.max(0.8, (this.place.clientWidth - 4) / this.width()));
    const rows = fold(this.messages, this.open, this.folding), visible = rows.slice(0, this.shown);
    clear(this.place, this.tools(), this.diagram(visible),
      rows.length > visible.length ? h("button", {type: "button", onclick: () => { this.shown += most; this.draw(); }},
        `Show more (${plural(rows.length - visible.length, "row")} left)`) : null,
      h("div", {class: "detail", role: "status"}, this.detail()),
      h("details", {class: "as-table"}, h("summary", null, "The same as a table"), messageTable(this.messages)));
    const again = this.place.querySelector(".sequence");
    again?.scrollTo(left, top);
    if (refocus) this.focus(this.chosen);
  }

  private tools(): HTMLElement {
    const button = (label: string, name: string, act: () => void, pressed?: boolean) => h("button", {type: "button", class: "small",
      "aria-label": name, "aria-pressed": pressed === undefined ? null : String(pressed), onclick: act}, label);
    const zoomTo = (zoom: number) => { this.zoom = Math.min(2, Math.max(0.4, zoom)); this.draw(); };
    const fit = () => zoomTo(((this.place.querySelector(".sequence")?.clientWidth ?? 800) - 4) / this.width());
    const foldable = fold(this.messages, new Set(), true).some(x => x.fold);
    return h("div", {class: "tools", role: "toolbar", "aria-label": "Diagram"},
      button("−", "Smaller", () => zoomTo(this.zoom / 1.25)), button("+", "Larger", () => zoomTo(this.zoom * 1.25)),
      button("Fit", "Fit the width", fit), button("1:1", "Natural size", () => zoomTo(1)),
      foldable ? button("Fold repetitions", "Fold repetitions", () => { this.folding = !this.folding; this.draw(); }, this.folding) : null,
      h("span", {class: "legend", "aria-hidden": "true"}, [["ok", "handled"], ["slow", `waited over ${slowWait} ms`], ["threw", "threw"], ["dropped", "dropped"], ["event", "event"]]
        .map(([tone, text]) => h("span", {class: tone!}, text!))));
  }

  private width(): number { return margin + lifelines(this.messages).length * lane; }

  private diagram(rows: Row[]): HTMLElement {
    const names = lifelines(this.messages), placed = placeRows(rows), lastRow = placed[placed.length - 1]!;
    const width = this.width(), height = lastRow.y + rowHeight;
    const places = new Map(names.map((name, i) => [name, margin + i * lane + lane / 2]));
    const x = (name: string) => places.get(name) ?? margin;
    const near = this.chosen < 0 ? undefined : related(this.messages, this.messages[this.chosen]!);
    const sized = (tall: number) => ({width: Math.round(width * this.zoom), height: Math.round(tall * this.zoom), viewBox: `0 0 ${width} ${tall}`});
    const first = placed.find(p => p.row.message)?.row.message?.index ?? -1;
    return h("div", {class: "sequence", tabindex: "-1"},
      s("svg", {...sized(headHeight), class: "heads", "aria-hidden": "true"}, names.map(name => headOf(name, x(name)))),
      s("svg", {...sized(height), class: "body", role: "group",
                "aria-label": `${plural(this.messages.length, "message")} between ${plural(names.length, "actor")}. Arrow keys walk along them.`},
        names.map(name => s("line", {class: "lifeline", x1: x(name), x2: x(name), y1: 0, y2: height})),
        placed.map(p => p.gap ? s("text", {class: "pause", x: margin + 10, y: p.y - rowHeight / 2 - 8}, `${showDuration(p.gap)} pass`) : null),
        placed.map(p => p.row.fold ? this.foldMark(p.row.fold, p, width)
          : this.arrow(p.row.message!, p, x, near, this.chosen < 0 ? first : this.chosen))));
  }

  private arrow(m: Message, {y, at}: Placed, x: (name: string) => number, near: Set<number> | undefined, stop: number): SVGElement {
    const tone = tones[m.outcome] ?? "ok", slow = tone === "ok" && m.wait > slowWait ? " slow" : "";
    const dim = near && !near.has(m.index) ? " dim" : "", picked = m.index === this.chosen ? " picked" : "";
    const shape = tone === "event" || !m.to || !m.from ? eventShape(m, x(m.to || m.from), y, this.width()) : arrowShape(m, x(m.from), x(m.to), y, this.width());
    return s("g", {class: `message ${tone}${slow}${dim}${picked}`, role: "button", tabindex: m.index === stop ? "0" : "-1", "data-index": m.index,
                   "aria-label": words(m), "aria-pressed": String(m.index === this.chosen),
                   onclick: () => this.choose(m.index), onkeydown: (e: KeyboardEvent) => this.key(e, m)},
      s("rect", {class: "hit", x: 2, y: y - rowHeight / 2 + 1, width: this.width() - 4, height: rowHeight - 2, rx: 6}),
      s("text", {class: "at", x: margin - 10, y: y + 4}, at), shape);
  }

  private foldMark(f: Fold, {y, at}: Placed, width: number): SVGElement {
    const names = f.messages.slice(0, f.period).map(m => m.name).join(", ");
    const last = f.messages[f.messages.length - 1]!, text = `${f.open ? "▾" : "▸"} ${f.times} × ${names}, in ${showDuration(last.at - f.messages[0]!.at)}`;
    const toggle = () => { if (!this.open.delete(f.id)) this.open.add(f.id); this.draw(); this.place.querySelector<SVGElement>(`[data-fold="${f.id}"]`)?.focus(); };
    return s("g", {class: "fold", role: "button", tabindex: "0", "aria-expanded": String(f.open), "aria-label": text.slice(2), "data-fold": f.id, onclick: toggle,
                   onkeydown: (e: KeyboardEvent) => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); toggle(); } }},
      s("rect", {x: margin, y: y - 13, width: width - margin - 8, height: 24, rx: 6}),
      s("text", {class: "at", x: margin - 10, y: y + 4}, at), s("text", {x: margin + 12, y: y + 4}, text));
  }

  private choose(index: number) {
    this.chosen = this.chosen === index ? -1 : index;
    this.draw();
    this.focus(index);
  }

  private focus(index: number) {
    this.place.querySelector<SVGElement>(`[data-index="${index}"]`)?.focus();
    const m = this.messages[index], frame = this.place.querySelector(".sequence");
    if (!m || !frame) return;
    const ends = [m.from || m.to, m.to || m.from].map(name => this.zoom * this.laneOf(name));
    const left = Math.min(...ends) - lane, right = Math.max(...ends) + lane; // brings the arrow into view
    if (left < frame.scrollLeft || right > frame.scrollLeft + frame.clientWidth) frame.scrollLeft = left;
  }

  private laneOf(name: string): number { return margin + lifelines(this.messages).indexOf(name) * lane + lane / 2; }

  private key(event: KeyboardEvent, m: Message) {
    const visible = Array.from(this.place.querySelectorAll<SVGElement>(".message")).map(x => Number(x.dataset.index));
    const at = visible.indexOf(m.index);
    const go = (to: number | undefined) => {
      event.preventDefault();
      if (to === undefined || to === m.index) return;
      this.chosen = to;
      this.draw(true);
    };
    switch (event.key) {
      case "ArrowDown": return go(visible[at + 1]);
      case "ArrowUp": return go(visible[at - 1]);
      case "ArrowLeft": return go(this.messages.find(x => x.span === m.parent && visible.includes(x.index))?.index);
      case "ArrowRight": return go(this.messages.find(x => x.parent === m.span && visible.includes(x.index))?.index);
      case "Home": return go(visible[0]);
      case "End": return go(visible[visible.length - 1]);
      case "Escape": if (this.chosen >= 0) { event.preventDefault(); this.choose(this.chosen); } return;
      case "Enter": case " ": event.preventDefault(); return this.choose(m.index);
      default: return;
    }
  }

  private detail(): Child {
    const m = this.messages[this.chosen];
    if (!m) return h("p", {class: "hint"}, "Choose a message to see what caused it and what it caused. Arrow keys walk along them.");
    const parent = this.messages.find(x => x.span === m.parent), effects = this.messages.filter(x => x.parent === m.span);
    return h("p", null, h("strong", null, m.name), ` ${m.outcome === "event" ? `at ${m.to || m.from}` : `from ${m.from} to ${m.to}`}: sent ${showDuration(m.at)} after the first, `,
      `waited ${showDuration(m.wait)}, took ${showDuration(m.took)}, ${m.outcome}. `,
      parent ? `Caused by ${parent.name} at ${parent.to}. ` : "It came from outside. ", effects.length ? `It caused ${effects.map(x => x.name).join(", ")}.` : "It caused nothing.");
  }
}

function placeRows(rows: Row[]): Placed[] {
  let y = 8, before: number | undefined;
  const shortest = pauseLimit(rows);
  return rows.map(row => {
    const m = row.message ?? row.fold!.messages[0]!;
    const passed = before === undefined ? 0 : m.at - before, gap = passed >= shortest ? passed : 0;
    y += (row.fold ? foldHeight : rowHeight) + (gap ? 26 : 0);
    const last = row.fold && !row.fold.open ? row.fold.messages[row.fold.messages.length - 1]! : m;
    before = last.at;
    const at = gap || passed < 0 || !m.index ? showDuration(m.at) : `+${showDuration(passed)}`;
    return {row, y: y - rowHeight / 2 + 4, gap, at};
  });
}

// A pause is worth a note when it is at least a tenth of the whole.
function pauseLimit(rows: Row[]): number {
  const last = rows[rows.length - 1], m = last?.message ?? last?.fold?.messages[0];
  return Math.max(1, (m?.at ?? 0) / 10);
}

function headOf(name: string, x: number): SVGElement {
  const space = name.indexOf(" "), lines = name.length > 14 && space > 0 ? [name.slice(0, space), name.slice(space + 1)] : [name];
  return s("g", {class: "head"}, s("rect", {x: x - lane / 2 + 6, y: 4, width: lane - 12, height: headHeight - 10, rx: 7}),
    lines.map((line, i) => s("text", {x, y: (lines.length > 1 ? 19 : 26) + i * 14}, line.length > 19 ? `${line.slice(0, 18)}…` : line)));
}

function arrowShape(m: Message, from: number, to: number, y: number, width: number): Child[] {
  const bar = Math.min(30, 4 + 6 * Math.log10(1 + m.took * 100)), times = `${showDuration(m.wait)} → ${showDuration(m.took)}`;
  const activation = s("rect", {class: "handling", x: to - 4, y: y - 2, width: 8, height: bar, rx: 2});
  if (from === to) {
    const side = from + lane > width ? -1 : 1, label = {x: from + 34 * side, "text-anchor": side < 0 ? "end" : "start"};
    return [s("path", {class: "line", d: `M${from} ${y - 8}h${26 * side}v14h${-19 * side}`}), head(from + 6 * side, y + 6, -side), activation,
      s("text", {class: "name", y: y - 2, ...label}, m.name), s("text", {class: "times", y: y + 12, ...label}, times)];
  }
  const way = Math.sign(to - from), end = to - way * 5, middle = (from + to) / 2;
  // A long arrow is labelled near its start, where lifelines cross it least.
  const label = Math.abs(to - from) > lane * 1.5 ? from + way * lane / 2 : middle;
  const cross = m.outcome === "dropped" ? s("path", {class: "line cross", d: `M${end - 6} ${y - 6}l12 12m0 -12l-12 12`}) : head(end, y, way);
  return [s("path", {class: "line", d: `M${from} ${y}H${end}`}), cross, m.outcome === "dropped" ? null : activation,
    s("text", {class: "name", x: label, y: y - 6, "text-anchor": "middle"}, m.name), s("text", {class: "times", x: label, y: y + 14, "text-anchor": "middle"}, times)];
}

function eventShape(m: Message, x: number, y: number, width: number): Child[] {
  const side = x > width / 2 ? -1 : 1;
  return [s("circle", {class: "dot", cx: x, cy: y, r: 5}), s("text", {class: "name", x: x + 12 * side, y: y + 4, "text-anchor": side < 0 ? "end" : "start"}, m.name)];
}

function head(x: number, y: number, way: number): SVGElement {
  return s("path", {class: "tip", d: `M${x} ${y}l${-8 * way} -4.5v9z`});
}

function words(m: Message): string {
  if (m.outcome === "event") return `${m.index + 1}: ${m.name} at ${m.to || m.from}, ${showDuration(m.at)} after the first`;
  return `${m.index + 1}: ${m.name} from ${m.from} to ${m.to}, waited ${showDuration(m.wait)}, took ${showDuration(m.took)}, ${m.outcome}`;
}

function messageTable(messages: Message[]): HTMLElement {
  return dataTable("Messages", [
    {head: "#", kind: "number", cell: m => String(m.index + 1)},
    {head: "Sent after", kind: "number", cell: m => showDuration(m.at)},
    {head: "Message", kind: "main", cell: m => h("span", {class: "depth", style: {"--depth": String(Math.min(m.depth, 12))}}, h("code", null, m.name))},
    {head: "From", cell: m => m.from || "–"},
    {head: "To", cell: m => m.to || "–"},
    {head: "Waited", kind: "number", cell: m => showDuration(m.wait)},
    {head: "Took", kind: "number", cell: m => showDuration(m.took)},
    {head: "Outcome", cell: m => m.outcome === "handled" ? "handled" : h("strong", {class: m.outcome === "event" ? null : "bad-text"}, m.outcome)},
  ], messages, m => m.span || String(m.index));
}
