// The server's API key, where it asks for one.

import { ApiError, setKey } from './api.js';
import { byId } from './dom.js';

let asking = null;                       // requests that are refused meanwhile wait for the same key

/** Asks for a key where the server wants one, then does it again. */
export async function withKey(action) {
  for (;;) {
    try {
      return await action();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      asking ??= askForKey(error.message).finally(() => { asking = null; });
      const key = await asking;
      if (key === null) throw error;
      setKey(key);
    }
  }
}

/** The key that was entered, or null where the dialog was closed without one. */
function askForKey(told) {
  const dialog = byId('ask-key'), form = byId('key-form'), key = byId('key');
  byId('key-told').textContent = told;
  key.value = '';
  dialog.showModal();
  return new Promise(resolve => {
    const submit = event => {
      event.preventDefault();
      dialog.close(key.value);
    };
    form.addEventListener('submit', submit);
    dialog.returnValue = '';
    dialog.addEventListener('close', () => {
      form.removeEventListener('submit', submit);
      resolve(dialog.returnValue === '' ? null : dialog.returnValue);
    }, { once: true });
  });
}
