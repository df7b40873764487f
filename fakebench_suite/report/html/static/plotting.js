// Plots: plotly.js is loaded when the overview is first shown, so that printing has every plot.
"use strict";
fakebench.plotting = (() => {
  const PAPER = 330; // pixels: two plots side by side on a sheet of A4 or Letter
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

  function paint(figure, size) {
    const layout = { ...structuredClone(figure.layout), ...size };
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.font = { ...layout.font, color: tone("--text"), family: getComputedStyle(document.body).fontFamily };
    layout.hoverlabel = { ...layout.hoverlabel, bgcolor: tone("--raised"), bordercolor: tone("--line"), font: { color: tone("--text") } };
    for (const key of Object.keys(layout).filter((name) => /^[xy]axis/.test(name)))
      layout[key] = { gridcolor: tone("--line"), linecolor: tone("--line"), ...layout[key] };
    return layout;
  }

  // Synchronous once plotly.js is loaded, because printing does not wait.
  function render(node, figures, size = {}) {
    const figure = figures[node.dataset.plot];
    shown.add(node);
    const data = structuredClone(figure.data);
    // Cells shaded over the page's ground: Plotly would choose a colour for white ground.
    for (const trace of data.filter((entry) => entry.type === "heatmap" && entry.showscale === false))
      trace.textfont = { color: tone("--text") };
    const drawn = window.Plotly.react(node, data, paint(figure, size), { displayModeBar: false, responsive: !size.width });
    node.classList.add("drawn");
    return drawn;
  }

  let figures = null;
  async function draw(nodes) {
    figures = await prepare();
    for (const node of nodes) await render(node, figures);
  }

  // All plots, at the first sight of the overview; started before the page's load event, that
  // event waits for the library, and so does a browser that prints as soon as the page is there.
  function begin(failed) {
    if (ready) {
      // The window may have changed while another view was shown.
      for (const node of shown) window.Plotly.Plots.resize(node).catch(failed);
      return;
    }
    draw(document.querySelectorAll(".plot")).catch(failed);
  }

  function watch(failed) {
    const again = (size) => shown.forEach((node) => Promise.resolve(render(node, figures, size)).catch(failed));
    document.addEventListener("theme", () => again());
    // On paper: light, and as wide as a sheet has room for.
    window.addEventListener("beforeprint", () => {
      window.lightenTheme(true);
      again({ width: PAPER });
    });
    window.addEventListener("afterprint", () => window.lightenTheme(false));
  }

  return { watch, begin };
})();
