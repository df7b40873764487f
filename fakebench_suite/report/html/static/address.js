// The fragment of the address holds the view, filters, search and item.
"use strict";
fakebench.address = (() => {
  const { filter } = fakebench;

  // The state in a fragment; an item that is not in this run is -1 and named in `missing`.
  function read(hash) {
    const parameters = new URLSearchParams(hash.slice(1));
    const name = parameters.get("item");
    const item = name === null ? -1 : filter.find(name);
    const chosen = {};
    for (const field of filter.facets.keys()) if (parameters.get(field)) chosen[field] = parameters.get(field);
    return {
      view: parameters.get("view") === "records" || name !== null ? "records" : "overview",
      query: parameters.get("q") || "",
      missing: name !== null && item < 0 ? name : null,
      chosen,
      item,
    };
  }

  function write({ chosen, query }, row) {
    const parts = new URLSearchParams({ view: "records" });
    for (const [field, value] of Object.entries(chosen)) parts.set(field, value);
    if (query) parts.set("q", query);
    if (row >= 0) parts.set("item", filter.value("id", row));
    return `#${parts}`;
  }

  // A link to one item, without filters.
  const permalink = (row) => `#${new URLSearchParams({ item: filter.value("id", row) })}`;

  return { read, write, permalink };
})();
