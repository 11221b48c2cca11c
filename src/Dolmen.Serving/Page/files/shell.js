// What stands around a conversation: the list of conversations, panels, dialogs, messages, colours.

import { byId, h } from './dom.js';
import { exported, importFrom } from './store.js';

const WIDE = matchMedia('(min-width: 62.01rem)');

export function setUpShell({ imported }) {
  for (const panel of ['side', 'settings']) byId(`toggle-${panel}`).addEventListener('click', () => toggle(panel));
  byId('open-keys').addEventListener('click', () => byId('keys').showModal());
  for (const form of document.querySelectorAll('dialog form[method="dialog"]')) {
    form.closest('dialog').addEventListener('click', closeOutside);
  }
  document.addEventListener('keydown', event => {
    const panel = event.key === 'Escape' && event.target.closest?.('.side, .settings');
    if (!panel || WIDE.matches) return;
    toggle(panel.id);
    event.preventDefault();
  });
  if (WIDE.matches) toggle('side', false);
  setUpColours();
  setUpFiles(imported);
}

/** Opens or closes a panel. The focus goes into one that opens over the page, and back to its button when it closes. */
export function toggle(name, moves = true) {
  const panel = byId(name), button = byId(`toggle-${name}`);
  const opens = panel.classList.toggle('open');
  button.setAttribute('aria-expanded', String(opens));
  if (!moves) return;
  if (opens) panel.querySelector('button, input, textarea:not([hidden]), select')?.focus();
  else button.focus();
}

export function showList(conversations, current, { select, remove }) {
  const focused = document.activeElement?.closest?.('#conversations li')?.dataset.id;
  byId('conversations').replaceChildren(...conversations.map(one => {
    const isCurrent = one.id === current;
    const title = one.title || 'Untitled';
    return h('li', { class: isCurrent ? 'current' : null, 'data-id': one.id },
      h('button', { class: 'pick', 'aria-current': isCurrent ? 'true' : null, onclick: () => select(one) }, title),
      h('button', { class: 'drop', 'aria-label': `Delete ${title}`, title: 'Delete', onclick: () => remove(one) }, '×'));
  }));
  if (focused) byId('conversations').querySelector(`[data-id="${focused}"] .pick`)?.focus();
}

let fading = 0;

export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast('Copied.');
  } catch {
    toast('The browser does not let this page copy: it needs localhost or https.');
  }
}

/** A short message; with an action it stays until that was taken, or another message comes. */
export function toast(text, label, action) {
  const box = byId('toast');
  clearTimeout(fading);
  box.replaceChildren(h('span', {}, text), label ? h('button', { onclick: () => { box.hidden = true; action(); } }, label) : '');
  box.hidden = false;
  fading = setTimeout(() => { box.hidden = true; }, label ? 12_000 : 3_000);
}

function closeOutside(event) {
  if (event.target === event.currentTarget) event.currentTarget.close();
}

function setUpColours() {
  const select = byId('theme');
  select.value = document.documentElement.dataset.theme ?? '';
  select.addEventListener('change', () => {
    if (select.value) document.documentElement.dataset.theme = select.value;
    else delete document.documentElement.dataset.theme;
    try {
      if (select.value) localStorage.setItem('dolmen.theme', select.value);
      else localStorage.removeItem('dolmen.theme');
    } catch { /* for this visit only */ }
  });
}

function setUpFiles(imported) {
  byId('export').addEventListener('click', () => {
    const address = URL.createObjectURL(new Blob([exported()], { type: 'application/json' }));
    h('a', { href: address, download: 'dolmen-conversations.json' }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  });
  const file = byId('import-file');
  byId('import').addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    try {
      const came = importFrom(await file.files[0].text());
      imported();
      toast(came === 1 ? 'One conversation came in.' : `${came} conversations came in.`);
    } catch (error) {
      toast(error.message, 'Close', () => {});
    }
    file.value = '';
  });
}
