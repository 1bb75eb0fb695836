import {now} from "../api";
import {Action, LostAttempt, Stage} from "../contract";
import {h} from "../dom";
import {showDuration, timeOf} from "../format";

// Where the time of an action went, stage by stage, with the attempts that were lost on the way.

interface Bar { label: string; kind: string; from: number; to: number; open: boolean; what: string }

export function bars(action: Action, lost: LostAttempt[], at: number): Bar[] {
  const began = timeOf(action.beganAt), ended = timeOf(action.endedAt);
  const out: Bar[] = [];
  const add = (label: string, kind: string, stage: Stage | undefined, what: string) => {
    const from = timeOf(stage?.from);
    if (from !== undefined) out.push({label, kind, from, to: timeOf(stage?.to) ?? ended ?? at, open: !timeOf(stage?.to) && !ended, what});
  };
  const first = timeOf(action.queued?.from);
  if (!lost.length && began !== undefined && (first === undefined || first - began > 0.5))
    out.push({label: "cache check", kind: "check", from: began, to: first ?? ended ?? at, open: first === undefined && ended === undefined, what: "looked up in the action cache"});
  lost.forEach((x, i) => {
    const died = timeOf(x.at);
    if (died === undefined || began === undefined) return;
    const before = timeOf(lost[i - 1]?.at) ?? began;
    out.push({label: `attempt ${i + 1}`, kind: "lost", from: Math.min(before, died), to: died, open: false, what: `lost on ${x.worker}: ${x.why}`});
  });
  const last = lost.length ? `attempt ${lost.length + 1}: ` : "";
  add("queued", "queued", action.queued, `${last}waited for a worker`);
  add("inputs", "fetched", action.fetched, `${last}inputs were staged`);
  add("command", "executed", action.executed, `${last}the command ran`);
  add("outputs", "uploaded", action.uploaded, `${last}outputs were stored`);
  const known = Math.max(...out.map(x => x.to), began ?? 0);
  if (ended !== undefined && began !== undefined && ended - known > Math.max(0.5, (ended - began) / 100))
    out.push({label: "answer", kind: "check", from: known, to: ended, open: false, what: "the result was stored and told"});
  return out;
}

export function waterfall(action: Action, lost: LostAttempt[]): HTMLElement {
  const at = now(), list = bars(action, lost, at);
  const from = Math.min(...list.map(x => x.from)), to = Math.max(...list.map(x => x.to));
  if (!list.length) return h("p", {class: "empty"}, "No stage of it was timed.");
  const span = Math.max(to - from, 0.001), percent = (x: number) => `${(100 * x / span).toFixed(3)}%`;
  return h("div", {class: "waterfall"},
    h("div", {class: "scale", "aria-hidden": "true"}, [0, 0.25, 0.5, 0.75, 1].map(x => h("span", null, x ? showDuration(span * x) : "0"))),
    h("ol", null, list.map(bar => h("li", {class: bar.kind},
      h("span", {class: "label"}, bar.label),
      h("span", {class: "track", "aria-hidden": "true"}, h("span", {class: `bar ${bar.kind}${bar.open ? " open" : ""}`,
        style: {"left": percent(bar.from - from), "width": `max(3px, ${percent(bar.to - bar.from)})`}})),
      h("span", {class: "took"}, showDuration(bar.to - bar.from)),
      h("span", {class: "what"}, bar.what, h("span", {class: "unseen"}, `, from ${showDuration(bar.from - from)}`))))));
}
