// Menus that work without a script, as <details>: with one, a click outside and Escape close them too.
(() => {
  "use strict";

  const open = () => window.nova.all("details[data-nv-menu][open]");

  document.addEventListener("click", (event) => {
    for (const menu of open()) if (!menu.contains(event.target)) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      menu.open = false;
      if (menu.contains(document.activeElement)) window.nova.one("summary", menu).focus();
    }
  });
})();
