import { expect, test } from "vitest";
import { unreachable } from "./unreachable";

const answer = (...candidates: string[]) =>
  ["v=0", ...candidates.map((line) => `a=candidate:${line}`), ""].join("\r\n");

test("UDP and TCP addresses are named once each", () => {
  const said = unreachable(
    answer(
      "1 1 udp 2130706431 127.0.0.1 40353 typ host",
      "1 1 udp 2130706431 127.0.0.1 40353 typ host",
      "2 1 tcp 1518280447 ::1 40353 typ host tcptype passive",
    ),
    " within 15 s",
  );
  expect(said).toContain("to the hub within 15 s (tried UDP 127.0.0.1:40353, TCP [::1]:40353).");
});

test("where the hub is on loopback, a port forward helps those who are elsewhere", () => {
  const said = unreachable(answer("1 1 udp 2130706431 127.0.0.1 40353 typ host"));
  expect(said).toContain("ssh -L 40353:127.0.0.1:40353");
  expect(said).toContain("zego-widget serve --media-port 40353 --public-address 127.0.0.1");
  expect(said).toContain("another machine");
});

test("where the hub has an address in the network, its port has to be open", () => {
  const said = unreachable(
    answer(
      "1 1 udp 2130706431 203.0.113.7 4000 typ host",
      "2 1 udp 2130706175 127.0.0.1 4000 typ host",
    ),
  );
  expect(said).toContain("Open this port, UDP or TCP");
  expect(said).toContain("ssh -L 4000:127.0.0.1:4000");
});

test("an answer without an address says so", () => {
  expect(unreachable("v=0\r\n")).toContain("tried no address");
});
