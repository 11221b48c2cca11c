// A conversation's turns as elements.

import { h } from './dom.js';
import { figures, shownVersion } from './generation.js';
import { markdown } from './markdown.js';
import { choice } from './settings.js';
import { legend, view } from './tokens.js';

/** Longer texts are shown plainly while they grow: taking their Markdown apart for every piece would cost too much. */
const LONG = 20_000;

/** A message with its buttons. The state says what of it is open: editing, tokens, and tokens of its prompt. */
export function turnElement(turn, index, state, actions) {
  const isUser = turn.role === 'user';
  const name = isUser ? 'You' : shownVersion(turn).model;
  const label = isUser ? 'Your message' : `Answer of ${name}`;
  const element = h('article', { class: `turn ${turn.role}`, 'data-index': index, 'aria-label': label }, h('h2', {}, name));
  if (state.editing) element.append(editor(turn, index, actions));
  else if (isUser) element.append(...message(turn, index, actions));
  else element.append(...answer(turn, index, state, actions));
  return element;
}

/** Fills in the text of an answer, also while it grows. */
export function showText(box, text, isGrowing) {
  const plain = choice('markdown') === false || (isGrowing && text.length > LONG);
  box.className = plain ? 'said plain' : 'said prose';
  box.replaceChildren(plain ? text : markdown(text));
}

/** What stands where nothing was said yet. */
export const welcome = model => h('div', { class: 'welcome' },
  document.querySelector('.mark').cloneNode(true), h('h2', {}, model ?? 'Dolmen'),
  h('p', {}, 'Write a message to begin. Conversations stay in this browser; every answer can be looked at token by token.'));

const message = (turn, index, actions) => [
  h('div', { class: 'said plain' }, turn.text),
  buttons([['edit', 'Edit', () => actions.edit(index)], ['copy', 'Copy', () => actions.copy(turn.text)]]),
];

function answer(turn, index, state, actions) {
  const version = shownVersion(turn);
  const box = h('div', {});
  showText(box, version.text, state.growing);
  const isEmpty = version.error && version.text === '';
  const parts = isEmpty ? [] : [box];
  if (version.error) {
    parts.push(h('div', { class: 'alarm', role: 'alert' }, h('strong', {}, 'No answer. '), version.error,
      state.isLast && h('button', { 'data-action': 'again', onclick: () => actions.regenerate(index) }, 'Try again')));
  }
  if (version.sources?.length > 0) parts.push(sources(version.sources));
  if (state.growing) return parts;
  const all = [
    ...(isEmpty ? [] : [['copy', 'Copy', () => actions.copy(version.text)]]),
    ...(state.isLast && !version.error ? [['regenerate', 'Regenerate', () => actions.regenerate(index)]] : []),
    ['edit', 'Edit', () => actions.edit(index)],
  ];
  if (version.tokens.length > 0) all.push(['tokens', 'Tokens', () => actions.toggleTokens(index), state.tokens]);
  const row = buttons(all);
  if (turn.versions.length > 1) row.prepend(versions(turn, index, actions));
  parts.push(h('div', { class: 'figures' }, figures(version, actions.contextLength())), row);
  if (state.tokens) parts.push(tokenView(version, index, state, actions));
  return parts;
}

/** What the model read of its documents: the passage that the answer was taken from is the first and said to be cited. */
const sources = list => h('details', { class: 'sources' },
  h('summary', {}, `${list[0].cited === true ? 'From' : 'Read:'} ${list[0].title}`, list.length > 1 && ` and ${list.length - 1} more`),
  h('ol', {}, list.map(one => h('li', {}, h('cite', {}, one.title), ' ', h('span', { class: 'note' }, one.source)))));

function tokenView(version, index, state, actions) {
  const box = h('section', { class: 'token-view', 'aria-label': 'Tokens' }, legend());
  const more = { class: 'quiet', 'data-action': 'prompt', onclick: () => actions.showPrompt(index) };
  if (state.prompt) box.append(h('h3', {}, 'Prompt'), view(state.prompt, 'Tokens of the prompt'), h('h3', {}, 'Answer'));
  else if (state.promptError) box.append(h('div', { class: 'alarm', role: 'alert' }, state.promptError));
  else box.append(h('div', {}, h('button', more, 'Show the prompt’s tokens too')));
  box.append(view(version.tokens, 'Tokens of the answer'));
  return box;
}

const button = (action, label, onclick, more = {}) => h('button', { class: 'quiet', 'data-action': action, onclick, ...more }, label);

const buttons = list => h('div', { class: 'tools' }, list.map(([action, label, onclick, pressed]) =>
  button(action, label, onclick, { 'aria-pressed': pressed === undefined ? null : String(Boolean(pressed)) })));

function versions(turn, index, actions) {
  const { shown, versions: all } = turn;
  const earlier = { 'aria-label': 'Earlier answer', disabled: shown === 0 };
  const later = { 'aria-label': 'Later answer', disabled: shown === all.length - 1 };
  return h('span', { class: 'versions', role: 'group', 'aria-label': 'Answers to this message' },
    button('earlier', '‹', () => actions.showVersion(index, shown - 1), earlier),
    h('span', {}, `${shown + 1} of ${all.length}`),
    button('later', '›', () => actions.showVersion(index, shown + 1), later));
}

function editor(turn, index, actions) {
  const isUser = turn.role === 'user';
  const text = h('textarea', {
    rows: 3, 'aria-label': isUser ? 'Your message' : 'The answer', 'data-action': 'editor',
    onkeydown: event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        actions.edit(null);
      } else if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && isUser) {
        event.preventDefault();
        actions.saveEdit(index, text.value);
      }
    },
  });
  text.value = isUser ? turn.text : shownVersion(turn).text;
  return h('div', { class: 'editing' }, text, h('p', { class: 'row' },
    h('button', { class: 'primary', onclick: () => actions.saveEdit(index, text.value) }, isUser ? 'Send' : 'Save'),
    h('button', { class: 'quiet', onclick: () => actions.edit(null) }, 'Cancel'),
    h('span', { class: 'note' }, isUser ? 'What follows it is answered anew.' : 'The model goes on from the text as you leave it.')));
}
