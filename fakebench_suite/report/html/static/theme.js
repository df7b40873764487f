// Light or dark: the reader's choice if there is one, else the system's. Runs before anything shows.
"use strict";
(() => {
  const KEY = "fakebench-theme";
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const recall = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // storage is off: the choice lasts as long as the page
    }
  };
  const apply = (name) => {
    root.dataset.theme = name;
    document.dispatchEvent(new Event("theme"));
  };
  const now = () => recall() || (system.matches ? "dark" : "light");
  system.addEventListener("change", () => apply(now()));
  apply(now());
  // Paper is light; afterwards the screen is as it was.
  window.lightenTheme = (light) => {
    if (light) root.dataset.theme = "light";
    else apply(now());
  };
  window.toggleTheme = () => {
    const next = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // as above
    }
    apply(next);
  };
})();
