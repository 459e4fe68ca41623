// The test modules of the OpenID Foundation's conformance suite, and which of our tests states the intent of each. A row is
// {test} (the title of a test in the plan's suite), {suite, test}, {open: why}, or {not: why it does not apply}; `but` qualifies.
// Names from the sources of the suite, August 2026. document.mjs checks that every test named here passed.

const held = { not: 'the claims of the scopes address and phone are not held, and discovery does not name the scopes' };
const pairwise = { not: 'subjects are public; pairwise ones are not offered' };
const fetched = { not: 'request_uri is for pushed requests only, as discovery says; nothing is fetched' };
const market = profile => ({ not: `of the profile ${profile} only` });
const t = (test, but) => ({ test, ...(but ? { but } : {}) });
const later = (test, but) => ({ suite: 'time and keys', ...t(test, but) });

const basic = {
  'oidcc-server': t('a sign-in with the secret in the header'),
  'oidcc-response-type-missing': t('a request without response_type is refused'),
  'oidcc-idtoken-signature': t('an ID token signed with RS256', 'The algorithm is that of the client; the default of Admit is EdDSA'),
  'oidcc-idtoken-unsigned': t('no ID token is unsigned: none can be registered'),
  'oidcc-userinfo-get': t('userinfo by GET, and by POST with the token in the header'),
  'oidcc-userinfo-post-header': t('userinfo by GET, and by POST with the token in the header'),
  'oidcc-userinfo-post-body': { not: 'optional (RFC 6750 section 2.2) and not offered' },
  'oidcc-ensure-request-without-nonce-succeeds-for-code-flow': t('a request without nonce succeeds'),
  'oidcc-scope-profile': t('the scopes profile and email give their claims, and one without the other does not'),
  'oidcc-scope-email': t('the scopes profile and email give their claims, and one without the other does not'),
  'oidcc-scope-address': held,
  'oidcc-scope-phone': held,
  'oidcc-scope-all': t('the scopes profile and email give their claims, and one without the other does not', 'Of address and phone nothing is held'),
  'oidcc-alternate-happy-flow': t('the order of scopes and of parameters does not matter'),
  'oidcc-display-page': t('display=page does no harm'),
  'oidcc-display-popup': t('display=popup does no harm'),
  'oidcc-prompt-login': t('prompt=login asks again, and auth_time says so'),
  'oidcc-prompt-none-not-logged-in': t('prompt=none without a session answers login_required'),
  'oidcc-prompt-none-logged-in': t('prompt=none with a session answers at once, with the same auth_time'),
  'oidcc-max-age-1': t('max_age=1 asks again after two seconds'),
  'oidcc-max-age-10000': t('max_age=10000 does not ask, and auth_time is there'),
  'oidcc-ensure-request-with-unknown-parameter-succeeds': t('an unknown parameter does no harm'),
  'oidcc-id-token-hint': t('id_token_hint with prompt=none answers for that person only'),
  'oidcc-login-hint': t('login_hint fills the field of the login box'),
  'oidcc-ui-locales': t('ui_locales does no harm'),
  'oidcc-claims-locales': t('claims_locales does no harm'),
  'oidcc-ensure-request-with-acr-values-succeeds': t('acr_values that are supported come back as acr'),
  'oidcc-codereuse': t('a code works once; the second use ends what the first gave'),
  'oidcc-codereuse-30seconds': t('a code works once; the second use ends what the first gave', 'Without the wait'),
  'oidcc-ensure-registered-redirect-uri': t('a redirect_uri that is not registered gets an error page'),
  'oidcc-ensure-post-request-succeeds': t('a request by POST succeeds'),
  'oidcc-server-client-secret-post': t('a sign-in with the secret in the body'),
  'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported': t('a request_uri of the client\'s own is refused as not supported'),
  'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported': { open: 'an unsigned request object is refused, but on a page of ours and as invalid_request_object; the module waits for request_not_supported at the client' },
  'oidcc-claims-essential': t('claims asked for as essential are told', 'For email in place of name, which nobody has before they tell it'),
  'oidcc-ensure-request-object-with-redirect-uri': t('the redirect_uri of a request object counts, not the one beside it', 'With a signed object; the module\'s is unsigned'),
  'oidcc-refresh-token': t('a refresh token works, for its client only'),
  'oidcc-ensure-request-with-valid-pkce-succeeds': t('PKCE: the right verifier succeeds, none and a wrong one do not')
};

const fapi = {
  'discovery-end-point-verification': t('discovery holds what the profile asks for'),
  'happy-flow': t('two clients sign in, and the resource takes each token with its key only'),
  'user-rejects-authentication': { suite: 'openid-client, grants,', test: 'consent: a person who says no sends the client access_denied' },
  'ensure-authorization-request-without-state-success': t('without state and without nonce'),
  'ensure-authorization-request-without-nonce-success': t('without state and without nonce'),
  'ensure-authorization-request-with-64-char-nonce-success': t('a nonce of 64 and one of 384 characters come back'),
  'ensure-other-scope-order-succeeds': t('the order of scopes does not matter'),
  'test-claims-parameter-identity-claims': t('claims asked for are told'),
  'access-token-type-header-case-sensitivity': t('the scheme of the access token is read in any case'),
  'check-dpop-proof-nbf-exp': t('proofs: 10 seconds old, 10 seconds ahead, with nbf and exp'),
  'ensure-dpopproof-with-iat-10seconds-before-succeeds': t('proofs: 10 seconds old, 10 seconds ahead, with nbf and exp'),
  'ensure-dpopproof-with-iat-10seconds-after-succeeds': t('proofs: 10 seconds old, 10 seconds ahead, with nbf and exp', 'With 9 seconds: 10 are the limit, and clocks tick'),
  'ensure-mismatched-dpop-jkt-fails': t('dpop_jkt binds the code: the key of the proof at PAR and at the token endpoint must be that one'),
  'ensure-token-endpoint-fails-with-mismatched-dpop-proof-jkt': t('dpop_jkt binds the code: the key of the proof at PAR and at the token endpoint must be that one'),
  'ensure-token-endpoint-fails-with-mismatched-dpop-jkt': t('dpop_jkt binds the code: the key of the proof at PAR and at the token endpoint must be that one'),
  'ensure-dpopproof-at-par-endpoint-binding-success': t('dpop_jkt binds the code: the key of the proof at PAR and at the token endpoint must be that one'),
  'ensure-dpop-auth-code-binding-success': t('dpop_jkt binds the code: the key of the proof at PAR and at the token endpoint must be that one'),
  'ensure-different-nonce-inside-and-outside-request-object': t('signed requests: what stands beside the object counts for nothing'),
  'ensure-different-state-inside-and-outside-request-object': t('signed requests: what stands beside the object counts for nothing'),
  'ensure-authorization-request-with-long-nonce': t('a nonce of 64 and one of 384 characters come back'),
  'ensure-authorization-request-with-long-state': t('a long state comes back'),
  'state-only-outside-request-object-not-used': t('signed requests: what stands beside the object counts for nothing'),
  'ensure-request-object-without-redirect-uri-fails': t('signed requests: what is not taken'),
  'ensure-registered-redirect-uri': t('redirect_uri: missing and not registered'),
  'plain-fapi-tolerate-unregistered-redirect-uri': t('redirect_uri: missing and not registered'),
  'ensure-unsigned-authorization-request-without-using-par-fails': t('without PAR the request is refused'),
  'ensure-redirect-uri-in-authorization-request': t('redirect_uri: missing and not registered'),
  'ensure-response-type-code-idtoken-fails': t('response types other than code are refused'),
  'australia-connectid-ensure-invalid-purpose-fails': market('ConnectID Australia'),
  'ensure-response-type-token-fails': t('response types other than code are refused'),
  'ensure-client-id-in-token-endpoint': t('a code is its client\'s, works once, and not without the client\'s proof'),
  'ensure-holder-of-key-required': t('without a proof there is no token', 'TLS versions are the concern of test/attack'),
  'ensure-authorization-code-is-bound-to-client': t('a code is its client\'s, works once, and not without the client\'s proof'),
  'attempt-reuse-authorization-code-after-one-second': t('a code is its client\'s, works once, and not without the client\'s proof'),
  'ensure-token-endpoint-fails-with-expired-auth-code': later('a code after a minute, and a pushed request after two, are too old'),
  'ensure-signed-client-assertion-with-RS256-fails': t('client assertions: what is not taken', 'The client has registered ES256; a client that registers nothing may use RS256'),
  'ensure-client-assertion-in-token-endpoint': t('a code is its client\'s, works once, and not without the client\'s proof'),
  'ensure-client-assertion-with-exp-is-5-minutes-in-past-fails': t('client assertions: what is not taken'),
  'ensure-client-assertion-with-wrong-aud-fails': t('client assertions: what is not taken'),
  'ensure-client-assertion-with-no-sub-fails': t('client assertions: what is not taken'),
  'dpop-negative-tests': t('bad proofs are refused'),
  'refresh-token': t('a refresh token works, bound to its client'),
  'ensure-server-handles-non-matching-intent-id': market('of markets with lodged intents'),
  'test-essential-acr-sca-claim': t('an acr that cannot be reached, asked for as essential, is refused'),
  'brazil-ensure-bad-payment-signature-fails': market('Open Finance Brazil'),
  'australia-connectid-test-claims-parameter-idtoken-identity-claims': market('ConnectID Australia'),
  'par-ensure-reused-request-uri-prior-to-auth-completion-succeeds': { open: 'a request_uri is used up by the first visit (I-4), also when the person does not finish; a reload of the login box itself works' },
  'par-attempt-reuse-request_uri': t('PAR: a request_uri works once'),
  'par-attempt-to-use-expired-request_uri': later('a code after a minute, and a pushed request after two, are too old'),
  'par-ensure-jwt-client-assertions-nbf-8-seconds-in-the-future-is-accepted': t('client assertions: 8 seconds ahead is taken'),
  'par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future-fails': t('client assertions: what is not taken'),
  'par-attempt-to-use-request_uri-for-different-client': t('PAR: a request_uri is its client\'s, and must be one'),
  'par-authorization-request-containing-request_uri-form-param': t('PAR: a request_uri is its client\'s, and must be one'),
  'par-attempt-invalid-http-method': t('PAR: GET is no method of it'),
  'par-ensure-pkce-required': t('PKCE: needed, S256 only, and the verifier must be there and be right'),
  'ensure-pkce-code-verifier-required': t('PKCE: needed, S256 only, and the verifier must be there and be right'),
  'incorrect-pkce-code-verifier-rejected': t('PKCE: needed, S256 only, and the verifier must be there and be right'),
  'par-plain-pkce-rejected': t('PKCE: needed, S256 only, and the verifier must be there and be right'),
  'par-without-duplicate-parameters': t('two clients sign in, and the resource takes each token with its key only'),
  'par-test-array-as-audience-fails': { open: 'an array of several audiences is refused; an array of the issuer alone is taken' },
  'par-test-par-endpoint-url-as-audience-fails': { open: 'taken, as RFC 9126 section 2 has it: an assertion for another server is refused all the same' },
  'par-test-token-endpoint-url-as-audience-fails': { open: 'taken, as OpenID Connect Core section 9 has it: an assertion for another server is refused all the same' }
};

const signing = {
  'ensure-request-object-with-multiple-aud-succeeds': t('signed requests: what is taken'),
  'ensure-request-object-without-exp-fails': t('signed requests: what is not taken'),
  'ensure-request-object-without-nbf-fails': t('signed requests: what is not taken', 'Of a client that must sign; another may leave nbf out'),
  'ensure-expired-request-object-fails': t('signed requests: what is not taken'),
  'ensure-request-object-with-bad-aud-fails': t('signed requests: what is not taken'),
  'ensure-request-object-with-exp-over-60-fails': t('signed requests: what is not taken'),
  'australia-connectid-ensure-request-object-with-exp-over-10-fails': market('ConnectID Australia'),
  'ensure-request-object-with-nbf-over-60-fails': t('signed requests: what is not taken'),
  'australia-connectid-ensure-request-object-with-nbf-over-15-fails': market('ConnectID Australia'),
  'ensure-request-object-with-nbf-8-seconds-in-the-future-is-accepted': t('signed requests: what is taken'),
  'ensure-signed-request-object-with-RS256-fails': t('signed requests: what is not taken', 'The client has registered ES256'),
  'ensure-request-object-signature-algorithm-is-not-none': t('signed requests: what is not taken'),
  'ensure-request-object-with-invalid-signature-fails': t('signed requests: what is not taken'),
  'ensure-matching-key-in-authorization-request': t('signed requests: what is not taken'),
  'ensure-unsigned-request-at-par-endpoint-fails': t('signed requests: what is not taken'),
  'par-authorization-request-containing-request_uri': t('signed requests: what is not taken'),
  'happy-flow (signed_non_repudiation, jarm)': t('signed requests: the whole way, with an answer by JWT')
};

const named = modules => Object.fromEntries(Object.entries(modules).map(([name, row]) => [`fapi2-security-profile-final-${name}`, row]));
const grants = (test, but) => ({ suite: 'openid-client, grants,', ...t(test, but) });
const dynamic = (test, but) => ({ suite: 'registration', ...t(test, but) });
const also = (name, but) => ({ suite: 'basic plan by query', ...basic[name], ...(but ? { but } : {}) });

export const plans = [
  { plan: 'Basic', suite: 'basic plan by query', modules: basic },
  { plan: 'Form post', suite: 'basic plan by form_post', modules: basic },
  { plan: 'Config', suite: 'openid-client, grants,', modules: { 'oidcc-discovery-endpoint-verification': t('discovery in both forms says the same') } },
  { plan: 'Dynamic', suite: 'registration', modules: {
    'oidcc-idtoken-rs256': also('oidcc-idtoken-signature'),
    'oidcc-idtoken-unsigned': dynamic('what is not taken'),
    'oidcc-userinfo-rs256': grants('userinfo as a JWT signed with RS256'),
    'oidcc-ensure-redirect-uri-in-authorization-request': dynamic('two redirect addresses: one must be named'),
    'oidcc-redirect-uri-query-OK': dynamic('a redirect address with a query is taken as it is'),
    'oidcc-redirect-uri-query-mismatch': dynamic('a redirect address with a query is taken as it is'),
    'oidcc-redirect-uri-query-added': also('oidcc-ensure-registered-redirect-uri'),
    'oidcc-redirect-uri-regfrag': dynamic('what is not taken'),
    'oidcc-discovery-endpoint-verification': grants('discovery in both forms says the same'),
    'oidcc-server': dynamic('a client registers itself, signs a person in after consent, reads and ends its registration'),
    'oidcc-registration-logo-uri': { not: 'logos of clients that anybody can register are not shown: they would lend them a face' },
    'oidcc-registration-policy-uri': dynamic('the consent page links to the policy and the terms'),
    'oidcc-registration-tos-uri': dynamic('the consent page links to the policy and the terms'),
    'oidcc-registration-jwks-uri': later('the keys of a client at its jwks_uri: it proves itself, and goes on with its next key'),
    'oidcc-registration-sector-uri': pairwise,
    'oidcc-registration-sector-bad': pairwise,
    'oidcc-server-rotate-keys': later('the next keys of the server: tokens of before and after verify with what is published', 'Under load in Go: internal/surface/oidc'),
    'oidcc-refresh-token-rp-key-rotation': later('the keys of a client at its jwks_uri: it proves itself, and goes on with its next key'),
    'oidcc-request-uri-unsigned': fetched,
    'oidcc-request-uri-signed-rs256': fetched,
    'oidcc-ensure-request-object-with-redirect-uri': also('oidcc-ensure-request-object-with-redirect-uri'),
    'oidcc-refresh-token': also('oidcc-refresh-token'),
    'oidcc-ensure-client-assertion-with-iss-aud-succeeds': { suite: 'FAPI 2.0', ...t('two clients sign in, and the resource takes each token with its key only') }
  } },
  { plan: 'RP-initiated logout', suite: 'logout', modules: {
    'oidcc-rp-initiated-logout-discovery-endpoint-verification': t('discovery tells of all three'),
    'oidcc-rp-initiated-logout': t('with id_token_hint, return address and state'),
    'oidcc-rp-initiated-logout-bad-post-logout-redirect-uri': t('a return address that is not registered, or has a query added, is not followed'),
    'oidcc-rp-initiated-logout-modified-id-token-hint': t('a hint that is not ours signs nobody out and leads nowhere'),
    'oidcc-rp-initiated-logout-no-id-token-hint': t('with a return address and no hint the person is asked'),
    'oidcc-rp-initiated-logout-no-params': t('with no parameters the person is asked, and signed out'),
    'oidcc-rp-initiated-logout-no-post-logout-redirect-uri': t('with a hint and no return address the person is signed out, and stays'),
    'oidcc-rp-initiated-logout-no-state': t('without state'),
    'oidcc-rp-initiated-logout-only-state': t('with only a state the person is asked, and signed out'),
    'oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri': t('a return address that is not registered, or has a query added, is not followed'),
    'oidcc-rp-initiated-logout-bad-id-token-hint': t('a hint that is not ours signs nobody out and leads nowhere')
  } },
  { plan: 'Back-channel logout', suite: 'logout', modules: {
    'oidcc-backchannel-logout-discovery-endpoint-verification': t('discovery tells of all three'),
    'oidcc-backchannel-rp-initiated-logout': t('back-channel: the client is told by a logout token')
  } },
  { plan: 'Front-channel logout', suite: 'logout', modules: {
    'oidcc-frontchannel-logout-discovery-endpoint-verification': t('discovery tells of all three'),
    'oidcc-frontchannel-rp-initiated-logout': t('front-channel: the page holds a frame of the client, with iss and sid')
  } },
  { plan: 'FAPI 2.0 Security Profile, final (private_key_jwt, DPoP)', suite: 'FAPI 2.0', modules: named(fapi) },
  { plan: 'FAPI 2.0 Message Signing, final: the modules beyond those above', suite: 'FAPI 2.0', modules: named(signing) }
];
