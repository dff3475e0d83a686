// Plots over the words: each is as wide as its place, scrolls, and draws only what is visible.

const GUTTER = 74;
const NARROWEST = 19;
const WIDEST = 84;

// One trace on the page: the width of its columns, its plots, and how far they are scrolled.
class Track {
  constructor(trace, colours, select) {
    this.trace = trace;
    this.colours = colours;
    this.select = select;
    this.plots = [];
    this.scroll = 0;
    this.linked = [this];
  }

  add(plot) {
    this.plots.push(plot);
    return plot.element;
  }

  resize(width) {
    const room = Math.max(80, width - GUTTER);
    const { length } = this.trace;
    this.column = Math.min(WIDEST, Math.max(NARROWEST, Math.floor(room / length)));
    this.room = Math.min(room, this.column * length);
    for (const plot of this.plots) plot.resize();
  }

  // The left end of a word's column; words of a right-to-left text start at the right.
  left(place) {
    return (this.trace.rtl ? this.trace.length - 1 - place : place) * this.column;
  }

  placeAt(x) {
    const index = Math.floor(x / this.column);
    const place = this.trace.rtl ? this.trace.length - 1 - index : index;
    return place >= 0 && place < this.trace.length ? place : null;
  }

  visible() {
    const first = Math.floor(this.scroll / this.column);
    const last = Math.min(this.trace.length - 1, Math.ceil((this.scroll + this.room) / this.column));
    const places = [];
    for (let index = Math.max(0, first); index <= last; index++) {
      places.push(this.trace.rtl ? this.trace.length - 1 - index : index);
    }
    return places;
  }

  scrollTo(left) {
    if (left === this.scroll) return;
    this.scroll = left;
    for (const plot of this.plots) {
      if (plot.element.scrollLeft !== left) plot.element.scrollLeft = left;
    }
    this.schedule();
    for (const track of this.linked) if (track !== this) track.scrollTo(left);
  }

  schedule() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  draw() {
    for (const plot of this.plots) plot.draw();
  }

  // Scrolls so that a word is visible.
  reveal(place) {
    const left = this.left(place);
    if (left < this.scroll) this.scrollTo(left);
    else if (left + this.column > this.scroll + this.room) {
      this.scrollTo(left + this.column - this.room);
    }
  }

  mark(place, unit) {
    for (const plot of this.plots) plot.mark(place, unit);
  }
}

class Plot {
  constructor(track, height, label) {
    this.track = track;
    this.height = height;
    this.canvas = element("canvas", { "aria-hidden": "true" });
    this.gutter = element("div", { class: "sq-gutter", "aria-hidden": "true" });
    this.band = element("div", { class: "sq-band" });
    this.row = element("div", { class: "sq-rowband" });
    this.content = element("div", { class: "sq-content" }, this.gutter, this.canvas, this.band, this.row);
    this.element = element(
      "div",
      { class: "sq-plot", tabindex: "0", role: "group", "aria-label": label },
      this.content,
    );
    this.element.addEventListener("scroll", () => track.scrollTo(this.element.scrollLeft), {
      passive: true,
    });
    const point = (event) => {
      const box = this.content.getBoundingClientRect();
      const place = track.placeAt(event.clientX - box.left - GUTTER);
      track.select(track, place, this.unitAt(event.clientY - box.top));
    };
    this.content.addEventListener("pointermove", point);
    this.content.addEventListener("pointerdown", point);
  }

  unitAt() {
    return undefined;
  }

  resize() {
    const { track } = this;
    const ratio = window.devicePixelRatio || 1;
    this.content.style.width = `${GUTTER + track.column * track.trace.length}px`;
    this.content.style.height = `${this.height}px`;
    this.canvas.style.width = `${track.room}px`;
    this.canvas.style.height = `${this.height}px`;
    this.canvas.width = Math.round(track.room * ratio);
    this.canvas.height = Math.round(this.height * ratio);
    this.band.style.width = `${track.column}px`;
    this.draw();
  }

  // Called when the plot enters the window or leaves it.
  see(isVisible) {
    this.isVisible = isVisible;
    this.draw();
  }

  draw() {
    if (!this.isVisible) return;
    const context = this.canvas.getContext("2d");
    const ratio = window.devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.track.room, this.height);
    context.translate(-this.track.scroll, 0);
    this.paint(context);
  }

  mark(place) {
    this.band.hidden = place === null;
    if (place !== null) this.band.style.left = `${GUTTER + this.track.left(place)}px`;
    this.row.hidden = true;
  }

  // Thin lines at the words for persons.
  paintPersons(context) {
    for (const person of this.track.trace.persons) {
      context.fillStyle = this.track.colours.label(person.form);
      context.globalAlpha = 0.55;
      context.fillRect(this.track.left(person.position), 0, 1.5, this.height);
      context.globalAlpha = 1;
    }
  }
}

// The probability of each label at each word, as stacked bars.
class ProbabilityPlot extends Plot {
  constructor(track, label) {
    super(track, 64, label);
    this.gutter.append(element("span", { style: { top: "0" } }, "100 %"));
    this.gutter.append(element("span", { style: { bottom: "0" } }, "0 %"));
  }

  paint(context) {
    const { track } = this;
    const parts = track.trace instanceof Difference ? [track.trace.first, track.trace.second] : [track.trace];
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
          context.fillRect(track.left(place) + gap / 2 + part * width, top - high, width - (parts.length > 1 ? 1 : 0), high - 0.5);
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
    for (const [forms, edge] of [[code.positive, "top"], [code.negative, "bottom"]]) {
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
    for (const [value, dashes] of [[0, []], [1, [2, 4]], [-1, [2, 4]]]) {
      context.setLineDash(dashes);
      context.strokeRect(start - 2, Math.round(this.y(value)) + 0.5, width + 4, 0);
    }
    context.setLineDash([]);
    this.paintPersons(context);
    this.paintRoles(context);
    const parts = track.trace instanceof Difference ? [track.trace.first, track.trace.second] : [track.trace];
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
        own.units.reduce((sum, _, index) => sum + trace.scaled(own, index, place), 0) / own.units.length;
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
    for (const [forms, top] of [[this.code.positive, 0], [this.code.negative, this.height / 2]]) {
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

function rowHeight(count) {
  if (count <= 16) return 19;
  if (count <= 40) return 12;
  return count <= 130 ? 5 : 3;
}

// A gate or state: a row for each unit, a column for each word.
class HeatPlot extends Plot {
  constructor(track, layer, name, units, sides, range, label) {
    const row = rowHeight(units.length);
    super(track, row * units.length, label);
    Object.assign(this, { layer, name, units, sides, range, rowSize: row });
    if (row >= 12) {
      units.forEach((unit, index) => {
        const style = { top: `${index * row}px`, "line-height": `${row}px` };
        this.gutter.append(element("span", { style }, `${layer} ${unit}`));
      });
    } else {
      this.gutter.append(element("span", { style: { top: "0" } }, `${layer}`));
      this.gutter.append(element("span", { style: { top: "1.2em" } }, `${units.length} units`));
    }
  }

  image() {
    const { trace, colours } = this.track;
    const picture = document.createElement("canvas");
    picture.width = trace.length;
    picture.height = this.units.length;
    const context = picture.getContext("2d");
    const pixels = context.createImageData(picture.width, picture.height);
    const { range } = this;
    let at = 0;
    this.units.forEach((unit, index) => {
      const side = range.isSigned ? this.sides[index] : 1;
      for (let column = 0; column < trace.length; column++) {
        const place = trace.rtl ? trace.length - 1 - column : column;
        const value = side * trace.at(this.layer, this.name, unit, place);
        pixels.data.set(colours.value(value, range), at);
        pixels.data[at + 3] = 255;
        at += 4;
      }
    });
    context.putImageData(pixels, 0, 0);
    return picture;
  }

  paint(context) {
    const { column, room, scroll, colours } = this.track;
    this.picture ??= this.image();
    context.imageSmoothingEnabled = false;
    const first = Math.floor(scroll / column);
    const count = Math.min(this.picture.width - first, Math.ceil(room / column) + 1);
    const rows = this.units.length;
    const place = [first * column, 0, count * column, this.height];
    context.drawImage(this.picture, first, 0, count, rows, ...place);
    if (this.rowSize >= 12) {
      context.fillStyle = colours.background;
      for (let index = 1; index < this.units.length; index++) {
        context.fillRect(scroll, index * this.rowSize - 0.5, room, 1);
      }
      if (column > 20) {
        for (const place of this.track.visible()) context.fillRect(this.track.left(place) - 0.5, 0, 1, this.height);
      }
    }
    this.paintPersons(context);
  }

  unitAt(y) {
    return this.units[Math.floor(y / this.rowSize)];
  }

  mark(place, unit) {
    super.mark(place);
    const index = this.units.indexOf(unit);
    this.row.hidden = index < 0;
    if (index >= 0) {
      this.row.style.top = `${index * this.rowSize}px`;
      this.row.style.height = `${this.rowSize}px`;
    }
  }
}
