// Lessons: what the API knows of them, and what they are called.

import { ask } from "../scripts/api.js";
import { when } from "../scripts/dom.js";

const id = encodeURIComponent;
const of = (lesson) => `/api/lessons/${id(lesson)}`;

export const lessons = {
  all: async () => (await ask("GET", "/api/lessons")).lessons,
  begin: () => ask("POST", "/api/lessons"),
  get: (lesson) => ask("GET", of(lesson)),
  remove: (lesson) => ask("DELETE", of(lesson)),
  removeTake: (lesson, label) => ask("DELETE", `${of(lesson)}/takes/${id(label)}`),
  learn: (lesson) => ask("POST", `${of(lesson)}/learn`),
  model: (lesson) => `${of(lesson)}/model.onnx`,
};

/** When a lesson was begun; its id says it. */
export function begunAt(lesson) {
  const found = /^(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)/.exec(lesson);
  if (!found) return lesson;
  const [year, month, day, hour, minute, second] = found.slice(1).map(Number);
  return when(Date.UTC(year, month - 1, day, hour, minute, second));
}

export const numTakes = (lesson) => lesson.takes.reduce((sum, one) => sum + one.count, 0);
