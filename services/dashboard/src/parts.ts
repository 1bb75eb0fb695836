import {actionPath, actionsPath, now} from "./api";
import {Action, WorkerState} from "./contract";
import {Child, h, s} from "./dom";
import {parseDigest, sentence, showClock, showDuration, shortHash} from "./format";

// The pieces that several pages are made of.

export type Tone = "good" | "bad" | "warn" | "info" | "busy" | "quiet";

const icons: Record<string, string> = {
  check: "M3.5 8.5l3 3 6-7", cross: "M4 4l8 8M12 4l-8 8", clock: "M8 4.5V8l2.5 2M8 14A6 6 0 108 2a6 6 0 000 12z",
  bang: "M8 3v6M8 12v1", bolt: "M9 1.5L4 9h4l-1 5.5L12 7H8z", stop: "M3.8 12.2l8.4-8.4M8 14A6 6 0 108 2a6 6 0 000 12z",
  dot: "M8 6.5a1.5 1.5 0 100 3 1.5 1.5 0 000-3z", play: "M5 3.5v9l7-4.5z", pause: "M5.5 3.5v9M10.5 3.5v9",
  down: "M8 3v9M4 8.5L8 12.5l4-4", copy: "M6 6h7v7H6zM10 6V3H3v7h3",
};

export function icon(name: string): SVGElement {
  return s("svg", {viewBox: "0 0 16 16", class: "icon", "aria-hidden": "true", focusable: "false"},
    s("path", {d: icons[name] ?? ""}));
}

export function badge(tone: Tone, sign: string, text: string): HTMLElement {
  return h("span", {class: `badge ${tone}`}, icon(sign), text);
}

export function outcomeBadge(action: Action): HTMLElement {
  switch (action.outcome) {
    case "success": return badge("good", "check", "succeeded");
    case "cache_hit": return badge("info", "bolt", "cache hit");
    case "nonzero": return badge("bad", "cross", `exit code ${action.exitCode}`);
    case "timeout": return badge("bad", "clock", "timed out");
    case "cancelled": return badge("quiet", "stop", "cancelled");
    case "infra_error": return badge("warn", "bang", "infrastructure error");
    case "rejected": return badge("bad", "stop", "rejected");
    case "": break;
    default: return badge("quiet", "dot", action.outcome.replace(/_/g, " "));
  }
  switch (action.stage) {
    case "queued": return badge("warn", "pause", "queued");
    case "executing": return badge("busy", "play", "executing");
    case "cache_check": return badge("busy", "dot", "checking the cache");
    default: return badge("quiet", "dot", action.stage.replace(/_/g, " ") || "unknown");
  }
}

export function workerBadge(state: WorkerState): HTMLElement {
  const [tone, sign] = ({
    IDLE: ["good", "check"], BUSY: ["busy", "play"], STARTING: ["info", "clock"], DRAINING: ["warn", "pause"],
    DRAINED: ["quiet", "pause"], BACKOFF: ["warn", "clock"], QUARANTINED: ["bad", "bang"], UNKNOWN: ["quiet", "dot"],
  } as Record<string, [Tone, string]>)[state] ?? ["quiet", "dot"];
  return badge(tone as Tone, sign as string, state.toLowerCase());
}

// A moment, told from now; the exact one in its tooltip.
export function ago(at: number | undefined): HTMLElement | string {
  if (at === undefined) return "–";
  const past = now() - at;
  return h("time", {datetime: new Date(at).toISOString(), title: new Date(at).toISOString()},
    past < 1000 ? "just now" : `${showDuration(past)} ago`);
}

export function clock(at: number | undefined): HTMLElement | string {
  if (at === undefined) return "–";
  const iso = new Date(at).toISOString();
  return h("time", {datetime: iso, title: iso}, showClock(at));
}

// Equal digests have equal colours.
export function digestChip(digest: string, href?: string): HTMLElement {
  const hash = parseDigest(digest)?.hash ?? digest;
  const inside = [
    h("span", {class: "swatch", "aria-hidden": "true", style: {"--hue": String(Number.parseInt(hash.slice(0, 6), 16) % 360 || 0)}}),
    h("code", null, shortHash(digest)),
  ];
  return href ? h("a", {class: "digest", href, title: digest}, inside) : h("span", {class: "digest", title: digest}, inside);
}

export function actionTitle(action: Action): string {
  const parts = [action.actionMnemonic, action.targetId].filter(text => text !== "");
  return parts.length ? parts.join(" ") : `action ${shortHash(action.actionDigest)}`;
}

export function actionLink(action: Action): HTMLElement {
  const named = action.actionMnemonic !== "" || action.targetId !== "";
  return h("a", {class: "name", href: actionPath(action.operationName || action.actionDigest)},
    named ? [h("span", {class: "mnemonic"}, action.actionMnemonic), " ", h("span", {class: "target"}, breakable(action.targetId))]
      : `action ${shortHash(action.actionDigest)}`);
}

export function workerLink(name: string): HTMLElement | string {
  return name ? h("a", {class: "whole", href: `/ui/workers#${encodeURIComponent(name)}`}, name) : "–";
}

export function filterLink(filter: string, ...inside: Child[]): HTMLElement {
  return h("a", {href: actionsPath(filter)}, inside);
}

// Long names may break behind '/', ':' and '.'; nowhere else, unless they must.
export function breakable(text: string): Child[] {
  return text.split(/(?<=[/:])(?=[^/:])/).flatMap((part, i) => i ? [h("wbr", null), part] : [part]);
}

export interface Column<T> { head: string; cell: (row: T) => Child; kind?: "number" | "main" | "wide" | "actions" }

// A table for eyes, screen readers and narrow screens, where every row becomes a card.
export function dataTable<T>(caption: string, columns: Column<T>[], rows: T[], key: (row: T) => string,
                             more?: (row: T) => {class?: string; id?: string}): HTMLElement {
  const kind = (column: Column<T>) => column.kind ?? null;
  return h("div", {class: "table-frame"}, h("table", {role: "table"},
    h("caption", {class: "unseen"}, caption),
    h("thead", {role: "rowgroup"}, h("tr", {role: "row"},
      columns.map(x => h("th", {scope: "col", role: "columnheader", class: kind(x)}, x.head)))),
    h("tbody", {role: "rowgroup"}, rows.map(row => h("tr", {role: "row", "data-key": key(row), ...more?.(row)},
      columns.map(x => dataCell(x, x.cell(row))))))));
}

function dataCell<T>(column: Column<T>, content: Child): HTMLElement {
  const nothing = content === "–" ? " nothing" : "";
  return h("td", {role: "cell", "data-label": column.head, class: `${column.kind ?? ""}${nothing}`.trim() || null}, h("div", null, content));
}

export function section(id: string, title: string, ...inside: Child[]): HTMLElement {
  return h("section", {id, "data-key": `section-${id}`, "aria-labelledby": `${id}-title`, tabindex: "-1"},
    h("h2", {id: `${id}-title`}, title), inside);
}

export function empty(...text: Child[]): HTMLElement {
  return h("p", {class: "empty"}, text);
}

export function notice(tone: Tone, ...inside: Child[]): HTMLElement {
  return h("div", {class: `notice ${tone}`}, icon(tone === "good" ? "check" : tone === "info" || tone === "quiet" ? "dot" : "bang"),
    h("div", null, inside));
}

export function failure(error: Error, retry: () => void): HTMLElement {
  return h("div", {class: "notice bad", role: "alert"}, icon("bang"),
    h("div", null, h("p", null, sentence(error.message)), h("button", {type: "button", onclick: retry}, "Try again")));
}

export function loading(what: string): HTMLElement {
  return h("p", {class: "empty", "aria-busy": "true"}, `Loading ${what} …`);
}

// A button that copies text; where the browser forbids that, it says so.
export function copyButton(text: () => string, label: string): HTMLElement {
  return h("button", {type: "button", class: "small", onclick: async (event: MouseEvent) => {
    const button = event.currentTarget as HTMLButtonElement;
    try {
      await navigator.clipboard.writeText(text());
      button.lastChild!.nodeValue = "Copied";
    } catch {
      button.lastChild!.nodeValue = "The browser forbids it";
    }
    window.setTimeout(() => { button.lastChild!.nodeValue = label; }, 2000);
  }}, icon("copy"), label);
}

// Tab stays inside a dialog.
export function trap(event: KeyboardEvent, inside: HTMLElement) {
  if (event.key !== "Tab") return;
  const stops = Array.from(inside.querySelectorAll<HTMLElement>("input, button"));
  const edge = event.shiftKey ? stops[0] : stops[stops.length - 1];
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops[stops.length - 1] : stops[0])?.focus();
}
