// Short tones, for who stands too far away to read.

const TONES = {
  tick: [[660, 0.07]],
  begin: [[880, 0.2]],
  end: [[990, 0.09], [1320, 0.14]],
  refused: [[330, 0.14], [220, 0.25]],
};
const LOUDNESS = 0.12;
let context = null;

/** Play a tone by its name. The first one has to follow a click, or browsers stay silent. */
export function beep(name) {
  if (!window.AudioContext) return;
  context ??= new AudioContext();
  if (context.state === "suspended") context.resume();
  let at = context.currentTime;
  for (const [hertz, seconds] of TONES[name]) {
    const tone = context.createOscillator();
    const gain = context.createGain();
    tone.frequency.value = hertz;
    gain.gain.setValueAtTime(LOUDNESS, at);
    gain.gain.exponentialRampToValueAtTime(0.001, at + seconds);
    tone.connect(gain).connect(context.destination);
    tone.start(at);
    tone.stop(at + seconds);
    at += seconds;
  }
}
