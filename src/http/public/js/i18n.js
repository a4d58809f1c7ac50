import { strings } from './strings.js';

const KEY = 'cdc-sim.language';
const listeners = new Set();

export function storageGet(key, storage = localStorage) {
  try {
    return storage.getItem(key);
  } catch {
    return null; // storage may be switched off: the page works without
  }
}

export function storageSet(key, value, storage = localStorage) {
  try {
    storage.setItem(key, value);
  } catch {
    // as above
  }
}

let language = storageGet(KEY) ?? (navigator.language.toLowerCase().startsWith('pt') ? 'pt' : 'en');
if (!(language in strings)) language = 'en';

export const locale = () => (language === 'pt' ? 'pt-BR' : 'en-GB');

/** The sentence `key` (`a.b` reaches into a group), with `{name}` filled from `values`. */
export function t(key, values = {}) {
  const [group, ...rest] = key.split('.');
  const entry = strings[language][group];
  const text = typeof entry === 'object' ? entry[rest.join('.')] : entry;
  return (text ?? key).replace(/\{(\w+)\}/g, (_whole, name) => String(values[name] ?? '–'));
}

export const hasString = (group, key) => strings[language][group]?.[key] !== undefined;

export function onLanguage(listener) {
  listeners.add(listener);
}

export function applyLanguage() {
  document.documentElement.lang = language === 'pt' ? 'pt-BR' : 'en';
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll('[data-t-label]')) {
    element.setAttribute('aria-label', t(element.dataset.tLabel));
  }
  for (const element of document.querySelectorAll('[data-t-placeholder]')) {
    element.placeholder = t(element.dataset.tPlaceholder);
  }
  for (const listener of listeners) listener();
}

export function switchLanguage() {
  language = language === 'pt' ? 'en' : 'pt';
  storageSet(KEY, language);
  applyLanguage();
}
