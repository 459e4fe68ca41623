// A small API behind Admit, in Node. Every request goes through the same two questions:
// who is this (verifyToken), and may they (authorizeUser, getUserResources).
//
//   GET  /api/accounts        200 the accounts that the person may read (perhaps none)
//   GET  /api/accounts/{id}   200, or 404 when the person may not read it, whether or not it exists
//   GET  /api/waiting-list    200 {mayOpen}
//   POST /api/accounts        201, or 403 when the person may not open accounts
//
// All of them answer 401 to a token that is missing, forged, expired or of another issuer, and 503 when Admit
// cannot be asked: an API that does not know says no.

import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import sdk from '@authress/sdk';
import { config, requireAccessKey } from '../config.mjs';
import { ensureRoles, holderRecord } from '../roles.mjs';
import * as accounts from './accounts.mjs';

const { AuthressClient, UnauthorizedError } = sdk;

class HttpError extends Error {
  constructor(status, title) {
    super(title);
    this.status = status;
  }
}

/** Builds the API over one Admit client. The client's access key is the API's own; people's tokens are only verified. */
export function createApi(admit, issuer) {
  /** The user id of the person who holds the request's token. */
  async function person(request) {
    const [scheme, token] = (request.headers.authorization || '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || !token) { throw new HttpError(401, 'Please sign in.'); }
    let claims;
    try {
      claims = await admit.verifyToken(token);
    } catch (error) {
      // No answer from Admit, or a broken one, is not the person's fault; anything else is a token that cannot be trusted.
      const unreachable = error?.status >= 500 || /^E[A-Z]+$/.test(error?.code || '');
      throw unreachable ? new HttpError(503, 'Admit cannot be reached.') : new HttpError(401, 'This token is not accepted.');
    }
    // verifyToken accepts service clients as well, whose issuer is a path below Admit's. This API serves people.
    if (claims.iss !== issuer || !claims.sub) { throw new HttpError(401, 'This token is not accepted.'); }
    return claims.sub;
  }

  async function may(userId, resourceUri, permission) {
    try {
      await admit.userPermissions.authorizeUser(userId, resourceUri, permission);
      return true;
    } catch (error) {
      if (error instanceof UnauthorizedError) { return false; }
      throw new HttpError(503, 'Admit did not answer the permission check.');
    }
  }

  async function list(userId) {
    const readable = new Set();
    let cursor;
    do {
      const { data } = await admit.userPermissions.getUserResources(userId, 'accounts/*', 20, cursor, 'accounts:read');
      if (data.accessToAllSubResources) { return { accounts: accounts.all() }; }
      for (const { resourceUri } of data.resources || []) { readable.add(resourceUri.split('/').filter(Boolean)[1]); }
      cursor = data.pagination?.next?.cursor;
    } while (cursor);
    return { accounts: accounts.all().filter(account => readable.has(account.id)) };
  }

  async function read(userId, id) {
    const account = accounts.find(id);
    if (!account || !await may(userId, `accounts/${id}`, 'accounts:read')) { throw new HttpError(404, 'There is no such account.'); }
    return account;
  }

  async function open(userId, request) {
    if (!await may(userId, 'accounts/*', 'accounts:create')) { throw new HttpError(403, 'You are on the waiting list.'); }
    const { name } = await body(request);
    if (typeof name !== 'string' || !name.trim() || name.length > 40) { throw new HttpError(400, 'Name the account, in at most 40 letters.'); }
    const account = accounts.open(name.trim());
    try {
      await admit.accessRecords.createRecord(holderRecord(userId, account.id));
    } catch {
      accounts.close(account.id);
      throw new HttpError(503, 'Admit did not record the new holder. Nothing was opened.');
    }
    return account;
  }

  async function answer(request) {
    const { pathname } = new URL(request.url, 'http://api');
    const one = pathname.match(/^\/api\/accounts\/([A-Za-z0-9-]{1,64})$/);
    const route = `${request.method} ${one ? '/api/accounts/{id}' : pathname}`;
    const userId = await person(request);
    switch (route) {
      case 'GET /api/accounts': return [200, await list(userId)];
      case 'GET /api/accounts/{id}': return [200, await read(userId, one[1])];
      case 'GET /api/waiting-list': return [200, { mayOpen: await may(userId, 'accounts/*', 'accounts:create') }];
      case 'POST /api/accounts': return [201, await open(userId, request)];
      default: throw new HttpError(404, 'There is nothing at this address.');
    }
  }

  return createServer(async (request, response) => {
    const [status, value] = await answer(request).catch(error => {
      if (!(error instanceof HttpError)) { console.error('node-api:', error?.data || error); }
      return error instanceof HttpError ? [error.status, { title: error.message }] : [503, { title: 'Admit cannot be asked.' }];
    });
    response.writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store',
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {})
    });
    response.end(JSON.stringify(value));
  });
}

async function body(request) {
  let text = '';
  for await (const chunk of request) {
    text += chunk;
    if (text.length > 4096) { throw new HttpError(413, 'That is too much.'); }
  }
  try {
    return JSON.parse(text) ?? {};
  } catch {
    throw new HttpError(400, 'The body is not JSON.');
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  requireAccessKey();
  const admit = new AuthressClient({ authressApiUrl: config.admitUrl }, config.accessKey);
  await ensureRoles(admit).catch(error => {
    console.error(`Admit at ${config.admitUrl} did not accept the access key:`, error.data?.title || error.message || error);
    process.exit(1);
  });
  createApi(admit, config.admitUrl).listen(config.nodePort, '127.0.0.1', () => console.log(`node-api  http://localhost:${config.nodePort}`));
}
