// The row of filters: one menu per field, each value with its number of records.
"use strict";
fakebench.facets = (() => {
  const { el } = fakebench;
  const TITLES = {
    change: "against baseline", task: "task", outcome: "outcome", label: "authenticity",
    generator: "generator", criterion: "criterion", question_type: "question type", category: "category", perturbation: "perturbation", ending: "end of the reply",
  };
  const OF_DATA = new Set(["generator", "category"]); // their values are names, shown as they are
  const menus = new Map();

  function build(place, changed) {
    for (const [field, title] of Object.entries(TITLES)) {
      const facet = fakebench.filter.facets.get(field);
      if (!facet) continue;
      const names = [...facet.members.keys()].filter((name) => name !== facet.none);
      if (!names.length) continue;
      const select = el("select", { id: `by-${field}`, name: field, onchange: () => changed(field, select.value) });
      menus.set(field, { select, facet });
      place.append(el("label", {}, el("span", {}, title), select));
    }
  }

  function show(chosen, counts) {
    for (const [field, { select, facet }] of menus) {
      const sums = counts.get(field);
      const options = [el("option", { value: "" }, "all")];
      // What a link from elsewhere names may be no value in this run.
      const members = new Map(facet.members);
      if (chosen[field] && !members.has(chosen[field])) members.set(chosen[field], []);
      for (const [name, member] of members) {
        let count = 0;
        for (let code = 0; code < member.length; code++) if (member[code]) count += sums[code];
        if (count || chosen[field] === name)
          options.push(el("option", { value: name }, `${OF_DATA.has(field) ? name : name.replaceAll("_", " ")} (${count.toLocaleString("en")})`));
      }
      select.replaceChildren(...options);
      select.value = chosen[field] || "";
      select.classList.toggle("on", Boolean(chosen[field]));
    }
  }

  return { build, show, known: (field) => menus.has(field) };
})();
