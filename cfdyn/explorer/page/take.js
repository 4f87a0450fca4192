// What a reader takes away: the link, the same in Python or on the command line, a picture.

import { canvasFont, themeColours } from "./plot.js";
import { drawnAsVector, VectorContext } from "./vector.js";

const quoted = (text) => JSON.stringify(text);
const inShell = (text) => (/^[\w.,:=/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
export const valuesOf = (state, owner) => state.scene.params.filter((one) => one.of === owner).map((one) => [one.own, state.values[one.name]]);

// A map of the reader's own.
function mapInPython({ scene: { recipe }, values, start }) {
  const params = Object.entries(values).map(([name, value]) => `${quoted(name)}: ${value}`);
  return [
    "import cfdyn as cf", "",
    `step = cf.Map(${JSON.stringify(recipe.map)}, ${JSON.stringify(recipe.variables)}, {${params.join(", ")}})`,
    `regime = cf.analysis.classify(step, [${[...start].join(", ")}])`,
    "print(regime.kind, regime.period, regime.lyapunov)", "",
  ].join("\n");
}

export function asPython(state) {
  if (!state.scene.loss) return mapInPython(state);
  const { recipe } = state.scene, loss = valuesOf(state, "loss"), optimizer = valuesOf(state, "optimizer");
  const named = (pairs) => pairs.map(([name, value]) => `${name}=${value}`);
  const options = Object.entries(recipe.options).map(([name, on]) => `${name}=${on ? "True" : "False"}`);
  const params = loss.length ? `, {${loss.map(([name, value]) => `${quoted(name)}: ${value}`).join(", ")}}` : "";
  const formula = `cf.Loss(${quoted(recipe.formula)}, ${JSON.stringify(recipe.variables)}${params})`;
  const changed = loss.length ? `.at(${named(loss).join(", ")})` : "";
  return [
    "import cfdyn as cf", "",
    `loss = ${recipe.python ? recipe.python + changed : formula}`,
    `optimizer = cf.optimizers.${recipe.optimizer}(${[...named(optimizer), ...options].join(", ")})`,
    `regime = cf.analysis.classify(cf.as_map(loss, optimizer), [${[...state.start].join(", ")}])`,
    "print(regime.kind, regime.period, regime.lyapunov)", ...noisyRun(state), "",
  ].join("\n");
}

// The orbit with noise that the page shows.
function noisyRun({ noise: { size, seed }, start, shown, scene: { weights } }) {
  if (size === 0) return [];
  const variances = Array(weights).fill(`${size}**2`).join(", ");
  return [`runs = cf.iterate_many(loss, optimizer, [${[...start].join(", ")}], ${shown}, batch=None, noise=[${variances}], runs=1, seed=${seed})`, "print(runs.run(0).w[-1])"];
}

// The optimizer as it is typed, such as gd:lr=0.1.
export function optimizerText(state) {
  if (!state.scene.loss) return "";
  const { recipe } = state.scene, options = [...valuesOf(state, "optimizer"), ...Object.entries(recipe.options)];
  return `${recipe.optimizer}:${options.map(([name, value]) => `${name}=${value}`).join(",")}`;
}

export function asCommand(state) {
  const { recipe, loss } = state.scene, settings = valuesOf(state, loss ? "loss" : "map").flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const { size, seed } = state.noise, noisy = size > 0 ? [`--noise=${size ** 2}`, `--seed=${seed}`] : [];
  const command = ["cfdyn", size > 0 ? "random" : "classify"];
  const words = loss ? [...command, recipe.command ?? recipe.formula, "--optimizer", optimizerText(state)] : [...command, "--map", recipe.map.join("; ")];
  const variables = recipe.command ? [] : ["--variables", recipe.variables.join(",")];
  return [...words, ...variables, ...settings, `--start=${[...state.start].join(",")}`, ...noisy].map(inShell).join(" ");
}

const PAD = 20, HEAD = 70; // pixels around the views of a picture, and above them

// How large a picture of the views is, and where each of them is in it.
function layoutOf(canvases) {
  const boxes = canvases.map((canvas) => canvas.getBoundingClientRect());
  const left = Math.min(...boxes.map((box) => box.left)), top = Math.min(...boxes.map((box) => box.top));
  const width = Math.max(...boxes.map((box) => box.right)) - left, height = Math.max(...boxes.map((box) => box.bottom)) - top;
  return { width: width + 2 * PAD, height: height + HEAD + PAD, places: boxes.map((box) => [PAD + box.left - left, HEAD + box.top - top, box.width, box.height]) };
}

// The page's ground, with the sentence and the formula above.
function drawHead(c, width, height, sentence, formula) {
  const theme = themeColours();
  c.fillStyle = theme.ground;
  c.fillRect(0, 0, width, height);
  c.fillStyle = theme.ink;
  c.font = `600 ${canvasFont(1.3)}`;
  c.fillText(sentence, PAD, 30, width - 2 * PAD);
  c.fillStyle = theme.quiet;
  c.font = canvasFont();
  c.fillText(formula, PAD, 52, width - 2 * PAD);
}

// All views that are shown as one picture.
export function pictureOf(canvases, sentence, formula) {
  const { width, height, places } = layoutOf(canvases), density = canvases[0].width / canvases[0].getBoundingClientRect().width;
  const sheet = document.createElement("canvas"), c = sheet.getContext("2d");
  [sheet.width, sheet.height] = [width, height].map((size) => Math.round(size * density));
  c.scale(density, density);
  drawHead(c, width, height, sentence, formula);
  canvases.forEach((canvas, i) => c.drawImage(canvas, ...places[i]));
  return sheet;
}

// The same as SVG: curves and texts are vectors, the states of the orbit diagram an embedded picture.
export function vectorOf(views, sentence, formula) {
  const { width, height, places } = layoutOf(views.map((view) => view.canvas)), [w, h] = [width, height].map(Math.round);
  const head = new VectorContext(document.createElement("canvas").getContext("2d"), "head");
  drawHead(head, w, h, sentence, formula);
  const drawn = views.map((view, i) => `<g transform="translate(${Math.round(places[i][0])} ${Math.round(places[i][1])})">${drawnAsVector(view, `view${i}`)}</g>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}" viewBox="0 0 ${w} ${h}">${head.parts.join("")}${drawn.join("")}</svg>`;
}

export function addButtons(page, group, told) {
  const copy = (what, text) => async () => {
    try {
      await navigator.clipboard.writeText(text());
      told.textContent = `Copied: ${what}.`;
    } catch {
      told.textContent = text();
    }
  };
  const save = (blob, ending) => {
    const link = document.createElement("a"), address = URL.createObjectURL(blob);
    link.href = address;
    link.download = `cfdyn.${ending}`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  };
  const shown = () => [page.lossView, page.stepsView, page.diagram, page.map].filter((view) => !view.canvas.closest("figure").hidden);
  const words = () => [page.root.querySelector("#sentence").textContent, `${page.scene.formula} · ${page.title()}`];
  const savePicture = () => pictureOf(shown().map((view) => view.canvas), ...words()).toBlob((blob) => save(blob, "png"));
  const saveVector = () => save(new Blob([vectorOf(shown(), ...words())], { type: "image/svg+xml" }), "svg");
  const { state } = page, buttons = [["copy BibTeX", copy("the BibTeX entry of cfdyn", () => page.scene.bibtex)], ["save PNG", savePicture], ["save SVG", saveVector]];
  if (location.protocol !== "about:") { // in a notebook the page has no address
    buttons.unshift(["copy link", copy("the link", () => location.href.split("#")[0] + state.toHash())]);
  }
  if (page.scene.recipe) {
    buttons.push(["copy as Python", copy("Python", () => asPython(state))], ["copy command", copy("the command", () => asCommand(state))]);
  }
  for (const [words, act] of buttons) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.addEventListener("click", act);
    group.append(button);
  }
}
