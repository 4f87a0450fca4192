// The page as a file: its scene is embedded, its state is in the address. The same script is the worker's.

import { serve } from "./helper.js";
import { show } from "./page.js";

if (typeof document === "undefined") serve(self);
else {
  const embedded = JSON.parse(document.querySelector("#scene").textContent);
  show(embedded, location.hash).catch((error) => { document.querySelector("#sentence").textContent = `This browser cannot run the page: ${error.message}`; });
}
