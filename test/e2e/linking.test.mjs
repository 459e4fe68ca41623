// linkIdentity and unlinkIdentity of the unmodified browser SDK.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { application, older } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { startFront } from '../harness/front.mjs';
import { http } from '../harness/http.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const publicUrl = 'https://login.example.test';
/** The applications of the newest SDK and of the one before 2.6, which unlinks at another path. */
const sites = [{ sdk: 'SDK 2.6', own: 'https://app.example.test', path: '/api/session/identities/' }, { sdk: 'SDK 2.5', own: 'https://old.example.test', path: '/api/identities/' }];

for (const database of databases) {
  describe(`the SDK links identities on ${database}`, () => {
    let front;
    let server;
    let smtp;
    let browser;
    before(told(async () => {
      smtp = await startSmtp();
      front = await startFront();
      server = await startAdmit({ database, dev: false, smtp, publicUrl, env: { ADMIT_TRUSTED_PROXIES: '127.0.0.1/32' } });
      Object.assign(front.sites, {
        'login.example.test': server.port, 'app.example.test': application(publicUrl, 'app_code'), 'old.example.test': application(publicUrl, 'app_code', older)
      });
      const token = await server.accessKey('linking');
      for (const [method, path, body] of [
        ['POST', '/v1/applications', { applicationId: 'app_code', name: 'Shop', redirectUrls: sites.map(site => `${site.own}/`), redirectMode: 'origin' }],
        ['PUT', '/v1/connections/con_email', { data: { name: 'E-mail' }, linkingConfiguration: { type: 'EXPLICIT' } }]
      ]) {
        const answer = await http(server, method, path, { token, body });
        assert.ok(answer.status < 300, answer.text);
      }
      browser = await launch({ names: `MAP *.test:443 127.0.0.1:${front.port}` });
    }));
    after(async () => { await browser?.close(); await server?.stop(); await front?.stop(); await smtp?.stop(); });

    async function arrive(own, address) {
      const who = await person(browser, { origins: [publicUrl, own] });
      const box = new Box(who.page, server, smtp);
      await who.page.goto(`${own}/`);
      await who.page.evaluate(() => { window.login.authenticate({}); });
      await expectUrl(who.page, url => url.pathname === '/login');
      await box.signIn(address, own);
      assert.equal(await who.page.evaluate(() => window.login.userSessionExists()), true);
      return { ...who, box };
    }
    const me = page => page.evaluate(() => window.login.getUserIdentity()?.userId);
    const unlink = (page, id) => page.evaluate(name => window.login.unlinkIdentity(name).then(() => 'done', error => error.code), id);

    for (const [number, { sdk, own, path }] of sites.entries()) {
      test(`${sdk}: a second address signs in as the same person, until it is unlinked`, async () => {
        const [one, two] = [`ada.${number}@example.com`, `second.${number}@example.com`];
        const { page, box, requests, verdict } = await arrive(own, one);
        const who = await me(page);
        assert.ok(who);
        assert.equal(await unlink(page, 'con_email'), 'LastIdentity');
        await page.evaluate(() => { window.login.linkIdentity({ connectionId: 'con_email' }); });
        await expectUrl(page, url => url.pathname === '/login');
        await page.getByText(`the account of ${one}`).waitFor();
        await box.signIn(two, own);
        assert.equal(new URL(page.url()).searchParams.get('code'), null);
        assert.equal(await page.evaluate(() => window.login.userSessionExists()), true);
        assert.equal(await me(page), who);

        const other = await arrive(own, two);
        assert.equal(await me(other.page), who);
        assert.equal(await unlink(page, two), 'done');
        assert.equal(await unlink(page, two), 'NotFound');
        assert.ok(requests.some(request => request.method() === 'DELETE' && new URL(request.url()).pathname.startsWith(path)), `unlinked at ${path}`);
        await other.verdict();
        await verdict();
      });
    }
  });
}
