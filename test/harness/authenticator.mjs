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

/**
 * From the next page on the person uses the authenticator for what they pressed a button for, and never for what the autofill
 * offers beside it. offered() waits until the page has made that offer.
 */
export async function onlyWhenAsked(page, device) {
  await device.send('setAutomaticPresenceSimulation', { enabled: false });
  await page.exposeFunction('touch', () => device.send('setAutomaticPresenceSimulation', { enabled: true }));
  await page.addInitScript(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = async options => {
      if (options.mediation === 'conditional') { window.offered = true; } else { await window.touch(); }
      return get(options);
    };
  });
  return { offered: () => page.waitForFunction(() => window.offered) };
}
