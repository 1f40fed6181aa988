/* Starts ReDoc. A file of its own, because the content security policy allows no inline script. */
"use strict";

/* ReDoc fetches its maker's logo from a foreign server; this page asks no foreign server for anything. */
function isOurs(address) {
  const url = new URL(address, document.baseURI);
  return url.origin === window.location.origin || url.protocol === "data:";
}

const source = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, "src");
Object.defineProperty(HTMLImageElement.prototype, "src", {
  ...source,
  set(address) {
    if (isOurs(address)) source.set.call(this, address);
  },
});
HTMLImageElement.prototype.setAttribute = function (name, value) {
  if (name !== "src" || isOurs(value)) Element.prototype.setAttribute.call(this, name, value);
};

const place = document.getElementById("redoc-ui");
Redoc.init(place.dataset.openapiUrl, JSON.parse(place.dataset.settings), place);
