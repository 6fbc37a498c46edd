// One camera, large: live picture, score curves, what may be set, and its latest events.

import { api } from "./api.js";
import { chips, reasonOf, statePill, stream } from "./camera_parts.js";
import { curves } from "./curves.js";
import { age, h, percent, say, tell } from "./dom.js";
import { latestEvents } from "./event_list.js";
import { live } from "./live.js";

export const title = (id) => live.camera(id)?.name ?? "Camera";

export function show(root, id) {
  let end = null;
  const waiting = h("p", { class: "panel empty", role: "status" }, "Waiting for the camera…");
  root.append(waiting);

  function update() {
    const camera = live.camera(id);
    if (camera && !end) {
      waiting.remove();
      end = showCamera(root, camera);
      document.title = `${camera.name} · rtaction`;
    } else if (!camera && end) {
      end();
      end = null;
      root.replaceChildren(waiting);
    }
    if (!camera && live.cameras.length) {
      waiting.replaceChildren("There is no such camera, or no longer. ", h("a", { href: "#/" }, "All cameras"));
    }
  }
  live.addEventListener("cameras", update);
  update();
  return () => {
    live.removeEventListener("cameras", update);
    end?.();
  };
}

function showCamera(root, camera) {
  const { id } = camera;
  const pill = statePill();
  const reason = h("p", { class: "muted" });
  const picture = stream(camera, true);
  const labels = chips(true);
  const drawn = h("button", { "aria-pressed": "true", onclick: toggleDrawn }, "Boxes and skeletons");
  const scores = curves();
  const settings = settingsOf(camera);
  const facts = h("dl", { class: "facts-table" });
  const latest = latestEvents(id);
  root.append(
    h("div", { class: "heading" }, h("a", { class: "button", href: "#/" }, "← All cameras"), h("h1", {}, camera.name), pill.element, reason),
    h(
      "div",
      { class: "one" },
      h(
        "div",
        { class: "column" },
        h("section", { class: "panel large", "aria-label": "Live picture" }, picture.element, h("div", { class: "bar-below" }, labels.element, h("div", { class: "more" }, drawn))),
        scores.element,
      ),
      h("div", { class: "column" }, settings.element, h("section", { class: "panel padded" }, h("h2", {}, "Figures"), facts), latest.element),
    ),
  );

  function toggleDrawn() {
    const is = drawn.getAttribute("aria-pressed") !== "true";
    drawn.setAttribute("aria-pressed", is);
    picture.draw(is);
  }

  let wasMoving = true;
  function update() {
    const view = live.camera(id);
    if (!view) return;
    pill.update(view);
    say(reason, reasonOf(view));
    picture.update(view);
    labels.update(view);
    scores.update(live.histories.get(id) ?? [], view);
    settings.update(view);
    showFacts(facts, view);
    // A stream ends with its camera, and does not begin again by itself.
    const isMoving = view.state === "ok";
    if (isMoving && !wasMoving) picture.again();
    wasMoving = isMoving;
  }
  const onState = () => live.state === "live" && picture.again();
  live.addEventListener("cameras", update);
  live.addEventListener("state", onState);
  update();
  return () => {
    live.removeEventListener("cameras", update);
    live.removeEventListener("state", onState);
    picture.close();
    latest.close();
  };
}

function showFacts(facts, view) {
  const dropped = Object.entries(view.drops).filter(([, count]) => count);
  const rows = [
    ["Model", view.model],
    ["Frames a second", view.frames_per_second.toFixed(1)],
    ["Labels a second", view.labels_per_second.toFixed(1)],
    ["Newest picture", age(view.picture_age_seconds)],
    ["People", String(view.people.length)],
    ["Zones", Object.keys(view.zones).join(", ") || "none"],
    ["Masks", String(view.masks.length)],
    ["Events so far", view.events.toLocaleString()],
    ["Reconnects", String(view.reconnects)],
    ...dropped.map(([why, count]) => [`Not used: ${why.replaceAll("_", " ")}`, count.toLocaleString()]),
  ];
  if (facts.children.length !== rows.length * 2) facts.replaceChildren(...rows.flatMap(() => [h("dt"), h("dd")]));
  rows.forEach(([name, value], place) => {
    say(facts.children[place * 2], name);
    say(facts.children[place * 2 + 1], value);
  });
}

/** What may be set; a field that somebody holds is not changed under their hands. */
function settingsOf(camera) {
  const mistake = h("p", { class: "mistake", role: "alert", hidden: true });
  const enabled = h("input", { type: "checkbox", role: "switch", class: "switch", id: "enabled", onchange: () => change({ enabled: enabled.checked }) });
  const list = h("ul", { class: "thresholds" });
  const rows = new Map();
  let held = null;
  const element = h(
    "section",
    { class: "panel padded", "aria-label": "Settings" },
    h("div", { class: "switch-line" }, h("label", { for: "enabled" }, h("b", {}, "Watch this camera")), enabled),
    h("h3", {}, "Score at which an event starts"),
    list,
    mistake,
  );

  async function change(wanted) {
    mistake.hidden = true;
    try {
      live.setCamera(await api.change(camera.id, wanted));
      tell("Saved");
    } catch (error) {
      say(mistake, error.message);
      mistake.hidden = false;
      const now = live.camera(camera.id);
      if (now) update(now);
    } finally {
      held = null;
    }
  }

  function rowOf(label) {
    const shown = h("output", {});
    const slider = h("input", {
      type: "range", min: 0, max: 1, step: 0.01, "aria-label": `Threshold of ${label}`,
      oninput() {
        held = label;
        say(shown, percent(Number(slider.value)));
      },
      onchange: () => change({ thresholds: { [label]: Number(slider.value) } }),
    });
    const reset = h("button", { class: "quiet", "aria-label": `Reset ${label}`, onclick: () => change({ thresholds: { [label]: null } }) }, "Reset");
    list.append(h("li", {}, h("span", {}, label), slider, shown, reset));
    return { slider, shown };
  }

  function update(view) {
    if (enabled.checked !== view.enabled) enabled.checked = view.enabled;
    for (const label of view.labels) {
      if (!rows.has(label)) rows.set(label, rowOf(label));
      const { slider, shown } = rows.get(label);
      const threshold = view.thresholds[label];
      if (held === label || threshold === undefined) continue;
      slider.value = threshold;
      slider.setAttribute("aria-valuetext", percent(threshold));
      say(shown, percent(threshold));
    }
  }
  return { element, update };
}
