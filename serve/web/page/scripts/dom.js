// Elements, and times and numbers for people. It knows nothing of cameras.

/** An element. Properties that begin with "on" are listeners; others are attributes. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Set a text only if it differs, so that selections and readers are left in peace. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Read out by a screen reader, when it has time. */
export function tell(text) {
  document.getElementById("told").textContent = text;
}

const two = (number) => String(number).padStart(2, "0");

export const clock = (at) =>
  new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** The day where the reader is, as YYYY-MM-DD. */
export function dayOf(at) {
  const day = new Date(at);
  return `${day.getFullYear()}-${two(day.getMonth() + 1)}-${two(day.getDate())}`;
}

/** A time that names its day unless it is today. */
export function when(at) {
  if (dayOf(at) === dayOf(Date.now())) return clock(at);
  return `${new Date(at).toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock(at)}`;
}

export function duration(seconds) {
  if (seconds == null) return "going on";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  if (minutes < 1440) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

export function age(seconds) {
  if (seconds == null) return "no picture";
  if (seconds < 1) return "now";
  return `${seconds < 60 ? `${Math.round(seconds)} s` : duration(seconds)} old`;
}

export function milliseconds(seconds) {
  return seconds == null ? "–" : `${Math.round(seconds * 1000)} ms`;
}

export function bytes(count) {
  if (count == null) return "–";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), units.length - 1);
  const value = count / 2 ** (10 * power);
  return `${value < 10 && power ? value.toFixed(1) : Math.round(value)} ${units[power]}`;
}

export const percent = (score) => `${Math.round(score * 100)} %`;
export const plural = (count, one, more = `${one}s`) => `${count} ${count === 1 ? one : more}`;
