import {ActionDetails, Output} from "../contract";
import {Child, h} from "../dom";
import {durationOf, parseDigest, showBytes, showDuration} from "../format";
import {blobPath} from "../api";
import {badge, breakable, copyButton, dataTable, digestChip, empty} from "../parts";

// The command line, and what surrounds it.
export function commandView(x: ActionDetails): Child {
  const list = x.arguments ?? [];
  return [
    list.length ? [h("div", {class: "with-button"}, h("pre", {class: "command", tabindex: "0", "aria-label": "Command line"}, list.map((text, i) => [
      i ? " " : "", h("span", {class: i === 0 ? "argument first" : text.startsWith("-") ? "argument flag" : "argument"}, quoted(text))])),
      copyButton(() => list.map(quoted).join(" "), "Copy"))]
      : empty("The command is not known any more."),
    h("dl", {class: "facts"},
      fact("Working directory", x.workingDirectory ? h("code", null, x.workingDirectory) : "the input root"),
      fact("Timeout", x.timeout ? showDuration(durationOf(x.timeout)) : "the server's default"),
      fact("May be cached", x.doNotCache ? "no" : "yes"),
      fact("Command", x.commandDigest ? digestChip(x.commandDigest) : "–")),
    h("div", {class: "columns"}, properties("Environment", x.environment ?? [], "No variable is set."), properties("Platform", x.platform ?? [], "It asks for nothing special: any worker will do.")),
  ];
}

export function fact(name: string, ...value: Child[]): HTMLElement {
  return h("div", null, h("dt", null, name), h("dd", null, value));
}

function properties(title: string, list: {name: string; value: string}[], none: string): HTMLElement {
  return h("div", null, h("h3", null, title), list.length ? dataTable(title, [
    {head: "Name", kind: "main", cell: x => h("code", null, x.name)},
    {head: "Value", cell: x => h("code", null, breakable(x.value))},
  ], list, x => x.name) : empty(none));
}

// As a shell would have to read it.
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}

// What it made, and what it announced and did not make. Before its end nothing is missing yet.
export function outputsView(list: Output[], ended: boolean): Child {
  if (!list.length) return empty("It announced no outputs.");
  const missing = ended ? list.filter(x => x.missing).length : 0;
  return [
    missing ? h("p", {class: "lead"}, h("strong", {class: "bad-text"}, `${missing} of ${list.length} outputs ${missing === 1 ? "is" : "are"} missing.`)) : null,
    dataTable("Outputs", [
      {head: "Path", kind: "main", cell: x => h("code", null, breakable(x.path))},
      {head: "Made", cell: x => x.missing && !ended ? badge("quiet", "clock", `${x.kind} expected`) : x.missing ? badge("bad", "cross", "missing") : badge("good", "check", x.executable ? `executable ${x.kind}` : x.kind)},
      {head: "Size", kind: "number", cell: x => x.kind === "file" && parseDigest(x.digest) ? showBytes(parseDigest(x.digest)!.size) : "–"},
      {head: "What", cell: x => x.target ? ["→ ", h("code", null, x.target)] : outputLink(x)},
    ], list, x => x.path),
  ];
}

function outputLink(x: Output): Child {
  const digest = parseDigest(x.digest);
  if (!digest) return "–";
  return digestChip(x.digest, x.kind === "directory" ? `/api/v1/tree/${digest.function}/${digest.hash}/${digest.size}` : blobPath(digest, digest.size));
}
