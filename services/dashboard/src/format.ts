// Times, sizes and digests in words.

// Milliseconds since 1970 with fractions (good to a quarter of a microsecond); undefined when unset.
export function timeOf(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const parts = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/.exec(text);
  if (!parts) return undefined;
  return Date.parse(`${parts[1]}${parts[3]}`) + Number(parts[2] ?? 0) * 1000;
}

// "1.5s" as milliseconds; 0 when unset.
export function durationOf(text: string | undefined): number {
  return text ? Number.parseFloat(text) * 1000 || 0 : 0;
}

export function showDuration(ms: number): string {
  if (ms <= 0) return "0";
  if (ms < 0.001) return `${Math.round(ms * 1e6)} ns`;
  if (ms < 1) return `${round(ms * 1000)} µs`;
  if (ms < 999.5) return `${round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${Math.round(seconds)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${String(Math.floor(whole / 60) % 60).padStart(2, "0")} min`;
  return `${Math.floor(whole / 86400)} d ${Math.floor(whole / 3600) % 24} h`;
}

function round(x: number): string {
  return x < 9.95 ? x.toFixed(1).replace(/\.0$/, "") : String(Math.round(x));
}

export function showBytes(bytes: number | string): string {
  let n = Number(bytes);
  if (n < 1024) return `${n} B`;
  for (const unit of ["KiB", "MiB", "GiB", "TiB"]) {
    n /= 1024;
    if (n < 1023.5 || unit === "TiB") return `${n < 9.95 ? n.toFixed(1) : Math.round(n)} ${unit}`;
  }
  return "";
}

export function showCount(n: number | string): string {
  return Number(n).toLocaleString("en");
}

// "1 action", "14 actions"
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${showCount(n)} ${n === 1 ? one : many}`;
}

// Messages of the server as sentences.
export function sentence(text: string): string {
  return text ? text[0]!.toUpperCase() + text.slice(1) : text;
}

export function showClock(ms: number): string {
  const at = new Date(ms), two = (n: number) => String(n).padStart(2, "0");
  const clock = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (new Date().toDateString() === at.toDateString()) return clock;
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock}`;
}

export interface Digest { function: string; hash: string; size: string }

// "HASH/SIZE" or "FUNCTION/HASH/SIZE"; a bare one is SHA-256.
export function parseDigest(text: string): Digest | undefined {
  const parts = /^(?:([a-z0-9]+)\/)?([0-9a-f]{16,128})\/(\d+)$/.exec(text);
  return parts ? {function: parts[1] ?? "sha256", hash: parts[2]!, size: parts[3]!} : undefined;
}

export function shortHash(digest: string): string {
  return (parseDigest(digest)?.hash ?? digest).slice(0, 12);
}
