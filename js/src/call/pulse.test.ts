import { expect, test } from "vitest";
import { Pulse } from "./pulse";

test("a kernel that does not answer is told nothing more after a while, until it does", () => {
  let asked = 0;
  const pulse = new Pulse(() => asked++);
  expect([0, 1_000, 4_999, 5_000, 60_000].map((now) => pulse.takes(now))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(asked).toBe(1);
  pulse.answered();
  expect(pulse.takes(61_000)).toBe(true);
  expect(asked).toBe(2);
});
