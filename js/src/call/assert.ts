/** An invariant of this code is broken: a bug of ours, never something the hub or the kernel sent. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
