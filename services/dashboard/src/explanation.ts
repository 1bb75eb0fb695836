import {actionPath} from "./api";
import {Difference, Explanation, WorkerMismatch} from "./contract";
import {h} from "./dom";
import {shortHash} from "./format";
import {dataTable} from "./parts";

// Explanation in words and tables.

export function reasons(title: string, list: string[] | undefined): HTMLElement | null {
  if (!list?.length) return null;
  return h("div", {class: "reasons"}, h("h3", null, title), h("ul", null, list.map(text => h("li", null, text))));
}

export function allReasons(x: Explanation): (HTMLElement | null)[] {
  return [reasons("Why it waits", x.whyWaiting), reasons("Why it failed", x.whyFailed),
    reasons("Why it was not answered from the cache", x.whyNotCached)];
}

export function mismatches(list: WorkerMismatch[] | undefined): HTMLElement | null {
  if (!list?.length) return null;
  return dataTable("Why workers do not take it", [
    {head: "Workers", kind: "main", cell: x => x.workers},
    {head: "Property", cell: x => x.property ? h("code", null, x.property) : "all fit"},
    {head: "Wanted", cell: x => x.property ? h("code", null, x.wanted || "(none)") : "–"},
    {head: "Offered", cell: x => x.property ? h("code", null, x.offered || "(none)") : "–"},
    {head: "State", cell: x => x.state || "–"},
  ], list, x => `${x.workers} ${x.property}`);
}

export function comparedWith(x: Explanation): HTMLElement | null {
  if (!x.comparedWith) return null;
  return h("p", null, "Compared with ", h("a", {href: actionPath(x.comparedWith), title: x.comparedWith},
    h("code", null, shortHash(x.comparedWith))), ", the last action of the same target, mnemonic and outputs.");
}

export function differences(list: Difference[] | undefined): HTMLElement | null {
  if (!list?.length) return null;
  return dataTable("Differences", [
    {head: "What", cell: x => x.what},
    {head: "Name", kind: "main", cell: x => h("code", null, x.name)},
    {head: "Before", cell: x => side(x.before, "del")},
    {head: "After", cell: x => side(x.after, "ins")},
  ], list, x => `${x.what} ${x.name}`);
}

function side(text: string, tag: "del" | "ins"): HTMLElement {
  return text === "" ? h("span", {class: "absent"}, "not there") : h(tag, null, h("code", null, text));
}
