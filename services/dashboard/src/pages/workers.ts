import {actionPath, now, post} from "../api";
import {ControlWorkersResponse, Status, Worker, Workers} from "../contract";
import {Child, h} from "../dom";
import {plural, shortHash, showDuration, timeOf} from "../format";
import {Page} from "../page";
import {ago, dataTable, digestChip, empty, failure, loading, notice, trap, workerBadge} from "../parts";

type Verb = "drain" | "undrain" | "restart";

// Workers by what they offer.
export class WorkersPage extends Page {
  private workers = new Map<string, Worker>();
  private known = false;
  private said: {tone: "good" | "bad"; text: string} | undefined;
  private asked: Worker | undefined; // a restart that waits for a yes

  title() { return "Workers"; }

  override start() {
    void this.load<Workers>("/api/v1/workers", x => this.take(x.workers ?? []));
  }

  override onStatus(status: Status) { this.take(status.workers ?? []); }
  override onWorker(worker: Worker) { this.workers.set(worker.name, worker); }

  private take(workers: Worker[]) {
    this.known = true;
    this.workers = new Map(workers.map(x => [x.name, x]));
  }

  render() {
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Workers"), this.error ? failure(this.error, () => this.start()) : null,
      h("div", {role: "status"}, this.said ? notice(this.said.tone, this.said.text) : null),
      this.asked ? this.confirmation(this.asked) : null,
      this.known ? this.groups() : this.error ? null : loading("the workers"));
  }

  private groups(): Child {
    const groups = new Map<string, Worker[]>();
    for (const worker of Array.from(this.workers.values()).sort((a, b) => a.name.localeCompare(b.name, "en", {numeric: true})))
      groups.set(poolOf(worker), [...groups.get(poolOf(worker)) ?? [], worker]);
    if (!groups.size) return empty("There are no workers. docs/configuration.md tells how to add some: [[execution.pool.workers]].");
    return Array.from(groups).map(([pool, list]) => this.group(pool, list));
  }

  private group(pool: string, list: Worker[]): HTMLElement {
    const first = list[0]!;
    const states = new Map<string, number>();
    for (const x of list) states.set(x.state, (states.get(x.state) ?? 0) + 1);
    const control = this.shell.features?.control;
    return h("section", {class: "group", "data-key": pool, "aria-label": `${first.type} workers`},
      h("h2", null, `${plural(list.length, `${first.type} worker`)}`, h("span", {class: "aside"},
        Array.from(states).map(([state, n]) => `${n} ${state.toLowerCase()}`).join(", "))),
      h("ul", {class: "properties", "aria-label": "What they offer"}, first.image ? h("li", null, h("code", null, first.image)) : null,
        (first.platform ?? []).map(x => h("li", null, h("code", null, `${x.name}=${x.value}`)))),
      dataTable(`${first.type} workers`, [
        {head: "Worker", kind: "main", cell: x => h("a", {class: "name", href: actionPath(x.name), title: "what it ran last"}, x.name)},
        {head: "State", cell: x => workerBadge(x.state)},
        {head: "For", kind: "number", cell: x => forHowLong(x)},
        {head: "Runs", cell: x => x.action ? digestChip(x.action, actionPath(x.action)) : "–"},
        {head: "Process", kind: "number", cell: x => Number(x.pid) ? x.pid : "–"},
        {head: "Restarts", kind: "number", cell: x => x.restarts},
        {head: "Last failure", kind: "wide", cell: x => lastFailure(x)},
        ...(control ? [{head: "Control", kind: "actions" as const, cell: (x: Worker) => this.buttons(x)}] : []),
      ], list, x => x.name, x => ({id: x.name})));
  }

  private buttons(worker: Worker): HTMLElement {
    const out = worker.state === "DRAINING" || worker.state === "DRAINED";
    const button = (verb: Verb, label: string, act: () => void) =>
      h("button", {type: "button", class: "small", "data-verb": verb, "aria-label": `${label} ${worker.name}`, onclick: act}, label);
    return h("div", {class: "buttons"},
      out ? button("undrain", "Undrain", () => void this.control(worker, "undrain")) : button("drain", "Drain", () => void this.control(worker, "drain")),
      button("restart", "Restart", () => this.ask(worker)));
  }

  private ask(worker: Worker) {
    this.asked = worker;
    this.shell.update();
  }

  private confirmation(worker: Worker): HTMLElement {
    const close = () => {
      this.asked = undefined;
      document.querySelector<HTMLElement>(`button[aria-label="Restart ${CSS.escape(worker.name)}"]`)?.focus();
      this.shell.update();
    };
    const keys = (e: KeyboardEvent) => e.key === "Escape" ? close() : trap(e, e.currentTarget as HTMLElement);
    const dialog = h("div", {class: "overlay", "data-key": "confirm", onkeydown: keys},
      h("div", {class: "dialog", role: "alertdialog", "aria-modal": "true", "aria-labelledby": "ask-title", "aria-describedby": "ask-text"},
        h("h2", {id: "ask-title"}, `Restart ${worker.name}?`),
        h("p", {id: "ask-text"}, worker.action ? `It runs action ${shortHash(worker.action)} now, which is killed and queued again.` : "It runs nothing now."),
        h("div", {class: "buttons"},
          h("button", {type: "button", class: "danger", onclick: () => { close(); void this.control(worker, "restart"); }}, "Restart"),
          h("button", {type: "button", onclick: close}, "Leave it"))));
    if (!document.querySelector(".overlay")) requestAnimationFrame(() => document.querySelector<HTMLElement>(".overlay button:last-child")?.focus());
    return dialog;
  }

  private async control(worker: Worker, verb: Verb) {
    try {
      const done = await post<ControlWorkersResponse>(`/api/v1/workers/${encodeURIComponent(worker.name)}/${verb}`);
      const names = (done.workers ?? []).join(", ");
      const past = {drain: "takes nothing more", undrain: "is in service again", restart: "restarts"}[verb];
      this.said = names ? {tone: "good", text: `${names} ${past}.`} : {tone: "bad", text: `The server found no worker ${worker.name}.`};
    } catch (error) {
      this.said = {tone: "bad", text: `${worker.name} could not be asked to ${verb}: ${(error as Error).message}`};
    }
    this.shell.update();
  }
}

function poolOf(worker: Worker): string {
  return [worker.type, worker.image, ...(worker.platform ?? []).map(x => `${x.name}=${x.value}`).sort()].join(" ");
}

function forHowLong(worker: Worker): string {
  const since = timeOf(worker.since);
  return since === undefined ? "–" : showDuration(Math.max(0, now() - since));
}

function lastFailure(worker: Worker): Child {
  const history = worker.history ?? [];
  if (!worker.lastFailure && !history.length) return "–";
  if (history.length < 2) return [worker.lastFailure || history[0]?.why, history[0] ? [" (", ago(timeOf(history[0].at)), ")"] : null];
  return h("details", null, h("summary", null, worker.lastFailure || history[0]!.why),
    h("ul", {class: "history"}, history.map(x => h("li", null, ago(timeOf(x.at)), ": ", x.why))));
}
