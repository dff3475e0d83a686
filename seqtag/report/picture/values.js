// The values of a trace, decoded; differences of two traces; orders of units.

// Returns the numbers of a packed array: whole numbers from `low` to `high`, in base64.
function decoded({ bits, low, high, data }) {
  const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
  const view = new DataView(bytes.buffer);
  const count = bits === 16 ? bytes.length / 2 : bytes.length;
  const step = (high - low) / (2 ** bits - 1);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    values[i] = low + step * (bits === 16 ? view.getUint16(2 * i, true) : bytes[i]);
  }
  return { values, low, high };
}

// A trace with its arrays decoded when they are first read.
class Traced {
  constructor(data) {
    Object.assign(this, data);
    this.length = data.tokens.length;
    this.arrays = new Map();
    this.p = decoded(data.probabilities).values;
    this.isUnknown = new Set(data.unknown);
  }

  layer(name) {
    return this.layers.find((layer) => layer.name === name) || this.layers[0];
  }

  array(layer, name) {
    const key = `${layer}/${name}`;
    if (!this.arrays.has(key)) {
      this.arrays.set(key, decoded(this.layer(layer).values[name]));
    }
    return this.arrays.get(key);
  }

  has(layer, name) {
    return name in this.layer(layer).values;
  }

  at(layer, name, unit, place) {
    return this.array(layer, name).values[place * this.layer(layer).units + unit];
  }

  range(layer, name) {
    const { low, high } = this.array(layer, name);
    return { low, high, isSigned: low < 0 || high > 1 };
  }

  // The largest absolute value of some units.
  most(layer, name, units) {
    const { values } = this.array(layer, name);
    const count = this.layer(layer).units;
    let most = 1e-6;
    for (const unit of units) {
      for (let i = unit; i < values.length; i += count) most = Math.max(most, Math.abs(values[i]));
    }
    return most;
  }

  probability(place, label) {
    return this.p[place * this.label_names.length + label];
  }

  // Where the units of a code stand at a word: 1 and -1 are the means of both sides.
  scaled(code, index, place) {
    const unit = code.units[index];
    const value = this.at(code.layer, code.value, unit, place);
    return (this.side(code, unit) * (value - code.centre[index])) / code.half[index];
  }

  side(code, unit) {
    return Math.sign(this.correlation(code)[unit]) || 1;
  }

  correlation(code) {
    const key = `r/${this.codes.indexOf(code)}`;
    if (!this.arrays.has(key)) this.arrays.set(key, decoded(code.r));
    return this.arrays.get(key).values;
  }
}

// Two traces as one, whose values are those of the second minus those of the first.
class Difference extends Traced {
  constructor(first, second) {
    super(first);
    this.first = first;
    this.second = second;
  }

  array(layer, name) {
    const key = `${layer}/${name}`;
    if (!this.arrays.has(key)) {
      const a = this.first.array(layer, name).values;
      const b = this.second.array(layer, name).values;
      const values = b.map((value, i) => value - a[i]);
      const most = values.reduce((top, value) => Math.max(top, Math.abs(value)), 1e-6);
      this.arrays.set(key, { values, low: -most, high: most });
    }
    return this.arrays.get(key);
  }
}

function canSubtract(first, second) {
  return (
    first.name === second.name &&
    first.length === second.length &&
    first.layers.every((layer) =>
      second.layers.some((o) => o.name === layer.name && o.units === layer.units),
    )
  );
}

// Returns the units of a layer in an order; `other` is the trace to compare with.
function orderedUnits(trace, layer, order, name, code, other) {
  const count = trace.layer(layer).units;
  const units = Array.from({ length: count }, (_, unit) => unit);
  if (order === "position") return units;
  const score = new Float32Array(count);
  const { values } = trace.array(layer, name);
  if (order === "correlation" && code && code.layer === layer) {
    trace.correlation(code).forEach((r, unit) => (score[unit] = Math.abs(r)));
  } else if (order === "difference" && other) {
    const others = other.array(layer, name).values;
    values.forEach((value, i) => (score[i % count] += Math.abs(value - others[i])));
  } else {
    const mean = new Float32Array(count);
    values.forEach((value, i) => (mean[i % count] += value / trace.length));
    values.forEach((value, i) => (score[i % count] += (value - mean[i % count]) ** 2));
  }
  return units.sort((a, b) => score[b] - score[a] || a - b);
}
