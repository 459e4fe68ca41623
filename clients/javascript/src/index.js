export { VerifyError } from './errors.js';
export { Revocations } from './revocations.js';
export { Verifier } from './verifier.js';
