// Data files call fakebench.receive or receiveCompressed; the page loads no other data.
"use strict";
const fakebench = (() => {
  const received = new Map();
  const pending = new Map();

  function receive(name, json) {
    received.set(name, JSON.parse(json));
  }

  // JSON that was compressed by gzip, in base64.
  function receiveCompressed(name, text) {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    received.set(name, new Response(stream).json());
  }

  // The value in a data file, which is loaded at first use, or the promise of it.
  function load(name) {
    if (received.has(name)) return Promise.resolve(received.get(name));
    if (!pending.has(name)) pending.set(name, run(`report/${name}.js`).then(() => received.get(name)));
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

  // An element with properties and children; children that are not elements are added as text.
  function el(tag, properties = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (name in element && name !== "list") element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  return { receive, receiveCompressed, load, run, el };
})();
