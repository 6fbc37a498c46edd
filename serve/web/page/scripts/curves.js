// Scores of the last minute as curves.

import { h, say } from "./dom.js";

const SECONDS = 60;
const MOST = 5;
// Apart in hue and lightness, on light and on dark ground.
const COLORS = [["#0b6b62", "#5cc4b6"], ["#b3540b", "#f2a25c"], ["#4b57c4", "#9aa5ff"], ["#9b2d72", "#ee8cc6"], ["#566b12", "#b5cc5c"], ["#5d6662", "#b9c4bf"]];
const dark = matchMedia("(prefers-color-scheme: dark)");

/** `update(history, camera)` draws them anew. */
export function curves() {
  const canvas = h("canvas", { role: "img", "aria-label": "Scores of the last minute" });
  const legend = h("p", { class: "legend" });
  const element = h("section", { class: "panel curves" }, h("h2", {}, "Scores of the last minute"), canvas, legend);

  function update(history, camera) {
    const ratio = devicePixelRatio || 1;
    const width = canvas.clientWidth;
    const height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const paint = canvas.getContext("2d");
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, height);
    const style = getComputedStyle(canvas);
    const frame = { left: 34, right: width - 4, top: 6, bottom: height - 18 };
    grid(paint, frame, style);
    const labels = bestLabels(history);
    const now = history.at(-1)?.at ?? Date.now();
    labels.forEach((label) => curve(paint, frame, history, label, now, colorOf(label, camera)));
    showLegend(legend, labels, camera);
  }
  return { element, update };
}

function colorOf(label, camera) {
  const place = Math.max(camera.labels.indexOf(label), 0);
  return COLORS[place % COLORS.length][dark.matches ? 1 : 0];
}

/** Those that were highest, in a lasting order. */
function bestLabels(history) {
  const highest = new Map();
  for (const { scores } of history) {
    for (const [label, score] of scores) highest.set(label, Math.max(score, highest.get(label) ?? 0));
  }
  return [...highest].sort((one, other) => other[1] - one[1]).slice(0, MOST).map(([label]) => label).sort();
}

function grid(paint, { left, right, top, bottom }, style) {
  paint.strokeStyle = style.getPropertyValue("--line");
  paint.fillStyle = style.getPropertyValue("--muted");
  paint.font = `11px ${style.fontFamily}`;
  paint.lineWidth = 1;
  for (const score of [0, 0.5, 1]) {
    const y = Math.round(bottom - score * (bottom - top)) + 0.5;
    paint.beginPath();
    paint.moveTo(left, y);
    paint.lineTo(right, y);
    paint.stroke();
    paint.textAlign = "right";
    paint.textBaseline = "middle";
    paint.fillText(`${score * 100}`, left - 7, y);
  }
  paint.textBaseline = "bottom";
  paint.textAlign = "left";
  paint.fillText("−60 s", left, bottom + 17);
  paint.textAlign = "right";
  paint.fillText("now", right, bottom + 17);
}

function curve(paint, { left, right, top, bottom }, history, label, now, color) {
  paint.strokeStyle = color;
  paint.lineWidth = 2;
  paint.lineJoin = "round";
  paint.beginPath();
  let isDown = false;
  for (const { at, scores } of history) {
    if (!scores.has(label)) {
      isDown = false;
      continue;
    }
    const x = right - ((now - at) / 1000 / SECONDS) * (right - left);
    const y = bottom - scores.get(label) * (bottom - top);
    if (isDown) paint.lineTo(x, y);
    else paint.moveTo(x, y);
    isDown = true;
  }
  paint.stroke();
}

function showLegend(legend, labels, camera) {
  const text = labels.join("|") + dark.matches;
  if (legend.dataset.labels === text) return;
  legend.dataset.labels = text;
  if (!labels.length) return say(legend, "No scores in the last minute.");
  legend.replaceChildren(
    ...labels.map((label) => {
      const line = h("i", {});
      line.style.background = colorOf(label, camera);
      return h("span", {}, line, label);
    }),
  );
}
