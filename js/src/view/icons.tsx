import type { ComponentChildren, JSX } from "preact";

function Icon({ children }: { children: ComponentChildren }): JSX.Element {
  return (
    <svg class="zw-icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

const Slash = () => (
  <>
    <path class="zw-icon-gap" d="M5 3.5 20.5 19" />
    <path d="M3.5 3.5 20 20" />
  </>
);

const microphone = (
  <>
    <rect class="zw-icon-solid" x="9" y="3" width="6" height="11" rx="3" />
    <path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3M9 21h6" />
  </>
);

const camera = (
  <>
    <rect class="zw-icon-solid" x="3" y="6.5" width="12" height="11" rx="2.5" />
    <path class="zw-icon-solid" d="m15.5 11 5-3v8l-5-3z" />
  </>
);

export const MicrophoneIcon = () => <Icon>{microphone}</Icon>;

export const MicrophoneOffIcon = () => (
  <Icon>
    {microphone}
    <Slash />
  </Icon>
);

export const CameraIcon = () => <Icon>{camera}</Icon>;

export const CameraOffIcon = () => (
  <Icon>
    {camera}
    <Slash />
  </Icon>
);

export const HangUpIcon = () => (
  <Icon>
    <path
      class="zw-icon-solid"
      d="M3.2 13.6c4.9-4.8 12.7-4.8 17.6 0 .5.5.5 1.2.1 1.7l-1.5 1.9c-.4.5-1.1.6-1.7.3l-2.4-1.3c-.4-.3-.7-.7-.6-1.2l.1-1.6c-1.8-.6-3.8-.6-5.6 0l.1 1.6c0 .5-.2.9-.6 1.2l-2.4 1.3c-.6.3-1.3.2-1.7-.3l-1.5-1.9c-.4-.5-.4-1.2.1-1.7z"
    />
  </Icon>
);

export const SoundIcon = () => (
  <Icon>
    <path class="zw-icon-solid" d="M4 9.5h3.5L12 5.5v13l-4.5-4H4z" />
    <path d="M15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11" />
  </Icon>
);

export const ScreenIcon = () => (
  <Icon>
    <rect x="3" y="4.5" width="18" height="12" rx="2" />
    <path d="M12 13.5v-6m-2.5 2.3L12 7.3l2.5 2.5M8 20h8" />
  </Icon>
);

export const SettingsIcon = () => (
  <Icon>
    <path d="M4 7h9m5 0h2M4 17h3m5 0h8" />
    <circle cx="15.5" cy="7" r="2.5" />
    <circle cx="9.5" cy="17" r="2.5" />
  </Icon>
);

export const AgainIcon = () => (
  <Icon>
    <path d="M19.5 12a7.5 7.5 0 1 1-2.4-5.5L19.5 8.8M19.5 4v4.8h-4.8" />
  </Icon>
);
