"use strict";

const ROW_HEIGHT = 38; // px, as in atlas.css; 352,256 rows stay below every browser's limit
const SPARE = 6; // rows drawn beyond either edge, so that scrolling shows no gap

/** Make an element; `on...` properties listen, others are attributes or properties. */
function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Show a token: blanks as a middle dot, line breaks as an arrow, its kind as a colour. */
function chip(atlas, token, sign = 0) {
  const kind = ["", " action", " special", " special"][atlas.kinds[token]]; // as TokenKind counts
  const seen = sign > 0 ? " hit" : sign < 0 ? " against" : "";
  const shown = atlas.texts[token].replace(/^ +/, (b) => "·".repeat(b.length))
    .replaceAll("\n", "↵");
  return make("span", { className: `chip${kind}${seen}` }, shown || "∅");
}

/** The list of neurons: only the rows in sight exist. */
class List {
  constructor(atlas, frame, { onChoose, onMark, isMarked }) {
    Object.assign(this, { atlas, frame, onChoose, onMark, isMarked });
    this.canvas = frame.firstElementChild;
    this.at = -1;
    frame.addEventListener("scroll", () => this.follow(), { passive: true });
    frame.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.follow()).observe(frame);
  }

  show(result, end) {
    Object.assign(this, { neurons: result.neurons, signs: result.signs, end, at: -1 });
    this.canvas.style.height = `${this.neurons.length * ROW_HEIGHT}px`;
    this.frame.setAttribute("aria-rowcount", this.neurons.length);
    this.frame.scrollTop = 0;
    this.draw();
  }

  /** Return the first row to draw and the one after the last. */
  window() {
    const first = Math.max(0, Math.floor(this.frame.scrollTop / ROW_HEIGHT) - SPARE);
    const count = Math.ceil(this.frame.clientHeight / ROW_HEIGHT) + 2 * SPARE;
    return [first, Math.min(this.neurons.length, first + count)];
  }

  /** Draw where other rows have come into sight. Rows that are replaced while the mouse is down on
   * them would lose the click. */
  follow() {
    if (this.neurons && String(this.window()) !== String(this.drawn)) this.draw();
  }

  draw() {
    if (!this.neurons) return;
    const [first, last] = this.drawn = this.window();
    const rows = [];
    for (let at = first; at < last; at += 1) rows.push(this.row(at));
    this.canvas.replaceChildren(...rows);
    this.frame.setAttribute("aria-activedescendant", this.at < 0 ? "" : `row-${this.at}`);
  }

  row(at) {
    const neuron = this.neurons[at];
    const box = make("input", {
      type: "checkbox", checked: this.isMarked(neuron), tabIndex: -1,
      "aria-label": `Mark neuron ${neuron}`,
      onclick: (event) => { event.stopPropagation(); this.onMark(neuron); },
    });
    const place = make("span", { className: "place", role: "gridcell" },
      this.atlas.place(neuron), make("small", {}, `#${neuron}`));
    const chips = this.end.of(neuron).map(([token]) => chip(this.atlas, token, this.signs[token]));
    const row = make("div", {
      id: `row-${at}`, className: at === this.at ? "row chosen" : "row", role: "row",
      "aria-rowindex": at + 1, "aria-selected": at === this.at, onclick: () => this.choose(at),
    }, make("span", { role: "gridcell" }, box), place,
    make("span", { className: "tokens", role: "gridcell" }, ...chips));
    row.style.top = `${at * ROW_HEIGHT}px`;
    row.dataset.neuron = neuron;
    return row;
  }

  choose(at) {
    this.at = at;
    const top = at * ROW_HEIGHT, { scrollTop, clientHeight } = this.frame;
    if (top < scrollTop) this.frame.scrollTop = top;
    if (top + ROW_HEIGHT > scrollTop + clientHeight) {
      this.frame.scrollTop = top + ROW_HEIGHT - clientHeight;
    }
    this.draw();
    this.onChoose(this.neurons[at]);
  }

  key(event) {
    const page = Math.floor(this.frame.clientHeight / ROW_HEIGHT), end = this.neurons.length - 1;
    const to = {
      ArrowDown: this.at + 1, ArrowUp: this.at - 1, PageDown: this.at + page,
      PageUp: this.at - page, Home: 0, End: end,
    }[event.key];
    if (to !== undefined && end >= 0) this.choose(Math.max(0, Math.min(end, to)));
    else if (event.key === " " && this.at >= 0) this.onMark(this.neurons[this.at]);
    else return;
    event.preventDefault();
  }
}
