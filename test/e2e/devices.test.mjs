// The device calls of the unmodified browser SDK: registerDevice, getDevices, deleteDevice, openUserConfigurationScreen.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { application, older } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { startFront } from '../harness/front.mjs';
import { http } from '../harness/http.mjs';
import { startSmtp } from '../harness/smtp.mjs';
import { base32, totp, wrongTotp } from '../harness/totp.mjs';

/** The applications of the newest SDK and of the one before 2.6, which asks for another attestation. */
const sites = [{ sdk: 'SDK 2.6', own: 'https://app.example.test', format: 'none' }, { sdk: 'SDK 2.5', own: 'https://old.example.test', format: 'packed' }];

for (const database of databases) {
  describe(`the SDK's device calls on ${database}`, () => {
    let front;
    let server;
    let smtp;
    let browser;
    let publicUrl;
    before(told(async () => {
      smtp = await startSmtp();
      front = await startFront();
      // The SDK takes the name for its relying party off the URL, together with a port if there is one.
      publicUrl = 'https://login.example.test';
      server = await startAdmit({ database, dev: false, smtp, publicUrl, env: { ADMIT_TRUSTED_PROXIES: '127.0.0.1/32' } });
      Object.assign(front.sites, {
        'login.example.test': server.port, 'app.example.test': application(publicUrl, 'app_code'), 'old.example.test': application(publicUrl, 'app_code', older)
      });
      const answer = await http(server, 'POST', '/v1/applications', {
        token: await server.accessKey('devices'), body: { applicationId: 'app_code', name: 'Shop', redirectUrls: sites.map(site => `${site.own}/`), redirectMode: 'origin' }
      });
      assert.equal(answer.status, 201, answer.text);
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
      return who;
    }
    const devices = page => page.evaluate(() => window.login.getDevices());
    const register = (page, options) => page.evaluate(wanted => window.login.registerDevice(wanted).then(device => ({ device }), error => ({ status: error.status, code: error.data?.errorCode })), options);

    for (const [number, { sdk, own, format }] of sites.entries()) {
      test(`${sdk}: a security key waits for its first use, and goes`, async () => {
        const { page, requests, verdict } = await arrive(own, `key.${number}@example.com`);
        const cdp = await page.context().newCDPSession(page);
        await cdp.send('WebAuthn.enable');
        await cdp.send('WebAuthn.addVirtualAuthenticator', {
          options: { protocol: 'ctap2', transport: 'usb', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true }
        });
        const { device, ...refused } = await register(page, { name: 'Blue key', type: 'WebAuthN' });
        assert.ok(device?.deviceId, JSON.stringify(refused));
        assert.equal(device.name, 'Blue key');
        const sent = requests.find(request => request.method() === 'POST' && new URL(request.url()).pathname === '/api/session/devices').postDataJSON();
        assert.ok(Buffer.from(sent.code.attestation, 'base64').includes(`cfmt${String.fromCharCode(0x60 + format.length)}${format}`), `the attestation is ${format}`);
        assert.deepEqual((await devices(page)).map(({ name, type }) => [name, type]), [['Blue key', 'WebAuthN']]);

        await page.evaluate(() => { window.login.openUserConfigurationScreen({ startPage: 'MFA', redirectUrl: `${location.origin}/back` }); });
        await expectUrl(page, url => url.pathname === '/settings/security');
        await page.getByText('counts only after you have used it once').waitFor();
        assert.equal(await page.locator('.wayback a').getAttribute('href'), `${own}/back`);
        await page.getByRole('button', { name: /^Use it now/ }).click();
        await page.getByRole('button', { name: 'Use the passkey' }).click();
        assert.match(await page.locator('.notice.good').innerText(), /passkey works/);
        await page.locator('.wayback a').click();
        await expectUrl(page, url => url.origin === own);
        // It counts now, and one mailed code is less than the person can show.
        const late = await page.evaluate(id => window.login.deleteDevice(id).then(() => 'done', error => error.status), device.deviceId);
        assert.equal(late, 403);
        assert.equal((await devices(page)).length, 1);
        await verdict();
      });

      test(`${sdk}: an authenticator app whose secret the page made`, async () => {
        const { page, verdict } = await arrive(own, `app.${number}@example.com`);
        const secret = base32(randomBytes(20));
        const totpData = { secret, verificationCode: wrongTotp(secret) };
        assert.deepEqual(await register(page, { name: 'Phone', type: 'TOTP', totp: totpData }), { status: 422, code: 'InvalidCode' });
        assert.equal((await register(page, { name: 'Phone', type: 'TOTP', totp: { secret: 'A'.repeat(32), verificationCode: totp('A'.repeat(32)) } })).status, 422);
        const { device, ...refused } = await register(page, { name: 'Phone', type: 'TOTP', totp: { ...totpData, verificationCode: totp(secret) } });
        assert.ok(device?.deviceId, JSON.stringify(refused));
        assert.deepEqual((await devices(page)).map(({ name, type }) => [name, type]), [['Phone', 'TOTP']]);
        assert.equal(await page.evaluate(id => window.login.deleteDevice(id).then(() => 'done', error => error.data.errorCode), device.deviceId), 'RecentSignInNeeded');
        await verdict();
      });

      test(`${sdk}: a device that is not counted yet can be taken back at once`, async () => {
        const { page, verdict } = await arrive(own, `back.${number}@example.com`);
        const cdp = await page.context().newCDPSession(page);
        await cdp.send('WebAuthn.enable');
        await cdp.send('WebAuthn.addVirtualAuthenticator', { options: { protocol: 'ctap2', transport: 'usb', automaticPresenceSimulation: true } });
        const { device } = await register(page, { name: 'x', type: 'WebAuthN' });
        await page.evaluate(id => window.login.deleteDevice(id), device.deviceId);
        assert.deepEqual(await devices(page), []);
        await verdict();
      });
    }
  });
}
