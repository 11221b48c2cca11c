// The models of the server: which one is asked, and what is known of it.

import { get, getText } from './api.js';
import { byId, bytes, count, h } from './dom.js';
import { markdown } from './markdown.js';
import { showDefaults } from './settings.js';

const CHOSEN = 'dolmen.model';

let models = [];
let props = null;

/** Undefined while the list is not there yet: the server then takes its first. */
export const model = () => byId('model').value || undefined;
export const contextLength = () => props?.default_generation_settings?.n_ctx ?? models.find(one => one.id === model())?.max_model_len ?? 0;

/** False where the model is known to have no chat template: it can only go on with a text. */
export const canChat = () => props === null || props.chat_template !== '';

/** Reads the list of models, and of the chosen one what it is. */
export async function load() {
  models = (await get('v1/models')).data;
  const select = byId('model');
  const chosen = select.value || localStorage.getItem(CHOSEN);
  select.replaceChildren(...models.map(one => h('option', { value: one.id }, one.id)));
  if (models.some(one => one.id === chosen)) select.value = chosen;
  await describe();
}

export async function choose() {
  try { localStorage.setItem(CHOSEN, model()); } catch { /* chosen for this visit only */ }
  await describe();
}

async function describe() {
  props = null;
  props = await get(`props?model=${encodeURIComponent(model() ?? '')}`);
  showDefaults(props.default_generation_settings?.params);
}

/** Figures and README of the model, in the dialog. */
export async function showCard() {
  byId('card-title').textContent = model() ?? 'Model card';
  byId('facts').replaceChildren(...facts());
  const body = byId('card-body');
  body.replaceChildren();
  byId('card').showModal();
  try {
    body.replaceChildren(markdown(await getText(`model-card?model=${encodeURIComponent(model() ?? '')}`)));
  } catch (error) {
    body.replaceChildren(h('p', { class: 'note' }, error.message));
  }
}

function facts() {
  const { meta, state } = props ?? {};
  const all = [];
  if (meta?.n_params) all.push(['Parameters', count(meta.n_params)]);
  if (contextLength()) all.push(['Context', `${count(contextLength())} tokens`]);
  if (meta?.n_vocab) all.push(['Vocabulary', `${count(meta.n_vocab)} tokens`]);
  if (meta?.size) all.push(['Weights in memory', bytes(meta.size)]);
  if (state) all.push(['States in memory', `${bytes(state.bytes)} of ${bytes(state.limit)}`]);
  all.push(['Chat', canChat() ? 'has a template' : 'has no template']);
  return all.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value)));
}
