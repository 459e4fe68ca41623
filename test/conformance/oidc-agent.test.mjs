// Debian's oidc-agent: an agent of the test's own, and its tools.

import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { after, before, describe, test } from 'node:test';
import { told } from '../harness/admit.mjs';
import { databases } from '../harness/database.mjs';
import { eventually, temporaryFolder } from '../harness/net.mjs';
import { claims as inside } from '../harness/signin.mjs';
import { allowRegistration, startRig } from './rig.mjs';

const run = promisify(execFile);

for (const database of databases) {
  describe(`oidc-agent on ${database}`, () => {
    let rig;
    let folder;
    let agent;
    let env;
    before(told(async () => {
      if (spawnSync('oidc-agent', ['--version']).error) { throw new Error('oidc-agent is needed: apt-get install oidc-agent-cli'); }
      [rig, folder] = [await startRig({ database }), await temporaryFolder()];
      await allowRegistration(rig);
      env = { PATH: process.env.PATH, HOME: folder.path, TMPDIR: folder.path, OIDC_CONFIG_DIR: folder.path, OIDC_ENCRYPTION_PW: 'conformance', OIDC_SOCK: join(folder.path, 'socket') };
      agent = spawn('oidc-agent', ['-d', '-a', env.OIDC_SOCK], { env, stdio: 'ignore' });
      await eventually('the agent listens', () => existsSync(env.OIDC_SOCK));
    }));
    after(async () => { agent?.kill(); await folder?.remove(); await rig?.stop(); });

    /** oidc-gen by the device flow; the person types the code that it shows. */
    async function generate(name, args) {
      const child = spawn('oidc-gen', ['--pw-env', '--flow=device', '--no-url-call', '--prompt=none', '--confirm-default', '--iss', rig.issuer, '--scope', 'openid email offline_access', ...args, name], { env });
      let said = '';
      for (const stream of [child.stdout, child.stderr]) { stream.setEncoding('utf8').on('data', text => { said += text; }); }
      const exited = new Promise(resolve => child.once('exit', resolve));
      const code = await eventually('the user code', () => said.match(/code: ([A-Z]{4}-[A-Z]{4})/)?.[1]);
      const page = await rig.person(`${name}@example.com`).visit(`${rig.issuer}/device?user_code=${code}`);
      assert.equal(page.status, 200, page.text);
      assert.equal(await exited, 0, said);
    }
    const token = async (name, ...args) => inside((await run('oidc-token', [...args, name], { env })).stdout.trim());

    test('device flow of a registered client, and tokens by its refresh token', async () => {
      const { clientId, clientSecret } = await rig.client({ tokenEndpointAuthMethod: 'client_secret_basic', idTokenSignedResponseAlg: 'RS256', grantTypes: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'] });
      await generate('device', ['-m', '--client-id', clientId, '--client-secret', clientSecret, '--redirect-uri', 'http://localhost:4242']);
      const first = await token('device', '--force-new');
      assert.deepEqual([first.iss, first.client_id], [rig.issuer, clientId]);
      assert.notEqual((await token('device', '--force-new')).jti, first.jti);
      assert.equal((await token('device', '--force-new', '--scope', 'openid')).scope, 'openid');
    });

    test('dynamic registration, then the device flow', async () => {
      await generate('registered', []);
      assert.equal((await token('registered', '--force-new')).iss, rig.issuer);
    });
  });
}
