// Building elements. Text always becomes a text node: nothing here, nor anywhere in the page, hands text to the HTML parser.

/** An element. Properties that begin with "on" are listeners; true sets an attribute without a value, false and null leave it out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'class') element.className = value;
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  // One by one: a call does not take the hundred thousand children that a long text may have.
  for (const child of children.flat(Infinity)) if (child !== null && child !== undefined && child !== false) element.append(child);
  return element;
}

export const byId = id => document.getElementById(id);

/** Says something to a screen reader without moving the focus. */
export function announce(text) {
  const region = byId('status');
  region.textContent = '';
  // A region that gets the same words twice is read once: it is emptied and filled in two turns.
  setTimeout(() => { region.textContent = text; }, 50);
}

const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

export const count = number => whole.format(number);

export function bytes(number) {
  if (number < 1000) return `${number} B`;
  const units = ['kB', 'MB', 'GB', 'TB'];
  let at = -1;
  do { number /= 1000; at++; } while (number >= 999.5 && at < units.length - 1);
  return `${number < 10 ? number.toFixed(1) : whole.format(number)} ${units[at]}`;
}

export const milliseconds = ms => ms < 10 ? `${ms.toFixed(1)} ms` : ms < 1000 ? `${whole.format(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;

/** 34.2 % with as many digits as tell something. */
export function percent(probability) {
  const value = probability * 100;
  if (value >= 99.995) return '100 %';
  if (value >= 99.95) return `${value.toFixed(2)} %`;
  if (value >= 0.1) return `${value.toFixed(1)} %`;
  return value >= 0.001 ? `${value.toPrecision(1)} %` : '< 0.001 %';
}
