// A hue for each label. Successive multiples of the golden angle are far apart on the wheel; the
// style sheet gives all hues the same lightness, so that all have the same contrast.

const GOLDEN_ANGLE = 137.508;

export function huesOf(models) {
  const hues = new Map();
  for (const model of models) {
    for (const { name } of model.labels) {
      if (name !== "O" && !hues.has(name)) hues.set(name, Math.round(hues.size * GOLDEN_ANGLE + 60) % 360);
    }
  }
  return hues;
}
