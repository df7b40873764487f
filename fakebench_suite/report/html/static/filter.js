// Filtering, searching and sorting over columns of codes: a few milliseconds for 54,000 records.
"use strict";
fakebench.filter = (() => {
  const EXTRA = {
    outcome: {
      incorrect: "any miss", unparsed: "any miss", refused: "any miss",
      truncated: "any miss",
      model_error: "any error", judge_error: "any error", image_error: "any error",
    },
    change: { fixed: "any difference", broken: "any difference", changed: "any difference" },
  };
  let index, size, columns;
  const facets = new Map(); // field -> {names, members: name -> Uint8Array over codes}
  const texts = []; // chunk number -> lower-case text of each of its records
  const orders = new Map();

  function open(loaded) {
    index = loaded;
    size = index.size;
    columns = index.names;
    for (const column of Object.values(columns)) column.codes = Uint32Array.from(column.codes);
    for (const field of ["task", "outcome", "label", "generator", "criterion", "question_type", "category", "perturbation", "ending", "change"])
      if (columns[field]) facets.set(field, describe(field, columns[field].values));
  }

  // The values that can be chosen in a filter, and the codes that each of them selects.
  function describe(field, values) {
    const members = new Map();
    const add = (name, code) => {
      if (!members.has(name)) members.set(name, new Uint8Array(values.length));
      members.get(name)[code] = 1;
    };
    values.forEach((value, code) => {
      const extra = value !== null && Object.hasOwn(EXTRA[field] || {}, value) && EXTRA[field][value];
      if (extra) add(extra, code);
    });
    values.forEach((value, code) => {
      if (value === null) return;
      // "scenery, photo" lies in both categories.
      const names = field === "category" ? value.split(",").map((name) => name.trim()).filter(Boolean) : [value];
      for (const name of names) add(name, code);
    });
    let none = "(none)";
    while (members.has(none)) none = `(${none})`; // data may have this name
    add(none, values.length - 1);
    return { members, none };
  }

  const name = (field, row) => columns[field].values[columns[field].codes[row]];
  const value = (field, row) => index.values[field]?.[row] ?? null;

  // The selected rows in order, and for each filter the number of rows of each value.
  function select({ chosen, query, sort, descending }) {
    const tests = [];
    for (const [field, wanted] of Object.entries(chosen)) {
      const facet = facets.get(field);
      if (facet) tests.push({ field, codes: columns[field].codes, member: facet.members.get(wanted) });
    }
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    const counts = new Map([...facets.keys()].map((field) => [field, new Uint32Array(columns[field].values.length)]));
    const counted = [...counts].map(([field, sums]) => ({ field, sums, codes: columns[field].codes }));
    const passed = new Uint8Array(size);
    for (let row = 0; row < size; row++) {
      // A row that fails one filter only still counts for the other values of that filter.
      let failures = 0;
      let failed = null;
      for (const { field, codes, member } of tests) {
        if (!member || !member[codes[row]]) {
          failures += 1;
          failed = field;
          if (failures > 1) break;
        }
      }
      if (failures > 1 || (words.length && !matches(row, words))) continue;
      if (!failures) passed[row] = 1;
      for (const { field, sums, codes } of counted) if (!failures || field === failed) sums[codes[row]] += 1;
    }
    const rows = [];
    for (const row of order(sort)) if (passed[row]) rows.push(row);
    if (descending) rows.reverse();
    return { rows, counts };
  }

  function matches(row, words) {
    const text = texts[Math.floor(row / index.chunk)]?.[row % index.chunk];
    if (text !== undefined) return words.every((word) => text.includes(word));
    const snippet = `${value("id", row)} ${value("reply", row) ?? ""}`.toLowerCase();
    return words.every((word) => snippet.includes(word));
  }

  // Rows sorted by a field, ties in the order of the index, empty values last; cached.
  function order(field) {
    const key = field || "";
    if (!orders.has(key)) {
      const rows = Uint32Array.from({ length: size }, (_, row) => row);
      if (columns[key]) {
        const codes = columns[key].codes;
        rows.sort((a, b) => codes[a] - codes[b] || a - b);
      } else if (index.values[key]) {
        const values = index.values[key];
        const numbers = values.some((value) => typeof value === "number");
        if (numbers) rows.sort((a, b) => (values[a] ?? Infinity) - (values[b] ?? Infinity) || a - b);
        else rows.sort((a, b) => compare(values[a] ?? "", values[b] ?? "") || a - b);
      }
      orders.set(key, rows);
    }
    return orders.get(key);
  }

  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

  // Everything that can be searched, file by file; `onProgress` is called with the share that is loaded.
  async function loadTexts(onProgress) {
    const files = Math.ceil(size / index.chunk);
    let done = 0;
    const next = async (number) => {
      if (number >= files) return;
      if (!texts[number]) {
        const entries = await fakebench.load(`texts-${number}`);
        texts[number] = entries.map(searchText);
      }
      done += 1;
      onProgress(done / files);
      await next(number + 4);
    };
    await Promise.all([0, 1, 2, 3].map(next));
  }

  function searchText({ record, before }) {
    const { case: asked, prompt, answer, verdict } = record;
    const parts = [
      asked.id, asked.image, asked.second_image, asked.question, prompt, answer?.reasoning, answer?.text,
      answer?.search?.original_text, verdict.reason, verdict.label,
    ];
    for (const clue of asked.expected || []) parts.push(clue.text);
    for (const rating of verdict.ratings) parts.push(rating.reason);
    if (before) parts.push(before.prompt, before.answer?.reasoning, before.answer?.text, before.verdict?.reason);
    return parts.filter(Boolean).join("\n").toLowerCase();
  }

  const find = (id) => index.values.id.indexOf(id);
  const entry = async (row) =>
    (await fakebench.load(`texts-${Math.floor(row / index.chunk)}`))[row % index.chunk];
  const storedImage = (image) => (Object.hasOwn(index.pictures, image) ? index.pictures[image] : null);
  const imageOf = (row) => name("image", row);
  // The first case on an image, preferably of the same question type.
  function firstAbout(image, questionType) {
    const code = columns.image.values.indexOf(image);
    if (code < 0) return -1;
    const codes = columns.image.codes;
    const first = codes.indexOf(code);
    for (let row = first; row >= 0 && row < size && codes[row] === code; row++)
      if (name("question_type", row) === questionType) return row;
    return first;
  }

  return {
    open, facets, select, loadTexts, name, value, find, entry, storedImage, imageOf, firstAbout,
    get size() { return size; },
    has: (field) => Boolean(columns[field] || index.values[field]),
  };
})();
