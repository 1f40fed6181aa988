/* Says so when the server cannot be reached; htmx itself stays silent. Everything else here works without JavaScript. */
"use strict";

function tellUnreachable() {
  const words = document.getElementById("unreachable").content.cloneNode(true);
  document.getElementById("alerts").replaceChildren(words);
}

document.addEventListener("htmx:sendError", tellUnreachable);
document.addEventListener("htmx:timeout", tellUnreachable);
