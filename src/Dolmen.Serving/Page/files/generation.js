// One answer: asked for, received piece by piece, with its tokens and figures.

import { post, stream } from './api.js';
import { bytes, count, h, milliseconds } from './dom.js';
import { ofChat, ofText } from './tokens.js';

export const newVersion = model => ({ text: '', tokens: [], model, finish: null });

export const shownVersion = turn => turn.versions[turn.shown];

/** The messages of a conversation up to a turn, as the API takes them. */
export function messagesOf(conversation, until = conversation.turns.length) {
  const system = conversation.system.trim() === '' ? [] : [{ role: 'system', content: conversation.system }];
  return [...system, ...conversation.turns.slice(0, until).map(turn => turn.role === 'user'
    ? { role: 'user', content: turn.text } : { role: 'assistant', content: shownVersion(turn).text })];
}

/** Streams an answer into a version. An answer that was stopped keeps what had come. */
export async function receive(path, body, version, signal, onChange) {
  const begun = performance.now();
  try {
    for await (const chunk of stream(path, { ...body, stream_options: { include_usage: true, include_timings: true } }, signal)) {
      const choice = chunk.choices?.[0];
      if (choice) {
        const piece = (choice.delta ? choice.delta.content : choice.text) ?? '';
        if (piece !== '') version.first ??= performance.now() - begun;
        version.text += piece;
        version.tokens.push(...(choice.delta ? ofChat(choice.logprobs) : ofText(choice.logprobs)));
        version.finish = choice.finish_reason ?? version.finish;
        version.sources = choice.sources ?? version.sources;
      }
      if (chunk.usage) version.usage = { prompt: chunk.usage.prompt_tokens, completion: chunk.usage.completion_tokens };
      version.timings = chunk.timings ?? version.timings;
      onChange();
    }
  } catch (error) {
    if (error.name !== 'AbortError') throw error;
    version.finish = 'stopped';
  }
}

/** The tokens of a chat's prompt as the model reads them, each scored by the model. */
export async function promptTokens(model, messages, alternatives) {
  const applied = await post('apply-template', { model, messages });
  return score(model, applied.tokens, alternatives);
}

export async function score(model, prompt, alternatives) {
  const answer = await post('v1/completions', { model, prompt, echo: true, max_tokens: 0, logprobs: Math.max(0, alternatives) });
  return ofText(answer.choices[0].logprobs);
}

export const REASONS = { length: 'ended at its limit', stopped: 'stopped' };

/** What is known of how an answer came about. */
export function figures(version, contextLength) {
  const { timings, usage } = version;
  const tokens = usage?.completion ?? version.tokens.length;
  const all = [];
  const add = (holds, text, title) => { if (holds) all.push([text(), title]); };
  const room = contextLength;
  add(tokens > 0, () => `${count(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`, 'Tokens of the answer');
  add(version.finish in REASONS, () => REASONS[version.finish], 'Why the answer ended');
  add(timings?.predicted_n > 0, () => `decode ${count(timings.predicted_per_second)} tokens/s`, 'Speed of writing');
  add(timings?.prompt_n > 0, () => `prefill ${count(timings.prompt_per_second)} tokens/s`,
    'Speed of reading the part of the prompt that was new');
  add(timings?.cache_n > 0, () => `${count(timings.cache_n)} of ${count(timings.cache_n + timings.prompt_n)} prompt tokens known`,
    'Known from earlier requests');
  add(version.first !== undefined, () => `first token after ${milliseconds(version.first)}`, 'From sending to the first text');
  add(usage && room, () => `context ${count(usage.prompt + usage.completion)} of ${count(room)}`,
    'Tokens of prompt and answer, of those that the model can hold');
  add(timings?.state_bytes > 0, () => `state ${bytes(timings.state_bytes)}`,
    'Memory of what the model remembers of prompt and answer');
  return all.map(([text, title]) => h('span', { title }, text));
}
