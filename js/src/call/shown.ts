import type { PublishChannel } from "../protocol.gen";

/** What a view shows of its engine. */
export type Shown =
  | { kind: "call" }
  | { kind: "local"; channel: PublishChannel }
  | { kind: "stream"; streamId: string }
  | { kind: "empty" };

/** How a picture fills its view (ZegoViewMode). */
export const ViewMode = { ASPECT_FIT: 0, ASPECT_FILL: 1, SCALE_TO_FILL: 2 } as const;
export type ViewMode = (typeof ViewMode)[keyof typeof ViewMode];
