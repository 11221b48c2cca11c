// Loaded before the page is drawn, so that the chosen theme is there from the first picture on.
'use strict';
(() => {
  const chosen = (() => { try { return localStorage.getItem('dolmen.theme'); } catch { return null; } })();
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
