// The page: which conversation is open, and what its buttons and keys do.

import { showUse } from './context.js';
import { announce, byId } from './dom.js';
import { messagesOf, newVersion, promptTokens, receive, shownVersion } from './generation.js';
import { withKey } from './keys.js';
import * as models from './models.js';
import * as settings from './settings.js';
import { setUpKeys } from './shortcuts.js';
import * as store from './store.js';
import { follow, isAtEnd, showBusy } from './thread.js';
import { hide as hideCard, setUpCard } from './tokens.js';
import { showText, turnElement, welcome } from './turns.js';
import { copy, setUpShell, showList, toast, toggle } from './shell.js';
import * as writing from './writing.js';

let current = store.conversations()[0] ?? store.newConversation();
let running = null;                      // the turn that is being written, and what aborts it
let editing = null;                      // index of the turn that is being edited
const open = new WeakMap();              // version → what of its tokens is open
const stateOf = turn => turn.versions ? open.get(shownVersion(turn)) ?? {} : {};

const messages = until => messagesOf(current, until);
/** Saves a conversation, the open one if none is named, and shows it first in the list. */
function keep(conversation = current) {
  conversation.updated = Date.now();
  const first = conversation.mode === 'text' ? conversation.text : conversation.turns[0]?.text ?? '';
  conversation.title = first.trim().split('\n')[0].slice(0, 80);
  if (conversation.turns.length > 0 || conversation.text !== '') {
    const trouble = store.save(conversation);
    if (trouble) toast(trouble);
  }
  list();
}
const isWriting = () => running !== null || writing.isRunning();
// The list has copies: what is being written goes into the conversation that is open.
const list = () => showList(store.conversations(), current.id,
  { select: one => select(one.id === current.id && isWriting() ? current : one), remove });

function select(conversation) {
  stop();
  current = conversation;
  editing = null;
  show();
  list();
}

function newConversation() {
  select(store.newConversation({ mode: current.mode, system: current.system }));
  focusMessage();
}

function remove(listed) {
  const conversation = listed.id === current.id ? current : listed;
  store.remove(conversation.id);
  if (conversation === current) select(store.conversations()[0] ?? store.newConversation({ mode: current.mode }));
  else list();
  toast('Deleted.', 'Undo', () => { store.save(conversation); select(conversation); });
}

function show() {
  hideCard();
  const isText = current.mode === 'text';
  byId('thread').hidden = byId('composer').hidden = isText;
  byId('writing').hidden = !isText;
  byId('system-field').hidden = isText;
  byId('mode-chat').setAttribute('aria-pressed', String(!isText));
  byId('mode-text').setAttribute('aria-pressed', String(isText));
  byId('system').value = current.system;
  writing.show(current);
  byId('turns').replaceChildren(...(current.turns.length === 0 ? [welcome(models.model())] : current.turns.map((_, i) => element(i))));
  byId('thread').scrollTop = byId('thread').scrollHeight;
  countContext();
}

const element = index => turnElement(current.turns[index], index, {
  ...stateOf(current.turns[index]), editing: editing === index, growing: running?.turn === current.turns[index],
  isLast: index === current.turns.length - 1,
}, turnActions);

/** Shows one turn anew; the focus stays on the button that was pressed. */
function refresh(index) {
  const old = byId('turns').querySelector(`.turn[data-index="${index}"]`);
  const action = old?.contains(document.activeElement) ? document.activeElement.dataset.action : null;
  const fresh = element(index);
  if (old) old.replaceWith(fresh);
  else byId('turns').append(fresh);
  if (action) fresh.querySelector(`[data-action="${action}"]`)?.focus();
  return fresh;
}

function focusMessage() { byId(current.mode === 'text' ? 'text' : 'message').focus(); }

function send() {
  const text = byId('message').value;
  if (running || text.trim() === '') return;
  byId('message').value = '';
  current.turns.push({ role: 'user', text });
  if (current.turns.length === 1) byId('turns').replaceChildren();
  else refresh(current.turns.length - 2);
  refresh(current.turns.length - 1);
  answer(current.turns.length);
}

/** Has turn number `index` written by the model: a first answer, or another one beside those that are there. */
async function answer(index) {
  const conversation = current;
  const version = newVersion(models.model() ?? '');
  const turn = conversation.turns[index] ?? { role: 'assistant', versions: [], shown: 0 };
  const sent = messages(index);
  conversation.turns.length = index;
  conversation.turns.push(turn);
  turn.shown = turn.versions.push(version) - 1;
  if (editing !== null && editing >= index) editing = null;
  const run = running = { abort: new AbortController(), turn };
  showBusy(run);
  byId('turns').querySelectorAll('.turn').forEach(one => { if (Number(one.dataset.index) > index) one.remove(); });
  let box = refresh(index);
  box.classList.add('writing-now');
  keep();                                // a page that is closed or left meanwhile has the message
  follow(true);
  announce('Answering');
  let drawn = 0;
  const draw = () => {
    drawn = 0;
    if (running !== run || current !== conversation) return;
    const stays = isAtEnd();
    showText(box.querySelector('.said'), version.text, true);
    if (stays) follow();
  };
  try {
    const body = { model: models.model(), messages: sent, ...settings.requestFields(true) };
    await withKey(() => receive('v1/chat/completions', body, version, run.abort.signal, () => { drawn ||= requestAnimationFrame(draw); }));
  } catch (error) {
    version.error = error.message;
    version.finish = 'error';
  }
  cancelAnimationFrame(drawn);
  if (running === run) showBusy(running = null);
  const stays = isAtEnd();
  if (current === conversation) {
    refresh(index);
    countContext();
    if (stays) follow();
  }
  // One that was deleted meanwhile stays deleted.
  if (current === conversation || store.has(conversation.id)) keep(conversation);
  if (!version.error) announce(version.finish === 'stopped' ? 'Stopped' : `Answer: ${version.text.slice(0, 600)}`);
}

function stop() {
  running?.abort.abort();
  writing.stop();
}

/** Whether an answer is being written; then it says what to do first. */
function mustWait() {
  if (running) toast('Stop the answer first.');
  return running !== null;
}

const turnActions = {
  contextLength: models.contextLength,
  copy,
  regenerate: index => { if (!running) answer(index); },
  edit: index => {
    if (index !== null && mustWait()) return;
    const before = editing;
    editing = index;
    if (before !== null && before < current.turns.length) refresh(before).querySelector('[data-action="edit"]')?.focus();
    if (index !== null) refresh(index).querySelector('[data-action="editor"]').focus();
  },
  saveEdit: (index, text) => {
    if (mustWait()) return;
    editing = null;
    const turn = current.turns[index];
    if (turn.role === 'user') {
      const [conversation, before] = [current, structuredClone(current.turns)];
      turn.text = text;
      current.turns.length = index + 1;
      if (before.length > index + 2) {
        const undo = () => { conversation.turns = before; store.save(conversation); select(conversation); };
        toast('What followed the message was dropped.', 'Undo', undo);
      }
      show();
      answer(index + 1);
    } else {
      const version = shownVersion(turn);
      turn.shown = turn.versions.push({ ...newVersion(version.model), text }) - 1;
      refresh(index);
      keep();
    }
  },
  showVersion: (index, version) => {
    current.turns[index].shown = version;
    refresh(index);
    keep();
  },
  toggleTokens: index => {
    const version = shownVersion(current.turns[index]);
    if (version.tokens.length === 0) return;
    open.set(version, { tokens: !open.get(version)?.tokens });
    hideCard();
    refresh(index).querySelector('.token-view')?.scrollIntoView({ block: 'nearest' });
  },
  showPrompt: async index => {
    const version = shownVersion(current.turns[index]);
    const conversation = current;
    let state;
    try {
      state = { prompt: await withKey(() => promptTokens(models.model(), messages(index), Number(settings.choice('alternatives')))) };
    } catch (error) {
      state = { promptError: error.message };
    }
    open.set(version, { tokens: true, ...state });
    if (current === conversation) refresh(index).querySelector('.tokens .token')?.focus();
  },
};

const countContext = () => showUse(() => {
  if (current.mode !== 'chat') return [];
  const draft = byId('message').value;
  return draft === '' ? messages() : [...messages(), { role: 'user', content: draft }];
});

function setMode(mode) {
  if (current.mode === mode) return;
  stop();
  if (current.turns.length === 0 && current.text === '') {
    current.mode = mode;
    show();
  } else {
    select(store.newConversation({ mode }));
  }
  focusMessage();
}

/** A model without a chat template goes on with texts only. */
function showWhatTheModelCan() {
  const chat = byId('mode-chat');
  chat.disabled = !models.canChat();
  chat.title = models.canChat() ? '' : 'This model has no chat template: it can only go on with a text.';
  if (!models.canChat() && current.mode === 'chat' && current.turns.length === 0) setMode('text');
  else show();
}

async function start() {
  settings.setUp(countContext);
  setUpCard();
  setUpShell({ imported: () => list() });
  writing.setUp(keep);
  byId('composer').addEventListener('submit', event => { event.preventDefault(); send(); });
  byId('message').addEventListener('input', countContext);
  byId('message').addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    send();
  });
  byId('stop').addEventListener('click', () => { stop(); focusMessage(); });
  byId('new').addEventListener('click', newConversation);
  byId('mode-chat').addEventListener('click', () => setMode('chat'));
  byId('mode-text').addEventListener('click', () => setMode('text'));
  byId('system').addEventListener('input', event => {
    current.system = event.target.value;
    if (current.turns.length > 0) store.save(current);
    countContext();
  });
  byId('set-markdown').addEventListener('change', show);
  byId('open-card').addEventListener('click', () => models.showCard());
  byId('model').addEventListener('change', async () => { await attempt(models.choose); showWhatTheModelCan(); });
  addEventListener('storage', event => { if (event.key?.startsWith('dolmen.conversation.')) list(); });
  const last = (role, action) => {
    const index = current.turns.findLastIndex(turn => turn.role === role);
    if (index >= 0 && !running && current.mode === 'chat') action(index);
  };
  setUpKeys({
    focusMessage, newConversation,
    regenerate: () => last('assistant', turnActions.regenerate), edit: () => last('user', turnActions.edit),
    tokens: () => current.mode === 'text' ? writing.toggleTokens() : last('assistant', turnActions.toggleTokens),
    side: () => toggle('side'), settings: () => toggle('settings'), card: () => models.showCard(), keys: () => byId('keys').showModal(),
    escape: () => { if (isWriting()) stop(); },
  });
  show();
  list();
  focusMessage();
  await attempt(models.load);
  showWhatTheModelCan();
}

/** Says what the server says where it refuses. */
async function attempt(action) {
  try {
    await withKey(action);
  } catch (error) {
    toast(error.message, 'Try again', () => attempt(action).then(showWhatTheModelCan));
  }
}

start();
