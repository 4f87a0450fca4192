// The page as a file: its scene is embedded, its state is in the address.

import { show } from "./page.js";

const embedded = JSON.parse(document.querySelector("#scene").textContent);
show(embedded, location.hash).catch((error) => { document.querySelector("#sentence").textContent = `This browser cannot run the page: ${error.message}`; });
