// What the server tells: how cameras and machine are, and events as they come. It finds a lost
// server again by itself, and asks nothing while nobody sees the page.

const SILENCE_MS = 8000;
const RETRY_MS = [1000, 2000, 4000, 8000];
const HIDDEN_MS = 20000;
const HISTORY_MS = 60000;

/** Tells "cameras", "event", "machine", "missed" and "state" to its listeners. */
class Live extends EventTarget {
  cameras = [];
  machine = null;
  state = "connecting";
  /** By camera: scores of the last minute, as [{ at, scores: Map }]. */
  histories = new Map();
  #source = null;
  #timer = 0;
  #watchdog = 0;
  #attempt = 0;
  #version = null;
  #isBehind = false;

  start() {
    document.addEventListener("visibilitychange", () => {
      clearTimeout(this.#timer);
      if (!document.hidden) this.#connect();
      else this.#timer = setTimeout(() => this.#close(), HIDDEN_MS);
    });
    this.#connect();
  }

  camera(id) {
    return this.cameras.find((one) => one.id === id);
  }

  /** Take over what an answer of the API says of a camera. */
  setCamera(camera) {
    const place = this.cameras.findIndex((one) => one.id === camera.id);
    if (place < 0) this.cameras = [...this.cameras, camera];
    else this.cameras[place] = camera;
    this.#tell("cameras");
  }

  #connect() {
    if (this.#source && this.#source.readyState !== EventSource.CLOSED) return;
    const source = new EventSource("/api/news");
    this.#source = source;
    this.#listen();
    const on = (kind, does) =>
      source.addEventListener(kind, (message) => {
        this.#listen();
        does(JSON.parse(message.data));
      });
    on("hello", ({ version }) => {
      if (this.#version !== null && this.#version !== version) location.reload();
      this.#version = version;
      this.#attempt = 0;
      this.#setState("live");
      if (this.#isBehind) this.#tell("missed");
      this.#isBehind = false;
    });
    on("cameras", ({ cameras }) => {
      this.cameras = cameras;
      this.#remember();
      this.#tell("cameras");
    });
    on("camera", (camera) => this.setCamera(camera));
    on("gone", ({ id }) => {
      this.cameras = this.cameras.filter((one) => one.id !== id);
      this.#tell("cameras");
    });
    on("event", (event) => this.#tell("event", event));
    on("machine", (machine) => {
      this.machine = machine;
      this.#tell("machine");
    });
    on("missed", () => this.#tell("missed"));
    source.onerror = () => this.#lose();
  }

  #listen() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lose(), SILENCE_MS);
  }

  #close() {
    clearTimeout(this.#watchdog);
    this.#isBehind = true;
    this.#source?.close();
    this.#source = null;
  }

  #lose() {
    this.#close();
    this.#setState("lost");
    clearTimeout(this.#timer);
    if (document.hidden) return;
    const wait = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(async () => {
      // The event source does not say why it failed; an answer does.
      const answer = await fetch("/api/machine").catch(() => null);
      if (answer?.status === 401) location.assign("/login");
      else this.#connect();
    }, wait);
  }

  #remember() {
    const at = Date.now();
    const known = new Set();
    for (const camera of this.cameras) {
      known.add(camera.id);
      const history = this.histories.get(camera.id) ?? [];
      history.push({ at, scores: new Map(camera.scores.map((one) => [one.label, one.score])) });
      while (history[0].at < at - HISTORY_MS) history.shift();
      this.histories.set(camera.id, history);
    }
    for (const id of this.histories.keys()) if (!known.has(id)) this.histories.delete(id);
  }

  #setState(state) {
    if (this.state === state) return;
    this.state = state;
    this.#tell("state");
  }

  #tell(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }
}

export const live = new Live();
