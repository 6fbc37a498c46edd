// Records takes one after the other: a countdown, the take, and the next.

import { tell } from "../scripts/dom.js";
import { beep } from "./sound.js";

const PAUSE_SECONDS = 2;
// Longer than any connection that is still of use needs.
const LATE_MS = 15_000;

class Stopped extends Error {}

/** Tells "change" to its listeners whenever one of its properties is another. */
export class Recording extends EventTarget {
  /** "idle", "countdown" or "take". */
  phase = "idle";
  label = "";
  /** Of the series: which take, and of how many. */
  number = 0;
  count = 0;
  secondsLeft = 0;
  takeSeconds = 0;
  #stage;
  #stop = null;

  constructor(stage) {
    super();
    this.#stage = stage;
    stage.addEventListener("state", () => {
      if (!stage.isOn) this.stop("The camera was turned off or the connection lost; the take was dropped.");
    });
  }

  get isIdle() {
    return this.phase === "idle";
  }

  /**
   * Record some takes. `onTake` is called after each that was kept. Throws an error that a person
   * can read if one was not; ends quietly when it was stopped without a reason.
   */
  async series(label, count, { takeSeconds, countdownSeconds, hasSound, onTake }) {
    const stopped = new Promise((_, reject) => (this.#stop = (reason) => reject(new Stopped(reason))));
    stopped.catch(() => null); // it may end before anybody waits for it
    Object.assign(this, { label, count, takeSeconds });
    const sound = (name) => hasSound && beep(name);
    try {
      for (this.number = 1; this.number <= count; this.number += 1) {
        const seconds = this.number === 1 ? countdownSeconds : Math.min(PAUSE_SECONDS, countdownSeconds);
        await this.#countDown(seconds, sound, stopped);
        sound("begin");
        const take = await this.#take(stopped);
        sound(take.kept ? "end" : "refused");
        if (!take.kept) throw new Error(`This take was not kept: ${take.reason}.`);
        tell(`Take ${this.number} of ${count} recorded`);
        onTake();
      }
    } catch (error) {
      if (this.phase === "take" && error instanceof Stopped) this.#stage.ask({ do: "stop" }).catch(() => null);
      if (!(error instanceof Stopped) || error.message) throw error;
    } finally {
      this.#stop = null;
      this.#set("idle", 0);
    }
  }

  stop(reason = "") {
    this.#stop?.(reason);
  }

  async #countDown(seconds, sound, stopped) {
    tell(`${this.label} in ${seconds} ${seconds === 1 ? "second" : "seconds"}`);
    for (let left = seconds; left > 0; left -= 1) {
      this.#set("countdown", left);
      sound("tick");
      await Promise.race([new Promise((resolve) => setTimeout(resolve, 1000)), stopped]);
    }
  }

  async #take(stopped) {
    let listener;
    let timer;
    const ended = new Promise((resolve, reject) => {
      timer = setTimeout(() => reject(new Error("The take did not end in time; try again.")), 1000 * this.takeSeconds + LATE_MS);
      listener = ({ detail }) => {
        if (detail.recording) this.#set("take", detail.recording.seconds_left);
        if (detail.take) resolve(detail.take);
      };
    });
    this.#set("take", this.takeSeconds);
    this.#stage.addEventListener("seen", listener);
    try {
      await Promise.race([this.#stage.ask({ do: "record", label: this.label, seconds: this.takeSeconds }), stopped]);
      return await Promise.race([ended, stopped]);
    } finally {
      clearTimeout(timer);
      this.#stage.removeEventListener("seen", listener);
    }
  }

  #set(phase, secondsLeft) {
    Object.assign(this, { phase, secondsLeft });
    this.dispatchEvent(new Event("change"));
  }
}
