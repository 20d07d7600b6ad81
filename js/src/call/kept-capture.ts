/** Milliseconds after which the hub has closed whatever was left there without a word. */
const LIFE_MS = 15_000;

/**
 * What this tab remembers over a reload: that it captured for a call, and that the hub may not have heard it go.
 *
 * Until the hub misses the page that went, that page still holds the capture: the one that comes has to take it.
 */
export function keepCapture(callId: string): void {
  withStorage((storage) => storage.setItem(keyOf(callId), String(Date.now())));
}

/** Whether a page of this tab held the capture a moment ago; asked a second time it did not. */
export function takeKeptCapture(callId: string): boolean {
  let keptAt = 0;
  withStorage((storage) => {
    keptAt = Number(storage.getItem(keyOf(callId)));
    storage.removeItem(keyOf(callId));
  });
  const age = Date.now() - keptAt;
  return 0 <= age && age < LIFE_MS;
}

function keyOf(callId: string): string {
  return `zego-widget.capture.${callId}`;
}

function withStorage(use: (storage: Storage) => void): void {
  try {
    use(sessionStorage);
  } catch {
    // A frame or a person that allows no storage.
  }
}
