// Teach from the page: record takes with the browser's camera, learn, and see it live.

import { h, say } from "../scripts/dom.js";
import { labelCards } from "./labels.js";
import { learnPanel } from "./learn_panel.js";
import { showLessons } from "./lesson_list.js";
import { begunAt, lessons } from "./lessons.js";
import { Recording } from "./recording.js";
import { openStage } from "./stage.js";

export const title = () => "Teach";

/** All lessons, or the one of this id. */
export function show(root, id = null) {
  return id ? showLesson(root, id) : showLessons(root);
}

function showLesson(root, id) {
  const stage = openStage(id);
  const recording = new Recording(stage);
  const cards = labelCards(id, { record, removeTake });
  const learning = learnPanel(id, { onState: update, onModel: useModel });
  const settings = takeSettings();
  const live = h("p", { class: "muted small" });
  const stop = h("button", { class: "stop", id: "stop-recording", hidden: true, onclick: () => recording.stop() }, "Stop (Esc)");
  root.append(
    h("div", { class: "heading" }, h("a", { class: "button", href: "#/teach" }, "← Lessons"), h("h1", {}, "Teach"), h("p", { class: "muted small" }, `Begun ${begunAt(id)}`)),
    h(
      "div",
      { class: "teaching is-lesson" },
      h("div", { class: "column" }, stage.element, live, settings.element),
      h("div", { class: "column" }, cards.element, learning.element),
    ),
  );
  stage.corner.append(stop);
  let view = null;

  function set(after) {
    view = after;
    cards.set(view.takes);
    learning.set(view);
    stage.withLabels = view.has_model;
    update();
  }

  function update() {
    const busyLabel = recording.isIdle ? null : recording.label;
    // What is recorded while it learns might be half of what it learns from.
    const canChange = busyLabel === null && view !== null && !learning.isLearning;
    cards.update({ canChange, canRecord: canChange && stage.isOn, busyLabel });
    learning.setBusy(busyLabel !== null);
    stop.hidden = busyLabel === null;
    say(live, !stage.isOn || !view ? "" : view.has_model ? "Live with the model of this lesson." : "Nothing is learned yet: it sees you, but knows no labels.");
  }

  async function record(label, count) {
    cards.showMistake(label, "");
    try {
      await recording.series(label, count, { ...settings.values(), onTake: () => refresh(label) });
    } catch (error) {
      cards.showMistake(label, error.message);
    }
    update();
  }

  async function removeTake(label) {
    try {
      set(await lessons.removeTake(id, label));
    } catch (error) {
      cards.showMistake(label, error.message);
    }
  }

  async function refresh(label) {
    try {
      set(await lessons.get(id));
    } catch (error) {
      cards.showMistake(label, error.message);
    }
  }

  async function useModel() {
    // A camera that is off looks with the new model as soon as it is on.
    if (stage.isOn) await stage.ask({ do: "lesson" }).catch(() => null);
    lessons.get(id).then(set, () => null); // the panel tells what goes wrong there
  }

  function onKey(event) {
    if (event.key === "Escape") recording.stop();
  }

  stage.addEventListener("state", update);
  recording.addEventListener("change", () => {
    showRecording(stage.cover, recording);
    update();
  });
  document.addEventListener("keydown", onKey);
  lessons.get(id).then(set, (error) => {
    stage.close();
    root.replaceChildren(h("p", { class: "panel empty", role: "alert" }, `${error.message}. `, h("a", { href: "#/teach" }, "All lessons")));
  });
  update();
  return () => {
    document.removeEventListener("keydown", onKey);
    recording.stop();
    learning.close();
    stage.close();
  };
}

/** How takes are recorded. */
function takeSettings() {
  const choice = (name, values, chosen, unit = "s") =>
    h("select", { name }, ...values.map((value) => h("option", { value, selected: value === chosen }, `${value} ${unit}`)));
  const take = choice("take", [1, 2, 3, 5, 8], 2);
  const countdown = choice("countdown", [1, 3, 5, 10], 3);
  const sound = h("input", { type: "checkbox", class: "switch", role: "switch", checked: true });
  return {
    element: h(
      "div",
      { class: "take-settings" },
      h("label", {}, "A take lasts", take),
      h("label", {}, "Countdown", countdown),
      h("label", {}, "Sound", sound),
    ),
    values: () => ({ takeSeconds: Number(take.value), countdownSeconds: Number(countdown.value), hasSound: sound.checked }),
  };
}

/** Over the picture: the countdown, large, then what is recorded and how long still. */
function showRecording(cover, { phase, label, number, count, secondsLeft, takeSeconds }) {
  cover.className = `over is-${phase}`;
  if (phase === "idle") return cover.replaceChildren();
  const of = count > 1 ? ` · take ${number} of ${count}` : "";
  if (phase === "countdown") {
    return cover.replaceChildren(h("b", { class: "digits" }, String(secondsLeft)), h("p", {}, `Get ready: ${label}${of}`));
  }
  const bar = h("progress", { max: takeSeconds, value: takeSeconds - secondsLeft });
  return cover.replaceChildren(h("p", {}, h("span", { class: "red" }), `${label}${of}`), bar);
}
