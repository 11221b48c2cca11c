// The keys of the page, and the list of them.

import { byId, h } from './dom.js';
import { choice } from './settings.js';

const WRITING = 'input:not([type="checkbox"]), textarea, select';

/** Each: the key, what it says in the list, what it does. */
export function setUpKeys(actions) {
  const singles = [
    ['/', 'Write a message', actions.focusMessage],
    ['n', 'New conversation', actions.newConversation],
    ['r', 'Regenerate the last answer', actions.regenerate],
    ['e', 'Edit your last message', actions.edit],
    ['t', 'Tokens of the last answer', actions.tokens],
    ['c', 'Conversations', actions.side],
    ['s', 'Settings', actions.settings],
    ['m', 'Model card', actions.card],
    ['?', 'These keys', actions.keys],
  ];
  const others = [
    ['Enter', 'Send'], ['Shift Enter', 'A new line'], ['Esc', 'Stop the answer, close what is open'],
    ['← →', 'In the token view: the token before, the next'], ['↑ ↓', 'In the token view: the line above, below'],
  ];
  const row = (keys, says) => [h('dt', {}, keys.split(' ').flatMap(key => [h('kbd', {}, key), ' '])), h('dd', {}, says)];
  byId('key-list').append(...[...others, ...singles].flatMap(([key, says]) => row(key, says)));

  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return;
    if (event.key === 'Escape') {
      actions.escape();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(WRITING) || choice('single_keys') === false) return;
    const found = singles.find(([key]) => key === event.key);
    if (!found) return;
    event.preventDefault();
    found[2]();
  });
}
