// The machine: how fast it is, what it leaves out, who is told, and its file of cameras.

import { api } from "./api.js";
import { statePill } from "./camera_parts.js";
import { age, bytes, duration, h, milliseconds, say } from "./dom.js";
import { live } from "./live.js";

export const title = () => "Machine";

export function show(root) {
  const summary = h("p", { class: "muted number" });
  const tiles = tileRow();
  const drops = table(["Reason", "Frames and windows"], [1]);
  const sinks = table(["Sink", "State", "Sent", "Waiting", "Missed"], [2, 3, 4]);
  const cameras = table(["Camera", "State", "Frames/s", "Labels/s", "Newest picture", "Reconnects", "Not used"], [2, 3, 4, 5, 6]);
  const panel = (name, inner, extra = "") => h("section", { class: `panel padded ${extra}` }, h("h2", {}, name), inner);
  root.append(
    h("div", { class: "heading" }, h("h1", {}, "Machine"), summary),
    tiles.element,
    h(
      "div",
      { class: "halves" },
      panel("Cameras", cameras.element, "wide"),
      panel("Who is told", sinks.element, "wide"),
      panel("Not used, by reason", drops.element),
      panel("File of cameras", reloader()),
      panel("API", h("p", { class: "muted" }, "Everything here can be asked by programs: ", h("a", { href: "/api/docs" }, "what the API knows"), ".")),
    ),
  );

  function showMachine() {
    const { machine } = live;
    if (!machine) return;
    say(summary, `rtaction ${machine.version} · up for ${duration(machine.uptime_seconds)} · ${machine.providers.join(", ")}`);
    tiles.update([
      [machine.labels_per_second.toFixed(1), "labels a second"],
      [machine.frames_per_second.toFixed(1), "frames a second"],
      [milliseconds(machine.latency_seconds.p95), "latency, p95"],
      [milliseconds(machine.picture_age_seconds.p95), "age of frames, p95"],
      [machine.cores_in_use.toFixed(1), "cores in use"],
      [bytes(machine.memory_bytes), "memory"],
      [bytes(machine.clips_bytes), "clips on disk"],
      [String(machine.reconnects), "reconnects"],
      [String(machine.viewers), "viewers"],
    ]);
    const reasons = Object.entries(machine.drops).sort((one, other) => other[1] - one[1]);
    drops.update(reasons.map(([why, count]) => [why.replaceAll("_", " "), count.toLocaleString()]), "All frames were used.");
    sinks.update(machine.sinks.map(sinkRow), "Nobody is told. MQTT, webhooks and phones are set up in the file of cameras.");
  }

  function showCameras() {
    cameras.update(
      live.cameras.map((one) => {
        const pill = statePill();
        pill.update(one);
        const dropped = Object.values(one.drops).reduce((sum, count) => sum + count, 0);
        return [
          h("a", { href: `#/camera/${encodeURIComponent(one.id)}` }, one.name),
          h("span", {}, pill.element, one.reason ? h("span", { class: "muted small" }, ` ${one.reason}`) : null),
          one.frames_per_second.toFixed(1),
          one.labels_per_second.toFixed(1),
          age(one.picture_age_seconds),
          String(one.reconnects),
          dropped.toLocaleString(),
        ];
      }),
      "No cameras yet.",
    );
  }

  live.addEventListener("machine", showMachine);
  live.addEventListener("cameras", showCameras);
  showMachine();
  showCameras();
  return () => {
    live.removeEventListener("machine", showMachine);
    live.removeEventListener("cameras", showCameras);
  };
}

function sinkRow(sink) {
  const [kind, text] = sink.up === null ? ["quiet", "Not tried yet"] : sink.up ? ["good", "Up"] : ["bad", "Down"];
  const state = h("span", { class: `pill is-${kind}` }, h("span", { class: "dot" }), text);
  return [sink.name, h("span", {}, state, sink.reason ? h("span", { class: "muted small" }, ` ${sink.reason}`) : null), sink.sent.toLocaleString(), sink.waiting.toLocaleString(), sink.missed.toLocaleString()];
}

function tileRow() {
  const element = h("div", { class: "tiles" });
  return {
    element,
    update(figures) {
      while (element.children.length < figures.length) element.append(h("div", { class: "panel tile" }, h("b", {}), h("span", {})));
      figures.forEach(([value, name], place) => {
        say(element.children[place].firstChild, value);
        say(element.children[place].lastChild, name);
      });
    },
  };
}

/** A table; cells that hold a text are changed in place, so that links keep the focus. */
function table(names, figures) {
  const cellClass = (place) => (figures.includes(place) ? "figure" : "");
  const body = h("tbody");
  const empty = h("p", { class: "muted small" });
  const grid = h("table", {}, h("thead", {}, h("tr", {}, names.map((name, place) => h("th", { scope: "col", class: cellClass(place) }, name)))), body);
  return {
    element: h("div", { class: names.length > 4 ? "scroll is-wide" : "scroll", tabindex: 0, role: "region", "aria-label": names[0] }, grid, empty),
    update(rows, ifNone) {
      grid.hidden = rows.length === 0;
      empty.hidden = rows.length > 0;
      say(empty, ifNone);
      while (body.children.length > rows.length) body.lastChild.remove();
      while (body.children.length < rows.length) body.append(h("tr", {}, names.map((_, place) => h("td", { class: cellClass(place) }))));
      rows.forEach((cells, row) =>
        cells.forEach((cell, place) => {
          const shown = body.children[row].children[place];
          if (typeof cell === "string") say(shown, cell);
          else if (shown.firstChild?.outerHTML !== cell.outerHTML) shown.replaceChildren(cell);
        }),
      );
    },
  };
}

function reloader() {
  const said = h("p", { role: "alert", hidden: true });
  const button = h("button", { class: "primary", id: "reload", onclick: reload }, "Read it again");
  async function reload() {
    button.disabled = true;
    said.hidden = true;
    try {
      const { changed } = await api.reload();
      said.className = "fine";
      say(said, changed);
    } catch (error) {
      said.className = "mistake";
      say(said, `${error.message}\n\nNothing has changed; all cameras go on as before.`);
    }
    said.hidden = false;
    button.disabled = false;
    button.focus();
  }
  return h(
    "div",
    { class: "column" },
    h("p", { class: "muted" }, "After a change of the file: cameras that are as before go on undisturbed, and a mistake in it changes nothing."),
    h("div", {}, button),
    said,
  );
}
