// The one state that all views show. It is written in the address behind #.

import { START } from "./engine.js";

const DOMAINS = {
  positive: (x) => x > 0, nonnegative: (x) => x >= 0, fraction: (x) => x >= 0 && x < 1, unit: (x) => x >= 0 && x <= 1,
  "inside unit": (x) => x > -1 && x < 1,
};
export const MOST_SHOWN = 2000; // steps that are drawn
export const MOST_SEED = 2 ** 32 - 1;
const MOVED = 0.1; // of what is in view, by the largest noise of a slider in one step of descent

export class State {
  constructor(scene) {
    this.scene = scene;
    this.listeners = [];
    this.changed = new Set();
    this.values = Object.fromEntries(scene.params.map((parameter) => [parameter.name, parameter.value]));
    this.start = Float64Array.from(scene.start);
    this.shown = scene.shown;
    this.flows = false; // drawn on the loss
    this.branch = null; // of those over the parameter of the diagram, the one that is followed; null: none is drawn
    this.entry = 0; // of the weights, the one that the orbit diagram shows
    this.chooseParameter(scene.over);
    this.noise = { size: 0, seed: 0, diagram: false };
    this.view = "diagram"; // or "map"
    this.axes = axesOf(scene);
    const others = this.axes.filter(({ name }) => name !== scene.over), own = others.find(({ name }) => scene.params.some((one) => one.name === name && one.of === "optimizer"));
    [this.across, this.up] = [scene.over, (own ?? others[0])?.name];
  }

  get mostNoise() {
    const [lo, hi] = this.scene.view[0];
    return Number(((MOVED * (hi - lo)) / (this.scene.params.find(({ name }) => name === "lr")?.value ?? 1)).toPrecision(2));
  }

  // Its size is a standard deviation; false if a part makes no sense.
  setNoise(change) {
    const { size, seed, diagram } = { ...this.noise, ...change };
    if (!(size >= 0 && Number.isFinite(size) && Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED)) return false;
    this.change(diagram || this.noise.diagram ? "range" : "noise", () => { this.noise = { size, seed, diagram }; });
    return true;
  }

  // Of the map, which has another one there: they are exchanged.
  chooseAxis(which, name) {
    const other = which === "across" ? "up" : "across";
    if (this[other] === name) this[other] = this[which];
    this[which] = name;
  }

  axis(which) { return this.axes.find(({ name }) => name === this[which]); }

  axisValue(name) { return name in this.values ? this.values[name] : this.start[Number(name.slice(START.length))]; }

  setAxis(name, value) {
    if (name in this.values) return this.setValue(name, value);
    const weights = this.start.slice(0, this.scene.weights);
    weights[Number(name.slice(START.length))] = value;
    return this.setWeights([...weights]);
  }

  parameter(name) { return this.scene.params.find((parameter) => parameter.name === name); }

  get value() { return this.values[this.over]; }

  allows(name, value) {
    return Number.isFinite(value) && (DOMAINS[this.parameter(name).domain] ?? (() => true))(value);
  }

  chooseParameter(name) {
    this.over = name;
    [this.from, this.to] = [this.parameter(name).lo, this.parameter(name).hi];
    this.heights = null; // of the orbit diagram, if they were chosen
  }

  // Change fields and tell the listeners once a frame what changed: "values", "start", "range", …
  change(what, act) {
    act(this);
    if (this.changed.size === 0) requestAnimationFrame(() => this.tell());
    this.changed.add(what);
  }

  tell() {
    const changed = this.changed;
    this.changed = new Set();
    for (const listener of this.listeners) listener(changed);
  }

  setValue(name, value) {
    if (!this.allows(name, value)) return false;
    if (value !== this.values[name]) this.change(name === this.over ? "value" : "others", () => { this.values[name] = value; });
    return true;
  }

  setWeights(weights) {
    if (!weights.every(Number.isFinite)) return false;
    this.change("start", () => { this.start.set(weights); });
    return true;
  }

  // Go to a cycle of a branch: the value of the diagram's parameter, and the whole state there.
  follow(branch, value, state) {
    this.change("start", () => { this.branch = branch; this.values[this.over] = value; this.start.set(state); });
  }

  setRange(from, to, heights = null) {
    const size = Math.max(Math.abs(from), Math.abs(to));
    if (!(this.allows(this.over, to) && Number.isFinite(from) && to - from > 1e-12 * size)) return false;
    this.change("range", () => { [this.from, this.to, this.heights] = [from, to, heights]; });
    return true;
  }

  toHash() {
    const fields = Object.entries(this.values).map(([name, value]) => [`p.${name}`, value]);
    fields.push(["start", [...this.start].join(",")], ["over", this.over], ["from", this.from], ["to", this.to]);
    if (this.scene.place) fields.push(["map", this.scene.place]);
    if (this.entry) fields.push(["entry", this.entry]);
    if (this.branch !== null) fields.push(["branch", this.branch]);
    if (this.flows) fields.push(["flows", 1]);
    if (this.heights) fields.push(["heights", this.heights.join(",")]);
    if (this.view === "map") fields.push(["view", "map"], ["across", this.across], ["up", this.up]);
    const { size, seed, diagram } = this.noise;
    if (size > 0) fields.push(["noise", size], ["seed", seed], ...(diagram ? [["noisy", 1]] : []));
    fields.push(["shown", this.shown]);
    return `#${new URLSearchParams(fields.map(([key, value]) => [key, String(value)]))}`;
  }

  // What an address says, as far as it makes sense; the rest stays.
  readHash(hash) {
    const fields = new URLSearchParams(hash.slice(1)), number = (text) => (text === null || text.trim() === "" ? NaN : Number(text));
    for (const name of Object.keys(this.values)) {
      const value = number(fields.get(`p.${name}`));
      if (this.allows(name, value)) this.values[name] = value;
    }
    const start = (fields.get("start") ?? "").split(",").map(number);
    if (start.length === this.start.length && start.every(Number.isFinite)) this.start.set(start);
    if (fields.get("over") in this.values) this.chooseParameter(fields.get("over"));
    const [from, to, shown, entry] = ["from", "to", "shown", "entry"].map((key) => number(fields.get(key)));
    if (from < to && Number.isFinite(from) && this.allows(this.over, to)) [this.from, this.to] = [from, to];
    const [size, seed] = ["noise", "seed"].map((key) => number(fields.get(key)));
    this.noise = { size: size > 0 && Number.isFinite(size) ? size : 0, seed: Number.isInteger(seed) && seed >= 0 && seed <= MOST_SEED ? seed : 0, diagram: fields.get("noisy") === "1" };
    this.view = fields.get("view") === "map" && this.axes.length > 1 ? "map" : "diagram";
    for (const which of ["across", "up"]) if (this.axes.some(({ name }) => name === fields.get(which))) this.chooseAxis(which, fields.get(which));
    const heights = (fields.get("heights") ?? "").split(",").map(number);
    if (heights.length === 2 && heights.every(Number.isFinite) && heights[0] < heights[1]) this.heights = heights;
    if (Number.isInteger(shown) && shown >= 1 && shown <= MOST_SHOWN) this.shown = shown;
    const branch = number(fields.get("branch"));
    this.branch = Number.isInteger(branch) && branch >= 0 ? branch : null;
    this.flows = this.scene.flows && fields.get("flows") === "1";
    if (Number.isInteger(entry) && entry >= 0 && entry < this.scene.weights) this.entry = entry;
  }
}

// What a map may be drawn over: the parameters and the start, each with its range as it is drawn (of a logarithm in places).
function axesOf({ params, labels, names, weights, view }) {
  const same = (x) => x, tenfold = (x) => 10 ** x;
  const own = params.map(({ name, lo, hi, log }) => {
    const [to, from] = log ? [Math.log10, tenfold] : [same, same], label = labels[name] ?? name;
    return { name, short: name, label: log ? `log₁₀ ${label}` : label, lo: to(lo), hi: to(hi), to, from };
  });
  const starts = names.slice(0, weights).map((name, i) => ({ name: `${START}${i}`, short: `start ${name}`, label: `start ${name}`, lo: view[i][0], hi: view[i][1], to: same, from: same }));
  return [...own, ...starts];
}
