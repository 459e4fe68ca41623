// The person's own page. All of it works without this, but for passkeys, which only a script can make.
"use strict";
(() => {
  // What a change ended with is said once, not again after a reload.
  const here = new URL(location.href);
  const before = here.search;
  for (const name of ["done", "confirmed"]) here.searchParams.delete(name);
  if (here.search !== before) history.replaceState(null, "", here);

  // Times as they are written where the reader is.
  const style = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of document.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) time.textContent = style.format(at);
  }

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

  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), c => c.charCodeAt(0));
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const named = list => (list || []).map(one => ({ ...one, id: bytes(one.id) }));
  function read(kind, json) {
    const o = { ...json, challenge: bytes(json.challenge) };
    if (kind === "get") return { ...o, allowCredentials: named(json.allowCredentials) };
    return { ...o, user: { ...json.user, id: bytes(json.user.id) }, excludeCredentials: named(json.excludeCredentials) };
  }
  function written(c) {
    const r = c.response;
    const out = { clientDataJSON: text(r.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) if (r[name]) out[name] = text(r[name]);
    if (r.getTransports) out.transports = r.getTransports();
    return { id: c.id, rawId: text(c.rawId), type: c.type, authenticatorAttachment: c.authenticatorAttachment || undefined, response: out, clientExtensionResults: c.getClientExtensionResults() };
  }
  for (const kind of ["create", "get"]) {
    const form = document.querySelector(`form[data-${kind}]`);
    if (!form) continue;
    form.addEventListener("submit", async (event) => {
      if (form.elements.response.value) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      const failed = form.querySelector("[data-failed]");
      failed.hidden = true;
      try {
        const made = await navigator.credentials[kind]({ publicKey: read(kind, JSON.parse(form.getAttribute(`data-${kind}`))) });
        form.elements.response.value = JSON.stringify(written(made));
      } catch {
        failed.hidden = false;
        return;
      }
      form.submit();
    }, { capture: true });
  }
})();
