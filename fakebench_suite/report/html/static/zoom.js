// Shows one image as large as the window, or larger; in full size if it is stored.
"use strict";
fakebench.zoom = (() => {
  const { el } = fakebench;
  const STEP = 1.5;
  const LARGEST = 16; // screen pixels for one of the image
  let dialog, stage, note, title;
  let picture = null;
  let frame = null;
  let fitted = 1;
  let scale = 1;

  function build(node) {
    dialog = node;
    title = el("strong", { id: "h-zoom" });
    note = el("span", { class: "faint note" });
    stage = el("div", { class: "stage", tabIndex: -1 });
    const button = (text, label, action) => el("button", { type: "button", onclick: action, title: label, "aria-label": label }, text);
    dialog.append(
      el("div", { class: "bar" }, title, note,
        button("−", "Smaller (-)", () => resize(scale / STEP)), button("+", "Larger (+)", () => resize(scale * STEP)),
        button("fit", "Fit the window (0)", () => fit()), button("1:1", "Pixel by pixel (1)", () => resize(1)),
        button("×", "Close (Esc)", () => dialog.close())),
      stage);
    dialog.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const actions = { "+": () => resize(scale * STEP), "=": () => resize(scale * STEP), "-": () => resize(scale / STEP),
        0: fit, 1: () => resize(1), z: () => dialog.close() };
      if (!Object.hasOwn(actions, event.key)) return;
      event.preventDefault();
      actions[event.key]();
    });
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener("close", () => stage.replaceChildren());
    window.addEventListener("resize", () => { if (dialog.open && scale === fitted) fit(); });
  }

  function open(chosen, image, caption, mark) {
    picture = chosen;
    title.textContent = `${caption}: ${image}`;
    const shown = el("img", { src: address(picture.whole ?? picture.file), alt: `${caption}: ${image}`, draggable: false });
    frame = el("div", { class: "frame" }, shown, mark());
    stage.replaceChildren(frame);
    frame.addEventListener("click", (event) => {
      const box = frame.getBoundingClientRect();
      const at = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
      if (scale > fitted) fit();
      else resize(Math.max(1, 3 * fitted), at);
    });
    dialog.showModal();
    stage.focus();
    fit();
    showNote(picture.whole === null);
    if (picture.whole === null && picture.full !== null) seek(shown);
  }

  const address = (file) => `report/images/${file}`;

  // The picture beside the data, which is there as long as the report lies where it was written.
  function seek(shown) {
    const wanted = picture;
    const other = new Image();
    other.onload = () => {
      if (picture !== wanted || !dialog.open) return;
      shown.src = other.src;
      showNote(false);
    };
    other.src = picture.full;
  }

  function showNote(small) {
    const size = `${picture.width} × ${picture.height}`;
    note.textContent = small ? `a thumbnail of ${size}; --report-images=full keeps whole pictures in the report` : size;
  }

  function fit() {
    const room = [stage.clientWidth / picture.width, stage.clientHeight / picture.height];
    fitted = Math.min(...room, LARGEST);
    resize(fitted);
  }

  // `at` is the place, in shares of the picture, that is brought to the middle.
  function resize(wanted, at = middle()) {
    scale = Math.min(LARGEST, Math.max(Math.min(fitted, 1) / 2, wanted));
    frame.style.width = `${Math.floor(picture.width * scale)}px`;
    frame.style.height = `${Math.floor(picture.height * scale)}px`;
    frame.classList.toggle("pixels", scale >= 2);
    stage.scrollLeft = frame.offsetLeft + at[0] * frame.clientWidth - stage.clientWidth / 2;
    stage.scrollTop = frame.offsetTop + at[1] * frame.clientHeight - stage.clientHeight / 2;
  }

  const middle = () => [
    (stage.scrollLeft + stage.clientWidth / 2 - frame.offsetLeft) / (frame.clientWidth || 1),
    (stage.scrollTop + stage.clientHeight / 2 - frame.offsetTop) / (frame.clientHeight || 1),
  ];

  return { build, open };
})();
