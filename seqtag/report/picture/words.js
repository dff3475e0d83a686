// The words above the plots, with roles and labels; and the bar that reads the chosen values.

const ROLES = {
  subject: "subject",
  "new subject": "new subject",
  "other person": "other person",
  person: "person",
};

// The words of a trace as a list from which one is chosen; it stays at the top of the window.
class WordStrip extends Plot {
  constructor(track, id, describe) {
    super(track, 0, "words");
    this.id = id;
    this.canvas.remove();
    this.element.setAttribute("role", "listbox");
    this.element.setAttribute("aria-orientation", "horizontal");
    this.element.setAttribute(
      "aria-label",
      "The words of the sentence: arrow keys choose a word and a unit",
    );
    this.element.classList.add("sq-words");
    this.options = track.trace.tokens.map((token, place) =>
      this.option(token, place, describe(place)),
    );
    this.content.append(...this.options);
  }

  option(token, place, description) {
    const { trace, colours } = this.track;
    const person = trace.persons.find((one) => one.position === place);
    const other = trace instanceof Difference ? trace.second : trace;
    const changed = other.tokens[place] !== token;
    return element(
      "div",
      {
        class: "sq-token",
        role: "option",
        id: `${this.id}-${place}`,
        "aria-selected": "false",
        "aria-label": description,
      },
      person &&
        element(
          "span",
          { class: "sq-role", style: { color: colours.label(person.form) } },
          ROLES[person.role],
        ),
      element(
        "span",
        {
          class: `sq-turn${trace.isUnknown.has(place) ? " sq-unknown" : ""}${changed ? " sq-changed" : ""}`,
        },
        word(token),
        changed ? element("span", {}, " | ", word(other.tokens[place])) : null,
        trace.isUnknown.has(place) ? element("sup", {}, "?") : null,
      ),
      this.chip(trace, other, place),
    );
  }

  chip(trace, other, place) {
    const label = trace.labels[place];
    const text = other.labels[place] === label ? label : `${label} | ${other.labels[place]}`;
    return element(
      "span",
      { class: "sq-chip", style: { "--sq-of": this.track.colours.label(label) } },
      word(text),
    );
  }

  resize() {
    const { track } = this;
    const longest = Math.max(...track.trace.tokens.map((token) => [...token].length));
    const isSlanted = track.column < Math.min(WIDEST, 7 * longest + 2);
    this.element.classList.toggle("sq-slanted", isSlanted);
    this.content.style.width = `${GUTTER + track.column * track.trace.length}px`;
    const chip = Math.max(...track.trace.labels.map((label) => [...label].length));
    const isSteep = isSlanted && chip * 6 + 5 > track.column;
    this.element.classList.toggle("sq-steep", isSteep);
    this.height =
      (isSlanted ? 34 + 5.6 * Math.min(16, longest) : 42) +
      (isSteep ? 8 + 6.5 * Math.min(9, chip) : 26);
    this.content.style.height = `${this.height}px`;
    this.options.forEach((option, place) => {
      option.style.left = `${GUTTER + track.left(place)}px`;
      option.style.width = `${track.column}px`;
    });
    this.band.style.width = `${track.column}px`;
  }

  draw() {}

  mark(place) {
    super.mark(place);
    if (this.chosen !== undefined) this.options[this.chosen].setAttribute("aria-selected", "false");
    this.chosen = place ?? undefined;
    if (place === null) return this.element.removeAttribute("aria-activedescendant");
    this.options[place].setAttribute("aria-selected", "true");
    this.element.setAttribute("aria-activedescendant", `${this.id}-${place}`);
  }
}

// Returns what is known of a word, as a text.
function describeWord(trace, place) {
  const person = trace.persons.find((one) => one.position === place);
  const parts = [trace.tokens[place], `word ${place + 1} of ${trace.length}`];
  if (person) parts.push(`${person.role}, ${person.form}`);
  if (trace.isUnknown.has(place)) parts.push("did not occur in training");
  const label = trace.labels[place];
  const share = trace.probability(place, trace.label_names.indexOf(label));
  parts.push(
    `label ${label}${Number.isNaN(share) || share === undefined ? "" : `, ${percent(share)}`}`,
  );
  return parts.join(", ");
}

// The likeliest labels at a word.
function likeliest(trace, place, most = 3) {
  return trace.label_names
    .map((label, i) => [trace.probability(place, i), label])
    .sort((a, b) => b[0] - a[0])
    .slice(0, most)
    .filter(([share]) => share >= 0.005);
}

// Returns the lines that read a unit's values at a word.
function readings(trace, layer, unit, place) {
  const before = layer.endsWith(".bwd") ? place + 1 : place - 1;
  const value = (name, isPrevious) => {
    if (!trace.has(layer, name)) return undefined;
    const at = isPrevious ? before : place;
    const isStart = at < 0 || at >= trace.length;
    const read = isStart ? 0 : trace.at(layer, name, unit, at);
    return isPrevious && isStart ? "0" : number(read);
  };
  const equations = trace.walk.flatMap((step) => step.equations);
  const found = equations.map((equation) => ({
    equation,
    text: withSign(filled(equation, value)),
  }));
  const inEquation = new Set(equations.flatMap((equation) => equation.match(/[A-Za-z_]+/g)));
  const rest = trace.walk.flatMap((step) => step.values).filter((name) => !inEquation.has(name));
  return { equations: found, rest: rest.map((name) => [name, value(name, false)]), value };
}

// Negative numbers after a sign are put in brackets.
function withSign(text) {
  return text.replace(/([×+−/] )(−[\d.]+)/g, "$1($2)");
}

// The bar at the bottom: the chosen word, its labels, and the chosen unit's values.
class Reading {
  constructor(colours) {
    this.colours = colours;
    this.element = element("div", { class: "sq-reading", role: "status", "aria-live": "polite" });
    this.show(null);
  }

  show(trace, layer, place, unit) {
    if (trace === null || place === null) {
      this.element.replaceChildren(
        element(
          "p",
          { class: "sq-hint" },
          "Point at a word or a unit to read its values, or choose one with the arrow keys.",
        ),
      );
      return;
    }
    const traces = trace instanceof Difference ? [trace.first, trace.second] : [trace];
    this.element.replaceChildren(
      ...traces.flatMap((one, part) =>
        this.parts(one, layer, place, unit, traces.length > 1 ? "AB"[part] : ""),
      ),
    );
  }

  parts(trace, layer, place, unit, name) {
    const person = trace.persons.find((one) => one.position === place);
    const about = [`word ${place + 1}`];
    if (person) about.push(`${person.role} (${person.form})`);
    if (trace.isUnknown.has(place)) about.push("not in training");
    const head = element(
      "div",
      { class: "sq-read-word" },
      name ? element("b", { class: "sq-which" }, name) : null,
      element("strong", {}, word(trace.tokens[place])),
      element("span", { class: "sq-soft" }, about.join(" · ")),
      ...likeliest(trace, place).map(([share, label]) =>
        element(
          "span",
          { class: "sq-chip", style: { "--sq-of": this.colours.label(label) } },
          word(label),
          ` ${percent(share)}`,
        ),
      ),
    );
    return [head, unit === undefined ? null : this.unitPart(trace, layer, place, unit)].filter(
      Boolean,
    );
  }

  unitPart(trace, layer, place, unit) {
    const { equations, rest } = readings(trace, layer, unit, place);
    const code = trace.codes[trace.code ?? -1];
    const r = code && code.layer === layer ? trace.correlation(code)[unit] : undefined;
    const names = `${trace.layer(layer).title}, unit ${unit}`;
    const sides = code && `${code.positive.join("/")} against ${code.negative.join("/")}`;
    return element(
      "div",
      { class: "sq-read-unit" },
      element("span", { title: names }, element("strong", {}, `${layer} ${unit}`)),
      element(
        "span",
        { class: "sq-soft" },
        names + (r === undefined ? "" : ` · correlation with ${sides}: ${number(r)}`),
      ),
      ...equations.map(({ equation, text }) =>
        element(
          "span",
          { class: "sq-equation" },
          element("i", {}, equation.replaceAll("'", "′").replaceAll("-", MINUS)),
          text.slice(text.indexOf(" = ")),
          " = ",
          element("b", {}, number(trace.at(layer, equation.split(" ")[0], unit, place))),
        ),
      ),
      ...rest.map(([value, text]) =>
        element("span", { class: "sq-equation" }, element("i", {}, value), ` = ${text}`),
      ),
    );
  }
}
