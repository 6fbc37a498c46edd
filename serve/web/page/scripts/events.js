// Events of a day, or of all days: when they were, and one by one.

import { address, api } from "./api.js";
import { dayOf, h, plural, say } from "./dom.js";
import { dayDrawing } from "./day_drawing.js";
import { openEvent } from "./event_dialog.js";
import { eventList, merged } from "./event_list.js";
import { live } from "./live.js";

const MOST = 1000;
const PAGE = 50;

export const title = () => "Events";

export function show(root) {
  const filter = filterOfAddress();
  const summary = h("p", { class: "muted number" });
  const csv = h("a", { class: "button", download: true, title: "The events that started on this day in UTC" }, "Day as CSV");
  const fields = filterFields(filter, load);
  const list = eventList();
  const drawing = dayDrawing((event) => openEvent(event, { ...list.context(), events: () => all }));
  const empty = h("p", { class: "empty", role: "status" }, "Loading…");
  const more = h("button", { onclick: showMore }, "Show more");
  const foot = h("p", { class: "list-foot", hidden: true }, more);
  let all = [];
  let numShown = PAGE;
  let next = null;
  let request = 0;
  root.append(
    h("div", { class: "heading" }, h("h1", {}, "Events"), summary),
    h("div", { class: "filters", role: "search" }, ...fields.elements, h("div", { class: "more" }, csv)),
    drawing.element,
    h("section", { class: "panel", "aria-label": "List of events" }, empty, list.element, foot),
  );

  async function load() {
    Object.assign(filter, fields.values());
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value));
    history.replaceState(null, "", `#/events${query.size ? `?${query}` : ""}`);
    csv.href = address.csv(filter.day || dayOf(Date.now()));
    const own = ++request;
    try {
      const answer = await api.events(asQuery(filter));
      if (own !== request) return;
      numShown = PAGE;
      take(answer.events, answer.next);
    } catch (error) {
      if (own === request) fail(error);
    }
  }

  function take(events, following, fresh = null) {
    all = events;
    next = following;
    list.set(all.slice(0, numShown), fresh);
    say(empty, "No events match.");
    empty.hidden = all.length > 0;
    foot.hidden = !next && all.length <= numShown;
    say(summary, all.length ? plural(all.length, "event") + (next ? " and more" : "") : "");
    drawing.element.hidden = !filter.day;
    if (filter.day) drawing.draw(filter.day, all, live.cameras.filter((one) => !filter.camera || one.id === filter.camera));
  }

  function fail(error) {
    say(empty, error.message);
    empty.hidden = false;
  }

  async function showMore() {
    numShown += PAGE;
    if (numShown <= all.length || !next) return take(all, next);
    try {
      const answer = await api.events({ ...asQuery(filter), before: next });
      take([...all, ...answer.events], answer.next);
    } catch (error) {
      fail(error);
    }
  }

  function onEvent({ detail }) {
    if (fits(detail, filter)) take(merged(all, detail), next, detail.id);
  }

  const onCameras = () => fields.know(live.cameras);
  live.addEventListener("event", onEvent);
  live.addEventListener("missed", load);
  live.addEventListener("cameras", onCameras);
  addEventListener("resize", drawing.redraw);
  onCameras();
  load();
  return () => {
    live.removeEventListener("event", onEvent);
    live.removeEventListener("missed", load);
    live.removeEventListener("cameras", onCameras);
    removeEventListener("resize", drawing.redraw);
  };
}

function filterOfAddress() {
  const given = new URLSearchParams(location.hash.split("?")[1] ?? "");
  const filter = { camera: "", label: "", verdict: "", day: location.hash.includes("?") ? "" : dayOf(Date.now()) };
  for (const name of Object.keys(filter)) if (given.has(name)) filter[name] = given.get(name);
  return filter;
}

function asQuery({ camera, label, verdict, day }) {
  const query = { camera, label, verdict, limit: day ? MOST : PAGE };
  if (day) {
    const start = new Date(`${day}T00:00:00`);
    const end = new Date(start);
    end.setDate(end.getDate() + 1);
    query.since = start.toISOString();
    query.until = end.toISOString();
  }
  return query;
}

function fits(event, { camera, label, verdict, day }) {
  return (
    (!camera || event.camera === camera) &&
    (!label || event.label === label) &&
    (!verdict || (event.verdict ?? "none") === verdict) &&
    (!day || dayOf(event.started_at) === day)
  );
}

/** The fields of the filter; `know(cameras)` keeps their choices. */
function filterFields(filter, onchange) {
  const camera = h("select", { onchange, id: "filter-camera" });
  const label = h("select", { onchange, id: "filter-label" });
  const verdict = h("select", { onchange, id: "filter-verdict" });
  const day = h("input", { type: "date", onchange, max: dayOf(Date.now()), value: filter.day, id: "filter-day" });
  fill(verdict, [["", "All"], ["none", "Nobody judged"], ["right", "Right"], ["wrong", "Wrong"]], filter.verdict);
  const field = (text, element) => h("label", {}, text, element);
  return {
    elements: [field("Camera", camera), field("Label", label), field("Day", day), field("Verdict", verdict)],
    values: () => ({ camera: camera.value, label: label.value, verdict: verdict.value, day: day.value }),
    know(cameras) {
      const labels = [...new Set(cameras.flatMap((one) => one.labels))].sort();
      fill(camera, [["", "All"], ...cameras.map((one) => [one.id, one.name])], filter.camera);
      fill(label, [["", "All"], ...labels.map((one) => [one, one])], filter.label);
    },
  };
}

function fill(select, choices, chosen) {
  if (chosen && !choices.some(([value]) => value === chosen)) choices.push([chosen, chosen]);
  const text = JSON.stringify(choices);
  if (select.dataset.choices === text) return;
  select.dataset.choices = text;
  select.replaceChildren(...choices.map(([value, name]) => h("option", { value }, name)));
  select.value = chosen;
}
