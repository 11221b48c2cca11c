// What stands within a block of Markdown: code, links, emphasis. A closing mark that was looked for once is remembered, so that a
// text of marks that nothing closes costs no more than another one.

import { h } from './dom.js';

const MAX_DEPTH = 8;

/** Where something may begin. */
const BEGIN = /`+|!?\[|https?:\/\/|\*+|_|\\/g;

const TARGET = /\]\((?<target>(?:[^()\s]|\([^()\s]*\))*)(?:\s+"[^"]*")?\)/y;
const BARE = /https?:\/\/[^\s<>)\]]+[^\s<>)\].,;:!?'"]/y;
const STRONG_END = /(?<=[^\s*])\*{2,3}(?!\*)/g;
const EM = /(?<!\w)\*(?<em>[^\s*](?:[^*]*[^\s*])?)\*(?!\*)/y;
const UNDER = /(?<!\w)_(?<em>[^\s_](?:[^_]*[^\s_])?)_(?!\w)/y;
const ESCAPED = /\\([!-/:-@[-`{-~])/y;

/** The parts of a text: elements, and text between them. */
export function inline(text, depth = 0) {
  const all = [];
  const within = part => depth < MAX_DEPTH ? inline(part, depth + 1) : [part];
  const reader = readers(text, within);
  const begin = new RegExp(BEGIN);
  let at = 0;
  for (let match; (match = begin.exec(text));) {
    const read = reader(match[0], match.index);
    if (!read) continue;
    if (match.index > at) all.push(text.slice(at, match.index));
    all.push(read.part);
    at = begin.lastIndex = read.end;
  }
  if (at < text.length) all.push(text.slice(at));
  return all;
}

/** A function that reads what begins with a mark at an index: the part and its end, or nothing where the mark is only text. */
function readers(text, within) {
  const codeEnd = runsOf(text);
  const bracketEnd = remembered(from => endOf(text.indexOf(']', from)));
  const strongEnd = remembered(from => endOf(search(STRONG_END, text, from)?.index ?? -1));
  let notTarget = -1;

  function code(mark, index) {
    const end = codeEnd().get(index);
    if (end === undefined) return null;
    return { part: h('code', {}, text.slice(index + mark.length, end).replace(/^ ([^]*) $/, '$1')), end: end + mark.length };
  }

  function target(mark, index) {
    const from = index + mark.length, end = bracketEnd(from);
    if (end === Infinity || end === notTarget) return null;
    const match = search(TARGET, text, end);
    if (!match) {
      notTarget = end;                   // all the brackets before it have the same end
      return null;
    }
    const label = text.slice(from, end), address = match.groups.target;
    return { part: link(address, mark === '![' ? [label || 'image'] : within(label)), end: end + match[0].length };
  }

  function strong(mark, index) {
    const from = index + 2;
    if (mark.length > 3 || /^\s?$/.test(text.charAt(index + mark.length))) return null;
    const end = strongEnd(from + 1);
    if (end === Infinity) return null;
    const inner = end + search(/\*+/y, text, end)[0].length - 2;
    return { part: h('strong', {}, within(text.slice(from, inner))), end: inner + 2 };
  }

  function matched(pattern, index, toPart) {
    const match = search(pattern, text, index);
    return match && { part: toPart(match), end: index + match[0].length };
  }

  const emphasis = match => h('em', {}, within(match.groups.em));
  return (mark, index) => {
    switch (mark[0]) {
      case '`': return code(mark, index);
      case '!': case '[': return target(mark, index);
      case 'h': return matched(BARE, index, ([address]) => link(address, [address]));
      case '*': return mark.length === 1 ? matched(EM, index, emphasis) : strong(mark, index);
      case '_': return matched(UNDER, index, emphasis);
      default: return matched(ESCAPED, index, match => match[1]);
    }
  };
}

const endOf = index => index < 0 ? Infinity : index;

function search(pattern, text, from) {
  pattern.lastIndex = from;
  return pattern.exec(text);
}

/** The next place at or after an index, asked for from left to right: each part of the text is searched once. */
function remembered(find) {
  let last = -1;
  return from => last >= from ? last : (last = find(from));
}

/** For each run of backticks the next run that is as long, made when it is first asked for. */
function runsOf(text) {
  let ends = null;
  return () => {
    if (ends) return ends;
    ends = new Map();
    const last = new Map();
    for (const { 0: { length }, index } of text.matchAll(/`+/g)) {
      if (last.has(length)) ends.set(last.get(length), index);
      last.set(length, index);
    }
    return ends;
  };
}

/** Only addresses of the web become links; they open beside the page and are not told where they were followed from. */
function link(target, content) {
  return /^https?:\/\//i.test(target)
    ? h('a', { href: target, target: '_blank', rel: 'noopener noreferrer' }, content)
    : h('span', {}, content);
}
