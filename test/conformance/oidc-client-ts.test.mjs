// npm oidc-client-ts in Chromium: a single-page application of the same site as the server.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { told } from '../harness/admit.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { closeServer, eventually } from '../harness/net.mjs';
import { startRig } from './rig.mjs';

const library = readFileSync(fileURLToPath(new URL('../node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js', import.meta.url)));

const page = settings => `<!doctype html><html lang="en"><meta charset="utf-8"><title>Application</title><link rel="icon" href="data:,">
<h1>Application</h1><script src="/oidc.js"></script><script>
window.manager = new oidc.UserManager({ ...${JSON.stringify(settings)}, userStore: new oidc.WebStorageStateStore({ store: localStorage }) });
window.ready = (async () => {
  if (location.pathname === '/callback' && location.search) { await manager.signinCallback(); }
  if (location.pathname === '/silent') { await manager.signinSilentCallback(); }
  if (location.pathname === '/bye' && location.search) { await manager.signoutCallback(); }
  if (location.pathname === '/front') { await manager.removeUser(); }
})();
</script>`;

/** The application on a free port; frames of the server may load it. */
async function startApplication(settings) {
  const seen = [];
  const server = createServer((request, response) => {
    seen.push(request.url);
    const script = request.url === '/oidc.js';
    response.writeHead(200, { 'Content-Type': script ? 'text/javascript' : 'text/html; charset=utf-8', 'Cache-Control': 'no-store' });
    response.end(script ? library : page(settings));
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return { seen, origin: `http://localhost:${server.address().port}`, stop: () => closeServer(server) };
}

for (const database of databases) {
  describe(`oidc-client-ts on ${database}`, () => {
    let rig;
    let app;
    let browser;
    let ann;
    const settings = {};
    before(told(async () => {
      [rig, browser] = [await startRig({ database }), await launch()];
      app = await startApplication(settings);
      const { clientId } = await rig.client({
        postLogoutRedirectUrls: [`${app.origin}/bye`], frontchannelLogoutUrl: `${app.origin}/front`
      }, { redirectUrls: [`${app.origin}/callback`, `${app.origin}/silent`] });
      Object.assign(settings, {
        authority: rig.issuer, client_id: clientId, redirect_uri: `${app.origin}/callback`, silent_redirect_uri: `${app.origin}/silent`,
        post_logout_redirect_uri: `${app.origin}/bye`, scope: 'openid email', loadUserInfo: true, automaticSilentRenew: false, silentRequestTimeoutInSeconds: 60
      });
    }));
    after(async () => { await browser?.close(); await app?.stop(); await rig?.stop(); });
    beforeEach(async () => { ann = await person(browser, { origins: [rig.issuer, app.origin] }); });
    afterEach(() => ann.verdict());

    const user = () => ann.page.evaluate(async () => { const found = await window.manager.getUser(); return found && { ...found, expired: found.expired }; });
    async function signIn(scope) {
      await ann.page.goto(app.origin);
      await Promise.all([ann.page.waitForURL(url => url.origin === rig.issuer), ann.page.evaluate(wanted => { window.manager.signinRedirect(wanted ? { scope: wanted } : {}); }, scope)]);
      await new Box(ann.page, rig.server, rig.smtp).signIn('ann@example.com', app.origin);
      await ann.page.evaluate(() => window.ready);
      return user();
    }

    test('sign-in by redirect, with userinfo; a reload keeps the person', async () => {
      const found = await signIn();
      assert.equal(found.profile.email, 'ann@example.com');
      assert.ok(found.access_token && !found.expired);
      await ann.page.goto(app.origin);
      assert.equal((await user()).profile.sub, found.profile.sub);
    });

    test('silent renewal in a frame, without a refresh token', async () => {
      const first = await signIn();
      assert.equal(first.refresh_token, undefined);
      const renewed = await ann.page.evaluate(async () => (await window.manager.signinSilent()).access_token);
      assert.notEqual(renewed, first.access_token);
      assert.equal((await user()).profile.sub, first.profile.sub);
    });

    test('refresh with a rotating refresh token, from a page of another origin', async () => {
      const first = await signIn('openid email offline_access');
      assert.ok(first.refresh_token);
      await ann.page.evaluate(() => window.manager.signinSilent());
      const second = await user();
      assert.notEqual(second.refresh_token, first.refresh_token);
      assert.equal(second.profile.sub, first.profile.sub);
    });

    test('revocation of its tokens', async () => {
      const first = await signIn('openid offline_access');
      await ann.page.evaluate(() => window.manager.revokeTokens());
      const error = await ann.page.evaluate(token => window.manager.signinSilent({ refresh_token: token }).then(() => 'none', failure => failure.error || failure.message), first.refresh_token);
      assert.ok(error);
      const answer = await ann.page.evaluate(async ([issuer, token]) => (await fetch(`${issuer}/oauth/userinfo`, { headers: { Authorization: `Bearer ${token}` } })).status, [rig.issuer, first.access_token]);
      assert.equal(answer, 401);
    });

    test('logout returns to the application, tells it by a frame, and ends the session', async () => {
      await signIn();
      const before = app.seen.length;
      await ann.page.evaluate(() => { window.manager.signoutRedirect({ state: 'bye' }); });
      await eventually('the frame of the front-channel logout', () => app.seen.slice(before).some(url => url.startsWith('/front')));
      await expectUrl(ann.page, url => url.href.startsWith(`${app.origin}/bye`));
      await ann.page.evaluate(() => window.ready);
      assert.equal(await user(), null);
      const error = await ann.page.evaluate(() => window.manager.signinSilent().then(() => 'signed in', failure => failure.error || failure.message));
      assert.equal(error, 'login_required');
    });
  });
}
