// The page: reads the form, asks the server, shows the results of one or two models.

import * as api from "./api.js";
import { Card } from "./card.js";
import { huesOf } from "./colours.js";
import { element, find, plural, visible } from "./dom.js";
import { startGates } from "./gates.js";
import { legendOf } from "./legend.js";
import { keysOf, resultOf } from "./result.js";
import { startTabs } from "./tabs.js";

const EXAMPLE = "Alex Graves left Munich for Toronto. Anna wrote to him from Paris, where she works for Google.";
// Shorter texts are tagged while they are typed, with the probabilities of all labels.
const SHORT = 4_000;
const ALTERNATIVES = 5;
const WAIT_MS = 250;

const panes = find("panes");
const card = new Card(find("card"), panes);
const hidden = new Set();
let models = [];
let hues = new Map();
let running = null;
let timer = null; // calls run() after a pause in typing
let shown = null; // {text, chosen, answers}

async function start() {
  startTabs();
  try {
    models = await api.labels();
  } catch (error) {
    showError(error.message);
    return;
  }
  hues = huesOf(models);
  fillSelects();
  startGates(models);
  const form = find("form");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    run();
  });
  for (const id of ["model", "other", "probabilities", "alternatives", "unknown"]) find(id).addEventListener("change", run);
  find("text").addEventListener("input", () => {
    clearTimeout(timer);
    if (find("text").value.length <= SHORT) timer = setTimeout(run, WAIT_MS);
  });
  find("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
  });
  panes.addEventListener("keydown", moveFocus);
  if (!find("text").value) find("text").value = EXAMPLE;
  run();
}

function fillSelects() {
  if (models.length < 2) return;
  const options = () => models.map(({ name }) => element("option", { value: name }, visible(name)));
  find("model").append(...options());
  find("other").append(element("option", { value: "" }, "no other"), ...options());
  find("choose-model").hidden = find("choose-other").hidden = false;
}

function chosenModels() {
  const named = (name) => models.find((model) => model.name === name);
  const first = named(find("model").value) ?? models[0];
  const second = named(find("other").value);
  return second && second !== first ? [first, second] : [first];
}

async function run() {
  clearTimeout(timer);
  running?.abort();
  const current = (running = new AbortController());
  const text = find("text").value;
  const wanted = Object.fromEntries(["probabilities", "alternatives", "unknown"].map((id) => [id, find(id).checked]));
  const isShort = text.length <= SHORT;
  const fields = { text, unknown: wanted.unknown || isShort, probabilities: wanted.probabilities || isShort };
  if (wanted.alternatives) fields.alternatives = ALTERNATIVES;
  if (isShort) fields.top_labels = 5;
  const chosen = chosenModels();
  find("status").textContent = isShort ? find("status").textContent : "Tagging …";
  try {
    const begun = performance.now();
    const answers = await Promise.all(chosen.map(({ name }) => api.tag({ ...fields, model: name }, current.signal)));
    const took = performance.now() - begun;
    shown = { text, chosen, answers, wanted, isShort };
    showError(null);
    show(took);
  } catch (error) {
    if (error.name === "AbortError") return;
    find("status").textContent = "";
    showError(error.message);
  }
}

function show(took) {
  const { text, chosen, answers, wanted, isShort } = shown;
  const keys = answers.map((answer, number) => keysOf(answer, chosen[number]));
  card.hide();
  card.sources.clear();
  const made = answers.map((answer, number) => {
    const differs = comparable(chosen) ? (key) => !keys[1 - number].has(key) : null;
    const view = { model: chosen[number], hues, wanted, differs, isDetailed: isShort };
    const name = chosen[number].name;
    const pane = element("section", { class: "pane", "aria-label": `Result of ${visible(name)}` });
    if (answers.length > 1) pane.append(element("h2", {}, visible(name)));
    pane.append(element("div", { class: "result" }, ...resultOf(text, answer, view)));
    card.sources.set(pane, { answer, view });
    return pane;
  });
  const hadFocus = panes.contains(document.activeElement);
  const place = Math.max(0, focusable(panes).indexOf(document.activeElement));
  panes.replaceChildren(...made);
  panes.classList.toggle("two", made.length > 1);
  for (const pane of made) pane.querySelector("mark[tabindex]")?.setAttribute("tabindex", "0");
  // Whoever had reached a mark of the last answer goes on from there.
  const next = hadFocus && (focusable(panes)[place] ?? focusable(panes).at(-1));
  if (next) focusMark(next);
  find("status").textContent = statusOf(answers, chosen, keys, took);
  showLegend();
  applyHidden();
}

function statusOf(answers, chosen, keys, took) {
  const [answer] = answers;
  const tokens = answer.sentences.reduce((sum, { labels }) => sum + labels.length, 0);
  const counts = [plural(answer.sentences.length, "sentence"), plural(tokens, "token")];
  if (answers.length > 1 && !comparable(chosen)) {
    counts.push("the models have different labels");
  } else if (answers.length > 1) {
    const differing = [...keys[0]].filter((key) => !keys[1].has(key)).length;
    const others = [...keys[1]].filter((key) => !keys[0].has(key)).length;
    counts.push(differing + others ? `${differing + others} marks differ` : "the models agree");
  } else if (chosen[0].spans) {
    counts.push(plural(keys[0].size, "span"));
  }
  return `${counts.join(", ")} · ${Math.round(took)} ms`;
}

// Whether two models have a label in common, so that their marks can be compared.
function comparable([first, second]) {
  const names = new Set(first.labels.map(({ name }) => name));
  return second !== undefined && first.spans === second.spans && second.labels.some(({ name }) => names.has(name));
}

function showLegend() {
  const { chosen, answers } = shown;
  find("legend").hidden = false;
  find("legend-lists").replaceChildren(
    ...legendOf(chosen, hues, answers, hidden, (name) => {
      if (!hidden.delete(name)) hidden.add(name);
      for (const button of find("legend").querySelectorAll("button"))
        button.setAttribute("aria-pressed", String(!hidden.has(button.textContent)));
      applyHidden();
    }),
  );
}

function applyHidden() {
  for (const mark of panes.querySelectorAll("mark")) mark.classList.toggle("off", hidden.has(mark.dataset.label));
}

// Arrow keys move between the marks of a pane, which are one stop of the Tab key.
function moveFocus(event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  const from = event.target.closest("mark");
  if (!from || (step === undefined && event.key !== "Home" && event.key !== "End")) return;
  const marks = focusable(from.closest(".pane"));
  const place = { Home: 0, End: marks.length - 1 }[event.key] ?? marks.indexOf(from) + step;
  if (!marks[place]) return;
  event.preventDefault();
  focusMark(marks[place]);
}

function focusable(part) {
  return [...part.querySelectorAll("mark[tabindex]")];
}

// Moves the focus, and makes the mark the one of its pane that the Tab key reaches.
function focusMark(mark) {
  for (const other of focusable(mark.closest(".pane"))) other.setAttribute("tabindex", "-1");
  mark.setAttribute("tabindex", "0");
  mark.focus();
}

function showError(message) {
  find("error").hidden = message === null;
  find("error").textContent = message === null ? "" : visible(message);
}

start();
