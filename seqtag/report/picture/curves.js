// The probabilities of the labels, and the units of a code as lines.

// The probability of each label at each word, as stacked bars.
class ProbabilityPlot extends Plot {
  constructor(track, label) {
    super(track, 64, label);
    this.gutter.append(element("span", { style: { top: "0" } }, "100 %"));
    this.gutter.append(element("span", { style: { bottom: "0" } }, "0 %"));
  }

  paint(context) {
    const { track } = this;
    const parts =
      track.trace instanceof Difference ? [track.trace.first, track.trace.second] : [track.trace];
    const gap = track.column > 24 ? 3 : 1;
    const width = (track.column - gap) / parts.length;
    for (const place of track.visible()) {
      parts.forEach((trace, part) => {
        let top = this.height;
        const shares = trace.label_names.map((label, i) => [trace.probability(place, i), label]);
        for (const [share, label] of shares) {
          if (share < 0.002) continue;
          const high = share * this.height;
          context.fillStyle = track.colours.label(label);
          context.globalAlpha = label === trace.labels[place] ? 1 : 0.45;
          context.fillRect(
            track.left(place) + gap / 2 + part * width,
            top - high,
            width - (parts.length > 1 ? 1 : 0),
            high - 0.5,
          );
          top -= high;
        }
      });
    }
    context.globalAlpha = 1;
  }
}

const LINE_LIMIT = 1.7;

// The units of a code as lines: up is the positive side of the contrast, down the negative one.
class LinePlot extends Plot {
  constructor(track, code, label) {
    super(track, 190, label);
    this.code = code;
    this.unit = null;
    for (const [forms, edge] of [
      [code.positive, "top"],
      [code.negative, "bottom"],
    ]) {
      this.gutter.append(
        element(
          "span",
          { class: "sq-side", style: { [edge]: "6px", color: track.colours.side(forms) } },
          forms.join(" or "),
        ),
      );
    }
  }

  y(value) {
    const share = Math.max(-1, Math.min(1, value / LINE_LIMIT));
    return (this.height / 2) * (1 - 0.94 * share);
  }

  paint(context) {
    const { track, code, height } = this;
    const places = track.visible();
    if (!places.length) return;
    const [start, width] = [track.scroll, track.room];
    const tint = (forms, top) => {
      context.fillStyle = track.colours.side(forms);
      context.globalAlpha = 0.09;
      context.fillRect(start, top, width, height / 2);
      context.globalAlpha = 1;
    };
    tint(code.positive, 0);
    tint(code.negative, height / 2);
    context.strokeStyle = track.colours.soft;
    context.lineWidth = 1;
    for (const [value, dashes] of [
      [0, []],
      [1, [2, 4]],
      [-1, [2, 4]],
    ]) {
      context.setLineDash(dashes);
      context.strokeRect(start - 2, Math.round(this.y(value)) + 0.5, width + 4, 0);
    }
    context.setLineDash([]);
    this.paintPersons(context);
    this.paintRoles(context);
    const parts =
      track.trace instanceof Difference ? [track.trace.first, track.trace.second] : [track.trace];
    parts.forEach((trace, part) => {
      context.setLineDash(part ? [6, 4] : []);
      const own = trace.codes[track.trace.codes.indexOf(code)];
      if (parts.length === 1) {
        own.units.forEach((unit, index) => {
          const isChosen = unit === this.unit;
          context.lineWidth = isChosen ? 2.5 : 1.1;
          context.strokeStyle = isChosen ? track.colours.ink : track.colours.soft;
          context.globalAlpha = isChosen ? 1 : 0.75;
          this.stroke(context, places, (place) => trace.scaled(own, index, place));
        });
      }
      context.globalAlpha = 1;
      const mean = (place) =>
        own.units.reduce((sum, _, index) => sum + trace.scaled(own, index, place), 0) /
        own.units.length;
      this.strokeMean(context, places, mean);
    });
    context.setLineDash([]);
  }

  // The roles of the persons, as text beside their lines.
  paintRoles(context) {
    const { trace, colours } = this.track;
    context.font = `600 11px ${getComputedStyle(this.element).fontFamily}`;
    context.textAlign = trace.rtl ? "right" : "left";
    // Where the last text of each row ends: a text that would overlap it goes into the next row.
    const ends = [];
    for (const { position, role, form } of trace.persons) {
      context.fillStyle = colours.label(form);
      const text = `${role} (${form})`;
      const x = this.track.left(position) + (trace.rtl ? this.track.column - 4 : 6);
      const start = trace.rtl ? -x : x;
      let row = ends.findIndex((end) => end < start);
      if (row < 0) row = ends.length;
      ends[row] = start + context.measureText(text).width + 8;
      context.fillText(text, x, 14 + 14 * row);
    }
  }

  stroke(context, places, value) {
    context.beginPath();
    for (const place of places) {
      context.lineTo(this.track.left(place) + this.track.column / 2, this.y(value(place)));
    }
    context.stroke();
  }

  // The mean, in the colour of the side on which it is.
  strokeMean(context, places, value) {
    context.lineWidth = 4;
    context.lineJoin = "round";
    for (const [forms, top] of [
      [this.code.positive, 0],
      [this.code.negative, this.height / 2],
    ]) {
      context.save();
      context.beginPath();
      context.rect(this.track.scroll, top, this.track.room, this.height / 2);
      context.clip();
      context.strokeStyle = this.track.colours.side(forms);
      this.stroke(context, places, value);
      context.restore();
    }
  }

  unitAt(y) {
    const place = this.track.pointed;
    if (place === null || place === undefined) return undefined;
    let best = [14, undefined];
    this.code.units.forEach((unit, index) => {
      const far = Math.abs(this.y(this.track.trace.scaled(this.code, index, place)) - y);
      if (far < best[0]) best = [far, unit];
    });
    return best[1];
  }

  mark(place, unit) {
    super.mark(place);
    if (this.unit !== unit) {
      this.unit = unit;
      this.draw();
    }
  }
}
