// One key, one action; none while somebody types.
"use strict";
fakebench.keys = (() => {
  const AMONG_RECORDS = new Set(["j", "k", "ArrowDown", "ArrowUp", "Escape"]);

  function listen(actions, { browsing, busy }) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || busy()) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        if (event.key === "Escape") event.target.blur();
        return;
      }
      if (!Object.hasOwn(actions, event.key) || (AMONG_RECORDS.has(event.key) && !browsing())) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  return { listen };
})();
