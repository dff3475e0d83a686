// Elements, numbers and equations as text. All text is set as text, never as markup.

const MINUS = "−";

function element(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, handler] of Object.entries(value)) made.addEventListener(event, handler);
    } else if (name === "style") {
      for (const [key, text] of Object.entries(value)) made.style.setProperty(key, text);
    } else {
      made.setAttribute(name, value === true ? "" : value);
    }
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// A word in a text of another direction: isolated, so that it changes no order around it.
function word(text) {
  return element("bdi", { class: "sq-word" }, text);
}

function number(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

function percent(share) {
  const text = (100 * share).toFixed(share > 0.995 || share < 0.005 ? 1 : 0);
  return `${text.replace(".0", "")} %`;
}

// Returns an equation with a sign for each product, and with values in place of names:
// "c = f c' + i z" becomes "c = 0.93 × 1.17 + 0.02 × −0.30". `value(name, isPrevious)` returns the
// text for a name, or undefined for a function.
function filled(equation, value) {
  const parts = equation.match(/[A-Za-z_]+'?|\d+(\.\d+)?|[^\sA-Za-z\d]/g) || [];
  const [left, , ...right] = parts;
  let text = `${left} = `;
  let isOperand = false;
  for (const part of right) {
    const isName = /^[A-Za-z_]/.test(part);
    const shown = isName ? value(part.replace("'", ""), part.endsWith("'")) : part;
    const starts = isName || /^\d/.test(part) || part === "(";
    if (starts && isOperand) text += " × ";
    text += /^[-+/]$/.test(part) ? ` ${part === "-" ? MINUS : part} ` : (shown ?? part);
    isOperand = part === ")" || /^\d/.test(part) || (isName && shown !== undefined);
  }
  return text;
}
