import { PLAY_LIMIT, type SendSlots } from "../protocol.gen";
import { layerEncodings } from "./layers";

/** The parts of a peer's one offer, in the order in which they are offered. */
export interface Slots {
  readonly send: Record<keyof SendSlots, RTCRtpTransceiver>;
  readonly receive: readonly RTCRtpTransceiver[];
}

/**
 * Put everything a call can ever need into the one offer: publishing is `replaceTrack` on a send slot, playing
 * is the hub pointing a stream at a pair of receive slots.
 */
export function addSlots(connection: RTCPeerConnection): Slots {
  const add = (
    kind: "audio" | "video",
    direction: RTCRtpTransceiverDirection,
    sendEncodings?: RTCRtpEncodingParameters[],
  ): RTCRtpTransceiver => {
    const init = sendEncodings ? { direction, sendEncodings } : { direction };
    const transceiver = connection.addTransceiver(kind, init);
    const capabilities = RTCRtpReceiver.getCapabilities(kind);
    if (capabilities && "setCodecPreferences" in transceiver) {
      transceiver.setCodecPreferences(offeredCodecs(kind, capabilities.codecs));
    }
    return transceiver;
  };
  const send = {
    microphone: add("audio", "sendonly"),
    camera: add("video", "sendonly", layerEncodings()),
    screen: add("video", "sendonly"),
    screen_audio: add("audio", "sendonly"),
  };
  const receive = (["audio", "video"] as const).flatMap((kind) =>
    Array.from({ length: PLAY_LIMIT }, () => add(kind, "recvonly")),
  );
  return { send, receive };
}

/** The mids of the send slots; known once the offer is the local description. */
export function sendSlots(slots: Slots): SendSlots {
  const { microphone, camera, screen, screen_audio } = slots.send;
  return {
    microphone: microphone.mid,
    camera: camera.mid,
    screen: screen.mid,
    screen_audio: screen_audio.mid,
  };
}

type Codec = Pick<RTCRtpCodec, "mimeType" | "sdpFmtpLine">;

/** What the hub forwards: Opus; VP8, then H.264 where the browser has it, both with retransmission. */
export function offeredCodecs<C extends Codec>(kind: "audio" | "video", codecs: readonly C[]): C[] {
  const named = (name: string) => codecs.filter((c) => c.mimeType.toLowerCase() === name);
  if (kind === "audio") return named("audio/opus");
  const h264 = named("video/h264").filter((c) => c.sdpFmtpLine?.includes("packetization-mode=1"));
  return [...named("video/vp8"), ...h264, ...named("video/rtx")];
}
