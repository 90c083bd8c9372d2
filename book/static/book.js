"use strict";
// Players and pictures are told of the page's theme as JupyterLab tells of its own; furo's button changes it.
const dark = matchMedia("(prefers-color-scheme: dark)");

function isLight() {
  const theme = document.body.dataset.theme;
  return theme === "light" || (theme !== "dark" && !dark.matches);
}

function tell() {
  const light = String(isLight());
  document.body.dataset.jpThemeLight = light;
  // a page that was opened as a file may not look into another: it is told
  document.querySelectorAll("iframe.player").forEach(frame => frame.contentWindow.postMessage({light}, "*"));
}

// A player says how high it is, which depends on how wide the page is.
function fit(event) {
  const frames = [...document.querySelectorAll("iframe.player")];
  const frame = frames.find(one => one.contentWindow === event.source);
  if (!frame) return;
  if (event.data.height) frame.style.height = `${event.data.height}px`;
  if (event.data.ready) tell();
}

addEventListener("message", fit);
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(tell).observe(document.body, {attributes: true, attributeFilter: ["data-theme"]});
  dark.addEventListener("change", tell);
  tell();
});
