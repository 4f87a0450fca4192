// The cursor of the orbit diagram is dragged and moved by keys; a box is dragged to zoom.

const within = (x, lo, hi) => Math.max(lo, Math.min(hi, x));

export class Zoom {
  constructor(diagram, buttons) {
    this.diagram = diagram;
    this.canvas = diagram.canvas;
    this.box = null;
    [this.choose, this.whole] = buttons;
    this.choose.addEventListener("click", () => this.arm(this.choose.getAttribute("aria-pressed") !== "true"));
    this.whole.addEventListener("click", () => this.reset());
    this.canvas.addEventListener("pointerdown", (event) => this.down(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerup", () => this.up());
    this.canvas.addEventListener("pointercancel", () => { this.box = null; this.held = false; });
    this.canvas.addEventListener("dblclick", () => this.reset());
    this.canvas.addEventListener("keydown", (event) => this.key(event));
  }

  get state() { return this.diagram.page.state; }

  arm(on) {
    this.choose.setAttribute("aria-pressed", String(on));
    this.canvas.classList.toggle("box", on);
  }

  reset() {
    const { state } = this;
    state.change("range", () => state.chooseParameter(state.over));
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect(), { area } = this.diagram;
    const x = within(event.clientX - box.left, area.left, area.left + area.width), y = within(event.clientY - box.top, area.top, area.top + area.height);
    return [area.xAt(x), area.yAt(y)];
  }

  down(event) {
    if (!this.diagram.area || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const place = this.place(event);
    if (event.shiftKey || this.choose.getAttribute("aria-pressed") === "true") this.box = [place, place];
    else { this.held = true; this.state.setValue(this.state.over, place[0]); }
  }

  move(event) {
    if (this.box) { this.box[1] = this.place(event); this.diagram.draw(); }
    else if (this.held) this.state.setValue(this.state.over, this.place(event)[0]);
  }

  up() {
    const box = this.box;
    this.held = false;
    this.box = null;
    if (!box) return;
    this.arm(false);
    const [[x0, x1], [y0, y1]] = [0, 1].map((i) => [box[0][i], box[1][i]].sort((a, b) => a - b)), { area } = this.diagram;
    if (area.x(x1) - area.x(x0) > 5 && area.y(y0) - area.y(y1) > 5) this.state.setRange(x0, x1, [y0, y1]);
    else this.diagram.draw();
  }

  key(event) {
    const { state } = this, reach = state.to - state.from, part = event.shiftKey ? 0.02 : 0.001;
    const scale = { "+": 0.5, "=": 0.5, "-": 2 }[event.key];
    if (event.key === "0") this.reset();
    else if (scale) {
      const middle = within(state.value, state.from, state.to);
      state.setRange(middle - scale * (middle - state.from), middle + scale * (state.to - middle));
    } else {
      const move = { ArrowLeft: -part, ArrowDown: -part, ArrowRight: part, ArrowUp: part, PageDown: -0.1, PageUp: 0.1 }[event.key];
      const value = event.key === "Home" ? state.from : event.key === "End" ? state.to : state.value + (move ?? NaN) * reach;
      if (!Number.isFinite(value)) return;
      state.setValue(state.over, within(value, state.from, state.to));
    }
    event.preventDefault();
  }

  draw(area, theme) {
    const { state } = this, { lo, hi } = state.parameter(state.over);
    this.whole.hidden = state.from === lo && state.to === hi && state.heights === null;
    if (!this.box) return;
    const [[x0, y0], [x1, y1]] = this.box, c = area.context;
    c.strokeStyle = theme.accent;
    c.lineWidth = 1.5;
    c.strokeRect(area.x(x0), area.y(y0), area.x(x1) - area.x(x0), area.y(y1) - area.y(y0));
  }
}
