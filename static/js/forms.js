// What a script adds to forms: one submit only, a word before typed things are lost, keys that can be shown.
"use strict";

const BUSY = "aria-busy";
const restContent = new WeakMap();

// The button stays enabled until the form has been read, since a disabled one would not be sent with it.
function markBusy(form, button) {
  form.dataset.sent = "";
  if (button?.dataset.busyText) {
    restContent.set(button, [...button.childNodes]);
    button.textContent = button.dataset.busyText;
  }
  button?.setAttribute(BUSY, "true");
}

function markReady(form) {
  delete form.dataset.sent;
  form.querySelectorAll(`[${BUSY}]`).forEach((button) => {
    button.removeAttribute(BUSY);
    button.replaceChildren(...(restContent.get(button) ?? button.childNodes));
  });
}

function submitOnce(event) {
  const form = event.target;
  if (form.method !== "post" || event.defaultPrevented) {
    return;
  }
  if ("sent" in form.dataset) {
    event.preventDefault();
    return;
  }
  form.querySelectorAll("[data-revealed]").forEach(conceal);
  markBusy(form, event.submitter);
}

// A page that Back brings from memory still holds its busy button.
window.addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach(markReady));
document.addEventListener("submit", submitOnce);

function isDirty(form) {
  return [...form.elements].some((field) => {
    if (field.matches("input[type=checkbox], input[type=radio]")) {
      return field.checked !== field.defaultChecked;
    }
    if (field.matches("select")) {
      return [...field.options].some((option) => option.selected !== option.defaultSelected && option.value !== "");
    }
    return field.matches("input:not([type=hidden]), textarea") && field.value !== field.defaultValue;
  });
}

window.addEventListener("beforeunload", (event) => {
  const leaving = [...document.querySelectorAll("form[data-warn-unsaved]")];
  const isSending = document.querySelector("form[data-sent]");
  if (!isSending && leaving.some(isDirty)) {
    event.preventDefault();
  }
});

// data-keeps="address": what is typed is sent there as it changes, so that a closed tab or an ended session loses none of
// it. Secrets stay in the page.
function keepTyped(form) {
  const typed = () => {
    const values = new FormData(form);
    form.querySelectorAll("input[type=password], [data-revealed]").forEach((secret) => values.delete(secret.name));
    return values;
  };
  const keep = () => fetch(form.dataset.keeps, { method: "POST", body: typed(), keepalive: true }).catch(() => {});
  let soon;
  form.addEventListener("input", () => {
    clearTimeout(soon);
    soon = setTimeout(keep, 400);
  });
  form.addEventListener("submit", () => clearTimeout(soon));
  window.addEventListener("pagehide", () => {
    if (soon && !("sent" in form.dataset)) {
      keep();
    }
  });
}

// data-shown-when="privacy=team" on a control: its field is there only while that radio is chosen.
function followChoice(control) {
  const [name, value] = control.dataset.shownWhen.split("=");
  const field = control.closest(".field");
  const follow = () => {
    const chosen = control.form.querySelector(`[name="${name}"]:checked`);
    field.hidden = chosen?.value !== value;
  };
  control.form.addEventListener("change", follow);
  follow();
}

// data-chooses="period=own" on an input: whoever fills it in means that choice, and another choice empties it.
function chooseWith(input) {
  const [name, value] = input.dataset.chooses.split("=");
  const choice = input.form.elements[name];
  input.addEventListener("input", () => (choice.value = input.value ? value : choice.value));
  choice.addEventListener("change", () => (input.value = choice.value === value ? input.value : ""));
}

function conceal(input) {
  input.type = "password";
  delete input.dataset.revealed;
  labelReveal(input);
}

function reveal(input) {
  input.type = "text";
  input.dataset.revealed = "";
  labelReveal(input);
}

function labelReveal(input) {
  const word = "revealed" in input.dataset ? "Hide" : "Show";
  const button = input.parentElement.querySelector("[data-reveals]");
  button.textContent = word;
  button.setAttribute("aria-label", `${word} ${input.labels[0]?.firstChild.textContent.trim() ?? ""}`.trim());
}

function addReveal(input) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.dataset.reveals = "";
  button.addEventListener("click", () => ("revealed" in input.dataset ? conceal(input) : reveal(input)));
  input.after(button);
  labelReveal(input);
}

// data-sends-itself: what the person would press next, pressed for them, unless something typed would be lost with it.
function sendThoseThatSendThemselves(root) {
  const isTyping = [...document.querySelectorAll("form[data-warn-unsaved]")].some(isDirty);
  if (!isTyping) {
    root.querySelectorAll("form[data-sends-itself]").forEach((form) => form.requestSubmit(form.querySelector("button")));
  }
}

sendThoseThatSendThemselves(document);
document.addEventListener("htmx:load", (event) => sendThoseThatSendThemselves(event.target));
document.querySelectorAll("form[data-keeps]").forEach(keepTyped);
document.querySelectorAll("[data-shown-when]").forEach(followChoice);
document.querySelectorAll("[data-chooses]").forEach(chooseWith);
document.querySelectorAll(".field-control > input[type=password]").forEach(addReveal);
