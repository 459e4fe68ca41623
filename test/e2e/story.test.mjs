// The story of the first evening: `admit serve --dev`, the try-it page, the quickstart, the waiting list, the first administrator.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startAdmit, told } from '../harness/admit.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { eventually } from '../harness/net.mjs';
import { startQuickstart } from '../harness/quickstart.mjs';
import { allowRedirects } from '../harness/signin.mjs';

const run = promisify(execFile);

/** Reads the newest code for an address from the mailbox that development offers, in a tab of its own. */
async function codeFromMailbox(context, server, address) {
  const tab = await context.newPage();
  try {
    const mail = tab.locator('article.mail', { hasText: address }).first();
    await eventually(`mail for ${address}`, async () => {
      await tab.goto(`${server.url}/dev/mailbox`);
      return mail.isVisible();
    });
    await shot(tab, 'mailbox');
    return (await mail.locator('output').innerText()).replace(/\D/g, '');
  } finally {
    await tab.close();
  }
}

async function signIn(who, server, address) {
  const box = new Box(who.page, server);
  await box.enterEmail(address);
  await box.enterCode(await codeFromMailbox(who.context, server, address));
}

for (const database of databases) {
  describe(`the first evening on ${database}`, () => {
    let server;
    let browser;
    let quickstart;
    let origins;
    before(told(async () => {
      server = await startAdmit({ database });
      quickstart = await startQuickstart(server, await server.accessKey('quickstart'));
      await allowRedirects(server, [`${quickstart.origin}/`], { redirectMode: 'origin' });
      origins = [server.url, server.local, quickstart.origin];
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await quickstart?.stop(); await server?.stop(); });

    test('the start says where to go', () => {
      assert.match(server.log.out, new RegExp(server.url));
      assert.match(server.log.out, /\/setup\?token=\S+/);
      assert.match(server.log.out, /\/try\b/);
    });

    test('the quickstart signs a person in, lists, and signs out', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await page.goto(quickstart.origin);
      await page.locator('body[data-state=out]').waitFor();
      await shot(page, `quickstart-out-${database}`);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await signIn(who, server, 'ann@example.com');
      await expectUrl(page, url => url.origin === quickstart.origin);
      await page.locator('body[data-state=in]').waitFor();
      assert.deepEqual([...new URL(page.url()).searchParams.keys()], [], 'nothing of the login stays in the address');
      await page.locator('#matrix tr').nth(3).waitFor();
      const chips = await page.locator('#matrix tr').evaluateAll(rows => rows.map(row => [...row.querySelectorAll('.chip')].map(chip => chip.textContent)));
      assert.deepEqual(chips.map(([node]) => node), ['200', '404', '401', '401']);
      if (quickstart.hasGo) { assert.deepEqual(chips.map(([, go]) => go), ['200', '404', '401', '401']); }
      assert.ok(await page.locator('#waiting').isVisible());
      await shot(page, `quickstart-in-${database}`, { fullPage: true });

      const token = await page.evaluate(() => document.cookie.match(/authorization=([^;]+)/)[1]);
      server.log.secret('access token', token.split('.')[2]);
      await page.reload();
      await page.locator('body[data-state=in]').waitFor();

      await page.getByRole('button', { name: 'Sign out' }).click();
      await page.locator('body[data-state=out]').waitFor();
      const admit = server.sdk(() => token);
      await assert.rejects(admit.userPermissions.authorizeUser(null, 'x', 'y'), error => error.status === 401, 'the token ends with the session');

      await page.getByRole('button', { name: 'Sign in' }).click();
      await new Box(page, server).email.waitFor();
      await who.verdict();
    });

    test('the waiting list: granted and revoked while the token is valid', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await page.goto(quickstart.origin);
      await page.getByRole('button', { name: 'Sign in' }).click();
      await signIn(who, server, 'walter@example.com');
      await page.locator('body[data-state=in][data-may-open=false]').waitFor();
      const userId = await page.locator('#user-id').innerText();
      const token = await page.evaluate(() => document.cookie.match(/authorization=([^;]+)/)[1]);

      assert.match(await quickstart.operate('grant', userId), /Granted/);
      await page.getByRole('button', { name: 'Check again' }).click();
      await page.locator('body[data-may-open=true]').waitFor();
      await shot(page, `waiting-list-granted-${database}`, { fullPage: true });
      await page.getByLabel('What shall it be called?').fill('Rainy days');
      await page.getByRole('button', { name: 'Open', exact: true }).click();
      await page.locator('#accounts li', { hasText: 'Rainy days' }).waitFor();

      assert.match(await quickstart.operate('revoke', userId), /Revoked/);
      await page.getByRole('button', { name: 'Check again' }).click();
      await page.locator('body[data-may-open=false]').waitFor();
      assert.equal(await page.locator('#accounts li').count(), 1, 'the account that was opened stays');
      assert.equal(await page.evaluate(() => document.cookie.match(/authorization=([^;]+)/)[1]), token, 'it is the same token throughout');
      await who.verdict();
    });

    test('the try-it page: one click, and the tokens are decoded and checked', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      await page.goto(`${server.url}/try`);
      await shot(page, `try-out-${database}`);
      await page.getByRole('button', { name: /sign in/i }).or(page.getByRole('link', { name: /sign in/i })).first().click();
      await signIn(who, server, 'tess@example.com');
      await expectUrl(page, url => url.pathname === '/try');
      await page.locator('#lead', { hasText: 'tess@example.com' }).waitFor();
      for (const token of ['access', 'id']) { await page.locator(`#${token}-signature.good`).waitFor(); }
      assert.match(await page.locator('#access-header').innerText(), /at\+jwt/);
      await page.locator('#check button[type=submit]').click();
      await page.locator('#check-answer', { hasText: 'Not allowed' }).waitFor();
      const user = await page.locator('#user').inputValue();
      const admit = await server.administrator();
      await admit.accessRecords.createRecord({ recordId: 'tess', name: 'Tess', users: [{ userId: user }], statements: [{ roles: ['Authress:Owner'], resources: [{ resourceUri: 'documents/1' }] }] });
      await page.locator('#check button[type=submit]').click();
      await page.locator('#check-answer', { hasText: /^Allowed/ }).waitFor();
      await shot(page, `try-in-${database}`, { fullPage: true });
      await who.verdict();
    });

    test('the setup link makes the first administrator, once, and shows the access key', async () => {
      const who = await person(browser, { origins });
      const { page } = who;
      const link = (await server.command('setup-link')).match(/http\S+\/setup\?token=\S+/)[0];
      server.log.secret('setup link', new URL(link).searchParams.get('token'));
      await page.goto(link);
      await shot(page, `setup-${database}`);
      await page.getByRole('button').first().click();
      await signIn(who, server, 'olga@example.com');
      await expectUrl(page, url => url.pathname === '/setup/done');
      await shot(page, `setup-ready-${database}`);
      await page.getByRole('button').first().click();
      const text = await eventually('the access key is shown', async () => {
        const shown = await page.locator('body').innerText();
        return /sc_[^.\s]+\.[^.\s]+\.[^.\s]+\.[A-Za-z0-9+/]{20,}=*/.test(shown) && shown;
      });
      const key = text.match(/sc_[^.\s'"]+\.[^.\s]+\.[^.\s]+\.[A-Za-z0-9+/]{20,}=*/)[0];
      server.log.secret('first access key', key.split('.')[3]);
      assert.match(text, /AuthressClient/);
      await shot(page, `setup-done-${database}`, { fullPage: true });
      // What the page says is copied, and run as it stands.
      const snippet = await page.locator('pre', { hasText: 'AuthressClient' }).innerText();
      const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', snippet], { cwd: fileURLToPath(new URL('.', import.meta.url)) });
      assert.match(stdout, /Authress:Owner/);

      const second = await person(browser, { origins });
      await second.page.goto(link);
      assert.ok(!/sc_[^.\s]+\.[^.\s]+\./.test(await second.page.locator('body').innerText()), 'the link works once');
      await shot(second.page, `setup-used-${database}`);
      await second.verdict();
      await who.verdict();
    });
  });
}
