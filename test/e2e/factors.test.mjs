// Second factors in the login box: an authenticator app, recovery codes, a browser that is remembered, and a person who lost all of it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { startApplication } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { allowRedirects, codeIn } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';
import { step, totp, wrongTotp } from '../harness/totp.mjs';

for (const database of databases) {
  describe(`second factors on ${database}`, () => {
    let server;
    let smtp;
    let app;
    let browser;
    let origins;
    let number = 0;
    const fresh = name => `${name}.${++number}@example.com`;
    const arrived = page => expectUrl(page, url => url.origin === app.origin);
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`, `${app.twin}/`], { redirectMode: 'origin' });
      const token = await (await server.administrator()).httpClient.tokenProvider(server.url);
      const policy = await http(server, 'PUT', '/v1/sign-in-policy', { token, body: { secondWhen: 'newDevice', rememberDays: 30 } });
      assert.equal(policy.status, 200, policy.text);
      origins = [server.url, server.local, app.origin, app.twin];
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); await smtp?.stop(); });

    /** Somebody who has come to the application and proved their address. */
    async function first(address, options = {}, who) {
      who ??= await person(browser, { origins, ...options });
      const box = new Box(who.page, server, smtp, { script: options.javaScriptEnabled !== false });
      await who.page.goto(server.url + '/settings/security');
      await expectUrl(who.page, url => url.pathname === '/login');
      const seen = await box.enterEmail(address);
      await box.enterCode(codeIn(await smtp.next(address, seen)));
      return { ...who, box };
    }
    const inside = page => expectUrl(page, url => url.pathname === '/settings/security');
    const code = page => page.locator('#code');
    const send = page => page.locator('form:has(#code) button[type=submit]').click();

    /** Registers an app, because the account wants a second factor; answers its seed. */
    async function enrol(page) {
      await page.locator('#enrol-totp').click();
      const seed = await page.locator('#seed').innerText();
      assert.match(await page.locator('.qr svg').getAttribute('viewBox'), /^0 0 \d+ \d+$/);
      await page.waitForLoadState('domcontentloaded'); // and with it the script
      await Promise.all([page.waitForEvent('domcontentloaded'), code(page).fill(wrongTotp(seed))]); // which sends it
      await page.locator('#code-error').waitFor();
      assert.equal(await page.locator('#seed').innerText(), seed, 'a wrong code changes the seed');
      await code(page).fill(totp(seed));
      return seed;
    }

    test('an app is registered, asked for, and left out in a remembered browser; a recovery code stands in for it', async () => {
      const ann = fresh('ann');
      const one = await first(ann, { viewport: { width: 390, height: 844 } });
      await one.page.locator('#enrol-totp').waitFor();
      await shot(one.page, `factors-${database}-enrol`);
      const seed = await enrol(one.page);
      await inside(one.page);
      await smtp.saying(/An authenticator app was added[\s\S]+\/settings\/security/, ann);
      await one.page.locator('form[action="/settings/codes"] button').click();
      const codes = await one.page.locator('.codes code').allInnerTexts();
      assert.equal(codes.length, 10);
      await one.verdict();

      const two = await first(ann);
      await code(two.page).waitFor();
      assert.match(await two.page.locator('.who').innerText(), new RegExp(ann));
      await code(two.page).fill(wrongTotp(seed));
      await send(two.page);
      await two.page.locator('#code-error').waitFor();
      await shot(two.page, `factors-${database}-wrong`);
      await two.page.locator('input[name=remember]').check();
      await code(two.page).fill(totp(seed, Date.now() + step)); // the step of the registration is used up
      await send(two.page);
      await inside(two.page);
      const kept = (await two.context.cookies()).filter(c => /admit-device$/.test(c.name));
      assert.ok(kept.length === 1 && kept[0].httpOnly && kept[0].sameSite === 'Lax', JSON.stringify(kept));
      await two.page.goto(`${server.url}/settings/sessions`);
      assert.match(await two.page.locator('#browsers li').innerText(), /Chrome on Linux\s+This browser/);
      await two.context.clearCookies({ name: /admit-session$/ });
      await first(ann, {}, two);
      await inside(two.page);
      await two.verdict();

      const three = await first(ann);
      await code(three.page).waitFor();
      await three.page.locator('#way-recovery').click();
      await three.page.locator('#recovery').fill('not-one-of-them');
      await three.page.locator('#recovery').press('Enter');
      await three.page.locator('#recovery-error').waitFor();
      await three.page.locator('#recovery').fill(codes[0]);
      await three.page.locator('#recovery').press('Enter');
      await inside(three.page);
      await three.verdict();

      const four = await first(ann);
      await four.page.locator('#way-recovery').click();
      await four.page.locator('#recovery').fill(codes[0]);
      await four.page.locator('#recovery').press('Enter');
      await four.page.locator('#recovery-error').waitFor();
      await four.verdict();
    });

    test('without a script, all of it but passkeys', async () => {
      const bob = fresh('bob');
      const one = await first(bob, { javaScriptEnabled: false });
      await one.page.locator('#enrol-totp').click();
      const seed = await one.page.locator('#seed').innerText();
      await code(one.page).fill(totp(seed));
      await send(one.page);
      await inside(one.page);
      await one.verdict();
    });

    test('whoever lost everything waits, and is told by a mail that can stop it', async () => {
      const eve = fresh('eve');
      const one = await first(eve);
      await enrol(one.page);
      await inside(one.page);
      await one.verdict();
      const two = await first(eve);
      await two.page.locator('#way-lost').click();
      await two.page.locator('#lost').click();
      await two.page.getByText('Your recovery has begun').waitFor();
      await shot(two.page, `factors-${database}-waiting`);
      const [link] = (await smtp.saying(/\/login\/recovery\?token=/, eve)).text.match(/http\S+\/login\/recovery\?token=\S+/);
      const three = await person(browser, { origins });
      await three.page.goto(link);
      await three.page.goto(link);
      await three.page.locator('#lost').click();
      await three.page.getByText('The recovery is stopped').waitFor();
      await three.verdict();
      await two.page.reload();
      await two.page.locator('#lost').waitFor(); // it can be begun again
      await two.verdict();
    });
  });
}
