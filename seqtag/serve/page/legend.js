// The labels of the models with their meaning, and how often each occurs in the text and in the
// corpus. Pressing one hides it.

import { element, visible } from "./dom.js";

export function legendOf(models, hues, answers, hidden, onPress) {
  return models.map((model, number) => {
    const counts = new Map();
    for (const sentence of answers[number]?.sentences ?? []) {
      for (const label of model.spans ? sentence.spans.map(({ type }) => type) : sentence.labels) {
        counts.set(label, (counts.get(label) ?? 0) + 1);
      }
    }
    const rows = model.labels.map(({ name, description, count, f1 }) => {
      const here = counts.get(name) ?? 0;
      const known = [];
      if (count !== null) known.push(`${count.toLocaleString("en")} in ${model.counted_in}`);
      if (f1 !== null) known.push(`F1 ${(100 * f1).toFixed(0)}`);
      const button = element(
        "button",
        {
          type: "button",
          class: name === "O" ? "chip none" : "chip",
          "aria-pressed": String(!hidden.has(name)),
          style: { "--hue": hues.get(name) ?? 0 },
          on: { click: () => onPress(name) },
        },
        visible(name),
      );
      return element(
        "li",
        { class: here ? "" : "absent" },
        button,
        element("span", { class: "meaning" }, description ?? ""),
        element("span", { class: "count" }, here ? `${here.toLocaleString("en")} here` : ""),
        element("small", {}, known.join(", ")),
      );
    });
    const parts = models.length > 1 ? [element("h3", {}, visible(model.name))] : [];
    return element("div", {}, ...parts, element("ul", { class: "labels" }, ...rows));
  });
}
