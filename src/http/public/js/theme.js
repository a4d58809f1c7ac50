import { byId, setText } from './dom.js';
import { storageGet, storageSet, t } from './i18n.js';

const KEY = 'cdc-sim.theme';
const CHOICES = ['auto', 'light', 'dark'];
const system = matchMedia('(prefers-color-scheme: dark)');

/** Light and dark: as the system says, or as chosen here. `onChange` is called when colours change. */
export function createTheme(onChange) {
  let choice = storageGet(KEY) ?? 'auto';
  if (!CHOICES.includes(choice)) choice = 'auto';
  const button = byId('theme');

  function apply() {
    const theme = choice === 'auto' ? (system.matches ? 'dark' : 'light') : choice;
    document.documentElement.dataset.theme = theme;
    setText(button, t(`theme${choice[0].toUpperCase()}${choice.slice(1)}`));
    onChange();
  }
  button.addEventListener('click', () => {
    choice = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length];
    storageSet(KEY, choice);
    apply();
  });
  system.addEventListener('change', apply);
  return { apply };
}
