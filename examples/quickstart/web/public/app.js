// The whole application. It knows two things about Admit: its address, and the login client that npm delivered.

const element = id => document.getElementById(id);
const config = await (await fetch('/config.json')).json();
const login = new window.Authress.LoginClient({
  authressApiUrl: config.admitUrl, applicationId: config.applicationId,
  // This page asks for the session itself, below, and once is enough.
  skipBackgroundCredentialsCheck: true
});

function show(state) { document.body.dataset.state = state; }

function notice(text) {
  element('notice').textContent = text;
  element('notice').hidden = !text;
}

/** Runs what a button does: once at a time, with every failure told to the person. */
function onClick(id, action, event = 'click') {
  element(id).addEventListener(event, async occurrence => {
    occurrence.preventDefault();
    const button = occurrence.submitter || occurrence.currentTarget;
    button.disabled = true;
    notice('');
    try {
      await action();
    } catch (error) {
      notice(error?.message || error?.title || 'That did not work. Please try again.');
    } finally {
      button.disabled = false;
    }
  });
}

/** Calls one of the two APIs with the person's token, or with the one given. Answers {status, data}. */
async function call(api, path, { token, ...options } = {}) {
  const bearer = token ?? await login.ensureToken();
  const response = await fetch(`/${api}/api/${path}`, {
    ...options, headers: { 'Content-Type': 'application/json', ...(bearer ? { Authorization: `Bearer ${bearer}` } : {}) }
  });
  return { status: response.status, data: await response.json().catch(() => ({})) };
}

async function node(path, options) {
  const { status, data } = await call('node', path, options);
  if (status === 401) { await login.logout(location.origin + '/'); }
  if (status >= 400) { throw Error(data.title || `The API answered ${status}.`); }
  return data;
}

function decode(token) {
  const bytes = Uint8Array.from(atob(token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}

function row(account) {
  const item = document.createElement('li');
  const sum = document.createElement('span');
  sum.className = 'sum';
  sum.textContent = new Intl.NumberFormat('en', { style: 'currency', currency: account.currency }).format(account.balance / 100);
  item.append(account.name, sum);
  return item;
}

async function showAccounts() {
  const [{ accounts }, { mayOpen }] = await Promise.all([node('accounts'), node('waiting-list')]);
  element('accounts').replaceChildren(...accounts.map(row));
  element('waiting').hidden = mayOpen || accounts.length > 0;
  element('open').hidden = !mayOpen;
  document.body.dataset.mayOpen = mayOpen;
}

/** The token with one character of its signature changed. */
function forge(token) {
  const at = token.lastIndexOf('.') + 10;
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
}

async function showMatrix() {
  const token = await login.ensureToken();
  const asks = [
    ['accounts', 'yours', token], ['accounts/harbour', 'yours', token],
    ['accounts', 'forged', forge(token)], ['accounts', 'none', '']
  ];
  const rows = await Promise.all(asks.map(async ([path, kind, bearer]) => {
    const answers = await Promise.all(['node', 'go'].map(api => call(api, path, { token: bearer })));
    const line = document.createElement('tr');
    const request = document.createElement('code');
    const verb = Object.assign(document.createElement('span'), { className: 'verb', textContent: 'GET /api' });
    request.append(verb, `/${path}`);
    for (const content of [request, kind, ...answers.map(chip)]) {
      const cell = document.createElement('td');
      cell.append(content);
      line.append(cell);
    }
    return line;
  }));
  element('matrix').replaceChildren(...rows);
}

function chip({ status }) {
  const span = document.createElement('span');
  span.className = 'chip';
  span.dataset.ok = status < 300;
  span.textContent = status === 502 ? 'off' : status;
  return span;
}

async function showPerson() {
  const identity = login.getUserIdentity();
  const claims = decode(await login.ensureToken());
  element('email').textContent = identity.email || identity.userId;
  element('avatar').textContent = (identity.name || identity.email || '?').slice(0, 1).toUpperCase();
  element('full-name').textContent = identity.name || identity.email || 'Not given';
  element('user-id').textContent = identity.userId;
  element('grant-command').textContent = `npm run grant -- '${identity.userId}'`;
  element('expires').textContent = new Date(claims.exp * 1000).toLocaleString();
  element('claims').textContent = JSON.stringify(claims, null, 2);
}

async function refresh() {
  await Promise.all([showAccounts(), showMatrix()]);
}

onClick('sign-in', async () => {
  const started = await login.authenticate({ redirectUrl: location.origin + '/' });
  // The SDK goes to the login box by itself, unless that has the hostname of this page.
  if (started?.authenticationUrl) { location.assign(started.authenticationUrl); }
});
onClick('sign-out', () => login.logout(location.origin + '/'));
onClick('refresh', refresh);
onClick('copy', () => navigator.clipboard.writeText(element('user-id').textContent));
onClick('open', async () => {
  await node('accounts', { method: 'POST', body: JSON.stringify({ name: element('name').value }) });
  element('open').reset();
  await refresh();
}, 'submit');

try {
  if (await login.userSessionExists()) {
    await showPerson();
    show('in');
    await refresh();
  } else {
    show('out');
  }
} catch (error) {
  if (document.body.dataset.state === 'loading') { show('out'); }
  notice(error?.message || error?.title || `Admit at ${config.admitUrl} cannot be reached.`);
}
