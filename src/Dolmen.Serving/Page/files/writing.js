// A text that the model goes on with: for models without a chat template, and for whoever wants to see what a model writes by itself.

import { announce, byId, h } from './dom.js';
import { figures, newVersion, receive, score } from './generation.js';
import { withKey } from './keys.js';
import { contextLength, model } from './models.js';
import { choice, requestFields } from './settings.js';
import { has } from './store.js';
import { legend, view } from './tokens.js';

let conversation = null;
let running = null;
let keep = () => {};
let showsTokens = false;
let asked = 0;

export const isRunning = () => running !== null;
export const stop = () => running?.abort();

export function setUp(onChange) {
  keep = onChange;
  const text = byId('text');
  text.addEventListener('input', () => {
    conversation.text = text.value;
    conversation.last = undefined;
    buttons();
    closeTokens();
  });
  text.addEventListener('change', () => keep());
  text.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    goOn();
  });
  byId('continue').addEventListener('click', goOn);
  byId('stop-text').addEventListener('click', () => { stop(); byId('continue').focus(); });
  byId('undo-text').addEventListener('click', () => { undo(); keep(); text.focus(); });
  byId('again-text').addEventListener('click', () => { undo(); goOn(); });
  byId('tokens-text').addEventListener('click', toggleTokens);
}

export function show(one) {
  conversation = one;
  byId('text').value = one.text;
  byId('text-error').replaceChildren();
  closeTokens();
  buttons();
}

function buttons() {
  byId('continue').hidden = running !== null;
  byId('stop-text').hidden = running === null;
  byId('text').readOnly = running !== null;
  for (const id of ['undo-text', 'again-text']) byId(id).disabled = running !== null || !conversation.last;
  byId('text-figures').replaceChildren(...(conversation.last?.version ? figures(conversation.last.version, contextLength()) : []));
}

function undo() {
  if (!conversation.last) return;
  conversation.text = conversation.text.slice(0, conversation.last.start);
  conversation.last = undefined;
  byId('text').value = conversation.text;
  buttons();
  closeTokens();
}

async function goOn() {
  if (running) return;
  const one = conversation;
  const version = newVersion(model() ?? '');
  const start = one.text.length;
  running = new AbortController();
  byId('text-error').replaceChildren();
  closeTokens();
  buttons();
  keep();                                // a page that is closed meanwhile has the beginning
  const isKept = has(one.id);
  announce('Writing');
  let error = null;
  const grow = () => {
    one.text = one.text.slice(0, start) + version.text;
    if (conversation !== one) return;
    const text = byId('text');
    const stays = text.scrollHeight - text.scrollTop - text.clientHeight < 80;
    text.value = one.text;
    if (stays) text.scrollTop = text.scrollHeight;
  };
  try {
    const body = { model: model(), prompt: one.text, ...requestFields(false) };
    await withKey(() => receive('v1/completions', body, version, running.signal, grow));
  } catch (failed) {
    error = failed;
  }
  running = null;
  // Its tokens are those of the whole text, scored when they are asked for.
  if (version.text !== '') {
    const usage = version.usage ?? { prompt: 0, completion: version.tokens.length };
    one.last = { start, version: { ...version, text: '', tokens: [], usage } };
  }
  buttons();
  // One that was left keeps what was written; one that was deleted meanwhile stays deleted.
  if (conversation === one || !isKept || has(one.id)) keep(one);
  if (conversation !== one) return;
  const told = error && h('div', { class: 'alarm', role: 'alert' }, h('strong', {}, 'Not continued. '), error.message);
  if (told) byId('text-error').replaceChildren(told);
  else announce(version.finish === 'stopped' ? 'Stopped' : `Written: ${version.text.slice(0, 600)}`);
}

export async function toggleTokens() {
  if (showsTokens) {
    closeTokens();
    return;
  }
  showsTokens = true;
  const number = ++asked;
  byId('tokens-text').setAttribute('aria-pressed', 'true');
  let content;
  try {
    const tokens = await withKey(() => score(model(), conversation.text, Number(choice('alternatives'))));
    content = [legend(), view(tokens, 'Tokens of the text')];
  } catch (error) {
    content = [h('div', { class: 'alarm', role: 'alert' }, error.message)];
  }
  if (!showsTokens || number !== asked) return;
  byId('text-tokens').replaceChildren(h('section', { class: 'token-view', 'aria-label': 'Tokens' }, content));
}

function closeTokens() {
  showsTokens = false;
  byId('tokens-text').setAttribute('aria-pressed', 'false');
  byId('text-tokens').replaceChildren();
}
