// The colours of regimes with their names, where they occur.

import { made } from "./controls.js";

// What is not known or has left keeps to the page's own colours.
export function coloursOf({ scene, theme }) {
  return { ...scene.colours, divergent: theme.line, undecided: theme.ground };
}

// `seen`: names of regimes. What stands there is not touched where nothing has changed.
export function showLegend(place, colours, seen) {
  const names = Object.keys(colours).filter((name) => seen.has(name)), key = names.map((name) => name + colours[name]).join();
  if (place.dataset.names === key) return;
  place.dataset.names = key;
  const first = names.find((name) => name.startsWith("period "));
  place.replaceChildren(...names.map((name) => {
    const mark = made("i");
    mark.style.background = colours[name];
    return made("span", {}, mark, { period: "longer", divergent: "diverges" }[name] ?? (name === first ? name : name.replace("period ", "")));
  }));
}
