// Passkeys. The rest of the pages works without this.
"use strict";
(() => {
  const can = Boolean(window.PublicKeyCredential && navigator.credentials);
  for (const part of document.querySelectorAll("[data-if-passkey]")) part.hidden = !can;
  for (const part of document.querySelectorAll("[data-unless-passkey]")) part.hidden = can;

  // The JSON of WebAuthn Level 3, for browsers that do not read and write it themselves.
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const listed = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const read = (kind, json) => {
    const name = kind === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
    if (PublicKeyCredential[name]) return PublicKeyCredential[name](json);
    const options = { ...json, challenge: bytes(json.challenge) };
    if (json.user) options.user = { ...json.user, id: bytes(json.user.id) };
    if (json.allowCredentials) options.allowCredentials = listed(json.allowCredentials);
    if (json.excludeCredentials) options.excludeCredentials = listed(json.excludeCredentials);
    return options;
  };
  const write = (made) => {
    try { if (made.toJSON) return made.toJSON(); } catch { /* some password managers give an object that cannot */ }
    const from = made.response, response = {};
    for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
      if (from[name]) response[name] = text(from[name]);
    }
    if (from.getTransports) response.transports = from.getTransports();
    return { id: made.id, rawId: text(made.rawId), type: made.type, response, clientExtensionResults: made.getClientExtensionResults() };
  };

  // The options of a ceremony, where the page does not hold them.
  const options = async (form, signal) => {
    const answer = await fetch(form.dataset.options, { method: "POST", body: new URLSearchParams(new FormData(form)), signal });
    if (!answer.ok) throw new Error(String(answer.status));
    return answer.json();
  };

  let current = new AbortController();
  const run = async (form, mediation) => {
    current.abort(); // a browser has one ceremony at a time
    const control = current = new AbortController();
    const kind = form.dataset.passkey;
    const publicKey = read(kind, form.dataset.json ? JSON.parse(form.dataset.json) : await options(form, control.signal));
    const made = await navigator.credentials[kind]({ publicKey, signal: control.signal, ...(mediation && { mediation }) });
    form.elements.response.value = JSON.stringify(write(made));
    form.submit();
  };

  // Passkeys beside the addresses that the browser offers to fill in.
  const quiet = document.querySelector("form[data-conditional]");
  let quietly = false, pressed = null; // what somebody pressed a button for is not interrupted by an offer
  const offer = () => { if (quietly && !pressed) run(quiet, "conditional").catch(() => {}); };
  if (can && quiet && PublicKeyCredential.isConditionalMediationAvailable) {
    PublicKeyCredential.isConditionalMediationAvailable().then((yes) => { quietly = yes; offer(); }, () => {});
    setInterval(offer, 240000); // a challenge lives five minutes
  }

  for (const form of can ? document.querySelectorAll("form[data-passkey]") : []) {
    const failed = form.querySelector("[data-failed]"), button = form.querySelector("button");
    const free = () => { if (pressed === form) pressed = null; button.removeAttribute("aria-disabled"); };
    window.addEventListener("pageshow", (event) => { if (event.persisted) free(); });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      if (button.hasAttribute("aria-disabled")) return;
      pressed = form;
      button.setAttribute("aria-disabled", "true");
      failed.hidden = true;
      try {
        await run(form);
      } catch {
        free();
        failed.hidden = false;
        offer();
      }
    });
  }
})();
