// Device Bound Session Credentials, driven by Chromium itself: it makes the key, registers it, and refreshes the bound cookie.
// Its keys are in software, because this machine need not have a TPM.

import assert from 'node:assert/strict';
import { request as forward } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { application } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { binding, expectUrl } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { startFront } from '../harness/front.mjs';
import { http } from '../harness/http.mjs';
import { eventually } from '../harness/net.mjs';
import { startSmtp } from '../harness/smtp.mjs';

/** Passes requests on to a port and keeps those to /session/... with their answers. */
function watched(port, seen) {
  return (request, response) => {
    const upstream = forward({
      host: '127.0.0.1', port, method: request.method, path: request.url,
      headers: { ...request.headers, 'x-forwarded-for': request.socket.remoteAddress, 'x-forwarded-proto': 'https' }
    }, answer => {
      if (request.url.startsWith('/session/') || answer.headers['secure-session-registration']) {
        seen.push({ method: request.method, path: request.url.split('?')[0], sent: request.headers, status: answer.statusCode, got: answer.headers });
      }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    upstream.on('error', () => response.destroy());
    request.pipe(upstream);
  };
}

for (const database of databases.slice(0, 1)) { // what Chromium does; what is stored has suites on every database
  describe(`sessions that are bound to the browser, on ${database}`, () => {
    let front;
    let server;
    let smtp;
    let who;
    const seen = [];
    const app = () => front.origin('app.example.test');
    const far = () => front.origin('app.other.test');
    const at = path => seen.filter(one => one.path === path);

    before(told(async () => {
      smtp = await startSmtp();
      front = await startFront();
      const publicUrl = front.origin('login.example.test');
      server = await startAdmit({ database, dev: false, smtp, publicUrl, env: { ADMIT_TRUSTED_PROXIES: '127.0.0.1/32' } });
      Object.assign(front.sites, {
        'login.example.test': watched(server.port, seen),
        'app.example.test': application(publicUrl, 'app_near'),
        'app.other.test': application(publicUrl, 'app_far')
      });
      const key = await server.accessKey('sites');
      for (const [applicationId, origin] of [['app_near', app()], ['app_far', far()]]) {
        const answer = await http(server, 'POST', '/v1/applications', {
          token: key, body: { applicationId, name: applicationId, redirectUrls: [`${origin}/`], redirectMode: 'origin' }
        });
        assert.equal(answer.status, 201, answer.text);
      }
      who = await binding({ origins: [publicUrl, app(), far()], certificate: front.certificate });
    }));
    after(async () => { await who?.verdict(); await server?.stop(); await front?.stop(); await smtp?.stop(); });

    const bound = async () => (await who.context.cookies(server.url)).find(cookie => cookie.name.startsWith('__Host-admit-bound'));
    const lose = async () => who.context.clearCookies({ name: (await bound()).name });
    const authenticate = async origin => {
      await who.page.goto(`${origin}/`);
      await who.page.evaluate(() => { window.login.authenticate(); });
    };

    test('the browser binds the session when a person signs in', async () => {
      await authenticate(app());
      await expectUrl(who.page, url => url.pathname === '/login');
      await new Box(who.page, server, smtp).signIn('bound@example.com', app());
      await eventually('the browser registers a key', () => at('/session/bind')[0]);
      const [registration] = at('/session/bind');
      assert.equal(registration.status, 200);
      const cookie = await eventually('the bound cookie is there', bound);
      assert.ok(cookie.httpOnly && cookie.secure && cookie.sameSite === 'Lax' && cookie.path === '/');
      assert.ok(cookie.expires - Date.now() / 1000 <= 600);
    });

    test('when the bound cookie has ended, the browser proves its key before the request goes on', async () => {
      await lose();
      const before = at('/session/refresh').length;
      await who.page.goto(`${server.url}/login/consents`).catch(() => {});
      await eventually('the browser refreshes', () => at('/session/refresh').slice(before).find(one => one.status === 200));
      assert.deepEqual(at('/session/refresh').slice(before).map(one => one.status), [403, 200]);
      assert.ok(await bound());
    });

    test('a page of the application renews silently, and a sign-in from another site finds the session', async () => {
      await lose();
      await who.page.goto(`${app()}/`);
      assert.equal(await who.page.evaluate(() => window.login.userSessionExists()), true);
      await lose();
      await authenticate(far());
      await expectUrl(who.page, url => url.origin === far() && url.searchParams.has('code') || url.pathname === '/login');
      assert.equal(new URL(who.page.url()).origin, far(), 'nobody is asked again');
    });

    test('the cookies of the session alone are worth nothing elsewhere', async () => {
      const all = await who.context.cookies(server.url);
      const renew = cookies => http(server, 'PATCH', '/api/session', {
        headers: { Origin: app(), Cookie: cookies.map(({ name, value }) => `${name}=${value}`).join('; ') }, body: {}
      });
      for (const { value } of all) { server.log.secret('cookie', value); }
      const alone = all.filter(({ name }) => !name.startsWith('__Host-admit-bound'));
      await eventually('requests that were on their way are over', async () => (await renew(alone)).status === 404);
      const wrong = all.map(cookie => (cookie.name.startsWith('__Host-admit-bound') ? { ...cookie, value: 'A'.repeat(43) } : cookie));
      assert.equal((await renew(wrong)).status, 404);
      assert.equal(await who.page.evaluate(() => window.login.userSessionExists()), true, 'the browser itself is not disturbed');
    });
  });
}
