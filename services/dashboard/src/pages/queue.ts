import {actionPath, getJson, isAbort, now} from "../api";
import {Action, ActionList, Explanation} from "../contract";
import {Child, h, island, clear} from "../dom";
import {plural, sentence, showDuration, timeOf} from "../format";
import {Page, throttled} from "../page";
import {actionLink, badge, dataTable, empty, failure, filterLink, loading} from "../parts";
import {allReasons, mismatches} from "../explanation";

const most = 500;

// Every waiting action, the one that waits longest first, and why.
export class QueuePage extends Page {
  private waiting = new Map<string, Action>();
  private known = false;
  private beyond = 0; // live actions that one answer does not hold
  private readonly reload = throttled(1000, () => this.start());

  title() { return "Queue"; }

  override start() {
    void this.load<ActionList>(`/api/v1/actions?filter=${encodeURIComponent("state=live")}&page_size=${most}`, x => {
      this.known = true;
      this.beyond = Math.max(0, Number(x.total) - (x.actions ?? []).length);
      this.waiting = new Map((x.actions ?? []).filter(isWaiting).map(a => [a.operationName, a]));
    });
  }

  override onAction(action: Action) {
    if (isWaiting(action)) this.waiting.set(action.operationName, action);
    else if (this.waiting.delete(action.operationName) && this.beyond > 0) this.reload();
  }

  render() {
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Queue"), this.error ? failure(this.error, () => this.start()) : null,
      this.known ? this.content() : this.error ? null : loading("the queue"));
  }

  private content(): Child {
    const actions = Array.from(this.waiting.values()).sort((a, b) => since(a) - since(b));
    if (!actions.length && !this.beyond) return empty("Nothing waits. ", filterLink("state=live", "What runs now"));
    const groups = new Map<string, Action[]>();
    for (const action of actions) {
      const why = action.waitingFor || "the scheduler has not said why yet";
      groups.set(why, [...groups.get(why) ?? [], action]);
    }
    return [
      h("p", {class: "lead", "aria-live": "polite"}, `${plural(actions.length, "action waits", "actions wait")}, for ${plural(groups.size, "reason")}.`,
        this.beyond ? ` The newest ${most} live actions are shown; ${plural(this.beyond, "older one is", "older ones are")} not.` : null),
      Array.from(groups).sort((a, b) => b[1].length - a[1].length).map(([why, list]) => this.group(why, list)),
    ];
  }

  private group(why: string, list: Action[]): HTMLElement {
    return h("section", {class: "group", "data-key": why, "aria-label": why},
      h("h2", null, badge("warn", "pause", String(list.length)), " ", sentence(why)),
      dataTable(why, [
        {head: "Action", kind: "main", cell: x => [actionLink(x), whyDetails(x)]},
        {head: "Waits for", kind: "number", cell: x => showDuration(Math.max(0, now() - since(x)))},
        {head: "Attempts", kind: "number", cell: x => String(x.attempts)},
        {head: "Asked by", cell: x => x.toolName || "–"},
      ], list, x => x.operationName));
  }
}

function isWaiting(action: Action): boolean {
  return action.stage === "queued";
}

function since(action: Action): number {
  return timeOf(action.queued?.from) ?? timeOf(action.beganAt) ?? 0;
}

// Asks for the explanation once it is opened.
function whyDetails(action: Action): HTMLElement {
  return h("details", {class: "sub", ontoggle: (event: Event) => {
    const details = event.currentTarget as HTMLDetailsElement, place = details.querySelector<HTMLElement>("[data-island]");
    if (details.open && place) void explain(action, place);
  }}, h("summary", null, "Why"), island(`why-${action.operationName}`, () => {}));
}

async function explain(action: Action, place: HTMLElement): Promise<void> {
  clear(place, loading("the explanation"));
  try {
    const x = await getJson<Explanation>(`/api/v1/explain/${encodeURIComponent(action.operationName)}`);
    clear(place, h("p", null, x.summary), allReasons(x), mismatches(x.mismatches),
      h("p", null, h("a", {href: actionPath(action.operationName)}, "All about this action")));
  } catch (error) {
    if (!isAbort(error)) clear(place, failure(error as Error, () => void explain(action, place)));
  }
}
