// Colours, safe for colour-blind readers, from the CSS variables of the picture.

const LABEL_COLOURS = ["--sq-1", "--sq-2", "--sq-3", "--sq-4", "--sq-5", "--sq-6", "--sq-7"];

function parsed(text) {
  const digits = text.trim().replace("#", "");
  return [0, 2, 4].map((i) => parseInt(digits.slice(i, i + 2), 16));
}

// Returns the colour between two at a share from 0 to 1.
function between(from, to, share) {
  return from.map((part, i) => Math.round(part + (to[i] - part) * share));
}

class Colours {
  constructor(root, labels) {
    this.root = root;
    this.types = [...new Set(labels.map((label) => this.type(label)))].filter((t) => t !== "O");
    this.read();
  }

  // Reads the variables again, after a change of the colour scheme.
  read() {
    const style = getComputedStyle(this.root);
    const read = (name) => style.getPropertyValue(name).trim();
    this.paper = parsed(read("--sq-cell"));
    this.ends = Object.fromEntries(
      ["positive", "negative", "gate"].map((name) => [
        name,
        [parsed(read(`--sq-${name}-mid`)), parsed(read(`--sq-${name}`))],
      ]),
    );
    this.ink = read("--sq-ink");
    this.soft = read("--sq-soft");
    this.line = read("--sq-line");
    this.background = read("--sq-paper");
    this.labels = LABEL_COLOURS.map(read);
    this.none = read("--sq-none");
  }

  type(label) {
    return /^[BIESLUMWV]-./.test(label) ? label.slice(2) : label;
  }

  // The colour of a label; the forms of the subject have those of the sides of the code.
  label(label) {
    const type = this.type(label);
    const fixed = { M: 0, F: 1, PL: 2 };
    if (type === "O") return this.none;
    const number = type in fixed ? fixed[type] : this.types.indexOf(type);
    return this.labels[number % this.labels.length];
  }

  // The colour of a side of a code: of its form, or a neutral one for several forms.
  side(forms) {
    return forms.length === 1 ? this.label(forms[0]) : this.labels.at(-1);
  }

  // The colour of a value, as three numbers.
  value(value, { high, isSigned }) {
    const share = Math.min(1, Math.abs(value) / (high || 1));
    const [mid, end] = this.ends[isSigned ? (value < 0 ? "negative" : "positive") : "gate"];
    return share < 0.5 ? between(this.paper, mid, 2 * share) : between(mid, end, 2 * share - 1);
  }

  gradient(range) {
    const stops = Array.from({ length: 9 }, (_, i) => {
      const value = range.isSigned ? ((i - 4) / 4) * range.high : (i / 8) * range.high;
      return `rgb(${this.value(value, range).join(",")})`;
    });
    return `linear-gradient(to right, ${stops.join(",")})`;
  }
}
