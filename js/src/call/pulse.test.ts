import { expect, test, vi } from "vitest";
import { Pulse } from "./pulse";

test("a kernel that does not answer is told nothing more after a while, until it does", () => {
  let asked = 0;
  const pulse = new Pulse(() => asked++);
  expect([0, 1_000, 4_999, 5_000, 59_999].map((now) => pulse.takes(now))).toEqual([
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

test("a question that is lost is put again after a while, and nothing is told before its answer", () => {
  const ask = vi.fn();
  const pulse = new Pulse(ask);
  pulse.takes(0);
  expect(pulse.takes(5_000)).toBe(false);
  expect(pulse.takes(59_000)).toBe(false);
  expect(ask).toHaveBeenCalledTimes(1);
  expect(pulse.takes(60_000)).toBe(false);
  expect(pulse.takes(61_000)).toBe(false);
  expect(ask).toHaveBeenCalledTimes(2);
  pulse.answered();
  expect(pulse.takes(62_000)).toBe(true);
});
