// The login box as a person meets it: by what the fields are for, not by how they are built.

import { expectUrl } from './browser.mjs';
import { codeIn } from './signin.mjs';

export class Box {
  /** `script`: whether the browser runs the page's script, which sends a code off with its sixth digit. */
  constructor(page, server, smtp, { script = true } = {}) { Object.assign(this, { page, server, smtp, script }); }

  get email() { return this.page.locator('input[type=email]'); }
  get code() { return this.page.locator('input[autocomplete="one-time-code"]'); }
  get error() { return this.page.locator('[role=alert]'); }

  /** Types the address and sends it. Answers how many messages that address had got before. */
  async enterEmail(address) {
    const seen = this.smtp?.codes(address).length ?? 0;
    await this.email.fill(address);
    await this.email.press('Enter');
    await this.code.waitFor();
    return seen;
  }

  async enterCode(code) {
    await this.page.waitForLoadState('domcontentloaded'); // the script is there, which looks at what is typed from then on
    await this.code.fill(code);
    if (!this.script) { await this.code.press('Enter'); }
  }

  /** Types a code that will not do, and waits for the page that says so. */
  async enterWrongCode(code) {
    await this.page.waitForLoadState('domcontentloaded'); // of this page: what is waited for is the next one
    await Promise.all([this.page.waitForEvent('domcontentloaded'), this.enterCode(code)]);
    await this.error.first().waitFor();
  }

  /** From the empty box to the application at `origin`. */
  async signIn(address, origin) {
    const seen = await this.enterEmail(address);
    await this.enterCode(codeIn(await this.smtp.next(address, seen)));
    await expectUrl(this.page, url => url.origin === origin);
  }
}
