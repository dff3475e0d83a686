// What stands below the controls: what to look at, the words, the lines, the steps, the table.

// The part of `Picture` that makes the sections from its tracks and its state.
class Sections {
  row(className, ...cells) {
    return element("section", { class: `sq-section ${className}` }, ...cells);
  }

  cells(make) {
    return element(
      "div",
      { class: "sq-cells" },
      ...this.tracks.map((track, index) =>
        element("div", { class: "sq-cell" }, ...[make(track, index)].flat()),
      ),
    );
  }

  sections() {
    const isTwo = this.tracks.length > 1;
    const { value } = this.state;
    // One gate fills the window: the texts about the lines would only move it down.
    const isWhole = value === "all" || this.tracks[0].trace instanceof Difference;
    const texts = this.tracks.map((track) => leadText(track.trace));
    const isShared = isTwo && new Set(texts).size === 1;
    const others = [...this.tracks].reverse();
    const leads = this.cells((track, index) => [
      ...(isTwo
        ? [
            element(
              "h2",
              { class: "sq-name" },
              `${"AB"[index]}: `,
              word(compared(track.trace, others[index].trace)),
            ),
          ]
        : []),
      isWhole
        ? lead(track.trace, isShared ? "" : texts[index], (place) =>
            this.choose(place, this.state.unit, track),
          )
        : "",
    ]);
    const words = this.cells((track, index) =>
      track.add(
        new WordStrip(track, `${this.id}-${index}`, (place) => describeWord(track.trace, place)),
      ),
    );
    const shared = isShared && isWhole ? element("p", { class: "sq-lead" }, texts[0]) : "";
    const parts = [
      this.row("sq-leads", shared, leads),
      element("div", { class: "sq-head" }, words),
    ];
    if (value === "all") parts.push(...this.answers());
    parts.push(...this.steps());
    parts.push(this.table());
    return parts;
  }

  answers() {
    const parts = [];
    const hasCode = this.tracks.some((track) => this.code(track.trace));
    if (hasCode) {
      const [{ trace }] = this.tracks.filter((track) => this.code(track.trace));
      parts.push(
        this.row(
          "sq-lines",
          codeText(trace, this.code(trace), this),
          this.cells((track) => {
            const code = this.code(track.trace);
            return code
              ? [
                  track.add(
                    new LinePlot(
                      track,
                      code,
                      `Lines of the units that code ${joined(code.positive)} against ${joined(code.negative)}`,
                    ),
                  ),
                  unitChips(this, track, code),
                ]
              : element(
                  "p",
                  { class: "sq-soft" },
                  "No unit of this model follows the form of the subject.",
                );
          }),
        ),
      );
    }
    parts.push(
      this.row(
        "sq-answers",
        answersText(
          hasCode,
          this.tracks[0].trace instanceof Difference,
          this.tracks.some((track) => track.trace.unknown.length > 0),
        ),
        this.cells((track) => [
          track.add(new ProbabilityPlot(track, "Probability of each label at each word")),
          labelLegend(
            this.colours,
            track.trace instanceof Difference ? track.trace.first : track.trace,
          ),
        ]),
      ),
    );
    return parts;
  }

  steps() {
    const walks = this.tracks.map((track) => track.trace.walk);
    const most = Math.max(...walks.map((walk) => walk.length));
    const parts = [];
    for (let position = 0; position < most; position++) {
      const here = walks.map((walk) => walk[position]);
      const isShared = new Set(here.map((step) => JSON.stringify(step))).size === 1;
      const names = here.map((step) =>
        step ? step.values.filter((name) => this.isShown(name)) : [],
      );
      if (this.state.value !== "all" && names.every((list) => !list.length)) continue;
      parts.push(
        this.row(
          "sq-step",
          isShared ? stepText(here[0], position) : null,
          this.cells((track, index) => [
            ...(isShared || !here[index] ? [] : [stepText(here[index], position)]),
            ...names[index].flatMap((name) => this.heat(track, name)),
          ]),
        ),
      );
    }
    return parts;
  }

  isShown(name) {
    return this.state.value === "all" || this.state.value === name;
  }

  heat(track, name) {
    const { trace } = track;
    const layer = this.layerOf(trace);
    if (!trace.has(layer, name)) return [];
    const units = this.unitsOf(trace);
    const code = this.code(trace);
    const sides = this.sidesOf(trace, units);
    const isTurned = code && code.layer === layer && !(trace instanceof Difference);
    const range = this.range(track, layer, name, units);
    const title = valueName(trace, name);
    const label = `${title}, ${units.length} units by ${trace.length} words: arrow keys choose a word and a unit`;
    return [
      element(
        "h3",
        {},
        title,
        element("span", { class: "sq-soft" }, ` ${trace.layer(layer).title}`),
      ),
      track.add(new HeatPlot(track, layer, name, units, sides, range, label)),
      legend(
        this.colours,
        trace,
        range,
        isTurned ? [joined(code.positive), joined(code.negative)] : null,
      ),
    ];
  }

  // The range of the colours: the same for all sentences of a model.
  range(track, layer, name, units) {
    const range = track.trace.range(layer, name);
    if (!range.isSigned) return range;
    const same = this.tracks.filter((other) => other.trace.name === track.trace.name);
    return { ...range, high: Math.max(...same.map(({ trace }) => trace.most(layer, name, units))) };
  }

  table() {
    const body = element("div", {});
    const fill = () => {
      if (!details.open) return;
      body.replaceChildren(
        ...this.tracks.map(({ trace }) => {
          const name = this.state.value === "all" ? trace.memory : this.state.value;
          const layer = this.layerOf(trace);
          const units = this.unitsOf(trace).slice(0, 24);
          return trace.has(layer, name) ? valueTable(trace, layer, name, units) : "";
        }),
      );
    };
    const details = element(
      "details",
      { class: "sq-details", on: { toggle: fill } },
      element("summary", {}, "The values as a table"),
      body,
    );
    return details;
  }
}
