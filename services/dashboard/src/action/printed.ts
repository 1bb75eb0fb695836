import {blobPath, getText} from "../api";
import {Child, clear, h} from "../dom";
import {parseDigest, showBytes} from "../format";
import {failure, loading} from "../parts";

const shown = 64 * 1024;

// What a command printed: its beginning, and a way to all of it.
export async function showPrinted(place: HTMLElement, name: string, text: string): Promise<void> {
  const digest = parseDigest(text);
  if (!digest) return clear(place, h("p", {class: "empty"}, `There is no ${name}.`));
  clear(place, loading(name));
  try {
    const printed = await getText(blobPath(digest, shown)), size = Number(digest.size);
    clear(place, h("h3", null, name, h("span", {class: "aside"}, showBytes(size)),
      h("a", {class: "aside", href: blobPath(digest, digest.size)}, "all of it")),
      h("pre", {tabindex: "0", "aria-label": name, class: "printed"}, coloured(printed)),
      size > shown ? h("p", {class: "aside"}, `The first ${showBytes(shown)} of ${showBytes(size)} are shown.`) : null);
  } catch (error) {
    clear(place, h("h3", null, name), failure(error as Error, () => void showPrinted(place, name, text)));
  }
}

// The colours that compilers write (SGR sequences) as classes; other control sequences are left out.
export function coloured(text: string): Child[] {
  const out: Child[] = [];
  let colour = "", bold = false, at = 0;
  const add = (part: string) => {
    if (part) out.push(colour || bold ? h("span", {class: `${colour}${bold ? " strong" : ""}`}, part) : part);
  };
  for (const match of text.matchAll(/\x1b\[([0-9;:?]*)([A-Za-z])|\x1b[()][A-Z0-9]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)/g)) {
    add(text.slice(at, match.index));
    at = match.index! + match[0]!.length;
    if (match[2] !== "m") continue;
    for (const code of (match[1] || "0").split(/[;:]/).map(Number)) {
      if (code === 0) { colour = ""; bold = false; }
      else if (code === 1) bold = true;
      else if (code === 22) bold = false;
      else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) colour = `ansi${code % 10}`;
      else if (code === 39) colour = "";
    }
  }
  add(text.slice(at));
  return out;
}
