// Keyboard shortcuts; while a field has the focus only Escape works, which leaves the field.
"use strict";
fakebench.keys = (() => {
  const AMONG_RECORDS = new Set(["j", "k", "z", "ArrowDown", "ArrowUp", "Escape"]);

  function listen(actions, { browsing, busy, leave }) {
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || busy()) return;
      if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
        if (event.key !== "Escape") return;
        event.preventDefault();
        leave(event.target);
        return;
      }
      if (!Object.hasOwn(actions, event.key) || (AMONG_RECORDS.has(event.key) && !browsing())) return;
      event.preventDefault();
      actions[event.key]();
    });
  }

  return { listen };
})();
