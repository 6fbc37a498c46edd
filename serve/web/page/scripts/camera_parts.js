// How a camera is shown: its state, its labels, and pictures that are fetched only while seen.

import { address, api } from "./api.js";
import { age, duration, h, percent, say } from "./dom.js";
import { play } from "./webrtc.js";

const STATES = {
  connecting: ["Connecting", "warn"],
  warming_up: ["Warming up", "warn"],
  ok: ["Live", "good"],
  degraded: ["Few frames", "warn"],
  overloaded: ["Waits its turn", "warn"],
  black: ["Black", "bad"],
  frozen: ["Frozen", "bad"],
  late: ["Late", "warn"],
  down: ["Down", "bad"],
  refused: ["Refused", "bad"],
  ended: ["Ended", "quiet"],
  disabled: ["Off", "quiet"],
  resting: ["Resting", "quiet"],
};
const OLD_SECONDS = 5;
const STILL_MS = 1000;
const STREAM_WIDTH = 1280;

/** What a state is called. */
export const stateName = (state) => (STATES[state] ?? [state])[0];

/** A pill with the state; `update(camera)` keeps it true. */
export function statePill() {
  const text = h("span");
  const element = h("span", { class: "pill" }, h("span", { class: "dot", "aria-hidden": "true" }), text);
  return {
    element,
    update(camera) {
      element.className = `pill is-${(STATES[camera.state] ?? [, "warn"])[1]}`;
      say(text, stateName(camera.state));
    },
  };
}

/** Why a camera gives no labels, and since when. */
export function reasonOf(camera) {
  if (camera.state === "ok") return "";
  const seconds = Math.max((Date.now() - Date.parse(camera.since)) / 1000, 0);
  return [camera.reason, `for ${duration(seconds)}`].filter(Boolean).join(" · ");
}

/** The best labels as bars; those of events that go on stand out. */
export function chips(many = false) {
  const element = h("div", { class: many ? "chips is-tall" : "chips" });
  return {
    element,
    update(camera) {
      const scores = camera.scores.slice(0, many ? 6 : 3);
      while (element.children.length > scores.length) element.lastChild.remove();
      while (element.children.length < scores.length) {
        element.append(h("span", { class: "chip" }, h("span"), h("span", { class: "number" })));
      }
      scores.forEach(({ label, score }, place) => {
        const chip = element.children[place];
        chip.classList.toggle("is-active", camera.active.includes(label));
        chip.style.setProperty("--score", score.toFixed(3));
        say(chip.firstChild, label);
        say(chip.lastChild, percent(score));
      });
    },
  };
}

const seen = new Map();
const observer = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) seen.get(target)?.(isIntersecting);
}, { rootMargin: "80px" });

/** A still, fetched anew each second while it can be seen. */
export function still() {
  const img = h("img", { alt: "", hidden: true });
  const none = h("p", { class: "none" }, "No picture yet");
  const ageText = h("span", { class: "age number", hidden: true });
  const element = h("div", { class: "picture" }, img, none, ageText);
  let camera = null;
  let isVisible = false;
  let isBusy = false;
  let tag = "";

  async function fetchOne() {
    if (!camera || !isVisible || document.hidden || isBusy) return;
    isBusy = true;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(address.picture(camera.id, widthFor(element)), { headers, cache: "no-store" });
      if (answer.status === 200) {
        const url = URL.createObjectURL(await answer.blob());
        const before = img.src;
        img.src = url;
        await img.decode().catch(() => {});
        if (before) URL.revokeObjectURL(before);
        tag = answer.headers.get("ETag") ?? "";
        img.hidden = false;
        none.hidden = true;
      } else if (answer.status !== 304 && img.hidden) {
        say(none, answer.status === 503 ? "No picture yet" : "No picture");
      }
    } catch {
      // The server is lost, which the page says at its top.
    } finally {
      isBusy = false;
    }
  }

  const timer = setInterval(fetchOne, STILL_MS);
  seen.set(element, (is) => {
    isVisible = is;
    fetchOne();
  });
  observer.observe(element);
  return {
    element,
    update(view) {
      const isFirst = camera === null;
      camera = view;
      showAge(element, ageText, view);
      img.alt = `${view.name}, ${age(view.picture_age_seconds)}`;
      if (isFirst) fetchOne();
    },
    close() {
      clearInterval(timer);
      observer.unobserve(element);
      seen.delete(element);
      if (img.src) URL.revokeObjectURL(img.src);
    },
  };
}

/** As wide as it is shown, in steps, so that viewers share what is made. */
function widthFor(element) {
  const wanted = element.clientWidth * Math.min(devicePixelRatio || 1, 2);
  return Math.min(Math.max(Math.ceil(wanted / 160) * 160, 320), 1280);
}

function showAge(element, ageText, view) {
  const seconds = view.picture_age_seconds;
  const isOld = seconds != null && seconds > OLD_SECONDS;
  element.classList.toggle("is-old", isOld || view.state === "disabled");
  ageText.hidden = !isOld;
  say(ageText, age(seconds));
}

/** Pictures as they come, while the page can be seen: at once as Motion JPEG, then as video if that works. */
export function stream(camera, isDrawn) {
  const img = h("img", { alt: `${camera.name}, live` });
  const ageText = h("span", { class: "age number", hidden: true });
  const video = h("video", { "aria-label": img.alt, autoplay: true, playsinline: true });
  video.muted = true;
  const element = h("div", { class: "picture" }, img, video, ageText);
  let drawn = isDrawn;
  let timer = 0;
  let stop = null;
  let hasFailed = false;

  function showImages(are) {
    video.ariaHidden = are; // it lies above, and shows nothing before its first frame
    img.hidden = !are;
    if (are) img.src = address.stream(camera.id, STREAM_WIDTH, drawn);
    // Without this the browser would keep the connection.
    else img.removeAttribute("src");
  }
  function end() {
    clearTimeout(timer);
    stop?.();
    stop = null;
    showImages(false);
  }
  function flow() {
    end();
    if (document.hidden) return;
    showImages(true);
    if (hasFailed) return;
    const ask = (sdp) => api.offer(camera.id, STREAM_WIDTH, drawn, sdp);
    stop = play(video, ask, () => showImages(false), () => {
      hasFailed = true;
      showImages(true);
    });
  }
  const again = () => {
    clearTimeout(timer);
    timer = setTimeout(flow, 3000);
  };
  img.addEventListener("error", again);
  document.addEventListener("visibilitychange", flow);
  flow();
  return {
    element,
    again() {
      hasFailed = false;
      flow();
    },
    draw(is) {
      drawn = is;
      flow();
    },
    update: (view) => showAge(element, ageText, view),
    close() {
      document.removeEventListener("visibilitychange", flow);
      img.removeEventListener("error", again);
      end();
    },
  };
}
