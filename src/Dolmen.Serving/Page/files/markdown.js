// Markdown as elements. Text stays text: HTML in it is shown, not interpreted, and nothing is loaded.

import { h } from './dom.js';

const MAX_DEPTH = 8;

/** The blocks of a text. A front matter (YAML between lines of ---) becomes a block of its own. */
export function markdown(text) {
  const lines = text.replace(/\r\n?/g, '\n').split('\n');
  const matter = frontMatter(lines);
  return [...matter, ...blocks(lines, 0)];
}

function frontMatter(lines) {
  if (lines[0] !== '---') return [];
  const end = lines.indexOf('---', 1);
  if (end < 2) return [];
  const matter = lines.splice(0, end + 1).slice(1, -1);
  return [h('details', { class: 'matter' }, h('summary', {}, 'Metadata'), h('pre', { tabindex: 0 }, matter.join('\n')))];
}

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([\w+#.-]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])\s*(?:\1\s*){2,}$/;
const ITEM = /^( *)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^ {0,3}> ?(.*)$/;
const DIVIDER = /^ {0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function blocks(lines, depth) {
  const all = [];
  for (let i = 0; i < lines.length;) {
    const line = lines[i];
    let match;
    if (line.trim() === '') {
      i++;
    } else if ((match = FENCE.exec(line))) {
      const fence = match[1];
      const end = lines.findIndex((other, at) => at > i && other.trim().startsWith(fence) && other.trim().replaceAll(fence[0], '') === '');
      const code = lines.slice(i + 1, end < 0 ? lines.length : end).join('\n');
      all.push(h('pre', { tabindex: 0 }, h('code', {}, code)));
      i = end < 0 ? lines.length : end + 1;
    } else if ((match = HEADING.exec(line))) {
      // The page's own headings stand above: those of a text begin two levels lower.
      all.push(h(`h${Math.min(6, match[1].length + 2)}`, {}, inline(match[2])));
      i++;
    } else if (RULE.test(line)) {
      all.push(h('hr'));
      i++;
    } else if (QUOTE.test(line) && depth < MAX_DEPTH) {
      const inner = [];
      while (i < lines.length && (match = QUOTE.exec(lines[i]))) { inner.push(match[1]); i++; }
      all.push(h('blockquote', {}, blocks(inner, depth + 1)));
    } else if (line.includes('|') && i + 1 < lines.length && lines[i + 1].includes('-') && DIVIDER.test(lines[i + 1])) {
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
      for (i++; i < lines.length && lines[i].trim() !== '' && !beginsBlock(lines[i]); i++) paragraph.push(lines[i]);
      all.push(h('p', {}, inline(paragraph.join('\n'))));
    }
  }
  return all;
}

const beginsBlock = line => FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);

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

function table(rows, dividers) {
  const side = dividers.map(divider => divider.endsWith(':') ? (divider.startsWith(':') ? 'middle' : 'end') : 'start');
  const row = (cell, values) => h('tr', {}, side.map((at, i) => h(cell, { class: at }, inline(values[i] ?? ''))));
  return h('div', { class: 'wide', tabindex: 0, role: 'group', 'aria-label': 'Table' },
    h('table', {}, h('thead', {}, row('th', rows[0])), h('tbody', {}, rows.slice(1).map(values => row('td', values)))));
}

const INLINE = new RegExp([
  /(?<ticks>`+)(?<code>[\s\S]*?[^`])\k<ticks>(?!`)/,
  /(?<image>!?)\[(?<label>[^\]]*)\]\((?<target>[^)\s]*)(?:\s+"[^"]*")?\)/,
  /(?<bare>https?:\/\/[^\s<>)\]]+[^\s<>)\].,;:!?'"])/,
  /\*\*(?<strong>[^\s*](?:[\s\S]*?[^\s])?)\*\*/,
  /(?<![\w*])\*(?<em>[^\s*](?:[^*]*?[^\s*])?)\*(?!\*)/,
  /(?<!\w)_(?<under>[^\s_](?:[^_]*?[^\s_])?)_(?!\w)/,
  /\\(?<escaped>[!-/:-@[-`{-~])/,
].map(part => part.source).join('|'), 'g');

function inline(text, depth = 0) {
  const all = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    const g = match.groups;
    if (match.index > at) all.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    const within = part => depth < MAX_DEPTH ? inline(part, depth + 1) : [part];
    if (g.code !== undefined) all.push(h('code', {}, g.code.replace(/^ (.*) $/, '$1')));
    else if (g.label !== undefined) all.push(g.image ? link(g.target, [g.label || 'image']) : link(g.target, within(g.label)));
    else if (g.bare !== undefined) all.push(link(g.bare, [g.bare]));
    else if (g.strong !== undefined) all.push(h('strong', {}, within(g.strong)));
    else if (g.em !== undefined || g.under !== undefined) all.push(h('em', {}, within(g.em ?? g.under)));
    else all.push(g.escaped);
  }
  if (at < text.length) all.push(text.slice(at));
  return all;
}

/** Only addresses of the web become links; they open beside the page and are not told where they were followed from. */
function link(target, content) {
  return /^https?:\/\//i.test(target)
    ? h('a', { href: target, target: '_blank', rel: 'noopener noreferrer' }, content)
    : h('span', {}, content);
}
