// What a script adds to any page: local times, copy buttons, menus that close, focus where the news is.
"use strict";

const RELATIVE_STEPS = [
  ["second", 60],
  ["minute", 60],
  ["hour", 24],
  ["day", 7],
];
const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
// As the server writes days, so that a page has one style: “3 May 2026, 09:41”.
const dayOnly = new Intl.DateTimeFormat("en-GB", { dateStyle: "long" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "full", timeStyle: "long" });

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

// data-ahead around a time that is still to come: once it is over, what it announces is due.
function aheadOrNot(element, moment) {
  return moment <= Date.now() && element.closest("[data-ahead]") ? "in a moment" : inWords(moment);
}

// In words, or with data-exact the minute, in the reader's own zone; the title has it to the second.
function tellTime(element) {
  const moment = new Date(element.dateTime);
  if (Number.isNaN(moment.getTime())) {
    return;
  }
  element.title = exact.format(moment);
  element.textContent = "exact" in element.dataset ? `${dayOnly.format(moment)}, ${clock.format(moment)}` : aheadOrNot(element, moment);
}

function tellTimes(root) {
  root.querySelectorAll("time[datetime]").forEach(tellTime);
  root.querySelectorAll("[data-zone]").forEach((element) => {
    element.textContent = `your time zone, ${exact.resolvedOptions().timeZone}`;
  });
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

// data-folds on an open <details>: on a phone it begins folded, unless the address leads into it. On paper, which is
// as narrow, all of it is there.
const phone = matchMedia("screen and (max-width: 44rem)");

function foldOnPhones(details) {
  const fold = () => { details.open = !phone.matches || details.querySelector(":target") !== null; };
  phone.addEventListener("change", fold);
  fold();
  let wasOpen = details.open;
  addEventListener("beforeprint", () => { wasOpen = details.open; details.open = true; });
  addEventListener("afterprint", () => { details.open = wasOpen; });
}

// Parts of the page that are put in anew each second move on from where they were.
function keepTime(root) {
  root.getAnimations?.({ subtree: true }).forEach((animation) => { animation.startTime = 0; });
}

// What data-says says is read out when it changes, and not each time that its part of the page is put in anew. What
// was only announced before (data-passes) is over then.
const voice = document.createElement("p");
voice.className = "for-readers";
voice.setAttribute("aria-live", "polite");
document.body.append(voice);
let lastSaid = document.querySelector("[data-says]")?.dataset.says;

function tellChange(part) {
  const says = part.dataset?.says;
  if (says && says !== lastSaid) {
    voice.textContent = says;
    lastSaid = says;
    document.querySelectorAll("[data-passes]").forEach((announcement) => announcement.remove());
  }
}

function improve(root) {
  tellTimes(root);
  addCopyButtons(root);
}

// Before they are painted, and so never in the server's form: what is put in anew, wherever it stands.
new MutationObserver((changes) => {
  changes.flatMap((change) => [...change.addedNodes]).forEach((added) => {
    if (added.nodeType === Node.ELEMENT_NODE) {
      tellTimes(added);
    }
  });
}).observe(document.body, { childList: true, subtree: true });

improve(document);
focusNews(document);
document.querySelectorAll("details[data-folds]").forEach(foldOnPhones);
setInterval(() => tellTimes(document), 30000);
document.addEventListener("htmx:load", (event) => {
  improve(event.target);
  keepTime(event.target);
  tellChange(event.target);
});
