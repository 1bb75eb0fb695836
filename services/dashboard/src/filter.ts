import {Action} from "./contract";
import {durationOf, timeOf} from "./format";
import {now} from "./api";

// The filter language of ListActionsRequest, for actions that the stream brings. The server decides about
// everything else; a term that it would refuse fits nothing here.

export function isFailure(action: Action): boolean {
  return action.outcome !== "" && action.outcome !== "success" && action.outcome !== "cache_hit";
}

export function tookMs(action: Action): number {
  const from = timeOf(action.beganAt);
  return from === undefined ? 0 : (timeOf(action.endedAt) ?? now()) - from;
}

export function fits(action: Action, filter: string): boolean {
  return terms(filter).every(term => fitsTerm(action, term));
}

export function terms(filter: string): string[] {
  return filter.split(/\s+/).filter(term => term !== "" && term !== "AND");
}

function fitsTerm(action: Action, term: string): boolean {
  if (term === "failed") return isFailure(action);
  const split = term.indexOf("=");
  if (split < 0) return fitsText(action, term);
  const value = term.slice(split + 1);
  switch (term.slice(0, split)) {
    case "state": return value === (action.stage === "completed" ? "done" : "live");
    case "outcome": return action.outcome === value;
    case "slow": return tookMs(action) > (durationOf(value) || Infinity);
    case "target": return action.targetId === value;
    case "mnemonic": return action.actionMnemonic === value;
    case "invocation": return action.invocationId === value;
    case "worker": return action.worker === value;
    case "tool": return action.toolName === value;
    case "digest": return action.actionDigest.includes(value);
    default: return false;
  }
}

function fitsText(action: Action, text: string): boolean {
  return [action.targetId, action.actionMnemonic, action.actionDigest, action.operationName, action.invocationId]
    .some(field => field.includes(text));
}
