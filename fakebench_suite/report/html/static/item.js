// One record in full. Every text goes in as text; see store.js, el().
"use strict";
fakebench.item = (() => {
  const { el, filter } = fakebench;
  const SVG = "http://www.w3.org/2000/svg";

  const countOf = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

  // The pieces of a reply; those that `reason` quotes (as Python's repr does) are highlighted.
  function highlight(reply, verdict) {
    const quoted = [...verdict.reason.matchAll(/'((?:[^'\\]|\\.)+)'|"((?:[^"\\]|\\.)+)"/gu)].map(
      (match) => (match[1] ?? match[2]).replace(/\\(.)/gu, "$1"),
    );
    const phrases = quoted.length ? quoted : (verdict.label || "").split(", ");
    const patterns = phrases
      .map((phrase) => phrase.match(/[\p{L}\p{N}]+/gu))
      .filter(Boolean)
      .map((words) => `(?<![\\p{L}\\p{N}])${words.join("[^\\p{L}\\p{N}]+")}(?![\\p{L}\\p{N}])`);
    if (!patterns.length) return [reply];
    const pieces = [];
    let end = 0;
    for (const match of reply.matchAll(new RegExp(patterns.join("|"), "giu"))) {
      pieces.push(reply.slice(end, match.index), el("mark", {}, match[0]));
      end = match.index + match[0].length;
    }
    return [...pieces, reply.slice(end)];
  }

  const name = (region) => [region.criterion, region.category].filter(Boolean).join(", ");

  // The shapes of a region: its outlines, or its box.
  function shapes({ box, polygons }) {
    const make = (kind, attributes) => {
      const shape = document.createElementNS(SVG, kind);
      for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
      return shape;
    };
    const [left, top, right, bottom] = box;
    if (!polygons.length) return [make("rect", { x: left, y: top, width: right - left, height: bottom - top })];
    return polygons.map((points) => make("polygon", { points: points.map((point) => point.join(",")).join(" ") }));
  }

  // The outlines of regions, drawn over the image.
  function outline(picture, regions, boxes) {
    if (!regions.length && !boxes.length) return null;
    const drawing = document.createElementNS(SVG, "svg");
    drawing.setAttribute("viewBox", `0 0 ${picture.width} ${picture.height}`);
    drawing.setAttribute("role", "img");
    const place = (kind, box, rest = "") => `${kind} ${box.map((side) => Math.round(side)).join(", ")} ${rest}`.trim();
    drawing.setAttribute("aria-label", [
      ...regions.map((region) => place("region", region.box, name(region))),
      ...boxes.map((box) => place("box of the reply", box)),
    ].join("; "));
    for (const kind of ["under", "over"])
      for (const shape of regions.flatMap(shapes)) {
        shape.setAttribute("class", kind);
        drawing.append(shape);
      }
    for (const shape of drawBoxes(boxes, picture)) {
      shape.setAttribute("class", "answered");
      drawing.append(shape);
    }
    return drawing;
  }

  // Boxes of a reply; a point has a mark around it.
  function drawBoxes(boxes, { width, height }) {
    const mark = Math.max(width, height) / 50;
    return boxes.map(([left, top, right, bottom]) => {
      const isPoint = left === right && top === bottom;
      return isPoint ? [left - mark, top - mark, left + mark, top + mark] : [left, top, right, bottom];
    }).flatMap((box) => shapes({ box, polygons: [] }));
  }

  function figure(image, caption, regions = [], link = null, boxes = []) {
    const picture = filter.storedImage(image);
    if (!picture) return el("figure", { class: "absent" }, el("div", {}, "no image available"), el("figcaption", {}, caption));
    const drawing = () => outline(picture, regions, boxes);
    const frame = el("button", {
      type: "button", class: "frame", title: "Zoom (z)", "aria-label": `Zoom, ${caption}: ${image}`,
      onclick: () => fakebench.zoom.open(picture, image, caption, drawing),
    }, el("img", {
      src: `report/images/${picture.file}`, alt: "", loading: "lazy", width: picture.width, height: picture.height,
    }), drawing());
    return el("figure", {}, frame, el("figcaption", {}, caption, ` ${picture.width} × ${picture.height} `, link));
  }

  // Of a perturbed case the unperturbed image, and of a search the smallest flip beside it.
  function perturbedImages({ case: asked, answer }) {
    const flip = answer?.search?.flip;
    return el("div", { class: "pictures" },
      figure(`${asked.original_image}@original`, "original"),
      flip ? figure(`${asked.original_image}@${flip}`, flip) : null);
  }

  function images(record, hash) {
    const { case: asked, verdict } = record;
    if (asked.original_image !== null) return perturbedImages(record);
    if (asked.second_image)
      return el("div", { class: "pictures" }, [asked.image, asked.second_image].map((image, place) =>
        figure(image, `image ${place + 1}`, place ? [] : asked.regions)));
    const isForged = asked.regions.length > 0;
    const caption = isForged && asked.paired_image ? "forged image" : asked.label || "image";
    const shown = [figure(asked.image, caption, asked.regions, null, verdict.boxes || [])];
    if (asked.paired_image) {
      const row = filter.firstAbout(asked.paired_image, asked.question_type);
      const link = row < 0 ? null : el("a", { href: hash(row), "data-row": row }, "open its item");
      shown.push(figure(asked.paired_image, isForged ? "untouched image" : "forged image", [], link));
    }
    return el("div", { class: "pictures" }, shown);
  }

  // The criteria that a reply claims or misses, with the places it names.
  function describeClaims(claims) {
    if (!claims) return null;
    if (!claims.is_read) return block("Claims", faint("Not read: the reply is not in English."));
    const shown = claims.findings.filter(({ status }) => status !== "rejected");
    if (!shown.length) return block("Claims", faint("The reply claims no anomaly."));
    return block("Claims", el("ul", { class: "claims" }, shown.map((finding) => {
      const place = finding.is_place_right === null ? "" : finding.is_place_right ? ", right" : ", wrong";
      return el("li", { title: finding.texts.join("; ") }, finding.criterion, " ",
        el("span", { class: `tag ${finding.status}` }, finding.status),
        finding.places.length ? ` ${finding.places.join(", ")}${place}` : null);
    })));
  }

  // What the data set says about each region.
  function describeRegions(regions) {
    const described = regions.filter((region) => region.description || name(region));
    return described.length ? block("Regions", el("ul", { class: "clues" }, described.map((region) =>
      el("li", { dir: "auto" }, region.description || "", name(region) ? [" ", el("span", { class: "tag" }, name(region))] : null)))) : null;
  }

  const block = (title, ...content) => el("section", {}, el("h3", {}, title), ...content);
  const quote = (...content) => el("blockquote", { dir: "auto" }, ...content);

  const faint = (text) => el("p", { class: "faint" }, text);

  // The answer, with the reasoning before it in a closed element.
  function quoteReply(answer, verdict, split) {
    if (answer === null) return [faint("There is no answer.")];
    if (!answer.text && split === null) return [faint("The reply is empty.")];
    if (split === null) return [quote(highlight(answer.text, verdict))];
    const size = split.thoughts.length.toLocaleString("en");
    const visible = split.visible.trim();
    return [
      el("details", { class: "thoughts" }, el("summary", {}, `Reasoning before the answer (${size} characters, not part of the answer)`), quote(split.thoughts)),
      visible ? quote(highlight(visible, verdict)) : faint("The reply has no text outside its reasoning."),
    ];
  }

  function reply(answer, verdict, split, prompt) {
    const cut = answer?.finish_reason === "length";
    const facts = answer && [
      countOf(answer.tokens, "token"), `${answer.seconds.toFixed(3)} s`, `batch of ${answer.batch_size}`,
      answer.p_fake === null ? null : `P(fake) ${answer.p_fake.toFixed(4)}`,
      answer.option_probability_mass === null ? null : `probability of both options ${answer.option_probability_mass.toFixed(4)}`,
    ].filter(Boolean).join(" · ");
    return [
      prompt === undefined ? null : [el("h4", {}, "Prompt as sent"), quote(prompt)],
      prompt === undefined ? null : el("h4", {}, "Reply"),
      quoteReply(answer, verdict, split),
      facts ? faint(facts) : null,
      el("p", { class: "why" }, el("span", { class: `pill ${verdict.outcome}` }, verdict.outcome.replaceAll("_", " ")), " ",
        cut ? [el("span", { class: "pill truncated cut" }, "cut off at the token limit"), " "] : null, verdict.reason),
    ].flat(2);
  }

  // What the search found, with both replies.
  function describeSearch({ answer, verdict }, split) {
    const { search } = answer;
    const asked = `${countOf(search.prompts, "prompt")} in ${countOf(search.rounds, "round")}`;
    const failed = search.failed ? `, ${search.failed} of which failed` : "";
    if (search.original_label === null) return block("Search", faint("The original reply has no verdict that could change."), ...reply(answer, verdict, split));
    if (search.flip === null) return block("Search", el("p", {}, `Nothing changed the verdict, ${asked}${failed}.`), ...reply(answer, verdict, split));
    return block("Search", el("p", {}, search.is_minimal ? "Smallest perturbation that changes the verdict: " : "Smallest known perturbation that changes the verdict: ",
      el("strong", {}, search.flip), ` (${asked}${failed})`),
    el("div", { class: "sides" },
      el("div", {}, el("h4", {}, "original"), quote(search.original_text), el("p", { class: "why" }, search.original_label)),
      el("div", {}, el("h4", {}, search.flip), reply(answer, verdict, split))));
  }

  function scores(verdict, texts) {
    const shown = [];
    if (verdict.score !== null)
      shown.push(el("p", {}, el("strong", {}, verdict.score.toFixed(2)), ` of 2 by ${verdict.judge}`,
        verdict.failed_rounds ? `, ${countOf(verdict.failed_rounds, "round")} without ratings` : ""));
    if (verdict.followed_format !== null) shown.push(el("p", {}, verdict.followed_format ? "It follows the requested format." : "It does not follow the requested format."));
    if (verdict.ratings.length) {
      const head = ["round", "completeness", "preciseness", "relevance", "reason"];
      const numbers = head.slice(1, 4);
      shown.push(el("table", { class: "rounds" },
        el("thead", {}, el("tr", {}, head.map((name) => el("th", { scope: "col", class: numbers.includes(name) ? "num" : null }, name)))),
        el("tbody", {}, verdict.ratings.map((rating, place) => el("tr", {},
          el("td", {}, String(place + 1)),
          numbers.map((name) => el("td", { class: "num" }, String(rating[name]))),
          el("td", { class: "prose", dir: "auto" }, rating.reason))))));
    }
    if (texts) {
      const values = Object.entries(texts).filter(([, value]) => value !== null);
      shown.push(el("dl", { class: "metrics" }, values.map(([name, value]) =>
        el("div", {}, el("dt", {}, name.replaceAll("_", " ")), el("dd", {}, value.toFixed(3))))));
    }
    return shown.length ? block("Scores", ...shown) : null;
  }

  function facts({ case: asked, worker }, verdict) {
    const rows = {
      task: asked.task, "question type": asked.question_type, "expected label": asked.label,
      choices: asked.choices.map((text, place) => `${String.fromCharCode(65 + place)}: ${text}`).join(" "), "expected choice": asked.expected_choice,
      "reply says": verdict.label, generator: asked.generator, criterion: asked.criterion, perturbation: asked.perturbation,
      "content categories": asked.content_categories, image: asked.original_image ?? asked.image, "second image": asked.second_image, worker,
    };
    return el("dl", { class: "facts" }, Object.entries(rows)
      .filter(([, value]) => value !== null && value !== "")
      .map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
  }

  function compare(record, before, split, earlier) {
    return block("Baseline and this run", el("div", { class: "sides" },
      el("div", {}, el("h4", {}, "baseline"), reply(before.answer, before.verdict, earlier,
        before.prompt === record.prompt ? undefined : before.prompt)),
      el("div", {}, el("h4", {}, "this run"), reply(record.answer, record.verdict, split))));
  }

  function render({ record, texts, before, split, split_before: earlier, claims }, hash) {
    const { case: asked, verdict } = record;
    const reference = asked.expected === null ? null : block("Reference",
      el("ul", { class: "clues" }, asked.expected.map((clue) => el("li", { dir: "auto" }, clue.text,
        clue.criterion ? [" ", el("span", { class: "tag" }, clue.criterion)] : null))));
    return [
      images(record, hash),
      block("Prompt as sent", quote(record.prompt)),
      before ? compare(record, before, split, earlier) : record.answer?.search ? describeSearch(record, split) : block("Reply", ...reply(record.answer, verdict, split)),
      reference,
      describeRegions(asked.regions),
      describeClaims(claims),
      scores(verdict, texts),
      block("Case", facts(record, verdict)),
    ].filter(Boolean);
  }

  return { render, highlight };
})();
