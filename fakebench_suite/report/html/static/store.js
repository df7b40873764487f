// Data files call fakebench.take(name, json); nothing else ever comes in.
"use strict";
const fakebench = (() => {
  const taken = new Map();
  const pending = new Map();

  function take(name, json) {
    taken.set(name, JSON.parse(json));
  }

  // The value a data file carries, loading the file at the first question.
  function load(name) {
    if (taken.has(name)) return Promise.resolve(taken.get(name));
    if (!pending.has(name)) pending.set(name, run(`report/${name}.js`).then(() => taken.get(name)));
    return pending.get(name);
  }

  function run(address) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = address;
      script.onload = () => {
        script.remove();
        resolve();
      };
      script.onerror = () => reject(new Error(`${address} is missing: was the report copied without it?`));
      document.head.append(script);
    });
  }

  // An element with properties and children; a child that is no element is text, whatever it says.
  function el(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "class") made.className = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name in made && name !== "list") made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return made;
  }

  return { take, load, run, el };
})();
