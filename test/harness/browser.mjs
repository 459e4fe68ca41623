// The browser: Debian's Chromium, driven by playwright-core, and what every page in it must keep to.
//
// Most tests need the engine alone: chromium-headless-shell, which takes less than half of the processor for the same pages.
// Without it, everything runs in the whole browser. What lies around the engine, such as the settings of the browser, the
// autofill of passkeys and keys that sessions are bound to, is tested in the whole browser always.

import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { databases } from './database.mjs';
import { limit, pause, temporaryFolder } from './net.mjs';

const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

/** The whole browser, and its engine alone. */
export const whole = process.env.CHROMIUM || '/usr/bin/chromium';
export const engine = process.env.CHROMIUM_SHELL || (existsSync('/usr/bin/chromium-headless-shell') ? '/usr/bin/chromium-headless-shell' : whole);

const options = {
  executablePath: whole,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--ignore-certificate-errors', '--host-resolver-rules=MAP *.test 127.0.0.1'
  ]
};
const window = { ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1280, height: 900 } };

/**
 * A browser. `names`: instead of every *.test on its own port, where names and ports are, in Chromium's words:
 * "MAP *.test:443 127.0.0.1:8443". `executablePath`: which browser, the engine alone if not said.
 */
export const launch = ({ names, executablePath = engine } = {}) => chromium.launch({
  ...options, executablePath, timeout: limit,
  args: names ? [...options.args.filter(arg => !arg.startsWith('--host-resolver-rules=')), `--host-resolver-rules=${names}`] : options.args
});

/**
 * A browser window of one person, with nothing remembered. `origins` are the only ones that its pages may speak to; what pages
 * of `strangers` (of another provider) load is cut off and nobody's fault here.
 * Answers {context, page, requests, verdict}: verdict() closes the window, and fails when a page asked another host, met a
 * server error, threw, or broke its own content security policy.
 */
export async function person(browser, { origins, strangers, ...more } = {}) {
  const context = await browser.newContext({ ...window, ...more });
  return watched(context, origins, strangers, () => context.close());
}

/** The same in a browser of its own whose user has switched cookies off, by the browser's own setting. */
export async function personWithoutCookies({ origins } = {}) {
  const folder = await temporaryFolder();
  await mkdir(join(folder.path, 'Default'));
  await writeFile(join(folder.path, 'Default/Preferences'), JSON.stringify({ profile: { default_content_setting_values: { cookies: 2 } } }));
  const context = await chromium.launchPersistentContext(folder.path, { ...options, ...window, timeout: limit });
  return watched(context, origins, [], async () => { await context.close(); await folder.remove(); });
}

/**
 * The same in a browser of its own that binds sessions to keys (Device Bound Session Credentials). The keys are in software, by a
 * switch that Chromium has for tests: elsewhere it wants a TPM or the like. It does so for certificates that it trusts only, so
 * the one of the front is trusted by its key instead of ignored.
 */
export async function binding({ origins, certificate } = {}) {
  const folder = await temporaryFolder();
  const features = 'DeviceBoundSessions:RequireOriginTrialTokens/false,EnableBoundSessionCredentialsSoftwareKeysForManualTesting';
  const key = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: 'spki', format: 'der' });
  const args = options.args.filter(arg => arg !== '--ignore-certificate-errors').concat(
    `--ignore-certificate-errors-spki-list=${createHash('sha256').update(key).digest('base64')}`, `--enable-features=${features}`);
  const context = await chromium.launchPersistentContext(folder.path, { ...options, ...window, timeout: limit, ignoreHTTPSErrors: false, args });
  return watched(context, origins, [], async () => { await context.close(); await folder.remove(); });
}

// A test that passes only because scripts and answers come at once fails on a busy machine: SLOW=500 lets each request wait for
// half a second at most, and SLOW=500,8 also takes eight times as long for what a page does itself.
const [delay = 0, rate = 1] = (process.env.SLOW || '').split(',').map(Number);
async function slow(context) {
  if (delay) {
    await context.route(() => true, async route => {
      await pause(Math.random() * delay);
      await route.fallback().catch(() => {}); // the page is gone
    });
  }
  if (rate > 1) { context.on('page', async page => (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate }).catch(() => {})); }
}

async function watched(context, origins, strangers = [], close) {
  context.setDefaultTimeout(limit);
  await slow(context);
  const wrong = [];
  const requests = [];
  if (strangers.length) { await context.route(url => url.protocol.startsWith('http') && !origins.includes(url.origin), route => route.abort()); }
  context.on('request', request => {
    const url = new URL(request.url());
    requests.push(request);
    const ours = request.isNavigationRequest() || !strangers.includes(new URL(request.frame().url()).origin);
    if (url.protocol.startsWith('http') && origins && !origins.includes(url.origin) && ours) { wrong.push(`a page asked another host: ${url.origin}`); }
  });
  context.on('response', response => {
    if (response.status() >= 500 && response.status() !== 503) { wrong.push(`${response.status()} from ${response.url().split('?')[0]}`); }
  });
  context.on('weberror', error => wrong.push(`a page threw: ${error.error().stack}`));
  context.on('console', message => {
    if (/Content[- ]Security[- ]Policy|Refused to/i.test(message.text())) { wrong.push(`the console: ${message.text()}`); }
  });
  return {
    context, requests, page: await context.newPage(),
    async verdict() {
      await close();
      if (wrong.length) { throw new Error([...new Set(wrong)].join('\n')); }
    }
  };
}

/** Saves what the page looks like under test/artifacts. It looks the same on every database: pictures are of the first. */
export async function shot(page, name, options = {}) {
  if (databases.slice(1).some(other => name.split('-').includes(other))) { return; }
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: `${artifacts}${name}.png`, animations: 'disabled', ...options });
}

/** Waits until the page's address satisfies the test, and its document is there. */
export async function expectUrl(page, matches) {
  await page.waitForURL(matches, { waitUntil: 'domcontentloaded' }).catch(async error => {
    throw new Error(`the page stayed at ${page.url().split('?')[0]}: ${(await page.locator('body').innerText().catch(() => '')).slice(0, 600)}`, { cause: error });
  });
}
