// Asks the API, and turns its errors into ones that a person can read.

export class ApiError extends Error {
  constructor(status, text) {
    super(text);
    this.status = status;
  }
}

export async function ask(method, path, body) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError(0, "The server does not answer. Is rtaction serve still running?");
  }
  if (answer.status === 401) {
    location.assign("/login");
    throw new ApiError(401, "You are no longer logged in.");
  }
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new ApiError(answer.status, content.error ?? `The server answers ${answer.status}.`);
  return content;
}

const id = encodeURIComponent;

export const api = {
  cameras: () => ask("GET", "/api/cameras"),
  change: (camera, change) => ask("PATCH", `/api/cameras/${id(camera)}`, change),
  events(filter) {
    const given = Object.entries(filter).filter(([, value]) => value != null && value !== "");
    return ask("GET", `/api/events?${new URLSearchParams(given)}`);
  },
  event: (event) => ask("GET", `/api/events/${id(event)}`),
  judge: (event, verdict) =>
    verdict == null
      ? ask("DELETE", `/api/events/${id(event)}/verdict`)
      : ask("PUT", `/api/events/${id(event)}/verdict`, { verdict }),
  features: () => ask("GET", "/api/features"),
  offer: (camera, width, drawn, sdp) =>
    ask("POST", `/api/cameras/${id(camera)}/webrtc?drawn=${drawn ? 1 : 0}&width=${width}`, { type: "offer", sdp }),
  machine: () => ask("GET", "/api/machine"),
  reload: () => ask("POST", "/api/reload"),
};

export const address = {
  picture: (camera, width) => `/api/cameras/${id(camera)}/picture.jpg?drawn=1&width=${width}`,
  stream: (camera, width, drawn) =>
    `/api/cameras/${id(camera)}/stream.mjpg?drawn=${drawn ? 1 : 0}&width=${width}`,
  clip: (event) => `/api/events/${id(event)}/clip`,
  snapshot: (event) => `/api/events/${id(event)}/snapshot`,
  csv: (day) => `/api/events.csv?day=${id(day)}`,
};
