// Debian's libapache2-mod-auth-openidc: Apache in front of a page, with a configuration of its own, on a free port, as a child.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { http } from '../harness/http.mjs';
import { eventually, freePort, temporaryFolder } from '../harness/net.mjs';
import { startRig } from './rig.mjs';

const modules = '/usr/lib/apache2/modules';

/** Starts Apache for one client. Answers {origin, log, stop}. */
async function startApache(port, directives) {
  if (!existsSync('/usr/sbin/apache2') || !existsSync(`${modules}/mod_auth_openidc.so`)) {
    throw new Error('Apache with mod_auth_openidc is needed: apt-get install apache2-bin libapache2-mod-auth-openidc');
  }
  const folder = await temporaryFolder();
  await chmod(folder.path, 0o755);
  await mkdir(join(folder.path, 'www/protected'), { recursive: true });
  await writeFile(join(folder.path, 'www/protected/index.html'), 'the page');
  await writeFile(join(folder.path, 'www/bye.html'), 'bye');
  const log = join(folder.path, 'error.log');
  const load = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'dir', 'headers', 'auth_openidc'].map(name => `LoadModule ${name}_module ${modules}/mod_${name}.so`);
  await writeFile(join(folder.path, 'httpd.conf'), `
ServerRoot ${folder.path}
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${folder.path}/pid
DefaultRuntimeDir ${folder.path}
ErrorLog ${log}
StartServers 1
ServerLimit 1
${load.join('\n')}
${process.getuid() === 0 ? 'User www-data\nGroup www-data' : ''}
DocumentRoot ${folder.path}/www
DirectoryIndex index.html
OIDCCryptoPassphrase ${'conformance'.repeat(3)}
OIDCRedirectURI http://localhost:${port}/protected/redirect_uri
${directives.join('\n')}
<Location /protected>
  AuthType openid-connect
  Require valid-user
  Header always set X-Who "expr=%{REMOTE_USER}"
</Location>
`);
  const child = spawn('/usr/sbin/apache2', ['-f', join(folder.path, 'httpd.conf'), '-DFOREGROUND'], { stdio: 'ignore' });
  const exited = new Promise(resolve => child.once('exit', resolve));
  const origin = `http://localhost:${port}`;
  const stop = async () => { child.kill('SIGTERM'); await exited; await folder.remove(); };
  await eventually('Apache is ready', async () => (await fetch(`${origin}/bye.html`)).ok).catch(async error => {
    const text = await readFile(log, 'utf8').catch(() => 'no log');
    await stop();
    throw new Error(`Apache did not start:\n${text}`, { cause: error });
  });
  return { origin, log: () => readFile(log, 'utf8'), stop };
}

/** The cookies of the person's browser for Apache, and requests with them. */
class Tab {
  cookies = new Map();
  async get(url, form) {
    const { port, origin, pathname, search } = new URL(url);
    const raw = form?.toString();
    const answer = await http({ port, url: origin }, raw ? 'POST' : 'GET', pathname + search, { raw, headers: {
      Cookie: [...this.cookies].map(pair => pair.join('=')).join('; '), Accept: 'text/html', 'Sec-Fetch-Mode': 'navigate', 'Sec-Fetch-Dest': 'document',
      ...(raw ? { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': Buffer.byteLength(raw) } : {})
    } });
    for (const line of answer.headers['set-cookie'] || []) {
      const [name, value] = line.split(';')[0].split(/=(.*)/s);
      value ? this.cookies.set(name, value) : this.cookies.delete(name);
    }
    const { location } = answer.headers;
    return { status: answer.status, who: answer.headers['x-who'], to: location && new URL(location, url), text: answer.text };
  }
}

for (const database of databases) {
  describe(`mod_auth_openidc on ${database}`, () => {
    let rig;
    const started = [];
    before(told(async () => { rig = await startRig({ database }); }));
    after(async () => { await Promise.all(started.map(apache => apache.stop())); await rig?.stop(); });

    async function site(settings, directives = []) {
      const port = await freePort();
      const origin = `http://localhost:${port}`;
      const own = `${origin}/protected/redirect_uri`;
      const client = await rig.client({
        tokenEndpointAuthMethod: 'client_secret_basic', idTokenSignedResponseAlg: 'RS256', postLogoutRedirectUrls: [`${origin}/bye.html`], ...settings(own)
      }, { redirectUrls: [own] });
      const apache = await startApache(port, [
        `OIDCProviderMetadataURL ${rig.issuer}/.well-known/openid-configuration`, `OIDCClientID ${client.clientId}`, `OIDCClientSecret ${client.clientSecret}`,
        'OIDCPKCEMethod S256', 'OIDCScope "openid email"', ...directives
      ]);
      started.push(apache);
      return { ...apache, own };
    }
    const none = () => ({});
    let people = 0;
    const somebody = () => rig.person(`person-${++people}@example.com`);
    const page = apache => `${apache.origin}/protected/index.html`;

    /** From the protected page through the sign-in back to it. */
    async function open(apache, ann, tab) {
      const sent = await tab.get(page(apache));
      assert.equal(sent.status, 302, sent.text);
      assert.equal(sent.to.searchParams.get('code_challenge_method'), 'S256');
      const back = await ann.authorize(sent.to);
      const returned = await tab.get(back.url, back.as === 'form_post' ? back.params : undefined);
      assert.equal(returned.status, 302, `${returned.text}\n${await apache.log()}`);
      const shown = await tab.get(returned.to);
      assert.deepEqual([shown.status, shown.text], [200, 'the page'], await apache.log());
      return { shown, back };
    }

    test('code with PKCE; the page knows who it is', async () => {
      const apache = await site(none);
      const { shown, back } = await open(apache, somebody(), new Tab());
      assert.equal(back.as, 'query');
      assert.match(shown.who, /^usr_\w+@/);
    });

    test('form_post', async () => {
      const apache = await site(none, ['OIDCResponseMode form_post']);
      assert.equal((await open(apache, somebody(), new Tab())).back.as, 'form_post');
    });

    test('userinfo as a JWT', async () => {
      const apache = await site(() => ({ userinfoSignedResponseAlg: 'RS256' }), ['OIDCUserInfoSignedResponseAlg RS256']);
      assert.equal((await open(apache, somebody(), new Tab())).shown.status, 200);
    });

    test('logout begun at the site: the session of the server ends, the browser comes back', async () => {
      const apache = await site(none);
      const [ann, tab] = [somebody(), new Tab()];
      await open(apache, ann, tab);
      const sent = await tab.get(`${apache.own}?logout=${encodeURIComponent(`${apache.origin}/bye.html`)}`);
      assert.ok(sent.to.searchParams.get('id_token_hint'));
      const end = await ann.open('GET', sent.to.href);
      assert.ok((end.left?.href ?? end.text).includes('/bye.html'), end.text);
      assert.equal((await tab.get(page(apache))).status, 302);
      assert.equal((await ann.visit(`${(await tab.get(page(apache))).to.href}&prompt=none`)).left.searchParams.get('error'), 'login_required');
    });

    test('front-channel logout ends the session of a site that was not asked', async () => {
      const [one, two] = [await site(none), await site(own => ({ frontchannelLogoutUrl: `${own}?logout=get`, frontchannelLogoutSessionRequired: true }))];
      const [ann, first, second] = [somebody(), new Tab(), new Tab()];
      await open(one, ann, first);
      await open(two, ann, second);
      assert.equal((await second.get(page(two))).status, 200);
      const end = await ann.open('GET', (await first.get(`${one.own}?logout=${encodeURIComponent(`${one.origin}/bye.html`)}`)).to.href);
      const frame = [...end.text.matchAll(/<iframe\b[^>]*\ssrc="([^"]+)"/g)].map(([, src]) => src.replaceAll('&amp;', '&')).find(src => src.startsWith(two.own));
      assert.ok(frame, end.text);
      assert.equal((await second.get(frame)).status, 200);
      assert.equal((await second.get(page(two))).status, 302);
    });

    test('back-channel logout ends the session of a site that was not asked', async () => {
      const [one, two] = [await site(none), await site(own => ({ backchannelLogoutUrl: `${own}?logout=backchannel`, backchannelLogoutSessionRequired: true }))];
      const [ann, first, second] = [somebody(), new Tab(), new Tab()];
      await open(one, ann, first);
      await open(two, ann, second);
      assert.equal((await second.get(page(two))).status, 200);
      await ann.open('GET', (await first.get(`${one.own}?logout=${encodeURIComponent(`${one.origin}/bye.html`)}`)).to.href);
      await eventually('the site was told', async () => (await second.get(page(two))).status === 302).catch(async error => { throw new Error(await two.log(), { cause: error }); });
    });
  });
}
