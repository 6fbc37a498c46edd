// Names actions in a browser, with an ONNX file made by `rtaction export` and onnxruntime-web.
// Beside this file: ort.wasm.bundle.min.mjs and ort-wasm-simd-threaded.wasm of onnxruntime-web.
import * as ort from "./ort.wasm.bundle.min.mjs";

/** Load a model and its contract, which onnxruntime-web does not read out of the file. */
export async function load(modelUrl, specUrl) {
  ort.env.wasm.numThreads = self.crossOriginIsolated ? 0 : 1; // more threads need these headers
  const spec = await (await fetch(specUrl)).json();
  if (spec.modality !== "rgb") throw new Error(`expected a model of rgb, got ${spec.modality}`);
  const session = await ort.InferenceSession.create(modelUrl);
  const canvas = new OffscreenCanvas(spec.width, spec.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  return { spec, session, context };
}

/** One picture, from a <video>, an <img> or a bitmap: Uint8Array of height * width * 3, RGB. */
export function pictureOf({ spec, context }, source) {
  context.drawImage(source, 0, 0, spec.width, spec.height);
  const rgba = context.getImageData(0, 0, spec.width, spec.height).data;
  const rgb = new Uint8Array(spec.height * spec.width * 3);
  for (let from = 0, to = 0; to < rgb.length; from += 4) {
    rgb[to++] = rgba[from];
    rgb[to++] = rgba[from + 1];
    rgb[to++] = rgba[from + 2];
  }
  return rgb;
}

/** Scores of one clip, in the order of spec.labels, from its pictures, the oldest first. */
export async function scoresOf({ spec, session }, pictures) {
  const shape = [1, spec.frames_per_clip, spec.height, spec.width, 3];
  const clip = new Uint8Array(shape.reduce((product, side) => product * side));
  pictures.forEach((picture, number) => clip.set(picture, number * picture.length));
  const feeds = { [session.inputNames[0]]: new ort.Tensor("uint8", clip, shape) };
  return (await session.run(feeds))[session.outputNames[0]].data;
}
