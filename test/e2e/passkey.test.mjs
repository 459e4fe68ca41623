// Passkeys in a browser with a virtual authenticator: every ceremony of the pages, and npm @simplewebauthn/server as a
// second judge of what the browser sent.

import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { startAdmit, told } from '../harness/admit.mjs';
import { authenticator, onlyWhenAsked } from '../harness/authenticator.mjs';
import { Box } from '../harness/box.mjs';
import { engine, expectUrl, launch, person, shot, whole } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { codeIn } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

for (const database of databases) {
  describe(`passkeys in the browser on ${database}`, () => {
    let server;
    let smtp;
    let browser;
    let origins;
    let key;
    let number = 0;
    const fresh = name => `${name}.${++number}@example.com`;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      origins = [server.url];
      key = await server.accessKey('passkeys');
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await server?.stop(); await smtp?.stop(); });

    const policy = async body => {
      const answer = await http(server, 'PUT', '/v1/sign-in-policy', { token: key, body });
      assert.equal(answer.status, 200, answer.text);
    };
    async function open(where = browser) {
      const who = await person(where, { origins });
      return { ...who, box: new Box(who.page, server, smtp) };
    }
    const arrived = page => expectUrl(page, url => url.pathname.startsWith('/settings'));
    async function byMail({ page, box }, address) {
      await page.goto(`${server.url}/settings/security`);
      const seen = await box.enterEmail(address);
      await box.enterCode(codeIn(await smtp.next(address, seen)));
    }
    /** What the browser posted to a path, and the options that it had asked for: {options, response}. */
    async function overhear(page, path, optionsPath) {
      const heard = {};
      if (optionsPath) {
        await page.route(url => url.pathname === optionsPath, async route => {
          const answer = await route.fetch();
          heard.options = await answer.json();
          await route.fulfill({ response: answer });
        });
      }
      page.on('request', request => {
        if (request.method() !== 'POST' || new URL(request.url()).pathname !== path) { return; }
        const response = new URLSearchParams(request.postData()).get('response');
        if (response) { heard.response = JSON.parse(response); }
      });
      return heard;
    }
    /** Somebody who has signed in by mail and has a passkey now: the window, the authenticator, and what was said about the passkey. */
    async function withPasskey(address, where) {
      const who = await open(where);
      const { page } = who;
      await byMail(who, address);
      await arrived(page);
      const device = await authenticator(page);
      const heard = await overhear(page, '/settings/passkeys');
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      heard.options = JSON.parse(await page.locator('form[data-passkey=create]').getAttribute('data-json'));
      await page.getByRole('button', { name: 'Continue' }).click();
      await page.locator('.notice.good').waitFor();
      return { ...who, device, heard };
    }
    const signOut = page => page.context().clearCookies();
    const expected = options => ({ expectedChallenge: options.challenge, expectedOrigin: server.url, expectedRPID: 'localhost', requireUserVerification: true });

    test('made in the settings, and good for signing in with nothing else', async () => {
      const { page, device, heard, verdict } = await withPasskey(fresh('first'));
      const [credential] = await device.credentials();
      assert.deepEqual([credential.rpId, credential.isResidentCredential, Buffer.from(credential.userHandle, 'base64').length], ['localhost', true, 32]);
      const made = await verifyRegistrationResponse({ response: heard.response, ...expected(heard.options) });
      assert.equal(made.verified, true);

      await signOut(page);
      const { offered } = await onlyWhenAsked(page, device);
      await page.goto(`${server.url}/settings/security`);
      await page.locator('#use-passkey').waitFor();
      await offered(); // what the button begins ends the offer
      await shot(page, `passkey-box-${database}`);
      const login = await overhear(page, '/login/passkey', '/login/passkey/options');
      await page.locator('#use-passkey').click();
      await arrived(page);
      assert.deepEqual(login.options.allowCredentials, []);
      const used = await verifyAuthenticationResponse({ response: login.response, ...expected(login.options), credential: made.registrationInfo.credential });
      assert.equal(used.verified, true);
      assert.equal(await page.getByRole('button', { name: 'Add a passkey' }).isVisible(), true, 'the passkey was both factors');
      await verdict();
    });

    // The list of passkeys lies around the engine, so that the whole browser shows it once.
    for (const executablePath of database === databases[0] && whole !== engine ? [engine, whole] : [engine]) {
      test(`offered by the autofill of the e-mail field, in ${basename(executablePath)}`, async () => {
        const other = executablePath === engine ? undefined : await launch({ executablePath });
        try {
          const { page, verdict } = await withPasskey(fresh('conditional'), other);
          await signOut(page);
          await page.goto(`${server.url}/settings/security`, { waitUntil: 'commit' }); // whoever chooses the passkey in the list is signed in
          await arrived(page);
          await verdict();
        } finally {
          await other?.close();
        }
      });
    }

    test('as a second factor, after the mail', async () => {
      const address = fresh('second');
      const { page, box, device, verdict } = await withPasskey(address);
      await signOut(page);
      await onlyWhenAsked(page, device);
      await byMail({ page, box }, address);
      await page.getByRole('button', { name: /passkey/i }).first().waitFor();
      await shot(page, `passkey-second-${database}`);
      const login = await overhear(page, '/login/passkey', '/login/passkey/options');
      await page.locator('#use-passkey').click();
      await arrived(page);
      const [credential] = await device.credentials();
      assert.deepEqual(login.options.allowCredentials.map(c => c.id), [Buffer.from(credential.credentialId, 'base64').toString('base64url')]);
      await verdict();
    });

    test('who must have a second factor and has none makes a passkey on the way', async () => {
      await policy({ secondWhen: 'always' });
      try {
        const who = await open();
        const { page, verdict } = who;
        const device = await authenticator(page);
        await byMail(who, fresh('enrol'));
        await page.locator('form[data-passkey=create] button').waitFor();
        await shot(page, `passkey-enrol-${database}`);
        await page.locator('form[data-passkey=create] button').click();
        await arrived(page);
        assert.equal((await device.credentials()).length, 1);
        await verdict();
      } finally {
        await policy({});
      }
    });

    if (database === databases[0]) { // the authenticator's part
      test('refused: an authenticator that does not verify its person', async () => {
        const { page, device, verdict } = await withPasskey(fresh('unverified'));
        await signOut(page);
        await device.send('setUserVerified', { isUserVerified: false });
        await page.goto(`${server.url}/settings/security`);
        await page.locator('#use-passkey').click();
        await page.locator('[data-failed]').first().waitFor();
        assert.equal(new URL(page.url()).pathname, '/login');
        await verdict();
      });
    }

    test('refused: a copy whose counter is behind, and a passkey that was removed', async () => {
      const address = fresh('copy');
      const { page, device, verdict } = await withPasskey(address);
      const [copy] = await device.credentials();
      await page.goto(`${server.url}/settings/security`, { waitUntil: 'commit' });
      await signOut(page);
      await page.goto(`${server.url}/settings/security`, { waitUntil: 'commit' });
      await arrived(page);
      await signOut(page);
      await device.send('clearCredentials');
      await device.send('addCredential', { credential: { ...copy, signCount: 0 } });
      await page.goto(`${server.url}/settings/security`, { waitUntil: 'commit' });
      await page.getByRole('alert').filter({ visible: true }).first().waitFor();
      assert.equal(new URL(page.url()).pathname, '/login');
      await verdict();
    });
  });
}
