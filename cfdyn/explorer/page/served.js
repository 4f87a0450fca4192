// The page of a server: another formula, and what Python alone can do. The token of the address goes with each request.

import { made } from "./controls.js";
import { shortNumber } from "./numbers.js";
import { show } from "./page.js";
import { optimizerText, valuesOf } from "./take.js";

const PAUSE = 250; // milliseconds between two looks at a job
const token = new URLSearchParams(location.search).get("token") ?? "";
let page = null, running = null;

async function ask(path, method, body) {
  const headers = { "X-Token": token, ...(body ? { "Content-Type": "application/json" } : {}) };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The server does not answer: start cfdyn explore again.");
  }
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

// What is on the page now, as texts.
function questionNow() {
  const { state, scene } = page, { formula, variables } = scene.server.question;
  const params = valuesOf(state, scene.loss ? "loss" : "map").map(([name, value]) => `${name}=${value}`).join(",");
  return { formula, variables, params, optimizer: optimizerText(state), start: [...state.start].join(",") };
}

// The parameter of the diagram, from end to end, the present value included.
function rangeNow() {
  const { over, from, to, value } = page.state, { lo, hi } = page.state.parameter(over);
  return [over, Math.min(lo, from, value), Math.max(hi, to, value)];
}

function linesOf({ headline, lines, cycles, proved, unproved, period, complete, reason, findings }) {
  if (headline) return [headline, ...lines];
  if (proved) return [...proved.map((text) => `Proved, and verified by the checker: ${text}`), ...unproved.map((text) => `Not proved: ${text}`),
    ...(proved.length + unproved.length ? [] : ["Nothing was proved."])];
  if (!cycles) return [findings.missing || `${findings.branches.length} branches over ${findings.over}: the circles on the diagram are their bifurcations. Click one to switch to the other branch there.`];
  const head = `${cycles.length} of period ${period}: ${complete ? "all in the box, as far as floating point can determine" : "there may be more"}${reason ? ` (${reason})` : ""}.`;
  return [head, ...cycles.map(({ points, multipliers, stable }) => {
    const named = { true: "stable", false: "unstable" }[stable] ?? "undecided";
    return `${points.map((point) => point.map((x) => shortNumber(x, 6)).join(", ")).join("; ")} (${named}, |multiplier| ${multipliers.map((x) => x === null ? "∞" : shortNumber(x, 4)).join(", ")})`;
  })];
}

async function follow(task, period, told) {
  const asking = page;
  running = (await ask("/jobs", "POST", { task, period, over: rangeNow(), question: questionNow() })).job;
  for (;;) {
    const found = await ask(`/jobs/${running}`, "GET");
    if (found.state === "done") {
      if (found.answer.findings) asking.find(found.answer.findings);
      if (task === "branches") asking.state.change("branch", (state) => { state.branch ??= 0; });
      return linesOf(found.answer);
    }
    if (found.state === "failed") throw new Error(found.error);
    if (found.state === "cancelled") return ["Cancelled."];
    told([`Computing: ${found.progress}`]);
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}

function field(id, label, value, more = {}) {
  return made("label", { htmlFor: id }, label, made("input", { id, type: "text", value, maxLength: 4000, spellcheck: false, autocomplete: "off", ...more }));
}

export function panel(server) {
  const { question } = server, menu = made("select", { id: "ask-menu" }, ...server.optimizers.map(({ name, title }) => made("option", { value: name }, title)));
  const form = made("form", { id: "ask" }, field("ask-formula", "formula", question.formula || page.scene.formula), field("ask-params", "parameters", question.params, { placeholder: "a=1, b=0.1" }),
    made("label", { htmlFor: "ask-menu" }, "optimizer", menu), field("ask-optimizer", "as typed", question.optimizer), made("button", { type: "submit" }, "show"));
  const typed = form.querySelector("#ask-optimizer"), chosen = () => { menu.value = typed.value.split(":")[0].trim(); };
  menu.addEventListener("change", () => { typed.value = server.optimizers.find(({ name }) => name === menu.value).text; });
  typed.addEventListener("input", chosen);
  chosen();
  const answer = made("ul", { id: "answer", "aria-live": "polite" });
  const told = (lines) => answer.replaceChildren(...lines.map((line) => made("li", {}, line)));
  const attempt = async (act) => { try { await act(); } catch (error) { told([error.message]); } };
  const button = (id, words, act) => { const one = made("button", { id, type: "button" }, words); one.addEventListener("click", () => attempt(act)); return one; };
  const period = made("input", { id: "ask-period", type: "number", min: 1, max: 64, value: 3, "aria-label": "period" });
  const cancel = button("cancel", "cancel", () => ask(`/jobs/${running}`, "DELETE"));
  const buttons = [];
  const start = (task) => async () => {
    for (const one of buttons) one.disabled = true;
    cancel.disabled = false;
    try { told(await follow(task, period.valueAsNumber || 0, told)); } finally { for (const one of buttons) one.disabled = false; cancel.disabled = true; }
  };
  buttons.push(button("study", "study", start("study")), button("prove", "prove", start("prove")), button("branch", "branches", start("branches")), button("cycles", "all cycles of period", start("cycles")));
  cancel.disabled = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(async () => {
      const at = (id) => form.querySelector(id).value.trim(), same = at("#ask-formula") === (question.formula || page.scene.formula);
      const asked = { formula: same ? question.formula : at("#ask-formula"), variables: same ? question.variables : "", params: at("#ask-params"), optimizer: at("#ask-optimizer"), start: "" };
      const scene = await ask("/scene", "POST", asked);
      Object.assign(question, asked);
      page = await show(scene);
      told([]);
    });
  });
  return made("section", { id: "asking", "aria-label": "Another formula" }, form, made("div", { id: "jobs" }, ...buttons, period, cancel), answer);
}

async function begin() {
  const embedded = JSON.parse(document.querySelector("#scene").textContent);
  page = await show(embedded, location.hash);
  document.querySelector("#page").before(panel(embedded.server));
}

begin().catch((error) => { document.querySelector("#sentence").textContent = `This browser cannot run the page: ${error.message}`; });
