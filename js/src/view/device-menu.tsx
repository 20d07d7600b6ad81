import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import type { PageCall } from "../call/call";
import { shownName } from "../call/names";
import type { CallSnapshot } from "../call/snapshot";
import type { PageDevice } from "../protocol.gen";
import { DiagnosisItem } from "./diagnosis";
import { SettingsIcon } from "./icons";

const KINDS = ["camera", "microphone", "speaker"] as const;
const LABELS: Record<PageDevice["kind"], string> = {
  camera: "Camera",
  microphone: "Microphone",
  speaker: "Speaker",
};

/** The kinds of devices of which there is a choice. */
export function choosable({ devices }: Pick<CallSnapshot, "devices">): PageDevice["kind"][] {
  return KINDS.filter((kind) => {
    if (kind === "speaker" && !("setSinkId" in HTMLMediaElement.prototype)) return false;
    return devices.filter((device) => device.kind === kind).length > 1;
  });
}

/** The ID of the chosen device; empty where it is gone, since the browser uses another then. */
export function chosen(
  { devices, choice }: Pick<CallSnapshot, "devices" | "choice">,
  kind: PageDevice["kind"],
): string {
  const there = devices.some((d) => d.kind === kind && d.device_id === choice[kind]);
  return there ? choice[kind] : "";
}

/** Which camera, microphone and speaker to use; nothing where there is no choice. */
export function DeviceMenu({
  call,
  now,
}: {
  call: PageCall;
  now: CallSnapshot;
}): JSX.Element | null {
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const kinds = choosable(now);
  if (kinds.length === 0) return null;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape leaves the menu from any of its controls
    <div
      class="zw-settings"
      onKeyDown={(event) => {
        if (event.key !== "Escape" || !open) return;
        event.stopPropagation();
        setOpen(false);
        button.current?.focus({ preventScroll: true });
      }}
    >
      <button
        ref={button}
        type="button"
        class="zw-button zw-button-round"
        aria-label="Choose devices"
        title="Choose devices"
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        <SettingsIcon />
      </button>
      {open && (
        <div class="zw-menu">
          {kinds.map((kind) => (
            <label key={kind}>
              {LABELS[kind]}
              <select
                value={chosen(now, kind)}
                onChange={(event) => call.chooseDevice(kind, event.currentTarget.value)}
              >
                <option value="">The browser's choice</option>
                {now.devices
                  .filter((device) => device.kind === kind)
                  .map((device) => (
                    <option key={device.device_id} value={device.device_id}>
                      {shownName(device.device_name)}
                    </option>
                  ))}
              </select>
            </label>
          ))}
          <DiagnosisItem />
        </div>
      )}
    </div>
  );
}
