// The card that shows what is known of a mark or word, beside it: on hover, on focus, on a tap.

import { element, percent, visible } from "./dom.js";

export class Card {
  constructor(card, panes) {
    this.card = card;
    this.sources = new Map(); // from a pane to its answer and view
    for (const [event, handler] of Object.entries({
      pointerover: (e) => this.show(e.target),
      pointerout: () => this.hide(),
      focusin: (e) => this.show(e.target),
      focusout: () => this.hide(),
      click: (e) => this.show(e.target),
    })) panes.addEventListener(event, handler);
    addEventListener("keydown", (e) => e.key === "Escape" && this.hide());
    addEventListener("scroll", () => this.hide(), { passive: true });
  }

  show(target) {
    const place = target.closest?.("[data-sentence]");
    if (!place || place.dataset.sentence === "") return;
    const { answer, view } = this.sources.get(place.closest(".pane"));
    const sentence = answer.sentences[Number(place.dataset.sentence)];
    const [first, last] = [Number(place.dataset.first), Number(place.dataset.last)];
    this.card.replaceChildren(...contentOf(sentence, first, last, place.dataset.label, view));
    this.card.hidden = false;
    this.put(place);
    place.setAttribute("aria-describedby", this.card.id);
  }

  hide() {
    this.card.hidden = true;
  }

  // Puts the card below the mark, or above it where there is no room, inside the window.
  put(place) {
    const target = place.getClientRects()[0];
    const { offsetWidth: width, offsetHeight: height } = this.card;
    const left = Math.max(8, Math.min(target.left, document.documentElement.clientWidth - width - 8));
    const below = target.bottom + 8;
    const top = below + height > innerHeight && target.top > height + 8 ? target.top - height - 8 : below;
    this.card.style.setProperty("left", `${left}px`);
    this.card.style.setProperty("top", `${top}px`);
  }
}

function contentOf(sentence, first, last, label, view) {
  const parts = [];
  if (label !== undefined) {
    const description = view.model.labels.find(({ name }) => name === label)?.description;
    const hue = view.hues.get(label) ?? 0;
    const name = element("b", { class: label === "O" ? "chip none" : "chip", style: { "--hue": hue } }, visible(label));
    parts.push(element("p", { class: "card-name" }, name, description ? ` ${description}` : ""));
  }
  const unknown = sentence.tokens.slice(first, last + 1).filter((_, i) => sentence.unknown?.[first + i]);
  if (unknown.length) parts.push(element("p", { class: "hint" }, `unknown from training: ${visible(unknown.join(", "))}`));
  if (!sentence.top_labels) return parts;
  const tables = element("div", { class: "tables" });
  for (let token = first; token <= Math.min(last, first + 3); token++) {
    const rows = Object.entries(sentence.top_labels[token]).map(([name, p]) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, visible(name)),
        element("td", { class: "bar" }, element("span", { style: { width: `${100 * p}%` } })),
        element("td", {}, percent(p)),
      ),
    );
    tables.append(element("table", {}, element("caption", {}, visible(sentence.tokens[token])), element("tbody", {}, ...rows)));
  }
  return [...parts, tables];
}
