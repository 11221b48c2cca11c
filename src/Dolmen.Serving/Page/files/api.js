// Requests to the server that the page came from, and its errors in its own words.

const KEY = 'dolmen.key';

export class ApiError extends Error {
  constructor(message, status = 0, code = null) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** Kept until the tab is closed. */
export const setKey = key => sessionStorage.setItem(KEY, key);

function headers(body) {
  const all = body === undefined ? {} : { 'Content-Type': 'application/json' };
  const key = sessionStorage.getItem(KEY);
  if (key) all.Authorization = `Bearer ${key}`;
  return all;
}

async function send(path, body, signal) {
  let response;
  try {
    const json = body === undefined ? undefined : JSON.stringify(body);
    response = await fetch(path, { method: body === undefined ? 'GET' : 'POST', headers: headers(body), body: json, signal });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(`The server at ${location.host} cannot be reached. Is it still running?`);
  }
  if (response.ok) return response;
  const text = await response.text();
  let told = null;
  try { told = JSON.parse(text).error; } catch { /* not in the shape of the API: the status has to do */ }
  throw new ApiError(told?.message ?? `The server answered with status ${response.status}.`, response.status, told?.code);
}

export const get = async (path, signal) => (await send(path, undefined, signal)).json();

export const getText = async (path, signal) => (await send(path, undefined, signal)).text();

export const post = async (path, body, signal) => (await send(path, body, signal)).json();

/** The events of a streamed answer, parsed. */
export async function* stream(path, body, signal) {
  const response = await send(path, { ...body, stream: true }, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      buffer += value;
      for (let end; (end = buffer.indexOf('\n\n')) >= 0;) {
        const event = buffer.slice(0, end);
        buffer = buffer.slice(end + 2);
        if (!event.startsWith('data:')) continue;
        const data = event.slice(5).trim();
        if (data === '[DONE]') return;
        const parsed = JSON.parse(data);
        if (parsed.error) throw new ApiError(parsed.error.message, 0, parsed.error.code);
        yield parsed;
      }
    }
  } catch (error) {
    if (error.name === 'AbortError' || error instanceof ApiError) throw error;
    throw new ApiError('The connection broke before the answer was complete.');
  } finally {
    reader.cancel().catch(() => {});
  }
  throw new ApiError('The server ended the answer before it was complete.');
}
