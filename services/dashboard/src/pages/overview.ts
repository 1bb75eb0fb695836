import {actionsPath, now} from "../api";
import {Action, ActionList, Problem, Status, Worker} from "../contract";
import {Child, h} from "../dom";
import {isFailure} from "../filter";
import {plural, showCount, showDuration, timeOf} from "../format";
import {Page} from "../page";
import {actionLink, ago, badge, dataTable, empty, failure, filterLink, icon, loading, outcomeBadge, section, Tone,
  workerBadge, workerLink} from "../parts";
import {sparkline} from "../sparkline";

// Restarts of one worker for the same reason are one event that happened several times.
interface WorkerEvent { at: number; worker: string; kind: string; times: number; what: Child; key: string }

const shown = 8, span = 15 * 60 * 1000;

export class OverviewPage extends Page {
  private failures: Action[] | undefined;
  private seen: WorkerEvent[] = []; // changes of state since the page was opened
  private states = new Map<string, string>();

  title() { return "Overview"; }

  override start() {
    void this.load<ActionList>(`/api/v1/actions?filter=failed&page_size=${shown}`, x => { this.failures = x.actions ?? []; });
  }

  override onAction(action: Action) {
    if (!this.failures || !isFailure(action)) return;
    this.failures = [action, ...this.failures.filter(x => x.operationName !== action.operationName)].slice(0, shown);
  }

  override onStatus(status: Status) {
    for (const worker of status.workers ?? []) this.states.set(worker.name, worker.state);
  }

  override onWorker(worker: Worker) {
    const before = this.states.get(worker.name);
    this.states.set(worker.name, worker.state);
    const calm = (state: string | undefined) => state === "IDLE" || state === "BUSY";
    if (before === worker.state || (calm(before) && calm(worker.state))) return;
    const at = now();
    this.seen = [{at, worker: worker.name, kind: "", times: 1, what: workerBadge(worker.state), key: `${worker.name} ${at}`}, ...this.seen].slice(0, 50);
  }

  render() {
    const status = this.shell.status;
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Overview"),
      status ? [this.health(status), this.counts(status)] : loading("the status"),
      h("div", {class: "columns"},
        section("failures", "Last failures", this.failureList()),
        section("events", "Last worker events", status ? this.workerEvents(status) : loading("the workers"))));
  }

  private health(status: Status): HTMLElement {
    const problems = status.problems ?? [];
    return h("div", {class: "health", role: "region", "aria-label": "Health", "aria-live": "polite"},
      problems.length ? problems.map(problemNotice) : h("div", {class: "notice good"}, icon("check"),
        h("div", null, h("p", {class: "what"}, this.calmWords(status)))));
  }

  private calmWords(status: Status): string {
    const workers = status.workers ?? [];
    const busy = workers.filter(x => x.state === "BUSY").length;
    const queue = Number(status.queuedActions);
    const load = busy === 0 && queue === 0 ? "Nothing runs." :
      `${busy} of ${plural(workers.length, "worker")} ${busy === 1 ? "is" : "are"} busy${queue ? `, ${plural(queue, "action waits", "actions wait")}` : ""}.`;
    return `All is well. ${load}`;
  }

  private counts(status: Status): HTMLElement {
    const since = timeOf(status.startedAt), samples = this.shell.samples;
    const points = (of: "queued" | "running") => samples.map(x => ({at: x.at, value: x[of]}));
    const tile = (label: string, value: string, href: string | null, more?: Child, tone?: Tone) =>
      h("li", {class: `tile ${tone ?? ""}`}, h(href ? "a" : "div", href ? {href} : null, h("span", {class: "label"}, label), h("span", {class: "value"}, value)), more);
    const failed = Number(status.failedActions);
    return h("section", {"aria-label": "Counts"},
      h("ul", {class: "tiles wide"},
        tile("Queued", showCount(status.queuedActions), "/ui/queue", sparkline("queued", points("queued"), span, now())),
        tile("Running", showCount(status.runningActions), actionsPath("state=live"), sparkline("running", points("running"), span, now()))),
      h("ul", {class: "tiles"},
        tile("Completed", showCount(status.completedActions), actionsPath("state=done"), note(this.pace())),
        tile("From the cache", showCount(status.cachedActions), actionsPath("outcome=cache_hit")),
        tile("Without a result", showCount(failed), actionsPath("outcome=infra_error"), null, failed ? "warn" : undefined),
        tile("Stored blobs", showCount(status.storedBlobs), null),
        tile("Up for", since === undefined ? "–" : showDuration(now() - since), null, note(`version ${status.version}`))));
  }

  // How many ended in the last minute, as far as this page has watched.
  private pace(): string {
    const samples = this.shell.samples, last = samples[samples.length - 1];
    const first = last && samples.find(x => x.at >= last.at - 60000);
    if (!last || !first || last.at - first.at < 5000) return "";
    const minutes = (last.at - first.at) / 60000;
    return `${showCount(Math.round(Math.max(0, last.ended - first.ended) / minutes))} a minute`;
  }

  private failureList(): Child {
    if (this.error) return failure(this.error, () => this.start());
    if (!this.failures) return loading("the last failures");
    if (!this.failures.length) return empty("Nothing has failed lately.");
    return [dataTable("Last failures", [
      {head: "Action", kind: "main", cell: actionLink},
      {head: "Outcome", cell: outcomeBadge},
      {head: "When", kind: "number", cell: x => ago(timeOf(x.endedAt))},
    ], this.failures, x => x.operationName), h("p", {class: "more"}, filterLink("failed", "All failures"))];
  }

  private workerEvents(status: Status): Child {
    const restarts = (status.workers ?? []).flatMap(worker => (worker.history ?? []).map((x, i): WorkerEvent => ({
      at: timeOf(x.at) ?? 0, worker: worker.name, key: `${worker.name} ${x.at ?? i}`,
      kind: x.why, times: 1, what: [" ", x.why]})));
    const all = merged([...this.seen, ...restarts].sort((a, b) => b.at - a.at)).slice(0, shown);
    if (!all.length) return empty("No worker was restarted.");
    return dataTable("Last worker events", [
      {head: "Worker", kind: "main", cell: x => workerLink(x.worker)},
      {head: "What", cell: x => [x.kind ? badge("warn", "bang", x.times > 1 ? `restarted ${x.times} times` : "restarted") : null, x.what]},
      {head: "When", kind: "number", cell: x => ago(x.at || undefined)},
    ], all, x => x.key);
  }
}

function merged(events: WorkerEvent[]): WorkerEvent[] {
  const out = new Map<string, WorkerEvent>();
  for (const event of events) {
    const name = event.kind ? `${event.worker} ${event.kind}` : event.key, known = out.get(name);
    if (known) known.times++;
    else out.set(name, event);
  }
  return Array.from(out.values());
}

function note(text: string): Child {
  return text ? h("span", {class: "note"}, text) : null;
}

export function problemNotice(problem: Problem): HTMLElement {
  const tone = {ERROR: "bad", WARNING: "warn", NOTICE: "info", UNKNOWN: "info"}[problem.severity] ?? "info";
  return h("div", {class: `notice ${tone}`}, icon("bang"),
    h("div", null, h("p", {class: "what"}, h("span", {class: "unseen"}, `${problem.severity.toLowerCase()}: `), problem.what),
      problem.nextStep ? h("p", {class: "next"}, "What to do: ", problem.nextStep) : null));
}
