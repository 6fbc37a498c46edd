// Shows the view that the address names, and whether the server is there.
// A view is a module with `title(...parts)` and `show(root, ...parts)`, which gives back how it ends.

import { h, say, tell } from "./dom.js";
import { live } from "./live.js";
import * as camera from "./camera.js";
import * as events from "./events.js";
import * as grid from "./grid.js";
import * as machine from "./machine.js";
import * as me from "../school/me.js";
import * as teach from "../school/teach.js";

const VIEWS = { "": grid, camera, events, machine, me, teach };
const PAGES = [["", "Cameras"], ["events", "Events"], ["me", "My camera"], ["teach", "Teach"], ["machine", "Machine"]];
const root = document.getElementById("view");
let end = null;

function route() {
  const [path] = location.hash.slice(1).split("?");
  const [name = "", ...parts] = path.split("/").filter(Boolean).map(decodeURIComponent);
  const view = VIEWS[name];
  end?.();
  root.replaceChildren();
  end = null;
  for (const link of document.querySelectorAll("#pages a")) {
    const isHere = link.dataset.name === (name === "camera" ? "" : name);
    if (isHere) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!view) {
    root.append(h("p", { class: "panel empty" }, "There is no such page. ", h("a", { href: "#/" }, "All cameras")));
    return;
  }
  document.title = `${view.title(...parts)} · rtaction`;
  end = view.show(root, ...parts) ?? null;
}

function showState() {
  const place = document.getElementById("link-state");
  const lost = document.getElementById("lost");
  const isLost = live.state === "lost";
  place.className = `link-state is-${isLost ? "bad" : live.state === "live" ? "good" : "warn"}`;
  say(place.querySelector(".text"), { lost: "No connection", live: "Live", connecting: "Connecting…" }[live.state]);
  lost.hidden = !isLost;
  say(lost, isLost ? "The server does not answer. What you see is from before; trying again by itself…" : "");
}

document.getElementById("pages").append(
  ...PAGES.map(([name, text]) => h("a", { href: `#/${name}`, "data-name": name }, text)),
);
document.querySelector(".skip").addEventListener("click", (click) => {
  click.preventDefault();
  root.focus();
});
addEventListener("hashchange", () => {
  route();
  root.focus({ preventScroll: true });
  scrollTo(0, 0);
});
live.addEventListener("state", showState);
// Of what was told, the last ones: an event comes again when it ends.
const told = new Set();
live.addEventListener("event", ({ detail }) => {
  if (detail.phase === "change" || told.has(detail.id)) return;
  told.add(detail.id);
  if (told.size > 200) told.delete(told.values().next().value);
  tell(`${detail.label}, ${detail.camera_name}`);
});
route();
showState();
live.start();
