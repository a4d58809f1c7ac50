import { byId } from './dom.js';
import { storageGet, storageSet } from './i18n.js';

const KEY = 'cdc-sim.token';

/** The token of the link goes to this tab's memory, and out of the address, the history and the next screenshot. */
export function takeTokenFromAddress() {
  const url = new URL(location.href);
  const token = url.searchParams.get('token');
  if (token === null) return;
  storageSet(KEY, token, sessionStorage);
  url.searchParams.delete('token');
  history.replaceState(null, '', url.pathname + url.search + url.hash);
}

/** Asks for the token; resolves with it, or with null when the person would rather not. */
function askForToken() {
  const dialog = byId('token');
  const field = byId('token-field');
  field.value = '';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener(
      'close',
      () => resolve(dialog.returnValue === 'ok' && field.value !== '' ? field.value.trim() : null),
      { once: true },
    );
  });
}

/** Calls the API; throws an Error with the server's sentence. Asks for the token when one is needed. */
export async function call(method, path, body) {
  for (let attempt = 0; ; attempt++) {
    const token = storageGet(KEY, sessionStorage);
    const headers = {};
    if (body !== undefined) headers['content-type'] = 'application/json';
    if (token !== null && method !== 'GET') headers.authorization = `Bearer ${token}`;
    const response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (response.status === 401 && attempt < 3) {
      const given = await askForToken();
      if (given !== null) {
        storageSet(KEY, given, sessionStorage);
        continue;
      }
    }
    const answer = await response.json();
    if (response.ok) return answer;
    throw Object.assign(new Error([answer.detail, answer.fix].filter(Boolean).join('. ')), {
      status: response.status,
    });
  }
}
