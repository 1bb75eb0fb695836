import {blobPath, getJson} from "../api";
import {Directory} from "../contract";
import {Child, clear, h} from "../dom";
import {Digest, plural, showBytes} from "../format";
import {failure, loading} from "../parts";

const most = 300;

// A folder of the input tree; those below it are fetched when they are opened.
export async function showDirectory(place: HTMLElement, digest: Digest): Promise<void> {
  clear(place, loading("the folder"));
  try {
    const folder = await getJson<Directory>(`/api/v1/directory/${digest.function}/${digest.hash}/${digest.size}`);
    clear(place, listing(folder, digest.function, most));
  } catch (error) {
    clear(place, failure(error as Error, () => void showDirectory(place, digest)));
  }
}

function listing(folder: Directory, digestFunction: string, limit: number): HTMLElement {
  const rows: Child[] = [
    ...(folder.directories ?? []).map(x => branch(x.name, digestOf(digestFunction, x.digest))),
    ...(folder.files ?? []).map(x => file(x.name, digestOf(digestFunction, x.digest), x.isExecutable)),
    ...(folder.symlinks ?? []).map(x => h("li", {class: "link"}, h("span", null, x.name), h("span", {class: "aside"}, "→ ", x.target))),
  ];
  const list = h("ul", {class: "files"}, rows.slice(0, limit));
  if (!rows.length) list.append(h("li", {class: "aside"}, "empty"));
  if (rows.length > limit) {
    const more = h("li", null, h("button", {type: "button", class: "small", onclick: () => {
      more.remove();
      rows.slice(limit).forEach(row => list.append(row as Node));
    }}, `Show ${plural(rows.length - limit, "more entry", "more entries")}`));
    list.append(more);
  }
  return list;
}

function branch(name: string, digest: Digest): HTMLElement {
  const inside = h("div", {class: "inside"});
  let asked = false;
  return h("li", null, h("details", {ontoggle: (event: Event) => {
    if (asked || !(event.currentTarget as HTMLDetailsElement).open) return;
    asked = true;
    void showDirectory(inside, digest);
  }}, h("summary", null, h("span", {class: "folder"}, `${name}/`)), inside));
}

function file(name: string, digest: Digest, executable: boolean): HTMLElement {
  return h("li", null, h("a", {href: blobPath(digest, digest.size), title: `${digest.hash}/${digest.size}`}, name),
    executable ? h("span", {class: "tag"}, "executable") : null, h("span", {class: "aside"}, showBytes(digest.size)));
}

function digestOf(name: string, digest: {hash: string; sizeBytes: string} | undefined): Digest {
  return {function: name, hash: digest?.hash ?? "", size: digest?.sizeBytes ?? "0"};
}
