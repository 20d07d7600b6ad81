import { expect, test } from "vitest";
import { LOOK_MS, Silence } from "./silence";

/**
 * What a page hears every half second: `1` anything, `m` media, `a` an answer, `A` one that was 1.2 s on its way, `.`
 * nothing, `!` a suspicion; `z` is five seconds asleep.
 */
function looks(heard: string): string {
  let now = 0;
  const silence = new Silence(now);
  return [...heard]
    .map((what) => {
      if (what === "1") silence.heard();
      if (what === "a" || what === "A") silence.heardAnswer(what === "A" ? 1_200 : 50);
      if (what === "!") silence.suspect();
      const steps = what === "z" ? [5_000] : [LOOK_MS, LOOK_MS];
      const verdicts = steps.map((step) => {
        if (what === "m") silence.heardMedia();
        now += step;
        return silence.look(now);
      });
      const lost = verdicts.some((verdict) => verdict.lost);
      const ask = verdicts.some((verdict) => verdict.ask);
      return lost ? "X" : verdicts.at(-1)?.quiet ? "q" : ask ? "?" : "-";
    })
    .join("");
}

test.each([
  // After a second of silence it asks, after one and a half the pictures stand still, after three it is lost.
  ["a.....", "-?qqqX"],
  ["a..a....", "-?q-?qqq"],
  // Something that comes is a sign of life, but not that the other side hears us.
  ["1".repeat(24), `${"-".repeat(23)}X`],
  [`${"1".repeat(20)}a${"1".repeat(10)}`, "-".repeat(31)],
  // Media that came all the time and stop are asked after at once, and lost after a second and a quarter.
  ["mmmmmm...", "------?XX"],
  // So they are not where the other side answers, or where they never came for long.
  ["mmmmmm.a....", "------?-?qqq"],
  ["m......", "--?qqqX"],
  // Another network: it asks at once, and waits a second.
  ["a!.", "-?X"],
  ["a.!.", "-?qX"],
  ["a!a....", "-?-?qqq"],
  // A machine that slept is given its second, and so is a page whose thread was blocked.
  ["az..", "-??X"],
  ["aza..", "-?-?q"],
  // Over a long way it has the time to answer.
  ["A!..A...", "-?qq-?qq"],
  ["A!.....", "-?qqqXX"],
  ["Ammmmmm..A..", "-------??-?q"],
  ["Ammmmmm......", "-------??qqqX"],
])("who hears %s does %s", (heard, done) => {
  expect(looks(heard)).toBe(done);
});
