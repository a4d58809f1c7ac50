import { byId, keyed, make, setText } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

/** A snapshot older than this is no longer the truth. */
const STALE_MS = 8000;

/** What stands in the way, the worst first; empty when all is well. */
function troubles({ status, ageMs }, connected, lastAtMs) {
  if (!connected) {
    return [
      {
        kind: 'offline',
        title: t('bannerOffline'),
        detail: t('bannerOfflineDetail', { time: lastAtMs ? format.clock(lastAtMs) : '–' }),
      },
    ];
  }
  const found = [];
  if (ageMs > STALE_MS) found.push({ kind: 'lost', title: t('bannerStale'), detail: '' });
  if (status == null) return found;
  if (status.database.state === 'lost') {
    found.push({
      kind: 'lost',
      title: t('bannerLost'),
      detail: t('bannerLostDetail', { since: format.clock(status.database.sinceMs) }),
    });
  }
  for (const { source, reason } of status.traffic.pausedBy) {
    if (source !== 'database' || status.database.state !== 'lost')
      found.push({ kind: 'paused', source, title: t('bannerPaused'), detail: reason });
  }
  if (status.traffic.behind)
    found.push({ kind: 'behind', title: t('bannerBehind'), detail: status.traffic.behind.detail });
  return found;
}

/** The pill in the header and the banners below it: paused, disconnected, behind, in plain words. */
export function createState() {
  const pill = byId('state');
  const banners = byId('banners');
  let lastAtMs = null;

  return {
    update(frame, connected) {
      if (connected && frame.status) lastAtMs = frame.status.atMs;
      const found = troubles(frame, connected, lastAtMs);
      const starting = connected && (frame.status == null || frame.status.database.state === 'starting');
      const state = found[0]?.kind ?? (starting ? 'starting' : 'live');
      if (pill.dataset.state !== state) pill.dataset.state = state;
      setText(byId('state-text'), t(state));
      keyed(
        banners,
        found,
        ({ kind, source }) => kind + (source ?? ''),
        () => make('div', { class: 'banner' }, make('b'), make('span')),
        (banner, { kind, title, detail }) => {
          banner.dataset.kind = kind;
          setText(banner.children[0], title);
          setText(banner.children[1], detail);
        },
      );
    },
  };
}
