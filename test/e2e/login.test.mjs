// The login box and the login protocol on localhost, with the unmodified browser SDK in an application of nothing else.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startAdmit, told } from '../harness/admit.mjs';
import { older, startApplication } from '../harness/application.mjs';
import { Box } from '../harness/box.mjs';
import { expectUrl, launch, person, personWithoutCookies, shot } from '../harness/browser.mjs';
import { databases } from '../harness/database.mjs';
import { allowRedirects, codeIn } from '../harness/signin.mjs';
import { startSmtp } from '../harness/smtp.mjs';

for (const database of databases) {
  describe(`the login box on ${database}`, () => {
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

    let who;
    let page;
    let box;
    /** Opens the application and starts a login with the SDK, up to the empty box. */
    async function start(options = {}, from = `${app.origin}/`) {
      who = await person(browser, { origins, ...options });
      page = who.page;
      box = new Box(page, server, smtp);
      await page.goto(from);
      await authenticate(page);
    }
    async function authenticate(tab, options = {}) {
      await tab.evaluate(settings => { window.login.authenticate(settings); }, options);
      await expectUrl(tab, url => url.pathname === '/login');
    }
    const signedIn = tab => tab.evaluate(() => window.login.userSessionExists());
    const identity = tab => tab.evaluate(() => window.login.getUserIdentity());
    const token = tab => tab.evaluate(() => window.login.ensureToken());
    beforeEach(() => { who = undefined; });

    test('the whole way by code, and back to the very page', async () => {
      const address = fresh('way');
      await start({}, `${app.origin}/deep/page?tab=2`);
      await shot(page, `box-email-${database}`);
      const seen = await box.enterEmail(address);
      await shot(page, `box-code-${database}`);
      await box.enterCode(codeIn(await smtp.next(address, seen)));
      await expectUrl(page, url => url.origin === app.origin);
      const returned = new URL(page.url());
      assert.equal(returned.pathname, '/deep/page');
      assert.equal(returned.searchParams.get('tab'), '2');
      assert.ok(returned.searchParams.get('code') && returned.searchParams.get('nonce') && returned.searchParams.get('iss') === server.url);
      assert.equal(returned.searchParams.get('access_token'), null);
      assert.equal(await signedIn(page), true);
      assert.equal((await identity(page)).email, address);
      assert.equal(page.url(), `${app.origin}/deep/page?tab=2`);
      const jwt = await token(page);
      server.log.secret('access token', jwt.split('.')[2]);
      assert.equal((await server.sdk(() => jwt).userPermissions.getUserResources(null, 'x/*', 20, null, 'y')).status, 200);
      await who.verdict();
    });

    if (database === databases[0]) { // the browser's part
      test('reload keeps a person signed in; a used code in the address is ignored', async () => {
        await start();
        await box.signIn(fresh('reload'), app.origin);
        const used = page.url();
        assert.equal(await signedIn(page), true);
        await page.reload();
        assert.equal(await signedIn(page), true);
        await page.goto(used);
        assert.equal(await signedIn(page), true);
        await who.verdict();
      });
    }

    test('a second login needs no code: the session is there', async () => {
      const address = fresh('sso');
      await start();
      await box.signIn(address, app.origin);
      assert.equal(await signedIn(page), true);
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.searchParams.has('code'));
      assert.equal(await signedIn(page), true);
      assert.equal((await identity(page)).email, address);
      await who.verdict();
    });

    test('with multiAccount the person is asked who they are today', async () => {
      const [one, two] = [fresh('one'), fresh('two')];
      await start();
      await box.signIn(one, app.origin);
      assert.equal(await signedIn(page), true);
      await authenticate(page, { multiAccount: true });
      await page.getByText(one).waitFor();
      await shot(page, `choose-${database}`);
      await page.getByRole('link', { name: 'Use another account' }).click();
      await box.signIn(two, app.origin);
      assert.equal(await signedIn(page), true);
      assert.equal((await identity(page)).email, two);
      await authenticate(page, { multiAccount: true });
      await page.getByRole('button', { name: two }).click();
      await expectUrl(page, url => url.searchParams.has('code'));
      assert.equal(await signedIn(page), true);
      assert.equal((await identity(page)).email, two);
      await who.verdict();
    });

    test('tokens travel in the address only where the application says so', async () => {
      const ask = { responseLocation: 'query', flowType: 'token id_token' };
      who = await person(browser, { origins });
      page = who.page;
      box = new Box(page, server, smtp);
      await page.goto(`${app.origin}/`);
      await authenticate(page, ask);
      await box.signIn(fresh('query'), app.origin);
      assert.deepEqual([new URL(page.url()).searchParams.has('access_token'), new URL(page.url()).searchParams.has('code')], [false, true]);
      assert.equal(await signedIn(page), true);

      const admit = await server.administrator();
      await admit.httpClient.put('/v1/applications/app_default', { ...(await admit.httpClient.get('/v1/applications/app_default')).data, allowLoopbackTokens: true });
      await page.evaluate(settings => { window.login.authenticate(settings); }, ask);
      await expectUrl(page, url => url.searchParams.has('access_token'));
      server.log.secret('access token', new URL(page.url()).searchParams.get('access_token').split('.')[2]);
      assert.equal(await signedIn(page), true);
      assert.deepEqual([...new URL(page.url()).searchParams.keys()], [], 'the SDK takes them out of the address');
      assert.ok(await token(page));
      await admit.httpClient.put('/v1/applications/app_default', { ...(await admit.httpClient.get('/v1/applications/app_default')).data, allowLoopbackTokens: false });
      await who.verdict();
    });

    for (const host of database === databases[0] ? ['localhost', '127.0.0.1'] : ['localhost']) {
      test(`logging out at ${host} kills the session and the token at once`, async () => {
        const origin = host === 'localhost' ? app.origin : app.twin;
        await start({}, `${origin}/`);
        await box.signIn(fresh('out'), origin);
        assert.equal(await signedIn(page), true);
        const jwt = await token(page);
        const ask = () => server.sdk(() => jwt).userPermissions.authorizeUser(null, 'x', 'y');
        await assert.rejects(ask(), { name: 'UnauthorizedError' });
        await page.evaluate(target => { window.login.logout(target); }, `${origin}/?bye`);
        await expectUrl(page, url => url.href === `${origin}/?bye`);
        await assert.rejects(ask(), error => error.status === 401);
        assert.equal(await signedIn(page), false);
        await authenticate(page);
        await box.email.waitFor();
        await who.verdict();
      });
    }

    if (database === databases[0]) { // e2e/sites has it on every database
      test('SDK 2.5 on localhost: in, and out', async () => {
        const old = await startApplication(server.url, 'app_default', older);
        try {
          await allowRedirects(server, [`${old.origin}/`]);
          who = await person(browser, { origins: [...origins, old.origin] });
          page = who.page;
          box = new Box(page, server, smtp);
          const address = fresh('old');
          await page.goto(`${old.origin}/deep?tab=2`);
          await authenticate(page);
          await box.signIn(address, old.origin);
          assert.equal(await signedIn(page), true);
          assert.equal(page.url(), `${old.origin}/deep?tab=2`);
          assert.equal((await identity(page)).email, address);
          const jwt = await token(page);
          server.log.secret('access token', jwt.split('.')[2]);
          await page.reload();
          assert.equal(await signedIn(page), true);
          await page.evaluate(target => { window.login.logout(target); }, `${old.origin}/?bye`);
          await expectUrl(page, url => url.href === `${old.origin}/?bye`);
          await assert.rejects(server.sdk(() => jwt).userPermissions.authorizeUser(null, 'x', 'y'), error => error.status === 401);
          assert.equal(await signedIn(page), false);
          await who.verdict();
        } finally {
          await old.stop();
        }
      });
    }

    test('two tabs at once: each has its own request, and both arrive', async () => {
      const address = fresh('tabs');
      await start();
      const second = await who.context.newPage();
      await second.goto(`${app.origin}/`);
      await authenticate(second);
      const boxes = [box, new Box(second, server, smtp)];
      const firstSeen = await boxes[0].enterEmail(address);
      const firstCode = codeIn(await smtp.next(address, firstSeen));
      const secondSeen = await boxes[1].enterEmail(address);
      const secondCode = codeIn(await smtp.next(address, secondSeen));
      // The SDK keeps one request in its storage, the later one; the earlier tab must arrive all the same and simply not be told.
      await boxes[1].enterCode(secondCode);
      await expectUrl(second, url => url.origin === app.origin);
      assert.equal(await signedIn(second), true);
      await page.bringToFront();
      await boxes[0].enterCode(firstCode);
      await expectUrl(page, url => url.origin === app.origin);
      await page.reload();
      assert.equal(await signedIn(page), true);
      assert.equal((await identity(page)).email, address);
      await who.verdict();
    });

    if (database === databases[0]) { // the browser's part
      test('the back button, from the code and from the application', async () => {
        const address = fresh('back');
        await start();
        await box.enterEmail(address);
        const mail = await smtp.next(address);
        await page.goBack();
        await shot(page, `back-from-code-${database}`);
        if (await box.email.isVisible()) {
          const seen = await box.enterEmail(address);
          await box.enterCode(codeIn(await smtp.next(address, seen)));
        } else {
          await box.enterCode(codeIn(mail));
        }
        await expectUrl(page, url => url.origin === app.origin);
        assert.equal(await signedIn(page), true);
        await page.goBack();
        await page.waitForLoadState('domcontentloaded');
        await shot(page, `back-after-login-${database}`);
        // Wherever the history leads, the way forward is one click or none.
        await page.goto(`${app.origin}/`);
        assert.equal(await signedIn(page), true);
        await who.verdict();
      });
    }

    test('reload of the code page sends nothing twice and still takes the code', async () => {
      const address = fresh('again');
      await start();
      const seen = await box.enterEmail(address);
      const mail = await smtp.next(address, seen);
      await page.reload();
      await box.code.waitFor();
      await box.enterCode(codeIn(mail));
      await expectUrl(page, url => url.origin === app.origin);
      assert.equal(smtp.codes(address).length, seen + 1);
      await who.verdict();
    });

    test('a wrong code five times: no sixth try, not even with the right one', async () => {
      const address = fresh('wrong');
      await start();
      const seen = await box.enterEmail(address);
      const right = codeIn(await smtp.next(address, seen));
      const wrong = right === '000000' ? '000001' : '000000';
      for (let n = 0; n < 5; n++) {
        await box.enterWrongCode(wrong);
        if (n === 0) { await shot(page, `wrong-code-${database}`); }
      }
      await shot(page, `wrong-code-five-${database}`);
      if (await box.code.isVisible()) { await box.enterWrongCode(right); }
      assert.notEqual(new URL(page.url()).origin, app.origin, 'the right code came too late');
      // The way forward: a new code.
      const before = smtp.codes(address).length;
      if (await box.email.isVisible()) {
        await box.enterEmail(address);
      } else {
        await page.getByRole('button', { name: 'Send a new code' }).click();
      }
      await box.enterCode(codeIn(await smtp.next(address, before)));
      await expectUrl(page, url => url.origin === app.origin);
      await who.verdict();
    });

    test('the link in the mail, in the same browser: a button, and in', async () => {
      const address = fresh('link');
      await start();
      const seen = await box.enterEmail(address);
      const tab = await who.context.newPage();
      await tab.goto(linkIn(await smtp.next(address, seen), server));
      await shot(tab, `mail-link-${database}`);
      assert.equal(new URL(tab.url()).origin === app.origin, false, 'looking at the link does not use it');
      await tab.getByRole('button').first().click();
      await expectUrl(tab, url => url.origin === app.origin);
      assert.equal(await signedIn(tab), true);
      assert.equal((await identity(tab)).email, address);
      await who.verdict();
    });

    test('the link in the mail, in another browser: refused, and the first one still gets in', async () => {
      const address = fresh('elsewhere');
      await start();
      const seen = await box.enterEmail(address);
      const mail = await smtp.next(address, seen);
      const other = await person(browser, { origins });
      await other.page.goto(linkIn(mail, server));
      const button = other.page.getByRole('button').first();
      if (await button.isVisible()) { await Promise.all([other.page.waitForEvent('domcontentloaded'), button.click()]); }
      await shot(other.page, `mail-link-elsewhere-${database}`);
      assert.notEqual(new URL(other.page.url()).origin, app.origin);
      assert.match(await other.page.locator('body').innerText(), /window|browser|started/i);
      await other.verdict();
      await box.enterCode(codeIn(mail));
      await expectUrl(page, url => url.origin === app.origin);
      assert.equal(await signedIn(page), true);
      await who.verdict();
    });

    test('the address of a login, taken to another browser, starts again there', async () => {
      await start();
      const other = await person(browser, { origins });
      await other.page.goto(page.url());
      await shot(other.page, `other-browser-${database}`);
      assert.equal(await new Box(other.page, server, smtp).email.isVisible(), false);
      await other.page.getByRole('button').or(other.page.getByRole('link')).first().click();
      await other.page.waitForLoadState('domcontentloaded');
      assert.ok(!/error/i.test(await other.page.title()));
      await other.verdict();
      await who.verdict();
    });

    /** The address of a fresh login, asked for by the application's page without the SDK. */
    async function authenticationUrl() {
      const helper = await person(browser, { origins });
      await helper.page.goto(`${app.origin}/`);
      const started = await helper.page.evaluate(async ([admit, redirectUrl]) => {
        const answer = await fetch(`${admit}/api/authentication`, {
          method: 'POST', headers: { 'Content-Type': 'application/json' },
          body: JSON.stringify({ applicationId: 'app_default', redirectUrl, codeChallengeMethod: 'S256', codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM' })
        });
        return answer.json();
      }, [server.url, `${app.origin}/`]);
      await helper.verdict();
      return started.authenticationUrl;
    }

    test('people are never told whether they are known', async () => {
      const known = fresh('known');
      await start();
      await box.signIn(known, app.origin);
      await who.verdict();
      const texts = [];
      for (const address of [known, fresh('unknown')]) {
        await start();
        await box.enterEmail(address);
        texts.push((await page.locator('main').innerText()).replaceAll(address, 'ADDRESS'));
        await who.verdict();
      }
      assert.equal(texts[0], texts[1]);
    });

    if (database === databases[0]) { // the browser's part, which does not hang on what is stored
      test('cookies disabled: the box says so', async () => {
        const address = await authenticationUrl();
        who = await personWithoutCookies({ origins });
        page = who.page;
        box = new Box(page, server, smtp);
        await page.goto(address);
        if (await box.email.isVisible()) {
          await box.email.fill(fresh('nocookie'));
          await Promise.all([page.waitForEvent('domcontentloaded'), box.email.press('Enter')]);
        }
        await page.getByText(/cookie/i).first().waitFor();
        await shot(page, `no-cookies-${database}`);
        await who.verdict();
      });

      test('JavaScript off: the box works all the same', async () => {
        const address = fresh('plain');
        const location = await authenticationUrl();
        who = await person(browser, { origins, javaScriptEnabled: false });
        page = who.page;
        box = new Box(page, server, smtp, { script: false });
        await page.goto(location);
        await shot(page, `no-script-${database}`);
        await box.signIn(address, app.origin);
        assert.ok(new URL(page.url()).searchParams.get('code'));
        await who.verdict();
      });

      test('by keyboard alone, with the focus where it belongs', async () => {
        const address = fresh('keys');
        await start();
        await page.waitForFunction(() => document.activeElement.type === 'email'); // the browser moves it when it first draws the page
        await page.keyboard.type(address);
        await page.keyboard.press('Enter');
        await page.waitForFunction(() => document.activeElement.autocomplete === 'one-time-code');
        await page.waitForLoadState('domcontentloaded');
        await page.keyboard.type(codeIn(await smtp.next(address)));
        await expectUrl(page, url => url.origin === app.origin);
        await who.verdict();
      });

      test('the box asks nobody else, weighs under 30 KB, and is labelled', async () => {
        who = await person(browser, { origins });
        page = who.page;
        await page.goto(`${app.origin}/`);
        const session = await who.context.newCDPSession(page);
        await session.send('Network.enable');
        await session.send('Network.setCacheDisabled', { cacheDisabled: true });
        let bytes = 0;
        const hosts = new Set();
        const mine = new Map();
        session.on('Network.requestWillBeSent', ({ requestId, request }) => { mine.set(requestId, new URL(request.url)); });
        session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
          const url = mine.get(requestId);
          if (url && url.protocol.startsWith('http') && url.port === String(server.port)) { bytes += encodedDataLength; hosts.add(url.host); }
        });
        await authenticate(page);
        await page.waitForLoadState('networkidle');
        assert.ok(bytes > 0 && bytes < 30 * 1024, `the box transferred ${bytes} bytes`);
        const unlabelled = await page.locator('input:not([type=hidden])').evaluateAll(inputs => inputs.filter(input => !input.labels.length && !input.ariaLabel).map(input => input.name));
        assert.deepEqual(unlabelled, []);
        assert.ok(await page.evaluate(() => document.documentElement.lang && document.querySelector('h1') && document.querySelector('main')));
        assert.equal(await page.locator('script:not([src])').count(), 0);
        const policy = (await page.request.get(page.url())).headers()['content-security-policy'];
        assert.match(policy, /script-src/);
        assert.ok(!/unsafe-inline|unsafe-eval/.test(policy), policy);
        await who.verdict();
      });

      test('looks right at every size, in both themes', async () => {
        for (const colorScheme of ['light', 'dark']) {
          for (const width of [360, 768, 1440]) {
            await start({ colorScheme, viewport: { width, height: width === 360 ? 740 : 900 } });
            await shot(page, `look-email-${width}-${colorScheme}`);
            await box.enterEmail(fresh('look'));
            await shot(page, `look-code-${width}-${colorScheme}`);
            assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `no sideways scrolling at ${width}`);
            await who.verdict();
          }
        }
      });

      test('speaks the language of the browser', async () => {
        const titles = new Set();
        for (const locale of ['en-GB', 'de-DE', 'es-ES', 'fr-FR', 'ja-JP']) {
          await start({ locale });
          assert.equal(await page.evaluate(() => document.documentElement.lang.slice(0, 2)), locale.slice(0, 2));
          titles.add(await page.locator('h1').innerText());
          await shot(page, `language-${locale}`);
          await who.verdict();
        }
        assert.equal(titles.size, 5);
      });
    }
  });

  describe(`an expired request on ${database}`, () => {
    let server;
    let smtp;
    let app;
    let browser;
    before(told(async () => {
      smtp = await startSmtp();
      server = await startAdmit({ database, dev: false, smtp, testClock: true });
      app = await startApplication(server.url);
      await allowRedirects(server, [`${app.origin}/`], { redirectMode: 'origin' });
      browser = await launch();
    }));
    after(async () => { await browser?.close(); await app?.stop(); await server?.stop(); await smtp?.stop(); });

    test('says so, and starts again with one click', async () => {
      const who = await person(browser, { origins: [server.url, server.local, app.origin] });
      const { page } = who;
      const box = new Box(page, server, smtp);
      await page.goto(`${app.origin}/`);
      await page.evaluate(() => { window.login.authenticate(); });
      await expectUrl(page, url => url.pathname === '/login');
      await server.restart({ ADMIT_TEST_CLOCK_OFFSET: '2h' });
      await page.reload();
      await shot(page, `expired-${database}`);
      assert.equal(await box.email.isVisible(), false);
      assert.match(await page.locator('main').innerText(), /expired|too long/i);
      await page.getByRole('button').or(page.getByRole('link')).first().click();
      await box.email.waitFor();
      await box.signIn('late@example.com', app.origin);
      await who.verdict();
    });
  });
}

/** The confirmation link in a mail message. */
function linkIn(mail, server) {
  const link = mail.text.match(/https?:\/\/\S+\/login\/link\?\S+/)?.[0];
  assert.ok(link, `no link in the mail:\n${mail.text}`);
  assert.ok([server.url, server.local].some(origin => link.startsWith(origin)));
  server.log.secret('mail link', new URL(link).searchParams.get('token'));
  return link;
}
