// Over TLS, behind a proxy: the application beside the server on one site with cookies, and an application on another site.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { application, older } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { startFront } from '../harness/front.mjs';
import { http } from '../harness/http.mjs';
import { startSmtp } from '../harness/smtp.mjs';

for (const database of databases) {
  describe(`several sites over TLS on ${database}`, () => {
    let front;
    let server;
    let smtp;
    let browser;
    let origins;
    const own = () => front.origin('app.example.test');
    const beside = () => front.origin('cookies.example.test');
    const other = () => front.origin('app.other.test');

    before(told(async () => {
      smtp = await startSmtp();
      front = await startFront();
      const publicUrl = front.origin('login.example.test');
      server = await startAdmit({ database, dev: false, smtp, publicUrl, env: { ADMIT_TRUSTED_PROXIES: '127.0.0.1/32' } });
      Object.assign(front.sites, {
        'login.example.test': server.port,
        'app.example.test': application(publicUrl, 'app_code'),
        'cookies.example.test': application(publicUrl, 'app_cookies'),
        'app.other.test': application(publicUrl, 'app_other'),
        'old.example.test': application(publicUrl, 'app_old', older),
        'old.other.test': application(publicUrl, 'app_old_far', older)
      });
      const key = await server.accessKey('sites');
      for (const [applicationId, origin, more] of [
        ['app_code', own(), {}], ['app_cookies', beside(), { cookieDomain: 'example.test' }], ['app_other', other(), {}],
        ['app_old', front.origin('old.example.test'), {}], ['app_old_far', front.origin('old.other.test'), {}]
      ]) {
        const answer = await http(server, 'POST', '/v1/applications', {
          token: key, body: { applicationId, name: applicationId, redirectUrls: [`${origin}/`], redirectMode: 'origin', ...more }
        });
        assert.equal(answer.status, 201, answer.text);
      }
      origins = [publicUrl, own(), beside(), other(), front.origin('old.example.test'), front.origin('old.other.test')];
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await server?.stop(); await front?.stop(); await smtp?.stop(); });

    const exists = page => page.evaluate(() => window.login.userSessionExists());
    const token = page => page.evaluate(() => window.login.ensureToken());
    const forget = page => page.evaluate(() => {
      localStorage.clear();
      document.cookie = 'authorization=; path=/; max-age=0';
      for (const name of ['authorization', 'user']) { document.cookie = `${name}=; path=/; domain=example.test; max-age=0`; }
    });
    const asked = (who, method, path) => who.requests.filter(request => request.method() === method && new URL(request.url()).pathname === path).length;
    async function arrive(who, origin, address) {
      const { page } = who;
      await page.goto(`${origin}/`);
      assert.equal(await exists(page), false);
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.pathname === '/login');
      await new Box(page, server, smtp).signIn(address, origin);
      await page.reload();
    }
    /** Asks the server with a token, through Node, which does not know the test's certificate. */
    const check = async (jwt, status) => {
      const { sub } = JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url'));
      assert.equal((await http(server, 'GET', `/v1/users/${sub}/resources/x/permissions/y`, { token: jwt })).status, status);
    };

    test('same site: by code, then renewed silently, then logged out at once', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await arrive(who, own(), 'own@example.com');
      assert.equal(await exists(page), true);
      const first = await token(page);
      assert.equal(JSON.parse(Buffer.from(first.split('.')[1], 'base64url')).iss, server.url);

      const session = (await who.context.cookies(server.url)).find(cookie => cookie.name.startsWith('__Host-') && cookie.name.includes('session'));
      server.log.secret('session cookie', session.value);
      assert.deepEqual([session.secure, session.httpOnly, session.sameSite, session.path, session.domain], [true, true, 'Lax', '/', 'login.example.test']);

      await page.evaluate(() => window.login.userSessionExists());
      await forget(page);
      const before = asked(who, 'PATCH', '/api/session');
      await page.reload();
      assert.equal(await exists(page), true, 'renewed without the person noticing');
      assert.equal(asked(who, 'PATCH', '/api/session'), before + 1);
      const second = await token(page);
      assert.notEqual(second, first);
      assert.equal(new URL(page.url()).origin, own());
      await shot(page, `same-site-${database}`);

      await check(second, 404);
      await page.evaluate(target => { window.login.logout(target); }, `${own()}/?bye`);
      await expectUrl(page, url => url.search === '?bye');
      assert.ok(asked(who, 'DELETE', '/api/session') === 1, 'logged out by DELETE, without leaving the page');
      await check(second, 401);
      assert.equal(await exists(page), false);
      await who.verdict();
    });

    test('same site with shared cookies: the tokens come in cookies and not in the address', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await page.goto(`${beside()}/`);
      await page.evaluate(() => { window.login.authenticate({ responseLocation: 'cookie', flowType: 'token id_token' }); });
      await expectUrl(page, url => url.pathname === '/login');
      await new Box(page, server, smtp).signIn('cookie@example.com', beside());
      const address = new URL(page.url());
      assert.deepEqual(['code', 'access_token', 'id_token'].filter(name => address.searchParams.has(name)), []);
      const shared = (await who.context.cookies(beside())).filter(cookie => ['authorization', 'user'].includes(cookie.name));
      assert.deepEqual(shared.map(cookie => [cookie.name, cookie.domain, cookie.secure]).sort(), [['authorization', '.example.test', true], ['user', '.example.test', true]]);
      assert.equal(await exists(page), true);
      assert.equal((await page.evaluate(() => window.login.getUserIdentity())).email, 'cookie@example.com');
      await check(await token(page), 404);

      await forget(page);
      await page.reload();
      assert.equal(await exists(page), true, 'renewed through PATCH /api/session');
      await check(await token(page), 404);
      await who.verdict();
    });

    test('single sign-on: signed in at one application is signed in at its neighbour', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await arrive(who, own(), 'sso@example.com');
      assert.equal(await exists(page), true);
      await page.goto(`${beside()}/`);
      assert.equal(await exists(page), true, 'the session is found by PATCH');
      assert.equal((await page.evaluate(() => window.login.getUserIdentity())).email, 'sso@example.com');
      await who.verdict();
    });

    test('cross site: by code; no silent renewal, and one redirect instead; logout by redirect', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await arrive(who, other(), 'far@example.com');
      assert.equal(await exists(page), true);
      const jwt = await token(page);
      await check(jwt, 404);
      await forget(page);
      await page.reload();
      assert.equal(await exists(page), false, 'another site does not see the session');
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.origin === other() && url.searchParams.has('code'));
      assert.equal(await exists(page), true, 'the session at the server is still there: no code was asked for');
      await shot(page, `cross-site-${database}`);
      await page.evaluate(target => { window.login.logout(target); }, `${other()}/?bye`);
      await expectUrl(page, url => url.href === `${other()}/?bye`);
      await check(jwt, 401);
      assert.equal(await exists(page), false);
      await who.verdict();
    });

    test('SDK 2.5, same site: asks for a session before it starts a login, renews, and logs out', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      const site = front.origin('old.example.test');
      const begin = options => page.evaluate(settings => window.login.authenticate(settings).then(answer => answer, error => error.code), options);
      await arrive(who, site, 'old@example.com');
      assert.equal(await exists(page), true);
      assert.equal((await page.evaluate(() => window.login.getUserIdentity())).email, 'old@example.com');
      const first = await token(page);
      assert.equal(await page.evaluate(() => window.login.ensureToken({ timeoutInMillis: 0 })), first);
      assert.equal(await page.evaluate(() => window.login.waitForUserSession()), true);
      assert.equal(await page.evaluate(() => window.login.getConnectionCredentials()), null, 'a mailed code leaves none');

      // Who is signed in stays where they are; another connection is refused by the SDK, from the token that we issued.
      assert.equal(await begin({}), null);
      assert.equal(await begin({ connectionId: 'con_email' }), null);
      assert.equal(await begin({ connectionId: 'con_other' }), 'AuthenticationConstraintContention');
      assert.equal(asked(who, 'POST', '/api/authentication'), 1);
      assert.match(who.requests.find(request => request.method() === 'POST' && request.url() === `${server.url}/api/authentication`).headers()['x-powered-by'], /; 2\.5\.388$/);
      await page.evaluate(() => { window.login.authenticate({ force: true }); });
      await expectUrl(page, url => url.origin === site && url.searchParams.has('code'));
      assert.equal(await exists(page), true, 'the session was enough');

      await forget(page);
      await page.reload();
      assert.equal(await exists(page), true, 'renewed without the person noticing');
      assert.ok(asked(who, 'PATCH', '/api/session') >= 2);
      const second = await token(page);
      assert.notEqual(second, first);
      await check(second, 404);
      await page.evaluate(target => { window.login.logout(target); }, `${site}/?bye`);
      await expectUrl(page, url => url.search === '?bye');
      assert.equal(asked(who, 'DELETE', '/api/session'), 1);
      await check(second, 401);
      assert.equal(await exists(page), false);
      await who.verdict();
    });

    test('SDK 2.5, cross site: by code, and logout by redirect', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      const site = front.origin('old.other.test');
      await arrive(who, site, 'oldfar@example.com');
      assert.equal(await exists(page), true);
      const jwt = await token(page);
      await check(jwt, 404);
      await forget(page);
      await page.reload();
      assert.equal(await exists(page), false, 'another site does not see the session');
      await page.evaluate(() => { window.login.authenticate({ responseLocation: 'query', flowType: 'code' }); });
      await expectUrl(page, url => url.origin === site && url.searchParams.has('code'));
      assert.equal(await exists(page), true);
      await page.evaluate(target => { window.login.logout(target); }, `${site}/?bye`);
      await expectUrl(page, url => url.href === `${site}/?bye`);
      await check(jwt, 401);
      await who.verdict();
    });

    if (database === databases[0]) { // who may read answers does not hang on what is stored
      test('a page of a stranger gets neither tokens nor logins', async () => {
        const who = await person(browser, { origins: [...origins, front.origin('evil.other.test')] });
        const { page } = who;
        front.sites['evil.other.test'] = application(server.url, 'app_other');
        await arrive(who, own(), 'victim@example.com');
        await page.goto(`${front.origin('evil.other.test')}/`);
        const read = await page.evaluate(url => fetch(`${url}/api/session`, { method: 'PATCH', credentials: 'include', headers: { 'Content-Type': 'application/json' }, body: '{}' })
          .then(async answer => answer.text(), () => 'unreadable'), server.url);
        assert.equal(read, 'unreadable');
        const failure = await page.evaluate(() => window.login.authenticate().then(() => 'started', error => error.message || error.code || 'refused'));
        assert.notEqual(failure, 'started');
        await who.verdict();
      });
    }

    test('nothing of a request decides an address, and unknown hosts are sent away', async () => {
      const misled = await http(server, 'GET', '/.well-known/openid-configuration', { headers: { 'X-Forwarded-Host': 'evil.test', Forwarded: 'host=evil.test' } });
      assert.equal(misled.json.issuer, server.url);
      assert.equal((await http(server, 'GET', '/.well-known/openid-configuration', { host: 'evil.test' })).status, 421);
    });
  });
}
