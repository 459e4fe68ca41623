// Plain HTTP as foreign clients speak it: the path goes out byte for byte, and every header may be set.

import { request } from 'node:http';

/**
 * Sends one request to a server of harness/admit.mjs and answers {status, headers, text, json}.
 * `body` is sent as JSON, `raw` as it is and without a Content-Type. `host` defaults to the host of the server's public URL.
 */
export function http(server, method, path, { headers = {}, body, raw, token, host } = {}) {
  const payload = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const outgoing = request({
      host: '127.0.0.1', port: server.port, method, path, agent: false,
      headers: {
        Host: host || new URL(server.url).host,
        ...(token ? { Authorization: `Bearer ${token}` } : {}),
        ...(payload === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
        ...headers
      }
    }, answer => {
      const chunks = [];
      answer.on('data', chunk => chunks.push(chunk)).on('error', reject).on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        let json;
        try { json = JSON.parse(text); } catch { json = undefined; }
        resolve({ status: answer.statusCode, headers: answer.headers, text, json });
      });
    });
    outgoing.on('error', reject).end(raw ?? payload);
  });
}
