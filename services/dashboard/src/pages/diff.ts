import {actionPath} from "../api";
import {Explanation} from "../contract";
import {Child, h} from "../dom";
import {plural} from "../format";
import {Page, Shell} from "../page";
import {empty, failure, loading} from "../parts";
import {differences} from "../explanation";

export const diffPath = (a: string, b: string) => `/ui/diff?a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`;

// How two actions differ.
export class DiffPage extends Page {
  private answer: Explanation | undefined;

  constructor(shell: Shell, private a: string, private b: string) { super(shell); }

  title() { return "Compare"; }

  override start() {
    if (!this.a || !this.b) return;
    void this.load<Explanation>(`/api/v1/diff?a=${encodeURIComponent(this.a)}&b=${encodeURIComponent(this.b)}`, x => { this.answer = x; });
  }

  render() {
    return h("div", {class: "page"}, h("h1", {tabindex: "-1"}, "Compare two actions"), this.form(),
      this.error ? failure(this.error, () => this.start()) : null, this.content());
  }

  private form(): HTMLElement {
    const field = (id: "a" | "b", label: string) => h("p", null, h("label", {for: `diff-${id}`}, label),
      h("input", {id: `diff-${id}`, type: "text", value: this[id], spellcheck: "false", autocomplete: "off",
                  oninput: (e: Event) => { this[id] = (e.target as HTMLInputElement).value; }}));
    return h("form", {class: "compare", onsubmit: (event: Event) => {
      event.preventDefault();
      this.shell.navigate(diffPath(this.a.trim(), this.b.trim()));
    }}, field("a", "Before"), field("b", "After"), h("button", {type: "submit", class: "primary"}, "Compare"));
  }

  private content(): Child {
    if (!this.a || !this.b) return empty("Name two actions: by operation, digest, target or invocation.");
    if (!this.answer) return this.error ? null : loading("the differences");
    const list = this.answer.differences ?? [];
    return [h("p", {class: "lead"}, this.answer.summary || (list.length ? `${plural(list.length, "difference")}.` : "They do not differ.")),
      h("p", null, h("a", {href: actionPath(this.a)}, "The first"), " and ", h("a", {href: actionPath(this.b)}, "the second"), " on their own pages."),
      differences(list) ?? empty("Nothing differs: command, inputs, environment and platform are the same.")];
  }
}
