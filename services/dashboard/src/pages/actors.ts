import {Actor, ActorList, Status} from "../contract";
import {Child, h} from "../dom";
import {durationOf, plural, showCount, showDuration} from "../format";
import {Page, throttled} from "../page";
import {badge, dataTable, empty, failure, loading, Tone} from "../parts";

interface Row { actor: Actor; depth: number }

// The supervision tree. Actors have no events of their own in the stream: as long as somebody looks, the
// server's heartbeat there has them fetched again.
export class ActorsPage extends Page {
  private actors: Actor[] | undefined;
  private readonly refresh = throttled(2000, () => this.start());

  title() { return "Actors"; }

  override start() {
    void this.load<ActorList>("/api/v1/actors", x => { this.actors = x.actors ?? []; });
  }

  override onStatus(_status: Status) {
    if (!document.hidden && !this.gone.signal.aborted) this.refresh();
  }

  render() {
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Actors"), this.error ? failure(this.error, () => this.start()) : null,
      this.actors ? this.tree(this.actors) : this.error ? null : loading("the actors"));
  }

  private tree(actors: Actor[]): Child {
    if (!actors.length) return empty("The server names no actors.");
    const total = actors.reduce((sum, x) => sum + Number(x.count || 1), 0);
    const waiting = actors.reduce((sum, x) => sum + Number(x.mailbox), 0);
    return [
      h("p", {class: "lead"}, `${plural(total, "actor")}, ${waiting ? `${plural(waiting, "message waits", "messages wait")} in their mailboxes` : "every mailbox is empty"}.`),
      dataTable("Supervision tree", [
        {head: "Actor", kind: "main", cell: x => name(x)},
        {head: "State", cell: x => state(x.actor)},
        {head: "Mailbox", kind: "number", cell: x => graded(Number(x.actor.mailbox), 10, 1000, showCount(x.actor.mailbox))},
        {head: "Peak", kind: "number", cell: x => showCount(x.actor.mailboxPeak)},
        {head: "Longest wait", kind: "number", cell: x => graded(durationOf(x.actor.longestWait), 100, 1000, showDuration(durationOf(x.actor.longestWait)))},
        {head: "Handled", kind: "number", cell: x => showCount(x.actor.handled)},
        {head: "Each took", kind: "number", cell: x => each(x.actor)},
        {head: "Restarts", kind: "number", cell: x => graded(Number(x.actor.restarts), 1, 10, x.actor.restarts)},
        {head: "Last exit", kind: "wide", cell: x => x.actor.lastExit || "–"},
      ], rows(actors), x => x.actor.name),
    ];
  }
}

// Depth first, children in the order in which the server names them. Whoever names an unknown parent is a root.
export function rows(actors: Actor[]): Row[] {
  const names = new Set(actors.map(x => x.name)), children = new Map<string, Actor[]>(), out: Row[] = [];
  for (const actor of actors) {
    const parent = names.has(actor.parent) && actor.parent !== actor.name ? actor.parent : "";
    children.set(parent, [...children.get(parent) ?? [], actor]);
  }
  const seen = new Set<string>();
  const visit = (actor: Actor, depth: number) => {
    if (seen.has(actor.name)) return;
    seen.add(actor.name);
    out.push({actor, depth});
    for (const child of children.get(actor.name) ?? []) visit(child, depth + 1);
  };
  for (const root of children.get("") ?? []) visit(root, 0);
  for (const rest of actors) visit(rest, 0); // a circle of parents
  return out;
}

function name({actor, depth}: Row): HTMLElement {
  return h("span", {class: depth ? "tree depth" : "tree", style: {"--depth": String(depth)}}, h("strong", null, actor.name),
    Number(actor.count) > 1 ? h("span", {class: "aside"}, `× ${showCount(actor.count)}`) : null,
    actor.parent ? h("span", {class: "unseen"}, ` under ${actor.parent}`) : null);
}

function state(actor: Actor): HTMLElement {
  const busy = durationOf(actor.busyFor);
  if (busy > 0) return badge(busy > 1000 ? "warn" : "busy", "play", `busy for ${showDuration(busy)}`);
  const tone: Record<string, Tone> = {running: "quiet", idle: "good", busy: "busy", backoff: "warn", draining: "warn", quarantined: "bad"};
  const word = actor.state.toLowerCase();
  return badge(tone[word] ?? "quiet", tone[word] === "bad" || tone[word] === "warn" ? "bang" : "dot", word || "running");
}

function each(actor: Actor): string {
  const handled = Number(actor.handled);
  return handled ? showDuration(durationOf(actor.handling) / handled) : "–";
}

function graded(value: number, warn: number, bad: number, text: string): Child {
  return value >= warn ? h("strong", {class: value >= bad ? "bad-text" : "warn-text"}, text) : text;
}
