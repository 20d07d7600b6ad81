import { expect, test } from "vitest";
import { Repair } from "./repair";

/** The moments, in seconds, at which attempts begin that take so many seconds to fail each. */
function attempts(failsAfter: number, until: number): number[] {
  const repair = new Repair();
  const begun: number[] = [];
  for (let now = 0; now < until; ) {
    const delay = repair.next(1000 * now, 0.5);
    if (delay === null) break;
    begun.push(Math.round(10 * now + delay / 100) / 10);
    now += delay / 1000 + failsAfter;
  }
  return begun;
}

test.each([
  [0, [0, 0.3, 1.5, 4.2, 9, 16.5, 24]],
  [2, [0, 2, 4, 6.7, 11.5, 19, 26.5]],
  // Who takes longer to fail than there is to wait is followed at once.
  [15, [0, 15, 30]],
])("attempts that fail after %i s begin at %j", (failsAfter, begun) => {
  expect(attempts(failsAfter, 31).slice(0, begun.length)).toEqual(begun);
});

test("after twenty minutes it is given up", () => {
  const begun = attempts(1, 10_000);
  expect(begun.at(-1)).toBeLessThan(1210);
  expect(begun.at(-1)).toBeGreaterThan(1190);
});

test("a call that is over is repaired from the start again", () => {
  const repair = new Repair();
  expect(repair.next(0, 0)).toBe(0);
  expect(repair.next(0, 0)).toBe(300);
  repair.done();
  expect(repair.next(10, 0)).toBe(0);
});

test.each([
  ["soon breaks again", 600, 300],
  ["has lasted", 10_000, 0],
])("a connection that %s is mended after its time", (_, lasted, delay) => {
  const repair = new Repair();
  expect(repair.next(0, 0)).toBe(0);
  expect(repair.next(0, 0)).toBe(300);
  repair.mended(600);
  expect(repair.next(600 + lasted, 0)).toBe(delay);
  expect(repair.next(600 + lasted, 0)).toBeGreaterThan(delay);
});

test("every repair has its own twenty minutes", () => {
  const repair = new Repair();
  repair.next(0, 0);
  repair.mended(19 * 60_000);
  repair.next(19 * 60_000 + 1, 0);
  expect(repair.over(21 * 60_000)).toBe(false);
  expect(repair.over(39 * 60_000 + 1)).toBe(true);
});
