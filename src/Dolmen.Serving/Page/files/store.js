// Conversations and choices, kept in this browser only.

const BEFORE = 'dolmen.conversation.';
const FORMAT = 'dolmen-conversations';
const MAX_IMPORT = 64 << 20;

export const newId = () => crypto.getRandomValues(new Uint32Array(3)).reduce((id, part) => id + part.toString(36), '');

export function newConversation(from = {}) {
  const now = Date.now();
  return { id: newId(), title: '', created: now, updated: now, mode: from.mode ?? 'chat', system: from.system ?? '', text: '', turns: [] };
}

/** All conversations, the latest first. What cannot be read is left alone. */
export function conversations() {
  const all = [];
  for (let i = 0; i < localStorage.length; i++) {
    const name = localStorage.key(i);
    if (!name.startsWith(BEFORE)) continue;
    try { all.push(conversation(JSON.parse(localStorage.getItem(name)))); } catch { /* written by something else */ }
  }
  return all.sort((a, b) => b.updated - a.updated);
}

/** Stores a conversation. Where the browser's room is used up, probabilities of the oldest conversations go first.
 *  Returns what there is to say about it, or null. */
export function save(one) {
  const trySave = value => {
    try {
      localStorage.setItem(BEFORE + value.id, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  };
  if (trySave(one)) return null;
  for (const old of [...conversations().reverse().filter(other => other.id !== one.id), one]) {
    trySave(withoutTokens(old));
    if (old !== one && trySave(one)) return 'This browser’s storage is full: token probabilities of old conversations were dropped.';
  }
  return trySave(withoutTokens(one))
    ? 'This browser’s storage is full: token probabilities are not kept.'
    : 'This browser’s storage is full: this conversation is not kept. Export it, or delete others.';
}

export const has = id => localStorage.getItem(BEFORE + id) !== null;

export const remove = id => localStorage.removeItem(BEFORE + id);

function withoutTokens(one) {
  const turns = one.turns.map(turn => turn.versions ? { ...turn, versions: turn.versions.map(v => ({ ...v, tokens: [] })) } : turn);
  return { ...one, turns };
}

export const exported = () => JSON.stringify({ format: FORMAT, version: 1, conversations: conversations() }, null, 1);

/** Stores the conversations of an exported file; one that is here already under the same id is replaced if it is older.
 *  Returns how many came in. Throws an error that says what is wrong with the file. */
export function importFrom(text) {
  if (text.length > MAX_IMPORT) throw new Error('The file is longer than 64 MB, more than a browser keeps.');
  let file;
  try { file = JSON.parse(text); } catch (error) { throw new Error(`The file is not JSON: ${error.message}`); }
  if (file?.format !== FORMAT || !Array.isArray(file.conversations)) {
    throw new Error(`The file holds no conversations: it needs "format": "${FORMAT}" and "conversations", as an export has.`);
  }
  const read = file.conversations.map((one, i) => {
    try { return conversation(one); } catch (error) { throw new Error(`Conversation ${i + 1} of the file: ${error.message}`); }
  });
  const known = new Map(conversations().map(one => [one.id, one]));
  const fresh = read.filter(one => !(known.get(one.id)?.updated >= one.updated));
  for (const one of fresh) {
    const trouble = save(one);
    if (trouble?.includes('not kept')) throw new Error(trouble);
  }
  return fresh.length;
}

/** What was read, with the types that the page relies on. */
function conversation(from) {
  const text = (value, name) => {
    if (typeof value !== 'string') throw new Error(`"${name}" must be a string.`);
    return value;
  };
  const number = value => Number.isFinite(value) ? value : 0;
  if (!from || typeof from !== 'object') throw new Error('It must be an object.');
  if (!Array.isArray(from.turns)) throw new Error('"turns" must be a list.');
  const turns = from.turns.map(turn => {
    if (turn?.role === 'user') return { role: 'user', text: text(turn.text, 'text') };
    if (turn?.role !== 'assistant' || !Array.isArray(turn.versions) || turn.versions.length === 0) {
      throw new Error('A turn must be a user’s with "text" or an assistant’s with "versions".');
    }
    const versions = turn.versions.map(version => (
      { ...version, text: text(version?.text, 'text'), tokens: tokens(version.tokens), sources: sources(version.sources) }));
    return { role: 'assistant', versions, shown: Math.min(Math.max(0, number(turn.shown) | 0), versions.length - 1) };
  });
  return {
    id: text(from.id, 'id').slice(0, 64), title: text(from.title ?? '', 'title'),
    created: number(from.created), updated: number(from.updated),
    mode: from.mode === 'text' ? 'text' : 'chat', system: text(from.system ?? '', 'system'), text: text(from.text ?? '', 'text'), turns,
    last: from.last && typeof from.last === 'object' && Number.isInteger(from.last.start) ? from.last : undefined,
  };
}

const tokens = list => Array.isArray(list) ? list.filter(token => typeof token?.t === 'string' && Array.isArray(token.a)) : [];

const sources = list => Array.isArray(list)
  ? list.filter(one => typeof one?.title === 'string' && typeof one.source === 'string') : [];

const CHOICES = 'dolmen.settings';

export function settings() {
  try {
    const value = JSON.parse(localStorage.getItem(CHOICES) ?? '{}');
    return value && typeof value === 'object' && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

export function saveSettings(value) {
  try { localStorage.setItem(CHOICES, JSON.stringify(value)); } catch { /* kept for this visit only */ }
}
