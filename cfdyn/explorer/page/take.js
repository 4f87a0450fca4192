// What a reader takes away: the link, the same in Python or on the command line, a picture.

import { canvasFont, themeColours } from "./plot.js";

const quoted = (text) => JSON.stringify(text);
const inShell = (text) => (/^[\w.,:=/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
export const valuesOf = (state, owner) => state.scene.params.filter((one) => one.of === owner).map((one) => [one.own, state.values[one.name]]);

export function asPython(state) {
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
    "print(regime.kind, regime.period, regime.lyapunov)", "",
  ].join("\n");
}

// The optimizer as it is typed, such as gd:lr=0.1.
export function optimizerText(state) {
  const { recipe } = state.scene, options = [...valuesOf(state, "optimizer"), ...Object.entries(recipe.options)];
  return `${recipe.optimizer}:${options.map(([name, value]) => `${name}=${value}`).join(",")}`;
}

export function asCommand(state) {
  const { recipe } = state.scene, settings = valuesOf(state, "loss").flatMap(([name, value]) => ["--set", `${name}=${value}`]);
  const words = ["cfdyn", "classify", recipe.command ?? recipe.formula, "--optimizer", optimizerText(state)];
  const variables = recipe.command ? [] : ["--variables", recipe.variables.join(",")];
  return [...words, ...variables, ...settings, `--start=${[...state.start].join(",")}`].map(inShell).join(" ");
}

// All three views as one picture on the page's ground, with the sentence above.
export function pictureOf(canvases, sentence, formula) {
  const theme = themeColours(), density = canvases[0].width / canvases[0].getBoundingClientRect().width;
  const boxes = canvases.map((canvas) => canvas.getBoundingClientRect()), pad = 20, head = 70;
  const left = Math.min(...boxes.map((box) => box.left)), top = Math.min(...boxes.map((box) => box.top));
  const width = Math.max(...boxes.map((box) => box.right)) - left, height = Math.max(...boxes.map((box) => box.bottom)) - top;
  const sheet = document.createElement("canvas"), c = sheet.getContext("2d");
  [sheet.width, sheet.height] = [width + 2 * pad, height + head + pad].map((size) => Math.round(size * density));
  c.scale(density, density);
  c.fillStyle = theme.ground;
  c.fillRect(0, 0, sheet.width, sheet.height);
  c.fillStyle = theme.ink;
  c.font = `600 ${canvasFont(1.3)}`;
  c.fillText(sentence, pad, 30, width);
  c.fillStyle = theme.quiet;
  c.font = canvasFont();
  c.fillText(formula, pad, 52, width);
  canvases.forEach((canvas, i) => c.drawImage(canvas, pad + boxes[i].left - left, head + boxes[i].top - top, boxes[i].width, boxes[i].height));
  return sheet;
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
  const save = () => {
    const sheet = pictureOf([...page.root.querySelectorAll("main figure:not([hidden]) canvas")], page.root.querySelector("#sentence").textContent, page.title());
    sheet.toBlob((blob) => {
      const link = document.createElement("a"), address = URL.createObjectURL(blob);
      link.href = address;
      link.download = "cfdyn.png";
      link.click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    });
  };
  const { state } = page, buttons = [["copy link", copy("the link", () => location.href.split("#")[0] + state.toHash())], ["save PNG", save]];
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
