import {Page, Shell} from "./page";
import {ActionPage} from "./pages/action";
import {ActionsPage} from "./pages/actions";
import {ActorsPage} from "./pages/actors";
import {DiffPage} from "./pages/diff";
import {LogPage} from "./pages/log";
import {OverviewPage} from "./pages/overview";
import {QueuePage} from "./pages/queue";
import {WorkersPage} from "./pages/workers";

// Paths below /ui/ are permalinks: the server answers every one of them with index.html.

export interface Place { path: string; name: string; key: string }

export const places: Place[] = [
  {path: "/ui/", name: "Overview", key: "o"}, {path: "/ui/queue", name: "Queue", key: "q"},
  {path: "/ui/workers", name: "Workers", key: "w"}, {path: "/ui/actors", name: "Actors", key: "t"},
  {path: "/ui/actions", name: "Actions", key: "a"}, {path: "/ui/log", name: "Log", key: "l"},
];

export function pageFor(shell: Shell, url: URL): Page | undefined {
  const [, , first = "", rest = ""] = url.pathname.split("/"), query = (name: string) => url.searchParams.get(name) ?? "";
  switch (first) {
    case "": return new OverviewPage(shell);
    case "queue": return new QueuePage(shell);
    case "workers": return new WorkersPage(shell);
    case "actors": return new ActorsPage(shell);
    case "actions": return new ActionsPage(shell, query("filter"), query("page"));
    case "action": return rest ? new ActionPage(shell, decoded(rest)) : undefined;
    case "diff": return new DiffPage(shell, query("a"), query("b"));
    case "log": return new LogPage(shell, {level: query("level"), module: query("module"), contains: query("contains")});
    default: return undefined;
  }
}

// Which entry of the menu a path belongs to.
export function placeOf(pathname: string): string {
  const first = pathname.split("/")[2] ?? "";
  if (first === "") return "/ui/";
  return first === "action" || first === "diff" ? "/ui/actions" : `/ui/${first}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
