// The camera of this browser, live, with what the server sees in it.

import { chips, stateName, statePill } from "../scripts/camera_parts.js";
import { h, say, tell } from "../scripts/dom.js";
import { Eye } from "./eye.js";
import { Overlay } from "./overlay.js";
import { Webcam, obstacle } from "./webcam.js";

// More than models want, so that one that comes late leaves no gap.
const PICTURES_PER_SECOND = 15;
const LEAST_PER_SECOND = 9;
const RATE_MS = 3000;
// Longer ones between two pictures make models doubt what they see.
const LONGEST_GAP_MS = 180;
const NO_PICTURE_MS = 8;
// One gap costs labels for some two seconds; only who has more of them needs advice.
const PATIENCE_MS = 4000;

/** Tells "seen" (with what the server answered) and "state" to its listeners. */
class Stage extends EventTarget {
  /** Whether labels are shown, or only who is seen. */
  withLabels = true;
  #eye;
  #camera;
  #overlay;
  #parts;
  #loop = 0;
  #answered = [];
  #taken = [];
  #milliseconds = 0;
  #onVisibility = () => this.#follow();

  constructor(lesson) {
    super();
    this.#parts = parts(this);
    this.element = this.#parts.element;
    this.cover = this.#parts.cover;
    this.corner = this.#parts.corner;
    this.#camera = new Webcam(this.#parts.video, () => this.#off("The camera was unplugged, or another program took it."));
    this.#overlay = new Overlay(this.#parts.canvas);
    this.#eye = new Eye(lesson);
    this.#eye.addEventListener("state", () => this.#showConnection());
    document.addEventListener("visibilitychange", this.#onVisibility);
    const reason = obstacle();
    if (reason) this.#off(reason, false);
    else this.#startIfAllowed();
  }

  /** Whether pictures are seen. */
  get isOn() {
    return this.#camera.isOn && this.#eye.state === "open";
  }

  /** The answer to a message, see `Eye`. */
  ask(message) {
    return this.#eye.ask(message);
  }

  async start(device = null) {
    const { start, mistake } = this.#parts;
    start.disabled = true;
    mistake.hidden = true;
    try {
      await this.#camera.start(device);
    } catch (error) {
      this.#off(error.message);
      return;
    } finally {
      start.disabled = false;
    }
    if (this.isClosed) return this.#camera.stop();
    this.#parts.on(this.#camera.isMirrored);
    this.#parts.showCameras(await this.#camera.cameras(), this.#camera.device);
    this.#follow();
  }

  stop() {
    this.#off("");
  }

  close() {
    this.isClosed = true;
    document.removeEventListener("visibilitychange", this.#onVisibility);
    this.#camera.stop();
    this.#follow();
  }

  async #startIfAllowed() {
    const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
    if (permission?.state === "granted" && !this.isClosed) await this.start();
  }

  #off(reason, canStart = true) {
    this.#camera.stop();
    this.#parts.off(reason, canStart);
    this.#follow();
  }

  /** Send pictures while there are any and somebody sees them. */
  #follow() {
    const isWanted = this.#camera.isOn && !document.hidden && !this.isClosed;
    if (isWanted && this.#eye.state === "closed") this.#eye.open();
    if (!isWanted) this.#eye.close();
  }

  #showConnection() {
    const { state, reason } = this.#eye;
    this.#loop += 1;
    this.#answered = [];
    this.#taken = [];
    this.#overlay.clear();
    this.#parts.showConnection(state, reason, () => this.#eye.open());
    if (state === "open") this.#send(this.#loop);
    this.dispatchEvent(new Event("state"));
  }

  /** One picture after the other: the next goes when the last was answered, and not too soon. */
  async #send(loop) {
    while (loop === this.#loop) {
      const started = performance.now();
      const picture = await this.#camera.picture();
      if (picture && loop === this.#loop) {
        this.#taken.push(started);
        try {
          const sent = performance.now();
          const seen = await this.#eye.ask(picture);
          if (loop !== this.#loop) return;
          this.#show(seen, performance.now() - sent);
        } catch (error) {
          if (loop !== this.#loop) return;
          this.#parts.showMistake(error.message);
        }
      }
      const rest = 1000 / PICTURES_PER_SECOND - (performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, picture ? Math.max(rest, 0) : NO_PICTURE_MS));
    }
  }

  #show(seen, milliseconds) {
    const now = performance.now();
    this.#milliseconds += (milliseconds - this.#milliseconds) * (this.#answered.length ? 0.1 : 1);
    this.#answered.push(now);
    while (this.#answered[0] < now - RATE_MS) this.#answered.shift();
    const seconds = (now - this.#answered[0]) / 1000;
    const perSecond = seconds > 0.9 * (RATE_MS / 1000) ? (this.#answered.length - 1) / seconds : null;
    while (this.#taken[0] < now - RATE_MS) this.#taken.shift();
    const gap = Math.max(0, ...this.#taken.slice(1).map((at, place) => at - this.#taken[place]));
    this.#parts.showSeen(seen, { milliseconds: this.#milliseconds, perSecond, gap, withLabels: this.withLabels });
    this.#overlay.draw(seen.people, { isMirrored: this.#camera.isMirrored, withLabels: this.withLabels });
    this.dispatchEvent(new CustomEvent("seen", { detail: seen }));
  }
}

function parts(stage) {
  const video = h("video", { muted: true, playsinline: true, "aria-label": "Your camera" });
  video.muted = true; // the attribute alone does not count for elements that were made here
  const canvas = h("canvas", { "aria-hidden": "true" });
  const start = h("button", { class: "primary", id: "use-camera", onclick: () => stage.start() }, "Use my camera");
  const mistake = h("p", { class: "mistake", role: "alert", hidden: true });
  const welcome = h(
    "div",
    { class: "welcome" },
    h("h2", {}, "Your camera"),
    h(
      "p",
      {},
      `Pictures of it go to this rtaction, at ${location.host}, and to nobody else. They are looked at and forgotten; only takes that you record are kept, there.`,
    ),
    mistake,
    start,
  );
  const cover = h("div", { class: "over", "aria-hidden": "true" });
  const corner = h("div", { class: "corner" });
  const note = h("p", { class: "note", role: "status", hidden: true });
  const scene = h("div", { class: "scene" }, video, canvas, cover, note, corner, welcome);
  const pill = statePill();
  const figures = h("span", { class: "muted small number" });
  const cameras = h("select", { "aria-label": "Camera", hidden: true, onchange: () => stage.start(cameras.value) });
  const stop = h("button", { onclick: () => stage.stop() }, "Turn off");
  const retry = h("button", { hidden: true }, "Try again");
  const bar = h("div", { class: "bar-below", hidden: true }, pill.element, figures, h("span", { class: "more" }), retry, cameras, stop);
  const labels = chips(true);
  const element = h("section", { class: "panel stage", "aria-label": "Your camera, live" }, scene, bar, h("div", { class: "labels" }, labels.element));
  let told = "";
  let degradedAt = null;

  function showNote(text) {
    note.hidden = !text;
    say(note, text);
  }

  function tellNews(events) {
    const news = events.join(", ");
    if (news && news !== told) tell(news);
    told = news;
  }

  return {
    element, cover, corner, video, canvas, start, mistake,
    on(isMirrored) {
      welcome.hidden = true;
      bar.hidden = false;
      video.classList.toggle("is-mirrored", isMirrored);
      if (video.videoWidth) scene.style.aspectRatio = `${video.videoWidth} / ${video.videoHeight}`;
    },
    off(reason, canStart) {
      welcome.hidden = false;
      bar.hidden = true;
      showNote("");
      labels.update({ scores: [], active: [] });
      start.hidden = !canStart;
      mistake.hidden = !reason;
      say(mistake, reason);
    },
    showCameras(found, current) {
      cameras.hidden = found.length < 2;
      cameras.replaceChildren(...found.map(({ id, name }) => h("option", { value: id, selected: id === current }, name)));
    },
    showConnection(state, reason, again) {
      retry.hidden = state !== "full";
      retry.onclick = again;
      if (state !== "open") {
        say(figures, "");
        labels.update({ scores: [], active: [] });
      }
      if (state === "open" || state === "connecting") pill.update({ state: "connecting" });
      else pill.update({ state: "down" });
      const sentence = reason ? `${reason[0].toUpperCase()}${reason.slice(1)}.` : "";
      showNote(
        {
          lost: "The connection to the server was lost; trying again by itself…",
          full: sentence,
          gone: sentence,
        }[state] ?? "",
      );
    },
    showMistake: showNote,
    showSeen(seen, { milliseconds, perSecond, gap, withLabels }) {
      pill.update(seen);
      const rate = perSecond == null ? "" : `${perSecond.toFixed(1)} pictures/s · `;
      say(figures, `${rate}${Math.round(milliseconds)} ms`);
      if (seen.state !== "degraded") degradedAt = null;
      else degradedAt ??= performance.now();
      const isUneven = degradedAt !== null && performance.now() - degradedAt > PATIENCE_MS;
      showNote(troubleOf(seen.state, perSecond, isUneven ? gap : null));
      labels.update(withLabels ? { scores: seen.scores, active: seen.events } : { scores: [], active: [] });
      if (withLabels) tellNews(seen.events);
    },
  };
}

/** Why there may be no labels, and what to do; "" if all is well. `gap` is null unless gaps are why. */
function troubleOf(state, perSecond, gap) {
  const advice = "Close other programs or cameras, come closer to the router, or make more light: in the dark, cameras are slow.";
  if (perSecond != null && perSecond < LEAST_PER_SECOND) {
    return `Only ${perSecond.toFixed(1)} pictures a second are seen; labels need at least ${LEAST_PER_SECOND}. ${advice}`;
  }
  if (gap !== null) {
    const gaps = gap > LONGEST_GAP_MS ? `${Math.round(gap)} ms lay between two pictures; labels need one every ${LONGEST_GAP_MS} ms. ` : "";
    return `Pictures come too unevenly for labels. ${gaps}${advice}`;
  }
  return ["ok", "warming_up", "connecting", "degraded"].includes(state) ? "" : `${stateName(state)}: no labels are given now.`;
}

/** The camera of this browser; for a lesson, with its model. */
export const openStage = (lesson = null) => new Stage(lesson);
