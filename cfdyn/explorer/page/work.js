// The worker: an engine of its own does one job at a time, in pieces, and the newest job takes over.

import { cells } from "./cells.js";
import { columns } from "./columns.js";
import { loadEngine } from "./engine.js";

const SLICE = 8, LONGEST = 150; // milliseconds between two messages; what an old job may take until its first pass

// It is given {scene, bytes} once, then jobs {id}; it says {id, pieces, done}.
function serve(scope) {
  const { port1, port2 } = new MessageChannel();
  let engine = null, job = null, waiting = null, awake = false;
  const next = () => { if (!awake) { awake = true; port2.postMessage(0); } };
  const begin = (given) => { job = { id: given.id, pieces: (given.axes ? cells : columns)(engine, given), began: performance.now(), seen: false }; };
  port1.onmessage = () => {
    awake = false;
    if (waiting && (job === null || job.seen || performance.now() - job.began > LONGEST)) { begin(waiting); waiting = null; }
    if (job === null) return;
    const end = performance.now() + SLICE, pieces = [];
    let step;
    do {
      step = job.pieces.next();
      if (!step.done) pieces.push(step.value);
    } while (!step.done && performance.now() < end);
    job.seen ||= step.done || pieces.some((piece) => piece.pass);
    const arrays = pieces.flatMap((piece) => [piece.states?.buffer ?? []].flat());
    scope.postMessage({ id: job.id, pieces, done: Boolean(step.done) }, arrays);
    if (step.done) job = null;
    if (job || waiting) next();
  };
  scope.onmessage = async ({ data }) => {
    if (data.scene) engine = await loadEngine(data.scene, data.bytes);
    else waiting = data;
    if (engine && waiting) next();
  };
}

serve(self);
