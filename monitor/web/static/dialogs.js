// The dialogs: login, alarm limits, help.

import * as api from './api.js';

const get = (id) => document.getElementById(id);

export function wireDialogs() {
  for (const button of document.querySelectorAll('[data-close]')) {
    button.addEventListener('click', () => button.closest('dialog').close());
  }
  get('login').addEventListener('cancel', (event) => event.preventDefault());
}

/** Ask for a token until one is right; give the session. */
export function askToken() {
  const dialog = get('login');
  if (!dialog.open) dialog.showModal();
  return new Promise((done) => {
    get('login-form').onsubmit = async (event) => {
      event.preventDefault();
      get('login-error').textContent = '';
      try {
        const session = await api.login(get('token').value.trim());
        get('token').value = '';
        dialog.close();
        done(session);
      } catch (error) {
        get('login-error').textContent = error.message;
      }
    };
  });
}

/** Show the alarm limits of a bed, and let them be changed by who may. */
export async function limitsDialog(name) {
  const fields = get('limits-fields');
  const error = get('limits-error');
  get('limits-title').textContent = `Alarm limits of ${name}`;
  fields.replaceChildren();
  error.textContent = '';
  const may = api.may('control');
  get('limits-save').disabled = !may;
  if (!may) error.textContent = 'You may look, but you have no right to change limits.';
  get('limits').showModal();
  let before;
  try {
    before = (await api.limits(name)).limits;
  } catch (reason) {
    error.textContent = reason.message;
    return;
  }
  for (const [key, value] of Object.entries(before)) {
    if (key !== 'off') fields.append(field(key, value, may));
  }
  fields.append(switches(before.off, may));
  get('limits-form').onsubmit = async (event) => {
    event.preventDefault();
    const changed = changes(fields, before);
    if (Object.keys(changed).length === 0) {
      get('limits').close();
      return;
    }
    try {
      await api.limits(name, changed);
      get('limits').close();
    } catch (reason) {
      error.textContent = reason.message;
    }
  };
}

function field(key, value, may) {
  const label = document.createElement('label');
  const input = document.createElement('input');
  label.append(words(key), input);
  input.name = key;
  input.disabled = !may;
  if (typeof value === 'boolean') {
    input.type = 'checkbox';
    input.checked = value;
  } else {
    input.type = typeof value === 'number' ? 'number' : 'text';
    input.step = Number.isInteger(value) && !/_(s|bpm|mv|ratio|certainty|change)$/.test(key) ? '1' : 'any';
    input.value = value;
  }
  return label;
}

/** `hr_high_bpm` as people read it. */
function words(key) {
  const units = { bpm: 'bpm', s: 's', min: '/min', mv: 'mV', hz: 'Hz', ms: 'ms' };
  const parts = key.replace('_per_min', '_min').split('_');
  const unit = units[parts.at(-1)];
  const name = (unit ? parts.slice(0, -1) : parts).join(' ').replace(/^hr /, 'heart rate ');
  return unit ? `${name} (${unit})` : name;
}

function switches(off, may) {
  const group = document.createElement('fieldset');
  const legend = document.createElement('legend');
  const inside = document.createElement('div');
  legend.textContent = 'Alarms that are switched off';
  group.append(legend, inside);
  for (const kind of new Set([...api.current().switches, ...off])) {
    const label = document.createElement('label');
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.value = kind;
    box.dataset.off = '';
    box.checked = off.includes(kind);
    box.disabled = !may;
    label.append(box, kind.replaceAll('_', ' '));
    inside.append(label);
  }
  return group;
}

function changes(fields, before) {
  const changed = {};
  for (const input of fields.querySelectorAll('input[name]')) {
    const value = input.type === 'checkbox' ? input.checked : input.type === 'number' ? Number(input.value) : input.value;
    if (value !== before[input.name]) changed[input.name] = value;
  }
  const off = [...fields.querySelectorAll('[data-off]:checked')].map((box) => box.value);
  if (off.toSorted().join() !== before.off.toSorted().join()) changed.off = off;
  return changed;
}
