// An SMTP server that keeps what it is given, and the mail messages in it.

import { createServer } from 'node:net';
import { eventually } from './net.mjs';

/** Starts the sink on a free port of 127.0.0.1. */
export async function startSmtp() {
  const messages = [];
  const codes = address => messages.filter(mail => mail.to.includes(address) && /\b\d{3}[ \u00a0]?\d{3}\b/.test(mail.text));
  const server = createServer(socket => serve(socket, messages));
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `smtp://127.0.0.1:${server.address().port}`,
    messages,
    /** The mails to an address that hold a code. Notices come when they come. */
    codes,
    /** The next mail with a code to an address, after the first `seen` ones. */
    next: (address, seen = 0) => eventually(`mail for ${address}`, () => codes(address)[seen]),
    /** The newest mail to an address that has such words. Several are delivered in any order. */
    saying: (words, address) => eventually(`a mail for ${address} that says ${words}`, () => messages.findLast(mail => mail.to.includes(address) && words.test(mail.text))),
    stop: () => new Promise(resolve => server.close(resolve))
  };
}

function serve(socket, messages) {
  const say = line => socket.write(`${line}\r\n`);
  let buffer = '';
  let data = null;
  let to = [];
  say('220 sink ESMTP');
  socket.on('error', () => {});
  socket.setEncoding('latin1').on('data', text => {
    buffer += text;
    for (let end = buffer.indexOf('\r\n'); end >= 0; end = buffer.indexOf('\r\n')) {
      const line = buffer.slice(0, end);
      buffer = buffer.slice(end + 2);
      if (data !== null) {
        if (line === '.') {
          messages.push(parse(data.join('\r\n'), to));
          data = null;
          say('250 kept');
        } else {
          data.push(line.replace(/^\.\./, '.'));
        }
        continue;
      }
      const [verb] = line.toUpperCase().split(/[ :]/);
      switch (verb) {
        case 'EHLO': say('250-sink'); say('250-8BITMIME'); say('250 SMTPUTF8'); break;
        case 'MAIL': to = []; say('250 ok'); break;
        case 'RCPT': to.push(line.match(/<(.*)>/)[1].toLowerCase()); say('250 ok'); break;
        case 'DATA': data = []; say('354 go on'); break;
        case 'QUIT': say('221 bye'); socket.end(); break;
        default: say(/^(HELO|RSET|NOOP)$/.test(verb) ? '250 ok' : '502 no');
      }
    }
  });
}

function split(source) {
  const at = source.indexOf('\r\n\r\n');
  const headers = {};
  for (const line of source.slice(0, at).replace(/\r\n[ \t]+/g, ' ').split('\r\n')) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  return { headers, body: source.slice(at + 4) };
}

function decode({ headers, body }) {
  switch ((headers['content-transfer-encoding'] || '').toLowerCase()) {
    case 'base64': return Buffer.from(body, 'base64').toString('utf8');
    case 'quoted-printable': {
      const bytes = body.replace(/=\r\n/g, '').replace(/=([0-9A-F]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
      return Buffer.from(bytes, 'latin1').toString('utf8');
    }
    default: return Buffer.from(body, 'latin1').toString('utf8');
  }
}

/** The texts of a message by type, and its headers. */
function parse(source, to) {
  const parts = {};
  const walk = text => {
    const part = split(text);
    const type = part.headers['content-type'] || 'text/plain';
    const boundary = type.match(/boundary="?([^";]+)"?/i)?.[1];
    if (boundary) {
      for (const piece of part.body.split(`--${boundary}`).slice(1, -1)) { walk(piece.replace(/^\r\n/, '')); }
    } else {
      parts[type.split(';')[0].trim().toLowerCase()] = decode(part);
    }
    return part.headers;
  };
  const headers = walk(source);
  return { to, headers, subject: headers.subject, text: parts['text/plain'] || '', html: parts['text/html'] || '', source };
}
