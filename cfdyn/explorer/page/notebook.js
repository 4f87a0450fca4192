// The page in the frame of a notebook: its values, start, verdict and height go to the widget, values and start come back.

import { show } from "./page.js";

const tellWidget = (said) => parent.postMessage(said, "*"); // whoever frames the page is its widget

async function beginInFrame() {
  const scene = JSON.parse(document.querySelector("#scene").textContent);
  const page = await show(scene, "", ({ values, start }) => tellWidget({ values, start: [...start] }));
  const sentence = document.querySelector("#sentence"), tellVerdict = () => tellWidget({ verdict: sentence.textContent });
  new MutationObserver(tellVerdict).observe(sentence, { childList: true });
  new ResizeObserver(() => tellWidget({ height: document.documentElement.scrollHeight })).observe(document.body);
  addEventListener("message", ({ source, data: { values, start } }) => {
    if (source !== parent) return;
    for (const [name, value] of Object.entries(values)) page.state.setValue(name, value);
    if (start.some((x, i) => x !== page.state.start[i])) page.state.setWeights(start);
  });
  tellVerdict();
  tellWidget({ ready: true });
}

beginInFrame().catch((error) => { document.querySelector("#sentence").textContent = `This browser cannot run the page: ${error.message}`; });
