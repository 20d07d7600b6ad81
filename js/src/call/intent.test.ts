import { expect, test } from "vitest";
import { Intent } from "./intent";

test("a start that the kernel has not heard yet is not undone by its old state", () => {
  const intent = new Intent();
  intent.startPressed();
  expect(intent.believes("idle")).toBe(false);
  expect(intent.believes("disconnected")).toBe(false);
  intent.kernelState("connecting");
  intent.kernelState("idle");
  expect(intent.believes("idle")).toBe(true);
});

test("becoming refused is news even when the start was not seen to be heard", () => {
  const intent = new Intent();
  intent.startPressed();
  intent.kernelState("refused");
  expect(intent.believes("refused")).toBe(true);
});

test("being still refused from the last time is no news", () => {
  const intent = new Intent();
  intent.kernelState("refused");
  intent.startPressed();
  intent.kernelState("refused");
  expect(intent.believes("refused")).toBe(false);
});

test("after Stop call through the hub the kernel's in_call is old until it rested", () => {
  const intent = new Intent();
  intent.kernelState("in_call");
  intent.stopPressed(false);
  expect(intent.believes("in_call")).toBe(false);
  intent.kernelState("idle");
  intent.kernelState("connecting");
  expect(intent.believes("connecting")).toBe(true);
});

test("after Stop call through a busy kernel its late start is not followed", () => {
  const intent = new Intent();
  intent.startPressed();
  intent.stopPressed(true);
  intent.kernelState("connecting");
  expect(intent.believes("connecting")).toBe(false);
  intent.answered("connecting");
  expect(intent.believes("connecting")).toBe(false);
  intent.kernelState("idle");
  intent.kernelState("connecting");
  expect(intent.believes("connecting")).toBe(true);
});

test("a kernel that answers at rest has done with the stop", () => {
  const intent = new Intent();
  intent.stopPressed(true);
  intent.answered("idle");
  intent.kernelState("connecting");
  expect(intent.believes("connecting")).toBe(true);
});

test("a call that the hub ended is not joined again on the kernel's old word", () => {
  const intent = new Intent();
  intent.kernelState("in_call");
  intent.ended();
  expect(intent.believes("in_call")).toBe(false);
  intent.startPressed();
  expect(intent.believes("in_call")).toBe(true);
});

test("after Stop call and Start call the kernel's first start and its end are old news", () => {
  const intent = new Intent();
  intent.startPressed();
  intent.stopPressed(true);
  expect(intent.endUnheard).toBe(true);
  intent.startPressed();
  intent.kernelState("connecting");
  intent.kernelState("idle");
  expect(intent.believes("idle")).toBe(false);
  intent.kernelState("connecting");
  expect(intent.startHeard).toBe(true);
  intent.kernelState("idle");
  expect(intent.believes("idle")).toBe(true);
});
