// Runs before the first paint: "auto" becomes light or dark, and follows the system afterwards.
(() => {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    if (root.dataset.themeChoice === "auto") root.dataset.bsTheme = system.matches ? "dark" : "light";
  };
  apply();
  system.addEventListener("change", apply);
})();
