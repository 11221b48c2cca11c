// The form of settings, and the fields of a request that follow from it.

import { byId, h } from './dom.js';
import { saveSettings, settings } from './store.js';

/** Name of the request's field, label, step, least, most. What is left empty is the model's own default and is not sent. */
const NUMBERS = [
  ['temperature', 'Temperature', 0.1, 0, 2],
  ['top_p', 'Top-p', 0.05, 0, 1],
  ['top_k', 'Top-k', 1, -1, null],
  ['min_p', 'Min-p', 0.01, 0, 1],
  ['repetition_penalty', 'Repetition penalty', 0.05, 0.01, 100],
  ['presence_penalty', 'Presence penalty', 0.1, -2, 2],
  ['frequency_penalty', 'Frequency penalty', 0.1, -2, 2],
  ['max_tokens', 'Max tokens', 1, 1, null],
  ['seed', 'Seed', 1, null, null],
];

/** Where the server says what a field is when it is left out; the names of llama.cpp's settings. */
const DEFAULT_NAMES = { repetition_penalty: 'repeat_penalty' };
const WITHOUT = { max_tokens: 'no limit', seed: 'random' };
const TEXT_LENGTH = 256;
const HINTS = {
  json_schema: 'A JSON schema. The answer is valid under it, whatever the model is.',
  regex: 'A regular expression. The whole answer matches it.',
  grammar: 'A grammar in llama.cpp’s GBNF, with a rule named root.',
};
const EXAMPLES = {
  json_schema: '{\n  "type": "object",\n  "properties": {\n    "name": { "type": "string" }\n  },\n  "required": ["name"]\n}',
  regex: '(yes|no), because .+\\.',
  grammar: 'root ::= "yes" | "no"',
};

let values = settings();
let changed = () => {};

export function setUp(onChange) {
  changed = onChange;
  const grid = byId('numbers');
  for (const [name, label, step, min, max] of NUMBERS) {
    const input = h('input', {
      id: `set-${name}`, name, type: 'number', step, min, max, inputmode: 'decimal', value: values[name],
      placeholder: WITHOUT[name] ?? 'default',
      oninput: event => put(name, event.target.value === '' ? undefined : event.target.valueAsNumber),
    });
    grid.append(h('label', { class: 'field', for: input.id }, h('span', {}, label), input));
  }
  bind('stop', 'value', '');
  bind('form', 'value', '');
  bind('form_text', 'value', '');
  bind('alternatives', 'value', '5');
  bind('markdown', 'checked', true);
  bind('single_keys', 'checked', true);
  byId('set-form').addEventListener('change', showForm);
  byId('reset').addEventListener('click', () => {
    values = {};
    for (const [name] of NUMBERS) byId(`set-${name}`).value = '';
    for (const [name, property, fallback] of bound) byId(`set-${name}`)[property] = fallback;
    saveSettings(values);
    showForm();
    changed();
  });
  showForm();
}

const bound = [];

function bind(name, property, fallback) {
  const input = byId(`set-${name}`);
  bound.push([name, property, fallback]);
  input[property] = values[name] ?? fallback;
  input.addEventListener(property === 'checked' ? 'change' : 'input', () => put(name, input[property]));
}

function put(name, value) {
  values = { ...values, [name]: value };
  saveSettings(values);
  changed();
}

export const choice = name => values[name] ?? bound.find(one => one[0] === name)?.[2];

function showForm() {
  const form = choice('form');
  const wants = Object.hasOwn(HINTS, form);
  byId('form-text').hidden = !wants;
  byId('form-hint').textContent = wants ? HINTS[form] : '';
  byId('set-form_text').placeholder = wants ? EXAMPLES[form] : '';
}

/** Shows in the empty fields what the model does by default. */
export function showDefaults(defaults) {
  for (const [name] of NUMBERS) {
    const value = defaults?.[DEFAULT_NAMES[name] ?? name];
    if (WITHOUT[name] || typeof value !== 'number') continue;
    byId(`set-${name}`).placeholder = String(Number(value.toPrecision(4)));
  }
}

/** The fields of a request to /v1/chat/completions, or of one to /v1/completions. Throws where a form cannot be read. */
export function requestFields(chat) {
  const fields = {};
  for (const [name] of NUMBERS) if (Number.isFinite(values[name])) fields[name] = values[name];
  if (!chat && fields.max_tokens === undefined) fields.max_tokens = TEXT_LENGTH;
  const stop = (values.stop ?? '').split('\n').filter(line => line !== '').map(unescape);
  if (stop.length > 0) fields.stop = stop;
  const alternatives = Number(choice('alternatives'));
  if (alternatives >= 0) {
    if (chat) Object.assign(fields, { logprobs: true, top_logprobs: alternatives });
    else fields.logprobs = alternatives;
  }
  return { ...fields, ...form() };
}

function form() {
  const text = values.form_text ?? '';
  switch (choice('form')) {
    case 'json_object': return { response_format: { type: 'json_object' } };
    case 'json_schema':
      try {
        return { response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: JSON.parse(text) } } };
      } catch (error) {
        throw new Error(`The JSON schema in the settings is not JSON: ${error.message}`);
      }
    case 'regex': return { structured_outputs: { regex: text } };
    case 'grammar': return { structured_outputs: { grammar: text } };
    default: return {};
  }
}

/** \n, \t and \\ in a stop string. */
const unescape = line => line.replace(/\\([nt\\])/g, (_, letter) => ({ n: '\n', t: '\t', '\\': '\\' })[letter]);
