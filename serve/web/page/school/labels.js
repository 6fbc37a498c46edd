// The labels of a lesson as cards: named, recorded, counted.

import { h, plural, say } from "../scripts/dom.js";

/** What is none of the other labels has this one. */
export const BACKGROUND = "nothing";
const SERIES = 5;

/** Why a text can be no label, or "" if it can. */
function unfit(label, others) {
  if (!label) return "Give it a name first, such as wave.";
  if (label.length > 60) return "Expected at most 60 characters.";
  if (label.startsWith(".") || /[/\\:*?"<>|{}\p{C}]/u.test(label)) return 'Expected a name without / \\ : * ? " < > | { }, and no dot in front.';
  if (others.includes(label)) return "There is a label of this name already.";
  return "";
}

/**
 * The cards. `actions` are `record(label, count)`, `removeTake(label)` and `canRecord()`.
 * Names that have no take yet are remembered in this tab only.
 */
export function labelCards(lesson, actions) {
  const list = h("ul", { class: "label-cards" });
  const add = h("button", { onclick: addCard }, "+ Add a label");
  const element = h("div", { class: "column" }, list, h("div", {}, add));
  const key = `rtaction-labels-${lesson}`;
  let cards = [];
  let state = { canChange: false, canRecord: false, busyLabel: null };

  function addCard() {
    const one = card("", 0);
    const background = cards.findIndex((other) => other.label === BACKGROUND);
    insert(one, background < 0 ? cards.length : background);
    one.focus();
  }

  function insert(one, place) {
    cards.splice(place, 0, one);
    list.insertBefore(one.element, list.children[place] ?? null);
    one.update(state);
  }

  function remember() {
    sessionStorage.setItem(key, JSON.stringify(cards.map((one) => one.label)));
  }

  function card(label, count) {
    const name = h("input", {
      type: "text", class: "name", value: label, placeholder: "wave, left hook, …", maxlength: 60,
      "aria-label": "Name of the label", autocomplete: "off", spellcheck: "false",
      oninput: () => {
        one.label = name.value.trim();
        showMistake("");
        nameButtons();
      },
      onchange: () => {
        name.value = one.label;
        if (one.label) showMistake(unfit(one.label, labelsBut(one)));
        remember();
      },
      onkeydown: (event) => {
        if (event.key === "Enter") record.focus();
      },
    });
    const title = h("h3", { class: "name" });
    const counted = h("span", { class: "muted small number count" });
    const mistake = h("p", { class: "mistake small", role: "alert", hidden: true });
    const record = h("button", { class: "primary", onclick: () => start(1) }, "Record");
    const several = h("button", { onclick: () => start(SERIES) }, `Record ${SERIES}`);
    const remove = h("button", { class: "quiet", onclick: () => removeLast() });
    const about = h("p", { class: "muted small" }, "The background: stand, walk, scratch your head, turn around. Everything that is none of your labels; without it, each movement would get one of them.");
    const element = h(
      "li",
      { class: "label-card panel" },
      h("div", { class: "name-line" }, name, title, counted),
      about,
      h("div", { class: "buttons" }, record, several, remove),
      mistake,
    );
    const one = {
      element, label, count,
      focus: () => name.focus(),
      showMistake,
      update({ canChange, canRecord, busyLabel }) {
        const isBackground = one.label === BACKGROUND;
        const isFixed = one.count > 0 || isBackground;
        name.hidden = isFixed;
        title.hidden = !isFixed;
        say(title, one.label);
        say(counted, one.count ? plural(one.count, "take") : "no takes yet");
        about.hidden = !isBackground;
        record.disabled = several.disabled = !canRecord;
        remove.hidden = isBackground && !one.count;
        say(remove, one.count ? "Delete last" : "Remove");
        nameButtons();
        remove.disabled = !canChange;
        element.classList.toggle("is-recorded", busyLabel !== null && busyLabel === one.label);
      },
    };

    function nameButtons() {
      const label = one.label || "this label";
      record.setAttribute("aria-label", `Record a take of ${label}`);
      several.setAttribute("aria-label", `Record ${SERIES} takes of ${label}`);
      remove.setAttribute("aria-label", one.count ? `Delete the last take of ${label}` : `Remove ${label}`);
    }

    function showMistake(text) {
      mistake.hidden = !text;
      say(mistake, text);
    }

    function start(times) {
      const why = isNameFixed() ? "" : unfit(one.label, labelsBut(one));
      showMistake(why);
      if (why) return name.focus();
      remember();
      return actions.record(one.label, times);
    }

    const isNameFixed = () => one.count > 0 || one.label === BACKGROUND;

    function removeLast() {
      showMistake("");
      if (one.count) return actions.removeTake(one.label);
      cards = cards.filter((other) => other !== one);
      element.remove();
      remember();
      return add.focus();
    }

    return one;
  }

  const labelsBut = (one) => cards.filter((other) => other !== one).map((other) => other.label);

  let remembered = [];
  try {
    remembered = JSON.parse(sessionStorage.getItem(key)) ?? [];
  } catch {
    sessionStorage.removeItem(key);
  }
  if (!remembered.length) remembered = ["", BACKGROUND];
  for (const label of remembered) insert(card(label, 0), cards.length);

  return {
    element,
    /** Take over what the server has. */
    set(takes) {
      const counts = new Map(takes.map((one) => [one.label, one.count]));
      for (const one of cards) one.count = counts.get(one.label) ?? 0;
      for (const [label, count] of counts) {
        if (cards.some((one) => one.label === label)) continue;
        const empty = cards.find((one) => !one.label);
        if (empty) cards.splice(cards.indexOf(empty), 1) && empty.element.remove();
        insert(card(label, count), Math.max(cards.findIndex((one) => one.label === BACKGROUND), 0));
      }
      remember();
    },
    /** `busyLabel` is the one that is being recorded, or null. */
    update(now) {
      state = now;
      for (const one of cards) one.update(state);
      add.disabled = !state.canChange;
    },
    showMistake(label, text) {
      cards.find((one) => one.label === label)?.showMistake(text);
    },
  };
}
