// How much of the context a conversation takes, with the message that is being written.

import { post } from './api.js';
import { byId, count } from './dom.js';
import { canChat, contextLength, model } from './models.js';

const PAUSE = 300;

let counting = 0, asked = 0;

/** Counted by the server when nothing was typed for a moment; what it refuses, it says when the message is sent. */
export function showUse(messages) {
  clearTimeout(counting);
  counting = setTimeout(async () => {
    const number = ++asked;
    const all = messages(), room = contextLength();
    let tokens = 0;
    if (all.length > 0 && room > 0 && canChat()) {
      try { tokens = (await post('apply-template', { model: model(), messages: all })).tokens.length; } catch { /* no figure, then */ }
    }
    if (number !== asked) return;
    const isTooLong = tokens >= room;
    byId('context').textContent = tokens > 0 ? `${count(tokens)} of ${count(room)} tokens${isTooLong ? ': too long' : ''}` : '';
    byId('context').classList.toggle('too-long', tokens > 0 && isTooLong);
  }, PAUSE);
}
