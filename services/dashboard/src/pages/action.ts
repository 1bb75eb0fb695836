import {actionsPath, getJson, getText, isAbort} from "../api";
import {Action, ActionDetails, Trace} from "../contract";
import {Child, clear, h, island} from "../dom";
import {isFailure, tookMs} from "../filter";
import {durationOf, parseDigest, plural, showBytes, showDuration, timeOf} from "../format";
import {Page, Shell, throttled} from "../page";
import {actionTitle, ago, clock, copyButton, dataTable, digestChip, empty, failure, filterLink, loading, notice, outcomeBadge, section, workerLink} from "../parts";
import {allReasons, comparedWith, differences, mismatches} from "../explanation";
import {commandView, fact, outputsView} from "../action/command";
import {showDirectory} from "../action/input_tree";
import {showPrinted} from "../action/printed";
import {Sequence} from "../action/sequence";
import {waterfall} from "../action/waterfall";
import {diffPath} from "./diff";

// Everything about one action.
export class ActionPage extends Page {
  private details: ActionDetails | undefined;
  private trace: Trace | undefined;
  private noTrace = "";
  private sequence: Sequence | undefined;
  private other = "";
  private readonly reload = throttled(1000, () => this.start());
  private readonly path: string;

  constructor(shell: Shell, private readonly query: string) {
    super(shell);
    this.path = encodeURIComponent(query);
  }

  title() { return this.details?.action ? actionTitle(this.details.action) : "Action"; }

  override start() {
    void this.load<ActionDetails>(`/api/v1/actions/${this.path}`, x => { this.details = x; });
    void this.loadTrace();
  }

  private async loadTrace() {
    try {
      this.trace = await getJson<Trace>(`/api/v1/trace/${this.path}`, this.gone.signal);
      this.noTrace = "";
      this.sequence?.show(this.trace);
    } catch (error) {
      if (isAbort(error)) return;
      this.noTrace = (error as Error).message;
    }
    this.shell.update();
  }

  override onAction(action: Action) {
    const mine = this.details?.action;
    if (!mine || action.operationName !== mine.operationName || this.gone.signal.aborted) return;
    this.details!.action = action;
    this.reload();
  }

  render() {
    const x = this.details, action = x?.action;
    if (!x || !action) return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Action"),
      this.error ? [failure(this.error, () => this.start()), h("p", null, h("a", {href: actionsPath(this.query)}, "Look for it among all actions"))] : loading("the action"));
    const printed = section("printed", "Printed", this.printed(x)), timing = this.timing(x, action);
    const first = isFailure(action) ? [printed, timing] : [timing, printed];
    return h("div", {class: "page"}, this.head(action), this.why(x), this.contents(), first,
      section("messages", "Messages", this.messages()),
      section("command", "Command", commandView(x)),
      section("inputs", "Inputs", this.inputs(x)),
      section("outputs", "Outputs", outputsView(x.outputs ?? [], action.endedAt !== undefined)),
      section("reproduce", "Reproduce", this.reproduce()),
      section("compare", "Compare", this.compare(x, action)));
  }

  private head(action: Action): HTMLElement {
    return h("header", {class: "action-head"},
      h("p", {class: "crumb"}, h("a", {href: "/ui/actions"}, "Actions"), " / ", digestChip(action.actionDigest)),
      h("h1", {tabindex: "-1"}, actionTitle(action)),
      h("p", {class: "state", "aria-live": "polite"}, outcomeBadge(action), h("span", null, action.endedAt ? "after " : "for ", h("strong", null, showDuration(tookMs(action)))),
        action.worker ? h("span", null, "on ", workerLink(action.worker)) : null, h("span", null, ago(timeOf(action.endedAt) ?? timeOf(action.beganAt)))));
  }

  private contents(): HTMLElement {
    const links = [["timing", "Timing"], ["printed", "Printed"], ["messages", "Messages"], ["command", "Command"], ["inputs", "Inputs"],
      ["outputs", "Outputs"], ["reproduce", "Reproduce"], ["compare", "Compare"]];
    return h("nav", {class: "contents", "aria-label": "On this page"}, links.map(([id, text]) => h("a", {href: `#${id}`}, text!)));
  }

  private why(x: ActionDetails): HTMLElement {
    const e = x.explanation, action = x.action!;
    const tone = isFailure(action) ? "bad" : action.outcome === "success" || action.outcome === "cache_hit" ? "good" : "info";
    return h("div", {class: `why ${tone}`}, h("p", {class: "summary"}, e?.summary || action.waitingFor || action.message || "Nothing more is known."),
      e ? allReasons(e) : null, e ? mismatches(e.mismatches) : null,
      x.notes?.length ? notice("quiet", h("ul", null, x.notes.map(text => h("li", null, text)))) : null);
  }

  private timing(x: ActionDetails, action: Action): HTMLElement {
    const lost = x.lostAttempts ?? [];
    return section("timing", "Timing", waterfall(action, lost),
      lost.length ? [h("h3", null, plural(lost.length, "lost attempt")), dataTable("Lost attempts", [
        {head: "Worker", kind: "main", cell: l => workerLink(l.worker)},
        {head: "Why", cell: l => l.why},
        {head: "When", kind: "number", cell: l => clock(timeOf(l.at))},
      ], lost, l => `${l.at} ${l.worker}`)] : null,
      h("dl", {class: "facts"},
        fact("Began", clock(timeOf(action.beganAt))),
        action.endedAt ? fact("Ended", clock(timeOf(action.endedAt))) : null,
        fact("Attempts", String(action.attempts)),
        Number(x.peakMemoryBytes) ? fact("Peak memory", showBytes(x.peakMemoryBytes)) : null,
        x.userTime || x.systemTime ? fact("Processor", `${showDuration(durationOf(x.userTime))} user, ${showDuration(durationOf(x.systemTime))} system`) : null,
        action.status && action.status !== "OK" ? fact("Status", h("code", null, action.status), action.message ? `: ${action.message}` : "") : null,
        action.invocationId ? fact("Invocation", filterLink(`invocation=${action.invocationId}`, h("code", null, action.invocationId))) : null,
        action.targetId ? fact("Target", filterLink(`target=${action.targetId}`, action.targetId)) : null,
        action.toolName ? fact("Asked by", `${action.toolName}${this.trace?.toolVersion ? ` ${this.trace.toolVersion}` : ""}`) : null,
        fact(x.operationNames?.length > 1 ? "Operations" : "Operation", (x.operationNames ?? [action.operationName]).map((name, i) => [i ? ", " : "", h("code", null, name)]))));
  }

  private printed(x: ActionDetails): Child {
    if (!x.stdoutDigest && !x.stderrDigest) return empty(x.action!.endedAt ? "It printed nothing." : "What it prints is known when it has ended.");
    const part = (name: string, digest: string) => digest ? island(`${name}-${digest}`, place => void showPrinted(place, name, digest)) : null;
    return [part("stderr", x.stderrDigest), part("stdout", x.stdoutDigest)];
  }

  private messages(): Child {
    return [
      this.noTrace && !this.trace ? empty(this.noTrace) : null,
      !this.trace && !this.noTrace ? loading("the messages") : null,
      this.trace ? h("p", null, h("a", {class: "button small", download: `trace-${this.query.replace(/\W+/g, "-")}.json`, href: `/api/v1/trace/${this.path}?format=chrome`},
        "Download for Perfetto"), h("span", {class: "aside"}, "Chrome's trace format; ui.perfetto.dev and chrome://tracing open it")) : null,
      this.trace ? island("sequence", place => {
        this.sequence = new Sequence(place);
        if (this.trace) this.sequence.show(this.trace);
      }) : null,
    ];
  }

  private inputs(x: ActionDetails): Child {
    const digest = parseDigest(x.inputRootDigest);
    if (!digest) return empty("The input root is not known any more.");
    return [h("p", null, "Input root ", digestChip(x.inputRootDigest)), island(`inputs-${x.inputRootDigest}`, place => {
      const inside = h("div", {class: "inside"});
      let asked = false;
      clear(place, h("details", {ontoggle: (e: Event) => {
        if (asked || !(e.currentTarget as HTMLDetailsElement).open) return;
        asked = true;
        void showDirectory(inside, digest);
      }}, h("summary", null, "Show the files"), inside));
    })];
  }

  private reproduce(): HTMLElement {
    const path = `/api/v1/reproduce/${this.path}`;
    return island("reproduce", place => {
      const inside = h("div", null);
      clear(place, h("p", null, "A shell script that fetches the inputs and runs the command outside of the server. ",
        h("a", {class: "button small", href: path, download: "reproduce.sh"}, "Download")),
        h("details", {ontoggle: (e: Event) => {
          if ((e.currentTarget as HTMLDetailsElement).open && !inside.hasChildNodes()) void showScript(inside, path);
        }}, h("summary", null, "Show the script"), inside));
    });
  }

  private compare(x: ActionDetails, action: Action): Child {
    const e = x.explanation;
    return [
      e ? comparedWith(e) : null, e ? differences(e.differences) : null,
      e?.comparedWith ? h("p", null, h("a", {href: diffPath(e.comparedWith, action.operationName)}, "A link to this comparison")) : null,
      h("form", {class: "compare", onsubmit: (event: Event) => {
        event.preventDefault();
        if (this.other.trim()) this.shell.navigate(diffPath(this.other.trim(), action.operationName));
      }}, h("p", null, h("label", {for: "other"}, "Compare with"), h("input", {id: "other", type: "text", value: this.other, spellcheck: "false", autocomplete: "off",
        placeholder: "operation, digest, target or invocation", oninput: (event: Event) => { this.other = (event.target as HTMLInputElement).value; }})),
        h("button", {type: "submit"}, "Compare")),
    ];
  }
}

async function showScript(place: HTMLElement, path: string): Promise<void> {
  clear(place, loading("the script"));
  try {
    const text = await getText(path);
    clear(place, h("div", {class: "with-button"}, h("pre", {tabindex: "0", "aria-label": "Script"}, text), copyButton(() => text, "Copy")));
  } catch (error) {
    if (!isAbort(error)) clear(place, failure(error as Error, () => void showScript(place, path)));
  }
}
