const OPUS = /^a=rtpmap:(\d+) opus\/48000\/2\r\n/gim;

/** An offer that also takes NACKs about sound: browsers answer them, but do not offer it by themselves (RFC 4585, 4.2). */
export function withAudioNack(sdp: string): string {
  return sdp.replaceAll(
    OPUS,
    (rtpmap, payloadType) => `${rtpmap}a=rtcp-fb:${payloadType} nack\r\n`,
  );
}
