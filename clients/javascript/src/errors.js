/**
 * Why a token is not taken. `code` says it for programs: malformed, algorithm, type, unknownKey, signature,
 * issuer, audience, expired, notYetValid, bound and revoked are the token's; keysUnavailable and
 * revocationsUnavailable are not: answer 503. Tell the caller no more than that the token is not valid.
 */
export class VerifyError extends Error {
  constructor(code, message, options) {
    super(message, options);
    this.name = 'VerifyError';
    this.code = code;
  }
}

export const malformed = message => new VerifyError('malformed', message);
