import { takeTokenFromAddress } from './api.js';
import { createCdc } from './cdc.js';
import { createChanges } from './changes.js';
import { createChart } from './chart.js';
import { createControl } from './control.js';
import { byId, setText } from './dom.js';
import * as format from './format.js';
import { createFunnel } from './funnel.js';
import { applyLanguage, onLanguage, switchLanguage, t } from './i18n.js';
import { createMachine } from './machine.js';
import { createState } from './state.js';
import { createStory } from './story.js';
import { openStream } from './stream.js';
import { createTheme } from './theme.js';
import { createTicker } from './ticker.js';

takeTokenFromAddress();

let frame = { status: null, viewers: 0, ageMs: 0 };
const story = createStory(() => frame.status?.lifecycleSpeed ?? 1);
const chart = createChart();
const control = createControl();
const funnel = createFunnel();
const changes = createChanges();
const ticker = createTicker(story.open);
const cdc = createCdc();
const machine = createMachine();
const state = createState();
const theme = createTheme(() => chart.redraw());

let connected = false;
let daemonStartedMs = null;

function show() {
  state.update(frame, connected);
  const { status } = frame;
  if (status === null) return;
  const { traffic } = status;
  setText(byId('achieved'), format.rate(traffic.achievedPerMinute));
  setText(byId('target'), format.rate(traffic.targetPerMinute));
  setText(
    byId('subtitle'),
    t('subtitle', {
      seed: status.shop?.seed,
      day: format.span(86_400_000 / status.lifecycleSpeed),
      where: status.database.where,
    }),
  );
  control.update(traffic.settings);
  funnel.update(status.funnel);
  changes.update(status.changes);
  cdc.update(status);
  machine.update(status, frame.viewers);
}

function receive(fresh) {
  frame = fresh;
  const startedMs = fresh.status?.startedAtMs ?? null;
  if (startedMs !== null && startedMs !== daemonStartedMs) {
    if (daemonStartedMs !== null) ticker.restart();
    daemonStartedMs = startedMs;
  }
  ticker.add(fresh.events);
  show();
}

onLanguage(() => {
  setText(byId('language'), t('otherLanguage'));
  theme.apply();
  control.relabel();
  ticker.relabel();
  state.update(frame, connected);
  show();
});
byId('language').addEventListener('click', switchLanguage);

openStream({
  onHello(hello) {
    chart.reset(hello.series);
    receive(hello);
  },
  onFrame(fresh) {
    if (fresh.point) chart.add(fresh.point);
    receive(fresh);
  },
  onState(isConnected) {
    connected = isConnected;
    state.update(frame, connected);
  },
});
applyLanguage();
