// The controls of the picture: which value, units, order and traces are shown.

function choice(picture, key, legendText, options) {
  const chosen = String(picture.state[key]);
  const inputs = options.map(([value, text, title]) =>
    element(
      "label",
      { title },
      element("input", {
        type: "radio",
        name: `${picture.id}-${key}`,
        value,
        "data-key": `${key}-${value}`,
        "aria-label": title,
        checked: String(value) === chosen,
        on: { change: () => picture.set({ [key]: value }) },
      }),
      element("span", {}, word(text)),
    ),
  );
  return element(
    "fieldset",
    { class: "sq-choice" },
    element("legend", {}, legendText),
    element("div", {}, ...inputs),
  );
}

function selection(picture, key, labelText, options) {
  const select = element(
    "select",
    { "data-key": key, on: { change: () => picture.set({ [key]: select.value }) } },
    ...options.map(([value, text]) =>
      element("option", { value, selected: String(value) === String(picture.state[key]) }, text),
    ),
  );
  return element("label", { class: "sq-select" }, element("span", {}, labelText), select);
}

// Returns the controls that make a difference for these traces.
function controls(picture) {
  const { state, traces, shownTraces } = picture;
  const [first] = shownTraces;
  const code = picture.code(first);
  const parts = [];
  if (traces.length > 1) parts.push(...comparison(picture));
  const names = [
    ...new Set(shownTraces.flatMap((trace) => trace.walk.flatMap((step) => step.values))),
  ];
  const values = names.map((name) => [name, name, valueName(first, name)]);
  parts.push(choice(picture, "value", "Show", [["all", "all steps"], ...values]));
  if (first.codes.length > 1) parts.push(contrasts(picture));
  const count = first.layer(picture.layerOf(first)).units;
  const some = [12, 30]
    .filter((number) => number < count)
    .map((number) => [String(number), `${number} units`]);
  parts.push(
    selection(picture, "units", "Units", [
      ...(picture.given.length ? [["given", `${picture.given.length} chosen`]] : []),
      ...(code ? [["code", `the ${code.units.length} that code the subject`]] : []),
      ...some,
      ["all", `all ${count}`],
    ]),
  );
  if (!["code", "given"].includes(state.units)) {
    const isPair = state.a !== state.b && canSubtract(traces[state.a], traces[state.b]);
    parts.push(
      selection(picture, "order", "Sort by", [
        ["activity", "activity: most change first"],
        ["position", "number"],
        ...(isPair ? [["difference", "difference between A and B"]] : []),
        ...(code ? [["correlation", "correlation with the subject"]] : []),
      ]),
    );
    if (first.layers.length > 1) {
      parts.push(
        selection(
          picture,
          "layer",
          "Layer",
          first.layers.map(({ name, title }) => [name, title]),
        ),
      );
    }
  }
  return parts;
}

function comparison(picture) {
  const { traces, state } = picture;
  const [a, b] = [traces[state.a], traces[state.b]];
  const options = [
    ["a", "A"],
    ["b", "B"],
  ];
  if (!picture.isNarrow) options.unshift(["both", "side by side"]);
  if (canSubtract(a, b)) options.push(["difference", `B ${MINUS} A`]);
  const parts = [choice(picture, "view", "Compare", options)];
  if (picture.isNarrow && state.view === "both") parts[0].querySelector("input").checked = true;
  if (traces.length > 2) {
    const all = traces.map((trace, index) => [
      index,
      `${trace.name}: ${trace.tokens.join(" ").slice(0, 60)}`,
    ]);
    for (const key of ["a", "b"]) {
      const one = selection(picture, key, key.toUpperCase(), all);
      one
        .querySelector("select")
        .addEventListener("change", (event) => picture.set({ [key]: Number(event.target.value) }));
      parts.push(one);
    }
  }
  return parts;
}

// Which forms of the subject the lines tell apart.
function contrasts(picture) {
  const [first] = picture.shownTraces;
  const options = first.codes.map((code, index) => [
    String(index),
    `${code.positive.join(", ")} against ${code.negative.join(", ")}`,
  ]);
  const select = element(
    "select",
    {
      "data-key": "contrast",
      on: {
        change: () => {
          for (const trace of picture.traces)
            if (trace.codes.length > 1) trace.code = Number(select.value);
          picture.set({});
        },
      },
    },
    ...options.map(([value, text]) =>
      element("option", { value, selected: Number(value) === first.code }, text),
    ),
  );
  return element("label", { class: "sq-select" }, element("span", {}, "Contrast"), select);
}

function codeText(trace, code) {
  const [up, down] = [joined(code.positive), joined(code.negative)];
  return element(
    "div",
    { class: "sq-text" },
    element("h2", {}, "What is held from the subject"),
    element(
      "p",
      {},
      `Each thin line is the ${trace.meanings[code.value] ?? code.value} of one unit: the ` +
        `${code.units.length} that follow the subject's form most closely in other sentences. The ` +
        `thick line is their mean. Up is the side of ${up}, down that of ${down}; dotted: the ` +
        "means after such subjects." +
        (trace instanceof Difference
          ? " Here only the means are drawn: solid for A, dashed for B."
          : ""),
    ),
  );
}

function answersText(hasCode, isDifference, hasUnknown) {
  return element(
    "div",
    { class: "sq-text" },
    element("h2", {}, "What the tagger answers"),
    element(
      "p",
      {},
      "The probability of each label at each word; the predicted one is in full colour." +
        (hasCode
          ? " The tagger was trained at PRON only: at another word, this is its answer if PRON came next."
          : "") +
        (isDifference ? " The left bar is for A, the right one for B." : "") +
        (hasUnknown ? " A word with a question mark did not occur in training." : ""),
    ),
  );
}

// The units of the lines by name; one that is pointed at is drawn thick.
function unitChips(picture, track, code) {
  const chips = code.units.map((unit, index) =>
    element(
      "button",
      {
        type: "button",
        class: "sq-unit",
        title: `correlation ${number(track.trace.correlation(code)[unit])}`,
        on: {
          pointerenter: () => picture.choose(picture.state.place, unit, track),
          focus: () => picture.choose(picture.state.place, unit, track),
        },
      },
      `${code.layer} ${unit}`,
    ),
  );
  return element(
    "div",
    { class: "sq-chips", role: "group", "aria-label": "Units of the lines" },
    ...chips,
  );
}
