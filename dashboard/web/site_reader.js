// A transcript as a file: search, filters, keys, and judging blind. Without it the page is whole, but for these.
const di = document.querySelector('.di');
const events = [...document.querySelectorAll('.ev')];
const $ = (id) => document.getElementById(id);
di.classList.add('scripts');
const seats = [...new Set(events.map((e) => e.querySelector('b').textContent))].sort();
$('seat').replaceChildren(...['', ...seats].map((s) => new Option(s || 'all', s)));
const touches = (e, s) => e.querySelector('b').textContent === s || e.childNodes[2]?.textContent.trim() === `→ ${s}`;
const filter = () => {
  const q = $('q').value.toLowerCase();
  const s = $('seat').value;
  const k = $('kind').value;
  let n = 0;
  for (const e of events) {
    const pull = e.classList.contains('pull');
    const shown =
      (!q || e.querySelector('p').textContent.toLowerCase().includes(q)) &&
      (!s || touches(e, s)) &&
      (!k || (k === 'pull') === pull);
    e.hidden = !shown;
    n += shown;
  }
  $('found').textContent = n === events.length ? '' : `${n} of ${events.length} events`;
};
for (const id of ['q', 'seat', 'kind']) $(id).addEventListener('input', filter);
document.querySelector('form').addEventListener('submit', (e) => e.preventDefault());
const blind = (on) => {
  di.classList.toggle('blind', on);
  $('blind').checked = on;
  document.title = on ? 'Judged blind' : title;
};
const title = document.title;
$('blind').addEventListener('input', (e) => blind(e.target.checked));
const go = (e) => {
  if (!e) return;
  e.tabIndex = -1;
  for (const o of events) o.classList.toggle('on', o === e);
  history.replaceState(null, '', `#${e.id}`);
  e.scrollIntoView({ block: 'center' });
  e.focus({ preventScroll: true });
};
const now = () => events.findIndex((e) => e.classList.contains('on'));
const arrive = () => {
  const e = document.getElementById(location.hash.slice(1));
  if (e?.classList.contains('ev')) go(e);
};
addEventListener('hashchange', arrive);
arrive();
addEventListener('keydown', (p) => {
  if (p.ctrlKey || p.metaKey || p.altKey || p.target.closest('input, select')) return;
  const at = now();
  const seat = at < 0 ? null : events[at].querySelector('b').textContent;
  const fits = (e) => !e.hidden && (p.key === p.key.toLowerCase() || e.querySelector('b').textContent === seat);
  if (p.key.toLowerCase() === 'j') go(events.find((e, i) => i > at && fits(e)));
  else if (p.key.toLowerCase() === 'k') go(events.findLast((e, i) => i < at && fits(e)));
  else if (p.key === '/') $('q').focus();
  else if (p.key === 'b') blind(!di.classList.contains('blind'));
  else {
    const link = /^[np]$/.test(p.key) && document.querySelector(`[data-key=${p.key}]`);
    if (!link) return;
    location.href = link.href;
  }
  p.preventDefault();
});
