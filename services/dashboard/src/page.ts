import {getJson, isAbort} from "./api";
import {Action, Features, Status, Worker} from "./contract";

// What a page may ask of the frame around it.
export interface Shell {
  readonly status: Status | undefined; // the latest
  readonly features: Features | undefined;
  readonly samples: Sample[]; // of the queue, the oldest first
  update(): void; // draw the page again, soon
  navigate(path: string, replace?: boolean): void;
  announce(text: string): void; // to screen readers
}

export interface Sample { at: number; queued: number; running: number; ended: number }

// A page is a function of its fields: render() makes a tree, the shell patches the document with it.
export abstract class Page {
  protected readonly gone = new AbortController();
  protected error: Error | undefined;

  constructor(protected readonly shell: Shell) {}

  abstract title(): string;
  abstract render(): HTMLElement;
  start(): void {}
  onAction(_action: Action): void {}
  onWorker(_worker: Worker): void {}
  onStatus(_status: Status): void {}
  onResync(): void { this.start(); }
  suspend(): void {} // the browser puts the page away; onResync() when it comes back

  stop(): void { this.gone.abort(); }

  // Fetches, hands over, draws; what fails stands in `error`.
  protected async load<T>(path: string, take: (answer: T) => void): Promise<void> {
    try {
      const answer = await getJson<T>(path, this.gone.signal);
      this.error = undefined;
      take(answer);
    } catch (error) {
      if (isAbort(error)) return;
      this.error = error as Error;
    }
    this.shell.update();
  }
}

// Lets act() happen at most once in `pause` milliseconds, and once more at the end when it was asked for.
export function throttled(pause: number, act: () => void): () => void {
  let timer = 0, again = false;
  const run = () => {
    again = false;
    act();
    timer = window.setTimeout(() => {
      timer = 0;
      if (again) run();
    }, pause);
  };
  return () => {
    if (timer) again = true;
    else run();
  };
}
