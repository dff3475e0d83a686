// The interactive picture of the gates and states of one or two sentences.
//
//     import { mountPicture } from "./picture.js";
//     const picture = mountPicture(element, data);   // data: `picture_data` of seqtag.inspect
//     picture.destroy();                             // removes it and its listeners

const NARROW = 720;
const VERSION = 1;
const DEFAULT_UNITS = 12;
let pictures = 0;

class Picture extends Sections {
  constructor(root, data) {
    super();
    if (data.version !== VERSION)
      throw new Error(`picture data of version ${data.version}; expected ${VERSION}`);
    this.root = root;
    this.id = `sq${++pictures}`;
    this.traces = data.traces.map((trace) => new Traced(trace));
    const [first] = this.traces;
    const hasCode = first.code !== null;
    this.state = {
      a: 0,
      b: Math.min(1, this.traces.length - 1),
      view: this.traces.length > 1 ? "both" : "a",
      value: "all",
      layer: hasCode ? first.codes[first.code].layer : first.layers[0].name,
      units: data.units?.length ? "given" : hasCode ? "code" : String(DEFAULT_UNITS),
      order: hasCode ? "correlation" : "activity",
      place: null,
      unit: undefined,
    };
    this.given = data.units ?? [];
    root.classList.add("seqtag-picture");
    this.colours = new Colours(root, [
      ...new Set(this.traces.flatMap((trace) => trace.label_names)),
    ]);
    this.reading = new Reading(this.colours);
    this.main = element("div", { class: "sq-main" });
    this.bar = element("div", {
      class: "sq-controls",
      role: "group",
      "aria-label": "What is shown",
    });
    root.replaceChildren(this.bar, this.main, this.reading.element);
    this.scheme = matchMedia("(prefers-color-scheme: dark)");
    this.recolour = () => {
      this.colours.read();
      this.render();
    };
    this.scheme.addEventListener("change", this.recolour);
    this.watcher = new ResizeObserver(() => this.resized());
    this.watcher.observe(root);
    this.seen = new WeakMap();
    this.viewer = new IntersectionObserver((entries) => {
      for (const entry of entries) this.seen.get(entry.target)?.see(entry.isIntersecting);
    });
    root.addEventListener("keydown", (this.onKey = (event) => this.key(event)));
    this.isNarrow = root.clientWidth < NARROW;
    this.render();
  }

  destroy() {
    this.watcher.disconnect();
    this.viewer.disconnect();
    this.scheme.removeEventListener("change", this.recolour);
    this.root.removeEventListener("keydown", this.onKey);
    this.root.classList.remove("seqtag-picture");
    this.root.replaceChildren();
  }

  set(changes) {
    const focused = document.activeElement?.dataset?.key;
    Object.assign(this.state, changes);
    this.render();
    if (focused) this.bar.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
  }

  // The traces that are shown: one, two, or the difference of two.
  shown() {
    const [a, b] = [this.traces[this.state.a], this.traces[this.state.b]];
    const view = this.isNarrow && this.state.view === "both" ? "a" : this.state.view;
    if (view === "difference" && canSubtract(a, b)) return [new Difference(a, b)];
    return { a: [a], b: [b] }[view] ?? [a, b];
  }

  code(trace) {
    return trace.code === null ? null : trace.codes[trace.code];
  }

  layerOf(trace) {
    const code = this.code(trace);
    if (this.state.units === "code" && code) return code.layer;
    return trace.layer(this.state.layer).name;
  }

  // The units of a trace, in order.
  unitsOf(trace) {
    const { units, order, value, a, b } = this.state;
    const code = this.code(trace);
    if (units === "code" && code) return code.units;
    const layer = this.layerOf(trace);
    const count = trace.layer(layer).units;
    if (units === "given") return this.given.filter((unit) => unit < count);
    const [first, second] = [this.traces[a], this.traces[b]];
    const isPair = a !== b && canSubtract(first, second);
    const name = value === "all" ? trace.memory : value;
    // One order for both sentences of a model, so that rows correspond.
    const from = isPair ? first : trace;
    const ordered = orderedUnits(from, layer, order, name, this.code(from), isPair ? second : null);
    // A model without units of a code shows as many as by default.
    return units === "all" ? ordered : ordered.slice(0, Number(units) || DEFAULT_UNITS);
  }

  // The sign of each unit, which turns the positive side of the code up.
  sidesOf(trace, units) {
    const code = this.code(trace);
    const isTurned = code && code.layer === this.layerOf(trace);
    return units.map((unit) => (isTurned ? trace.side(code, unit) : 1));
  }

  render() {
    this.shownTraces = this.shown();
    this.bar.replaceChildren(...controls(this));
    this.tracks = this.shownTraces.map(
      (trace) =>
        new Track(trace, this.colours, (track, place, unit) => this.point(track, place, unit)),
    );
    if (new Set(this.tracks.map((track) => track.trace.length)).size === 1) {
      for (const track of this.tracks) track.linked = this.tracks;
    }
    this.main.style.setProperty("--sq-columns", this.tracks.length);
    this.main.classList.toggle("sq-beside", this.tracks.length === 1 && !this.isNarrow);
    this.main.replaceChildren(...this.sections());
    this.viewer.disconnect();
    for (const plot of this.tracks.flatMap((track) => track.plots)) {
      this.seen.set(plot.element, plot);
      this.viewer.observe(plot.element);
    }
    this.width = 0;
    this.resized();
    this.choose(this.state.place, this.state.unit);
  }

  resized() {
    const width = this.root.clientWidth;
    if (!width || width === this.width) return;
    const isNarrow = width < NARROW;
    if (isNarrow !== this.isNarrow) {
      this.isNarrow = isNarrow;
      this.render();
      return;
    }
    this.width = width;
    const cells = this.main.querySelectorAll(".sq-head .sq-cell");
    this.tracks.forEach((track, index) => track.resize(cells[index].clientWidth));
    for (const track of this.tracks) track.mark(track.pointed ?? null, this.state.unit);
  }

  point(track, place, unit) {
    if (place === null) return;
    track.pointed = place;
    this.choose(place, unit ?? this.state.unit, track);
  }

  // Marks a word and a unit, and reads their values.
  choose(place, unit, track = this.active ?? this.tracks[0]) {
    if (!this.tracks.includes(track)) track = this.tracks[0];
    const { trace } = track;
    if (place !== null && place >= trace.length) place = null;
    this.active = track;
    Object.assign(this.state, { place, unit });
    for (const other of this.tracks) {
      const isSame = other === track || track.linked.includes(other);
      const isModel = other === track || other.trace.name === trace.name;
      other.pointed = isSame ? place : null;
      other.mark(isSame ? place : null, isModel ? unit : undefined);
    }
    this.reading.show(trace, this.layerOf(trace), place, unit);
  }

  key(event) {
    if (!event.target.closest?.(".sq-plot")) return;
    const track =
      this.tracks.find((one) => one.plots.some((plot) => plot.element === event.target)) ??
      this.active;
    const { trace } = track;
    const units = this.unitsOf(trace);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    let { place, unit } = this.state;
    if (step) {
      const way = trace.rtl ? -step : step;
      place = place === null ? 0 : Math.max(0, Math.min(trace.length - 1, place + way));
    } else if (event.key === "Home" || event.key === "End") {
      place = event.key === "Home" ? 0 : trace.length - 1;
    } else if (event.key === "ArrowUp" || event.key === "ArrowDown") {
      const index = units.indexOf(unit);
      const next = index < 0 ? 0 : index + (event.key === "ArrowDown" ? 1 : -1);
      unit = units[Math.max(0, Math.min(units.length - 1, next))];
      place ??= 0;
    } else if (event.key === "Escape") {
      unit = undefined;
    } else {
      return;
    }
    event.preventDefault();
    this.choose(place, unit, track);
    if (place !== null) track.reveal(place);
  }
}

function mountPicture(root, data) {
  return new Picture(root, data);
}

export { mountPicture };
