"use strict";
// The interactive map of cells. The drawing library lies compressed in an inert block and is
// unpacked when the reader asks for it; until then, and without it, the pictures show the same.
// It draws SVG: WebGL would need eval, which the page forbids, and a graphics driver.
(function () {
  const box = document.getElementById("cellmap");
  if (!box) return;
  const words = JSON.parse(document.getElementById("map-words").textContent);
  const opener = box.querySelector("button");
  const status = box.querySelector("[role=status]");
  const symbols = ["circle", "square", "diamond", "triangle-up", "cross", "x", "triangle-down",
    "star", "hexagon", "pentagon", "triangle-left", "triangle-right"];
  opener.hidden = false;

  async function library() {
    if (window.Plotly) return;
    const text = document.getElementById("map-library").textContent.trim();
    const bytes = Uint8Array.from(atob(text), function (c) { return c.charCodeAt(0); });
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  function chooser(label, options) {
    const outer = document.createElement("label"), list = document.createElement("select");
    outer.append(label + " ", list);
    options.forEach(function (pair) { list.add(new Option(pair[1], pair[0])); });
    box.querySelector(".controls").append(outer);
    return list;
  }

  function named(data, property, i) {
    const entry = data[property];
    if (!entry) return "";
    const code = entry.codes[i];
    return code < 0 ? "" : entry.names[code].replace(/_/g, " ");
  }

  function hovers(data) {
    const escape = document.createElement("span");
    return data["1"].map(function (_, i) {
      const lines = [named(data, "cell_type", i), named(data, "cell_subtype", i),
        named(data, "patient", i) + ", " + named(data, "timepoint", i)];
      if (data.clone && data.clone.codes[i] >= 0)
        lines.push(data.clone.names[data.clone.codes[i]] + (named(data, "fate", i) ? ": " + named(data, "fate", i) : ""));
      if (data.interferon && data.interferon[i] !== null) lines.push("ISG28 " + (data.interferon[i] / 1e4).toFixed(3));
      escape.textContent = lines.filter(Boolean).join("\n");
      return escape.innerHTML.replace(/\n/g, "<br>");
    });
  }

  function traces(data, by, only, hover) {
    const all = data["1"].map(function (_, i) { return i; });
    const pick = function (rows, key) { return rows.map(function (i) { return data[key][i] / 100; }); };
    const trace = function (rows, name, marker) {
      return {type: "scatter", mode: "markers", name: name, marker: Object.assign({size: data.n_drawn > 8000 ? 4 : 5}, marker),
        x: pick(rows, "1"), y: pick(rows, "2"), text: rows.map(function (i) { return hover[i]; }), hoverinfo: "text"};
    };
    if (by === "interferon") {
      const rows = all.filter(function (i) { return data.interferon[i] !== null; });
      const values = rows.map(function (i) { return data.interferon[i] / 1e4; });
      const sorted = values.slice().sort(function (a, b) { return a - b; });
      const at = function (q) { return sorted[Math.floor(q * (sorted.length - 1))]; };
      return [trace(rows, words.interferon, {color: values, cmin: at(0.01), cmax: at(0.99), colorscale: "Cividis", showscale: true,
        colorbar: {title: {text: "ISG28"}, thickness: 14}})];
    }
    const entry = data[by], colors = words.colors[by] || {};
    const groups = entry.names.map(function (_, code) { return all.filter(function (i) { return entry.codes[i] === code; }); });
    const rest = all.filter(function (i) { return entry.codes[i] < 0; });
    const drawn = rest.length ? [trace(rest, words.none + " (" + rest.length.toLocaleString("en") + ")", {color: "#d5d9e0"})] : [];
    groups.forEach(function (rows, code) {
      const name = entry.names[code];
      if (only !== "" && only !== name) return drawn.unshift(trace(rows, name.replace(/_/g, " "), {color: "#d5d9e0"}));
      drawn.push(trace(rows, name.replace(/_/g, " ") + " (" + rows.length.toLocaleString("en") + ")",
        {color: colors[name] || words.palette[code % words.palette.length], symbol: symbols[code % symbols.length]}));
    });
    return drawn;
  }

  async function open() {
    opener.disabled = true;
    status.textContent = words.opening;
    await new Promise(function (done) { setTimeout(done, 30); });
    await library();
    const data = JSON.parse(document.getElementById("map-cells").textContent);
    const hover = hovers(data);
    const known = Object.keys(words.properties).filter(function (key) { return data[key]; });
    const by = chooser(words.by, known.map(function (key) { return [key, words.properties[key]]; }));
    const only = chooser(words.only, [["", words.all]]);
    const place = document.createElement("div");
    place.className = "place";
    box.append(place);
    const layout = {margin: {l: 8, r: 8, t: 36, b: 8}, xaxis: {visible: false}, hovermode: "closest", dragmode: "pan",
      yaxis: {visible: false, scaleanchor: "x"}, legend: {itemsizing: "constant", y: 1}, font: {family: "system-ui, sans-serif", size: 13}};
    if (innerWidth < 600) layout.legend.orientation = "h";
    const config = {displaylogo: false, responsive: true, scrollZoom: false,
      modeBarButtonsToRemove: ["lasso2d", "select2d", "toImage", "sendChartToCloud", "autoScale2d"]};
    async function draw() {
      await window.Plotly.react(place, traces(data, by.value, only.value, hover), layout, config);
      const entry = data[by.value].names;
      status.textContent = words.drawn.replace("{by}", words.properties[by.value])
        + (entry ? " " + entry.map(function (name, code) {
          return name.replace(/_/g, " ") + " " + data[by.value].codes.filter(function (c) { return c === code; }).length.toLocaleString("en");
        }).join(", ") + "." : "");
    }
    by.addEventListener("change", function () {
      only.replaceChildren(new Option(words.all, ""));
      (data[by.value].names || []).forEach(function (name) { only.add(new Option(name.replace(/_/g, " "), name)); });
      draw();
    });
    only.addEventListener("change", draw);
    opener.hidden = true;
    by.dispatchEvent(new Event("change"));
    by.focus();
  }
  opener.addEventListener("click", function () {
    open().catch(function (error) { status.textContent = words.failed + " (" + error.message + ")"; opener.disabled = false; });
  });
})();
