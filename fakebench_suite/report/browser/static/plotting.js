// Plots: plotly.js comes in when the first of them is about to be seen.
"use strict";
fakebench.plotting = (() => {
  const shown = new Set();
  let ready = null;

  // Plotly writes style attributes as text, which the page's policy refuses; the same declarations
  // through the object model are allowed.
  function adaptStyles() {
    const original = Element.prototype.setAttribute;
    Element.prototype.setAttribute = function setAttribute(name, value) {
      if (name === "style" && this.style) this.style.cssText = value;
      else original.call(this, name, value);
    };
  }

  function prepare() {
    if (!ready) {
      adaptStyles();
      ready = Promise.all([fakebench.run("report/plotly.js"), fakebench.load("plots")]).then(([, figures]) => figures);
    }
    return ready;
  }

  const tone = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function paint(figure) {
    const layout = structuredClone(figure.layout);
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.font = { ...layout.font, color: tone("--text"), family: getComputedStyle(document.body).fontFamily };
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: tone("--raised"), bordercolor: tone("--line"), font: { color: tone("--text") } };
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis/.test(name)))
      layout[key] = { gridcolor: tone("--line"), linecolor: tone("--line"), ...layout[key] };
    return layout;
  }

  async function draw(node) {
    const figures = await prepare();
    const figure = figures[node.dataset.plot];
    shown.add(node);
    const data = structuredClone(figure.data);
    // Cells shaded over the page's ground: Plotly would choose a colour for white ground.
    for (const trace of data.filter((one) => one.type === "heatmap" && one.showscale === false))
      trace.textfont = { color: tone("--text") };
    await window.Plotly.react(node, data, paint(figure), { displayModeBar: false, responsive: true });
    node.classList.add("drawn");
  }

  function watch(failed) {
    const observer = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((one) => one.isIntersecting)) {
        observer.unobserve(entry.target);
        draw(entry.target).catch(failed);
      }
    }, { rootMargin: "200px" });
    for (const node of document.querySelectorAll(".plot")) observer.observe(node);
    document.addEventListener("theme", () => shown.forEach((node) => draw(node).catch(failed)));
  }

  return { watch };
})();
