// One event, large: its video, and whether it was right. Keys: r right, w wrong, l another label,
// j older, k newer.

import { address, api } from "./api.js";
import { duration, h, percent, say, tell, when } from "./dom.js";
import { verdictText } from "./event_list.js";
import { live } from "./live.js";

/** Say what an event was, tell all views, and give back what it is now; null if it failed. */
export async function judge(event, said, onmistake = tell) {
  try {
    const judged = await api.judge(event.id, said);
    live.dispatchEvent(new CustomEvent("event", { detail: { ...judged, phase: "change" } }));
    tell(said == null ? "Taken back" : verdictText(said));
    return judged;
  } catch (error) {
    onmistake(error.message);
    return null;
  }
}

/** Show an event; `context.events()` are those around it, newest first. */
export function openEvent(event, context, { asksLabel = false } = {}) {
  let current = event;
  const stage = h("div", { class: "stage" });
  const name = h("h2", { id: "event-title" });
  const verdict = h("span", { class: "verdict-of", role: "status" });
  const facts = h("p", { class: "facts-line number" });
  const mistake = h("p", { class: "mistake", role: "alert", hidden: true });
  const newer = h("button", { class: "quiet", onclick: () => step(-1) }, "Newer ", h("kbd", {}, "k"));
  const older = h("button", { class: "quiet", onclick: () => step(1) }, "Older ", h("kbd", {}, "j"));
  const right = h("button", { onclick: () => give("right") }, "Right ", h("kbd", {}, "r"));
  const wrong = h("button", { onclick: () => give("wrong") }, "Wrong ", h("kbd", {}, "w"));
  const another = h("button", { onclick: askLabel, "aria-expanded": "false" }, "Another label ", h("kbd", {}, "l"));
  const back = h("button", { class: "quiet", onclick: () => give(null) }, "Take back");
  const input = h("input", { type: "text", list: "known-labels", required: true, maxlength: 64, pattern: "[A-Za-z0-9 _\\-]+", title: "Letters, digits, spaces, _ and -", "aria-label": "The label that it should have had", placeholder: "It was…", autocomplete: "off" });
  const known = h("datalist", { id: "known-labels" });
  const form = h("form", { class: "judging", hidden: true, onsubmit: saveLabel }, input, known, h("button", { class: "primary" }, "Save"));
  const dialog = h(
    "dialog",
    { "aria-labelledby": "event-title", onclose: close, onkeydown: press, onclick: clickBeside },
    stage,
    h(
      "div",
      { class: "body" },
      h("div", { class: "title" }, name, verdict, h("div", { class: "more" }, newer, older, h("button", { onclick: () => dialog.close() }, "Close"))),
      facts,
      h("div", { class: "judging", role: "group", "aria-label": "Was this right?" }, right, wrong, another, back),
      form,
      mistake,
      h("p", { class: "muted small" }, "What you say goes to the folder of corrections, for the next training."),
    ),
  );

  function update() {
    say(name, `${current.label} · ${current.camera_name}`);
    say(verdict, verdictText(current.verdict));
    facts.replaceChildren(
      ...[
        when(current.started_at),
        duration(current.duration_seconds),
        `score up to ${percent(current.peak_score)}`,
        current.person == null ? null : `person ${current.person}`,
        current.zones.length ? `in ${current.zones.join(", ")}` : null,
        current.model,
      ].filter(Boolean).map((text) => h("span", {}, text)),
    );
    right.setAttribute("aria-pressed", current.verdict === "right");
    wrong.setAttribute("aria-pressed", current.verdict === "wrong");
    another.setAttribute("aria-pressed", current.verdict != null && !["right", "wrong"].includes(current.verdict));
    back.hidden = current.verdict == null;
    const place = context.events().findIndex((one) => one.id === current.id);
    newer.disabled = place <= 0;
    older.disabled = place < 0 || place >= context.events().length - 1;
  }

  function showMedia() {
    form.hidden = true;
    mistake.hidden = true;
    if (current.clip) {
      const video = h("video", { controls: true, autoplay: true, loop: true, playsinline: true, src: address.clip(current.id), "aria-label": `Video of ${current.label}` });
      video.muted = true;
      if (current.snapshot) video.poster = address.snapshot(current.id);
      stage.replaceChildren(video);
    } else if (current.snapshot) {
      stage.replaceChildren(h("img", { src: address.snapshot(current.id), alt: `Picture of ${current.label}` }));
    } else {
      stage.replaceChildren(h("div", { class: "picture" }, h("p", { class: "none" }, current.ended_at ? "No video was kept of this event." : "The video comes when the event has ended.")));
    }
  }

  async function give(said) {
    mistake.hidden = true;
    const judged = await judge(current, said, (text) => {
      say(mistake, text);
      mistake.hidden = false;
    });
    if (judged) form.hidden = true;
  }

  function askLabel() {
    const labels = live.camera(current.camera)?.labels ?? [];
    known.replaceChildren(...labels.filter((label) => label !== current.label).map((label) => h("option", { value: label })));
    form.hidden = !form.hidden;
    another.setAttribute("aria-expanded", !form.hidden);
    input.value = "";
    if (!form.hidden) input.focus();
  }

  function saveLabel(submit) {
    submit.preventDefault();
    give(input.value.trim()).then(() => another.focus());
  }

  function step(by) {
    const events = context.events();
    const next = events[events.findIndex((one) => one.id === current.id) + by];
    if (!next) return;
    current = next;
    showMedia();
    update();
  }

  function press(key) {
    if (key.target === input || key.ctrlKey || key.metaKey || key.altKey) return;
    const does = { r: () => give("right"), w: () => give("wrong"), l: askLabel, j: () => step(1), k: () => step(-1) }[key.key];
    if (!does) return;
    key.preventDefault();
    does();
  }

  function clickBeside(click) {
    if (click.target === dialog) dialog.close();
  }

  function onEvent({ detail }) {
    if (detail.id !== current.id) return;
    const hadClip = current.clip;
    current = detail;
    update();
    if (!hadClip && detail.clip) showMedia();
  }

  function close() {
    live.removeEventListener("event", onEvent);
    // Without this the browser would go on reading.
    stage.replaceChildren();
    dialog.remove();
    // The browser gives the focus back to who opened it; this is for who stepped on from there.
    if (current.id !== event.id) context.focus(current.id);
  }

  live.addEventListener("event", onEvent);
  addEventListener("hashchange", () => dialog.open && dialog.close(), { once: true });
  document.body.append(dialog);
  showMedia();
  update();
  dialog.showModal();
  if (asksLabel) askLabel();
}
