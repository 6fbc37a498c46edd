// The web socket by which pictures go to the server. Each message has one answer, in order.

const RETRY_MS = [500, 1000, 2000, 4000];
// Codes by which the server says that trying again is of no use by itself.
const FINAL = { 4404: "gone", 4429: "full" };

/** Tells "state" to its listeners. */
export class Eye extends EventTarget {
  /** "closed", "connecting", "open", "lost", and "gone" or "full" if the server refuses. */
  state = "closed";
  reason = "";
  #address;
  #socket = null;
  #waiting = [];
  #attempt = 0;
  #timer = 0;

  constructor(lesson) {
    super();
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const query = lesson ? `?lesson=${encodeURIComponent(lesson)}` : "";
    this.#address = `${scheme}://${location.host}/api/eye${query}`;
  }

  open() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.#setState(this.state === "lost" ? "lost" : "connecting", this.reason);
    const socket = new WebSocket(this.#address);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => this.#socket === socket && this.#setState("open");
    socket.onmessage = ({ data }) => this.#socket === socket && this.#take(JSON.parse(data));
    socket.onclose = ({ code }) => this.#lose(socket, code);
  }

  close() {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#forget();
    this.#setState("closed");
  }

  /** The answer to a message: JSON, or a picture with its time as bytes. */
  ask(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error("There is no connection to the server."));
    this.#socket.send(ArrayBuffer.isView(message) ? message : JSON.stringify(message));
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #take(answer) {
    this.#attempt = 0;
    const asker = this.#waiting.shift();
    this.reason = answer.error ?? ""; // the last one may be why the server closes
    if (answer.error) asker?.reject(new Error(answer.error));
    else asker?.resolve(answer);
  }

  #lose(socket, code) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    this.#forget();
    const final = FINAL[code];
    this.#setState(final ?? "lost", this.reason);
    if (final) return;
    const wait = RETRY_MS[Math.min(this.#attempt++, RETRY_MS.length - 1)];
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #forget() {
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("The connection to the server was lost."));
  }

  #setState(state, reason = "") {
    this.state = state;
    this.reason = reason;
    this.dispatchEvent(new Event("state"));
  }
}
