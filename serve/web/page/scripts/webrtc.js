// Video over WebRTC, where the server has it, the browser knows it, and the network lets it through.

import { api } from "./api.js";

const PATIENCE_MS = 4000;
const KNOWN = "RTCPeerConnection" in window && "requestVideoFrameCallback" in HTMLVideoElement.prototype;
let features = null;

/**
 * Show video in an element; gives back how to stop.
 *
 * @param video    where
 * @param offer    sends an offer, and gives the answer
 * @param onPlay   called when the first frame is there
 * @param onFail   called if it cannot be had, or none comes for 4 s
 */
export function play(video, offer, onPlay, onFail) {
  let peer = null;
  let timer = 0;
  let isPlaying = false;
  let isOver = false;

  function stop() {
    isOver = true;
    clearTimeout(timer);
    peer?.close();
    video.srcObject = null;
  }
  function fail() {
    if (isOver) return;
    stop();
    onFail();
  }
  function wait() {
    clearTimeout(timer);
    timer = setTimeout(fail, PATIENCE_MS);
  }
  function onFrame() {
    if (isOver) return;
    wait();
    if (!isPlaying) onPlay();
    isPlaying = true;
    video.requestVideoFrameCallback(onFrame);
  }
  async function start() {
    features ??= api.features();
    if (!(await features).webrtc || isOver) return;
    wait();
    peer = new RTCPeerConnection();
    peer.addTransceiver("video", { direction: "recvonly" });
    peer.addEventListener("track", ({ track }) => {
      video.srcObject = new MediaStream([track]);
      video.requestVideoFrameCallback(onFrame);
    });
    peer.addEventListener("connectionstatechange", () => {
      if (["failed", "closed"].includes(peer.connectionState)) fail();
    });
    // The server learns where we are from what we send it: our own addresses need not be known.
    await peer.setLocalDescription();
    const answer = await offer(peer.localDescription.sdp);
    if (!isOver) await peer.setRemoteDescription(answer);
  }
  if (KNOWN) start().catch(fail);
  return stop;
}
