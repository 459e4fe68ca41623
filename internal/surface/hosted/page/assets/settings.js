// The person's own page. All of it works without this.
"use strict";
(() => {
  // What a change ended with is said once, not again after a reload.
  const here = new URL(location.href);
  const before = here.search;
  for (const name of ["done", "confirmed"]) here.searchParams.delete(name);
  if (here.search !== before) history.replaceState(null, "", here);

  // One question at a time.
  for (const ask of document.querySelectorAll("details.ask")) {
    ask.addEventListener("toggle", () => {
      if (!ask.open) return;
      for (const other of document.querySelectorAll("details.ask[open]")) if (other !== ask) other.open = false;
    });
  }

  for (const button of document.querySelectorAll("[data-save]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([document.getElementById(button.dataset.save).textContent], { type: "text/plain" }));
      link.download = button.dataset.file;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });
  }

  // A download leaves the page as it is: its button is free again.
  for (const form of document.querySelectorAll("form[data-download]")) {
    form.addEventListener("submit", () => setTimeout(() => window.dispatchEvent(new Event("pageshow")), 1500));
  }
})();
