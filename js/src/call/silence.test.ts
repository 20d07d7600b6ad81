import { expect, test } from "vitest";
import { LOOK_MS, Silence } from "./silence";

/** What a page hears: `1` anything, `a` an answer, `.` nothing, `!` a suspicion, `z` five seconds asleep. */
function looks(heard: string): string {
  let now = 0;
  const silence = new Silence(now);
  return [...heard]
    .map((what) => {
      now += what === "z" ? 5_000 : LOOK_MS;
      if (what === "1" || what === "a") silence.heard(what === "a");
      if (what === "!") silence.suspect();
      const { ask, quiet, lost } = silence.look(now);
      return lost ? "X" : quiet ? "q" : ask ? "?" : "-";
    })
    .join("");
}

test.each([
  // After a second of silence it asks, after one and a half the pictures stand still, after three it is lost.
  ["a.....", "-?qqqX"],
  ["a..a....", "-?q-?qqq"],
  // Media alone is a sign of life, but not that the other side hears us.
  ["1".repeat(24), `${"-".repeat(23)}X`],
  [`${"1".repeat(20)}a${"1".repeat(10)}`, "-".repeat(31)],
  // Another network: it asks at once, and waits a second.
  ["a!.", "-?X"],
  ["a.!.", "-?qX"],
  ["a!a....", "-?-?qqq"],
  // A machine that slept is given its second, and so is a page whose thread was blocked.
  ["az..", "-??X"],
  ["aza..", "-?-?q"],
])("who hears %s does %s", (heard, done) => {
  expect(looks(heard)).toBe(done);
});
