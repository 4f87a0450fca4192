// A slider and a number for every parameter, the start, and what the diagram shows.

import { shortNumber } from "./numbers.js";
import { MOST_SHOWN } from "./state.js";

export function made(tag, fields = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(fields)) {
    if (name in element && name !== "list") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export class Controls {
  constructor(state, form) {
    this.state = state;
    this.rows = [];
    form.addEventListener("submit", (event) => event.preventDefault());
    const { scene } = state;
    for (const parameter of scene.params) form.append(this.slider(parameter));
    form.append(made("hr"));
    for (let i = 0; i < scene.weights; i++) form.append(this.startField(i));
    form.append(this.number("shown", "steps shown", () => state.shown, (n) => {
      if (!(Number.isInteger(n) && n >= 1 && n <= MOST_SHOWN)) return false;
      state.change("shown", () => { state.shown = n; });
      return true;
    }));
    form.append(made("hr"));
    if (scene.params.length > 1) form.append(this.choice("over", "diagram over", scene.params.map(({ name }) => name), () => state.over,
      (name) => state.change("range", () => state.chooseParameter(name))));
    if (scene.weights > 1) form.append(this.choice("entry", "diagram of", scene.names.slice(0, scene.weights), () => scene.names[state.entry],
      (name) => state.change("others", () => { state.entry = scene.names.indexOf(name); })));
    form.append(this.range());
    this.show();
  }

  // Fields follow the state, but for the one in which somebody writes.
  show() {
    for (const row of this.rows) row();
  }

  field(id, get, set) {
    const input = made("input", { id, type: "number", step: "any" });
    input.addEventListener("input", () => input.setAttribute("aria-invalid", String(!set(input.valueAsNumber))));
    input.addEventListener("blur", () => { input.setAttribute("aria-invalid", "false"); this.show(); });
    this.rows.push(() => { if (document.activeElement !== input) input.value = String(Number(get().toPrecision(10))); });
    return input;
  }

  number(id, label, get, set) {
    return made("div", { className: "parameter" }, made("label", { htmlFor: id }, label), this.field(id, get, set));
  }

  startField(i) {
    const { state } = this, name = state.scene.names[i];
    return this.number(`start-${i}`, `start ${name}`, () => state.start[i], (value) => {
      const w = state.start.slice(0, state.scene.weights);
      w[i] = value;
      return state.setWeights([...w]);
    });
  }

  slider({ name, lo, hi, log }) {
    const { state } = this, to = log ? Math.log10 : (x) => x, from = log ? (x) => 10 ** x : (x) => x;
    const row = this.number(`value-${name}`, state.scene.labels[name] ?? name, () => state.values[name], (value) => state.setValue(name, value));
    const input = made("input", { type: "range", min: to(lo), max: to(hi), step: "any", "aria-label": name });
    input.addEventListener("input", () => state.setValue(name, from(input.valueAsNumber)));
    this.rows.push(() => {
      if (document.activeElement !== input || from(input.valueAsNumber) !== state.values[name]) input.value = to(state.values[name]);
      input.setAttribute("aria-valuetext", shortNumber(state.values[name], 5));
    });
    row.append(input);
    return row;
  }

  choice(id, label, names, get, set) {
    const select = made("select", { id }, ...names.map((name) => made("option", { value: name }, name)));
    select.addEventListener("change", () => set(select.value));
    this.rows.push(() => { select.value = get(); });
    return made("div", { className: "parameter" }, made("label", { htmlFor: id }, label), select);
  }

  range() {
    const { state } = this;
    const from = this.field("range-from", () => state.from, (value) => state.setRange(value, state.to));
    const to = this.field("range-to", () => state.to, (value) => state.setRange(state.from, value));
    return made("div", { className: "pair" }, made("label", { htmlFor: "range-from" }, "from"), from, made("label", { htmlFor: "range-to" }, "to"), to);
  }
}
