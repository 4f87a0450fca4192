// A tour: states of the page, each with a title and a few sentences, one after the other.

export class Tour {
  constructor(page, button, card) {
    this.stops = page.family[0].tour ?? [];
    this.card = card;
    this.place = -1;
    const [back, next, end] = card.querySelectorAll("button");
    Object.assign(this, { button, back, next });
    button.hidden = this.stops.length === 0;
    button.addEventListener("click", () => this.go(this.place < 0 ? 0 : -1));
    back.addEventListener("click", () => this.go(this.place - 1));
    next.addEventListener("click", () => this.go(this.place + 1));
    end.addEventListener("click", () => { this.go(-1); button.focus(); });
    this.page = page;
  }

  // To a stop, which another optimizer may have; -1 ends the tour and leaves the page as it is.
  async go(place) {
    const page = place >= 0 && place < this.stops.length ? await this.page.goTo(this.stops[place].hash) : this.page;
    page.tour.show(place);
  }

  show(place) {
    this.place = place < this.stops.length ? place : -1;
    const stop = this.stops[this.place];
    this.card.hidden = !stop;
    this.button.setAttribute("aria-pressed", String(Boolean(stop)));
    if (!stop) return;
    this.card.querySelector("h2").textContent = `${this.place + 1} of ${this.stops.length}: ${stop.title}`;
    this.card.querySelector("p").textContent = stop.words;
    this.back.disabled = this.place === 0;
    this.next.textContent = this.place + 1 < this.stops.length ? "next" : "finish";
    if (document.activeElement !== this.back || this.back.disabled) this.next.focus();
  }
}
