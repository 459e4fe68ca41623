// Serves the page, the browser SDK as npm delivered it, and passes /node/ and /go/ on to the two APIs,
// so that the page speaks to one origin only.

import { createServer, request as forward } from 'node:http';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { config } from '../config.mjs';

const file = path => new URL(`./public/${path}`, import.meta.url);
const files = {
  '/': [file('index.html'), 'text/html; charset=utf-8'],
  '/app.js': [file('app.js'), 'text/javascript; charset=utf-8'],
  '/style.css': [file('style.css'), 'text/css; charset=utf-8'],
  '/icon.svg': [file('icon.svg'), 'image/svg+xml'],
  '/sdk/authress.min.js': [createRequire(import.meta.url).resolve('@authress/login'), 'text/javascript; charset=utf-8']
};

const headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': `default-src 'self'; connect-src 'self' ${config.admitUrl}; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'`,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff'
};

const apis = { '/node/': config.nodePort, '/go/': config.goPort };

function pass(request, response, prefix) {
  const upstream = forward({
    host: '127.0.0.1', port: apis[prefix], method: request.method, path: request.url.slice(prefix.length - 1),
    headers: { authorization: request.headers.authorization || '', 'content-type': request.headers['content-type'] || '' }
  }, answer => {
    response.writeHead(answer.statusCode, { ...headers, 'Content-Type': answer.headers['content-type'] || 'application/json' });
    answer.pipe(response);
  });
  upstream.on('error', () => response.writeHead(502, headers).end('{"title":"This API is not running."}'));
  request.pipe(upstream);
}

createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://web');
  const prefix = Object.keys(apis).find(start => pathname.startsWith(start));
  if (prefix) { return pass(request, response, prefix); }
  if (pathname === '/config.json') {
    const { admitUrl, applicationId } = config;
    return response.writeHead(200, { ...headers, 'Content-Type': 'application/json' }).end(JSON.stringify({ admitUrl, applicationId }));
  }
  const found = files[pathname];
  if (!found) { return response.writeHead(404, { ...headers, 'Content-Type': 'text/plain' }).end('Not found'); }
  return response.writeHead(200, { ...headers, 'Content-Type': found[1] }).end(await readFile(found[0]));
}).listen(config.webPort, '127.0.0.1', () => console.log(`web       http://localhost:${config.webPort}`));
