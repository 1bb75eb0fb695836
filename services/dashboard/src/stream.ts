import {Action, Lost, Status, Worker} from "./contract";

// What happens on the server, as it happens: one EventSource for the whole page. A server that says nothing
// for a while counts as gone. A tab that nobody sees holds no connection (browsers allow six to a server).

export type Connection = "connecting" | "live" | "lost";

export interface Listener {
  actionCame(action: Action): void;
  workerCame(worker: Worker): void;
  statusCame(status: Status): void;
  resync(): void; // events may have been missed: fetch again
  connectionIs(state: Connection): void;
}

const url = "/api/v1/watch?actions=1&workers=1&status_every=1s";
const silence = 6000, firstPause = 500, longestPause = 10000, hiddenFor = 60000;

export class Stream {
  private source: EventSource | null = null;
  private pause = firstPause;
  private retry = 0;
  private alarm = 0;
  private hiding = 0;
  private hadConnection = false;
  private state: Connection | null = null;

  constructor(private readonly listener: Listener) {}

  start(): void {
    document.addEventListener("visibilitychange", () => this.visibility());
    window.addEventListener("online", () => this.reconnectNow());
    // A page that the browser keeps for its back button would keep its connection, too: six of them, and
    // nothing loads any more.
    window.addEventListener("pagehide", () => this.close());
    window.addEventListener("pageshow", event => { if (event.persisted) this.visibility(); });
    this.visibility();
  }

  reconnectNow(): void {
    if (this.state === "live" || document.hidden) return;
    this.pause = firstPause;
    this.open();
  }

  private visibility(): void {
    clearTimeout(this.hiding);
    if (document.hidden) this.hiding = window.setTimeout(() => this.close(), hiddenFor);
    else if (!this.source) this.open();
  }

  private open(): void {
    this.close();
    if (this.state !== "lost") this.tell("connecting");
    const source = this.source = new EventSource(url);
    const on = <T>(name: string, act: (message: T) => void) =>
      source.addEventListener(name, event => {
        this.heard();
        act(JSON.parse((event as MessageEvent<string>).data) as T);
      });
    source.onopen = () => this.heard();
    source.onerror = () => this.failed();
    on<Action>("action", x => this.listener.actionCame(x));
    on<Worker>("worker", x => this.listener.workerCame(x));
    on<Status>("status", x => this.listener.statusCame(x));
    on<Lost>("lost", () => this.listener.resync());
    this.watch();
  }

  private heard(): void {
    this.pause = firstPause;
    this.watch();
    if (this.state === "live") return;
    this.tell("live");
    if (this.hadConnection) this.listener.resync();
    this.hadConnection = true;
  }

  private watch(): void {
    clearTimeout(this.alarm);
    this.alarm = window.setTimeout(() => this.failed(), silence);
  }

  private failed(): void {
    this.close();
    this.tell("lost");
    this.retry = window.setTimeout(() => this.open(), this.pause * (0.75 + Math.random() / 2));
    this.pause = Math.min(this.pause * 2, longestPause);
  }

  private close(): void {
    clearTimeout(this.alarm);
    clearTimeout(this.retry);
    this.source?.close();
    this.source = null;
    if (this.state === "live") this.state = null; // nobody is told before somebody looks again
  }

  private tell(state: Connection): void {
    if (state === this.state) return;
    this.state = state;
    this.listener.connectionIs(state);
  }
}
