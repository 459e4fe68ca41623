// Everything here is a courtesy: each page works without it.
"use strict";
(() => {
  // The address bar and the history forget a token as soon as the page that needs it is there.
  const here = new URL(location.href);
  const before = here.search;
  for (const name of ["token", "problem", "left"]) here.searchParams.delete(name);
  if (here.search !== before) history.replaceState(null, "", here);

  // One press, one request.
  const busy = [];
  document.addEventListener("submit", (event) => {
    const button = event.submitter || event.target.querySelector("button");
    if (!button) return;
    if (busy.length) { event.preventDefault(); return; }
    button.setAttribute("aria-disabled", "true");
    busy.push(button);
  });
  window.addEventListener("pageshow", () => {
    for (const button of busy.splice(0)) button.removeAttribute("aria-disabled");
  });

  // The code: digits only, whatever was pasted, and on its way with the sixth one.
  const code = document.querySelector(".code input");
  if (code) {
    let sent = "";
    code.addEventListener("input", () => {
      const digits = code.value.normalize("NFKC").replace(/\D/g, "").slice(0, 6);
      if (digits !== code.value) code.value = digits;
      if (digits.length === 6 && digits !== sent && !code.form.elements.remember) { sent = digits; code.form.requestSubmit(); }
    });
  }

  // Times as they are written where the reader is.
  const { lang } = document.documentElement;
  const style = new Intl.DateTimeFormat(navigator.languages.find((one) => one.split("-")[0] === lang) || lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = style.format(at);
  }

  // An answer that travels by POST is on its way by itself.
  const answer = document.querySelector("form[data-answer]");
  if (answer) answer.requestSubmit();

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      try { await navigator.clipboard.writeText(text); } catch { return; }
      const label = button.textContent;
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = label; }, 2000);
    });
  }

  // A password can be looked at while it is typed. It is sent as one, so that the browser keeps it as one.
  for (const button of document.querySelectorAll("[data-reveal]")) {
    const field = document.getElementById(button.dataset.reveal);
    const [say, words] = [button.firstElementChild, [button.firstElementChild.textContent, button.dataset.done]];
    const show = on => { field.type = on ? "text" : "password"; say.textContent = words[+on]; };
    button.hidden = false;
    button.addEventListener("click", () => { show(field.type === "password"); field.focus(); });
    field.form.addEventListener("submit", () => show(false));
  }

  // After a sign-out the applications' frames get a moment; then the browser goes on.
  const onward = document.querySelector("[data-onward]");
  if (onward) {
    let waiting = 0;
    const go = () => { if (onward.href) { location.replace(onward.href); onward.removeAttribute("data-onward"); waiting = -1; } };
    for (const frame of document.querySelectorAll("iframe")) {
      waiting++;
      frame.addEventListener("load", () => { waiting--; if (waiting === 0) go(); }, { once: true });
    }
    setTimeout(() => { if (waiting >= 0) go(); }, 4000);
  }

  // A menu closes when one looks elsewhere.
  const menu = document.querySelector("footer details");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { menu.open = false; menu.firstElementChild.focus(); }
    });
  }
})();
