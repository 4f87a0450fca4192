// What Python has found beside the page: landmarks and branches over a parameter, and proofs. Each holds at the values of its own.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹", CLOSE = 1e-9; // of the points of a cycle that floats return to

const holds = ({ values }, state, free) => Object.entries(values).every(([name, value]) => name === free || state.values[name] === value);

// The landmarks over the parameter of the diagram, and what could not be computed; null where nothing was found. Those that two
// computations have found are those of the first, which has closed forms.
export function landmarksNow(findings, state) {
  const known = findings.filter((one) => (one.landmarks.length || one.missing) && state.over === one.over && holds(one, state, one.over));
  const landmarks = [], seen = ({ value }) => landmarks.some((one) => Math.abs(one.value - value) <= CLOSE * (1 + Math.abs(value)));
  for (const one of known) landmarks.push(...one.landmarks.filter((mark) => !seen(mark)));
  const missing = [...new Set(known.map((one) => one.missing).filter(Boolean))].join("; ");
  return known.length ? { landmarks: landmarks.sort((a, b) => a.value - b.value), missing } : null;
}

// The branches over the parameter of the diagram that were found last.
export function branchesNow(findings, state) {
  return findings.filter((one) => one.branches?.length && state.over === one.over && holds(one, state, one.over)).at(-1)?.branches ?? [];
}

// The proofs at the present values, and whether one says that the cycle which the orbit ends on exists and is stable.
export function proofsNow(findings, state, settled) {
  const proofs = findings.filter((one) => holds(one, state, null)).flatMap((one) => one.proofs);
  const cycle = settled?.kind === "cycle" && proofs.some((proof) => proof.kind === "cycle" && proof.stable && proof.period === settled.period && passes(proof, settled.points, state.scene.names));
  return { cycle, statements: [...new Set(proofs.map((proof) => proof.statement))] };
}

// True if the points lie, in some turn, in the boxes of a proof.
function passes({ names, boxes }, points, known) {
  const at = names.map((name) => known.indexOf(name));
  const inside = (point, box) => at.every((i, k) => { const room = CLOSE * (1 + Math.abs(point[i])); return point[i] >= box[k][0] - room && point[i] <= box[k][1] + room; });
  return points.some((_, turn) => boxes.every((box, k) => inside(points[(k + turn) % points.length], box)));
}

// A formula of Python as people write it.
export function readable(formula) {
  return formula.replace(/\*\*(\d+)/g, (_, power) => [...power].map((digit) => SUPERSCRIPTS[digit]).join(""))
    .replace(/sqrt\((\w+)\)/g, "√$1").replaceAll("sqrt(", "√(").replaceAll("*", " ").replaceAll("-", "−");
}
