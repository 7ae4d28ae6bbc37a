// Times in words.

const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];
const RELATIVE = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });

/** How far `at` lies from `now`, such as `5 minutes ago` or `in 2 days`. */
export function distance(at, now = Date.now()) {
  const seconds = (Date.parse(at) - now) / 1000;
  const [unit, size] = UNITS.find(([, each]) => Math.abs(seconds) >= each) ?? [];
  return unit ? RELATIVE.format(Math.trunc(seconds / size), unit) : "just now";
}

/** Date and time. */
export function moment(at) {
  return MOMENT.format(new Date(at));
}

/** The date alone. */
export function date(at) {
  return DATE.format(new Date(at));
}

/** Seconds as a clock counts down: `0:42`, `12:05`, `1:00:00`. */
export function clock(seconds) {
  const whole = Math.max(0, Math.ceil(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Seconds in words: `42 seconds`, `12 minutes`, `1 hour`. */
export function duration(seconds) {
  const whole = Math.max(1, Math.ceil(seconds));
  const [unit, count] =
    whole < 90
      ? ["second", whole]
      : whole < 5400
        ? ["minute", Math.round(whole / 60)]
        : ["hour", Math.round(whole / 3600)];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
