// Signing in through another provider: a real OpenID Connect provider that the test starts on loopback.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { startApplication } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { eventually } from '../harness/net.mjs';
import { startProvider } from '../harness/provider.mjs';
import { allowRedirects } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

for (const database of databases) {
  describe(`an upstream provider on ${database}`, () => {
    let server;
    let smtp;
    let app;
    let provider;
    let browser;
    let origins;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp, env: { ADMIT_INSECURE_EGRESS_ALLOW: '127.0.0.0/8' } });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`], { redirectMode: 'origin' });
      provider = await startProvider(`${server.url}/login`);
      server.log.secret('client secret', provider.clientSecret);
      const admit = await server.administrator();
      await admit.connections.createConnection({
        connectionId: 'con_partner', type: 'OAUTH2', issuerUrl: provider.issuer, authenticationUrl: `${provider.issuer}/auth`, tokenUrl: `${provider.issuer}/token`,
        clientId: provider.clientId, clientSecret: provider.clientSecret, data: { name: 'Partner Inc' }
      });
      origins = [server.url, server.local, app.origin, provider.issuer];
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); await provider?.stop(); await smtp?.stop(); });

    /** Goes through the provider's own pages: a name, any password, and consent the first time. */
    async function atProvider(page, name) {
      await expectUrl(page, url => url.origin === provider.issuer);
      await page.locator('input[name=login]').fill(name);
      await page.locator('input[name=password]').fill('anything');
      await page.locator('button[type=submit]').click();
      for (const consent = page.getByRole('button', { name: 'Continue' }); ;) {
        await Promise.race([consent.waitFor().catch(() => {}), page.waitForURL(url => url.origin === app.origin).catch(() => {})]);
        if (new URL(page.url()).origin === app.origin) { return; }
        await Promise.all([page.waitForEvent('framenavigated'), consent.click()]); // the same button is not pressed twice
      }
    }
    const exists = page => page.evaluate(() => window.login.userSessionExists());
    const identity = page => page.evaluate(() => window.login.getUserIdentity());

    test('from the button in the box, to the provider and back', async () => {
      const who = await person(browser, { origins, strangers: [provider.issuer] });
      const { page } = who;
      await page.goto(`${app.origin}/`);
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.pathname === '/login');
      await shot(page, `box-with-provider-${database}`);
      await page.getByRole('button', { name: /Partner Inc/ }).or(page.getByRole('link', { name: /Partner Inc/ })).click();
      await atProvider(page, 'una');
      await expectUrl(page, url => url.origin === app.origin);
      assert.equal(await exists(page), true);
      const me = await identity(page);
      assert.deepEqual([me.email, me.name], ['una@provider.example', 'Person una']);
      const jwt = await page.evaluate(() => window.login.ensureToken());
      assert.equal(JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url')).azp, 'con_partner');
      await who.verdict();
    });

    test('with the connection named by the application, past the box', async () => {
      const who = await person(browser, { origins, strangers: [provider.issuer] });
      const { page } = who;
      await page.goto(`${app.origin}/`);
      await page.evaluate(() => { window.login.authenticate({ connectionId: 'con_partner' }); });
      await atProvider(page, 'una');
      assert.equal(await exists(page), true);
      const { userId } = await identity(page);
      const again = await (await server.administrator()).users.getUser(userId);
      assert.equal(again.data.email, 'una@provider.example');
      await who.verdict();
    });

    test('the same e-mail address elsewhere is another person', async () => {
      const byProvider = await person(browser, { origins, strangers: [provider.issuer] });
      await byProvider.page.goto(`${app.origin}/`);
      await byProvider.page.evaluate(() => { window.login.authenticate({ connectionId: 'con_partner' }); });
      await atProvider(byProvider.page, 'mallory');
      assert.equal(await exists(byProvider.page), true);
      const first = await identity(byProvider.page);
      await byProvider.verdict();

      const byMail = await person(browser, { origins, strangers: [provider.issuer] });
      await byMail.page.goto(`${app.origin}/`);
      await byMail.page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(byMail.page, url => url.pathname === '/login');
      await new Box(byMail.page, server, smtp).signIn('mallory@provider.example', app.origin);
      assert.equal(await exists(byMail.page), true);
      const second = await identity(byMail.page);
      assert.equal(second.email, first.email);
      assert.notEqual(second.userId, first.userId);
      await byMail.verdict();
    });

    test('chosen on the application\'s own login page', async () => {
      const who = await person(browser, { origins, strangers: [provider.issuer] });
      const { page } = who;
      await page.goto(`${app.origin}/`);
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.pathname === '/login');
      const state = new URL(page.url()).searchParams.get('state');
      // The SDK keeps the verifier in the page's storage until userSessionExists() reads it.
      await page.goto(`${app.origin}/?state=${encodeURIComponent(state)}&flow=oauthLogin`);
      const started = await page.evaluate(() => window.login.updateExtensionAuthenticationRequest({ connectionId: 'con_partner' }));
      if (started?.authenticationUrl && new URL(page.url()).origin === app.origin) { await page.goto(started.authenticationUrl); }
      await atProvider(page, 'una');
      assert.equal(await exists(page), true);
      assert.equal((await identity(page)).email, 'una@provider.example');
      await who.verdict();
    });

    test('added on the command line, as plain OAuth 2 with a user-info endpoint', async () => {
      const secretFile = join(server.folder.path, 'provider.secret');
      await writeFile(secretFile, provider.clientSecret);
      const id = (await server.command('connection', 'add', '--id', 'con_plain', '--name', 'Plain OAuth', '--client-id', provider.clientId, '--client-secret-file', secretFile,
        '--authorization-url', `${provider.issuer}/auth`, '--token-url', `${provider.issuer}/token`, '--userinfo-url', `${provider.issuer}/me`, '--scope', 'openid email profile')).trim();
      assert.equal(id, 'con_plain');
      const who = await person(browser, { origins, strangers: [provider.issuer] });
      const { page } = who;
      await page.goto(`${app.origin}/`);
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.pathname === '/login');
      const button = page.getByRole('button', { name: /Plain OAuth/ });
      await eventually('the box offers the new connection', async () => await button.isVisible() || (await page.reload(), false));
      await button.click();
      await atProvider(page, 'piet');
      assert.equal(await exists(page), true);
      assert.equal((await identity(page)).email, 'piet@provider.example');
      await who.verdict();
    });

    if (database === databases[0]) { // the browser's part
      test('giving up at the provider leads back to the box', async () => {
        const who = await person(browser, { origins, strangers: [provider.issuer] });
        const { page } = who;
        await page.goto(`${app.origin}/`);
        await page.evaluate(() => { window.login.authenticate({ connectionId: 'con_partner' }); });
        await expectUrl(page, url => url.origin === provider.issuer);
        await page.getByRole('link', { name: /cancel/i }).click();
        await expectUrl(page, url => url.origin === server.url || url.origin === server.local);
        await shot(page, `provider-cancelled-${database}`);
        assert.ok((await page.locator('main').innerText()).length > 20, 'a sentence and a way forward');
        assert.ok(await page.getByRole('button').or(page.getByRole('link')).count() > 0);
        await who.verdict();
      });
    }

    test('an answer that was replayed, or belongs to another browser, is refused', async () => {
      const who = await person(browser, { origins, strangers: [provider.issuer] });
      const { page } = who;
      let answer;
      page.on('request', request => {
        const url = new URL(request.url());
        if (url.pathname === '/login' && url.searchParams.has('code')) { answer = request.url(); }
      });
      await page.goto(`${app.origin}/`);
      await page.evaluate(() => { window.login.authenticate({ connectionId: 'con_partner' }); });
      await atProvider(page, 'rex');
      assert.ok(answer);
      await page.goto(answer);
      assert.notEqual(new URL(page.url()).origin, app.origin, 'the same answer twice');
      const stranger = await person(browser, { origins, strangers: [provider.issuer] });
      await stranger.page.goto(answer);
      assert.notEqual(new URL(stranger.page.url()).origin, app.origin, 'in another browser');
      await shot(stranger.page, `provider-replayed-${database}`);
      await stranger.verdict();
      await who.verdict();
    });
  });
}
