import { call } from './api.js';
import { byId, setText } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

const MAX_RATE = 1_000_000;
const STEPS_A_DECADE = 100;
const SEND_AFTER_MS = 250;

/** Slider position → orders a minute: 0, then 1 to 10 000 on a logarithmic scale, in two digits. */
export function rateOfPosition(position) {
  if (position <= 0) return 0;
  return Number((10 ** (position / STEPS_A_DECADE)).toPrecision(2));
}

export function positionOfRate(rate) {
  if (rate <= 0) return 0;
  return Math.min(400, Math.max(1, Math.round(Math.log10(rate) * STEPS_A_DECADE)));
}

/** `1.234,5`, `1,234.5` and `1234.5`: the last separator followed by one or two digits is the decimal one. */
export function parseRate(text) {
  const compact = text.trim().replaceAll(/[\s ]/g, '');
  if (!/^\d[\d.,]*$/.test(compact)) return null;
  const decimal = /[.,](\d{1,2})$/.exec(compact);
  const whole = (decimal ? compact.slice(0, decimal.index) : compact).replaceAll(/[.,]/g, '');
  const value = Number(decimal ? `${whole}.${decimal[1]}` : whole);
  return value >= 0 && value <= MAX_RATE ? value : null;
}

/** Rate and pause. What a person is just setting is never overwritten by a frame. */
export function createControl() {
  const slider = byId('rate-slider');
  const field = byId('rate-field');
  const pause = byId('pause');
  const toDefault = byId('rate-default');
  const said = byId('control-said');
  let settings = null;
  let touchedMs = -Infinity;
  let sendTimer;

  const touched = () => {
    touchedMs = performance.now();
  };
  const busy = () => performance.now() - touchedMs < 2500 || document.activeElement === field;

  function say(text, kind = '') {
    setText(said, text);
    said.dataset.kind = kind;
  }

  async function change(body, sentence) {
    touched();
    try {
      settings = await call('PATCH', '/api/settings', body);
      say(sentence());
      touchedMs = -Infinity;
      show();
    } catch (error) {
      say(t('saidFailed', { detail: error.message }), 'bad');
      touchedMs = -Infinity;
      if (settings) show();
    }
  }

  const sendRate = (rate) =>
    change({ rate }, () => t('saidRate', { rate: format.rate(settings.ratePerMinute) }));

  function preview(rate) {
    // an answer that comes late must not overwrite what somebody is typing meanwhile
    if (document.activeElement !== field) {
      field.value = format.rate(rate);
      field.removeAttribute('aria-invalid');
    }
    slider.setAttribute('aria-valuetext', t('sliderValue', { rate: format.rate(rate) }));
  }

  slider.addEventListener('input', () => {
    touched();
    preview(rateOfPosition(Number(slider.value)));
    // keys move the slider step by step: only where it comes to rest is sent
    clearTimeout(sendTimer);
    sendTimer = setTimeout(() => sendRate(rateOfPosition(Number(slider.value))), SEND_AFTER_MS);
  });
  byId('rate-form').addEventListener('submit', (event) => {
    event.preventDefault();
    const rate = parseRate(field.value);
    if (rate === null) {
      field.setAttribute('aria-invalid', 'true');
      say(t('rateInvalid'), 'bad');
      field.focus();
      return;
    }
    field.blur();
    sendRate(rate);
  });
  field.addEventListener('blur', () => {
    if (settings && field.getAttribute('aria-invalid') !== 'true' && performance.now() - touchedMs > 2500)
      show();
  });
  pause.addEventListener('click', () => {
    const paused = !settings?.paused;
    change({ paused }, () => t(paused ? 'saidPaused' : 'saidResumed'));
  });
  toDefault.addEventListener('click', () => change({ rate: null }, () => t('noteDefault')));

  function show() {
    const { ratePerMinute, rateOverride, configuredRate, paused } = settings;
    slider.value = String(positionOfRate(ratePerMinute));
    preview(ratePerMinute);
    setText(pause, t(paused ? 'resume' : 'pause'));
    pause.setAttribute('aria-pressed', String(paused));
    const overridden = rateOverride !== null;
    const configured = format.rate(configuredRate);
    setText(byId('rate-note'), overridden ? t('noteOverride', { rate: configured }) : t('noteDefault'));
    toDefault.hidden = !overridden;
    setText(toDefault, t('backToDefault', { rate: configured }));
  }

  return {
    update(fresh) {
      if (busy()) return;
      settings = fresh;
      show();
    },
    relabel() {
      say('');
      if (settings) show();
    },
  };
}
