// Learning from the takes: how far it is, how good the model is, and its file.

import { h, percent, say, tell } from "../scripts/dom.js";
import { lessons, numTakes } from "./lessons.js";

const ASK_MS = 600;
const FEW_TAKES = 5;

/** The panel. `onState` is called when learning begins or ends, `onModel` when there is a new model. */
export function learnPanel(lesson, { onState, onModel }) {
  const learn = h("button", { class: "primary", id: "learn", onclick: start }, "Learn");
  const hint = h("p", { class: "muted small" });
  const progress = h("progress", { max: 1, value: 0, "aria-label": "Learning" });
  const share = h("span", { class: "number small" });
  const bar = h("div", { class: "learning", hidden: true }, progress, share);
  const report = h("ul", { class: "report" });
  const mistake = h("p", { class: "mistake", role: "alert", hidden: true });
  const download = h("a", { class: "button", id: "download", href: lessons.model(lesson), download: true }, "Download the ONNX file");
  const use = h("p", { class: "muted small" }, "Elsewhere: ", h("code", {}, "rtaction cam --model FILE.onnx"));
  const done = h("div", { class: "done", hidden: true }, download, use);
  const element = h("section", { class: "panel padded learn" }, h("h2", {}, "Learn"), h("div", { class: "buttons" }, learn, hint), bar, report, mistake, done);
  let view = null;
  let isBusy = false;
  let learnedTakes = null;
  let timer = 0;
  let isClosed = false;

  async function start() {
    mistake.hidden = true;
    try {
      learnedTakes = JSON.stringify(view.takes);
      set(await lessons.learn(lesson));
    } catch (error) {
      showMistake(error.message);
    }
  }

  async function follow() {
    try {
      set(await lessons.get(lesson));
    } catch (error) {
      showMistake(error.message);
      if (!isClosed && error.status !== 404) timer = setTimeout(follow, 4 * ASK_MS);
    }
  }

  function showMistake(text) {
    mistake.hidden = !text;
    say(mistake, text);
  }

  function set(after) {
    if (isClosed) return;
    const wasLearning = view?.state === "learning";
    view = after;
    clearTimeout(timer);
    if (view.state === "learning") timer = setTimeout(follow, ASK_MS);
    else if (wasLearning) end();
    show();
    if (wasLearning !== (view.state === "learning")) onState();
  }

  function end() {
    if (view.state === "learned") {
      tell("Learned. It is live now.");
      onModel();
    } else tell("Nothing was learned.");
  }

  function show() {
    const isLearning = view.state === "learning";
    const taught = view.takes.filter((one) => one.count);
    learn.disabled = isLearning || isBusy || taught.length < 2;
    const isOutdated = view.has_model && learnedTakes !== null && learnedTakes !== JSON.stringify(view.takes);
    say(learn, view.has_model ? "Learn again" : "Learn");
    say(hint, hintOf(taught, isLearning, isOutdated));
    bar.hidden = !isLearning;
    progress.value = view.progress;
    say(share, percent(view.progress));
    const lines = isLearning || view.state === "failed" ? [] : view.report;
    report.replaceChildren(...lines.map((line) => h("li", { class: line.startsWith(" ") ? "advice" : "" }, line.trim())));
    if (view.state === "failed") showMistake(view.report.join("\n") || "It did not work; the log of rtaction serve may say why.");
    done.hidden = !view.has_model || isLearning;
  }

  return {
    element,
    set,
    /** While takes are recorded, nothing is learned. */
    setBusy(busy) {
      isBusy = busy;
      if (view) show();
    },
    get isLearning() {
      return view?.state === "learning";
    },
    close() {
      isClosed = true;
      clearTimeout(timer);
    },
  };
}

function hintOf(taught, isLearning, isOutdated) {
  if (isLearning) return "This takes some seconds; cameras are watched meanwhile.";
  if (!taught.length) return "Record takes of two labels first.";
  if (taught.length < 2) return "One more label is needed: what should this one be told apart from?";
  if (isOutdated) return "The model does not know your newest takes yet.";
  const few = taught.filter((one) => one.count < FEW_TAKES).map((one) => one.label);
  if (few.length) return `${FEW_TAKES} takes of each label are a good start; ${few.join(", ")} ${few.length > 1 ? "have" : "has"} fewer.`;
  return `From ${numTakes({ takes: taught })} takes.`;
}
