// A pointer that is pressed and moved on a canvas: `move` at each event, `end` when it is lifted; nothing until `ready`.

// The object says whether it is pressed.
export function onDrag(canvas, ready, move, end = () => {}) {
  const drag = { pressed: false };
  canvas.addEventListener("pointerdown", (event) => {
    if (!ready() || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drag.pressed = true;
    move(event);
  });
  canvas.addEventListener("pointermove", (event) => { if (drag.pressed) move(event); });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { drag.pressed = false; end(); });
  return drag;
}
