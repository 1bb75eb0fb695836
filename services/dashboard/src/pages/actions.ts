import {actionsPath} from "../api";
import {Action, ActionList} from "../contract";
import {Child, h} from "../dom";
import {fits, terms, tookMs} from "../filter";
import {plural, showCount, showDuration, timeOf} from "../format";
import {Page} from "../page";
import {actionLink, ago, dataTable, digestChip, empty, failure, loading, outcomeBadge, workerLink} from "../parts";
import {Shell} from "../page";

const pageSize = 50;
const quick: [string, string][] = [["All", ""], ["Live", "state=live"], ["Failed", "failed"], ["Slow (over 10 s)", "slow=10"],
  ["Cache hits", "outcome=cache_hit"]];

// All actions that the server remembers, by filter, in pages. Page one lives: new ones appear at its top.
export class ActionsPage extends Page {
  private list: Action[] | undefined;
  private next = "";
  private total = 0;
  private typed: string;

  constructor(shell: Shell, private readonly filter: string, private readonly token: string) {
    super(shell);
    this.typed = filter;
  }

  title() { return this.filter ? `Actions: ${this.filter}` : "Actions"; }

  override start() {
    const query = new URLSearchParams({filter: this.filter, page_size: String(pageSize), page_token: this.token});
    void this.load<ActionList>(`/api/v1/actions?${query}`, x => {
      this.list = x.actions ?? [];
      this.next = x.nextPageToken;
      this.total = Number(x.total);
      this.shell.announce(`${plural(this.total, "action")} found`);
    });
  }

  override onAction(action: Action) {
    if (!this.list) return;
    const at = this.list.findIndex(x => x.operationName === action.operationName), fitting = fits(action, this.filter);
    if (at >= 0 && (fitting || this.token)) this.list[at] = action;
    else if (at >= 0) { this.list.splice(at, 1); this.total--; }
    else if (fitting && !this.token) {
      this.list = [action, ...this.list].slice(0, Math.max(pageSize, this.list.length));
      this.total++;
    }
  }

  render() {
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Actions"), this.form(),
      this.error ? failure(this.error, () => this.start()) : null,
      this.list ? this.content(this.list) : this.error ? null : loading("the actions"));
  }

  private form(): HTMLElement {
    return h("form", {class: "filter", role: "search", "aria-label": "Filter actions", onsubmit: (event: Event) => {
      event.preventDefault();
      this.shell.navigate(actionsPath(terms(this.typed).join(" ")));
    }},
      h("div", {class: "row"},
        h("label", {for: "filter", class: "unseen"}, "Filter"),
        h("input", {id: "filter", type: "text", value: this.typed, autocomplete: "off", autocapitalize: "off", spellcheck: "false",
                    placeholder: "failed  target=//app:server  slow=30", oninput: (e: Event) => { this.typed = (e.target as HTMLInputElement).value; }}),
        h("button", {type: "submit", class: "primary"}, "Filter")),
      h("nav", {class: "quick", "aria-label": "Quick filters"}, quick.map(([label, filter]) =>
        h("a", {href: actionsPath(filter), class: "chip", "aria-current": this.filter === filter ? "true" : null}, label))),
      h("details", {class: "help"}, h("summary", null, "How to filter"), filterHelp()));
  }

  private content(list: Action[]): Child {
    if (!list.length) return empty(this.filter ? ["Nothing fits ", h("code", null, this.filter), ". ", h("a", {href: "/ui/actions"}, "Show all actions")]
      : "No action has been asked for yet. README.md tells how to point a build tool at this server.");
    return [
      h("p", {class: "lead"}, this.filter ? [`${plural(this.total, "action fits", "actions fit")} `, h("code", null, this.filter)]
        : `${plural(this.total, "action")}, the newest first`, this.token ? [" – ", h("a", {href: actionsPath(this.filter)}, "back to the newest")] : null),
      dataTable("Actions", [
        {head: "Action", kind: "main", cell: actionLink},
        {head: "Outcome", cell: outcomeBadge},
        {head: "Took", kind: "number", cell: x => showDuration(tookMs(x))},
        {head: "Began", kind: "number", cell: x => ago(timeOf(x.beganAt))},
        {head: "Worker", cell: x => workerLink(x.worker)},
        {head: "Attempts", kind: "number", cell: x => x.attempts > 1 ? h("strong", {class: "warn-text"}, showCount(x.attempts)) : String(x.attempts)},
        {head: "Digest", cell: x => digestChip(x.actionDigest, actionsPath(`digest=${x.actionDigest.split("/").find(p => p.length >= 32) ?? x.actionDigest}`))},
      ], list, x => x.operationName),
      this.next ? h("nav", {class: "paging", "aria-label": "Pages"}, h("a", {class: "button", rel: "next",
        href: `${actionsPath(this.filter)}${this.filter ? "&" : "?"}page=${encodeURIComponent(this.next)}`}, "Older actions")) : null,
    ];
  }
}

function filterHelp(): HTMLElement {
  const rows: [string, string][] = [
    ["failed", "ended badly: any outcome but success and cache_hit"],
    ["state=live  state=done", "still going, or ended"],
    ["outcome=timeout", "success, nonzero, timeout, cancelled, infra_error, cache_hit, rejected"],
    ["slow=30", "took longer than 30 seconds"],
    ["target= mnemonic= invocation= worker= tool= digest=", "one field; of a digest its beginning"],
    ["anything else", "is looked for in target, mnemonic, digest, operation and invocation"]];
  return h("div", null, h("p", null, "Terms stand side by side; all of them must fit."),
    h("dl", null, rows.map(([term, text]) => [h("dt", null, h("code", null, term)), h("dd", null, text)])));
}
