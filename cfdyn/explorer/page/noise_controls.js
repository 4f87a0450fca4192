// The size of the noise, its seed, and whether the orbit diagram has it.

import { made } from "./controls.js";
import { shortNumber } from "./numbers.js";
import { MOST_SEED } from "./state.js";

export class NoiseControls {
  constructor(state, form) {
    this.state = state;
    this.size = made("input", { id: "noise", type: "number", step: "any", min: 0 });
    this.slider = made("input", { type: "range", min: 0, max: state.mostNoise, step: "any", "aria-label": "size of the noise" });
    this.seed = made("input", { id: "seed", type: "number", step: 1, min: 0, max: MOST_SEED });
    this.diagram = made("input", { id: "noisy", type: "checkbox" });
    this.words = made("p", { className: "hint", id: "noise-words" });
    for (const input of [this.size, this.slider]) input.addEventListener("input", () => this.accept(input, { size: input.valueAsNumber }));
    this.seed.addEventListener("input", () => this.accept(this.seed, { seed: this.seed.valueAsNumber }));
    this.diagram.addEventListener("change", () => this.accept(this.diagram, { diagram: this.diagram.checked }));
    const row = (label, input, ...more) => made("div", { className: "parameter" }, made("label", { htmlFor: input.id }, label), input, ...more);
    this.more = [row("seed", this.seed), row("noise in the diagram", this.diagram), this.words];
    form.append(made("hr"), row(state.scene.loss ? "gradient noise σ" : "noise σ", this.size, this.slider), ...this.more);
    state.listeners.push(() => this.show());
    this.show();
  }

  accept(input, change) { input.setAttribute("aria-invalid", String(!this.state.setNoise(change))); }

  show() {
    const { size, seed, diagram } = this.state.noise, active = document.activeElement;
    if (active !== this.size) this.size.value = String(Number(size.toPrecision(10)));
    if (active !== this.slider) this.slider.value = size;
    if (active !== this.seed) this.seed.value = seed;
    this.diagram.checked = diagram;
    for (const element of this.more) element.hidden = size === 0;
    this.words.textContent = `Each step adds σξ to ${this.state.scene.loss ? "the gradient of the loss" : "the state"}; ξ is normal with mean 0 and variance 1, independent in each step and ${this.state.scene.loss ? "weight" : "entry"}. Verdict, cycles and map of periods are without noise.`;
    this.slider.setAttribute("aria-valuetext", shortNumber(size, 4));
  }
}
