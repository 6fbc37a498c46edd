// All cameras, and the latest events beside them.

import { chips, reasonOf, stateName, statePill, still } from "./camera_parts.js";
import { h, plural, say } from "./dom.js";
import { latestEvents } from "./event_list.js";
import { live } from "./live.js";

export const title = () => "Cameras";

export function show(root) {
  const grid = h("div", { class: "grid", id: "grid" });
  const empty = h("p", { class: "panel empty" }, "Waiting for the cameras…");
  const summary = h("p", { class: "muted" });
  const latest = latestEvents();
  root.append(
    h("div", { class: "heading" }, h("h1", {}, "Cameras"), summary),
    h("div", { class: "home" }, h("div", {}, empty, grid), latest.element),
  );
  const cards = new Map();

  function update() {
    const { cameras } = live;
    empty.hidden = cameras.length > 0;
    const numLive = cameras.filter((one) => one.state === "ok").length;
    say(summary, cameras.length ? `${numLive} of ${plural(cameras.length, "camera")} give labels` : "");
    cameras.forEach((camera, place) => {
      if (!cards.has(camera.id)) cards.set(camera.id, card(camera));
      const one = cards.get(camera.id);
      if (grid.children[place] !== one.element) grid.insertBefore(one.element, grid.children[place] ?? null);
      one.update(camera);
    });
    for (const [id, one] of cards) {
      if (cameras.some((camera) => camera.id === id)) continue;
      one.close();
      cards.delete(id);
    }
  }

  live.addEventListener("cameras", update);
  update();
  return () => {
    live.removeEventListener("cameras", update);
    latest.close();
    for (const one of cards.values()) one.close();
  };
}

function card(camera) {
  const picture = still();
  const pill = statePill();
  const labels = chips();
  const name = h("h2", { class: "name" }, camera.name);
  const people = h("span", { class: "people" });
  const reason = h("p", { class: "reason" });
  picture.element.append(people);
  const element = h(
    "a",
    { class: "camera panel", href: `#/camera/${encodeURIComponent(camera.id)}` },
    picture.element,
    h("div", { class: "below" }, h("div", { class: "name-line" }, name, pill.element), labels.element, reason),
  );
  return {
    element,
    update(view) {
      picture.update(view);
      pill.update(view);
      labels.update(view);
      say(name, view.name);
      people.hidden = view.people.length === 0;
      say(people, plural(view.people.length, "person", "people"));
      const isLive = view.state === "ok" && view.scores.length > 0;
      labels.element.hidden = !isLive;
      reason.hidden = isLive;
      say(reason, view.state === "ok" ? "Nothing of note" : reasonOf(view));
      element.setAttribute("aria-label", [view.name, stateName(view.state), view.active.join(", ")].filter(Boolean).join(", "));
    },
    close() {
      picture.close();
      element.remove();
    },
  };
}
