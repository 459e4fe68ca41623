// Keys of clients, as JSON Web Keys for registration and as CryptoKeys for use.

import { exportJWK, generateKeyPair } from 'jose';

/** A key pair: {kid, alg, public (JWK), key (CryptoKey, private), pair}. */
export async function keyPair(alg, use = 'sig', more = {}) {
  const pair = await generateKeyPair(alg, { extractable: true, ...more });
  const kid = `${use}-${alg}`;
  return { kid, alg, key: pair.privateKey, pair, public: { ...await exportJWK(pair.publicKey), kid, alg, use } };
}

/** The keys of one client: for signing with each algorithm, and for decryption. */
export async function clientKeys() {
  const signing = await Promise.all(['EdDSA', 'RS256', 'ES256', 'PS256'].map(alg => keyPair(alg)));
  const decryption = [await keyPair('RSA-OAEP-256', 'enc'), await keyPair('ECDH-ES', 'enc')];
  return {
    ...Object.fromEntries([...signing, ...decryption].map(key => [key.alg, key])),
    signing, decryption, jwks: { keys: [...signing, ...decryption].map(key => key.public) }
  };
}

