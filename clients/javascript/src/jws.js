import { VerifyError, malformed } from './errors.js';

const maxToken = 8 << 10;
const maxHeader = 1 << 10;
const maxKeyId = 128;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The bytes of strict base64url: no padding, no other alphabet, no bits left over. */
export function decode(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text) || text.length % 4 === 1) throw malformed('a part is not base64url');
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  const bytes = Uint8Array.from(binary, c => c.charCodeAt(0));
  if (encode(bytes) !== text) throw malformed('a part is not canonical base64url');
  return bytes;
}

export function encode(bytes) {
  let binary = '';
  for (const b of bytes) binary += String.fromCharCode(b);
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The JSON object in the bytes. One that names a member twice, which two readers would read differently, is refused. */
export function object(bytes) {
  let text;
  let value;
  try {
    text = utf8.decode(bytes);
    value = JSON.parse(text);
  } catch (cause) {
    throw new VerifyError('malformed', 'a part is not JSON', { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) throw malformed('a part is not a JSON object');
  unique(text);
  return value;
}

/** Walks over valid JSON and refuses names that differ in nothing but case within one object. */
function unique(text) {
  const open = [];
  for (let i = 0; i < text.length; i++) {
    switch (text[i]) {
      case '{': open.push(new Set()); break;
      case '[': open.push(null); break;
      case '}': case ']': open.pop(); break;
      case '"': {
        const start = i;
        for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++;
        const names = open.at(-1);
        let after = i + 1;
        while (/\s/.test(text[after] ?? '')) after++;
        if (!names || text[after] !== ':') break;
        const name = JSON.parse(text.slice(start, i + 1)).toLowerCase();
        if (names.has(name)) throw malformed('a member is there twice');
        names.add(name);
      }
    }
    if (open.length > 16) throw malformed('it is nested too deeply');
  }
}

/** Reads the form and the header of a compact JWS. Nothing of it is believed yet. */
export function parse(token) {
  if (typeof token !== 'string' || token.length > maxToken) throw malformed('not a token, or too long');
  const parts = token.split('.');
  if (parts.length !== 3 || parts[0].length > maxHeader) throw malformed('not three parts');
  const header = object(decode(parts[0]));
  for (const [name, value] of Object.entries(header)) {
    // Anything else could change what the token means (RFC 8725 section 3.10).
    if (name !== 'alg' && name !== 'kid' && name !== 'typ') throw malformed('the header has a member that is not known');
    if (typeof value !== 'string') throw malformed('a member of the header is no text');
  }
  if (header.alg !== 'EdDSA') throw new VerifyError('algorithm', 'the token has another algorithm');
  if (!header.kid || header.kid.length > maxKeyId) throw malformed('the header names no key');
  const signature = decode(parts[2]);
  if (signature.length !== 64) throw malformed('the signature does not have 64 bytes');
  return { kid: header.kid, type: header.typ, signed: new TextEncoder().encode(`${parts[0]}.${parts[1]}`), payload: decode(parts[1]), signature };
}

/** Checks the signature with the issuer's key and returns the claims and the key's kid. `refuse` may refuse the kid before that. */
export async function open(token, keys, type, refuse = async () => {}) {
  const t = parse(token);
  if (t.type !== type) throw new VerifyError('type', 'the token has another type');
  await refuse(t.kid);
  const key = await keys.find(t.kid);
  if (!await crypto.subtle.verify('Ed25519', key, t.signature, t.signed)) throw new VerifyError('signature', 'the signature is wrong');
  return { claims: object(t.payload), kid: t.kid };
}
