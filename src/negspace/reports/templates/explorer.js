"use strict";
(() => {
  const STEP = 100;
  const at = (id) => document.getElementById(id);
  const data = JSON.parse(at("fragment-data").textContent);
  if (!data.columns.length) return;
  const FIXED = ["row", "place", "excerpt", "tokens", "role"];
  const state = { sort: data.columns[0], up: false, role: "", find: "", shown: STEP };
  let found = [];

  // The same words as the rest of the page: three significant digits.
  const measured = (value) => {
    if (value === null) return "–";
    const size = Math.abs(value);
    let said = "0";
    if (size >= 999.5 && size < 1e6) said = Math.round(value).toLocaleString("en-US");
    else if (size >= 1e-3 && size < 1e6) said = value.toPrecision(3);
    else if (size) {
      const [mantissa, power] = value.toExponential(1).split("e");
      const raised = [...String(Number(power))].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]).join("");
      said = `${mantissa}\u00a0×\u00a010${raised}`;
    }
    return said.replace("-", "−");
  };

  const key = (name) => {
    const place = data.columns.indexOf(name);
    if (place >= 0) return (fragment) => fragment[FIXED.length + place];
    return (fragment) => fragment[{ place: 0, tokens: 3, role: 4 }[name]];
  };
  const known = (name) => data.columns.includes(name) || ["place", "tokens", "role"].includes(name);

  const choose = () => {
    const word = state.find.trim().toLowerCase();
    const of = key(state.sort);
    const sign = state.up ? 1 : -1;
    const role = state.role ? data.roles.indexOf(state.role) : null;
    found = data.rows
      .filter((f) => role === null || f[4] === role)
      .filter((f) => !word || f[1].toLowerCase().includes(word) || f[2].toLowerCase().includes(word))
      .map((f) => [of(f), f])
      // What was not measured comes last whichever way; equals stay in the order of the corpus.
      .sort(([a, f], [b, g]) => (a === null) - (b === null) || sign * (a - b) || f[0] - g[0])
      .map(([, f]) => f);
  };

  const element = (name, text, parent, kind) => {
    const made = document.createElement(name);
    if (text !== null) made.textContent = text;
    if (kind) made.className = kind;
    parent.append(made);
    return made;
  };

  const draw = (fragment) => {
    const [row, place, excerpt, tokens, role] = fragment;
    const line = document.createElement("tr");
    const head = element("th", null, line);
    head.scope = "row";
    const page = data.pages[row];
    const name = element(page ? "a" : "bdi", place, head);
    if (page) name.href = page;
    element("span", excerpt, head, "under").dir = "auto";
    const cell = element("td", null, line);
    if (role === null) cell.textContent = "–";
    else {
      const shown = element("span", null, cell, "role");
      const mark = [...document.querySelectorAll("[data-mark]")].find((m) => m.dataset.mark === data.roles[role]);
      if (mark) shown.append(mark.firstElementChild.cloneNode(true));
      element("bdi", data.roles[role], shown);
    }
    element("td", tokens.toLocaleString("en-US"), line, state.sort === "tokens" ? "num by" : "num");
    data.columns.forEach((column, k) => {
      element("td", measured(fragment[FIXED.length + k]), line, column === state.sort ? "num by" : "num");
    });
    return line;
  };

  const show = () => {
    const rows = at("rows");
    const drawn = Math.min(state.shown, found.length);
    const fresh = document.createDocumentFragment();
    found.slice(rows.children.length, drawn).forEach((fragment) => fresh.append(draw(fragment)));
    rows.append(fresh);
    const left = found.length - drawn;
    at("more").hidden = !left;
    at("more").textContent = `Show ${Math.min(STEP, left)} more`;
    at("found").textContent = found.length
      ? `${drawn.toLocaleString("en-US")} of ${found.length.toLocaleString("en-US")} shown`
      : "None found.";
  };

  // What is ranked by may lie beyond the edge of a narrow window.
  const reveal = (head) => {
    const region = at("region");
    region.scrollTop = 0;
    const first = head.parentElement.firstElementChild;
    if (head === first) return;
    const room = first.offsetWidth;
    if (head.offsetLeft - room < region.scrollLeft) region.scrollLeft = head.offsetLeft - room;
    const right = head.offsetLeft + head.offsetWidth - region.clientWidth;
    if (right > region.scrollLeft) region.scrollLeft = right;
  };

  const renew = (remember = true) => {
    let sorted = null;
    state.shown = STEP;
    choose();
    at("rows").replaceChildren();
    show();
    document.querySelectorAll("[data-sort]").forEach((button) => {
      const head = button.parentElement;
      if (button.dataset.sort === state.sort) {
        head.setAttribute("aria-sort", state.up ? "ascending" : "descending");
        sorted = head;
      } else head.removeAttribute("aria-sort");
    });
    at("by").value = state.sort;
    reveal(sorted);
    if (!remember) return;
    const said = new URLSearchParams({ sort: state.sort });
    if (state.up) said.set("order", "up");
    if (state.role) said.set("role", state.role);
    if (state.find) said.set("find", state.find);
    try {
      history.replaceState(null, "", `#${said}`);
    } catch {
      // Some viewers forbid it; the table works all the same.
    }
  };

  const read = () => {
    const said = new URLSearchParams(location.hash.slice(1));
    if (known(said.get("sort"))) {
      state.sort = said.get("sort");
      state.up = said.get("order") === "up";
    }
    state.role = data.roles.includes(said.get("role")) ? said.get("role") : "";
    state.find = said.get("find") ?? "";
    at("role").value = state.role;
    at("find").value = state.find;
  };

  document.querySelectorAll("[data-sort]").forEach((button) => {
    button.addEventListener("click", () => {
      state.up = state.sort === button.dataset.sort && !state.up;
      state.sort = button.dataset.sort;
      renew();
    });
  });
  at("by").addEventListener("change", (event) => {
    state.sort = event.target.value;
    state.up = false;
    renew();
  });
  at("find").addEventListener("input", (event) => {
    state.find = event.target.value;
    renew();
  });
  at("role").addEventListener("change", (event) => {
    state.role = event.target.value;
    renew();
  });
  at("more").addEventListener("click", () => {
    state.shown += STEP;
    show();
  });
  addEventListener("hashchange", () => {
    if (!new URLSearchParams(location.hash.slice(1)).has("sort")) return;
    read();
    renew(false);
  });
  at("explore").hidden = false;
  read();
  renew(false);
  at("plain").hidden = true;
})();
