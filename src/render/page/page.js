"use strict";
(() => {
  const element = (id) => document.getElementById(id);
  const data = JSON.parse(element("data").textContent);
  const total = data.names.length;
  const DAY = 86400, STEP = 100;
  const STATES = ["expired", "not-yet-valid", "expiring", "valid"];
  const WORDS = { "expired": "expired", "not-yet-valid": "not yet valid", "expiring": "due for renewal", "valid": "valid" };

  const date = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const left = (i) => {
    const seconds = data["not-after"][i] - data.now;
    const days = Math.floor(Math.abs(seconds) / DAY);
    const text = days >= 730 ? Math.round(days / 365) + " years" : days === 1 ? "1 day" : days + " days";
    return seconds <= 0 ? "expired " + text + " ago" : text;
  };
  const text = (list, i) => data.texts[data[list][i]];
  const columns = {
    name: (i) => data.names[i],
    expires: (i) => data["not-after"][i],
    state: (i) => STATES.indexOf(data.states[i]),
    issuer: (i) => text("issuers", i),
    subject: (i) => data.subjects[i],
  };

  // One text a certificate, made once, so that a search only compares.
  const haystack = new Array(total);
  for (let i = 0; i < total; i++) {
    haystack[i] = [data.names[i], data.subjects[i], data.sans[i], data.serials[i], text("issuers", i), text("keys", i),
      text("usages", i), WORDS[data.states[i]], date(data["not-after"][i])].join("\n").toLowerCase();
  }

  let order = Array.from({ length: total }, (_, i) => i);
  let found = order, shown = 0, sorted = "expires", downward = false;
  const rows = element("rows"), more = element("more"), search = element("search");

  const add = (parent, name, content, className) => {
    const child = parent.appendChild(document.createElement(name));
    if (content !== undefined) child.textContent = content;
    if (className) child.className = className;
    return child;
  };
  const COLUMNS = document.querySelectorAll("#table thead th").length;
  const facts = (i) => {
    const line = document.createElement("tr");
    const cell = add(line, "td", undefined, "facts-of-one");
    cell.colSpan = COLUMNS;
    const list = add(cell, "dl");
    const fact = (name, value) => {
      if (!value) return;
      const pair = add(list, "div");
      add(pair, "dt", name);
      add(pair, "dd", value);
    };
    fact("Subject", data.subjects[i]);
    fact("Issuer", text("issuers", i));
    fact("SANs", data.sans[i]);
    fact("Usage", text("usages", i));
    fact("Key", text("keys", i));
    fact("Valid", date(data["not-before"][i]) + " to " + date(data["not-after"][i]));
    fact("Left", left(i));
    fact("Renewal from", data.renewals[i] ? date(data.renewals[i]) : "");
    fact("Serial number", data.serials[i]);
    return line;
  };
  const details = (line, i) => {
    const button = add(add(line, "td"), "button", "more", "details");
    button.type = "button";
    button.setAttribute("aria-label", "more about " + data.names[i]);
    button.setAttribute("aria-expanded", "false");
    let below = null;
    button.addEventListener("click", () => {
      if (below) {
        below.remove();
        below = null;
      } else {
        below = facts(i);
        line.after(below);
      }
      button.setAttribute("aria-expanded", String(below !== null));
    });
  };
  const row = (i) => {
    const line = document.createElement("tr");
    line.className = data.states[i];
    add(line, "th", data.names[i]).scope = "row";
    add(line, "td", date(data["not-after"][i]), "whole");
    add(line, "td", left(i), "whole roomy");
    add(line, "td", WORDS[data.states[i]], "state");
    add(line, "td", text("issuers", i), "roomy");
    add(line, "td", data.subjects[i], "roomy");
    details(line, i);
    return line;
  };
  const show = (count) => {
    const part = document.createDocumentFragment();
    const end = Math.min(found.length, shown + count);
    for (; shown < end; shown++) part.appendChild(row(found[shown]));
    rows.appendChild(part);
    more.hidden = shown >= found.length;
    more.textContent = "Show " + Math.min(STEP * 5, found.length - shown) + " more";
    const of = found.length === total ? total + " certificates" : found.length + " of " + total + " certificates";
    element("count").textContent = of + (shown < found.length ? ", the first " + shown + " shown" : "");
  };
  const update = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    found = words.length ? order.filter((i) => words.every((word) => haystack[i].includes(word))) : order;
    rows.textContent = "";
    shown = 0;
    show(STEP);
  };
  const sort = (button) => {
    const column = button.dataset.column;
    downward = column === sorted && !downward;
    sorted = column;
    const value = columns[column], sign = downward ? -1 : 1;
    const values = order.map((_, i) => value(i));
    // Equal ones stay by expiry: the numbers are in that order.
    order = Array.from({ length: total }, (_, i) => i)
      .sort((a, b) => (values[a] < values[b] ? -sign : values[a] > values[b] ? sign : a - b));
    for (const other of document.querySelectorAll("#table th[aria-sort]")) other.setAttribute("aria-sort", "none");
    button.parentElement.setAttribute("aria-sort", downward ? "descending" : "ascending");
    update();
  };

  element("search-form").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", update);
  more.addEventListener("click", () => {
    const last = rows.lastElementChild;
    show(STEP * 5);
    // The button may be gone; the keyboard goes on at the first new row.
    last.nextElementSibling?.querySelector("button")?.focus();
  });
  for (const button of document.querySelectorAll("#table button[data-column]")) {
    button.addEventListener("click", () => sort(button));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && event.target !== search) {
      event.preventDefault();
      search.focus();
    }
  });
  element("finder").hidden = false;
  update();
})();
