import {s} from "./dom";

export interface Point { at: number; value: number }

const width = 300, height = 56, gap = 4000, shortest = 60000;

// A small line over the last `longest` milliseconds, or since the first point. A pause in the samples is a pause in the line.
export function sparkline(label: string, points: Point[], longest: number, now: number): SVGElement {
  const span = Math.min(longest, Math.max(shortest, now - (points[0]?.at ?? now)));
  const top = Math.max(4, ...points.map(p => p.value));
  const x = (at: number) => (width * (1 - (now - at) / span)).toFixed(1);
  const y = (value: number) => (height - 2 - (height - 6) * value / top).toFixed(1);
  let line = "", area = "", start = "";
  points.forEach((p, i) => {
    const before = points[i - 1], next = points[i + 1];
    const joins = before !== undefined && p.at - before.at < gap;
    line += `${joins ? "L" : "M"}${x(p.at)} ${y(p.value)}`;
    if (!joins) {
      start = x(p.at);
      area += `M${start} ${height}`;
    }
    area += `L${x(p.at)} ${y(p.value)}`;
    if (!next || next.at - p.at >= gap) area += `L${x(p.at)} ${height}Z`;
  });
  const last = points[points.length - 1];
  return s("svg", {class: "sparkline", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", role: "img",
                   "aria-label": last ? `${label}: ${last.value} now, at most ${Math.max(...points.map(p => p.value))} lately` : `${label}: nothing yet`},
    s("path", {class: "area", d: area || "M0 0"}), s("path", {class: "line", d: line || "M0 0"}));
}
