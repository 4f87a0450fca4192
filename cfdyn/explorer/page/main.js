// The page as a file: its scene is embedded, its state is in the address.

import { show } from "./page.js";

if (new URLSearchParams(location.search).has("figure")) document.body.classList.add("figure"); // the views alone, in a frame of another page
const embedded = JSON.parse(document.querySelector("#scene").textContent);
show(embedded, location.hash).catch((error) => { document.querySelector("#sentence").textContent = `This browser cannot run the page: ${error.message}`; });
