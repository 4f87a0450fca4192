// The page of a scene: one state, its views, and the work that is spread over frames.

import { Branches } from "./branches.js";
import { Controls, made } from "./controls.js";
import { Diagram } from "./diagram.js";
import { loadEngine } from "./engine.js";
import { Explain, withTerms } from "./explain.js";
import { proofsNow } from "./findings.js";
import { centralFlow, gradientFlow } from "./flows.js";
import { Landmarks } from "./landmarks.js";
import { LossView } from "./loss_view.js";
import { nearestMinimum } from "./minimum.js";
import { leadingText, multipliersOf } from "./multipliers.js";
import { Helper } from "./helper.js";
import { normalNumbers } from "./noise.js";
import { NoiseControls } from "./noise_controls.js";
import { shortNumber } from "./numbers.js";
import { PeriodMap } from "./period_map.js";
import { themeColours, visibleOn } from "./plot.js";
import { State } from "./state.js";
import { StepsView } from "./steps_view.js";
import { addButtons } from "./take.js";
import { Tour } from "./tour.js";
import { isNeutralPoint, regimeOf, sentenceOf, Settling } from "./verdict.js";

const FRAME = 10; // milliseconds of work between two pictures

export class Page {
  constructor(root, scene, engine, bytes, hash, keep, family) {
    Object.assign(this, { root, scene, engine, keep, family, theme: themeColours(), state: new State(scene), orbit: null, settled: null, edge: {}, findings: [...(scene.findings ?? [])] });
    this.state.readHash(hash);
    this.closing = new AbortController();
    const at = (selector) => root.querySelector(selector), { signal } = this.closing;
    at("#formula").textContent = scene.formula;
    at("#version").textContent = scene.version;
    document.title = `${scene.formula} · cfdyn`;
    this.explain = new Explain(root);
    this.explain.attach(at("#badge"), () => this.evidence);
    this.landmarks = new Landmarks(this, at("#diagram"));
    this.branches = new Branches(this, at("#diagram"));
    this.lossView = new LossView(this, at("#loss"));
    this.stepsView = new StepsView(this, at("#steps"));
    this.helper = new Helper(scene, bytes, () => { at("#told").textContent = "This browser starts no worker: diagram and map are not computed."; this.wake(); });
    this.diagram = new Diagram(this, at("#diagram"));
    this.map = new PeriodMap(this, at("#map"));
    for (const button of root.querySelectorAll("button.view")) {
      button.hidden = this.state.axes.length < 2;
      button.addEventListener("click", () => this.chooseView(button.value));
    }
    this.controls = new Controls(this.state, at("#parameters"));
    new NoiseControls(this.state, at("#parameters"));
    if (family.length > 1) this.addMenu(at("#parameters"));
    addButtons(this, at("#take"), at("#told"));
    this.tour = new Tour(this, at("#touring"), at("#tour"));
    this.state.listeners.push((changed) => this.follow(changed));
    addEventListener("hashchange", () => this.goTo(location.hash), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint(), { signal });
    this.follow(new Set(["others"]));
  }

  // A menu of the optimizers that the file has.
  addMenu(form) {
    const names = this.family.map(({ title }, i) => made("option", { value: i }, title)), menu = made("select", { id: "optimizer" }, ...names);
    menu.value = this.scene.place;
    menu.addEventListener("change", async () => (await this.goTo(`#${MAP}=${menu.value}`)).root.querySelector("#optimizer").focus());
    form.prepend(made("div", { className: "parameter" }, made("label", { htmlFor: "optimizer" }, "optimizer"), menu), made("hr"));
  }

  // The state of an address, which may be one of another optimizer; the page that shows it.
  async goTo(hash) {
    if (placeIn(this.family, hash) !== this.scene.place) return open(this.family, hash, this.keep);
    this.state.change("others", (state) => state.readHash(hash));
    return this;
  }

  title() {
    const { state, scene } = this, values = Object.entries(state.values).map(([name, value]) => `${name} = ${shortNumber(value, 6)}`);
    return `${scene.optimizer ? `${scene.optimizer}: ` : ""}${values.join(", ")}${scene.rows ? ` · ${scene.rows} rows of data` : ""}${state.noise.size > 0 ? ` · noise σ = ${shortNumber(state.noise.size, 4)}, but not in the verdict` : ""}`;
  }

  repaint() {
    this.theme = themeColours();
    this.diagram.repaint();
    this.map.repaint();
    this.drawViews();
    this.say();
  }

  // Everything that depends on what changed.
  follow(changed) {
    const { engine, state, scene } = this, anew = ["others", "start", "range", "view"].some((what) => changed.has(what));
    for (const name of ["diagram", "map"]) this.root.querySelector(`#${name}`).hidden = state.view !== name;
    if (anew) this.diagram.restart(); // first of all: the worker computes while the views are drawn here
    this.map.restart();
    engine.setParameters(state.values);
    this.lossKey = scene.params.filter((one) => one.of === "loss").map((one) => state.values[one.name]);
    this.orbit = this.followOrbit();
    this.flows = state.flows ? this.followFlows() : [];
    this.settling = new Settling(engine, state.start);
    this.settling.run(performance.now() + FRAME / 2);
    this.settled = this.settling.result;
    this.edge = this.edgeNow();
    this.lossView.refresh();
    if (changed.has("start")) this.lossView.restart();
    this.controls.show();
    this.say();
    this.drawViews();
    if (!anew) this.diagram.draw();
    this.map.draw();
    clearTimeout(this.written);
    this.written = setTimeout(() => this.keep(state), 250);
    this.wake();
  }

  // The diagram or the map; the keyboard goes on in the button that leads back.
  chooseView(name) {
    this.state.change("view", (state) => { state.view = name; });
    requestAnimationFrame(() => this.root.querySelector(`#${name} button.view`).focus());
  }

  followOrbit() {
    const { engine, state } = this, d = engine.dim, { size, seed } = state.noise;
    const { taken, states } = size > 0 ? engine.disturbedOrbit(state.start, state.shown, normalNumbers(seed, size, state.shown * engine.weights)) : engine.orbit(state.start, state.shown);
    const rows = Array.from({ length: taken + 1 }, (_, k) => states.slice(k * d, (k + 1) * d));
    const weights = rows.map((row) => row.subarray(0, engine.weights)), measured = d > 1 && this.scene.loss;
    return {
      rows, losses: measured ? weights.map((w) => engine.loss(w)) : [], sharpness: measured ? weights.map((w) => engine.sharpness(w)) : [],
    };
  }

  followFlows() {
    const { engine, state: { start, shown }, scene: { rows } } = this;
    return [gradientFlow, centralFlow].map((flow) => flow(engine, start, shown, rows));
  }

  // The sharpness at the edge, and the learning rate over the edge of a minimum: the nearest one, of a continuum the one reached.
  edgeNow() {
    const { engine, state, scene, settled } = this, lr = state.values.lr, threshold = engine.threshold();
    const [from, known] = isNeutralPoint(settled) ? [settled.points[0], []] : [state.start, scene.minima];
    const minimum = Number.isFinite(threshold) ? nearestMinimum(engine, from.slice(0, scene.weights), known) : null;
    return { sharpness: threshold / lr, ratio: minimum === null ? NaN : (lr * minimum.sharpness) / threshold, minimum };
  }

  say() {
    const { settled, edge, scene, theme } = this, sentence = sentenceOf(settled, edge.ratio);
    const element = this.root.querySelector("#sentence");
    if (element.textContent !== sentence) element.replaceChildren(...withTerms(sentence, scene.terms, this.explain));
    this.root.querySelector("#swatch").style.background = regimeOf(settled) === "undecided" ? "transparent" : visibleOn(scene.colours[regimeOf(settled)], theme);
    this.root.querySelector("#about").textContent = this.title();
    const { minimum, ratio } = edge, lr = this.state.values.lr;
    const place = minimum && [...minimum.w].map((x, i) => `${scene.names[i]} = ${shortNumber(x, 4)}`).join(", ");
    const where = minimum ? ` · edge η = ${shortNumber(lr / ratio, 4)}, at the minimum ${place} of sharpness ${shortNumber(minimum.sharpness, 4)}` : "";
    const multipliers = settled?.kind === "cycle" ? multipliersOf(this.engine, settled.points) : null;
    const turns = multipliers ? ` · ${multipliers.length > 1 ? "leading multiplier" : "multiplier"} ${leadingText(multipliers)}` : "";
    this.root.querySelector("#evidence").textContent = `floating point, computed in this page${turns}${where}`;
    this.sayProofs();
  }

  // The badge: proved, if a proof says of the cycle shown that it exists and is stable.
  sayProofs() {
    const badge = this.root.querySelector("#badge"), { cycle, statements } = proofsNow(this.findings, this.state, this.settled);
    badge.textContent = cycle ? "proved" : "float";
    badge.className = badge.textContent;
    this.evidence = [
      cycle ? "Proved: that this cycle exists and is stable, in ball arithmetic. That the orbit from this start converges to it is floating point." : "Floating point: evidence, not a proof.",
      ...(statements.length ? ["Proved at these values, and verified by the checker of certificates:", ...statements] : []),
    ];
  }

  // More of what Python has found.
  find(findings) {
    this.findings.push(findings);
    this.say();
    this.diagram.draw();
  }

  drawViews() {
    this.lossView.draw();
    this.stepsView.draw();
  }

  // No more work, and nothing of the window is listened to.
  close() {
    this.closing.abort();
    this.helper.close();
    clearTimeout(this.written);
    this.state.listeners = [];
  }

  // Work on in slices until nothing is left to do.
  wake() {
    this.root.querySelector("main").dataset.busy = "true";
    if (this.awake) return;
    this.awake = true;
    requestAnimationFrame(() => this.work());
  }

  work() {
    this.awake = false;
    if (this.closing.signal.aborted) return;
    if (this.settling && !this.settling.result && this.settling.run(performance.now() + FRAME / 2)) {
      this.settled = this.settling.result;
      this.edge = this.edgeNow();
      this.lossView.refresh();
      this.say();
      this.drawViews();
    }
    if (!this.settling.result) this.wake();
    else if (!this.helper.busy) this.root.querySelector("main").dataset.busy = "false";
  }
}

let blank = null, current = null;

const keepInAddress = (state) => history.replaceState(null, "", state.toHash());

const MAP = "map"; // in an address: the place of the optimizer among those of the page

function placeIn(family, hash) {
  const place = Number(new URLSearchParams(hash.slice(1)).get(MAP) ?? 0);
  return place in family ? place : 0;
}

// Show a scene in place of what was shown: the one door for a file, a server and a notebook. `hash`: the state to begin with;
// `keep`: what is done with a state that rests.
export function show(scene, hash = "", keep = keepInAddress) {
  return open([scene, ...(scene.others ?? []).map((other) => ({ ...scene, ...other }))].map((one, place) => ({ ...one, place })), hash, keep);
}

async function open(family, hash, keep) {
  const scene = family[placeIn(family, hash)], place = document.querySelector("#page");
  blank ??= place.cloneNode(true);
  const bytes = Uint8Array.from(atob(scene.wasm), (letter) => letter.charCodeAt(0)), engine = await loadEngine(scene, bytes);
  current?.close();
  const root = blank.cloneNode(true);
  document.querySelector("#page").replaceWith(root);
  current = new Page(root, scene, engine, bytes, hash, keep, family);
  return current;
}
