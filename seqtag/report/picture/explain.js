// The texts of the picture: what to look at, what a step does, what a colour means.

const LEAD = {
  code:
    "The thick line is the mean of the units whose memory follows the form of the subject. " +
    "Watch it at the words marked below: what is held from the subject, what another person " +
    "does to it, and what a new subject erases.",
  plain:
    "Each column is a word and each row is one unit of the network. Go down through the steps, " +
    "which are those that the cell takes at every word, and look for rows that change their " +
    "colour at a word, and for rows that keep it.",
};

function joined(names) {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}

function leadText(trace) {
  return trace.code !== null && trace.guide.length > 0 ? LEAD.code : LEAD.plain;
}

// What to look at: a text, and an item for each person of the sentence.
function lead(trace, text, choose) {
  if (trace instanceof Difference) return differenceLead(trace);
  const hasCode = trace.code !== null && trace.guide.length > 0;
  const parts = [text && element("p", { class: "sq-lead" }, text)];
  if (hasCode) {
    const items = trace.guide.map(({ position, text }) =>
      element(
        "li",
        {},
        element("button", { type: "button", on: { click: () => choose(position) } }, word(text)),
      ),
    );
    parts.push(element("ol", { class: "sq-guide" }, ...items));
  }
  return element("div", {}, ...parts.filter(Boolean));
}

// The name of a trace in a comparison: its model, or the words in which its sentence differs.
function compared(trace, other) {
  if (trace.name !== other.name || !canSubtract(trace, other)) return trace.name;
  const own = trace.tokens.filter((token, place) => token !== other.tokens[place]);
  return own.length ? own.slice(0, 4).join(" … ") : trace.name;
}

function differenceLead({ first, second }) {
  const places = first.tokens
    .map((token, i) => (token === second.tokens[i] ? -1 : i))
    .filter((i) => i >= 0);
  const pairs = places.slice(0, 4).map((i) => `“${first.tokens[i]}” and “${second.tokens[i]}”`);
  const text = places.length
    ? `The sentences differ in ${places.length === 1 ? "one word" : `${places.length} words`}: ` +
      `${joined(pairs)}. Values are those of B minus those of A. A unit that reads from left to ` +
      "right is faint up to the first of these words, because everything before it is equal; what " +
      "has a colour after it is what the network still holds from it."
    : "Both sentences have the same words, so that all values are equal.";
  return element("div", {}, element("p", { class: "sq-lead" }, text));
}

// What the colours of a value mean, with a legend.
function legend(colours, trace, range, sides) {
  const ends = range.isSigned
    ? [`${MINUS}${range.high.toPrecision(2)}`, "0", range.high.toPrecision(2)]
    : ["0", "1"];
  let text = "Full colour is near 1, faint is near 0.";
  if (trace instanceof Difference) {
    text = "Orange is larger in B, blue is smaller in B, faint is equal.";
  } else if (range.isSigned) {
    text = sides
      ? `Signs are turned so that orange is the side of ${sides[0]} and blue that of ${sides[1]}. Faint is near 0.`
      : "Orange is positive, blue is negative, faint is near 0.";
  }
  return element(
    "div",
    { class: "sq-legend" },
    element(
      "span",
      { class: "sq-scale", "aria-hidden": "true" },
      element("span", { class: "sq-bar", style: { background: colours.gradient(range) } }),
      element("span", { class: "sq-ends" }, ...ends.map((end) => element("span", {}, end))),
    ),
    element("span", {}, text),
  );
}

function labelLegend(colours, trace) {
  const shown = new Map();
  for (let place = 0; place < trace.length; place++) {
    for (const [share, label] of likeliest(trace, place, 2)) {
      const type = colours.type(label);
      if (share >= 0.05) shown.set(type, (shown.get(type) ?? 0) + share);
    }
  }
  const types = [...shown].sort((a, b) => b[1] - a[1]).slice(0, 12);
  return element(
    "div",
    { class: "sq-legend" },
    ...types.map(([type]) =>
      element(
        "span",
        { class: "sq-key" },
        element("span", { class: "sq-square", style: { background: colours.label(type) } }),
        word(type),
      ),
    ),
  );
}

// The heading and the two sentences of a step; `number` is its place in the walk.
function stepText(step, position) {
  return element(
    "div",
    { class: "sq-text" },
    element("h2", {}, element("span", { class: "sq-number" }, String(position + 1)), step.title),
    element("p", {}, step.text),
    ...(step.equations.length
      ? [
          element(
            "p",
            { class: "sq-formula" },
            step.equations.map((e) => e.replaceAll("'", "′").replaceAll("-", MINUS)).join("    "),
          ),
        ]
      : []),
  );
}

function valueName(trace, name) {
  const meaning = trace.meanings[name];
  return meaning ? `${name}: ${meaning}` : name;
}

// The values of some units as a table: the alternative to the picture.
function valueTable(trace, layer, name, units) {
  const labels = trace.label_names.length <= 6 ? trace.label_names : [];
  const head = [
    "word",
    "label",
    ...labels.map((label) => `p(${label})`),
    ...units.map((unit) => `${layer} ${unit}`),
  ];
  const rows = trace.tokens.map((token, place) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, word(token), trace.isUnknown.has(place) ? " (?)" : null),
      element("td", {}, word(trace.labels[place])),
      ...labels.map((_, i) => element("td", {}, percent(trace.probability(place, i)))),
      ...units.map((unit) => element("td", {}, number(trace.at(layer, name, unit, place)))),
    ),
  );
  return element(
    "div",
    { class: "sq-table", tabindex: "0", role: "region", "aria-label": "Values as a table" },
    element(
      "table",
      {},
      element(
        "caption",
        {},
        `${valueName(trace, name)} of ${units.length} units, by word. (?): a word that did not occur in training.`,
      ),
      element(
        "thead",
        {},
        element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, word(text)))),
      ),
      element("tbody", {}, ...rows),
    ),
  );
}
