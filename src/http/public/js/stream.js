const WATCH_MS = 1000;
/** Frames come every second: after this much silence something is wrong. */
const SILENT_MS = 6000;
/** A browser keeps six connections to a server: pages that nobody looks at give theirs back. */
const HIDDEN_MS = 10_000;
const RETRY_MS = 4000;

/**
 * The stream of the server: one connection at most, opened again by itself, closed while the page is hidden.
 * `onState(connected)` is called on every change.
 */
export function openStream({ onHello, onFrame, onState }) {
  let source = null;
  let lastMs = performance.now();
  let connected = null;
  let hiddenTimer;
  let retryTimer;

  const tell = (state) => {
    if (state === connected) return;
    connected = state;
    onState(state);
  };

  const close = () => {
    clearTimeout(retryTimer);
    source?.close();
    source = null;
  };

  const open = () => {
    close();
    lastMs = performance.now();
    source = new EventSource('/api/events');
    const take = (handle) => (event) => {
      lastMs = performance.now();
      tell(true);
      handle(JSON.parse(event.data));
    };
    source.addEventListener('hello', take(onHello));
    source.addEventListener('frame', take(onFrame));
    source.addEventListener('bye', () => tell(false));
    source.addEventListener('error', () => {
      tell(false);
      // a refusal ends an EventSource for good
      if (source?.readyState === EventSource.CLOSED) retryTimer = setTimeout(open, RETRY_MS);
    });
  };

  document.addEventListener('visibilitychange', () => {
    clearTimeout(hiddenTimer);
    if (document.hidden) hiddenTimer = setTimeout(close, HIDDEN_MS);
    else if (source === null) open();
  });
  setInterval(() => {
    if (source !== null && performance.now() - lastMs > SILENT_MS) {
      tell(false);
      open();
    }
  }, WATCH_MS);
  open();
}
