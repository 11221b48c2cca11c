// Tokens with their probabilities: how they are kept, and the view of them.
// A kept token: t its text, b its bytes in hex where they are part of a character, l its log-probability (null where nothing came
// before it), a its likeliest alternatives as [text, log-probability], s that it is a special token.

import { byId, h, percent } from './dom.js';

/** Probability from which on a token is of this level; the last takes the rest. */
const LEVELS = [[0.8, '80 % or more'], [0.4, '40 to 80 %'], [0.1, '10 to 40 %'], [0.01, '1 to 10 %'], [0, 'below 1 %']];
const SPECIAL = /^(<\|[^|<>]{1,40}\|>|<\/?[a-z_]{1,24}>|\[\/?[A-Z_]{2,24}\])$/;
const BATCH = 400;

const rounded = value => value === null || value === undefined ? null : Math.round(value * 1e5) / 1e5;
const hex = bytes => bytes.map(byte => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ');

/** Of a chat's answer. */
export const ofChat = logprobs => (logprobs?.content ?? []).map(entry => ({
  t: entry.token, b: partOf(entry), l: rounded(entry.logprob),
  a: (entry.top_logprobs ?? []).map(top => [nameOf(top), rounded(top.logprob)]),
}));

const partOf = entry => entry.token.includes('\uFFFD') && entry.bytes ? hex(entry.bytes) : undefined;
const nameOf = entry => partOf(entry) ? `bytes:${partOf(entry)}` : entry.token;

/** Of a completion, where parts of characters are written as bytes:\xe4. */
export const ofText = logprobs => (logprobs?.tokens ?? []).map((text, i) => {
  const top = logprobs.top_logprobs?.[i];
  const alternatives = top ? Object.entries(top).map(([other, logprob]) => [readable(other), rounded(logprob)]) : [];
  const bytes = bytesIn(text);
  return { t: bytes ? '\uFFFD' : text, b: bytes, l: rounded(logprobs.token_logprobs[i]), a: alternatives.sort((x, y) => y[1] - x[1]) };
});

const bytesIn = text => /^bytes:(\\x[0-9a-f]{2})+$/.test(text)
  ? text.slice('bytes:\\x'.length).split('\\x').join(' ').toUpperCase() : undefined;
const readable = text => bytesIn(text) ? `bytes:${bytesIn(text)}` : text;

export function level(logprob) {
  if (logprob === null) return 0;
  const probability = Math.exp(logprob);
  return LEVELS.findIndex(([least]) => probability >= least);
}

/** Text with what cannot be seen made visible. */
export function visible(text) {
  if (text.startsWith('bytes:')) return text.slice(6);
  return text.replaceAll(' ', '·').replaceAll('\n', '↵').replaceAll('\t', '⇥').replaceAll('\r', '␍')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, codeOf);
}

const codeOf = letter => `U+${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}`;

export const legend = () => h('ul', { class: 'legend', 'aria-label': 'How likely the model held each token' },
  LEVELS.map(([, label], i) => h('li', {}, h('span', { class: `token level${i}`, 'aria-hidden': 'true' }, 'token'), label)));

/** The view of a list of tokens: text in which each token can be pointed at, or reached by the arrow keys. */
export function view(tokens, label) {
  const box = h('div', { class: 'tokens', role: 'listbox', 'aria-label': label, 'aria-orientation': 'horizontal' });
  let next = 0;
  // Long lists are made in parts, so that the page does not stand still.
  const more = () => {
    box.append(...tokens.slice(next, next + BATCH).map((token, i) => elementOf(token, next + i)));
    next += BATCH;
    if (next < tokens.length && box.isConnected) setTimeout(more);
    else if (next < tokens.length) requestAnimationFrame(() => { if (box.isConnected) more(); });
  };
  more();
  box.querySelector('.token')?.setAttribute('tabindex', '0');
  box.addEventListener('keydown', event => move(event, box));
  box.addEventListener('focusin', event => show(event.target, tokens));
  box.addEventListener('focusout', hide);
  box.addEventListener('pointerover', event => show(event.target, tokens));
  box.addEventListener('pointerout', hideSoon);
  return box;
}

function elementOf(token, index) {
  const special = token.s ?? SPECIAL.test(token.t);
  const kind = token.b ? ' part' : special ? ' special' : '';
  const text = token.b ?? (special ? token.t : token.t.replace(/\n/g, '↵\n').replace(/\t/g, '⇥\t'));
  return h('span', {
    class: `token level${level(token.l)}${kind}`, role: 'option', tabindex: -1, 'data-index': index, 'aria-label': spoken(token),
  }, text === '' ? '∅' : text);
}

function spoken(token) {
  const chance = token.l === null ? 'nothing before it' : percent(Math.exp(token.l));
  const others = token.a.filter(([text]) => text !== token.t).slice(0, 3).map(([text, l]) => `${visible(text)} ${percent(Math.exp(l))}`);
  return `${token.b ? `bytes ${token.b}` : visible(token.t)}, ${chance}${others.length > 0 ? `; instead: ${others.join(', ')}` : ''}`;
}

function move(event, box) {
  const all = [...box.querySelectorAll('.token')];
  const at = all.indexOf(document.activeElement);
  const targets = {
    ArrowRight: () => at + 1, ArrowLeft: () => at - 1, Home: () => 0, End: () => all.length - 1,
    ArrowDown: () => below(all, at, 1), ArrowUp: () => below(all, at, -1),
  };
  const to = Object.hasOwn(targets, event.key) ? targets[event.key]() : undefined;
  if (event.key === 'Escape' && !byId('token-card').hidden) {
    hide();
    event.stopPropagation();
  }
  if (to === undefined || at < 0) return;
  event.preventDefault();
  const target = all[Math.min(Math.max(0, to), all.length - 1)];
  all[at].tabIndex = -1;
  target.tabIndex = 0;
  target.focus();
}

/** The token on the next line, or the one before, that lies nearest. */
function below(all, at, direction) {
  if (at < 0) return at;
  const from = all[at].getClientRects()[0];
  let line = null, best = at, distance = Infinity;
  for (let i = at + direction; i >= 0 && i < all.length; i += direction) {
    const box = all[i].getClientRects()[0];
    if (!box || Math.abs(box.top - from.top) < 4) continue;
    line ??= box.top;
    if (Math.abs(box.top - line) >= 4) break;
    if (Math.abs(box.left - from.left) < distance) [best, distance] = [i, Math.abs(box.left - from.left)];
  }
  return best;
}

let closing = 0;

function show(element, tokens) {
  if (!element.classList.contains('token')) return;
  clearTimeout(closing);
  const token = tokens[Number(element.dataset.index)];
  const card = byId('token-card');
  card.replaceChildren(...contents(token));
  card.hidden = false;
  place(card, element.getClientRects()[0] ?? element.getBoundingClientRect());
}

function contents(token) {
  const head = h('p', { class: 'card-head' },
    h('code', {}, token.b ? `bytes ${token.b}` : visible(token.t) || '∅'),
    h('strong', { class: 'chance' }, token.l === null ? '' : percent(Math.exp(token.l))));
  if (token.l === null) return [head, h('p', { class: 'note' }, 'The first token: nothing came before it.')];
  const own = token.b ? `bytes:${token.b}` : token.t;
  const better = token.a.filter(([, logprob]) => logprob > token.l).length;
  const known = token.a.some(([text]) => text === own);
  const rank = known || better < token.a.length ? `rank ${better + 1}` : `rank above ${token.a.length}`;
  const note = h('p', { class: 'note' }, `ln p = ${token.l.toFixed(4)}${token.a.length > 0 ? `, ${rank}` : ''}`);
  const rows = token.a.map(([text, logprob]) => {
    const bar = h('span', { class: 'share' });
    bar.style.setProperty('inline-size', `${Math.exp(logprob) * 100}%`);
    return h('tr', { class: text === own ? 'own' : null }, h('th', { scope: 'row' }, h('code', {}, visible(text) || '∅')),
      h('td', { class: 'scale' }, bar), h('td', { class: 'end' }, percent(Math.exp(logprob))));
  });
  return rows.length === 0 ? [head, note] : [head, note, h('table', { 'aria-label': 'The likeliest tokens here' }, h('tbody', {}, rows))];
}

function place(card, target) {
  const { innerWidth: width, innerHeight: height } = window;
  const box = card.getBoundingClientRect();
  const below = target.bottom + 8;
  const top = below + box.height <= height - 8 ? below : Math.max(8, target.top - box.height - 8);
  card.style.setProperty('inset-block-start', `${top}px`);
  card.style.setProperty('inset-inline-start', `${Math.max(8, Math.min(target.left - 12, width - box.width - 8))}px`);
}

export function hide() {
  clearTimeout(closing);
  byId('token-card').hidden = true;
}

/** The pointer may cross over to the card without losing it. */
const hideSoon = () => { clearTimeout(closing); closing = setTimeout(hide, 200); };

export function setUpCard() {
  const card = byId('token-card');
  card.addEventListener('pointerenter', () => clearTimeout(closing));
  card.addEventListener('pointerleave', hideSoon);
  addEventListener('scroll', hide, { capture: true, passive: true });
}
