"use strict";
// Sorts and filters the tables; without it the report reads the same.
(function () {
  function valueOf(cell) {
    const text = cell.textContent.trim();
    const number = parseFloat(text.replace(/,/g, "").replace("−", "-").replace("< ", ""));
    return cell.classList.contains("num") ? (isNaN(number) ? -Infinity : number) : text.toLowerCase();
  }
  document.querySelectorAll("table.sortable").forEach(function (table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", function () {
        const down = head.getAttribute("aria-sort") === "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = Array.from(table.tBodies[0].rows);
        rows.sort(function (a, b) {
          const x = valueOf(a.cells[column]), y = valueOf(b.cells[column]);
          return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
        });
        table.tBodies[0].append(...rows);
      });
    });
  });
  document.querySelectorAll(".tablebox.filtered").forEach(function (box) {
    const rows = Array.from(box.querySelectorAll("tbody tr"));
    if (rows.length < 8) return;
    const label = document.createElement("label");
    label.className = "filter";
    label.textContent = "{% trans %}Filter rows {% endtrans %}";
    const input = document.createElement("input");
    input.type = "search";
    const status = document.createElement("span");
    status.setAttribute("role", "status");
    label.append(input);
    box.prepend(label, status);
    status.className = "light";
    input.addEventListener("input", function () {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach(function (row) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.includes(word); });
        shown += row.hidden ? 0 : 1;
      });
      status.textContent = words.length ? {% trans %}shown + " of " + rows.length + " rows"{% endtrans %} : "";
    });
  });
  // a picture wider than the screen scrolls, by keyboard too
  document.querySelectorAll(".pic").forEach(function (box) {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
  });
  // a link to a folded page unfolds it
  function unfold() {
    const place = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const page = place && place.querySelector("details.patient");
    if (!page) return;
    page.open = true;
    place.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  document.querySelectorAll('a[href^="#patient-"]').forEach(function (link) {
    link.addEventListener("click", function () { setTimeout(unfold); });
  });
  unfold();
  // printing shows what is folded away
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
  });
})();
