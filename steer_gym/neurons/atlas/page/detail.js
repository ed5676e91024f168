"use strict";

const WIDTH = 340; // of the histogram's drawing, in units of its own

/** Show one neuron: both ends of its projection, its activations, its neighbours. */
function showDetail(atlas, place, neuron, { isMarked, onMark, onGo }) {
  const mark = make("button", { type: "button", id: "mark", onclick: () => onMark(neuron) });
  place.replaceChildren(
    make("h2", {}, `Layer ${atlas.layer(neuron)}, neuron ${neuron % atlas.width}`,
      make("small", {}, `#${neuron}`), mark),
    make("h3", {}, "Promotes"), bars(atlas, atlas.ends.promoted, neuron),
    make("h3", {}, "Suppresses"), bars(atlas, atlas.ends.suppressed, neuron),
    make("h3", {}, "Activation"),
    ...activation(atlas, neuron),
    make("h3", {}, "Nearest neurons, by promoted tokens"),
    ...nearest(atlas, neuron).map(([other, cosine]) => neighbour(atlas, other, cosine, onGo)),
  );
  showMark(place, isMarked(neuron));
}

/** Name the button of the neuron that is shown, if one is. */
function showMark(place, isMarked) {
  const button = place.querySelector("#mark");
  if (button) button.textContent = isMarked ? "Unmark" : "Mark";
}

function activation(atlas, neuron) {
  if (!atlas.activations) return [make("p", {}, "Not recorded for this model.")];
  const { levels, tokens, source } = atlas.activations;
  const seen = `standard deviation ${atlas.spread[neuron].toPrecision(2)}, over `
    + `${tokens.toLocaleString("en")} tokens${source ? ` of ${source}` : ""}`;
  return [histogram(levels, atlas.activation(neuron)), make("p", {}, make("small", {}, seen))];
}

function bars(atlas, end, neuron) {
  const tokens = end.of(neuron);
  const most = Math.abs(tokens[0][1]) || 1;
  return make("ol", { className: "bars" }, ...tokens.map(([token, score]) => {
    const bar = make("i");
    bar.style.width = `${(100 * Math.abs(score)) / most}%`;
    const shown = chip(atlas, token);
    shown.title = `token ${token}`;
    return make("li", {}, shown, bar, make("small", {}, score.toPrecision(3)));
  }));
}

function neighbour(atlas, other, cosine, onGo) {
  const words = atlas.ends.promoted.of(other).slice(0, 5).map(([token]) => atlas.texts[token]);
  return make("button", { type: "button", className: "near", onclick: () => onGo(other) },
    `${atlas.place(other)} `, make("small", {}, `${cosine.toFixed(2)} ${words.join(" ")}`));
}

/** Draw a histogram whose bars lie between known quantiles: the area is the share of positions. */
function histogram(levels, values) {
  const low = values[0], high = values.at(-1), span = high - low || 1;
  const bins = levels.slice(1).map((level, i) => ({
    x: ((values[i] - low) / span) * WIDTH,
    width: Math.max(((values[i + 1] - values[i]) / span) * WIDTH, 1),
    share: level - levels[i],
  }));
  const tallest = Math.max(...bins.map((bin) => bin.share / bin.width));
  const boxes = bins.map(({ x, width, share }) => {
    // The square root keeps thin tails visible beside the peak at zero.
    const height = 52 * Math.sqrt(share / width / tallest);
    return svg("rect", { x, width, y: 56 - height, height });
  });
  const zero = ((0 - low) / span) * WIDTH;
  const marks = low < 0 && high > 0 ? [svg("line", { x1: zero, x2: zero, y1: 2, y2: 60 })] : [];
  const [least, median, most] = [low, values[levels.indexOf(0.5)] ?? NaN, high]
    .map((value) => value.toPrecision(2));
  const words = `from ${least} to ${most}, median ${median}`;
  return make("figure", { style: "margin:0" },
    svg("svg", { viewBox: `0 0 ${WIDTH} 62`, role: "img", "aria-label": `Activation ${words}` },
      svg("line", { x1: 0, x2: WIDTH, y1: 56.5, y2: 56.5 }), ...boxes, ...marks),
    make("p", {}, `${words} (height: square root of density)`));
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
