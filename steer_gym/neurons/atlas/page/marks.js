"use strict";

const CONCEPT = "steer_gym concept 1";

/** The marked neurons, in the order in which they were marked, and the concept that they make. */
class Marks {
  constructor(atlas, onChange) {
    Object.assign(this, { atlas, onChange, neurons: new Set() });
  }

  has(neuron) { return this.neurons.has(neuron); }

  toggle(neuron) {
    if (!this.neurons.delete(neuron)) this.neurons.add(neuron);
    this.onChange();
  }

  add(neurons) {
    for (const neuron of neurons) this.neurons.add(neuron);
    this.onChange();
  }

  replace(neurons) {
    this.neurons = new Set(neurons);
    this.onChange();
  }

  /** Return the concept as steer_gym.neurons.concept reads it. */
  toConcept(name, note) {
    const { layers, width, fingerprint, model } = this.atlas;
    const ids = [...this.neurons];
    const says = (neuron) => this.atlas.ends.promoted.of(neuron)
      .map(([token]) => this.atlas.texts[token].trim()).join(", ");
    return {
      format: CONCEPT, name, model, space: { layers, width, fingerprint },
      neurons: { flat_ids: ids, pairs: [], name, fingerprint },
      words: [], opposites: [], found_by: { method: "marked in the atlas" }, scores: {},
      tokens: Object.fromEntries(ids.map((neuron) => [neuron, says(neuron)])), note,
    };
  }

  /** Return the neurons of a concept file's content; complain where they are not this model's. */
  fromConcept(content) {
    const { flat_ids: flat = [], pairs = [], fingerprint } = content.neurons ?? content;
    const own = this.atlas.fingerprint;
    if (fingerprint && own && fingerprint !== own) {
      throw new Error(`These neurons were found in model ${fingerprint}; this one is ${own}.`);
    }
    const inside = ([layer, neuron]) => layer < this.atlas.layers && neuron < this.atlas.width;
    const ids = [...flat, ...pairs.map((pair) => (inside(pair)
      ? pair[0] * this.atlas.width + pair[1] : NaN))];
    const wrong = ids.filter((id) => !Number.isInteger(id) || id < 0 || id >= this.atlas.size);
    if (!ids.length) throw new Error("The file holds no neurons.");
    if (wrong.length) throw new Error(`This model has no neuron ${wrong.slice(0, 5).join(", ")}.`);
    return ids;
  }
}

/** Let the browser save `content` as a JSON file. */
function save(content, fileName) {
  const blob = new Blob([`${JSON.stringify(content, null, 1)}\n`], { type: "application/json" });
  const link = make("a", { href: URL.createObjectURL(blob), download: fileName });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
