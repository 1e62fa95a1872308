// The bell asks how many notifications are new: not while nobody looks, and at once when somebody looks again.
(() => {
  "use strict";

  const place = document.querySelector("[data-nv-bell]");
  if (!place) return;
  const EVERY = 60000;
  let askedAt = Date.now();

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== place) return;
    if (document.hidden) event.preventDefault();
    else askedAt = Date.now();
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && Date.now() - askedAt > EVERY) window.htmx?.trigger(place, "nv-look");
  });
})();
