// Building and patching the document. Text of others (arguments, output, names) reaches the page only as
// text nodes and attributes; nothing here parses HTML, and the content security policy forbids it.

export type Child = Node | string | number | null | undefined | false | Child[];
type Handler = (event: never) => unknown;
export type Props = Record<string, string | number | boolean | null | undefined | Handler | Record<string, string>>;

const svgSpace = "http://www.w3.org/2000/svg";
const handlers = ["onclick", "onchange", "oninput", "onkeydown", "onsubmit", "ontoggle", "onfocus"] as const;
const fills = new WeakMap<Element, (into: HTMLElement) => void>();

// h("a", {href: "/ui/", class: "x", onclick: f}, "text", child): an HTML element.
export function h<K extends keyof HTMLElementTagNameMap>(
    tag: K, props: Props | null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  setProps(element, props);
  append(element, children);
  return element;
}

// The same for SVG.
export function s<K extends keyof SVGElementTagNameMap>(
    tag: K, props: Props | null, ...children: Child[]): SVGElementTagNameMap[K] {
  const element = document.createElementNS(svgSpace, tag) as SVGElementTagNameMap[K];
  setProps(element, props);
  append(element, children);
  return element;
}

// A place that draws itself once, by fill(), and that morph() then leaves alone until its key changes.
export function island(key: string, fill: (into: HTMLElement) => void): HTMLElement {
  const element = h("div", {"data-key": key, "data-island": key});
  fills.set(element, fill);
  return element;
}

export function append(to: Element, children: Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(to, child);
    else if (child instanceof Node) to.appendChild(child);
    else if (child !== null && child !== undefined && child !== false)
      to.appendChild(document.createTextNode(String(child)));
  }
}

function setProps(element: Element, props: Props | null): void {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") {
      (element as unknown as Record<string, unknown>)[name] = value;
    } else if (typeof value === "object") {
      for (const [key, text] of Object.entries(value)) (element as HTMLElement).style.setProperty(key, text);
    } else if (name === "value") {
      (element as HTMLInputElement).value = String(value);
    } else {
      if (name === "href" && !/^(\/(?!\/)|#)/.test(String(value))) throw new Error("a link that leaves this server");
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

// Replaces what `place` shows by `next`.
export function clear(place: Element, ...next: Child[]): void {
  place.replaceChildren();
  append(place, next);
  fillIslands(place);
}

// Makes `from`, which is in the document, look like `to`, which is not, and keeps what the reader did there:
// focus, text in fields, what is folded open, where it is scrolled. Children are matched by data-key.
export function morph(from: Element, to: Element): void {
  if (to.hasAttribute("data-island") && from.getAttribute("data-island") === to.getAttribute("data-island")) return;
  syncAttributes(from, to);
  const wanted = new Set<string>();
  for (const child of Array.from(to.children)) {
    const key = child.getAttribute("data-key");
    if (key !== null) wanted.add(key);
  }
  const keyed = new Map<string, Element>();
  for (const child of Array.from(from.children)) {
    const key = child.getAttribute("data-key");
    if (key === null) continue;
    if (wanted.has(key)) keyed.set(key, child);
    else child.remove();
  }
  let cursor: ChildNode | null = from.firstChild;
  for (const next of Array.from(to.childNodes)) {
    const match = findMatch(next, cursor, keyed);
    if (!match) {
      from.insertBefore(next, cursor);
      if (next instanceof Element) fillIslands(next);
      continue;
    }
    if (match === cursor) cursor = cursor.nextSibling;
    else from.insertBefore(match, cursor);
    if (match instanceof Element) morph(match, next as Element);
    else if (match.nodeValue !== next.nodeValue) match.nodeValue = next.nodeValue;
  }
  while (cursor) {
    const gone = cursor;
    cursor = cursor.nextSibling;
    gone.remove();
  }
}

function findMatch(next: Node, cursor: ChildNode | null, keyed: Map<string, Element>): ChildNode | null {
  const key = next instanceof Element ? next.getAttribute("data-key") : null;
  if (key !== null) {
    const found = keyed.get(key);
    return found && found.nodeName === next.nodeName ? found : null;
  }
  if (!cursor || cursor.nodeName !== next.nodeName) return null;
  return cursor instanceof Element && cursor.hasAttribute("data-key") ? null : cursor;
}

function syncAttributes(from: Element, to: Element): void {
  for (const {name} of Array.from(from.attributes))
    if (name !== "style" && name !== "open" && !to.hasAttribute(name)) from.removeAttribute(name);
  for (const {name, value} of Array.from(to.attributes))
    if (name !== "style" && name !== "open" && from.getAttribute(name) !== value) from.setAttribute(name, value);
  if (from instanceof HTMLElement && to instanceof HTMLElement) {
    if (from.style.cssText !== to.style.cssText) from.style.cssText = to.style.cssText;
    for (const name of handlers) if (from[name] !== to[name]) (from as unknown as Record<string, unknown>)[name] = to[name];
  }
  const field = from instanceof HTMLInputElement || from instanceof HTMLSelectElement;
  if (field && from !== document.activeElement && from.value !== (to as HTMLInputElement).value)
    from.value = (to as HTMLInputElement).value;
}

function fillIslands(root: Element): void {
  const places = root.hasAttribute("data-island") ? [root] : Array.from(root.querySelectorAll("[data-island]"));
  for (const place of places) {
    const fill = fills.get(place);
    fills.delete(place);
    if (fill) fill(place as HTMLElement);
  }
}
