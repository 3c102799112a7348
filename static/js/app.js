// What a script adds to any page: local times, copy buttons, menus that close, focus where the news is.
"use strict";

const RELATIVE_STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
];
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
const dayOnly = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const minute = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function inWords(moment) {
  let distance = (moment - Date.now()) / 1000;
  for (const [unit, size] of RELATIVE_STEPS) {
    if (Math.abs(distance) < size) {
      return relative.format(Math.round(distance), unit);
    }
    distance /= size;
  }
  return dayOnly.format(moment);
}

// In words, or with data-exact the minute, in the reader's own zone; the title has it to the second.
function tellTime(element) {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) {
    return;
  }
  element.title = exact.format(moment);
  element.textContent = "exact" in element.dataset ? minute.format(moment) : inWords(moment);
}

function tellTimes(root) {
  root.querySelectorAll("time[datetime]").forEach(tellTime);
}

function addCopyButtons(root) {
  if (!navigator.clipboard) {
    return;
  }
  root.querySelectorAll("[data-copy]:not([data-ready])").forEach((box) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button button-quiet button-small";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(box.querySelector("code").textContent.trim());
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    box.dataset.ready = "";
    box.append(button);
  });
}

function focusNews(root) {
  root.querySelector("[data-takes-focus]")?.focus();
}

function improve(root) {
  tellTimes(root);
  addCopyButtons(root);
}

improve(document);
focusNews(document);
setInterval(() => tellTimes(document), 30000);
document.addEventListener("htmx:load", (event) => improve(event.target));
