import {TraceEvent} from "../contract";
import {durationOf, timeOf} from "../format";

// The message trace, prepared: times relative to the first message, depth in the tree of causes, and
// repetitions folded. No DOM here.

export interface Message {
  index: number; // in the trace
  span: string; parent: string; depth: number;
  at: number; wait: number; took: number; // milliseconds; `at` after the first was sent
  from: string; to: string; name: string; outcome: string;
}

// One row of the diagram: a message, or the head of `times` repetitions of the `messages` that follow it.
export interface Row { message?: Message; fold?: Fold }
export interface Fold { id: string; messages: Message[]; times: number; period: number; open: boolean }

export function prepare(events: TraceEvent[]): Message[] {
  const first = Math.min(...events.map(x => timeOf(x.sentAt) ?? Infinity));
  const depths = new Map<string, number>();
  return events.map((x, index) => {
    const depth = x.parentSpan !== "0" && depths.has(x.parentSpan) ? depths.get(x.parentSpan)! + 1 : 0;
    depths.set(x.span, depth);
    return {index, span: x.span, parent: x.parentSpan, depth, at: (timeOf(x.sentAt) ?? first) - first,
            wait: durationOf(x.queuedFor), took: durationOf(x.handledIn), from: x.from, to: x.to, name: x.message, outcome: x.outcome};
  });
}

// Actors in the order in which they appear: callers left of whom they call.
export function lifelines(messages: Message[]): string[] {
  const out: string[] = [];
  for (const {from, to, outcome} of messages)
    for (const name of outcome === "event" ? [to || from] : [from, to])
      if (name && !out.includes(name)) out.push(name);
  return out;
}

const alike = (a: Message, b: Message) => a.from === b.from && a.to === b.to && a.name === b.name && a.outcome === b.outcome;

// Folds runs in which the same one to four messages come three times or more (twice is no pattern).
export function fold(messages: Message[], open: Set<string>, folding: boolean): Row[] {
  const rows: Row[] = [];
  for (let i = 0; i < messages.length;) {
    const run = folding ? runAt(messages, i) : undefined;
    if (!run) {
      rows.push({message: messages[i++]!});
      continue;
    }
    const list = messages.slice(i, i + run.period * run.times), id = list[0]!.span;
    rows.push({fold: {id, messages: list, ...run, open: open.has(id)}});
    if (open.has(id)) for (const message of list) rows.push({message});
    i += list.length;
  }
  return rows;
}

function runAt(messages: Message[], start: number): {period: number; times: number} | undefined {
  for (let period = 1; period <= 4; period++) {
    let times = 1;
    const same = (t: number) => Array.from({length: period}).every((_, k) => {
      const a = messages[start + k], b = messages[start + t * period + k];
      return a !== undefined && b !== undefined && alike(a, b);
    });
    while (same(times)) times++;
    if (times >= 3) return {period, times};
  }
  return undefined;
}

// Whoever caused it, and whatever it caused.
export function related(messages: Message[], of: Message): Set<number> {
  const bySpan = new Map(messages.map(x => [x.span, x])), out = new Set<number>([of.index]);
  for (let up = bySpan.get(of.parent); up && !out.has(up.index); up = bySpan.get(up.parent)) out.add(up.index);
  const below = new Set([of.span]);
  for (const x of messages)
    if (below.has(x.parent) && !below.has(x.span)) { below.add(x.span); out.add(x.index); }
  return out;
}
