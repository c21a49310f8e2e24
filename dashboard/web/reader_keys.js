// Brings the linked event into view once for each address, so that a run that a filter caused takes no focus from it.
// Keys may come faster than runs end: each goes on from where the last one led, whether or not that is drawn yet.
// Streamlit calls this anew with new data before it cleans up after the last call: one listener is kept, in `memory`.
export default function ({ data: { told }, setTriggerValue }) {
  const data = JSON.parse(told);
  window.diReader ??= { shown: null, to: null, pressed: null, timer: null };
  const memory = window.diReader;
  const forget = () => {
    clearInterval(memory.timer);
    document.removeEventListener('keydown', memory.pressed);
  };
  forget();
  const address = `${data.episode}#${data.event}`;
  const bring = () => {
    const event = document.querySelector('.ev.on');
    if (!event || !event.querySelector('.id').textContent.startsWith(`#${data.event} `)) return;
    event.scrollIntoView({ block: 'center' });
    event.focus({ preventScroll: true });
    if (document.activeElement === event) memory.shown = address;
  };
  if (data.event === null) memory.shown = null;
  if (memory.to === data.event) memory.to = null;
  let tries = 0;
  const timer = setInterval(() => {
    const done = memory.shown === address || data.event === null || !data.order.includes(data.event) || ++tries > 60;
    if (done) clearInterval(timer);
    else bring();
  }, 50);
  memory.timer = timer;
  const step = (by, own) => {
    const from = memory.to ?? data.event;
    const seat = data.seats[data.order.indexOf(from)];
    const among = data.order.filter((event, at) => event === from || !own || data.seats[at] === seat);
    return by > 0
      ? among.find((event) => event > (from ?? -1))
      : from === null
        ? undefined
        : among.findLast((event) => event < from);
  };
  const moves = { j: [1, false], k: [-1, false], J: [1, true], K: [-1, true] };
  const typed = (target) =>
    target.closest?.('input, textarea, select, [contenteditable], [role=combobox], [role=listbox]');
  const pressed = (event) => {
    if (
      event.defaultPrevented ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      event.isComposing ||
      typed(event.target)
    )
      return;
    const search = event.key === '/' && document.querySelector('.st-key-q input');
    const to = event.key in moves ? step(...moves[event.key]) : undefined;
    const episode = data.episodes[event.key];
    if (!search && to === undefined && !episode) return;
    event.preventDefault();
    if (search) search.focus();
    else if (episode) window.location.assign(new URL(episode, document.baseURI));
    else {
      memory.to = to;
      setTriggerValue('event', to);
    }
  };
  memory.pressed = pressed;
  document.addEventListener('keydown', pressed);
  return () => {
    if (memory.pressed === pressed) forget();
  };
}
