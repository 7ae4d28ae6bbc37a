// How long a status stays. Pure.

const MINUTE = 60_000;

/** What may be chosen: `[value, text]`. */
export const CHOICES = [
  ["", "Until I change it"],
  ["30", "For 30 minutes"],
  ["60", "For an hour"],
  ["240", "For 4 hours"],
  ["today", "Today"],
  ["week", "This week"],
];

/** When a choice ends, seen from `now`; null when it does not. Days end where the person is, weeks with Sunday. */
export function endOf(choice, now) {
  if (!choice) return null;
  if (choice !== "today" && choice !== "week") return new Date(now.getTime() + Number(choice) * MINUTE);
  const end = new Date(now);
  end.setHours(24, 0, 0, 0);
  if (choice === "week") end.setDate(end.getDate() + ((7 - now.getDay()) % 7));
  return end;
}
