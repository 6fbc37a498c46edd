// All lessons: begin one, go on with one, or remove it.

import { h, plural, say } from "../scripts/dom.js";
import { begunAt, lessons, numTakes } from "./lessons.js";

const SURE_MS = 5000;
const STATES = { recording: "Takes only", learning: "Being learned", learned: "Learned", failed: "Not learned" };

export function showLessons(root) {
  const begin = h("button", { class: "primary", id: "begin", disabled: true, onclick: start }, "Begin a lesson");
  const mistake = h("p", { class: "mistake", role: "alert", hidden: true });
  const list = h("ul", { class: "lesson-list" });
  const earlier = h("section", { class: "panel", hidden: true }, h("h2", { class: "padded-line" }, "Earlier lessons"), list);
  root.append(
    h("div", { class: "heading" }, h("h1", {}, "Teach")),
    h(
      "div",
      { class: "teaching" },
      h(
        "section",
        { class: "panel padded intro" },
        h("h2", {}, "Teach it your own actions"),
        h(
          "ol",
          { class: "steps" },
          h("li", {}, h("b", {}, "Record"), " a few takes of each action with this browser's camera, and some of nothing in particular."),
          h("li", {}, h("b", {}, "Learn"), " from them. It takes seconds, on the machine that runs rtaction; nothing leaves it."),
          h("li", {}, h("b", {}, "See it live"), " at once, and download the model as an ONNX file."),
        ),
        mistake,
        h("div", { class: "buttons" }, begin, h("a", { class: "button", href: "#/me" }, "Only look")),
      ),
      earlier,
    ),
  );
  let found = [];
  let isClosed = false;

  async function load() {
    try {
      found = await lessons.all();
    } catch (error) {
      showMistake(error.message);
      return;
    }
    if (isClosed) return;
    begin.disabled = false;
    earlier.hidden = !found.length;
    list.replaceChildren(...found.map((one) => row(one, load, showMistake)));
  }

  async function start() {
    begin.disabled = true;
    try {
      // One that was never used is as good as a new one.
      const unused = found.find((one) => !one.takes.length && !one.has_model);
      const lesson = unused ?? (await lessons.begin());
      location.hash = `#/teach/${encodeURIComponent(lesson.id)}`;
    } catch (error) {
      showMistake(error.message);
      begin.disabled = false;
    }
  }

  function showMistake(text) {
    mistake.hidden = !text;
    say(mistake, text);
  }

  load();
  return () => (isClosed = true);
}

function row(lesson, onchange, onmistake) {
  const labels = lesson.takes.map((one) => `${one.label} (${one.count})`).join(", ") || "no takes yet";
  const name = `lesson of ${begunAt(lesson.id)}`;
  const remove = h("button", { class: "quiet", "aria-label": `Remove the ${name}`, onclick: ask }, "Remove");
  let isSure = false;

  async function ask() {
    if (!isSure) {
      isSure = true;
      say(remove, numTakes(lesson) ? `Remove with ${plural(numTakes(lesson), "take")}?` : "Really remove?");
      remove.removeAttribute("aria-label");
      remove.classList.add("is-sure");
      setTimeout(() => {
        isSure = false;
        say(remove, "Remove");
        remove.setAttribute("aria-label", `Remove the ${name}`);
        remove.classList.remove("is-sure");
      }, SURE_MS);
      return;
    }
    remove.disabled = true;
    try {
      await lessons.remove(lesson.id);
      onmistake("");
    } catch (error) {
      onmistake(error.message);
    }
    await onchange();
  }

  return h(
    "li",
    { class: "lesson" },
    h(
      "div",
      { class: "what" },
      h("a", { href: `#/teach/${encodeURIComponent(lesson.id)}`, "aria-label": `Open the ${name}` }, begunAt(lesson.id)),
      h("p", { class: "muted small" }, labels),
    ),
    h("span", { class: `pill ${{ learned: "is-good", learning: "is-warn", failed: "is-bad" }[lesson.state] ?? ""}` }, STATES[lesson.state] ?? lesson.state),
    h(
      "div",
      { class: "buttons" },
      lesson.has_model ? h("a", { class: "button", href: lessons.model(lesson.id), download: true, "aria-label": `Download the model of the ${name}` }, "Download") : null,
      remove,
    ),
  );
}
