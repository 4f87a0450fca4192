// The one state that all views show. It is written in the address behind #.

const DOMAINS = {
  positive: (x) => x > 0, nonnegative: (x) => x >= 0, fraction: (x) => x >= 0 && x < 1, unit: (x) => x >= 0 && x <= 1,
  "inside unit": (x) => x > -1 && x < 1,
};
export const MOST_SHOWN = 2000; // steps that are drawn

export class State {
  constructor(scene) {
    this.scene = scene;
    this.listeners = [];
    this.changed = new Set();
    this.values = Object.fromEntries(scene.params.map((parameter) => [parameter.name, parameter.value]));
    this.start = Float64Array.from(scene.start);
    this.shown = scene.shown;
    this.flows = false; // drawn on the loss
    this.entry = 0; // of the weights, the one that the orbit diagram shows
    this.chooseParameter(scene.over);
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

  setRange(from, to, heights = null) {
    const size = Math.max(Math.abs(from), Math.abs(to));
    if (!(this.allows(this.over, to) && Number.isFinite(from) && to - from > 1e-12 * size)) return false;
    this.change("range", () => { [this.from, this.to, this.heights] = [from, to, heights]; });
    return true;
  }

  toHash() {
    const fields = Object.entries(this.values).map(([name, value]) => [`p.${name}`, value]);
    fields.push(["start", [...this.start].join(",")], ["over", this.over], ["from", this.from], ["to", this.to]);
    if (this.entry) fields.push(["entry", this.entry]);
    if (this.flows) fields.push(["flows", 1]);
    if (this.heights) fields.push(["heights", this.heights.join(",")]);
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
    const heights = (fields.get("heights") ?? "").split(",").map(number);
    if (heights.length === 2 && heights.every(Number.isFinite) && heights[0] < heights[1]) this.heights = heights;
    if (Number.isInteger(shown) && shown >= 1 && shown <= MOST_SHOWN) this.shown = shown;
    this.flows = this.scene.flows && fields.get("flows") === "1";
    if (Number.isInteger(entry) && entry >= 0 && entry < this.scene.weights) this.entry = entry;
  }
}
