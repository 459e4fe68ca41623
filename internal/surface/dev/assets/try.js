"use strict";
// A client like any other: nothing here is known to the server beyond what the browser SDK sends.
(() => {
  const $ = (id) => document.getElementById(id);
  const body = document.body;
  const here = location.origin + "/try";
  const pending = "admit-try"; // what this tab keeps while it is away: the request's id and the PKCE verifier
  const lead = $("lead").textContent;
  let tokens = null;
  let timer = 0;

  const base64url = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
  const bytesOf = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const read = (part) => JSON.parse(new TextDecoder().decode(bytesOf(part)));

  const say = (id, text) => { const at = $(id); at.textContent = text; at.hidden = !text; };
  const failed = (text) => { say("news", ""); say("problem", text); };

  const call = async (method, path, data, bearer) => {
    const headers = {};
    if (data) headers["Content-Type"] = "application/json";
    if (bearer) headers.Authorization = "Bearer " + bearer;
    const answer = await fetch(path, { method, headers, body: data && JSON.stringify(data), credentials: "same-origin", cache: "no-store" });
    const text = await answer.text();
    let content = null;
    try { content = JSON.parse(text); } catch { /* not every answer has a body */ }
    return { status: answer.status, ok: answer.ok, content };
  };
  const reason = (answer) => (answer.content && (answer.content.title || answer.content.error_description || answer.content.error)) || "The server answered " + answer.status + ".";

  const signIn = async () => {
    say("problem", "");
    const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
    const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
    const answer = await call("POST", "/api/authentication", {
      applicationId: body.dataset.application, redirectUrl: here, codeChallengeMethod: "S256", codeChallenge: challenge, flowType: "code",
    });
    if (!answer.ok) return failed(reason(answer));
    sessionStorage.setItem(pending, JSON.stringify({ id: answer.content.authenticationRequestId, verifier }));
    // The box may be offered under the machine's other name (localhost, 127.0.0.1), for the
    // browser SDK's sake. This page stays where it is, so that it shares the session.
    const box = new URL(answer.content.authenticationUrl, location.href);
    location.assign(box.pathname + box.search);
  };

  const exchange = async (query) => {
    const kept = JSON.parse(sessionStorage.getItem(pending) || "null");
    sessionStorage.removeItem(pending);
    history.replaceState(null, "", "/try");
    if (!kept || kept.id !== query.get("nonce")) return failed("This answer belongs to another tab. Sign in again.");
    const answer = await call("POST", "/api/authentication/" + encodeURIComponent(kept.id) + "/tokens", {
      grant_type: "authorization_code", client_id: body.dataset.application, redirect_uri: here, code: query.get("code"), code_verifier: kept.verifier,
    });
    if (!answer.ok) return failed(reason(answer));
    await take(answer.content);
    $("title").focus();
  };

  const renew = async (quiet) => {
    const answer = await call("PATCH", "/api/session", {});
    if (!answer.ok || !answer.content || !answer.content.access_token) {
      if (!quiet) { show(null); failed("There is no session any more. Sign in again."); }
      return false;
    }
    await take(answer.content);
    if (!quiet) { say("problem", ""); say("news", "Renewed from the session’s cookie, without a question."); }
    return true;
  };

  const signOut = async () => {
    const answer = await call("DELETE", "/api/session", null, tokens && tokens.access_token);
    if (!answer.ok && answer.status !== 404) return failed(reason(answer));
    show(null);
    say("problem", "");
    say("news", "Signed out. The session is gone, and its tokens with it.");
  };

  const take = async (content) => { tokens = content; show(tokens); await Promise.all([inspect("access", tokens.access_token), inspect("id", tokens.id_token)]); };

  const show = (content) => {
    tokens = content;
    body.dataset.state = content ? "in" : "out";
    document.title = (content ? "Signed in" : "Try it") + " · Admit";
    if (!content) {
      $("title").textContent = "Try it";
      $("lead").textContent = lead;
      clearInterval(timer);
      return;
    }
    const me = read(content.id_token.split(".")[1]);
    $("title").textContent = "Hello, " + (me.name || me.email || me.sub);
    $("lead").textContent = (me.email ? me.email + " is signed in. " : "") + "This is what the page got for it.";
    if (!$("user").value || $("user").dataset.mine === "yes") { $("user").value = me.sub; $("user").dataset.mine = "yes"; }
    curl();
    const life = () => {
      for (const [name, token] of [["access", content.access_token], ["id", content.id_token]]) {
        const left = Math.round(read(token.split(".")[1]).exp - Date.now() / 1000);
        $(name + "-life").textContent = left > 0 ? "Lives for another " + (left >= 7200 ? Math.round(left / 3600) + " hours." : left >= 120 ? Math.round(left / 60) + " minutes." : left + " seconds.") : "Has expired.";
      }
    };
    life();
    clearInterval(timer);
    timer = setInterval(life, 1000);
  };

  // JSON in colours, put together from text nodes only.
  const paint = (id, value) => {
    const at = $(id);
    at.textContent = "";
    const span = (kind, text) => { const s = document.createElement("span"); s.className = kind; s.textContent = text; at.append(s); };
    const text = JSON.stringify(value, null, 2);
    const token = /("(?:\\.|[^"\\])*")(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)/g;
    let last = 0;
    for (const m of text.matchAll(token)) {
      at.append(text.slice(last, m.index));
      if (m[3]) span("n", m[3]); else span(m[2] ? "k" : "s", m[1]);
      if (m[2]) at.append(m[2]);
      last = m.index + m[0].length;
    }
    at.append(text.slice(last));
  };

  const inspect = async (name, token) => {
    const [head, claims] = token.split(".").map((part, i) => (i < 2 ? read(part) : null));
    paint(name + "-header", head);
    paint(name + "-claims", claims);
    $(name + "-raw").textContent = token;
    const chip = $(name + "-signature");
    const tell = (text, kind) => { chip.textContent = text; chip.className = "chip " + kind; };
    try {
      tell(...await verify(name, head, token));
    } catch (e) {
      tell(e.name === "NotSupportedError" ? "This browser cannot check Ed25519" : "Signature could not be checked", "");
    }
  };

  // Access tokens are signed by the keys of the SDKs' path, ID tokens by those that discovery names.
  const keysOf = async (name) => {
    let path = "/.well-known/openid-configuration/jwks";
    if (name === "id") {
      const found = await call("GET", "/.well-known/openid-configuration");
      path = new URL(found.content.jwks_uri).pathname;
    }
    return (await call("GET", path)).content.keys;
  };

  const verify = async (name, head, token) => {
    const jwk = (await keysOf(name)).find((key) => key.kid === head.kid);
    if (!jwk) return ["Signature not valid: unknown key", "bad"];
    const key = await crypto.subtle.importKey("jwk", { kty: jwk.kty, crv: jwk.crv, x: jwk.x }, { name: "Ed25519" }, false, ["verify"]);
    const cut = token.lastIndexOf(".");
    const good = await crypto.subtle.verify({ name: "Ed25519" }, key, bytesOf(token.slice(cut + 1)), new TextEncoder().encode(token.slice(0, cut)));
    return good ? ["✓ Signature valid", "good"] : ["Signature not valid", "bad"];
  };

  const checkPath = () => "/v1/users/" + encodeURIComponent($("user").value) + "/resources/" + encodeURIComponent($("resource").value) + "/permissions/" + encodeURIComponent($("permission").value);
  const curl = () => { $("check-curl").textContent = "curl -i -H \"Authorization: Bearer $TOKEN\" '" + (body.dataset.issuer + checkPath()).replaceAll("'", "%27") + "'"; };

  const check = async (event) => {
    event.preventDefault();
    const before = performance.now();
    const answer = await call("GET", checkPath(), null, tokens.access_token);
    const took = Math.max(1, Math.round(performance.now() - before)) + " ms";
    const chip = $("check-answer");
    chip.hidden = false;
    const [text, kind, more] = {
      200: ["Allowed", "good", "200 in " + took + ". An access record grants it."],
      401: ["Token refused", "bad", "401: the token has ended. Renew the session."],
      403: ["May not ask", "bad", "403: this token may ask about its own person only."],
      404: ["Not allowed", "bad", "404 in " + took + ". No access record grants it yet."],
    }[answer.status] || ["Error " + answer.status, "bad", reason(answer)];
    chip.textContent = text;
    chip.className = "chip " + kind;
    $("check-text").textContent = more;
  };

  const guarded = (f) => async (...args) => {
    try { await f(...args); } catch (e) { failed("The server cannot be reached. " + e.message); }
  };
  $("sign-in").addEventListener("click", guarded(signIn));
  $("renew").addEventListener("click", guarded(() => renew(false)));
  $("sign-out").addEventListener("click", guarded(signOut));
  $("check").addEventListener("submit", guarded(check));
  $("check").addEventListener("input", (event) => { if (event.target.id === "user") event.target.dataset.mine = "no"; curl(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  guarded(async () => {
    const query = new URLSearchParams(location.search);
    show(null);
    if (query.has("code")) return exchange(query);
    if (query.has("error")) { history.replaceState(null, "", "/try"); return failed("The sign-in did not succeed: " + query.get("error")); }
    await renew(true);
  })();
})();
