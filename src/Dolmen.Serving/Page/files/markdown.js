// Markdown as elements. Text stays text: HTML in it is shown, not interpreted, and nothing is loaded.
// Whatever the text is, the work grows with its length and no faster: no pattern here has two neighbours that match the same letters
// and a way to fail after them.

import { h } from './dom.js';
import { inline } from './inline.js';

const MAX_DEPTH = 8;

/** A text as elements. A front matter (YAML between lines of ---) becomes a block of its own. */
export function markdown(text) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const matter = frontMatter(lines);
  const all = document.createDocumentFragment();
  for (const block of [...matter, ...blocks(lines, 0)]) all.append(block);
  return all;
}

function frontMatter(lines) {
  if (lines[0] !== '---') return [];
  const end = lines.indexOf('---', 1);
  if (end < 2) return [];
  const matter = lines.splice(0, end + 1).slice(1, -1);
  return [h('details', { class: 'matter' }, h('summary', {}, 'Metadata'), h('pre', { tabindex: 0 }, matter.join('\n')))];
}

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})(?=\s)/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+([^]*)$/;
const QUOTE = /^ {0,3}> ?([^]*)$/;

function blocks(lines, depth) {
  const all = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    let match;
    if (line.trim() === '') {
      i++;
    } else if ((match = FENCE.exec(line))) {
      const fence = match[1];
      let end = i + 1;
      while (end < lines.length && !closes(lines[end].trim(), fence)) end++;
      all.push(h('pre', { tabindex: 0 }, h('code', {}, lines.slice(i + 1, end).join('\n'))));
      i = end + 1;
    } else if ((match = HEADING.exec(line))) {
      // The page's own headings stand above: those of a text begin two levels lower.
      all.push(h(`h${Math.min(6, match[1].length + 2)}`, {}, inline(title(line.slice(match[0].length)))));
      i++;
    } else if (RULE.test(line)) {
      all.push(h('hr'));
      i++;
    } else if (QUOTE.test(line) && depth < MAX_DEPTH) {
      const inner = [];
      while (i < lines.length && (match = QUOTE.exec(lines[i]))) { inner.push(match[1]); i++; }
      all.push(h('blockquote', {}, blocks(inner, depth + 1)));
    } else if (beginsTable(lines, i)) {
      const rows = [];
      const from = i;
      for (; i < lines.length && lines[i].includes('|'); i++) if (i !== from + 1) rows.push(cells(lines[i]));
      all.push(table(rows, cells(lines[from + 1])));
    } else if (ITEM.test(line) && depth < MAX_DEPTH) {
      const end = endOfList(lines, i);
      all.push(list(lines.slice(i, end), depth));
      i = end;
    } else {
      const paragraph = [line];
      for (i++; i < lines.length && lines[i].trim() !== '' && !beginsBlock(lines, i); i++) paragraph.push(lines[i]);
      all.push(h('p', {}, inline(paragraph.join('\n'))));
    }
  }
  return all;
}

const closes = (line, fence) => line.startsWith(fence) && line.replaceAll(fence[0], '') === '';

/** A heading without the # that may close it; those of "C#" are its own. */
function title(text) {
  const trimmed = text.trim();
  let end = trimmed.length;
  while (end > 0 && trimmed[end - 1] === '#') end--;
  return end === 0 || /\s/.test(trimmed[end - 1]) ? trimmed.slice(0, end).trimEnd() : trimmed;
}

const beginsBlock = (lines, at) => [FENCE, HEADING, RULE, QUOTE, ITEM].some(begin => begin.test(lines[at])) || beginsTable(lines, at);

/** A list goes on over indented lines, and over an empty line that an item or an indented line follows. */
function endOfList(lines, from) {
  let end = from;
  while (end < lines.length) {
    const line = lines[end];
    const next = lines[end + 1] ?? '';
    if (line.trim() === '' ? !(ITEM.test(next) || /^ {2,}\S/.test(next)) : !(ITEM.test(line) || /^ {2,}/.test(line))) break;
    end++;
  }
  return end;
}

function list(lines, depth) {
  const [, margin, mark] = ITEM.exec(lines[0]);
  const items = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item && item[1].length <= margin.length) items.push([item[3]]);
    else items.at(-1).push(line.slice(Math.min(line.search(/\S|$/), margin.length + 2)));
  }
  const ordered = /\d/.test(mark);
  return h(ordered ? 'ol' : 'ul', { start: ordered ? parseInt(mark, 10) : null }, items.map(item => {
    const inner = blocks(item, depth + 1);
    // A single paragraph stands without its margins.
    return h('li', {}, inner[0]?.tagName === 'P' ? [...inner[0].childNodes, ...inner.slice(1)] : inner);
  }));
}

const cells = line => line.trim().replace(/^\|/, '').replace(/\|$/, '').split(/(?<!\\)\|/).map(cell => cell.trim().replaceAll('\\|', '|'));

/** The line under a table's head has as many cells as it. */
function beginsTable(lines, at) {
  const head = lines[at], below = lines[at + 1] ?? '';
  if (!head.includes('|') || !below.includes('|')) return false;
  const dividers = cells(below);
  return dividers.every(cell => /^:?-+:?$/.test(cell)) && dividers.length === cells(head).length;
}

/** Cells that a row does not have are not made up: a wide head would cost as much again in every row. */
function table(rows, dividers) {
  const side = dividers.map(divider => divider.endsWith(':') ? (divider.startsWith(':') ? 'middle' : 'end') : 'start');
  const row = (cell, values) => h('tr', {}, values.slice(0, side.length).map((value, i) => h(cell, { class: side[i] }, inline(value))));
  return h('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'Table' },
    h('table', {}, h('thead', {}, row('th', rows[0])), h('tbody', {}, rows.slice(1).map(values => row('td', values)))));
}
