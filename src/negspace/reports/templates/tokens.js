"use strict";
(() => {
  // One stop of the Tab key for the whole text; the arrow keys go from token to token.
  const text = document.getElementById("tokens");
  if (!text) return;
  const tokens = [...text.children];
  tokens.forEach((token, at) => (token.tabIndex = at ? -1 : 0));
  const go = (to) => {
    if (!tokens[to]) return;
    tokens.forEach((token) => (token.tabIndex = -1));
    tokens[to].tabIndex = 0;
    tokens[to].focus();
  };
  text.addEventListener("click", (event) => go(tokens.indexOf(event.target.closest("#tokens > span"))));
  text.addEventListener("keydown", (event) => {
    const at = tokens.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tokens.length - 1 }[event.key];
    if (event.key === "Escape") document.activeElement.blur();
    if (to === undefined || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(to);
  });
})();
