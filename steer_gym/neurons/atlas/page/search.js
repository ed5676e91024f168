"use strict";

/** Read a query: words (with * for any letters, - for against) and places (#flat, layer/number). */
function readQuery(text, atlas) {
  const query = { words: [], places: [] };
  for (const part of text.trim().toLowerCase().split(/\s+/).filter(Boolean)) {
    const flat = part.match(/^#(\d+)$/);
    const pair = part.match(/^(\d+)\/(\d+)$/);
    if (flat) query.places.push(Number(flat[1]));
    else if (pair) {
      const inside = Number(pair[2]) < atlas.width;
      query.places.push(inside ? Number(pair[1]) * atlas.width + Number(pair[2]) : Infinity); // dropped below
    }
    else if (part.length > 1 && part[0] === "-") query.words.push([part.slice(1), -1]);
    else query.words.push([part, 1]);
  }
  query.places = query.places.filter((neuron) => neuron < atlas.size);
  return query;
}

/** Return 1 for each token that the query asks for, -1 for those that count against, else 0. */
function tokenSigns(words, atlas) {
  const signs = new Int8Array(atlas.texts.length);
  for (const [word, sign] of words) {
    const escaped = word.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*");
    const pattern = new RegExp(`^${escaped}$`);
    const fits = word.includes("*") && word !== "*" ? (t) => pattern.test(t) : (t) => t === word;
    atlas.plain.forEach((text, token) => { if (fits(text)) signs[token] = sign; });
  }
  return signs;
}

/** Return the share of a neuron's weight that is on asked words, less that on unwanted ones;
 * 0 where no asked word is among its tokens. */
function match(end, neuron, signs) {
  let found = false, sum = 0, total = 1e-9;
  for (let i = neuron * end.k; i < (neuron + 1) * end.k; i += 1) {
    const sign = signs[end.ids[i]];
    found ||= sign > 0;
    sum += sign * end.shares[i];
    total += end.shares[i];
  }
  return found ? Math.max(sum / total, 1e-6) : 0;
}

const ACTION = 1; // of TokenKind

function actionShare(atlas, end, neuron) {
  let count = 0;
  for (let i = neuron * end.k; i < (neuron + 1) * end.k; i += 1) {
    if (atlas.kinds[end.ids[i]] === ACTION) count += 1;
  }
  return count / end.k;
}

/** Return the neurons that a query asks for, best first, and how many each layer has. */
function search(atlas, { text, end: name, order, layer }) {
  const query = readQuery(text, atlas);
  const end = atlas.ends[name];
  const signs = tokenSigns(query.words, atlas);
  const asked = new Set(query.places);
  const everything = !query.places.length && !query.words.some(([, sign]) => sign > 0);
  const found = [], perLayer = new Uint32Array(atlas.layers);
  const rank = {
    match: (neuron, fit) => fit,
    place: () => 0,
    action: (neuron) => actionShare(atlas, end, neuron),
    active: (neuron) => atlas.quantileScales[neuron], // the greatest magnitude ever seen
  }[order];
  for (let neuron = 0; neuron < atlas.size; neuron += 1) {
    const fit = everything ? 1 : asked.has(neuron) ? 2 : match(end, neuron, signs);
    if (!fit) continue;
    const own = atlas.layer(neuron);
    perLayer[own] += 1;
    if (layer === null || layer === own) found.push([rank(neuron, fit), neuron]);
  }
  return { neurons: sorted(found), perLayer, signs };
}

/** Return the neurons of [rank, neuron] pairs by falling rank, then by number. Both go into one
 * number, because typed arrays sort natively: 350,000 in some 30 ms. */
function sorted(found) {
  const top = found.reduce((most, [rank]) => Math.max(most, rank), 1e-9);
  const keys = Float64Array.from(
    found, ([rank, neuron]) => Math.round((1 - rank / top) * 1e6) * 2 ** 24 + neuron,
  );
  return Uint32Array.from(keys.sort(), (key) => key % 2 ** 24);
}

/** Return [neuron, cosine] of the neurons whose promoted tokens are most alike: rare tokens in
 * common count more. One pass over all neurons, so that nothing need be stored. */
function nearest(atlas, neuron, count = 10) {
  const { ids, shares, k } = atlas.ends.promoted;
  const own = new Float32Array(atlas.texts.length);
  for (let i = neuron * k; i < (neuron + 1) * k; i += 1) own[ids[i]] = weight(i);
  const found = [];
  for (let other = 0; other < atlas.size; other += 1) {
    let dot = 0, norm = 1e-9;
    for (let i = other * k; i < (other + 1) * k; i += 1) {
      const mine = own[ids[i]];
      const theirs = weight(i);
      dot += mine * theirs;
      norm += theirs * theirs;
    }
    if (dot > 0 && other !== neuron) found.push([dot / Math.sqrt(norm), other]);
  }
  const length = Math.hypot(...own.filter(Boolean));
  found.sort(([one], [another]) => another - one);
  return found.slice(0, count).map(([dot, other]) => [other, dot / length]);

  function weight(i) { return shares[i] * atlas.rarity[ids[i]]; }
}
