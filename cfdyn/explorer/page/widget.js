// What a notebook runs: the page in a frame that reaches nothing of the notebook, and its messages as traits of the widget.

const SHARED = ["values", "start"], TOLD = ["values", "start", "verdict"];

function render({ model, el }) {
  const frame = document.createElement("iframe");
  let receiving = false;
  const send = () => { if (!receiving) frame.contentWindow?.postMessage(Object.fromEntries(SHARED.map((name) => [name, model.get(name)])), "*"); };
  const receive = ({ source, data }) => {
    if (source !== frame.contentWindow) return;
    if (data.height) frame.style.height = `${Math.max(model.get("height"), data.height)}px`;
    if (data.ready) send();
    const news = TOLD.filter((name) => name in data);
    if (news.length === 0) return;
    receiving = true; // nothing of this goes back
    for (const name of news) model.set(name, data[name]);
    receiving = false;
    model.save_changes();
  };
  frame.sandbox = "allow-scripts allow-downloads";
  frame.title = "the loss, the orbit and its diagram, computed live";
  frame.style.cssText = `display: block; width: 100%; height: ${model.get("height")}px; border: 0;`;
  frame.style.colorScheme = { true: "light", false: "dark" }[document.body.dataset.jpThemeLight] ?? ""; // of JupyterLab
  frame.srcdoc = model.get("html");
  const changes = SHARED.map((name) => `change:${name}`).join(" ");
  addEventListener("message", receive);
  model.on(changes, send);
  el.append(frame);
  return () => { removeEventListener("message", receive); model.off(changes, send); };
}

export default { render };
