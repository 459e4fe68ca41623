// A customer's own way to sign people in: the browser SDK starts the login for a service client, the customer's service makes the
// link with the server SDK, and the person opens it. Both SDKs are the published ones.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { older, startApplication } from '../harness/application.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';
import { allowRedirects, claims, header } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const { ServiceClientTokenProvider } = createRequire(import.meta.url)('@authress/sdk');

for (const database of databases) {
  describe(`a service client signs people in on ${database}`, () => {
    let server;
    let smtp;
    let app;
    let browser;
    let origins;
    let admit;
    let clientId;
    let key;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`], { redirectMode: 'origin' });
      origins = [server.url, server.local, app.origin];
      admit = await server.administrator();
      ({ data: { clientId } } = await admit.serviceClients.createClient({ name: 'Members', options: { grantTokenGeneration: true } }));
      ({ data: { accessKey: key } } = await admit.serviceClients.requestAccessKey(clientId));
      server.log.secret('access key', key.split('.')[3]);
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); await smtp?.stop(); });

    const visit = async () => {
      const who = await person(browser, { origins });
      await who.page.goto(`${app.origin}/`);
      return who;
    };
    const start = (page, options = {}) => page.evaluate(settings => window.login.authenticateWithOneTimeCode(settings), {
      serviceClientId: clientId, redirectUrl: `${app.origin}/members?tab=2`, ...options
    });
    /** What the customer's service does: it reads the login's address and answers a link for one person. */
    const link = async ({ authenticationUrl }, userId, provider = new ServiceClientTokenProvider(key)) => {
      const { origin, pathname, searchParams } = new URL(authenticationUrl);
      const url = await provider.generateUserLoginUrl(`${origin}${pathname}`, searchParams.get('state'), searchParams.get('client_id'), userId);
      server.log.secret('statement', new URL(url).searchParams.get('code').split('.')[2]);
      return url;
    };
    const confirm = page => page.getByRole('button', { name: 'Yes, sign me in' });
    const refusal = page => page.locator('h1').innerText();

    test('the whole way: a link, a question, and back to the very page', async () => {
      const who = await visit();
      const started = await start(who.page);
      assert.equal(who.page.url(), `${app.origin}/`, 'the SDK does not redirect');
      const address = new URL(started.authenticationUrl);
      assert.deepEqual([address.origin, address.searchParams.get('client_id'), address.searchParams.get('state')], [server.url, clientId, started.authenticationRequestId]);

      const url = await link(started, 'crm|ann');
      for (let scans = 0; scans < 3; scans++) { // a mail scanner follows the link and signs nobody in
        const { pathname, search } = new URL(url);
        const scan = await http(server, 'GET', pathname + search);
        assert.equal(scan.status, 200);
        assert.ok(!scan.headers['set-cookie']?.some(cookie => cookie.includes('session')));
      }
      assert.equal((await admit.httpClient.get('/v1/users')).data.users.some(({ userId }) => userId === 'crm|ann'), false);
      await who.page.goto(url);
      await who.page.getByText('crm|ann').waitFor();
      await shot(who.page, `handover-${database}`);
      await confirm(who.page).click();
      await expectUrl(who.page, at => at.origin === app.origin);
      assert.deepEqual([new URL(who.page.url()).pathname, new URL(who.page.url()).searchParams.get('tab')], ['/members', '2']);
      assert.equal(await who.page.evaluate(() => window.login.userSessionExists()), true);
      const token = await who.page.evaluate(() => window.login.ensureToken());
      server.log.secret('access token', token.split('.')[2]);
      const said = claims(token);
      assert.deepEqual([said.sub, said.azp, said.iss, header(token).typ], ['crm|ann', clientId, server.url, 'at+jwt']);
      assert.equal((await admit.verifyToken(token)).sub, 'crm|ann');

      // The link counts once, here and elsewhere.
      await who.page.goto(url);
      assert.equal(await refusal(who.page), 'This sign-in is finished');
      const other = await person(browser, { origins });
      await other.page.goto(url);
      assert.notEqual(await refusal(other.page), 'Is this you?');
      assert.equal(await confirm(other.page).count(), 0);
      await other.verdict();

      // The same person the next time.
      await who.page.goto(`${app.origin}/`);
      await who.page.goto(await link(await start(who.page), 'crm|ann', new ServiceClientTokenProvider(key, server.url)));
      await confirm(who.page).click();
      await expectUrl(who.page, at => at.origin === app.origin);
      await who.page.evaluate(() => window.login.userSessionExists());
      assert.equal(claims(await who.page.evaluate(() => window.login.ensureToken())).sub, 'crm|ann');
      await who.verdict();
    });

    test('SDK 2.5: the whole way, too', async () => {
      const old = await startApplication(server.url, 'app_default', older);
      try {
        await allowRedirects(server, [`${old.origin}/`]);
        const who = await person(browser, { origins: [...origins, old.origin] });
        await who.page.goto(`${old.origin}/`);
        await who.page.goto(await link(await start(who.page, { redirectUrl: `${old.origin}/members?tab=2` }), 'crm|otto'));
        await confirm(who.page).click();
        await expectUrl(who.page, at => at.origin === old.origin && at.pathname === '/members');
        assert.equal(await who.page.evaluate(() => window.login.userSessionExists()), true);
        assert.equal(claims(await who.page.evaluate(() => window.login.ensureToken())).sub, 'crm|otto');
        assert.equal(await start(who.page), null, 'who is signed in by the client starts no login');
        await who.verdict();
      } finally {
        await old.stop();
      }
    });

    test('only the browser that opened the login may use the link', async () => {
      const [mine, theirs] = [await visit(), await visit()];
      const started = await start(mine.page);
      await mine.page.goto(started.authenticationUrl);
      assert.equal(await refusal(mine.page), 'Open your sign-in link');
      await shot(mine.page, `handover-await-${database}`);
      const url = await link(started, 'crm|bea');
      await theirs.page.goto(url);
      assert.equal(await confirm(theirs.page).count(), 0);
      await mine.page.goto(url);
      await confirm(mine.page).click();
      await expectUrl(mine.page, at => at.origin === app.origin);
      await theirs.verdict();
      await mine.verdict();
    });

    test('what the client may not do is refused, with one face', async () => {
      const who = await visit();
      const face = async url => { await who.page.goto(url); return who.page.locator('main').innerText(); };
      const nobody = await face(`${server.url}/login?state=login_none&code=x&iss=y`);
      await who.page.goto(`${app.origin}/`);
      const started = await start(who.page);
      const good = await link(started, 'crm|carl');
      const changed = change => { const url = new URL(good); change(url.searchParams); return url.href; };
      for (const [name, url] of Object.entries({
        'a service client as the person': await link(started, clientId),
        'another issuer beside the statement': changed(q => q.set('iss', `${server.url}/v1/clients/sc_other`)),
        'no issuer beside the statement': changed(q => q.delete('iss')),
        'a bearer of the client': changed(q => q.set('code', 'x')),
        'an unknown login': changed(q => q.set('state', 'login_none'))
      })) {
        let text = await face(url);
        if (await confirm(who.page).count()) { // the person's id is judged when it is used
          await Promise.all([who.page.waitForEvent('domcontentloaded'), confirm(who.page).click()]);
          text = await who.page.locator('main').innerText();
        }
        assert.equal(text, nobody, name);
      }
      const bearer = await new ServiceClientTokenProvider(key, server.url).getToken();
      assert.equal(await face(changed(q => q.set('code', bearer))), nobody, 'the client\'s own bearer');
      const answer = await http(server, 'GET', '/v1/roles', { token: new URL(good).searchParams.get('code') });
      assert.equal(answer.status, 401, 'a statement is no bearer');
      await who.verdict();
    });

    test('without the option, nobody is signed in', async () => {
      const { data: { clientId: plain } } = await admit.serviceClients.createClient({ name: 'Plain' });
      const who = await visit();
      const refused = await who.page.evaluate(settings => window.login.authenticateWithOneTimeCode(settings).catch(error => error.code), {
        serviceClientId: plain, redirectUrl: `${app.origin}/`
      });
      assert.equal(refused, 'InvalidConnection');

      const started = await start(who.page);
      await who.page.goto(await link(started, 'crm|dora'));
      const { data: client } = await admit.serviceClients.getClient(clientId);
      await admit.serviceClients.updateClient(clientId, { ...client, options: { grantTokenGeneration: false } });
      await eventually('the option is gone', async () => (await http(server, 'POST', '/api/authentication', {
        headers: { Origin: app.origin }, body: { redirectUrl: `${app.origin}/`, codeChallengeMethod: 'S256', codeChallenge: 'x'.repeat(42) + 'A', applicationId: 'app_default', connectionId: clientId }
      })).status === 400);
      await Promise.all([who.page.waitForEvent('domcontentloaded'), confirm(who.page).click()]);
      assert.equal(new URL(who.page.url()).origin, server.url);
      assert.equal((await admit.httpClient.get('/v1/users')).data.users.some(({ userId }) => userId === 'crm|dora'), false);
      await admit.serviceClients.updateClient(clientId, { ...client, options: { grantTokenGeneration: true } });
      await who.verdict();
    });
  });
}
