/** Characters of a name that are shown (ZEGO: a user name has at most 256). */
export const NAME_LIMIT = 256;

// Controls, line and paragraph separators, and everything that turns the writing direction of what follows:
// a name may look odd, but it must not rearrange or hide the text around it.
const UNSHOWN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** A name as it may be shown: one line, no direction overrides, at most `NAME_LIMIT` characters. */
export function shownName(name: string, fallback = ""): string {
  // Cut before cleaning too: a name of megabytes must not cost a scan.
  const clean = name
    .slice(0, 8 * NAME_LIMIT)
    .replace(UNSHOWN, "")
    .trim();
  const characters = Array.from(clean || fallback.slice(0, NAME_LIMIT));
  return characters.length <= NAME_LIMIT
    ? characters.join("")
    : `${characters.slice(0, NAME_LIMIT - 1).join("")}…`;
}

/** The letter of an avatar. */
export function initial(name: string): string {
  const letter = Array.from(shownName(name)).find((c) => /[\p{L}\p{N}]/u.test(c));
  return letter?.toLocaleUpperCase() ?? "?";
}
