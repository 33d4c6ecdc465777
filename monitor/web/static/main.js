// Wires the page together: link -> ward -> tiles or bedside page, alarms -> bell -> sound.

import * as api from './api.js';
import { Bedside } from './bedside.js';
import { Bell, loudestOf } from './bell.js';
import { Connection } from './connection.js';
import { askToken, limitsDialog, wireDialogs } from './dialogs.js';
import { Sound } from './sound.js';
import { paper } from './sweep.js';
import { Tiles, set } from './tiles.js';
import { Ward, age } from './ward.js';

const FRAME_MS = 1000 / 35; // not more often: a wall of 64 beds needs no more than 30 a second
const UPDATE_MS = 250;
const NOTICE_MS = 8000;

const body = document.body;
const get = (id) => document.getElementById(id);
const ward = new Ward();
const bell = new Bell();
const sound = new Sound();
const tiles = new Tiles(ward, acknowledge);
const bedside = new Bedside(ward, { acknowledge, limits: limitsDialog, discharge, notice });
let lossHeard = false; // that all is lost has been acknowledged here
let announced = new Set();
let drawnAt = 0;
let updatedAt = 0;
let noticeUntil = 0;

const connection = new Connection({
  text: (message) => {
    ward.take(message);
    bedside.take(message);
    if (message.type !== 'beats') update();
  },
  samples: (buffer) => ward.samples(buffer),
  state: (up) => {
    ward.link(up);
    update();
  },
  session: use,
  refused: () => enter(),
});
bedside.connection = connection;

/** All alarms that are to be heard. */
function heard() {
  if (ward.lost) {
    if (lossHeard || (!ward.linked && connection.up === null)) return [];
    return [{ key: 'lost', sound: 'medium' }];
  }
  lossHeard = false;
  const alarms = [];
  for (const bed of ward.beds.values()) {
    if (!bed.sound) continue;
    const ids = bed.alarms.filter((a) => a.state !== 'acknowledged').map((a) => a.id);
    alarms.push({ key: `${bed.name} ${bed.sound} ${Math.max(...ids, 0)}`, sound: bed.sound });
  }
  return alarms;
}

function ring(now) {
  const alarms = heard();
  const loudest = loudestOf(alarms);
  const due = bell.due(alarms, now);
  const pausedMs = bell.pausedFor(now);
  if (!loudest || pausedMs > 0) sound.hush();
  else if (due) sound.play(due);
  body.dataset.sound = loudest || 'none';
  body.dataset.audio = !sound.on ? 'off' : pausedMs > 0 ? 'paused' : 'on';
  body.dataset.pulses = sound.pulses;
  get('sound').hidden = sound.on;
  const button = get('pause');
  button.setAttribute('aria-pressed', String(pausedMs > 0));
  set(button, pausedMs > 0 ? `Bell paused ${Math.ceil(pausedMs / 1000)} s` : 'Pause bell');
}

/** Tell new alarms to a screen reader. */
function announce() {
  const now = new Set();
  for (const bed of ward.beds.values()) {
    for (const alarm of bed.alarms) {
      const key = `${bed.name} ${bed.begun} ${alarm.id}`;
      now.add(key);
      if (announced.has(key) || alarm.state === 'acknowledged') continue;
      if (alarm.priority !== 'high' && alarm.priority !== 'medium') continue;
      const line = document.createElement('p');
      line.textContent = `${bed.name}: ${alarm.priority} alarm, ${alarm.text}`;
      get('said').append(line);
    }
  }
  while (get('said').childElementCount > 20) get('said').firstElementChild.remove();
  announced = now;
}

function update() {
  const now = performance.now();
  updatedAt = now;
  body.dataset.link = ward.lost ? (connection.up === null ? 'connecting' : 'lost') : 'live';
  const lost = get('lost');
  lost.hidden = body.dataset.link !== 'lost';
  if (!lost.hidden) {
    const what = ward.linked ? `NO SERVICE at ${ward.service.endpoint}` : 'NO CONNECTION to the station';
    set(lost, `${what} for ${age(now - ward.lostAt)}: nobody is watched here`);
  }
  const beds = [...ward.beds.values()];
  const active = beds.filter((bed) => bed.alarms.some((a) => a.state !== 'acknowledged')).length;
  const parts = [`${beds.length} ${beds.length === 1 ? 'patient' : 'patients'}`, `${active} with new alarms`];
  if (ward.service.turned_away) parts.push(`${ward.service.turned_away} refused, not watched`);
  if (ward.service.late) parts.push(`${ward.service.late} behind`);
  set(get('summary'), beds.length ? parts.join(' · ') : '');
  set(get('empty'), ward.lost ? 'Waiting for the service.' : 'No patient yet: no stream has come.');
  if (ward.service.problem) notice(`Events may be missing: ${ward.service.problem}`);
  if (now > noticeUntil) get('notice').hidden = true;
  if (bedside.name === null) tiles.update(now);
  else bedside.update(now);
  announce();
  ring(now);
}

function frame(now) {
  requestAnimationFrame(frame);
  if (now - drawnAt < FRAME_MS) return;
  drawnAt = now;
  if (bedside.name === null) tiles.draw(now);
  else bedside.draw(now);
}

export function notice(text) {
  set(get('notice'), text);
  get('notice').hidden = false;
  noticeUntil = performance.now() + NOTICE_MS;
}

async function acknowledge(name, id = null) {
  if (ward.lost) {
    lossHeard = true; // that nobody is there only this page can know
    update();
    return;
  }
  await tell(() => api.acknowledge(name, id));
}

async function discharge(name) {
  await tell(() => api.discharge(name));
}

async function tell(request) {
  try {
    await request();
  } catch (error) {
    notice(`Not done: ${error.message}`);
    if (error.status === 401) enter();
  }
}

/** Go to the page that the address names. */
function route() {
  const named = /^#\/bed\/(.+)$/.exec(location.hash);
  const name = named ? decodeURIComponent(named[1]) : null;
  get('ward').hidden = name !== null;
  get('bedside').hidden = name === null;
  const before = bedside.name;
  ward.forgetTraces();
  bedside.open(name);
  update();
  if (name === null) {
    tiles.layout();
    tiles.tiles.get(before)?.link.focus();
  } else if (before !== name) get('content').focus();
}

function theme(chosen) {
  document.documentElement.dataset.theme = chosen;
  set(get('theme'), chosen === 'dark' ? 'Light' : 'Dark');
  tiles.renew();
  bedside.renew();
}

function otherTheme() {
  const chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem('theme', chosen);
  theme(chosen);
}

async function startSound() {
  await sound.start();
  bell.lastAt = -Infinity; // what is active is heard at once
  ring(performance.now());
}

const pauseBell = () => {
  if (ward.lost) lossHeard = true;
  bell.pause(loudestOf(heard()), performance.now());
  ring(performance.now());
};

function key(event) {
  const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
  if (typing || event.ctrlKey || event.altKey || event.metaKey || document.querySelector('dialog[open]')) return;
  const name = bedside.name ?? tiles.focused();
  const actions = {
    a: () => (name || ward.lost) && acknowledge(name),
    b: pauseBell,
    s: startSound,
    d: otherTheme,
    '?': () => get('help').showModal(),
    Escape: () => bedside.name !== null && bedside.escape(),
    ...(bedside.name === null ? {} : bedside.keys()),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

function use(session) {
  api.use(session);
  get('logout').hidden = !session.login;
  body.dataset.rights = session.rights.join(' ');
}

async function enter() {
  use(await askToken());
  connection.open();
}

get('sound').addEventListener('click', startSound);
get('pause').addEventListener('click', pauseBell);
get('theme').addEventListener('click', otherTheme);
get('help-open').addEventListener('click', () => get('help').showModal());
get('logout').addEventListener('click', () => tell(api.logout).then(() => location.reload()));
document.addEventListener('keydown', key);
window.addEventListener('hashchange', route);
window.addEventListener('resize', () => {
  paper.fit();
  tiles.layout();
});
wireDialogs();
paper.fit();
const wished = localStorage.getItem('theme') ?? (matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark');
theme(wished);
route();
setInterval(() => performance.now() - updatedAt >= UPDATE_MS && update(), UPDATE_MS);
requestAnimationFrame(frame);
connection.again();
