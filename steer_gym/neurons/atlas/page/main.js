"use strict";

const $ = (id) => document.getElementById(id);

async function start() {
  const atlas = await Atlas.open();
  const view = new View(atlas);
  view.update();
  performance.mark("atlas-open");
  document.body.dataset.ready = "yes";
}

/** Ties the parts of the page together. */
class View {
  constructor(atlas) {
    this.atlas = atlas;
    this.layer = null;
    this.chosen = null;
    this.marks = new Marks(atlas, () => this.drawMarks());
    const isMarked = (neuron) => this.marks.has(neuron);
    const onMark = (neuron) => this.marks.toggle(neuron);
    this.detail = { isMarked, onMark, onGo: (neuron) => this.choose(neuron) };
    this.list = new List(atlas, $("list"), {
      isMarked, onMark, onChoose: (neuron) => this.choose(neuron),
    });
    this.fill();
    this.listen();
  }

  fill() {
    const { atlas } = this;
    $("facts").textContent = `${atlas.size.toLocaleString("en")} neurons in ${atlas.layers} layers `
      + `of ${atlas.width.toLocaleString("en")}, ${atlas.texts.length.toLocaleString("en")} tokens`
      + (atlas.fingerprint ? `, model ${atlas.fingerprint}` : "");
    $("concept").append(...Object.keys(atlas.concepts).map((name) => new Option(name, name)));
    $("order").querySelector("[value=active]").hidden = !atlas.activations;
    $("layers").append(...Array.from({ length: atlas.layers }, (_, layer) => make("button", {
      type: "button", onclick: () => this.chooseLayer(layer),
    }, make("i"), make("b", {}, String(layer)))));
    this.drawMarks();
  }

  listen() {
    $("query").addEventListener("input", () => { $("concept").value = ""; this.update(); });
    for (const id of ["end", "order"]) $(id).addEventListener("change", () => this.update());
    $("concept").addEventListener("change", () => this.useConcept($("concept").value));
    $("mark-first").addEventListener("click", () => {
      this.marks.add(this.result.neurons.slice(0, Number($("first").value)));
    });
    $("export").addEventListener("click", () => this.export());
    $("import").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => this.import());
    $("clear").addEventListener("click", () => this.marks.replace([]));
    $("theme").addEventListener("click", () => {
      const { style } = document.documentElement;
      const dark = matchMedia("(prefers-color-scheme: dark)").matches;
      const now = style.colorScheme || (dark ? "dark" : "light");
      style.colorScheme = now === "dark" ? "light" : "dark";
    });
    addEventListener("keydown", (event) => {
      if (event.key !== "/" || event.target.matches("input")) return;
      event.preventDefault();
      $("query").focus();
    });
  }

  update() {
    const { atlas, layer } = this;
    const asked = { text: $("query").value, end: $("end").value, order: $("order").value, layer };
    this.result = search(atlas, asked);
    this.list.show(this.result, atlas.ends[asked.end]);
    this.drawLayers();
    const count = this.result.neurons.length.toLocaleString("en");
    this.say(`${count} neurons${layer === null ? "" : ` in layer ${layer}`}`);
  }

  /** A concept is a query, or a set of neurons that the page was made with. */
  useConcept(name) {
    const concept = this.atlas.concepts[name];
    $("query").value = concept?.query ?? "";
    this.update();
    if (!concept?.neurons) return;
    const neurons = this.marks.fromConcept(concept);
    this.marks.add(neurons); // to what is marked already, which may not be saved
    $("name").value ||= concept.neurons.name ?? "";
    this.say(`Marked ${neurons.length} neurons of ${name}`);
  }

  chooseLayer(layer) {
    this.layer = this.layer === layer ? null : layer;
    this.update();
  }

  choose(neuron) {
    this.chosen = neuron;
    showDetail(this.atlas, $("detail"), neuron, this.detail);
  }

  drawLayers() {
    const { perLayer } = this.result;
    const most = Math.max(1, ...perLayer);
    [...$("layers").children].forEach((button, layer) => {
      const count = perLayer[layer];
      button.firstChild.style.height = `${(100 * count) / most}%`;
      button.setAttribute("aria-pressed", layer === this.layer);
      button.setAttribute("aria-label", `Layer ${layer}: ${count} neurons`);
      button.title = `Layer ${layer}: ${count.toLocaleString("en")} neurons`;
    });
  }

  drawMarks() {
    $("marked-count").textContent = this.marks.neurons.size;
    $("marked").replaceChildren(...[...this.marks.neurons].map((neuron) => make("button", {
      type: "button", title: `#${neuron}`, onclick: () => this.choose(neuron),
    }, this.atlas.place(neuron))));
    $("export").disabled = !this.marks.neurons.size;
    this.list.draw();
    showMark($("detail"), this.marks.has(this.chosen));
  }

  export() {
    const name = $("name").value.trim() || "marked";
    const file = `${name.replace(/[^\w.-]+/g, "-")}.concept.json`;
    save(this.marks.toConcept(name, $("note").value.trim()), file);
    this.say(`Saved ${this.marks.neurons.size} neurons as ${file}`);
  }

  async import() {
    const [file] = $("file").files;
    $("file").value = "";
    try {
      this.take(JSON.parse(await file.text()), file.name);
    } catch (error) {
      this.say(`${file.name}: ${error.message}`);
    }
  }

  take(content, from) {
    this.marks.replace(this.marks.fromConcept(content));
    $("name").value = (content.neurons ?? content).name ?? "";
    $("note").value = content.note ?? "";
    this.say(`Took ${this.marks.neurons.size} neurons from ${from}`);
  }

  say(words) { $("status").textContent = words; }
}

start().catch((error) => { $("status").textContent = `The atlas does not open: ${error}`; });
