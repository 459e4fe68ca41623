// The person's own page: what somebody sees of themselves, changes, ends, takes along and deletes, in a browser.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { startApplication } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { allowRedirects, codeIn } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';
import { totp, wrongTotp } from '../harness/totp.mjs';

const sections = ['', '/security', '/sessions', '/applications', '/activity', '/data'];

for (const database of databases) {
  describe(`the person's own page on ${database}`, () => {
    let server;
    let smtp;
    let app;
    let browser;
    let origins;
    let number = 0;
    const fresh = name => `${name}.${++number}@example.com`;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`, `${app.twin}/`], { redirectMode: 'origin' });
      origins = [server.url, server.local, app.origin, app.twin];
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); await smtp?.stop(); });

    /** Somebody in a browser of their own who is signed in and looks at a section. */
    async function guest(address, path = '/settings', options = {}) {
      const who = await person(browser, { origins, ...options });
      const box = new Box(who.page, server, smtp);
      await who.page.goto(server.url + path);
      await expectUrl(who.page, url => url.pathname === '/login');
      const seen = await box.enterEmail(address);
      await box.enterCode(codeIn(await smtp.next(address, seen)));
      await expectUrl(who.page, url => url.pathname.startsWith('/settings'));
      return { ...who, box };
    }
    async function virtual(page) {
      const cdp = await page.context().newCDPSession(page);
      await cdp.send('WebAuthn.enable');
      return cdp.send('WebAuthn.addVirtualAuthenticator', {
        options: { protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true }
      });
    }
    /** What the page says was done, when all of the page is there. */
    async function said(page) {
      const text = await page.locator('.notice.good').innerText();
      await page.waitForLoadState('domcontentloaded');
      return text;
    }

    test('a profile of one\'s own words', async () => {
      const address = fresh('profile');
      const { page, verdict } = await guest(address);
      assert.equal(await page.locator('h1').innerText(), 'Profile');
      await page.getByLabel('Name', { exact: true }).fill('Ada <b>Lovelace</b>');
      await page.getByLabel('Language', { exact: true }).fill('en-GB');
      await page.getByRole('button', { name: 'Save' }).click();
      assert.match(await said(page), /saved/);
      assert.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'Ada <b>Lovelace</b>');
      await page.getByLabel('Picture').fill('https://example.com/ada.png');
      await page.getByLabel('Language', { exact: true }).fill('!!');
      await page.getByRole('button', { name: 'Save' }).click();
      assert.match(await page.locator('[role=alert]').innerText(), /language tag/);
      assert.equal(await page.getByLabel('Picture').inputValue(), 'https://example.com/ada.png', 'what was typed stays');
      assert.equal(await page.getByLabel('Language', { exact: true }).inputValue(), '!!');
      await verdict();
    });

    test('a passkey, an authenticator app and recovery codes come and go', async () => {
      const address = fresh('factors');
      const { page, verdict } = await guest(address, '/settings/security');
      await virtual(page);
      await page.getByRole('button', { name: 'Add a passkey' }).click();
      await page.getByLabel('Name (optional)').fill('W'.repeat(64));
      await shot(page, `settings-passkey-${database}`, { fullPage: true });
      await page.getByRole('button', { name: 'Continue' }).click();
      assert.match(await said(page), /passkey is added/);
      assert.equal(await page.locator('.rows strong').first().innerText(), 'W'.repeat(64));
      await shot(page, `settings-security-long-${database}`, { fullPage: true });

      // From now on a change wants both factors, and one mailed code is only one.
      await page.getByRole('button', { name: /Confirm it/ }).click();
      await expectUrl(page, url => url.pathname === '/login');
      await verdict();
    });

    test('an authenticator app by its seed, and a wrong code first', async () => {
      const address = fresh('totp');
      const { page, verdict } = await guest(address, '/settings/security');
      await page.getByRole('button', { name: 'Add an app' }).click();
      await expectUrl(page, url => url.pathname === '/settings/security/app');
      await page.getByText('Can’t scan it?').click();
      const seed = await page.locator('#seed').innerText();
      await shot(page, `settings-app-${database}`, { fullPage: true });
      await page.locator('#code').fill(wrongTotp(seed));
      assert.match(await page.locator('.notice.bad').innerText(), /isn’t right/);
      await shot(page, `settings-app-wrong-${database}`, { fullPage: true });
      assert.equal(await page.locator('#seed').textContent(), seed, 'the same seed is shown again');
      await page.waitForLoadState('domcontentloaded'); // the script sends the code
      await page.locator('#name').fill('My phone');
      await page.locator('#code').fill(totp(seed));
      assert.match(await said(page), /app is added/);
      await verdict();
    });

    test('sessions are seen and ended from another browser', async () => {
      const address = fresh('sessions');
      const one = await guest(address, '/settings/sessions');
      const two = await guest(address, '/settings/sessions');
      assert.equal(await two.page.locator('.rows li').count(), 2);
      await two.page.getByRole('button', { name: /^End ?:/ }).click();
      assert.match(await said(two.page), /ended/);
      assert.equal(await two.page.locator('.rows li').count(), 1);
      await one.page.reload();
      await expectUrl(one.page, url => url.pathname === '/login');
      await two.page.getByRole('button', { name: 'Sign out everywhere' }).click();
      await expectUrl(two.page, url => url.pathname === '/logged-out');
      await two.page.goto(`${server.url}/settings`);
      await expectUrl(two.page, url => url.pathname === '/login');
      await one.verdict();
      await two.verdict();
    });

    if (database === databases[0]) { // addresses are judged in memory
      test('the way back leads to registered pages only', async () => {
        const address = fresh('back');
        const to = (redirect, client = 'app_default') => `/settings?${new URLSearchParams({ client_id: client, start_page: 'MFA', redirect_uri: redirect })}`;
        const { page, verdict } = await guest(address, to(`${app.origin}/home`));
        assert.equal(new URL(page.url()).pathname, '/settings/security');
        await page.getByRole('link', { name: 'Profile' }).click();
        assert.equal(await page.locator('.wayback a').getAttribute('href'), `${app.origin}/home`);
        await page.locator('.wayback a').click();
        await expectUrl(page, url => url.origin === app.origin);
        for (const [redirect, client] of [['https://evil.example/'], ['//evil.example'], ['javascript:alert(1)'], [`${app.origin}.evil.example/`], [`${app.origin}/home`, 'app_other'], [`${app.origin}@evil.example/`]]) {
          await page.goto(server.url + to(redirect, client));
          assert.equal(await page.locator('.wayback').count(), 0, redirect);
          assert.ok(!(await page.content()).includes('evil.example'), redirect);
        }
        await verdict();
      });
    }

    test('one takes everything along, and is gone', async () => {
      const address = fresh('gone');
      const { page, verdict } = await guest(address, '/settings/data');
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Download' }).click()]);
      const data = JSON.parse(await readFile(await download.path(), 'utf8'));
      assert.equal(data.data.profile.email, address);
      assert.deepEqual(Object.keys(data.data).sort(), ['activity', 'applications', 'factors', 'permissions', 'profile', 'rememberedBrowsers', 'sessions', 'tenants']);
      assert.ok(data.data.activity.some(act => act.type === 'session.started'));
      await page.locator('form[data-download] button:not([aria-disabled])').waitFor();
      await page.locator('#confirmation').fill('somebody.else@example.com');
      await page.getByRole('button', { name: 'Delete my account' }).click();
      assert.match(await page.locator('[role=alert]').innerText(), /still there/);
      await page.locator('#confirmation').fill(address.toUpperCase());
      await page.getByRole('button', { name: 'Delete my account' }).click();
      await expectUrl(page, url => url.pathname === '/settings/deleted');
      assert.equal(await page.locator('h1').innerText(), 'Your account is deleted');
      const token = await (await server.administrator()).httpClient.tokenProvider(server.url);
      assert.equal((await http(server, 'GET', `/v1/users/${data.userId}`, { token })).status, 404);
      await page.goto(`${server.url}/settings`);
      await expectUrl(page, url => url.pathname === '/login');
      await verdict();
    });

    if (database === databases[0]) { // looks do not hang on what is stored
      test('every section on a phone, in the dark, in German and Japanese', async () => {
        const address = `a.rather.long.address.of.somebody.with.many.names.${++number}@department.example.com`;
        const first = await guest(address);
        const storageState = await first.context.storageState();
        for (const [name, options] of Object.entries({
          desktop: {}, dark: { colorScheme: 'dark' }, phone: { viewport: { width: 375, height: 760 } },
          'phone-dark-de': { viewport: { width: 320, height: 640 }, colorScheme: 'dark', locale: 'de-DE' }, ja: { locale: 'ja-JP' }, 'phone-ja': { viewport: { width: 375, height: 760 }, locale: 'ja-JP' }
        })) {
          const { page, verdict } = await person(browser, { origins, storageState, ...options });
          for (const section of sections) {
            await page.goto(`${server.url}/settings${section}`);
            await shot(page, `settings${section.replace('/', '-')}-${name}-${database}`, { fullPage: true });
            const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
            assert.ok(wide <= 0, `${section} is ${wide} pixels too wide on ${name}`);
          }
          await verdict();
        }
        await first.verdict();
      });
    }
  });
}
