// Shows the OpenAPI document for people.

import { h } from "./dom.js";

const root = document.getElementById("docs");

async function show() {
  const answer = await fetch("/openapi.json");
  const spec = await answer.json();
  root.append(
    h("p", { class: "muted" }, spec.info.description, " The whole as ", h("a", { href: "/openapi.json" }, "OpenAPI 3.1"), "."),
    h("p", { class: "muted" }, "With a token: ", h("code", {}, "curl -H \"Authorization: Bearer $RTACTION_TOKEN\" "), h("code", {}, `${location.origin}/api/cameras`)),
  );
  const groups = new Map();
  for (const [path, methods] of Object.entries(spec.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const [group] = operation.tags;
      groups.set(group, [...(groups.get(group) ?? []), endpoint(method, path, operation)]);
    }
  }
  for (const [group, endpoints] of groups) root.append(h("section", {}, h("h2", {}, group), endpoints));
  root.append(h("section", {}, h("h2", {}, "What the JSON holds"), Object.entries(spec.components.schemas).map(schema)));
}

function endpoint(method, path, { summary, parameters, responses, requestBody }) {
  const rows = parameters.map((one) =>
    h("tr", {}, h("td", {}, h("code", {}, one.name)), h("td", {}, typeText(one.schema) + (one.required ? ", required" : "")), h("td", {}, one.description)),
  );
  const answers = Object.entries(responses).map(([status, one]) => {
    const media = Object.entries(one.content ?? {}).map(([type, { schema }]) => (schema ? nameOf(schema) : type)).join(", ");
    return h("tr", {}, h("td", {}, h("code", {}, status)), h("td", {}, media), h("td", {}, one.description));
  });
  return h(
    "details",
    { class: "panel" },
    h("summary", {}, h("b", {}, method.toUpperCase()), h("code", {}, path), h("span", {}, summary)),
    h(
      "div",
      { class: "inside" },
      rows.length > 0 && h("h3", {}, "Parameters"),
      rows.length > 0 && h("div", {}, h("table", {}, rows)),
      requestBody && h("p", {}, "Body: ", h("code", {}, nameOf(requestBody.content["application/json"].schema))),
      h("h3", {}, "Answers"),
      h("div", {}, h("table", {}, answers)),
    ),
  );
}

function schema([name, content]) {
  return h("details", { class: "panel" }, h("summary", {}, h("b", {}, "JSON"), h("code", {}, name), h("span", {}, content.description ?? "")), h("div", { class: "inside" }, h("pre", { tabindex: 0 }, JSON.stringify(content, null, 2))));
}

const nameOf = (content) => content.$ref?.split("/").at(-1) ?? "";

function typeText({ type, format, minimum, maximum, default: given }) {
  const range = minimum === undefined ? "" : ` ${minimum} to ${maximum}`;
  return `${format ?? type}${range}${given === undefined ? "" : `, ${given} if left out`}`;
}

show().catch((error) => root.append(h("p", { class: "mistake" }, `The document cannot be shown: ${error.message}`)));
