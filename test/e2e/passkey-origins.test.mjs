// One passkey on two sites of one account (related origins, WebAuthn Level 3): the browser asks the site that passkeys are
// registered for, at port 443, which others may use them.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { request as forward } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { authenticator } from '../harness/authenticator.mjs';
import { binary } from '../harness/binary.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { startFront } from '../harness/front.mjs';
import { eventually } from '../harness/net.mjs';
import { codeIn } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

for (const database of databases.slice(0, 1)) { // the browser decides, not what is stored
  describe(`one passkey on two sites on ${database}`, () => {
    let front;
    let server;
    let smtp;
    let browser;
    const asked = [];
    before(told(async () => {
      smtp = await startSmtp();
      front = await startFront();
      const own = front.origin('login.example.test');
      server = await startAdmit({ database, dev: false, smtp, publicUrl: own, env: { ADMIT_TRUSTED_PROXIES: '127.0.0.1/32' } });
      // What browsers see at port 443 is what the front has at its own; the server knows its hosts with the front's port.
      const site = (request, response) => {
        const host = request.headers.host.split(':')[0];
        if (request.url === '/.well-known/webauthn') { asked.push(host); }
        const upstream = forward({
          host: '127.0.0.1', port: server.port, method: request.method, path: request.url,
          headers: { ...request.headers, host: `${host}:${front.port}`, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' }
        }, answer => { response.writeHead(answer.statusCode, answer.headers); answer.pipe(response); });
        upstream.on('error', () => response.destroy());
        request.pipe(upstream);
      };
      Object.assign(front.sites, { 'login.example.test': site, 'login.other.test': site });
      execFileSync(binary(), ['account', 'add-host', '--account', 'acc_default', '--host', `login.other.test:${front.port}`], { env: { ...server.env }, cwd: server.folder.path });
      browser = await launch({ names: `MAP *.test:443 127.0.0.1:${front.port}, MAP *.test 127.0.0.1` });
    }));
    after(async () => { await browser?.close(); await server?.stop(); await front?.stop(); await smtp?.stop(); });

    test('registered on the first, used on the second', async () => {
      const who = await person(browser, { origins: [front.origin('login.example.test'), front.origin('login.other.test')] });
      const { page } = who;
      const box = new Box(page, server, smtp);
      await page.goto(`${front.origin('login.example.test')}/settings/security`);
      const seen = await box.enterEmail('two@example.com');
      await box.enterCode(codeIn(await smtp.next('two@example.com', seen)));
      await expectUrl(page, url => url.pathname.startsWith('/settings'));
      const device = await authenticator(page);
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.locator('.notice.good').waitFor();
      assert.equal((await device.credentials())[0].rpId, 'login.example.test');

      await eventually('the server answers on the second site', async () => (await page.goto(`${front.origin('login.other.test')}/.well-known/webauthn`)).status() === 200);
      asked.length = 0;
      const used = await page.evaluate(async rpId => {
        const made = await navigator.credentials.get({ publicKey: { challenge: new Uint8Array(32), rpId, userVerification: 'required' } });
        return JSON.parse(new TextDecoder().decode(made.response.clientDataJSON));
      }, 'login.example.test');
      assert.equal(used.origin, front.origin('login.other.test')); // which internal/factor/passkey accepts: TestClientData
      assert.ok(asked.includes('login.example.test'), 'the browser asked the first site');
      await assert.rejects(page.evaluate(rpId => navigator.credentials.get({ publicKey: { challenge: new Uint8Array(32), rpId } }), 'app.example.test'), /./);
      await who.verdict();
    });
  });
}
