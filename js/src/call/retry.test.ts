import { expect, test } from "vitest";
import { retryDelay } from "./retry";

test.each([
  [0, 0.5, 0],
  [1, 0.5, 0.3],
  [2, 0.5, 1.2],
  [3, 0.5, 2.7],
  [4, 0.5, 4.8],
  [5, 0, 7],
  [5, 0.5, 7.5],
  [100, 0.99, 7.99],
])("attempt %i with chance %f waits %f s", (attempt, random, seconds) => {
  expect(retryDelay(attempt, random)).toBeCloseTo(seconds);
});
