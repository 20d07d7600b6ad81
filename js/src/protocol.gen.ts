// Written by js/generate_protocol/ from zego_widget/protocol.py; do not edit.

export const PROTOCOL_VERSION = 1;
export const MAX_MESSAGE_BYTES = 1048576;
export const MAX_SDP_BYTES = 262144;
export const CONTROL_LABEL = "control";
export const PLAY_LIMIT = 12;

/** GENERAL ends when every invitee has answered; ADVANCED lives until it is ended (ZIMCallInvitationMode). */
export const CallInvitationMode = {
  GENERAL: 0,
  ADVANCED: 1,
} as const;
export type CallInvitationMode = (typeof CallInvitationMode)[keyof typeof CallInvitationMode];

/** State of a call (ZIMCallState). */
export const CallInvitationState = {
  UNKNOWN: -1,
  STARTED: 1,
  ENDED: 2,
} as const;
export type CallInvitationState = (typeof CallInvitationState)[keyof typeof CallInvitationState];

/** What a call widget is doing; the value of `CallWidget.state`. */
export type CallState =
  | "idle"
  | "connecting"
  | "in_call"
  | "reconnecting"
  | "refused"
  | "disconnected"
  | "closed";

/** State of one user in a call (ZIMCallUserState). This hub gives neither UNKNOWN, OFFLINE nor BE_CANCELLED. */
export const CallUserState = {
  UNKNOWN: -1,
  INVITING: 0,
  ACCEPTED: 1,
  REJECTED: 2,
  CANCELLED: 3,
  OFFLINE: 4,
  RECEIVED: 5,
  TIMEOUT: 6,
  QUIT: 7,
  ENDED: 8,
  NOT_YET_RECEIVED: 9,
  BE_CANCELLED: 10,
} as const;
export type CallUserState = (typeof CallUserState)[keyof typeof CallUserState];

/** 1xxxyyy: ZEGO Express, module xxx; 6000270 on: ZIM's call invitation; from 1900000 on: this project's own. */
export const ErrorCode = {
  SUCCESS: 0,
  COMMON_ENGINE_NOT_CREATE: 1000001,
  COMMON_NOT_LOGIN_ROOM: 1000002,
  COMMON_ENGINE_NOT_STARTED: 1000003,
  COMMON_UNSUPPORTED_PLATFORM: 1000006,
  COMMON_EVENT_HANDLER_EXISTS: 1000008,
  COMMON_STREAM_ID_TOO_LONG: 1000014,
  COMMON_STREAM_ID_NULL: 1000015,
  COMMON_STREAM_ID_INVALID_CHARACTER: 1000016,
  COMMON_ILLEGAL_PARAM: 1000017,
  COMMON_CONFIG_AFTER_ENGINE_STARTED: 1000066,
  COMMON_CONFIG_AFTER_ROOM_LOGGED_IN: 1000067,
  ENGINE_APPID_ZERO: 1001000,
  ENGINE_APPSIGN_INVALID_LENGTH: 1001001,
  ENGINE_APPSIGN_INVALID_CHARACTER: 1001002,
  ENGINE_APPSIGN_NULL: 1001003,
  ENGINE_APPID_INCORRECT_OR_NOT_ONLINE: 1001004,
  ENGINE_APPSIGN_INCORRECT: 1001005,
  ENGINE_LOG_NO_WRITE_PERMISSION: 1001014,
  ROOM_COUNT_EXCEED: 1002001,
  ROOM_ROOMID_INCORRECT: 1002002,
  ROOM_USER_ID_NULL: 1002005,
  ROOM_USER_ID_INVALID_CHARACTER: 1002006,
  ROOM_USER_ID_TOO_LONG: 1002007,
  ROOM_USER_NAME_NULL: 1002008,
  ROOM_USER_NAME_INVALID_CHARACTER: 1002009,
  ROOM_USER_NAME_TOO_LONG: 1002010,
  ROOM_ROOMID_NULL: 1002011,
  ROOM_ROOMID_INVALID_CHARACTER: 1002012,
  ROOM_ROOMID_TOO_LONG: 1002013,
  ROOM_ROOM_EXTRA_INFO_KEY_EMPTY: 1002014,
  ROOM_ROOM_EXTRA_INFO_KEY_TOO_LONG: 1002015,
  ROOM_ROOM_EXTRA_INFO_VALUE_TOO_LONG: 1002016,
  ROOM_ROOM_EXTRA_INFO_EXCEED_KEYS: 1002017,
  ROOM_ERROR_CONNECT_FAILED: 1002030,
  ROOM_ERROR_LOGIN_TIMEOUT: 1002031,
  ROOM_ERROR_AUTHENTICATION_FAILED: 1002033,
  ROOM_ERROR_EXCEED_MAXIMUM_MEMBER: 1002034,
  ROOM_KICKED_OUT: 1002050,
  ROOM_CONNECT_TEMPORARY_BROKEN: 1002051,
  ROOM_DISCONNECT: 1002052,
  ROOM_RETRY_TIMEOUT: 1002053,
  ROOM_MANUAL_KICKED_OUT: 1002055,
  ROOM_TOKEN_EXPIRED_KICKED_OUT: 1002056,
  ROOM_SESSION_EXCEPTION_KICKED_OUT: 1002057,
  ROOM_NO_TOKEN: 1002067,
  ROOM_APP_CALL_API_TOO_FREQUENT: 1002071,
  ROOM_CALL_API_TOO_FREQUENT: 1002072,
  ROOM_APP_CALL_TOO_FREQUENT: 1002073,
  ROOM_TOKEN_INNER_ERROR: 1002074,
  ROOM_TOKEN_FORMAT_ERROR: 1002075,
  ROOM_TOKEN_APPID_ERROR: 1002076,
  ROOM_TOKEN_USERID_ERROR: 1002077,
  ROOM_TOKEN_EXPIRE_ERROR: 1002078,
  ROOM_TOKEN_VERSION_ERROR: 1002079,
  ROOM_TOKEN_NONCETYPE_ERROR: 1002080,
  ROOM_RENEW_TOKEN_NO_PUBLISH_AUTH_ERROR: 1002082,
  PUBLISHER_PUBLISH_STREAM_FAILED: 1003001,
  PUBLISHER_BITRATE_INVALID: 1003002,
  PUBLISHER_TRAFFIC_MODE_INVALID: 1003005,
  PUBLISHER_ERROR_NETWORK_INTERRUPT: 1003020,
  PUBLISHER_ERROR_RETRY_TIMEOUT: 1003021,
  PUBLISHER_ERROR_ALREADY_DO_PUBLISH: 1003023,
  PUBLISHER_ERROR_REPETITIVE_PUBLISH_STREAM: 1003028,
  PUBLISHER_TAKE_PUBLISH_STREAM_SNAPSHOT_FAILED: 1003030,
  PUBLISHER_EXTRA_INFO_NULL: 1003050,
  PUBLISHER_EXTRA_INFO_TOO_LONG: 1003051,
  PUBLISHER_UPDATE_EXTRA_INFO_FAILED: 1003053,
  PUBLISHER_ERROR_DISPATCH_AUTH_ERROR: 1003072,
  PLAYER_PLAY_STREAM_FAILED: 1004001,
  PLAYER_PLAY_STREAM_NOT_EXIST: 1004002,
  PLAYER_COUNT_EXCEED: 1004010,
  PLAYER_STREAM_WAS_NOT_PLAYED: 1004011,
  PLAYER_ERROR_NETWORK_INTERRUPT: 1004020,
  PLAYER_TAKE_PLAY_STREAM_SNAPSHOT_FAILED: 1004030,
  PLAYER_VIDEO_DECODER_NO_SUPPORTTED: 1004080,
  DEVICE_ERROR_TYPE_GENERIC: 1006001,
  DEVICE_ERROR_TYPE_INVALID_ID: 1006002,
  DEVICE_ERROR_TYPE_NO_AUTHORIZATION: 1006003,
  DEVICE_ERROR_TYPE_ZERO_FPS: 1006004,
  DEVICE_ERROR_TYPE_IN_USE_BY_OTHER: 1006005,
  DEVICE_ERROR_TYPE_UNPLUGGED: 1006006,
  DEVICE_SOULD_LEVEL_INTERVAL_INVALID: 1006031,
  DEVICE_ZOOM_FACTOR_INVALID: 1006040,
  IM_CONTENT_NULL: 1009001,
  IM_CONTENT_TOO_LONG: 1009002,
  IM_INCONSISTENT_ROOM_ID: 1009005,
  IM_SEND_FAILED: 1009010,
  IM_USER_ID_EMPTY: 1009011,
  IM_USER_ID_TOO_LONG: 1009012,
  IM_INPUT_PARAMS_LENGTH_LIMIT: 1009013,
  IM_BROADCAST_MESSAGE_QPS_OVERLOAD: 1009015,
  CALL_INVITATION_FAILED: 6000270,
  CALL_INVITATION_ALREADY_ACCEPTED: 6000271,
  CALL_INVITATION_TOO_MANY_INVITEES: 6000272,
  CALL_INVITATION_NOT_INVITER: 6000273,
  CALL_INVITATION_NOT_INVITEE: 6000274,
  CALL_INVITATION_CALL_EXISTS: 6000275,
  CALL_INVITATION_CALL_MISSING: 6000276,
  CALL_INVITATION_NO_INVITEE_REGISTERED: 6000281,
  CALL_INVITATION_ALREADY_IN_CALL: 6000283,
  CALL_INVITATION_WRONG_MODE: 6000286,
  PROTOCOL_MALFORMED_MESSAGE: 1900001,
  PROTOCOL_UNKNOWN_MESSAGE: 1900002,
  PROTOCOL_VERSION_MISMATCH: 1900003,
  PROTOCOL_UNEXPECTED_MESSAGE: 1900004,
  HUB_UNREACHABLE: 1900010,
  HUB_UNAUTHORIZED: 1900011,
  HUB_OVERLOADED: 1900012,
  HUB_STOPPING: 1900013,
  HUB_INTERNAL_ERROR: 1900014,
  MEDIA_BAD_OFFER: 1900020,
  MEDIA_CONNECT_FAILED: 1900021,
  MEDIA_TOO_MANY_PEERS: 1900022,
  MEDIA_UNKNOWN_PEER: 1900023,
  MEDIA_PAGE_SILENT: 1900024,
} as const;
export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** State of one WebRTC connection between a page (or a Python participant) and the hub. */
export type PeerState = "new" | "connecting" | "connected" | "closed";

/** Which of a user's streams is meant (ZegoPublishChannel): main is the camera, aux the screen. */
export const PublishChannel = {
  MAIN: 0,
  AUX: 1,
} as const;
export type PublishChannel = (typeof PublishChannel)[keyof typeof PublishChannel];

/** State of the camera or microphone behind a stream (ZegoRemoteDeviceState). */
export const RemoteDeviceState = {
  OPEN: 0,
  GENERIC_ERROR: 1,
  NO_AUTHORIZATION: 3,
  IN_USE_BY_OTHER: 5,
  UNPLUGGED: 6,
  DISABLE: 9,
  MUTE: 10,
  NOT_SUPPORT: 15,
} as const;
export type RemoteDeviceState = (typeof RemoteDeviceState)[keyof typeof RemoteDeviceState];

/** Why the state of a room changed for this user (ZegoRoomStateChangedReason). */
export const RoomStateChangedReason = {
  LOGINING: 0,
  LOGINED: 1,
  LOGIN_FAILED: 2,
  RECONNECTING: 3,
  RECONNECTED: 4,
  RECONNECT_FAILED: 5,
  KICK_OUT: 6,
  LOGOUT: 7,
  LOGOUT_FAILED: 8,
} as const;
export type RoomStateChangedReason =
  (typeof RoomStateChangedReason)[keyof typeof RoomStateChangedReason];

/** Why a stream was deleted (`stream_delete_reason` in ZEGO's extended data). */
export const StreamDeleteReason = {
  STOPPED: 1,
  HEARTBEAT_TIMEOUT: 2,
  REPEAT_LOGIN: 3,
  KICKED_OUT: 4,
  OFFLINE: 5,
  REMOVED_BY_SERVER: 6,
} as const;
export type StreamDeleteReason = (typeof StreamDeleteReason)[keyof typeof StreamDeleteReason];

/** How good a stream, or the network of a user, is (ZegoStreamQualityLevel). */
export const StreamQualityLevel = {
  EXCELLENT: 0,
  GOOD: 1,
  MEDIUM: 2,
  BAD: 3,
  DIE: 4,
  UNKNOWN: 5,
} as const;
export type StreamQualityLevel = (typeof StreamQualityLevel)[keyof typeof StreamQualityLevel];

/** What an update says of its list (ZegoUpdateType). */
export const UpdateType = {
  ADD: 0,
  DELETE: 1,
} as const;
export type UpdateType = (typeof UpdateType)[keyof typeof UpdateType];

/** Who sees the camera mirrored: oneself, the others (ZegoVideoMirrorMode). */
export const VideoMirrorMode = {
  ONLY_PREVIEW_MIRROR: 0,
  BOTH_MIRROR: 1,
  NO_MIRROR: 2,
  ONLY_PUBLISH_MIRROR: 3,
} as const;
export type VideoMirrorMode = (typeof VideoMirrorMode)[keyof typeof VideoMirrorMode];

/** Who speaks in the room from now on; both are None when nobody does, or nobody whom this peer plays. */
export interface ActiveSpeaker {
  type: "active_speaker";
  stream_id: string | null;
  user_id: string | null;
}

/** Answers `Offer`. */
export interface Answer {
  type: "answer";
  request_id: number;
  peer_id: string;
  sdp: string;
  captures: boolean;
}

/** A barrage message (ZegoBarrageMessageInfo); `send_time` is the hub's clock in ms since 1970. */
export interface BarrageMessageInfo {
  message: string;
  message_id: string;
  send_time: number;
  from_user: User;
}

/** Barrage messages of others, oldest first (ZEGO onIMRecvBarrageMessage). */
export interface BarrageMessagesReceived {
  type: "barrage_messages_received";
  room_id: string;
  messages: BarrageMessageInfo[];
}

/** A broadcast message (ZegoBroadcastMessageInfo); `send_time` is the hub's clock in ms since 1970. */
export interface BroadcastMessageInfo {
  message: string;
  message_id: number;
  send_time: number;
  from_user: User;
}

/** Broadcast messages of others, oldest first (ZEGO onIMRecvBroadcastMessage). */
export interface BroadcastMessagesReceived {
  type: "broadcast_messages_received";
  room_id: string;
  messages: BroadcastMessageInfo[];
}

/** Take a call (ZIM callAccept). Answered by `CallAcceptanceSent`. */
export interface CallAccept {
  type: "call_accept";
  request_id: number;
  call_id: string;
  extended_data: string;
}

/** Answers `CallAccept`. */
export interface CallAcceptanceSent {
  type: "call_acceptance_sent";
  request_id: number;
  call_id: string;
}

/** Take invitations back before anyone accepts; none named is all (ZIM callCancel). Answered by `CallCancelSent`. */
export interface CallCancel {
  type: "call_cancel";
  request_id: number;
  call_id: string;
  invitees: string[];
  extended_data: string;
}

/** Answers `CallCancel`; `error_invitees` are those who had nothing to cancel. */
export interface CallCancelSent {
  type: "call_cancel_sent";
  request_id: number;
  call_id: string;
  error_invitees: string[];
}

/** End an advanced call for everyone (ZIM callEnd). Answered by `CallEndSent`. */
export interface CallEnd {
  type: "call_end";
  request_id: number;
  call_id: string;
  extended_data: string;
}

/** Answers `CallEnd`. */
export interface CallEndSent {
  type: "call_end_sent";
  request_id: number;
  call_id: string;
  create_time: number;
  accept_time: number;
  end_time: number;
}

/** A call as one of its users sees it (ZIMCallInfo); times are ms since 1970, `end_time` 0 while it goes on. */
export interface CallInfo {
  call_id: string;
  caller: string;
  inviter: string;
  create_time: number;
  end_time: number;
  state: CallInvitationState;
  mode: CallInvitationMode;
  extended_data: string;
  call_user_list: CallUserInfo[];
}

/** To an invitee who need not answer any more (ZIM callInvitationCancelled). */
export interface CallInvitationCancelled {
  type: "call_invitation_cancelled";
  call_id: string;
  inviter: string;
  mode: CallInvitationMode;
  extended_data: string;
}

/** To the caller: the call is there (ZIM callInvitationCreated). */
export interface CallInvitationCreated {
  type: "call_invitation_created";
  call_id: string;
  mode: CallInvitationMode;
  caller: string;
  extended_data: string;
  timeout: number;
  create_time: number;
  call_user_list: CallUserInfo[];
}

/** To all who were in an advanced call when it ended (ZIM callInvitationEnded). */
export interface CallInvitationEnded {
  type: "call_invitation_ended";
  call_id: string;
  caller: string;
  operated_user_id: string;
  extended_data: string;
  mode: CallInvitationMode;
  end_time: number;
}

/** Answers `QueryCallInvitationList`; `next_flag` 0 says that there are no more. */
export interface CallInvitationList {
  type: "call_invitation_list";
  request_id: number;
  call_list: CallInfo[];
  next_flag: number;
}

/** To an invitee (ZIM callInvitationReceived); `timeout` is the whole time for the answer. */
export interface CallInvitationReceived {
  type: "call_invitation_received";
  call_id: string;
  mode: CallInvitationMode;
  timeout: number;
  caller: string;
  inviter: string;
  create_time: number;
  call_user_list: CallUserInfo[];
  extended_data: string;
}

/** Answers `CallInvite`; `error_user_list` are those who were not invited. */
export interface CallInvitationSent {
  type: "call_invitation_sent";
  request_id: number;
  call_id: string;
  timeout: number;
  error_user_list: ErrorUserInfo[];
}

/** To an invitee who did not answer in time (ZIM callInvitationTimeout). */
export interface CallInvitationTimeout {
  type: "call_invitation_timeout";
  call_id: string;
  mode: CallInvitationMode;
}

/** Call 1 to 9 users (ZIM callInvite). Answered by `CallInvitationSent`. */
export interface CallInvite {
  type: "call_invite";
  request_id: number;
  invitees: string[];
  timeout: number;
  mode: CallInvitationMode;
  extended_data: string;
  enable_not_received_check: boolean;
}

/** Come into an advanced call, invited or not (ZIM callJoin). Answered by `CallJoinSent`. */
export interface CallJoin {
  type: "call_join";
  request_id: number;
  call_id: string;
  extended_data: string;
}

/** Answers `CallJoin`; `extended_data` is the call's. */
export interface CallJoinSent {
  type: "call_join_sent";
  request_id: number;
  call_id: string;
  create_time: number;
  join_time: number;
  extended_data: string;
  call_user_list: CallUserInfo[];
}

/** Leave an advanced call (ZIM callQuit). Answered by `CallQuitSent`. */
export interface CallQuit {
  type: "call_quit";
  request_id: number;
  call_id: string;
  extended_data: string;
}

/** Answers `CallQuit`. */
export interface CallQuitSent {
  type: "call_quit_sent";
  request_id: number;
  call_id: string;
  create_time: number;
  accept_time: number;
  quit_time: number;
}

/** Do not take a call (ZIM callReject). Answered by `CallRejectionSent`. */
export interface CallReject {
  type: "call_reject";
  request_id: number;
  call_id: string;
  extended_data: string;
}

/** Answers `CallReject`. */
export interface CallRejectionSent {
  type: "call_rejection_sent";
  request_id: number;
  call_id: string;
}

/** A user in a call (ZIMCallUserInfo); `extended_data` is what the user said last, answering or leaving. */
export interface CallUserInfo {
  user_id: string;
  state: CallUserState;
  extended_data: string;
}

/** To everyone in a call: what became of some of its users (ZIM callUserStateChanged). */
export interface CallUserStateChanged {
  type: "call_user_state_changed";
  call_id: string;
  call_user_list: CallUserInfo[];
}

/** Answers `CallingInvite`; `error_user_list` are those who were not invited. */
export interface CallingInvitationSent {
  type: "calling_invitation_sent";
  request_id: number;
  call_id: string;
  error_user_list: ErrorUserInfo[];
}

/** Ask 1 to 9 users into an advanced call (ZIM callingInvite). Answered by `CallingInvitationSent`. */
export interface CallingInvite {
  type: "calling_invite";
  request_id: number;
  call_id: string;
  invitees: string[];
  extended_data: string;
}

/** The RIDs of the camera's layers that somebody watches (RFC 8853); a page sends no others. Until then, all. */
export interface CameraLayers {
  type: "camera_layers";
  rids: string[];
}

/** Whether this peer captures from now on. */
export interface CaptureChanged {
  type: "capture_changed";
  captures: boolean;
}

/** Close a peer of this session. Answered by `Done`. */
export interface ClosePeer {
  type: "close_peer";
  request_id: number;
  peer_id: string;
}

/** How well packets get through one way between a user and the hub. */
export interface ConnectionQuality {
  level: StreamQualityLevel;
  rtt: number | null;
  loss: number | null;
}

/** What a login shows: a token, or a signature made with the app sign; the signature is looked at first. */
export interface Credential {
  app_id: number;
  token: string;
  signature: string;
  earlier_session_id: string;
  since: number;
}

/** A command of another user (ZEGO onIMRecvCustomCommand). */
export interface CustomCommandReceived {
  type: "custom_command_received";
  room_id: string;
  from_user: User;
  command: string;
}

/** The person asks on this page what is wrong; answered by `Diagnosis`. */
export interface Diagnose {
  type: "diagnose";
  page_id: string;
  request_id: number;
}

/** Answers `Diagnose`: what the kernel sees of itself and of its hub. Nothing in it is secret. */
export interface Diagnosis {
  type: "diagnosis";
  page_id: string;
  request_id: number;
  version: string;
  findings: DiagnosisFinding[];
}

/** What one check found, as of `zego-widget doctor`. */
export interface DiagnosisFinding {
  check: string;
  verdict: "broken" | "limited" | "ok" | "unknown";
  sentence: string;
  advice: string;
}

/** Answers a request that has nothing to return. */
export interface Done {
  type: "done";
  request_id: number;
  at: number;
}

/** A user for whom a request failed, and why (ZIMErrorUserInfo); `reason` is an `ErrorCode`. */
export interface ErrorUserInfo {
  user_id: string;
  reason: number;
}

/** Last message before the hub closes a link or a control channel on its own account. */
export interface Goodbye {
  type: "goodbye";
  code: number;
  message: string;
}

/** Sign of life; the hub answers `HeartbeatAck` with the same `sent_at`. */
export interface Heartbeat {
  type: "heartbeat";
  sent_at: number;
}

/** Answers `Heartbeat`. */
export interface HeartbeatAck {
  type: "heartbeat_ack";
  sent_at: number;
}

/** First message of every link; the hub answers `Welcome` or `Refused` and closes. */
export interface Hello {
  type: "hello";
  protocol: number;
  client: string;
  resumable: boolean;
  resume: Resume | null;
}

/** The person pressed Stop call: the whole session leaves its room, even while its kernel is busy. */
export interface LeaveCall {
  type: "leave_call";
}

/** The page goes away (reload, close): only this peer ends. */
export interface LeavePage {
  type: "leave_page";
}

/** Answers `LoginRoom`; `users` and `streams` are those of the others. */
export interface LoggedIn {
  type: "logged_in";
  request_id: number;
  room_id: string;
  room_session_id: string;
  users: User[];
  streams: Stream[];
  since: number;
}

/** Enter a room (ZEGO loginRoom). Answered by `LoggedIn`. */
export interface LoginRoom {
  type: "login_room";
  request_id: number;
  room_id: string;
  user: User;
  config: RoomConfig;
  auto_play: boolean;
  credential: Credential;
}

/** Leave the room (ZEGO logoutRoom): publishing and playing end, peers are closed. Answered by `Done`. */
export interface LogoutRoom {
  type: "logout_room";
  request_id: number;
  room_id: string;
}

/** Answers `SendBroadcastMessage` and `SendBarrageMessage`. */
export interface MessageSent {
  type: "message_sent";
  request_id: number;
  message_id: string;
}

/** How well packets get through for what this page shows, when it changes and every 2 s at most. */
export interface NetworkQuality {
  type: "network_quality";
  upstream: ConnectionQuality;
  downstream: ConnectionQuality;
  users: UserConnection[];
}

/** Of the users whose streams this session plays, every 2 s (ZEGO onNetworkQuality). */
export interface NetworkQualityUpdate {
  type: "network_quality_update";
  room_id: string;
  users: UserNetworkQuality[];
}

/** A WebRTC offer of a new peer of this session. Answered by `Answer`. */
export interface Offer {
  type: "offer";
  request_id: number;
  peer_id: string;
  sdp: string;
  send_slots: SendSlots;
  capture: "never" | "offer" | "take";
  microphone: RemoteDeviceState;
  camera: RemoteDeviceState;
  plays: string[] | null;
}

/** One publish channel: the camera and microphone (main) or a screen (aux) of a page. */
export interface PageChannel {
  preview: boolean;
  publish: boolean;
  audio: boolean;
  audio_muted: boolean;
  video_muted: boolean;
  width: number;
  height: number;
  fps: number;
  video_kbps: number;
  audio_kbps: number;
  stereo: boolean;
  traffic: PageTraffic;
}

/** A device of the browser; names are empty until the person has allowed its use once. */
export interface PageDevice {
  kind: "camera" | "microphone" | "speaker";
  device_id: string;
  device_name: string;
}

/** All devices of the browser; said once the page is live, and after every change. */
export interface PageDevices {
  type: "page_devices";
  page_id: string;
  devices: PageDevice[];
}

/** The first picture or sound of a published channel was captured, or of a played stream arrived. */
export interface PageFirstFrame {
  type: "page_first_frame";
  page_id: string;
  kind: "audio" | "video";
  channel: PublishChannel | null;
  stream_id: string | null;
}

/** What an engine wants of its pages; the muted microphone and the closed camera are traits of their own. */
export interface PageMedia {
  captures: boolean;
  main: PageChannel;
  aux: PageChannel;
  played: PagePlayed[];
  camera_id: string;
  microphone_id: string;
  speaker_id: string;
  speaker_muted: boolean;
  capture_volume: number;
  mirror: VideoMirrorMode;
  zoom: number;
  sound_period: number;
}

/** Pixels of a published channel or a played stream from now on. */
export interface PagePictureSize {
  type: "page_picture_size";
  page_id: string;
  channel: PublishChannel | null;
  stream_id: string | null;
  width: number;
  height: number;
}

/** How a page plays a stream that is not played as it comes. */
export interface PagePlayed {
  stream_id: string;
  audio_muted: boolean;
  video_muted: boolean;
  volume: number;
}

/** Answers `TakeSnapshot` with one buffer of `width * height * 4` bytes RGBA; 0 by 0: there is no picture. */
export interface PageSnapshot {
  type: "page_snapshot";
  page_id: string;
  request_id: number;
  width: number;
  height: number;
}

/** Loudness, 0 to 100; said every `PageMedia.sound_period`. */
export interface PageSoundLevels {
  type: "page_sound_levels";
  page_id: string;
  captured: number | null;
  played: Record<string, number>;
}

/** Counts of a connected page's streams; said every second. */
export interface PageStats {
  type: "page_stats";
  page_id: string;
  rtt: number | null;
  main: PageStreamStats | null;
  aux: PageStreamStats | null;
  played: Record<string, PageStreamStats>;
}

/** Where a page stands; said after every change. */
export interface PageStatus {
  type: "page_status";
  page_id: string;
  peer_id: string | null;
  captures: boolean;
  microphone: RemoteDeviceState;
  camera: RemoteDeviceState;
  screen: RemoteDeviceState;
  max_zoom: number;
  played: string[];
}

/** One stream. */
export interface PageStreamStats {
  audio: PageTrackStats;
  video: PageTrackStats;
}

/** One kind of one stream; counts are since the stream came (played) or the connection began (published). */
export interface PageTrackStats {
  bytes: number;
  packets: number;
  frames: number;
  frames_decoded: number;
  packets_lost: number;
  loss: number;
}

/** What a page may lower when there is no room for a channel's pictures (ZEGO enableTrafficControl). */
export interface PageTraffic {
  fps: boolean;
  resolution: boolean;
  min_kbps: number;
  ultra_low_fps: boolean;
  min_fps: number;
  min_width: number;
  min_height: number;
}

/** A peer of this session changed its state. */
export interface PeerStateChanged {
  type: "peer_state_changed";
  peer_id: string;
  state: PeerState;
  captures: boolean;
  reason: string;
}

/** The streams of whose pictures a peer of this session is sent none for want of room: all, when it changes. */
export interface PeerVideosPaused {
  type: "peer_videos_paused";
  peer_id: string;
  stream_ids: string[];
}

/** What a peer of this session plays without pictures for their codec: all of it, when it changes. */
export interface PeerVideosRefused {
  type: "peer_videos_refused";
  peer_id: string;
  videos: RefusedVideo[];
}

/** The person pressed Start call on this page. */
export interface PressStart {
  type: "press_start";
  page_id: string;
}

/** The person pressed Stop call and the page has no open control channel. */
export interface PressStop {
  type: "press_stop";
  page_id: string;
}

/** The person muted the microphone on this page, closed the camera, or undid it; None was not pressed. */
export interface PressSwitches {
  type: "press_switches";
  page_id: string;
  microphone_muted: boolean | null;
  camera_enabled: boolean | null;
}

/** My calls, newest first (ZIM queryCallInvitationList). Answered by `CallInvitationList`. */
export interface QueryCallInvitationList {
  type: "query_call_invitation_list";
  request_id: number;
  count: number;
  next_flag: number;
}

/** Answers `ViewHello`: a live kernel owns this widget. Without it a view never opens a camera. */
export interface Ready {
  type: "ready";
  page_id: string;
  protocol: number;
  version: string;
}

/** How many messages of the other side the sender has counted, so that those need not be kept (`Resume`). */
export interface Received {
  type: "received";
  received: number;
}

/** Answers a request that fails; `request_id` is None where the hub could not read which one. */
export interface Refused {
  type: "refused";
  request_id: number | null;
  code: number;
  message: string;
}

/** A stream whose pictures come in a codec that a peer did not offer; its sound is played. */
export interface RefusedVideo {
  stream_id: string;
  codec: string;
}

/** Go on with another token (ZEGO renewToken). Answered by `Done`. */
export interface RenewToken {
  type: "renew_token";
  request_id: number;
  room_id: string;
  token: string;
}

/** Attach again what was attached to the room when its hub went down. Answered by `Done`, with `at` if it is taken. */
export interface RestoreRoomExtraInfo {
  type: "restore_room_extra_info";
  request_id: number;
  room_id: string;
  key: string;
  value: string;
  update_time: number;
  own: boolean;
}

/** Which session a link goes on with, and how much of it the client has. */
export interface Resume {
  session_id: string;
  key: string;
  received: number;
  attempt: number;
}

/** How a user wants to be in a room (ZegoRoomConfig). */
export interface RoomConfig {
  is_user_status_notify: boolean;
  max_member_count: number;
}

/** What is attached to a room (ZegoRoomExtraInfo); `update_time` is the hub's clock in ms since 1970. */
export interface RoomExtraInfo {
  key: string;
  value: string;
  update_user: User;
  update_time: number;
}

/** Another changed what is attached to the room, or a newcomer finds it (ZEGO onRoomExtraInfoUpdate). */
export interface RoomExtraInfoUpdate {
  type: "room_extra_info_update";
  room_id: string;
  room_extra_infos: RoomExtraInfo[];
}

/** Users in the room, oneself included; after login and every 30 s (ZEGO onRoomOnlineUserCountUpdate). */
export interface RoomOnlineUserCountUpdate {
  type: "room_online_user_count_update";
  room_id: string;
  count: number;
}

/** All a page needs to draw the call; first message on `control`. */
export interface RoomSnapshot {
  type: "room_snapshot";
  room_id: string;
  user: User;
  users: User[];
  streams: Stream[];
  slots: SlotAssignment[];
  captures: boolean;
  stream_id: string | null;
}

/** The state of the room changed for this session (ZEGO onRoomStateChanged). */
export interface RoomStateChanged {
  type: "room_state_changed";
  room_id: string;
  reason: RoomStateChangedReason;
  error_code: number;
  message: string;
}

/** Another changed what is attached to its stream (ZEGO onRoomStreamExtraInfoUpdate). */
export interface RoomStreamExtraInfoUpdate {
  type: "room_stream_extra_info_update";
  room_id: string;
  streams: Stream[];
}

/** Streams of others came or went (ZEGO onRoomStreamUpdate). */
export interface RoomStreamUpdate {
  type: "room_stream_update";
  room_id: string;
  update_type: UpdateType;
  streams: Stream[];
  stream_delete_reason: StreamDeletion[];
}

/** The token of this session ends soon (ZEGO onRoomTokenWillExpire). */
export interface RoomTokenWillExpire {
  type: "room_token_will_expire";
  room_id: string;
  remain_time_in_second: number;
}

/** Others came or went (ZEGO onRoomUserUpdate). */
export interface RoomUserUpdate {
  type: "room_user_update";
  room_id: string;
  update_type: UpdateType;
  users: User[];
}

/** To everyone else in the room; it may be lost (ZEGO sendBarrageMessage). Answered by `MessageSent`. */
export interface SendBarrageMessage {
  type: "send_barrage_message";
  request_id: number;
  room_id: string;
  message: string;
}

/** To everyone else in the room, reliably (ZEGO sendBroadcastMessage). Answered by `MessageSent`. */
export interface SendBroadcastMessage {
  type: "send_broadcast_message";
  request_id: number;
  room_id: string;
  message: string;
}

/** To some users or all others of the room, reliably (ZEGO sendCustomCommand). Answered by `Done`. */
export interface SendCustomCommand {
  type: "send_custom_command";
  request_id: number;
  room_id: string;
  command: string;
  to_user_ids: string[];
}

/** The media identifiers (RFC 8843 `a=mid`) of what a peer sends; None where it has no such slot. */
export interface SendSlots {
  microphone: string | null;
  camera: string | null;
  screen: string | null;
  screen_audio: string | null;
}

/** State of the devices this peer captures from. */
export interface SetDeviceState {
  type: "set_device_state";
  microphone: RemoteDeviceState;
  camera: RemoteDeviceState;
}

/** Attach a text to the room (ZEGO setRoomExtraInfo). Answered by `Done`. */
export interface SetRoomExtraInfo {
  type: "set_room_extra_info";
  request_id: number;
  room_id: string;
  key: string;
  value: string;
}

/** Attach a text to what a channel publishes, now or later (ZEGO setStreamExtraInfo). Answered by `Done`. */
export interface SetStreamExtraInfo {
  type: "set_stream_extra_info";
  request_id: number;
  extra_info: string;
  channel: PublishChannel;
}

/** Be there for calls, without a room (ZIM login). Answered by `Done`. */
export interface SignIn {
  type: "sign_in";
  request_id: number;
  user: User;
  credential: Credential;
}

/** Be there no more (ZIM logout); not while in a room. Answered by `Done`. */
export interface SignOut {
  type: "sign_out";
  request_id: number;
}

/** This session can no longer be called: its user is somewhere else now. */
export interface SignedOut {
  type: "signed_out";
  user_id: string;
  error_code: number;
  message: string;
}

/** Which receive slots of this peer show a stream; a mid is None where the stream has no such track. */
export interface SlotAssignment {
  stream_id: string;
  audio_mid: string | null;
  video_mid: string | null;
}

/** The complete assignment of this peer's receive slots; what is not listed is free. */
export interface SlotsChanged {
  type: "slots_changed";
  slots: SlotAssignment[];
}

/** How loud the streams are that this peer plays, when it changes and every 200 ms at most. */
export interface SoundLevels {
  type: "sound_levels";
  levels: Record<string, number>;
}

/** Play a stream on every peer of this session (ZEGO startPlayingStream). Answered by `Done`. */
export interface StartPlaying {
  type: "start_playing";
  request_id: number;
  stream_id: string;
}

/** Publish a channel of this session as `stream_id` (ZEGO startPublishingStream). Answered by `Done`. */
export interface StartPublishing {
  type: "start_publishing";
  request_id: number;
  stream_id: string;
  channel: PublishChannel;
}

/** Stop playing a stream (ZEGO stopPlayingStream). Answered by `Done`. */
export interface StopPlaying {
  type: "stop_playing";
  request_id: number;
  stream_id: string;
}

/** End what a channel publishes (ZEGO stopPublishingStream). Answered by `Done`. */
export interface StopPublishing {
  type: "stop_publishing";
  request_id: number;
  channel: PublishChannel;
}

/** A published stream (ZegoStream) with the state of the devices behind it. */
export interface Stream {
  stream_id: string;
  user: User;
  extra_info: string;
  microphone: RemoteDeviceState;
  camera: RemoteDeviceState;
}

/** Why one stream went (ZEGO extendedData.stream_delete_reason). */
export interface StreamDeletion {
  stream_id: string;
  code: StreamDeleteReason;
}

/** A device behind another's stream changed (ZEGO onRemoteCameraStateUpdate, onRemoteMicStateUpdate). */
export interface StreamStateChanged {
  type: "stream_state_changed";
  room_id: string;
  stream: Stream;
}

/** The page named is asked for the present picture of a channel or a stream; answered by `PageSnapshot`. */
export interface TakeSnapshot {
  type: "take_snapshot";
  page_id: string;
  request_id: number;
  channel: PublishChannel | null;
  stream_id: string | null;
}

/** How large a page shows the picture of a stream, in device pixels; 0 x 0 where nobody can see it. */
export interface TileSize {
  stream_id: string;
  width: number;
  height: number;
}

/** The tiles of the page; a stream that is not listed is sent as large as it is. */
export interface TileSizes {
  type: "tile_sizes";
  tiles: TileSize[];
}

/** A participant (ZegoUser). `user_name` falls back to `user_id`. */
export interface User {
  user_id: string;
  user_name: string;
}

/** What the hub receives of a user. */
export interface UserConnection {
  user_id: string;
  upstream: ConnectionQuality;
}

/** How well packets get through between one user and the hub. */
export interface UserNetworkQuality {
  user_id: string;
  upstream: StreamQualityLevel;
  downstream: StreamQualityLevel;
}

/** Streams whose pictures this peer is not sent, because its connection has no room for them: all, when it changes. */
export interface VideosPaused {
  type: "videos_paused";
  stream_ids: string[];
}

/** What this peer is not sent for its codec: all of it, when it changes. Until then, nothing. */
export interface VideosRefused {
  type: "videos_refused";
  videos: RefusedVideo[];
}

/** A page's call object exists and listens; the kernel answers `Ready`. */
export interface ViewHello {
  type: "view_hello";
  protocol: number;
  page_id: string;
}

/** Answers `Hello`. */
export interface Welcome {
  type: "welcome";
  protocol: number;
  version: string;
  session_id: string;
  heartbeat_interval: number;
  heartbeat_timeout: number;
  resume_key: string;
  resumed: boolean;
  received: number;
}

export type ClientMessage =
  | Hello
  | LoginRoom
  | LogoutRoom
  | RenewToken
  | StartPublishing
  | StopPublishing
  | StartPlaying
  | StopPlaying
  | Offer
  | ClosePeer
  | SendBroadcastMessage
  | SendBarrageMessage
  | SendCustomCommand
  | SetRoomExtraInfo
  | RestoreRoomExtraInfo
  | SetStreamExtraInfo
  | SignIn
  | SignOut
  | CallInvite
  | CallCancel
  | CallAccept
  | CallReject
  | CallingInvite
  | CallJoin
  | CallQuit
  | CallEnd
  | QueryCallInvitationList
  | Heartbeat
  | Received;

export type HubMessage =
  | Welcome
  | Done
  | Refused
  | LoggedIn
  | Answer
  | RoomStateChanged
  | RoomTokenWillExpire
  | RoomUserUpdate
  | RoomStreamUpdate
  | StreamStateChanged
  | PeerStateChanged
  | PeerVideosPaused
  | PeerVideosRefused
  | NetworkQualityUpdate
  | MessageSent
  | BroadcastMessagesReceived
  | BarrageMessagesReceived
  | CustomCommandReceived
  | RoomExtraInfoUpdate
  | RoomStreamExtraInfoUpdate
  | RoomOnlineUserCountUpdate
  | SignedOut
  | CallInvitationSent
  | CallCancelSent
  | CallAcceptanceSent
  | CallRejectionSent
  | CallingInvitationSent
  | CallJoinSent
  | CallQuitSent
  | CallEndSent
  | CallInvitationList
  | CallInvitationCreated
  | CallInvitationReceived
  | CallInvitationCancelled
  | CallInvitationEnded
  | CallInvitationTimeout
  | CallUserStateChanged
  | HeartbeatAck
  | Received
  | Goodbye;

export type PageMessage = SetDeviceState | TileSizes | LeaveCall | LeavePage | Heartbeat;

export type ControlMessage =
  | RoomSnapshot
  | RoomUserUpdate
  | RoomStreamUpdate
  | StreamStateChanged
  | SlotsChanged
  | VideosRefused
  | VideosPaused
  | CaptureChanged
  | CameraLayers
  | SoundLevels
  | ActiveSpeaker
  | NetworkQuality
  | RoomStateChanged
  | HeartbeatAck
  | Refused
  | Goodbye;

export type ViewMessage =
  | ViewHello
  | PressStart
  | PressStop
  | PressSwitches
  | Offer
  | ClosePeer
  | PageDevices
  | PageStatus
  | PageFirstFrame
  | PagePictureSize
  | PageStats
  | PageSoundLevels
  | PageSnapshot
  | Diagnose;

export type KernelMessage = Ready | Answer | Refused | Done | TakeSnapshot | Diagnosis;
