// Signing in by the word of a service client: the SDK's authenticateWithOneTimeCode in the page, generateUserLoginUrl in the service.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { startApplication } from '../harness/application.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { allowRedirects } from '../harness/signin.mjs';

const { ServiceClientTokenProvider } = createRequire(import.meta.url)('@authress/sdk');

for (const database of databases) {
  describe(`the word of a service client on ${database}`, () => {
    let server;
    let app;
    let browser;
    let origins;
    let admit;
    before(told(async () => {
      server = await startAdmit({ database });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`], { redirectMode: 'origin' });
      origins = [server.url, server.local, app.origin];
      admit = await server.administrator();
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); });

    async function service(options) {
      const { data: { clientId } } = await admit.serviceClients.createClient({ name: 'Passwordless', options });
      const { data: { accessKey } } = await admit.serviceClients.requestAccessKey(clientId);
      server.log.secret('access key', accessKey.split('.')[3]);
      return { clientId, provider: new ServiceClientTokenProvider(accessKey, server.url) };
    }
    const begin = (page, serviceClientId) => page.evaluate(id => window.login.authenticateWithOneTimeCode({ serviceClientId: id }), serviceClientId);

    test('signs the person in, once', async () => {
      const { clientId, provider } = await service({ grantTokenGeneration: true });
      const who = await person(browser, { origins });
      const { page } = who;
      await page.goto(`${app.origin}/`);
      const { authenticationUrl, authenticationRequestId } = await begin(page, clientId);
      assert.equal(new URL(authenticationUrl).searchParams.get('client_id'), clientId);
      assert.equal(new URL(authenticationUrl).searchParams.get('state'), authenticationRequestId);
      const url = await provider.generateUserLoginUrl(authenticationUrl, authenticationRequestId, clientId, 'member-7');
      server.log.secret('handover', new URL(url).searchParams.get('code').split('.')[2]);
      await page.goto(url);
      await shot(page, `handover-${database}`);
      if (new URL(page.url()).origin !== app.origin) { await page.getByRole('button').first().click(); }
      await expectUrl(page, location => location.origin === app.origin);
      assert.equal(await page.evaluate(() => window.login.userSessionExists()), true);
      const jwt = await page.evaluate(() => window.login.ensureToken());
      const claims = JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
      assert.deepEqual([claims.sub, claims.azp, claims.iss], ['member-7', clientId, server.url]);

      const stranger = await person(browser, { origins });
      await stranger.page.goto(url);
      const button = stranger.page.getByRole('button');
      if (await button.count()) { await button.first().click(); await stranger.page.waitForLoadState('domcontentloaded'); }
      assert.notEqual(new URL(stranger.page.url()).origin, app.origin, 'the same word twice');
      await stranger.verdict();
      await who.verdict();
    });

    test('means nothing without the option', async () => {
      const { clientId, provider } = await service({});
      const who = await person(browser, { origins });
      const { page } = who;
      await page.goto(`${app.origin}/`);
      const started = await begin(page, clientId).catch(() => null);
      if (started) {
        await page.goto(await provider.generateUserLoginUrl(started.authenticationUrl, started.authenticationRequestId, clientId, 'member-8'));
        const button = page.getByRole('button');
        if (await button.count()) { await button.first().click(); await page.waitForLoadState('domcontentloaded'); }
        assert.notEqual(new URL(page.url()).origin, app.origin);
      }
      await who.verdict();
    });
  });
}
