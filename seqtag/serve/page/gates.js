// The gates and states of one or two sentences, or of two models: the picture of `seqtag trace`.

import * as api from "./api.js";
import { element, find, visible } from "./dom.js";

const EXAMPLE = "Alex Graves left Munich for Toronto.";
let running = null;
let picture = null;

export function startGates(models) {
  const traced = models.filter((model) => model.gates);
  find("tab-gates").hidden = traced.length === 0;
  if (traced.length === 0) return;
  if (traced.length > 1) {
    const options = () => traced.map(({ name }) => element("option", { value: name }, visible(name)));
    find("trace-model").append(...options());
    find("trace-other").append(element("option", { value: "" }, "no other"), ...options());
    find("choose-trace-model").hidden = find("choose-trace-other").hidden = false;
  }
  const first = traced.find(({ example }) => example) ?? traced[0];
  const examples = new Set([EXAMPLE, ...traced.map(({ example }) => example)]);
  const sentence = find("trace-a");
  const exampleOf = (name) => traced.find((model) => model.name === name)?.example ?? EXAMPLE;
  find("trace-model").value = first.name;
  sentence.value = exampleOf(first.name);
  // Another tagger may not know the words of an example.
  find("trace-model").addEventListener("change", (event) => {
    if (examples.has(sentence.value)) sentence.value = exampleOf(event.target.value);
    run(first.name);
  });
  find("trace-other").addEventListener("change", () => run(first.name));
  find("trace-form").addEventListener("submit", (event) => {
    event.preventDefault();
    run(first.name);
  });
  find("tab-gates").addEventListener("click", () => picture ?? run(first.name));
  if (find("tab-gates").getAttribute("aria-selected") === "true") run(first.name);
}

async function run(first) {
  running?.abort();
  const current = (running = new AbortController());
  const text = [find("trace-a").value, find("trace-b").value].filter((one) => one.trim());
  const model = find("trace-model").value || first;
  const other = find("trace-other").value;
  find("trace-status").textContent = "Tracing …";
  try {
    const module = import("./picture.js");
    const data = await api.trace({ text, model: other && other !== model ? [model, other] : [model] }, current.signal);
    const { mountPicture } = await module;
    picture?.destroy();
    picture = mountPicture(find("picture"), data);
    show("", null);
  } catch (error) {
    if (error.name !== "AbortError") show("", error.message);
  }
}

function show(status, error) {
  find("trace-status").textContent = status;
  find("trace-error").hidden = error === null;
  find("trace-error").textContent = error === null ? "" : visible(error);
}
