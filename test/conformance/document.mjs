// docs/reference/conformance.md: what passed in a run, and the modules of the OpenID Foundation's plans.
// run.mjs calls check after the tests; `node conformance/document.mjs REPORT` writes the page anew.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { plans } from './modules.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const page = fileURLToPath(new URL('../../docs/reference/conformance.md', import.meta.url));

/** The tests that passed, on each database of the run, by suite without the database: suite -> name -> databases. */
function passedTests(report) {
  const suites = new Map();
  const all = new Set();
  for (const line of readFileSync(report, 'utf8').split('\n').filter(Boolean)) {
    const { suite = '', name, passed } = JSON.parse(line);
    const [, title, database] = suite.match(/^(.*) on (sqlite|postgres)$/) || [];
    if (!title) { continue; }
    all.add(database);
    if (!passed) { continue; }
    const tests = suites.get(title) || new Map();
    suites.set(title, tests.set(name, [...(tests.get(name) || []), database]));
  }
  for (const tests of suites.values()) {
    for (const [name, databases] of tests) { if (databases.length !== all.size) { tests.delete(name); } }
  }
  return suites;
}

/** The tests of the Go module: the first sentence of the comment on each. `go test` says whether they pass. */
function goTests() {
  return readdirSync(here).filter(name => name.endsWith('_test.go')).sort().flatMap(name =>
    [...readFileSync(`${here}${name}`, 'utf8').matchAll(/((?:^\/\/ .*\n)+)func (Test\w+)\(/gm)].map(([, comment]) => comment.replace(/^\/\/ /gm, '').replace(/\s+/g, ' ').trim()));
}

const clients = /** suite -> who */ [
  [/^openid-client$/, 'npm `openid-client` 6: the ways to a code'], [/^openid-client, grants,$/, 'npm `openid-client` 6: other grants, and what tokens are good for'],
  [/^openid-client, certificates/, 'npm `openid-client` 6: certificates behind a proxy, and nonces of the server'], [/^registration$/, 'npm `openid-client` 6: registration'],
  [/^oidc-client-ts/, 'npm `oidc-client-ts` 3 in Chromium'], [/^mod_auth_openidc/, 'Debian\'s `libapache2-mod-auth-openidc` in Apache'],
  [/^oidc-agent/, 'Debian\'s `oidc-agent`']
];

function write(suites) {
  const out = [`# Conformance

What strict clients that are not ours did with a running server, and which of our tests state the intent of each test module of the OpenID
Foundation's plans. The page is made from a run: \`node test/run.mjs conformance\` fails when it says something else than what passed.
Admit has not been certified; the plans of the Foundation were read, not run.

## Which clients exercised what

Every line passed on SQLite and on PostgreSQL. Every client verified what it got by its own rules; beyond that the tests compare \`at_hash\`
and \`c_hash\`, and JWT access tokens are judged by the validator of RFC 9068 in npm \`oauth4webapi\` 3, which is also what \`openid-client\` 6 is
made of. Each line about a way to a code is seven sign-ins, one for each response mode; ID tokens take turns between EdDSA, RS256, ES256,
PS256, and encrypted ones (RSA-OAEP-256 and ECDH-ES).
`];
  for (const [pattern, title] of clients) {
    const tests = [...suites].filter(([suite]) => pattern.test(suite)).flatMap(([, names]) => [...names.keys()]);
    if (!tests.length) { continue; }
    out.push(`### ${title}\n`, ...tests.map(name => `- ${name}`), '');
  }
  out.push('### Go: `coreos/go-oidc` 3, `golang.org/x/oauth2`, `zitadel/oidc` 3\n', ...goTests().map(text => `- ${text}`), '');
  out.push(`## The OpenID Foundation's plans

Names are those of the conformance suite in August 2026. **Stated** rows name our test (\`test/conformance\`); **open** is open; what is **not
applicable** says why.
`);
  const total = { stated: 0, open: 0, 'not applicable': 0 };
  const lines = [];
  for (const { plan, suite: of, modules } of plans) {
    lines.push(`### ${plan}\n`, '| module | | our test, or why not |', '|---|---|---|');
    for (const [module, row] of Object.entries(modules)) {
      const [kind, text] = row.open ? ['open', row.open] : row.not ? ['not applicable', row.not] : ['stated', `${row.suite || of}: ${row.test}${row.but ? `. ${row.but}` : ''}`];
      if (kind === 'stated') {
        const passed = suites.get(row.suite || of)?.get(row.test);
        if (!passed) { throw new Error(`${module} names a test that did not pass: ${row.suite || of}: ${row.test}`); }
      }
      total[kind]++;
      lines.push(`| \`${module}\` | ${kind} | ${text.replaceAll('|', '\\|')} |`);
    }
    lines.push('');
  }
  const all = total.stated + total.open + total['not applicable'];
  out.push(`${all} rows: ${total.stated} stated, ${total.open} open, ${total['not applicable']} not applicable.\n`, ...lines);
  return `${out.join('\n').trimEnd()}\n`;
}

/** Fails when the page is not what the run says. A run on one database judges the same. */
export async function check(report) {
  if (readFileSync(page, 'utf8') !== write(passedTests(report))) {
    throw new Error(`docs/reference/conformance.md is not what passed; write it: node test/conformance/document.mjs ${report}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) { writeFileSync(page, write(passedTests(process.argv[2]))); }
