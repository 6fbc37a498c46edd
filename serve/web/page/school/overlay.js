// Draws who is seen over the picture of the camera.

import { percent } from "../scripts/dom.js";

// Pairs of the 17 joints of COCO: https://cocodataset.org/#keypoints-2020.
const BONES = [
  [0, 1], [0, 2], [1, 3], [2, 4], [5, 6], [5, 7], [7, 9], [6, 8], [8, 10],
  [5, 11], [6, 12], [11, 12], [11, 13], [13, 15], [12, 14], [14, 16],
];
const VISIBLE = 0.2;
const ACTIVE = "#5cf0d8";
const CALM = "#f4f7f5";
const DARK = "rgb(8 14 13 / 78%)";

/** Draws on a canvas that lies on the picture and is as large. */
export class Overlay {
  #canvas;
  #context;

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d");
  }

  clear() {
    this.#context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  /** Show the people of an answer. Mirrored pictures keep readable labels. */
  draw(people, { isMirrored, withLabels }) {
    const ratio = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.#canvas.width !== w || this.#canvas.height !== h) [this.#canvas.width, this.#canvas.height] = [w, h];
    const context = this.#context;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const x = (share) => (isMirrored ? 1 - share : share) * width;
    const y = (share) => share * height;
    for (const person of people) {
      const color = withLabels && person.label ? ACTIVE : CALM;
      const size = person.box ? y(person.box[2] - person.box[0]) : height;
      if (person.joints) this.#skeleton(person.joints, x, y, color, Math.min(Math.max(size / 90, 1.5), 4));
      if (person.box) this.#box(person, x, y, color, withLabels, { width, height });
    }
  }

  #skeleton(joints, x, y, color, radius) {
    const context = this.#context;
    const isSeen = ([, , score]) => score >= VISIBLE;
    const bones = new Path2D();
    for (const [from, to] of BONES) {
      if (!isSeen(joints[from]) || !isSeen(joints[to])) continue;
      bones.moveTo(x(joints[from][0]), y(joints[from][1]));
      bones.lineTo(x(joints[to][0]), y(joints[to][1]));
    }
    const dots = new Path2D();
    for (const [jointX, jointY] of joints.filter(isSeen)) {
      dots.moveTo(x(jointX) + radius, y(jointY));
      dots.arc(x(jointX), y(jointY), radius, 0, 2 * Math.PI);
    }
    context.lineCap = "round";
    for (const [stroke, lineWidth] of [[DARK, 1.5 * radius + 2], [color, 0.75 * radius]]) {
      context.strokeStyle = stroke;
      context.lineWidth = lineWidth;
      context.stroke(bones);
    }
    context.fillStyle = color;
    context.fill(dots);
    context.strokeStyle = DARK;
    context.lineWidth = 1;
    context.stroke(dots);
  }

  #box({ box, label, score }, x, y, color, withLabels, { width, height }) {
    const context = this.#context;
    const [top, left, bottom, right] = box;
    const from = Math.min(x(left), x(right));
    const boxWidth = Math.abs(x(right) - x(left));
    context.lineWidth = 2;
    context.strokeStyle = color;
    context.strokeRect(from, y(top), boxWidth, y(bottom) - y(top));
    if (!withLabels || !label) return;
    const text = `${label} ${percent(score)}`;
    context.font = `650 ${width < 420 ? 14 : 17}px system-ui, sans-serif`;
    const tagWidth = Math.min(context.measureText(text).width + 16, width);
    const tagX = Math.max(0, Math.min(from - 1, width - tagWidth));
    // The box ends at the eyes; the tag stands above the head.
    const head = 0.12 * (y(bottom) - y(top));
    const tagY = Math.max(0, Math.min(y(top) - head - 26, height - 26));
    context.fillStyle = color;
    context.fillRect(tagX, tagY, tagWidth, 26);
    context.fillStyle = "#06211e";
    context.textBaseline = "middle";
    context.fillText(text, tagX + 8, tagY + 14, tagWidth - 16);
  }
}
