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
    const last = Math.min(
      this.trace.length - 1,
      Math.ceil((this.scroll + this.room) / this.column),
    );
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
    this.content = element(
      "div",
      { class: "sq-content" },
      this.gutter,
      this.canvas,
      this.band,
      this.row,
    );
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
