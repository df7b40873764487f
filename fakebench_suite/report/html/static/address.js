// The address says everything: view, filters, search and item.
"use strict";
fakebench.address = (() => {
  const { filter } = fakebench;

  // What a fragment asks for; an item that is not in this run is -1 and named in `missing`.
  function read(hash) {
    const asked = new URLSearchParams(hash.slice(1));
    const name = asked.get("item");
    const item = name === null ? -1 : filter.find(name);
    const chosen = {};
    for (const field of filter.facets.keys()) if (asked.get(field)) chosen[field] = asked.get(field);
    return {
      view: asked.get("view") === "records" || name !== null ? "records" : "overview",
      query: asked.get("q") || "",
      missing: name !== null && item < 0 ? name : null,
      chosen,
      item,
    };
  }

  function write({ chosen, query }, row) {
    const said = new URLSearchParams({ view: "records" });
    for (const [field, value] of Object.entries(chosen)) said.set(field, value);
    if (query) said.set("q", query);
    if (row >= 0) said.set("item", filter.value("id", row));
    return `#${said}`;
  }

  // A link to an item alone, whatever was being filtered.
  const permalink = (row) => `#${new URLSearchParams({ item: filter.value("id", row) })}`;

  return { read, write, permalink };
})();
