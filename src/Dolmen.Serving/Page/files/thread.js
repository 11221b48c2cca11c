// The thread of turns as it scrolls, and the button below it.

import { byId } from './dom.js';

export const isAtEnd = () => byId('thread').scrollHeight - byId('thread').scrollTop - byId('thread').clientHeight < 80;

export const follow = () => { byId('thread').scrollTop = byId('thread').scrollHeight; };

/** Send or Stop, by whether an answer is being written. */
export function showBusy(run) {
  const is = run !== null;
  byId('send').hidden = is;
  byId('stop').hidden = !is;
  byId('main').setAttribute('aria-busy', String(is));
}
