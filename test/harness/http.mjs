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
        try {
          judge(method, path, answer, text);
        } catch (error) {
          return reject(error);
        }
        return resolve({ status: answer.statusCode, headers: answer.headers, text, json });
      });
    });
    outgoing.on('error', reject).end(raw ?? payload);
  });
}

/** What holds for every answer: no server error but a deliberate 503, no stack trace, and nothing that may be kept when it holds a token. */
function judge(method, path, { statusCode, headers }, text) {
  const where = `${method} ${path.split('?')[0]}`;
  if (statusCode >= 500 && statusCode !== 503) { throw new Error(`${where} answered ${statusCode}: ${text.slice(0, 500)}`); }
  if (/goroutine \d+ \[|\.go:\d+/.test(text)) { throw new Error(`${where} shows its inside: ${text.slice(0, 500)}`); }
  if (/"(access_token|id_token|accessKey)"/.test(text) && headers['cache-control'] !== 'no-store') {
    throw new Error(`${where} answers a secret with Cache-Control: ${headers['cache-control']}`);
  }
}
