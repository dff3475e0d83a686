// Labels of sentences of words with an exported tagger, under node. Inputs other than words and
// characters are not supported.
//   npm install --ignore-scripts onnxruntime-node
//   node tag.mjs EXPORTED "Alex Graves left Munich ."
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ort from "onnxruntime-node";

const read = (folder, file) => JSON.parse(readFileSync(join(folder, file), "utf-8"));
const SUPPORTED = ["words", "characters", "spelling", "lengths"];
const int64 = (numbers, shape) =>
  new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), shape);

// A vocabulary of tokenizer.json: from a string to its id. 0 is padding, 1 is unknown.
function vocabulary({ tokenizer, num_trained }) {
  const { model, normalizer } = JSON.parse(tokenizer);
  const ids = new Map(Object.entries(model.vocab));
  const steps = normalizer ? (normalizer.normalizers ?? [normalizer]) : [];
  const id = (string) => {
    for (const step of steps) {
      if (step.type === "Lowercase") string = string.toLowerCase();
      else string = string.replace(/\p{Nd}/gu, step.content); // all digits are 0
    }
    return ids.get(string) || 1;
  };
  // If there are vectors of words that are not of the training split, unknown words are lowered.
  if (!num_trained) return id;
  return (string) => (id(string) === 1 ? id(string.toLowerCase()) : id(string));
}

// The characters that are read of a word: of a long one those at both ends.
function shorten(word, most) {
  const characters = [...word];
  if (characters.length <= most) return characters;
  const tail = Math.floor(most / 2);
  return [...characters.slice(0, most - tail), ...characters.slice(characters.length - tail)];
}

export class Tagger {
  static async load(folder) {
    const tagger = new Tagger();
    const { words, characters, config } = read(folder, "tokenizer.json");
    tagger.inputs = read(folder, "export.json").inputs.map(({ name }) => name);
    for (const name of tagger.inputs)
      if (!SUPPORTED.includes(name)) throw new Error(`${folder}: the input ${name} is not supported`);
    tagger.labels = read(folder, "labels.json").labels;
    tagger.wordId = vocabulary(words);
    tagger.characterId = vocabulary(characters);
    tagger.config = config;
    const options = { logSeverityLevel: 3, intraOpNumThreads: 1 };
    tagger.session = await ort.InferenceSession.create(join(folder, "model.onnx"), options);
    return tagger;
  }

  // The labels of each sentence, a list of words, in the scheme of the network.
  async predict(sentences) {
    const { normalize, max_characters } = this.config;
    if (!sentences.some((s) => s.length)) return sentences.map(() => []);
    if (normalize) sentences = sentences.map((s) => s.map((word) => word.normalize(normalize)));
    const time = Math.max(...sentences.map((s) => s.length));
    const padded = sentences.flatMap((s) => [...s, ...Array(time - s.length).fill(null)]);
    const distinct = [...new Set(sentences.flat())]; // each is spelled once
    const spelled = distinct.map((word) => shorten(word, max_characters).map(this.characterId));
    const width = Math.max(1, ...spelled.map((ids) => ids.length));
    const characters = spelled.flatMap((ids) => [...ids, ...Array(width - ids.length).fill(0)]);
    const number = new Map(distinct.map((word, index) => [word, index]));
    const shape = [sentences.length, time];
    const inputs = {
      words: int64(padded.map((word) => (word === null ? 0 : this.wordId(word))), shape),
      spelling: int64(padded.map((word) => number.get(word) ?? 0), shape),
      characters: int64(characters, [distinct.length, width]),
      lengths: int64(sentences.map((s) => s.length), [sentences.length]),
    };
    const feeds = Object.fromEntries(this.inputs.map((name) => [name, inputs[name]]));
    const { labels } = await this.session.run(feeds, ["labels"]);
    return sentences.map((s, row) =>
      s.map((_, t) => this.labels[Number(labels.data[row * time + t])]),
    );
  }
}

if (process.argv[1]?.endsWith("tag.mjs") && process.argv[2]) {
  const tagger = await Tagger.load(process.argv[2]);
  const sentences = process.argv.slice(3).map((text) => text.split(" "));
  for (const labels of await tagger.predict(sentences)) console.log(labels.join(" "));
}
