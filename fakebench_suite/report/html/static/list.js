// The table of records: DataTables renders the visible rows of the selection of filter.js.
"use strict";
fakebench.list = (() => {
  const { el, filter } = fakebench;
  let table = null;
  let rows = [];
  let current = -1;

  const text = (field) => (row) => el("span", { title: show(field, row) }, show(field, row));
  const show = (field, row) => String((filter.has(field) && (TABLE[field] || filter.name)(field, row)) ?? "");
  const number = (digits) => (field, row) => filter.value(field, row)?.toFixed(digits) ?? "";
  const TABLE = { id: filter.value, reply: filter.value, score: number(2), seconds: number(2) };
  const pill = (field) => (row) => {
    const name = filter.name(field, row);
    return name === null ? "" : el("span", { class: `pill ${name}` }, name.replaceAll("_", " "));
  };
  const thumbnail = (row) => {
    const picture = filter.storedImage(filter.imageOf(row));
    return picture
      ? el("img", { src: `report/images/${picture.file}`, alt: "", loading: "lazy", width: 26, height: 26 })
      : "";
  };

  // The smallest width of the list, in pixels, at which a column is shown.
  const MIN_WIDTHS = { task: 900, generator: 900, criterion: 900, score: 760, seconds: 1000, label: 560, reply_label: 560, reply: 460 };

  function columns() {
    const column = (title, field, render, className = "") => ({
      title, name: field, className, orderable: field !== "picture",
      data: null, render: ({ row }) => render(row), defaultContent: "",
    });
    return [
      column("", "picture", thumbnail, "c-picture"),
      ...(filter.has("change") ? [column("change", "change", pill("change"), "c-pill")] : []),
      column("outcome", "outcome", pill("outcome"), "c-pill"),
      column("id", "id", text("id"), "c-id"),
      column("task", "task", text("task"), "c-task"),
      column("label", "label", text("label"), "c-short"),
      column("reply says", "reply_label", text("reply_label"), "c-short"),
      column("generator", "generator", text("generator"), "c-name"),
      column("criterion", "criterion", text("criterion"), "c-name"),
      column("score", "score", text("score"), "c-num"),
      column("seconds", "seconds", text("seconds"), "c-num"),
      column("reply", "reply", text("reply"), "c-reply"),
    ];
  }

  function build(node, { opened, sorted }) {
    const { jQuery } = window.datatables;
    const described = columns();
    table = new jQuery.fn.dataTable.Api(
      jQuery(node).dataTable({
        serverSide: true,
        ajax: (request, answer) => {
          const [by] = request.order;
          sorted(by ? described[by.column].name : "", by ? by.dir === "desc" : false);
          const data = rows.slice(request.start, request.start + request.length).map((row) => ({ row }));
          answer({ draw: request.draw, recordsTotal: filter.size, recordsFiltered: rows.length, data });
        },
        columns: described,
        order: [],
        autoWidth: false,
        deferRender: true,
        processing: false,
        scrollY: "60vh",
        scroller: { serverWait: 0, rowHeight: "auto", displayBuffer: 5 },
        layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
        language: { emptyTable: "This run has no records.", zeroRecords: "No record passes these filters." },
        createdRow: (line, { row }) => {
          line.dataset.row = row;
          line.classList.toggle("current", row === current);
          line.addEventListener("click", () => opened(row));
        },
      }),
    );
    // DataTables learns the height of the list only after it was built.
    measure();
    new ResizeObserver(measure).observe(document.getElementById("list"));
    window.addEventListener("beforeprint", layOut);
    window.addEventListener("afterprint", clearSheet);
  }

  function measure() {
    const place = document.getElementById("list");
    const body = place.querySelector(".dt-scroll-body");
    const height = place.clientHeight - place.querySelector(".dt-scroll-head").offsetHeight;
    if (height <= 0) return;
    place.classList.toggle("narrow", place.clientWidth < MIN_WIDTHS.score);
    body.style.height = body.style.maxHeight = `${height}px`;
    for (const [name, width] of Object.entries(MIN_WIDTHS)) {
      const column = table.column(`${name}:name`);
      if (column.visible() !== place.clientWidth >= width) column.visible(place.clientWidth >= width, false);
    }
    table.columns.adjust();
    // DataTables keeps its first widths; those of the style sheet follow the list.
    for (const column of place.querySelectorAll("col")) column.style.width = "";
    table.scroller.measure();
  }

  const MAX_PRINTED = 2000;

  // The selection as a plain table for paper, because DataTables draws only the rows in view.
  function layOut() {
    const printed = rows.slice(0, MAX_PRINTED);
    const shown = columns().filter(({ name }) => name !== "picture" && printed.some((row) => show(name, row)));
    const left = rows.length - MAX_PRINTED;
    document.getElementById("sheet").replaceChildren(
      el("table", {},
        el("thead", {}, el("tr", {}, shown.map(({ title }) => el("th", {}, title)))),
        el("tbody", {}, printed.map((row) =>
          el("tr", {}, shown.map(({ className, render }) => el("td", { class: className }, render({ row }))))))),
      left > 0 ? el("p", {}, `and ${left.toLocaleString("en")} more, which filters can bring on paper`) : "",
    );
  }

  const clearSheet = () => document.getElementById("sheet").replaceChildren();

  function fill(selected) {
    rows = selected;
    table.draw();
  }

  // Make a row the current one, and scroll to it if it is in the selection.
  function setCurrent(row) {
    current = row;
    for (const line of document.querySelectorAll("#table tbody tr"))
      line.classList.toggle("current", Number(line.dataset.row) === row);
    const place = rows.indexOf(row);
    if (place < 0) return;
    const { start, end } = table.scroller.page();
    if (place < start || place > end) table.scroller.toPosition(Math.max(0, place - 3), false);
  }

  const neighbour = (row, step) => {
    const place = rows.indexOf(row);
    return place < 0 ? rows[0] : rows[place + step];
  };

  return {
    build, fill, setCurrent, neighbour,
    place: (row) => rows.indexOf(row),
    get length() { return rows.length; },
  };
})();
