// A tagged text as elements: paragraphs of sentences, in which spans or labelled tokens are marked.

import { element, percent, visible } from "./dom.js";

// What the marks of a pane need: a view on the model and on what is shown.
//   model    as /labels describes it
//   hues     a number for each label
//   wanted   {probabilities, alternatives, unknown}
//   differs  from a mark's key to whether the other model has no such mark; or null
export function resultOf(text, answer, view) {
  const characters = Array.from(text);
  const parts = [];
  let paragraph = null;
  let end = 0;
  answer.sentences.forEach((sentence, number) => {
    const start = sentence.offsets[0][0];
    const gap = characters.slice(end, start).join("");
    if (paragraph === null || view.wanted.alternatives || /[\r\n\u2028\u2029]/.test(gap)) {
      paragraph = element("p", { dir: "auto" });
      parts.push(paragraph);
    } else if (gap) {
      paragraph.append(" ");
    }
    paragraph.append(...tokensOf(sentence, characters, view, `${number}`));
    if (view.wanted.alternatives) parts.push(alternativesOf(sentence, characters, view, number));
    end = sentence.offsets.at(-1)[1];
  });
  return parts;
}

// Returns what identifies a mark in any model's result.
export const keyOf = (start, end, label) => `${start}-${end}-${label}`;

// Returns the keys of all marks of an answer.
export function keysOf(answer, model) {
  const keys = new Set();
  for (const { spans, labels, offsets } of answer.sentences) {
    if (model.spans) for (const { start, end, type } of spans) keys.add(keyOf(start, end, type));
    else labels.forEach((label, token) => keys.add(keyOf(...offsets[token], label)));
  }
  return keys;
}

function tokensOf(sentence, characters, view, number) {
  const { tokens, offsets, labels } = sentence;
  const nodes = [];
  const first = new Map(view.model.spans ? sentence.spans.map((span) => [span.first_token, span]) : []);
  for (let token = 0; token < tokens.length; token++) {
    const gap = token > 0 && offsets[token][0] > offsets[token - 1][1];
    const place = { number, token };
    if (gap) nodes.push(" ");
    if (!view.model.spans) {
      const probability = sentence.probabilities?.[token];
      const mark = { ...place, last: token, label: labels[token], start: offsets[token][0], end: offsets[token][1] };
      nodes.push(markOf([wordOf(sentence, token, view)], mark, probability, view, tokens[token]));
    } else if (first.has(token)) {
      const span = first.get(token);
      const inside = [];
      for (let inner = token; inner <= span.last_token; inner++) {
        if (inner > token && offsets[inner][0] > offsets[inner - 1][1]) inside.push(" ");
        inside.push(wordOf(sentence, inner, view));
      }
      const mark = { ...place, last: span.last_token, label: span.type, start: span.start, end: span.end };
      nodes.push(markOf(inside, mark, span.probability, view, span.text));
      token = span.last_token;
    } else {
      const word = wordOf(sentence, token, view);
      const isHovered = view.isDetailed && sentence.top_labels;
      nodes.push(isHovered ? element("span", { class: "outside", ...data(place, token) }, word) : word);
    }
  }
  return nodes;
}

const data = ({ number, token }, last) => ({ "data-sentence": number, "data-first": token, "data-last": last });

function wordOf(sentence, token, view) {
  const word = visible(sentence.tokens[token]);
  if (!(view.wanted.unknown && sentence.unknown?.[token])) return word;
  return element("u", { title: "does not occur in the training text" }, word);
}

function markOf(content, mark, probability, view, text) {
  const { label } = mark;
  const description = view.model.labels.find(({ name }) => name === label)?.description;
  const isShown = view.wanted.probabilities && probability !== undefined;
  const chip = element("span", { class: "chip", "aria-hidden": "true" }, visible(label));
  if (isShown) chip.append(element("small", {}, percent(probability)));
  const differs = view.differs?.(keyOf(mark.start, mark.end, label)) ?? false;
  const name = [visible(text), label === "O" ? "no label" : visible(label), description];
  if (probability !== undefined) name.push(`probability ${percent(probability)}`);
  if (differs) name.push("the other model differs");
  const kind = view.model.spans ? "span" : label === "O" ? "token none" : "token";
  return element(
    "mark",
    {
      class: `${kind}${differs ? " differs" : ""}`,
      role: "button",
      tabindex: -1,
      "aria-label": name.filter(Boolean).join(", "),
      "data-label": label,
      style: { "--hue": view.hues.get(label) ?? 0 },
      ...data(mark, mark.last),
    },
    ...content,
    chip,
  );
}

function alternativesOf(sentence, characters, view, number) {
  const list = element("ol", { class: "alternatives", "aria-label": `Most probable labels of sentence ${number + 1}` });
  const best = keysOf({ sentences: [sentence] }, view.model);
  for (const { labels, spans, probability } of sentence.alternatives) {
    const other = { ...sentence, labels, spans, probabilities: undefined };
    const inside = { ...view, wanted: {}, isDetailed: false, differs: (key) => !best.has(key) };
    const share = element("span", { class: "share", style: { "--share": probability } }, percent(probability));
    const words = element("span", { class: "words", dir: "auto" }, ...tokensOf(other, characters, inside, ""));
    for (const mark of words.querySelectorAll("mark")) mark.removeAttribute("tabindex"), mark.setAttribute("role", "img");
    list.append(element("li", {}, share, words));
  }
  return list;
}
