// The camera of this browser, and what people do there.

import { h } from "../scripts/dom.js";
import { openStage } from "./stage.js";

export const title = () => "My camera";

export function show(root) {
  const stage = openStage();
  root.append(
    h("div", { class: "heading" }, h("h1", {}, "My camera")),
    h(
      "div",
      { class: "teaching" },
      stage.element,
      h(
        "section",
        { class: "panel padded hints" },
        h("h2", {}, "How it sees best"),
        h(
          "ul",
          { class: "bullets" },
          h("li", {}, "Stand so far away that your whole upper body can be seen, better all of you."),
          h("li", {}, "Light from the front; the camera should not move."),
          h("li", {}, "A label comes after a second or two: a movement needs time to be one."),
        ),
        h("p", { class: "muted" }, "It knows the actions of the model that came with rtaction. Others are learned in a few minutes: ", h("a", { href: "#/teach" }, "teach it yours"), "."),
      ),
    ),
  );
  return () => stage.close();
}
