// The browser: Debian's Chromium, driven by playwright-core, and what every page in it must keep to.

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const artifacts = fileURLToPath(new URL('../artifacts/', import.meta.url));

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
    '--disable-sync', '--ignore-certificate-errors', '--host-resolver-rules=MAP *.test 127.0.0.1'
  ]
});

/**
 * A browser window of one person, with nothing remembered. `origins` are the only ones that its pages may speak to.
 * Answers {context, page, verdict}: verdict() fails when a page asked another host, met a server error, or threw.
 */
export async function person(browser, { origins, ...options } = {}) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en-GB', viewport: { width: 1280, height: 900 }, ...options });
  context.setDefaultTimeout(10_000);
  const wrong = [];
  const requests = [];
  context.on('request', request => {
    const url = new URL(request.url());
    requests.push(request);
    if (url.protocol.startsWith('http') && origins && !origins.includes(url.origin)) { wrong.push(`a page asked another host: ${url.origin}`); }
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
      await context.close();
      if (wrong.length) { throw new Error([...new Set(wrong)].join('\n')); }
    }
  };
}

/** Saves what the page looks like under test/artifacts. */
export async function shot(page, name, options = {}) {
  mkdirSync(artifacts, { recursive: true });
  await page.screenshot({ path: `${artifacts}${name}.png`, animations: 'disabled', ...options });
}
