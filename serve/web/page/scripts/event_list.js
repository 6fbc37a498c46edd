// Events in a list: each with its picture, what it was, and what a person says of it.

import { address, api } from "./api.js";
import { judge, openEvent } from "./event_dialog.js";
import { duration, h, percent, say, when } from "./dom.js";
import { live } from "./live.js";

const LATEST = 30;

/** What a person said of an event, in words. */
export function verdictText(verdict) {
  if (verdict == null) return "";
  return { right: "Right", wrong: "Wrong" }[verdict] ?? `It was ${verdict}`;
}

/** One event. With the focus on it, r, w and l judge it as in the dialog. */
function row(event, context) {
  const thumb = h("img", { class: "thumb", alt: "", loading: "lazy", width: 84, height: 47 });
  const open = h("button", { class: "open", onclick: () => openEvent(current, context()), onkeydown: press });
  const facts = h("p", { class: "facts number" });
  // The keys do what these do, so that they are no stops on the way through a long list.
  const button = (text, said) => h("button", { class: "quiet", tabindex: -1, title: `${text} (${text[0].toLowerCase()})`, onclick: () => judge(current, current.verdict === said ? null : said) }, text);
  const right = button("Right", "right");
  const wrong = button("Wrong", "wrong");
  const element = h(
    "li",
    { class: "event", "data-id": event.id },
    thumb,
    h("div", { class: "what" }, open, facts),
    h("div", { class: "side" }, right, wrong),
  );
  let current = event;
  function update(view) {
    current = view;
    if (view.snapshot && !thumb.src) thumb.src = address.snapshot(view.id);
    say(open, `${view.label} · ${view.camera_name}`);
    const parts = [when(view.started_at), duration(view.duration_seconds), percent(view.peak_score)];
    if (view.person != null) parts.push(`person ${view.person}`);
    if (view.zones.length) parts.push(view.zones.join(", "));
    if (view.verdict != null) parts.push(verdictText(view.verdict).toLowerCase());
    say(facts, parts.join(" · "));
    right.setAttribute("aria-pressed", view.verdict === "right");
    wrong.setAttribute("aria-pressed", view.verdict === "wrong");
  }
  function press(key) {
    if (key.ctrlKey || key.metaKey || key.altKey) return;
    const does = {
      r: () => judge(current, "right"),
      w: () => judge(current, "wrong"),
      l: () => openEvent(current, context(), { asksLabel: true }),
      j: () => element.nextElementSibling?.querySelector(".open").focus(),
      k: () => element.previousElementSibling?.querySelector(".open").focus(),
    }[key.key];
    if (!does) return;
    key.preventDefault();
    does();
  }
  update(event);
  return { element, update };
}

/** A list of events, newest first, that takes changes. */
export function eventList() {
  const element = h("ol", {});
  const rows = new Map();
  let shown = [];

  /** The events around one, for a dialog that steps through them. */
  const context = () => ({ events: () => shown, focus: (id) => rows.get(id)?.element.querySelector(".open").focus() });

  return {
    element,
    context,
    get events() {
      return shown;
    },
    set(events, fresh = null) {
      shown = events;
      const wanted = new Set(events.map((one) => one.id));
      for (const [id, one] of rows) {
        if (wanted.has(id)) continue;
        one.element.remove();
        rows.delete(id);
      }
      events.forEach((event, place) => {
        const isNew = !rows.has(event.id);
        if (isNew) rows.set(event.id, row(event, context));
        const one = rows.get(event.id);
        one.update(event);
        if (isNew && event.id === fresh) one.element.classList.add("is-new");
        if (element.children[place] !== one.element) element.insertBefore(one.element, element.children[place] ?? null);
      });
    },
  };
}

/** Put an event that has come or changed into a list, newest first. */
export function merged(events, event) {
  const rest = events.filter((one) => one.id !== event.id);
  const place = rest.findIndex((one) => one.id < event.id);
  rest.splice(place < 0 ? rest.length : place, 0, event);
  return rest;
}

/** The latest events of all cameras, or of one, as they come. */
export function latestEvents(camera = null) {
  const list = eventList();
  const empty = h("p", { class: "empty" }, "Nothing has happened yet.");
  const link = camera ? `#/events?camera=${encodeURIComponent(camera)}` : "#/events";
  const element = h(
    "section",
    { class: "panel latest", "aria-label": "Latest events" },
    h("h2", {}, "Latest events"),
    empty,
    list.element,
    h("p", { class: "list-foot" }, h("a", { href: link }, "All events")),
  );
  const show = (events, fresh) => {
    list.set(events.slice(0, LATEST), fresh);
    empty.hidden = events.length > 0;
  };
  const load = () =>
    api.events({ camera, limit: LATEST }).then(
      ({ events }) => show(events),
      (error) => say(empty, error.message),
    );
  const onEvent = ({ detail }) => {
    if (camera === null || detail.camera === camera) show(merged(list.events, detail), detail.id);
  };
  live.addEventListener("event", onEvent);
  live.addEventListener("missed", load);
  load();
  return {
    element,
    close() {
      live.removeEventListener("event", onEvent);
      live.removeEventListener("missed", load);
    },
  };
}
