// Renders the view that the address names, and writes the reader's choices to the address.
"use strict";
(() => {
  const { address, el, filter, facets, keys, list, item, zoom } = fakebench;
  const $ = (id) => document.getElementById(id);
  const state = { view: "overview", chosen: {}, query: "", item: -1, sort: "", descending: false };
  let built = false;
  let searching = false;
  let shown = -2;
  let waiting = 0; // the search that begins when nothing more is typed

  const fail = (error) => {
    $("failure").textContent = error.message;
    $("failure").hidden = false;
  };

  // The address of an item among what is chosen and typed, also in the moment before its search.
  const write = (row = state.item) => address.write({ ...state, query: $("search").value }, row);

  function go(hash, { replace = true } = {}) {
    if (replace) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
    route();
  }

  function build() {
    facets.build($("facets"), (field, value) => {
      if (value) state.chosen[field] = value;
      else delete state.chosen[field];
      go(write());
    });
    list.build($("table"), {
      opened: (row) => go(write(row), { replace: state.item >= 0 }),
      sorted: (sort, descending) => {
        if (sort === state.sort && descending === state.descending) return;
        Object.assign(state, { sort, descending });
        queueMicrotask(select);
      },
    });
    built = true;
  }

  function select() {
    const started = performance.now();
    const { rows, counts } = filter.select(state);
    list.fill(rows);
    facets.show(state.chosen, counts);
    const busy = searching ? ", still reading" : "";
    $("found").textContent = `${rows.length.toLocaleString("en")} of ${filter.size.toLocaleString("en")}${busy}`;
    document.documentElement.dataset.filtered = (performance.now() - started).toFixed(1);
    place();
  }

  let texts = null;
  let last = 0;
  function search() {
    if (!state.query || texts) return;
    searching = true;
    texts = filter
      .loadTexts(() => {
        if (performance.now() - last > 400) {
          last = performance.now();
          if (state.query) select();
        }
      })
      .catch(fail)
      .finally(() => {
        searching = false;
        select();
      });
  }

  let key = null;
  let missed = false;
  function route() {
    clearTimeout(waiting);
    Object.assign(state, address.read(location.hash));
    if (state.missing !== null) fail(new Error(`There is no item ${state.missing} in this run.`));
    else if (missed) $("failure").hidden = true;
    missed = state.missing !== null;
    const records = state.view === "records";
    if (records && !built) {
      $("overview").hidden = true;
      $("records").hidden = false;
      build();
    }
    $("overview").hidden = records;
    $("records").hidden = !records;
    document.body.classList.toggle("browsing", records);
    const comparing = records && state.chosen.change;
    if ($("shifts")) $("shifts").hidden = !comparing;
    const here = comparing ? "comparison" : state.view;
    for (const link of document.querySelectorAll("nav a")) {
      if (link.dataset.view === here) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    if (!records) {
      fakebench.plotting.begin(fail);
      return;
    }
    if ($("search").value !== state.query) $("search").value = state.query;
    search();
    relink();
    const now = JSON.stringify([state.chosen, state.query]);
    if (now !== key) {
      key = now;
      select();
    }
    show().catch(fail);
  }

  function place() {
    const where = document.querySelector("#item .place");
    if (!where) return;
    const at = list.place(state.item);
    where.textContent = at < 0 ? "outside these filters" : `${(at + 1).toLocaleString("en")} of ${list.length.toLocaleString("en")}`;
  }

  // What stands above an item: its neighbours, its place and its own link.
  function bar(row) {
    const link = el("a", { href: address.permalink(row), class: "permalink", title: "A link to this item alone" }, "link");
    return el("div", { class: "bar" },
      el("button", { type: "button", onclick: () => step(-1), "aria-label": "Previous item (k)", title: "Previous (k)" }, "↑"),
      el("button", { type: "button", onclick: () => step(1), "aria-label": "Next item (j)", title: "Next (j)" }, "↓"),
      el("span", { class: "place faint" }), link,
      el("button", { type: "button", class: "close", onclick: close, "aria-label": "Close the item (Escape)", title: "Close (Esc)" }, "×"));
  }

  // Links to other items keep what is chosen and typed by now.
  function relink() {
    for (const link of $("item").querySelectorAll("a[data-row]")) link.href = write(Number(link.dataset.row));
  }

  async function show() {
    const row = state.item;
    if (row === shown) return;
    const opened = shown < 0 && row >= 0;
    shown = row;
    $("item").hidden = row < 0;
    document.body.classList.toggle("reading", row >= 0);
    list.setCurrent(row);
    if (row < 0) return;
    if (opened) $("item").focus({ preventScroll: true });
    const entry = await filter.entry(row).catch((error) => {
      if (row === shown) $("item").replaceChildren(bar(row)); // and not the item before it
      throw error;
    });
    if (row !== shown) return;
    const id = entry.record.case.id;
    $("item").replaceChildren(
      bar(row),
      el("h2", {}, el("bdi", {}, id), " ", el("span", { class: `pill ${entry.record.verdict.outcome}` }, entry.record.verdict.outcome.replaceAll("_", " "))),
      ...item.render(entry, (other) => write(other)),
    );
    $("item").scrollTop = 0;
    place();
  }

  function step(by) {
    const next = state.item < 0 ? list.neighbour(-1, 0) : list.neighbour(state.item, by);
    if (next !== undefined) go(write(next), { replace: state.item >= 0 });
  }

  function close() {
    go(write(-1));
    $("list").focus({ preventScroll: true });
  }

  // Escape closes the item, or else clears the search.
  function closeOrClear() {
    if (state.item >= 0) close();
    else if ($("search").value) clearSearch();
  }

  function applySearch() {
    clearTimeout(waiting);
    if (state.query !== $("search").value) go(write());
  }

  function clearSearch() {
    $("search").value = "";
    applySearch();
  }

  function startSearch() {
    if (state.view !== "records") go("#view=records", { replace: false });
    if (!$("search").checkVisibility()) close(); // on a narrow page the item covers the search
    $("search").focus();
    $("search").select();
  }

  const KEYS = {
    j: () => step(1), ArrowDown: () => step(1), k: () => step(-1), ArrowUp: () => step(-1),
    "/": startSearch, z: () => document.querySelector("#item:not([hidden]) .frame")?.click(),
    Escape: closeOrClear, "?": () => $("keys").showModal(), t: () => window.toggleTheme(),
    o: () => go("#view=overview", { replace: false }), r: () => go("#view=records", { replace: false }),
  };

  async function start() {
    filter.open(await fakebench.load("index"));
    $("search").addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(applySearch, 120);
      relink();
    });
    $("filters").addEventListener("submit", (event) => {
      event.preventDefault();
      applySearch();
      $("list").focus({ preventScroll: true });
    });
    $("filters").addEventListener("reset", () => go(address.write({ chosen: {}, query: "" }, state.item)));
    $("fold").addEventListener("click", () => {
      const open = $("filters").classList.toggle("open");
      $("fold").setAttribute("aria-expanded", String(open));
    });
    $("theme").addEventListener("click", () => window.toggleTheme());
    $("help").addEventListener("click", () => $("keys").showModal());
    zoom.build($("zoom"));
    keys.listen(KEYS, {
      browsing: () => state.view === "records",
      busy: () => document.querySelector("dialog[open]") !== null,
      leave: (field) => {
        if (field === $("search")) clearSearch();
        field.blur();
      },
    });
    window.addEventListener("hashchange", route);
    window.addEventListener("popstate", route);
    fakebench.plotting.watch(fail);
    route();
    document.documentElement.dataset.ready = performance.now().toFixed(0);
  }

  start().catch(fail);
})();
