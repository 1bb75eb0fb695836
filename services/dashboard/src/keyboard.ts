import {Child, h} from "./dom";
import {trap} from "./parts";
import {places} from "./router";

// Single keys: / searches, g and a letter goes to a page, ? tells about keys. They can be switched off, for
// people who speak to their computer.

const store = "expbuild.keys";

export class Keyboard {
  private prefix = 0; // when g was pressed
  private before: HTMLElement | null = null;

  constructor(private readonly go: (path: string) => void, private readonly search: () => void) {
    document.addEventListener("keydown", event => this.key(event));
  }

  get on(): boolean { return recall() !== "off"; }

  private key(event: KeyboardEvent) {
    if (event.key === "Escape") return this.close();
    const target = event.target as HTMLElement;
    if (event.ctrlKey || event.metaKey || event.altKey || target.closest("input, select, textarea, .overlay")) return;
    if (!this.on) return;
    const place = this.prefix && Date.now() - this.prefix < 1500 ? places.find(x => x.key === event.key) : undefined;
    this.prefix = event.key === "g" ? Date.now() : 0;
    if (place) this.go(place.path);
    else if (event.key === "/") this.search();
    else if (event.key === "?") this.help();
    else return;
    event.preventDefault();
  }

  help() {
    this.close();
    this.before = document.activeElement as HTMLElement | null;
    const row = (keys: Child, text: string) => [h("dt", null, keys), h("dd", null, text)];
    const key = (text: string) => h("kbd", null, text);
    const overlay = h("div", {class: "overlay", id: "keys", onclick: (e: Event) => { if (e.target === e.currentTarget) this.close(); }},
      h("div", {class: "dialog", role: "dialog", "aria-modal": "true", "aria-labelledby": "keys-title"},
        h("h2", {id: "keys-title"}, "Keys"),
        h("dl", {class: "keys"}, row(key("/"), "search"), places.map(x => row([key("g"), " ", key(x.key)], x.name)),
          row([key("↑"), " ", key("↓")], "in a diagram: along the messages"), row([key("←"), " ", key("→")], "in a diagram: to the cause, to the effect"),
          row(key("?"), "this"), row(key("Esc"), "close")),
        h("p", null, h("label", null, h("input", {type: "checkbox", checked: this.on, onchange: (e: Event) =>
          keep((e.target as HTMLInputElement).checked ? "on" : "off")}), " Single keys are on")),
        h("button", {type: "button", class: "primary", onclick: () => this.close()}, "Close")));
    overlay.onkeydown = event => trap(event, overlay);
    document.body.append(overlay);
    overlay.querySelector<HTMLElement>("button")?.focus();
  }

  private close() {
    const open = document.getElementById("keys");
    if (!open) return;
    open.remove();
    this.before?.focus();
  }
}

function recall(): string | null {
  try {
    return localStorage.getItem(store);
  } catch {
    return null;
  }
}

function keep(value: string) {
  try {
    localStorage.setItem(store, value);
  } catch {
    // a browser that keeps nothing
  }
}
