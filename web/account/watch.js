// Looks again every few seconds while the page is seen, and at once when it is seen again.

const EVERY_MS = 5_000;

/** Calls `look`, never twice at a time; after a refusal it waits as long as it was told. Returns what ends it. */
export function watch(look) {
  let timer = null;
  let looking = false;
  let ended = false;

  async function again() {
    clearTimeout(timer);
    if (ended || looking || document.visibilityState !== "visible") return;
    looking = true;
    let pause = EVERY_MS;
    try {
      await look();
    } catch (error) {
      pause = Math.max(pause, (error.retry_after_s ?? 0) * 1000); // what matters is shown by whoever acts
    }
    looking = false;
    timer = setTimeout(again, pause);
  }

  document.addEventListener("visibilitychange", again);
  timer = setTimeout(again, EVERY_MS);
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", again);
  };
}
