import { call } from './api.js';
import { byId, keyed, make, setText, setWidth } from './dom.js';
import * as format from './format.js';
import { t } from './i18n.js';

function slotItem() {
  const top = make(
    'div',
    { class: 'slot-top' },
    make('span', { class: 'slot-name' }),
    make('span', { class: 'tag' }),
    make('span', { class: 'note' }),
  );
  const meter = make('div', { class: 'meter', 'aria-hidden': 'true' }, make('span'));
  return make('li', {}, top, meter, make('div', { class: 'slot-facts' }, make('span'), make('span')));
}

function fillSlot(item, slot) {
  const [top, meter, facts] = item.children;
  const [name, tag, plugin] = top.children;
  const used = slot.capBytes && slot.retainedBytes != null ? slot.retainedBytes / slot.capBytes : null;
  const lost = slot.walStatus === 'lost' || slot.walStatus === 'unreserved';
  const level = lost || used >= 1 ? 'problem' : used >= 0.5 ? 'warning' : 'ok';
  setText(name, slot.name);
  setText(tag, lost ? slot.walStatus : t(slot.active ? 'active' : 'inactive'));
  tag.dataset.kind = lost ? 'problem' : slot.active ? 'ok' : 'warning';
  setText(plugin, slot.plugin ?? '');
  meter.dataset.level = level;
  meter.hidden = used === null;
  setWidth(meter.firstElementChild, used ?? 0);
  const values = { size: format.size(slot.retainedBytes), cap: format.size(slot.capBytes) };
  setText(facts.children[0], t(slot.capBytes ? 'retainedOf' : 'retained', values));
  const left =
    slot.hoursLeft == null
      ? t('notGrowing')
      : t('hoursLeft', { time: format.span(slot.hoursLeft * 3_600_000) });
  setText(facts.children[1], used >= 1 ? '' : left);
}

function fillFinding(item, finding) {
  const [tag, body] = item.children;
  setText(tag, t(`level.${finding.level}`));
  tag.dataset.kind = finding.level;
  const [title, detail, fix] = body.children;
  setText(title, finding.title);
  setText(detail, finding.detail);
  setText(fix, finding.fix ?? '');
  fix.hidden = finding.fix == null;
}

const findingItem = () =>
  make(
    'li',
    { class: 'finding' },
    make('span', { class: 'tag' }),
    make(
      'div',
      { class: 'body' },
      make('span'),
      make('span', { class: 'note' }),
      make('code', { class: 'code' }),
    ),
  );

/** Slots and heartbeat; what the doctor found; what verify said last. */
export function createCdc() {
  const run = byId('doctor-run');
  let doctor = null;
  run.addEventListener('click', async () => {
    run.disabled = true;
    setText(run, t('looking'));
    try {
      doctor = await call('POST', '/api/doctor');
      showDoctor(doctor);
    } catch (error) {
      showDoctor({
        findings: [
          { level: 'problem', title: t('saidFailed', { detail: error.message }), detail: '', fix: null },
        ],
      });
    }
    run.disabled = false;
    setText(run, t('lookAgain'));
  });

  function showDoctor(report) {
    const findings = report?.findings ?? [];
    const at = (...levels) => findings.filter(({ level }) => levels.includes(level));
    const rows = [...at('problem'), ...at('warning')];
    const notes = at('info');
    const well = at('ok').length;
    const plain = (level, title) => ({ level, title, detail: '', fix: null });
    if (report == null) rows.push(plain('info', t('noDoctor')));
    else if (well > 0) {
      rows.push(plain('ok', t(well === findings.length ? 'allWell' : 'alsoWell', { count: well })));
    }
    fill(byId('doctor'), rows);
    const more = byId('doctor-notes');
    more.hidden = notes.length === 0;
    setText(
      more.querySelector('summary'),
      notes.length === 1 ? t('note') : t('notes', { count: notes.length }),
    );
    fill(more.querySelector('ul'), notes);
  }

  const fill = (list, rows) =>
    keyed(list, rows, ({ level, title }) => level + title, findingItem, fillFinding);

  function showVerify(verify, nowMs) {
    const line = byId('verify');
    if (line.childElementCount === 0) line.append(make('span', { class: 'tag' }), make('span'));
    const [tag, text] = line.children;
    tag.hidden = verify == null;
    if (verify == null) {
      setText(text, t('noVerify'));
      return;
    }
    setText(tag, t(verify.ok ? 'verified' : 'notVerified'));
    tag.dataset.kind = verify.ok ? 'ok' : 'problem';
    setText(
      text,
      t('verifyLine', { target: verify.target, age: coarse(nowMs - verify.atMs), summary: verify.summary }),
    );
  }

  return {
    update({ cdc, doctor: fresh, verify, atMs }) {
      keyed(byId('slots'), cdc.slots, ({ name }) => name, slotItem, fillSlot);
      byId('no-slots').hidden = cdc.slots.length > 0;
      const { lastHeartbeatAtMs } = cdc;
      setText(
        byId('heartbeat'),
        lastHeartbeatAtMs == null
          ? t('noHeartbeat')
          : t('heartbeat', { age: format.span(atMs - lastHeartbeatAtMs) }),
      );
      if ((fresh?.atMs ?? 0) >= (doctor?.atMs ?? 0)) doctor = fresh;
      showDoctor(doctor);
      showVerify(verify, atMs);
    },
  };
}

/** Minutes are enough for what happened a while ago: a text that changes every second is noise. */
const coarse = (ms) => format.span(ms < 60_000 ? ms : Math.round(ms / 60_000) * 60_000);
