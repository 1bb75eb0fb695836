// The daemon's JSON API.

export class ApiError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

let skew = 0;

// The server's time in milliseconds, as far as its Date header tells it from ours.
export function now(): number {
  return Date.now() + skew;
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return await (await get(path, "application/json", signal)).json() as T;
}

export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  return await (await get(path, "text/plain", signal)).text();
}

export async function post<T>(path: string): Promise<T> {
  const answer = await reach(path, {method: "POST", headers: {"X-Expbuild-Control": "1", "Accept": "application/json"}});
  return await answer.json() as T;
}

async function get(path: string, accept: string, signal?: AbortSignal): Promise<Response> {
  return reach(path, {headers: {Accept: accept}, ...(signal ? {signal} : {}), cache: "no-store"});
}

async function reach(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if ((error as Error).name === "AbortError") throw error;
    throw new ApiError(0, "UNAVAILABLE", "The server can not be reached. Is it running?");
  }
  const date = Date.parse(answer.headers.get("Date") ?? "");
  if (Number.isFinite(date)) skew = Math.abs(date - Date.now()) > 2500 ? date - Date.now() : 0;
  if (answer.ok) return answer;
  let code = String(answer.status), message = `The server answered ${answer.status} ${answer.statusText}.`;
  try {
    const said = (await answer.json() as {error: {code: string; message: string}}).error;
    code = said.code;
    message = said.message;
  } catch {
    // not JSON: what the status line says must do
  }
  throw new ApiError(answer.status, code, message);
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === "AbortError";
}

export const actionPath = (query: string) => `/ui/action/${encodeURIComponent(query)}`;
export const actionsPath = (filter: string) => filter ? `/ui/actions?filter=${encodeURIComponent(filter)}` : "/ui/actions";
export const blobPath = (d: {function: string; hash: string; size: string}, limit: number | string) =>
  `/api/v1/blob/${d.function}/${d.hash}/${d.size}?limit=${limit}`;
