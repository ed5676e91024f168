"use strict";

// Every array of the page is little-endian numbers, gzipped, in base64.

const EDGES = /^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu;
const DTYPES = {
  int8: Int8Array, int16: Int16Array, uint8: Uint8Array, uint16: Uint16Array,
  uint32: Uint32Array, float32: Float32Array,
};

/** Return the content of one <script data-array>, and forget its text. */
async function unpack(script) {
  const packed = await fetch(`data:application/octet-stream;base64,${script.textContent}`);
  const plain = new Response(packed.body.pipeThrough(new DecompressionStream("gzip")));
  const { array, dtype } = script.dataset;
  script.remove();
  if (dtype === "json") return [array, await plain.json()];
  return [array, new DTYPES[dtype](await plain.arrayBuffer())];
}

/** One end of the projection: for each neuron k tokens and, as int8 shares of a scale, scores. */
class End {
  constructor(name, k, arrays) {
    Object.assign(this, { name, k });
    this.ids = arrays[`${name}_ids`];
    this.shares = arrays[`${name}_shares`];
    this.scales = arrays[`${name}_scales`];
  }

  /** Return [token, score] of each of a neuron's tokens, the strongest first. */
  of(neuron) {
    const start = neuron * this.k;
    return Array.from({ length: this.k }, (_, i) => [
      this.ids[start + i], (this.shares[start + i] * this.scales[neuron]) / 127,
    ]);
  }
}

class Atlas {
  constructor(facts, arrays) {
    Object.assign(this, facts);
    this.size = this.layers * this.width;
    this.texts = arrays.texts;
    this.kinds = arrays.kinds;
    // As steer_gym.neurons.words compares them; punctuation stays findable where it is all.
    this.plain = this.texts.map((text) => text.replace(EDGES, "").toLowerCase() || text.trim());
    this.ends = {
      promoted: new End("promoted", facts.k.promoted, arrays),
      suppressed: new End("suppressed", facts.k.suppressed, arrays),
    };
    this.quantiles = arrays.quantiles_shares; // undefined where no activation was recorded
    this.quantileScales = arrays.quantiles_scales;
    this.spread = arrays.spread;
    this.rarity = rarity(this.ends.promoted.ids, this.texts.length);
  }

  static async open() {
    const facts = JSON.parse(document.getElementById("meta").textContent);
    const scripts = [...document.querySelectorAll("script[data-array]")];
    return new Atlas(facts, Object.fromEntries(await Promise.all(scripts.map(unpack))));
  }

  layer(neuron) { return Math.floor(neuron / this.width); }

  place(neuron) { return `${this.layer(neuron)}/${neuron % this.width}`; }

  /** Return a neuron's activation at each of `activations.levels`. */
  activation(neuron) {
    const count = this.activations.levels.length, scale = this.quantileScales[neuron] / 32767;
    const own = this.quantiles.subarray(neuron * count, (neuron + 1) * count);
    return Array.from(own, (share) => share * scale);
  }
}

/** Return for each token how much it says: the logarithm of how few neurons it is on top of. */
function rarity(ids, vocabulary) {
  const counts = new Uint32Array(vocabulary);
  for (const token of ids) counts[token] += 1;
  return Float32Array.from(counts, (count) => Math.log(1 + ids.length / (1 + count)));
}
