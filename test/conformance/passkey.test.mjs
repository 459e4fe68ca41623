// npm @simplewebauthn/server as a second verifier of passkeys: what our ceremonies ask for and accept, it accepts;
// what it asks for, our authenticator answers; what is bent, both refuse.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { generateAuthenticationOptions, generateRegistrationOptions, verifyAuthenticationResponse, verifyRegistrationResponse } from '@simplewebauthn/server';
import { repository } from '../harness/binary.mjs';

const rpID = 'login.example.com';
const origin = `https://${rpID}`;
const algorithms = { ES256: -7, Ed25519: -8, ES384: -35, RS256: -257 };
// How a browser or an authenticator can go wrong, in the words of test/passkey.
const bends = ['nobody there', 'not verified', 'backed up, not eligible', 'origin', 'type', 'challenge', 'RP id', 'trailing byte'];

describe('passkeys and @simplewebauthn/server', () => {
  let child;
  let lines;
  before(() => {
    const path = fileURLToPath(new URL('../.bin/passkey', import.meta.url));
    execFileSync('go', ['build', '-o', path, './test/passkey'], { cwd: repository, stdio: 'inherit', env: { ...process.env, CGO_ENABLED: '0' } });
    child = spawn(path, { stdio: ['pipe', 'pipe', 'inherit'] });
    lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  });
  after(() => child?.stdin.end());

  async function ask(command) {
    child.stdin.write(`${JSON.stringify(command)}\n`);
    const answer = JSON.parse((await lines.next()).value);
    assert.equal(answer.error, undefined, answer.error);
    return answer;
  }
  const registered = (options, response) => verifyRegistrationResponse({
    response, expectedChallenge: options.challenge, expectedOrigin: origin, expectedRPID: rpID, requireUserVerification: true,
    supportedAlgorithmIDs: Object.values(algorithms)
  });
  const authenticated = (options, response, credential) => verifyAuthenticationResponse({
    response, expectedChallenge: options.challenge, expectedOrigin: origin, expectedRPID: rpID, credential, requireUserVerification: true
  });
  /** A registration in Admit's ceremony, judged by both: what the other verifier keeps. */
  async function register(user, algorithm) {
    const { options } = await ask({ op: 'registration', user });
    const { response } = await ask({ op: 'create', options, algorithm });
    assert.equal((await ask({ op: 'register', user, response })).user, user);
    const { verified, registrationInfo } = await registered(options, response);
    assert.equal(verified, true);
    assert.equal(registrationInfo.userVerified, true);
    return registrationInfo.credential;
  }

  for (const [name, algorithm] of Object.entries(algorithms)) {
    test(`${name}: what Admit registers and accepts, the other accepts`, async () => {
      const user = `usr_${name}`;
      const credential = await register(user, algorithm);
      for (const whose of [undefined, user]) {
        const { options } = await ask({ op: 'request', user: whose });
        const { response } = await ask({ op: 'get', options });
        assert.equal((await ask({ op: 'login', user: whose, response })).user, user);
        const { verified, authenticationInfo } = await authenticated(options, response, credential);
        assert.equal(verified, true);
        credential.counter = authenticationInfo.newCounter;
      }
    });

    test(`${name}: what the other asks for, our authenticator answers`, async () => {
      const options = await generateRegistrationOptions({ rpName: 'Other', rpID, userName: 'ann', supportedAlgorithmIDs: Object.values(algorithms) });
      const { response } = await ask({ op: 'create', options, algorithm });
      const { verified, registrationInfo } = await registered(options, response);
      assert.equal(verified, true);
      const request = await generateAuthenticationOptions({ rpID, userVerification: 'required', allowCredentials: [{ id: response.id }] });
      const got = await ask({ op: 'get', options: request });
      assert.equal((await authenticated(request, got.response, registrationInfo.credential)).verified, true);
    });
  }

  const refuses = async verify => {
    try { return !(await verify()).verified; } catch { return true; }
  };
  for (const bend of bends) {
    test(`both refuse: ${bend}`, async () => {
      const user = `usr_${bend}`;
      const first = await ask({ op: 'registration', user });
      const bent = await ask({ op: 'create', options: first.options, algorithm: -7, bend });
      assert.ok((await ask({ op: 'register', user, response: bent.response })).refused);
      assert.ok(await refuses(() => registered(first.options, bent.response)), 'the other accepts the registration');
      const credential = await register(`${user} good`, -7);
      const { options } = await ask({ op: 'request', user: `${user} good` });
      const { response } = await ask({ op: 'get', options, bend });
      assert.ok((await ask({ op: 'login', user: `${user} good`, response })).refused);
      assert.ok(await refuses(() => authenticated(options, response, credential)), 'the other accepts the login');
    });
  }

  test('both refuse: a counter that went back', async () => {
    const credential = await register('usr_counter', -7);
    for (const bend of ['', 'counter back']) {
      const { options } = await ask({ op: 'request', user: 'usr_counter' });
      const { response } = await ask({ op: 'get', options, bend });
      const { refused } = await ask({ op: 'login', user: 'usr_counter', response });
      assert.equal(refused, bend ? 'cloned' : undefined);
      const second = refuses(() => authenticated(options, response, credential));
      assert.equal(await second, Boolean(bend));
      if (!bend) { credential.counter = 1; }
    }
  });
});
