// Ways back in, in a browser: a person who lost every second factor waits and gets in, with a clock that is moved; a
// forgotten password; an address that was changed and is taken back; and what somebody sees who proves anew who they are.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { startApplication } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { allowRedirects, codeIn } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const step = 30_000;
const first = 'rain on a tin roof at night';
const second = 'snow on a tin roof at noon';

/** The six digits that an authenticator app shows for a seed (RFC 6238). */
function totp(seed, at = Date.now()) {
  let bits = '';
  for (const c of seed.replace(/\s/g, '')) { bits += letters.indexOf(c).toString(2).padStart(5, '0'); }
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / step)));
  const mac = createHmac('sha1', Buffer.from(bits.match(/.{8}/g).map(b => parseInt(b, 2)))).update(counter).digest();
  const offset = mac.at(-1) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

for (const database of databases) {
  describe(`ways back in on ${database}`, () => {
    let server;
    let smtp;
    let app;
    let browser;
    let origins;
    let token;
    let number = 0;
    const fresh = name => `${name}.${++number}@example.com`;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp, testClock: true });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`, `${app.twin}/`], { redirectMode: 'origin' });
      token = await (await server.administrator()).httpClient.tokenProvider(server.url);
      const made = await http(server, 'PUT', '/v1/connections/con_pw', { token, body: { type: 'PASSWORD', data: { name: 'Password' } } });
      assert.ok(made.status < 300, made.text);
      origins = [server.url, server.local, app.origin, app.twin];
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); await smtp?.stop(); });

    const at = (page, path) => expectUrl(page, url => url.pathname === path);
    const linkIn = (mail, page) => mail.text.match(new RegExp(`http\\S+${page}\\?token=\\S+`))[0];
    const wide = page => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

    /** Somebody in a browser of their own who asks for a section and has proved their address. */
    async function proved(address, path = '/settings/security', options = {}) {
      const who = await person(browser, { origins, ...options });
      const box = new Box(who.page, server, smtp);
      await who.page.goto(server.url + path);
      await at(who.page, '/login');
      const seen = await box.enterEmail(address);
      await box.enterCode(codeIn(await smtp.next(address, seen)));
      return { ...who, box };
    }
    async function guest(address, path = '/settings/security', options = {}) {
      const who = await proved(address, path, options);
      await at(who.page, path);
      return who;
    }
    async function enrol(page) {
      await page.getByRole('button', { name: /Add an app/ }).click();
      await at(page, '/settings/security/app');
      const seed = await page.locator('#seed').textContent();
      await page.locator('#code').fill(totp(seed));
      await page.locator('.notice.good').waitFor();
      return seed;
    }
    async function setPassword(page, text) {
      await page.goto(`${server.url}/settings/security/password`);
      await page.locator('input[name=password]').first().fill(text);
      await page.getByRole('button', { name: /^Show ?: New password/ }).click();
      assert.equal(await page.getByLabel('New password', { exact: true }).getAttribute('type'), 'text');
      await page.locator('form[action="/settings/password"] button[type=submit]').click();
      await page.locator('.notice.good').waitFor();
    }
    async function signInWith(address, text) {
      const who = await person(browser, { origins });
      await who.page.goto(`${server.url}/settings/security`);
      await at(who.page, '/login');
      await who.page.locator('#other-form').click();
      await who.page.locator('#email').fill(address);
      await who.page.locator('#password').fill(text);
      await who.page.locator('#continue').click();
      return who;
    }

    test('a forgotten password: the mailed code lets in, the new one ends the rest', async () => {
      const address = fresh('forgot');
      const one = await guest(address);
      await setPassword(one.page, first);
      const two = await guest(address); // has forgotten it
      await setPassword(two.page, second);
      await shot(two.page, `recovery-password-${database}`, { fullPage: true });
      await one.page.reload();
      await at(one.page, '/login');
      const old = await signInWith(address, first);
      await old.page.locator('[role=alert]').first().waitFor();
      await shot(old.page, `recovery-password-old-${database}`);
      const anew = await signInWith(address, second);
      await at(anew.page, '/settings/security');
      for (const who of [one, two, old, anew]) { await who.verdict(); }
    });

    test('an address that somebody changed is taken back by its old mailbox', async () => {
      const address = fresh('old.address');
      const stolen = `${'thief'.repeat(8)}.${++number}@evil.example`;
      const thief = await guest(address, '/settings');
      await thief.page.locator('form[action="/settings/email"] button').click();
      await at(thief.page, '/login');
      const seen = await thief.box.enterEmail(stolen);
      await thief.box.enterCode(codeIn(await smtp.next(stolen, seen)));
      await at(thief.page, '/settings');
      await shot(thief.page, `recovery-address-changed-${database}`, { fullPage: true });
      await enrolFrom(thief.page);
      const link = linkIn(await smtp.saying(/\/login\/address\?token=/, address), '/login/address');
      for (const [name, options] of Object.entries({
        desktop: {}, phone: { viewport: { width: 360, height: 640 } }, 'dark-ja': { colorScheme: 'dark', locale: 'ja-JP', viewport: { width: 360, height: 640 } }, de: { locale: 'de-DE' }
      })) {
        const reader = await person(browser, { origins, ...options });
        await reader.page.goto(link);
        await reader.page.locator('form[action="/login/address"] button').waitFor();
        await shot(reader.page, `recovery-undo-${name}-${database}`, { fullPage: true });
        assert.ok(await wide(reader.page) <= 0, `the page is too wide on ${name}`);
        await reader.verdict();
      }
      const reader = await person(browser, { origins, javaScriptEnabled: false });
      await reader.page.goto(link);
      await reader.page.locator('form[action="/login/address"] button').click();
      await reader.page.locator('.sign.good, .sign').first().waitFor();
      await shot(reader.page, `recovery-undone-${database}`);
      await reader.page.goto(link);
      await shot(reader.page, `recovery-undo-dead-${database}`);
      assert.equal(await reader.page.locator('form[action="/login/address"]').count(), 0);
      await thief.page.goto(`${server.url}/settings`);
      await at(thief.page, '/login');
      const back = await guest(address, '/settings'); // without the thief's app
      assert.ok((await back.page.content()).includes(address));
      for (const who of [reader, thief, back]) { await who.verdict(); }
    });
    async function enrolFrom(page) {
      await page.goto(`${server.url}/settings/security`);
      await enrol(page);
    }

    test('whoever confirms that it is them sees their own ways', async () => {
      const address = fresh('a.name.that.is.as.long.as.some.names.are');
      const one = await guest(address);
      await enrol(one.page);
      await one.page.goto(`${server.url}/settings/security`);
      await one.page.getByRole('button', { name: /Confirm it/ }).click();
      await at(one.page, '/login');
      assert.match(await one.page.locator('.who').innerText(), new RegExp(address));
      assert.equal(await one.page.getByText('New here?').count(), 0);
      assert.equal(await one.page.locator('input[type=email]').count(), 0);
      const storageState = await one.context.storageState();
      for (const [name, options] of Object.entries({
        desktop: {}, phone: { viewport: { width: 360, height: 640 } }, 'dark-de': { colorScheme: 'dark', locale: 'de-DE', viewport: { width: 320, height: 640 } }, ja: { locale: 'ja-JP' }
      })) {
        const look = await person(browser, { origins, storageState, ...options });
        await look.page.goto(one.page.url());
        await shot(look.page, `recovery-confirm-${name}-${database}`, { fullPage: true });
        assert.ok(await wide(look.page) <= 0, `the page is too wide on ${name}`);
        await look.verdict();
      }
      await one.page.locator('#other-form').click();
      await one.page.locator('#password').waitFor();
      await shot(one.page, `recovery-confirm-password-${database}`, { fullPage: true });
      await one.page.locator('#other-form').click();
      await one.page.locator('#other').click();
      await one.page.locator('input[type=email]').waitFor();
      await one.page.goBack();
      const seen = smtp.codes(address).length;
      await one.page.locator('#continue').click();
      await one.box.enterCode(codeIn(await smtp.next(address, seen)));
      await one.page.locator('#way-lost').waitFor(); // and then the app
      assert.match(await one.page.locator('.who').innerText(), new RegExp(address));
      await one.verdict();
    });

    test('whoever lost everything gets in when the time has come, and an administrator can begin it', async () => {
      const own = fresh('lost');
      const asked = fresh('asked');
      for (const address of [own, asked]) {
        const one = await guest(address);
        await enrol(one.page);
        await one.verdict();
      }
      const lost = await proved(own);
      await lost.page.locator('#way-lost').click();
      await lost.page.locator('#lost').click();
      await lost.page.locator('time').waitFor();
      await lost.verdict();
      const list = await http(server, 'GET', '/v1/users', { token });
      const user = list.json.users.find(one => one.email === asked);
      assert.ok(user, list.text);
      const begun = await http(server, 'POST', `/v1/users/${encodeURIComponent(user.userId)}/recovery`, { token });
      assert.equal(begun.status, 200, begun.text);
      const policy = await http(server, 'PUT', '/v1/sign-in-policy', { token, body: { noRecovery: true } });
      assert.equal(policy.status, 200, policy.text);

      await server.restart({ ADMIT_TEST_CLOCK_OFFSET: '25h' });
      const refused = await proved(own); // began it themselves, which the policy does not let them any more
      await refused.page.locator('.who').waitFor(); // the page that asks for the app, and not the one for the mailed code
      assert.equal(await refused.page.locator('#way-lost').count(), 0);
      await refused.verdict();
      for (const [name, options] of Object.entries({ desktop: {}, 'phone-dark-ja': { viewport: { width: 360, height: 640 }, colorScheme: 'dark', locale: 'ja-JP' } })) {
        const look = await proved(asked, '/settings/security', options);
        await look.page.locator('#way-lost').click();
        await look.page.locator('#lost').waitFor();
        await shot(look.page, `recovery-ready-${name}-${database}`, { fullPage: true });
        assert.ok(await wide(look.page) <= 0, `the page is too wide on ${name}`);
        if (name !== 'desktop') {
          await look.page.locator('#lost').click();
          await at(look.page, '/settings/security');
          assert.equal(await look.page.locator('form[action="/settings/apps/remove"]').count(), 0);
          await shot(look.page, `recovery-done-${database}`, { fullPage: true });
        }
        await look.verdict();
      }
      await smtp.saying(/An administrator did this\./, asked);
    });
  });
}
