/** Why a token is not taken. Codes that end in "Unavailable" are not the token's fault: answer 503. */
export class VerifyError extends Error {
  readonly code:
    | 'malformed' | 'algorithm' | 'type' | 'unknownKey' | 'signature' | 'issuer' | 'audience' | 'expired' | 'notYetValid'
    | 'bound' | 'revoked' | 'keysUnavailable' | 'revocationsUnavailable';
}

/** The claims of an access token (RFC 9068). What an application added is there by its name. */
export interface Claims {
  iss: string;
  sub: string;
  aud: string | string[];
  exp: number;
  iat?: number;
  nbf?: number;
  jti?: string;
  client_id?: string;
  azp?: string;
  sid?: string;
  gid?: string;
  scope?: string;
  acr?: string;
  auth_time?: number;
  act?: { sub: string };
  [name: string]: unknown;
}

export interface RevocationsOptions {
  /** The account's URL, exactly as its tokens name it in `iss`. */
  issuer: string;
  /** Seconds for which what is known may be old; 60 if not given. */
  staleness?: number;
  /** Take tokens, as if nothing had ended since, when what is known is older. */
  failOpen?: boolean;
  fetch?: typeof fetch;
  now?: () => number;
}

/** Follows what an issuer tells of ended sessions, people and tokens, and of withdrawn keys. */
export class Revocations {
  constructor(options: RevocationsOptions);
  readonly issuer: string;
  /** Begins to follow. Resolves when the first question was answered or has failed. */
  start(): Promise<void>;
  stop(): void;
  /** Asks once. `start` does it again and again. */
  follow(): Promise<void>;
  /** Rejects when what the claims are of has ended, or the key that has signed them, named by the token's `kid`. */
  check(claims: Claims, kid?: string): Promise<void>;
}

export interface VerifierOptions {
  issuer: string;
  /** Must be among the token's `aud`: the account's id, or an audience that your applications ask for. */
  audience: string;
  revocations?: Revocations;
  fetch?: typeof fetch;
  now?: () => number;
}

/** Verifies access tokens of one issuer. Make one and keep it. */
export class Verifier {
  constructor(options: VerifierOptions);
  /** The claims of a token, the text after "Bearer ". Rejects with a VerifyError. */
  verify(token: string): Promise<Claims>;
}
