// A day as a drawing: a lane for each camera, a bar for each event. The list beside it says the
// same to those who do not see it.

import { h, plural, s } from "./dom.js";

const LANE = 20;
const HOUR_MS = 3_600_000;

/** `onopen` is told which event was clicked. */
export function dayDrawing(onopen) {
  const element = h("section", { class: "panel day", "aria-label": "When the events were" });
  let last = null;

  function draw(day, events, cameras) {
    last = [day, events, cameras];
    const width = Math.max(element.clientWidth - 28, 280);
    const left = width < 500 ? 74 : 110;
    const start = new Date(`${day}T00:00:00`).getTime();
    const x = (at) => left + (Math.min(Math.max(at - start, 0), 24 * HOUR_MS) / (24 * HOUR_MS)) * (width - left);
    const lanes = lanesOf(events, cameras);
    const height = lanes.length * LANE + 18;
    const svg = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": `${plural(events.length, "event")} by camera and hour` });
    const step = width < 500 ? 6 : 3;
    for (let hour = 0; hour <= 24; hour += step) {
      const at = x(start + hour * HOUR_MS);
      const anchor = hour === 0 ? "start" : hour === 24 ? "end" : "middle";
      svg.append(
        s("line", { class: "tick", x1: at, x2: at, y1: 0, y2: height - 16 }),
        s("text", { x: at, y: height - 3, "text-anchor": anchor }, `${hour}:00`),
      );
    }
    lanes.forEach(([id, name], place) => {
      const y = place * LANE;
      svg.append(
        s("rect", { class: "lane", x: left, y: y + 4, width: width - left, height: LANE - 8, rx: 3 }),
        s("text", { x: 0, y: y + 14 }, name.length > left / 7 ? `${name.slice(0, left / 7 - 1)}…` : name),
      );
      for (const event of events) {
        if (event.camera !== id) continue;
        const from = x(Date.parse(event.started_at));
        const to = x(event.ended_at ? Date.parse(event.ended_at) : Date.now());
        const bar = s(
          "rect",
          { class: event.verdict === "wrong" ? "bar is-wrong" : "bar", x: from, y: y + 2, width: Math.max(to - from, 3), height: LANE - 4, rx: 1.5 },
          s("title", {}, `${event.label}, ${new Date(event.started_at).toLocaleTimeString()}`),
        );
        bar.addEventListener("click", () => onopen(event));
        svg.append(bar);
      }
    });
    const now = Date.now();
    if (now >= start && now < start + 24 * HOUR_MS) {
      svg.append(s("line", { class: "now", x1: x(now), x2: x(now), y1: 0, y2: height - 16 }));
    }
    element.replaceChildren(svg);
  }

  return { element, draw, redraw: () => last && draw(...last) };
}

/** Id and name of each camera, those that are gone last. */
function lanesOf(events, cameras) {
  const lanes = new Map(cameras.map((one) => [one.id, one.name]));
  for (const event of events) if (!lanes.has(event.camera)) lanes.set(event.camera, event.camera_name);
  return [...lanes];
}
