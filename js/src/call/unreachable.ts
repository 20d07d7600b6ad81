interface Candidate {
  transport: string;
  address: string;
  port: string;
}

/** Why no media connection came about, as far as a page can tell: what was tried, and what helps. */
export function unreachable(answer: string, within = ""): string {
  const candidates = candidatesIn(answer);
  const tried = candidates.map(spelled).join(", ") || "no address";
  return `No media connection to the hub${within} (tried ${tried}). ${advice(candidates)}`;
}

function advice(candidates: readonly Candidate[]): string {
  const first = candidates[0];
  if (first === undefined) return "The hub named none; its log may say why.";
  const { port } = first;
  const forward = `ssh -L ${port}:127.0.0.1:${port}`;
  const serve = `zego-widget serve --media-port ${port} --public-address 127.0.0.1`;
  if (candidates.every(({ address }) => isLoopback(address))) {
    return (
      `If the hub runs on another machine, forward its media port to this one (${forward}) and ` +
      `start it there with: ${serve}. If it runs here, something on this machine blocks the port.`
    );
  }
  return (
    `Open this port, UDP or TCP, between here and the hub, or forward it to this machine ` +
    `(${forward}) and start the hub with: ${serve}.`
  );
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function spelled({ transport, address, port }: Candidate): string {
  return `${transport} ${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** What an answer names, each once, in the order of the answer. */
function candidatesIn(sdp: string): Candidate[] {
  const found = new Map<string, Candidate>();
  for (const match of sdp.matchAll(/^a=candidate:\S+ 1 (\S+) \d+ (\S+) (\d+) /gm)) {
    const [, transport = "", address = "", port = ""] = match;
    const candidate = { transport: transport.toUpperCase(), address, port };
    found.set(spelled(candidate), candidate);
  }
  return [...found.values()];
}
