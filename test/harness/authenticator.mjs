// An authenticator without hardware, by Chromium's own means.

/** An authenticator that is part of the machine, as fingerprint readers are. It answers by itself unless told not to. */
export async function authenticator(page, more = {}) {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('WebAuthn.enable');
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', { options: {
    protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
    automaticPresenceSimulation: true, ...more
  } });
  return {
    send: (method, parameters) => cdp.send(`WebAuthn.${method}`, { authenticatorId, ...parameters }),
    credentials: async () => (await cdp.send('WebAuthn.getCredentials', { authenticatorId })).credentials
  };
}
