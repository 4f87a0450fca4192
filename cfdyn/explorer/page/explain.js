// Words on a thing while it is pointed at, focused or pressed: one note for the whole page.

import { made } from "./controls.js";

// The elements of a sentence in which each of the terms is explained.
export function withTerms(sentence, terms, explain) {
  const names = Object.keys(terms), found = sentence.split(new RegExp(`((?:\\d+-)?(?:${names.join("|")}))`, "i"));
  return found.map((part, i) => {
    if (i % 2 === 0) return part;
    const word = made("span", { className: "term", tabIndex: 0 }, part);
    explain.attach(word, () => [terms[names.find((name) => part.toLowerCase().endsWith(name.toLowerCase()))]]);
    return word;
  });
}

const LINGER = 200; // milliseconds in which a pointer may move on to the note

export class Explain {
  constructor(root) {
    this.note = made("div", { id: "note", role: "tooltip", hidden: true });
    this.of = null;
    root.append(this.note);
    this.note.addEventListener("pointerenter", () => clearTimeout(this.leaving));
    this.note.addEventListener("pointerleave", () => this.leave());
    root.addEventListener("keydown", (event) => { if (event.key === "Escape") this.hide(); });
  }

  // `lines` gives the paragraphs.
  attach(element, lines) {
    const show = () => this.show(element, lines());
    element.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") show(); });
    element.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse" && document.activeElement !== element) this.leave(); });
    element.addEventListener("focus", show);
    element.addEventListener("blur", () => this.leave());
  }

  show(element, lines) {
    clearTimeout(this.leaving);
    this.of?.removeAttribute("aria-describedby");
    this.of = element;
    this.note.replaceChildren(...lines.map((line) => made("p", {}, line)));
    this.note.hidden = false;
    element.setAttribute("aria-describedby", "note");
    const box = element.getBoundingClientRect(), { offsetWidth: width, offsetHeight: height } = this.note, gap = 6;
    const below = box.bottom + gap + height <= innerHeight || box.top - gap - height < 0;
    this.note.style.left = `${Math.max(gap, Math.min(box.left, document.documentElement.clientWidth - width - gap))}px`;
    this.note.style.top = `${Math.max(gap, below ? Math.min(box.bottom + gap, innerHeight - height - gap) : box.top - gap - height)}px`;
  }

  leave() {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(() => this.hide(), LINGER);
  }

  hide() {
    clearTimeout(this.leaving);
    this.of?.removeAttribute("aria-describedby");
    this.of = null;
    this.note.hidden = true;
  }
}
