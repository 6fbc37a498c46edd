// The camera of this browser, and pictures of it as the server wants them.

const MOST_PIXELS = 640;
const QUALITY = 0.8;
// After which a picture counts as new, whether or not the browser says so.
const STALE_MS = 120;

const MISTAKES = {
  NotAllowedError: "The browser may not use the camera. Allow it for this page (the camera sign beside the address), then try again.",
  SecurityError: "The browser does not let this page use the camera.",
  NotFoundError: "No camera was found. Plug one in, then try again.",
  OverconstrainedError: "This camera cannot be used any more. Choose another one.",
  NotReadableError: "The camera is there but gives no picture. Close other programs that use it, then try again.",
  AbortError: "The camera did not start. Try again.",
};

/** Why a page at this address gets no camera, or null if it does. */
export function obstacle() {
  if (window.isSecureContext && navigator.mediaDevices?.getUserMedia) return null;
  if (window.isSecureContext) return "This browser gives pages no camera. Try another one.";
  const port = location.port ? `:${location.port}` : "";
  return (
    `Browsers lend a camera only to pages at localhost or by https, and this one came from ${location.origin}. ` +
    `On the machine that runs rtaction, open http://localhost${port}. From others, give rtaction serve a certificate ` +
    "(--tls-cert), or put a proxy with https in front of it."
  );
}

export class Webcam {
  isMirrored = true;
  #video;
  #stream = null;
  #canvas = document.createElement("canvas");
  #lastSeconds = 0;
  #takenAt = 0;
  #isFresh = false;
  #onLost;

  constructor(video, onLost) {
    this.#video = video;
    this.#onLost = onLost;
    const onFrame = () => {
      this.#isFresh = true;
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback?.(onFrame);
  }

  get isOn() {
    return this.#stream !== null;
  }

  /** Start a camera, by default the one that faces who looks. Throws an error that a person can read. */
  async start(device = null) {
    this.stop();
    const which = device ? { deviceId: { exact: device } } : { facingMode: "user" };
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { ...which, width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } },
        audio: false,
      });
    } catch (error) {
      throw new Error(MISTAKES[error.name] ?? `The camera cannot be used: ${error.message}`);
    }
    this.stop();
    this.#stream = stream;
    const [track] = stream.getVideoTracks();
    track.addEventListener("ended", () => {
      if (this.#stream !== stream) return;
      this.stop();
      this.#onLost();
    });
    this.isMirrored = track.getSettings().facingMode !== "environment";
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => null); // a stop in the meantime ends it
  }

  stop() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
    this.#video.srcObject = null;
  }

  get device() {
    return this.#stream?.getVideoTracks()[0].getSettings().deviceId;
  }

  /** All cameras, as [{ id, name }]. */
  async cameras() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    return devices
      .filter((one) => one.kind === "videoinput")
      .map((one, place) => ({ id: one.deviceId, name: one.label || `Camera ${place + 1}` }));
  }

  /** What it shows now as a message for the server, not mirrored; null if it shows nothing new. */
  async picture() {
    const { videoWidth: width, videoHeight: height } = this.#video;
    if (!this.isOn || !width || this.#video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return null;
    const now = performance.now();
    if (!this.#isFresh && now - this.#takenAt < STALE_MS) return null;
    this.#isFresh = false;
    this.#takenAt = now;
    const scale = Math.min(1, MOST_PIXELS / Math.max(width, height));
    const canvas = this.#canvas;
    const size = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
    canvas.getContext("2d", { alpha: false }).drawImage(this.#video, 0, 0, ...size);
    // Some browsers round their clock; the server wants one that only increases.
    this.#lastSeconds = Math.max(now / 1000, this.#lastSeconds + 0.001);
    const seconds = this.#lastSeconds;
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
    if (!blob) return null;
    const message = new Uint8Array(8 + blob.size);
    new DataView(message.buffer).setFloat64(0, seconds, true);
    message.set(new Uint8Array(await blob.arrayBuffer()), 8);
    return message;
  }
}
